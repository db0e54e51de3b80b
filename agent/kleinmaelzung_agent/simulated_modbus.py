"""A Modbus unit as its profile says it: pymodbus' own server, with registers that follow the simulator's variables.

[simulator.registers]  holding = { 0x1581 = { value = "setpoint", type = "float32", order = "little" } }
                       input = { 1 = { value = "temperature", scale = 0.1 } }

A register's `value` is a formula of variables. What is written to one whose value is a variable sets that variable;
other registers cannot be written.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from kleinmaelzung_agent.drivers import formula as formulas
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.drivers.modbus import registers
from kleinmaelzung_agent.drivers.modbus.config import ModbusConfig
from kleinmaelzung_agent.drivers.modbus.registers import Form
from kleinmaelzung_agent.profile_files import ProfileError
from kleinmaelzung_agent.simulated_script import Entry
from kleinmaelzung_agent.simulated_variables import Variables
from kleinmaelzung_agent.tables import Table

SPACES: Final = ("holding", "input")
_READ: Final = {3: "holding", 4: "input"}
_WRITE: Final = (6, 16)
_FRAMERS: Final = {"rtu": FramerType.RTU, "ascii": FramerType.ASCII, "tcp": FramerType.SOCKET}


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One value in registers, beginning at `address`."""

    address: int
    form: Form
    value: Formula
    scale: float = 1.0
    sets: str = ""  # the variable that a write sets

    def words(self, numbers: Mapping[str, float]) -> list[int]:
        value = formulas.value(self.value, numbers)
        return registers.encode(value or 0.0, self.form, self.scale, 0.0, rounds=True)[0]


@dataclass(slots=True)
class Unit:
    """One unit's registers. `words` stand above the variables, by kind and address."""

    variables: Variables
    entries: Sequence[Entry]
    spaces: Mapping[str, Sequence[Register]]
    port: int = 0
    words: dict[str, dict[int, int]] = field(default_factory=dict)

    def now(self, space: str) -> dict[int, int]:
        numbers = self.variables.at(time.monotonic())
        found = {
            register.address + index: word
            for register in self.spaces.get(space, ())
            for index, word in enumerate(register.words(numbers))
        }
        return found | self.words.get(space, {})

    async def act(
        self, function: int, start: int, address: int, count: int, current: list[int], given: Sequence[int] | None
    ) -> ExcCodes | None:
        """pymodbus asks before it answers."""
        if given is None:
            for at, word in self.now(_READ.get(function, "")).items():
                if address <= at < address + count:
                    current[at - start] = word
            return None
        return self._write(address, list(given)) if function in _WRITE else ExcCodes.ILLEGAL_FUNCTION

    def _write(self, address: int, given: list[int]) -> ExcCodes | None:
        for register in self.spaces.get("holding", ()):
            if register.address == address and register.sets and register.form.count == len(given):
                value = registers.decode(given, register.form)
                self.variables.set(register.sets, float(value) * register.scale)  # type: ignore[arg-type]
                return None
        return ExcCodes.ILLEGAL_ADDRESS

    def talk(self, say: Any) -> "Forwarded":
        return Forwarded(self.port, say)


class Forwarded:
    """Bytes to the server and back: it has no port of its own where faults could be made."""

    def __init__(self, port: int, say: Any) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(1000)
        self._task = asyncio.create_task(self._forward(port, say))

    def heard(self, chunk: bytes) -> None:
        with contextlib.suppress(asyncio.QueueFull):  # who does not wait for answers loses what it sends
            self._queue.put_nowait(chunk)

    async def _forward(self, port: int, say: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        back = asyncio.create_task(self._back(reader, say))
        try:
            while True:
                writer.write(await self._queue.get())
                await writer.drain()
        finally:
            back.cancel()
            writer.close()

    async def _back(self, reader: asyncio.StreamReader, say: Any) -> None:
        while chunk := await reader.read(4096):
            say(chunk)

    def close(self) -> None:
        self._task.cancel()


@asynccontextmanager
async def served(
    config: ModbusConfig, variables: Variables, entries: Sequence[Entry], table: Table, framing: str
) -> AsyncIterator[Unit]:
    """The unit, while its server runs on this machine. Raises ProfileError."""
    unit = Unit(variables=variables, entries=entries, spaces=_read(table.table("registers"), variables))
    server: Any = ModbusTcpServer(
        [_device(config.unit, unit)],
        framer=_FRAMERS[framing],
        address=("127.0.0.1", 0),
        ignore_missing_devices=True,
    )
    await server.serve_forever(background=True)
    unit.port = int(server.transport.sockets[0].getsockname()[1])
    try:
        yield unit
    finally:
        await server.shutdown()


def _device(number: int, unit: Unit) -> SimDevice:
    bits = [SimData(0, values=[False] * 8, datatype=DataType.BITS)]
    holding, inputs = _data(unit, "holding"), _data(unit, "input")
    return SimDevice(id=number, simdata=(bits, bits, holding, inputs), action=unit.act)


def _data(unit: Unit, space: str) -> list[SimData]:
    told = {int(str(key), 0) for entry in unit.entries for key in entry.registers.get(space, {})}
    addresses = sorted({*unit.now(space), *told})
    found = [SimData(address, values=[0], datatype=DataType.REGISTERS) for address in addresses]
    return found or [SimData(0xFFFF, values=[0], datatype=DataType.REGISTERS)]


def _read(table: Table, variables: Variables) -> dict[str, list[Register]]:
    mistakes = table.mistakes
    found = {space: [_register(below, name) for below, name in _each(table, space)] for space in SPACES}
    table.finish()
    made = {space: [_made(one, below, variables, mistakes) for one, below in each] for space, each in found.items()}
    if mistakes:
        raise ProfileError("; ".join(mistakes))
    return made


def _each(table: Table, space: str) -> list[tuple[Table, str]]:
    outer = table.table(space)
    return [(outer.table(name), name) for name in outer.values]


def _register(table: Table, name: str) -> tuple[Register, Table]:
    form = Form(
        type=table.choice("type", tuple(registers.TYPES), "int16"),
        order=table.choice("order", ("big", "little"), "big"),
        is_swapped=table.boolean("swap", default=False),
    )
    scale = table.number("scale", 1.0)
    nothing = formulas.parse("0", ())
    return Register(address=int(name, 0), form=form, value=nothing, scale=scale), table


def _made(register: Register, table: Table, variables: Variables, mistakes: list[str]) -> Register:
    text = table.text("value")
    table.finish()
    try:
        value = formulas.parse(text, list(variables.courses))
    except formulas.FormulaError as error:
        table.mistake("value", str(error))
        return register
    return Register(
        address=register.address,
        form=register.form,
        value=value,
        scale=register.scale,
        sets=text if text in variables.courses else "",
    )
