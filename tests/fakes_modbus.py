"""Modbus units that we did not write: pymodbus' own server behind a pair of ptys or on TCP, and faults on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.fakes_instruments import Pty

Fault = Callable[[bytes], list[tuple[float, bytes]]]  # an answer, to what comes instead: seconds to wait, bytes


def device(unit: int, *, temperature: int = 234) -> SimDevice:
    """40: int16, 41: uint16 bits, 42: int32, 44: float32, 46: text, 60: NaN, 62: "sensor broken"; inputs likewise."""
    words = [
        SimData(40, values=[temperature, 0b1010], datatype=DataType.REGISTERS),
        SimData(42, values=-100_000, datatype=DataType.INT32),
        SimData(44, values=23.45, datatype=DataType.FLOAT32),
        SimData(46, values="KM-7", datatype=DataType.STRING),
        SimData(60, values=[0x7FC0, 0], datatype=DataType.REGISTERS),
        SimData(62, values=[0x7FFF, 5], datatype=DataType.REGISTERS),
    ]
    bits = [SimData(0, values=[True, False, True, True, False, False, False, True], datatype=DataType.BITS)]
    return SimDevice(id=unit, simdata=(bits, bits, words, words))


def at_once(answer: bytes) -> list[tuple[float, bytes]]:
    return [(0.0, answer)]


@dataclass
class Line:
    """The way from the units to the agent; `fault` changes what comes."""

    outside: Pty
    inside: Pty
    fault: Fault = at_once
    asked: list[bytes] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)

    @property
    def port(self) -> str:
        return self.outside.port

    def plug(self) -> None:
        self.inside.listen(self._from_units)
        self.outside.listen(self._to_units)
        self.inside.plug()
        self.outside.plug()

    def _to_units(self, chunk: bytes) -> None:
        self.asked.append(chunk)
        self.asked_at.append(asyncio.get_running_loop().time())
        self.inside.say(chunk)

    def _from_units(self, chunk: bytes) -> None:
        loop, at = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        for wait_s, piece in self.fault(chunk):
            at += wait_s + 0.0001  # a little apart, since the loop keeps no order among equal times
            loop.call_at(at, self.outside.say, piece)
        self.answered_at.append(at)


@asynccontextmanager
async def units_on_a_line(
    directory: Path, *devices: SimDevice, framer: FramerType = FramerType.RTU
) -> AsyncIterator[Line]:
    """Units on one bus. Like real ones they say nothing to who is not there."""
    with Pty(directory / "units-inside") as inside, Pty(directory / "units") as outside:
        line = Line(outside, inside)
        line.plug()
        server: Any = ModbusSerialServer(
            list(devices), framer=framer, port=inside.port, baudrate=19200, ignore_missing_devices=True
        )
        await server.serve_forever(background=True)
        try:
            yield line
        finally:
            await server.shutdown()


@asynccontextmanager
async def units_on_tcp(*devices: SimDevice, framer: FramerType = FramerType.SOCKET) -> AsyncIterator[int]:
    """Gives their port."""
    server: Any = ModbusTcpServer(list(devices), framer=framer, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        yield int(server.transport.sockets[0].getsockname()[1])
    finally:
        await server.shutdown()
