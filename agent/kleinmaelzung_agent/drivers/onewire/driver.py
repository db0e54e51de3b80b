"""`driver = "onewire"`: thermometers on the kernel's 1-wire bus, by its files. Reading takes 750 ms: in a thread."""

import asyncio
import errno
import functools
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from kleinmaelzung_agent.configuration.tables import Table, shown
from kleinmaelzung_agent.drivers import channel, settings
from kleinmaelzung_agent.drivers.blocking import HungError, Worker
from kleinmaelzung_agent.drivers.channel import Channel, ChannelType
from kleinmaelzung_agent.drivers.driver import Ears, Prepared, RefusedError
from kleinmaelzung_agent.drivers.health import Words
from kleinmaelzung_agent.drivers.onewire import sensor_file
from kleinmaelzung_agent.drivers.onewire.sensor_file import Found, NotReadError, WrongCrcError
from kleinmaelzung_agent.drivers.registry import ONEWIRE, Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig, Period
from kleinmaelzung_agent.drivers.transport_port import PortError, plain
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.messages import Command, Reply

EVERY_S: Final = 5.0
TIMEOUT_S: Final = 5.0  # the kernel tries several times, 750 ms each
SHOWN: Final = 8
_FILES: Final = ("w1_slave", "temperature")  # the first says more
_ID = re.compile(r"[0-9a-f]{2}-[0-9a-f]{12}")
_TYPES: Final[Mapping[str, ChannelType]] = {"number": "number"}
_ENABLE: Final = "on a Raspberry Pi enable it: sudo raspi-config, Interface Options, 1-Wire (dtoverlay=w1-gpio)"
WORDS: Final = Words(
    message="answer",
    expected="a measurement with a right CRC",
    unfinished="a part of an answer",
    check="wires, the pull-up of 4.7 kΩ, and the sensor's power",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnewireConfig(InstrumentConfig):
    id: str
    period: Period
    channels: Mapping[str, Channel] = field(default_factory=dict)

    @property
    def words(self) -> Words:
        return WORDS

    @property
    def port_key(self) -> str:
        return f"onewire {self.id}"


def read(table: Table) -> OnewireConfig:
    """The configuration of one thermometer."""
    id_ = table.text("id")
    if id_ and not _ID.fullmatch(id_):
        table.mistake(
            "id", f'expected a name such as "28-0316a279d6ff", as `ls {ONEWIRE}` shows it, found {shown(id_)}'
        )
    period = settings.read_period(table, every_s=EVERY_S, timeout_s=TIMEOUT_S)
    channels = channel.read_all(table, _channel, _TYPES)
    if len(channels) != 1:
        table.mistakes.append(f"{table.place}.channels: expected one, the temperature, found {len(channels)}")
    config = OnewireConfig(
        **settings.read_common(table, {}, [period]),
        place=str(ONEWIRE / id_),
        id=id_,
        period=period,
        channels=channels,
    )
    table.finish()
    return config


def _channel(_: Table, common: dict[str, Any]) -> Channel:
    return Channel(**{**common, "unit": common["unit"] or "°C"})


def make(config: OnewireConfig, places: Places) -> "OnewireDriver":
    return OnewireDriver(config, places.onewire)


class OnewireDriver:
    """A driver.Driver."""

    def __init__(self, config: OnewireConfig, devices: Path) -> None:
        self._config, self._devices = config, devices
        self._worker = Worker(f"onewire {config.id}")

    @property
    def periods(self) -> Sequence[Period]:
        return [self._config.period]

    @asynccontextmanager
    async def connected(self, ears: Ears) -> AsyncIterator["_Connection"]:
        """The kernel opens nothing: the sensor is there when its directory is."""
        with self._worker.used():
            look = functools.partial(find_file, self._devices, self._config.id)
            file = await _call(self._worker, look, self._config)
            ears.opened()
            yield _Connection(self._config, self._worker, file, ears)

    def prepare(self, command: Command) -> Prepared:
        raise RefusedError(f"unknown command {command.name!r:.40}, expected none: a thermometer takes none")


class _Connection:
    """A driver.Connection."""

    recorded = b""

    def __init__(self, config: OnewireConfig, worker: Worker, file: Path, ears: Ears) -> None:
        self._config, self._worker, self._file, self._ears = config, worker, file, ears
        self._lock = asyncio.Lock()

    async def lost(self) -> str:
        gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await gone  # each reading shows whether it is there

    async def begin(self) -> None:
        """It can be read at once."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        async with self._lock:
            yield

    async def start(self) -> int:
        return 0

    async def poll(self, index: int) -> Reading:
        text = await _call(self._worker, functools.partial(_content, self._file), self._config)
        taken_ns, counters = time.monotonic_ns(), self._ears.counters
        family = self._config.id[:2]
        try:
            look = sensor_file.read_slave if self._file.name == "w1_slave" else sensor_file.read_temperature
            found = look(text, family)
        except NotReadError as error:
            if isinstance(error, WrongCrcError):
                counters.wrong_checksums += 1
            else:
                counters.rejected_lines += 1
            self._ears.garbled(is_news=True)
            raise TimeoutError(str(error)) from error
        counters.lines += 1
        (one,) = self._config.channels.values()
        return _reading(found, one, taken_ns)

    async def execute(self, prepared: Prepared, timeout_s: float) -> tuple[Reply, bool]:
        raise AssertionError("a thermometer has no command")


def _reading(found: Found, one: Channel, taken_ns: int) -> Reading:
    value = None if found.celsius is None else channel.scaled(found.celsius, one)
    quality = {one.name: found.quality} if found.quality else {}
    return Reading(values={one.name: value}, units={one.name: one.unit}, quality=quality, taken_ns=taken_ns)


async def _call(worker: Worker, work: Callable[[], T], config: OnewireConfig) -> T:
    try:
        return await worker.call(work, config.period.timeout_s)
    except HungError as error:
        raise PortError(f"1-wire {config.id} hangs: the kernel does not give its file") from error
    except OSError as error:
        raise PortError(_why_not(config.id, error)) from error


def find_file(devices: Path, id_: str) -> Path:
    """The file of a sensor. Raises PortError."""
    for name in _FILES:
        if (file := devices / id_ / name).exists():
            return file
    if not devices.is_dir():
        raise PortError(f"{devices}: there is no 1-wire bus; {_ENABLE}")
    there = sorted(path.name for path in devices.iterdir() if _ID.fullmatch(path.name))
    more = " ..." if len(there) > SHOWN else ""
    seen = f"it sees {', '.join(there[:SHOWN])}{more}" if there else "it sees none: look at wires and pull-up"
    raise PortError(f"the kernel sees no 1-wire sensor {id_}; {seen}")


def _content(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(sensor_file.MAX_LENGTH).decode("ascii", "replace")


def _why_not(id_: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return f"1-wire {id_} is gone: the kernel sees it no more; look at its wires"
        case errno.EACCES | errno.EPERM:
            return f"the file of 1-wire {id_} may not be read by user {os.getuid()}"
    return f"1-wire {id_} could not be read: {plain(error)}"
