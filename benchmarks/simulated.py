"""Forty instruments on pseudo-terminals, as a process of their own: what they are, what they say, when they are asked.

    python -m benchmarks.simulated '{"directory": "..."}'

says "ready", then waits for a line `[begin, end]` of the monotonic clock and prints one JSON document: how late each
poll came between these two, and how far each instrument has counted. Every answer has the next number as its value,
so that one that was lost, doubled or invented is found in the database.
"""

import asyncio
import functools
import gc
import json
import math
import os
import pty
import struct
import sys
import time
import tty
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from kleinmaelzung_agent.drivers import checksums

PERIOD_S: Final = 0.1
ANSWER_S: Final = 0.003  # a quick instrument, and its bytes on a quick line
BUS: Final = 4  # units on each of the buses
IDENTITY: Final = b"*IDN?\n"

_TEXT: Final = """
[[instruments.{name}.poll]]
send = "SI"
every = "100ms"
reply = [{{ pattern = 'S (?P<stable>[SD]) +(?P<count>-?[0-9.]+) (?P<unit>\\S+)' }}]
[instruments.{name}.channels.count]
unit_group = "unit"
quality_group = "stable"
quality = {{ S = "good", D = "unstable" }}
"""
_STREAM: Final = """
[[instruments.{name}.stream]]
pairs = {{ N = "count", T = "temperature", RH = "humidity" }}
[instruments.{name}.channels.count]
[instruments.{name}.channels.temperature]
unit = "°C"
[instruments.{name}.channels.humidity]
unit = "%"
"""
_SCPI: Final = """
driver = "scpi"
every = "100ms"
[instruments.{name}.channels.count]
query = "FETC?"
[instruments.{name}.channels.voltage]
query = "FETC?"
field = 2
unit = "V"
"""
_RECORD: Final = """
driver = "binary"
{more}
[[instruments.{name}.record]]
name = "it"
header = "AA 55"
length = 9
checksum = {{ type = "crc16-modbus", order = "little" }}
fields = [{{ name = "count", at = 2, format = "i" }}, {{ name = "status", at = 6, format = "B" }}]
[instruments.{name}.channels.count]
quality_field = "status"
quality_bits = {{ 0 = "unstable" }}
"""
_ASKED: Final = """
[[instruments.{name}.poll]]
send = "46"
every = "100ms"
reply = "it"
"""
_MODBUS: Final = """
driver = "modbus"
unit = {unit}
baudrate = 115200
every = "100ms"
timeout = "500ms"
[instruments.{name}.channels.count]
holding = 0
type = "uint32"
[instruments.{name}.channels.temperature]
holding = 2
type = "int16"
scale = 0.1
unit = "°C"
[instruments.{name}.channels.flow]
holding = 3
type = "float32"
unit = "ml/min"
"""


def _record(count: int) -> bytes:
    content = struct.pack(">2siB", b"\xaa\x55", count, count & 1)
    return content + checksums.compute("crc16-modbus", content).to_bytes(2, "little")


def _registers(unit: int, count: int) -> bytes:
    content = struct.pack(">BBBIhf", unit, 3, 10, count, 234, 1.25)
    return content + checksums.compute("crc16-modbus", content).to_bytes(2, "little")


