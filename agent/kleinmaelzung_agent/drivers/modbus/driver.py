"""`driver = "modbus"`: registers and coils over RTU, ASCII and TCP. It needs pymodbus, the extra `modbus`."""

import logging

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers.dialogue import Dialogue
from kleinmaelzung_agent.drivers.registry import Places

try:
    from kleinmaelzung_agent.drivers.modbus import config as modbus_config
    from kleinmaelzung_agent.drivers.modbus.config import ModbusConfig
    from kleinmaelzung_agent.drivers.modbus.dialect import ModbusDialect
except ModuleNotFoundError as error:
    raise ImportError(f"{error.name} is not installed: pip install 'kleinmaelzung[modbus]'") from error


def read(table: Table) -> ModbusConfig:
    return modbus_config.read(table)


def make(config: ModbusConfig, places: Places) -> Dialogue:
    # It warns of each frame that it cannot decode; those are counted here, and a babbling line would fill the log.
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    return Dialogue(ModbusDialect(config), places.ports, config)
