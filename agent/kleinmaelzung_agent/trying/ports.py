"""`kleinmaelzung-agent ports`: where instruments can be connected on this machine. Nothing is opened, nothing is sent.

/dev, /sys and agent.toml --look()--> Places --> a list for people, or one JSON document
"""

import argparse
import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from kleinmaelzung_agent import serial_ports
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_wire import codec

CONFIG: Final = Path("/etc/kleinmaelzung/agent.toml")
_SAID: Final = ("product", "serial", "idVendor", "idProduct")
NONE: Final = "No serial port is there. Plug an adapter in and look again; `sudo dmesg | tail` says what was seen."


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialPort:
    """`port` is the name that stays, where there is one; `device` what it leads to now."""

    port: str
    device: str
    product: str = ""
    serial: str = ""
    usb: str = ""  # vendor:product
    used_by: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An I2C bus or a 1-wire sensor."""

    name: str
    about: str = ""
    instruments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    serial: tuple[SerialPort, ...] = ()
    i2c: tuple[Place, ...] = ()
    onewire: tuple[Place, ...] = ()


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 looked, 2 the configuration named cannot be used."""
    made = argparse.ArgumentParser(
        prog="kleinmaelzung-agent ports", description="Show where instruments can be connected."
    )
    made.add_argument("--config", type=Path, metavar="FILE", help=f"to show whose a port is; default: {CONFIG}")
    made.add_argument("--json", action="store_true", help="print one JSON document")
    options = made.parse_args(arguments)
    try:
        instruments = config.load(options.config or CONFIG).instruments
    except ConfigError as error:
        if options.config:
            print(error, file=sys.stderr)
            return 2
        instruments = {}
    found = look(instruments)
    print(codec.to_json(asdict(found)) if options.json else "\n".join(shown(found)))
    return 0


def look(
    instruments: Mapping[str, InstrumentConfig], root: Path = serial_ports.ROOT, onewire: Path = registry.ONEWIRE
) -> Places:
    """Everything that is there; `root` is above /dev and /sys."""
    return Places(
        serial=tuple(_serial(root, instruments)),
        i2c=tuple(_i2c(root, instruments)),
        onewire=tuple(_onewire(onewire, instruments)),
    )


# --- serial ports -----------------------------------------------------------------------------------------------------


def _serial(root: Path, instruments: Mapping[str, InstrumentConfig]) -> Iterator[SerialPort]:
    there = serial_ports.find(root)
    configured = [one.port_key for one in instruments.values() if one.driver not in ("i2c", "onewire") and one.port_key]
    for device in dict.fromkeys([*there, *(key for key in configured if os.path.exists(key))]):
        about = _usb(root, device)
        yield SerialPort(
            port=there.get(device, device),
            device=device,
            product=about.get("product", ""),
            serial=about.get("serial", ""),
            usb=":".join(filter(None, (about.get("idVendor"), about.get("idProduct")))),
            used_by=tuple(serial_ports.find_users(device)),
            instruments=_names(instruments, functools.partial(_is_at, device)),
        )


def _usb(root: Path, device: str) -> dict[str, str]:
    """What the USB device says of itself: some levels above the tty in /sys."""
    place = (root / "sys/class/tty" / Path(device).name / "device").resolve()
    for above in [place, *place.parents][:5]:
        if (above / "idVendor").is_file():
            return {key: serial_ports.read_attribute(above / key) for key in _SAID}
    return {}


# --- others -----------------------------------------------------------------------------------------------------------


def _i2c(root: Path, instruments: Mapping[str, InstrumentConfig]) -> Iterator[Place]:
    for path in sorted((root / "dev").glob("i2c-*")):
        said = serial_ports.read_attribute(root / "sys/class/i2c-dev" / path.name / "name")
        yield Place(
            name=str(path),
            about=said,
            instruments=_names(instruments, functools.partial(_is_on_bus, path.name)),
        )


def _onewire(devices: Path, instruments: Mapping[str, InstrumentConfig]) -> Iterator[Place]:
    for path in sorted(devices.glob("*-*")):
        yield Place(
            name=path.name,
            about="thermometer" if (path / "w1_slave").exists() or (path / "temperature").exists() else "",
            instruments=_names(instruments, functools.partial(_is_sensor, path.name)),
        )


def _is_at(device: str, one: InstrumentConfig) -> bool:
    return one.port_key == device


def _is_on_bus(bus: str, one: InstrumentConfig) -> bool:
    return one.driver == "i2c" and Path(one.place.partition(" ")[0]).name == bus


def _is_sensor(name: str, one: InstrumentConfig) -> bool:
    return one.driver == "onewire" and Path(one.place).name == name


def _names(instruments: Mapping[str, InstrumentConfig], is_it: Callable[[InstrumentConfig], bool]) -> tuple[str, ...]:
    return tuple(name for name, one in instruments.items() if is_it(one))


# --- for people -------------------------------------------------------------------------------------------------------


def shown(found: Places) -> Iterator[str]:
    """A few lines for each."""
    yield from _all_serial(found.serial)
    for title, places in (("I2C buses", found.i2c), ("1-wire sensors", found.onewire)):
        if places:
            yield f"\n{title}"
        for one in places:
            yield "  ".join(filter(None, (f"  {one.name}", one.about, _whose(one.instruments))))
    yield "\nFind out how an instrument speaks: kleinmaelzung-agent try --port PORT"


def _all_serial(ports: Iterable[SerialPort]) -> Iterator[str]:
    ports = list(ports)
    yield "Serial ports" if ports else NONE
    for one in ports:
        yield f"  {one.port}"
        is_link = one.port != one.device
        number = f"serial number {one.serial}" if one.serial else ""
        parts = [f"now {one.device}" if is_link else "", one.product, number, f"USB {one.usb}" if one.usb else ""]
        if about := ", ".join(filter(None, parts)):
            yield f"      {about}"
        if one.used_by:
            yield f"      open in {', '.join(one.used_by)}"
        if one.instruments:
            yield f"      {_whose(one.instruments)}"


def _whose(instruments: Sequence[str]) -> str:
    return f"in agent.toml: {', '.join(instruments)}" if instruments else ""