def _question(unit: int) -> bytes:
    content = struct.pack(">BBHH", unit, 3, 0, 5)
    return content + checksums.compute("crc16-modbus", content).to_bytes(2, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One instrument: its question, nothing where it speaks by itself, and the answer that has a number."""

    name: str
    port: str
    keys: str
    answer: Callable[[int], bytes]
    question: bytes = b""

    @property
    def toml(self) -> str:
        return f'[instruments.{self.name}]\nport = "{{directory}}/{self.port}"\n{self.keys}'


def _of_each_kind() -> Iterator[Simulated]:
    for name in (f"balance{number}" for number in range(12)):
        yield Simulated(name=name, port=name, keys=_TEXT.format(name=name), question=b"SI\r\n",
                        answer=lambda count: b"S %c %10.1f g\r\n" % (b"SD"[count & 1], count))  # fmt: skip
    for name in (f"climate{number}" for number in range(8)):
        yield Simulated(name=name, port=name, keys=_STREAM.format(name=name),
                        answer=lambda count: b"N=%d;T=%.1f;RH=45.0\r\n" % (count, 20 + count % 10))  # fmt: skip
    for name in (f"meter{number}" for number in range(6)):
        yield Simulated(name=name, port=name, keys=_SCPI.format(name=name), question=b"FETC?\n",
                        answer=lambda count: b"%d,+1.234560E+00\n" % count)  # fmt: skip
    for name in (f"pump{number}" for number in range(3)):
        keys = _RECORD.format(name=name, more="") + _ASKED.format(name=name)
        yield Simulated(name=name, port=name, keys=keys, question=b"\x46", answer=_record)
    for name in (f"scale{number}" for number in range(3)):
        yield Simulated(name=name, port=name, keys=_RECORD.format(name=name, more=""), answer=_record)
    for number in range(8):
        name, unit = f"unit{number}", number % BUS + 1
        yield Simulated(name=name, port=f"bus{number // BUS}", keys=_MODBUS.format(name=name, unit=unit),
                        question=_question(unit), answer=functools.partial(_registers, unit))  # fmt: skip


INSTRUMENTS: Final[Sequence[Simulated]] = tuple(_of_each_kind())


def configuration(directory: Path) -> str:
    """The tables of all, for agent.toml."""
    return "".join(one.toml.replace("{directory}", str(directory)) for one in INSTRUMENTS)


def lateness(asked: Sequence[float], begin: float, end: float) -> list[float]:
    """How late the poll of each time of the grid came, in seconds; one that was left out is as late as the next.

    The grid has the period of the polls. Where it lies is theirs too: the hundredth that is earliest is in time.
    """
    first = asked[0]
    middle = sorted((at - first) % PERIOD_S for at in asked)[len(asked) // 2]
    offsets = sorted((at - first - middle + PERIOD_S / 2) % PERIOD_S - PERIOD_S / 2 for at in asked)
    start = first + middle + offsets[len(asked) // 100]
    found, place = [], 0
    for number in range(math.ceil((begin - start) / PERIOD_S), math.floor((end - start) / PERIOD_S)):
        due = start + number * PERIOD_S
        while place < len(asked) and asked[place] < due - PERIOD_S / 10:
            place += 1
        found.append(max(asked[place] - due, 0.0) if place < len(asked) else end - due)
    return found


@dataclass(slots=True)
class Seen:
    """One instrument while it runs."""

    simulated: Simulated
    count: int = 0
    asked: "array[float]" = field(default_factory=lambda: array("d"))


class Port:
    """A pseudo-terminal with one instrument or several."""

    def __init__(self, link: Path, seen: Sequence[Seen]) -> None:
        self._by_question = {one.simulated.question: one for one in seen}
        self._questions = [IDENTITY, *(question for question in self._by_question if question)]
        self._pending = b""
        self._loop = asyncio.get_running_loop()
        self._master, device = pty.openpty()  # both stay open to the end
        tty.setraw(device)
        os.set_blocking(self._master, False)
        link.symlink_to(os.ttyname(device))
        self._loop.add_reader(self._master, self._read)
        self._is_ended = False
        self.unexpected = 0

    def _read(self) -> None:
        now = time.monotonic()
        self._pending += os.read(self._master, 4096)
        while found := next((one for one in self._questions if self._pending.startswith(one)), b""):
            self._pending = self._pending.removeprefix(found)
            self._asked(found, now)
        if not any(one.startswith(self._pending) for one in self._questions):
            self.unexpected += 1
            self._pending = b""

    def _asked(self, question: bytes, now: float) -> None:
        if question == IDENTITY:
            os.write(self._master, b"Simulated,Meter,1,1.0\n")
            return
        seen = self._by_question[question]
        seen.asked.append(now)
        self._loop.call_later(ANSWER_S, self.say, seen)

    def end(self) -> None:
        """Say nothing any more."""
        self._is_ended = True
        self._loop.remove_reader(self._master)

    def say(self, seen: Seen) -> None:
        if self._is_ended:
            return
        seen.count += 1
        os.write(self._master, seen.simulated.answer(seen.count))


def _ports(directory: Path, seen: Sequence[Seen]) -> Mapping[str, Port]:
    names = dict.fromkeys(one.simulated.port for one in seen)
    return {name: Port(directory / name, [one for one in seen if one.simulated.port == name]) for name in names}


async def _speak_always(ports: Mapping[str, Port], seen: Sequence[Seen]) -> None:
    """Those that speak by themselves, spread over the period as real ones are."""
    speaking = [one for one in seen if not one.simulated.question]
    at = time.monotonic()
    while True:
        for one in speaking:
            at += PERIOD_S / len(speaking)
            await asyncio.sleep(max(at - time.monotonic(), 0))
            ports[one.simulated.port].say(one)


async def _main(directory: Path) -> None:
    seen = [Seen(one) for one in INSTRUMENTS]
    ports = _ports(directory, seen)
    speaking = asyncio.create_task(_speak_always(ports, seen), name="speaking")
    gc.freeze()
    gc.disable()  # its pauses would count as the agent's
    print("ready", flush=True)
    begin, end = json.loads(await asyncio.to_thread(sys.stdin.readline))
    speaking.cancel()
    for port in ports.values():
        port.end()
    late = {one.simulated.name: lateness(one.asked, begin, end) for one in seen if one.asked}
    told = {
        **summary([each for of_one in late.values() for each in of_one]),
        "worst_instrument_p99_ms": max(summary(of_one)["p99_ms"] for of_one in late.values()),
        "unexpected": sum(port.unexpected for port in ports.values()),
        "said": {one.simulated.name: one.count for one in seen},
    }
    print(json.dumps(told), flush=True)


def summary(late: Sequence[float]) -> dict[str, float]:
    """Of all polls' lateness, in milliseconds."""
    cuts = quantiles(late, n=1000)
    return {
        "polls": len(late),
        "p50_ms": round(cuts[499] * 1000, 2),
        "p99_ms": round(cuts[989] * 1000, 2),
        "worst_ms": round(max(late) * 1000, 2),
        "later_than_the_period": sum(each > PERIOD_S for each in late),
    }


if __name__ == "__main__":
    given: dict[str, Any] = json.loads(sys.argv[1])
    asyncio.run(_main(Path(given["directory"])))
