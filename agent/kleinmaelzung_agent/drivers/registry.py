"""Which drivers there are. Each is a module, loaded only where it is configured, since it may need a library.

    an instrument's table --read()--> InstrumentConfig --make()--> Driver

A driver of one's own is an entry point of the group `kleinmaelzung.drivers`: a module with the same two functions.
"""

import functools
import importlib
import importlib.metadata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers.driver import Driver
from kleinmaelzung_agent.drivers.i2c.buses import Buses
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.drivers.shared_port import Ports

GROUP: Final = "kleinmaelzung.drivers"
_OWN: Final = {
    "text": "kleinmaelzung_agent.drivers.text.driver",
    "scpi": "kleinmaelzung_agent.drivers.scpi.driver",
    "modbus": "kleinmaelzung_agent.drivers.modbus.driver",
    "binary": "kleinmaelzung_agent.drivers.binary.driver",
    "i2c": "kleinmaelzung_agent.drivers.i2c.driver",
    "onewire": "kleinmaelzung_agent.drivers.onewire.driver",
}
USUAL: Final = "text"
ONEWIRE: Final = Path("/sys/bus/w1/devices")  # where the kernel shows what is on its 1-wire buses


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the instruments of one agent share."""

    ports: Ports = field(default_factory=Ports)
    i2c: Buses = field(default_factory=Buses)
    onewire: Path = ONEWIRE


class Module(Protocol):
    """A driver."""

    def read(self, table: Table) -> InstrumentConfig:
        """The configuration of one instrument; mistakes are collected by the table."""
        ...

    def make(self, config: InstrumentConfig, places: Places) -> Driver: ...


def read(table: Table) -> InstrumentConfig | None:
    """The configuration of one instrument; None, and a mistake, where its driver cannot be had."""
    name = table.choice("driver", tuple(known()), USUAL)
    try:
        return _module(name).read(table)
    except ImportError as error:
        table.mistake("driver", f'"{name}" lacks what it needs: {error}')
        return None


def make(config: InstrumentConfig, places: Places) -> Driver:
    return _module(config.driver).make(config, places)


@functools.cache
def known() -> list[str]:
    """Our own drivers first, then installed ones."""
    return list(dict.fromkeys([*_OWN, *sorted(_installed())]))


@functools.cache
def _installed() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}


def _module(name: str) -> Module:
    module: Module = importlib.import_module(_OWN[name]) if name in _OWN else _installed()[name].load()
    return module
