"""`driver = "binary"`: instruments that speak in binary records."""

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers.binary import config as binary_config
from kleinmaelzung_agent.drivers.binary.config import BinaryConfig
from kleinmaelzung_agent.drivers.binary.dialect import BinaryDialect
from kleinmaelzung_agent.drivers.dialogue import Dialogue
from kleinmaelzung_agent.drivers.registry import Places


def read(table: Table) -> BinaryConfig:
    return binary_config.read(table)


def make(config: BinaryConfig, places: Places) -> Dialogue:
    return Dialogue(BinaryDialect(config), places.ports, config)
