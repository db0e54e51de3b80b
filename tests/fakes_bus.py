"""Instruments that share one pseudo-terminal, as on an RS-485 bus: each answers to its own address."""

import asyncio
from dataclasses import dataclass, field
from typing import Self

from tests.fakes_instruments import Pty


@dataclass
class Unit:
    """One instrument of a bus; its faults are fields to set. `delays` are used up first in, first out."""

    temperature: float
    is_off: bool = False
    delays: list[float] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@dataclass
class Bus:
    """Answers `01 T?` with `01 +23.45 C`, or without the address, and `01 SET x` with `01 OK x`."""

    pty: Pty
    units: dict[str, Unit]
    says_address: bool = True
    _incoming: bytearray = field(default_factory=bytearray)

    def start(self) -> Self:
        self.pty.listen(self._heard)
        return self

    def _heard(self, chunk: bytes) -> None:
        self._incoming += chunk
        *queries, rest = self._incoming.split(b"\r\n")
        self._incoming = bytearray(rest)
        for query in queries:
            address, _, asked = query.decode().partition(" ")
            unit = self.units[address]
            unit.asked.append(asked)
            if not unit.is_off:
                self._answer(address, unit, asked)

    def _answer(self, address: str, unit: Unit, asked: str) -> None:
        answer = f"OK {asked.removeprefix('SET ')}" if asked.startswith("SET") else f"{unit.temperature:+.2f} C"
        line = f"{address} {answer}\r\n" if self.says_address else f"{answer}\r\n"
        delay_s = unit.delays.pop(0) if unit.delays else 0.0
        asyncio.get_running_loop().call_later(delay_s, self.pty.say, line.encode())
