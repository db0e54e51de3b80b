"""A Modbus unit as its profile says it: pymodbus reads requests and builds answers, the values are the simulator's.

[simulator.registers]  holding = { 0x1581 = { value = "setpoint", type = "float32", order = "little" } }
                       input = { 1 = { value = "temperature", scale = 0.1 } }
                       coil = { 0 = { value = "running" } }          discrete = { 3 = { value = "temperature > 80" } }

A `value` is a formula of variables; a bit is set where it is not 0. What is written to a register or coil whose value
is a variable sets that variable; others cannot be written.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerAscii, FramerRTU, FramerSocket
from pymodbus.framer.base import FramerBase
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import formula as formulas
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.drivers.modbus import registers
from kleinmaelzung_agent.drivers.modbus.config import ModbusConfig
from kleinmaelzung_agent.drivers.modbus.register_tables import SPACES
from kleinmaelzung_agent.drivers.modbus.registers import Form
from kleinmaelzung_agent.profiles.profile_files import ProfileError
from kleinmaelzung_agent.simulating.instrument import Say
from kleinmaelzung_agent.simulating.script import Entry
from kleinmaelzung_agent.simulating.variables import Variables

_BITS: Final = ("coil", "discrete")
_SPACES: Final = {1: "coil", 2: "discrete", 3: "holding", 4: "input", 5: "coil", 6: "holding"}
_SPACES.update({15: "coil", 16: "holding", 22: "holding", 23: "holding"})
_FRAMERS: Final[dict[str, type[FramerBase]]] = {"rtu": FramerRTU, "ascii": FramerAscii, "tcp": FramerSocket}
_DECODER: Final = DecodePDU(is_server=True)
SILENCE_S: Final = 0.2  # after it, what comes begins a request


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One value in registers, beginning at `address`, or one bit."""

    address: int
    form: Form
    value: Formula
    scale: float = 1.0
    sets: str = ""  # the variable that a write sets

    def words(self, numbers: Mapping[str, float]) -> list[int]:
        value = formulas.value(self.value, numbers) or 0.0
        if self.form.type == "bit":
            return [int(value != 0)]
        return registers.encode(value, self.form, self.scale, 0.0, rounds=True)[0]

    def says(self, words: Sequence[int]) -> float:
        """What the variable is from now on."""
        if self.form.type == "bit":
            return float(words[0])
        return float(registers.decode(words, self.form)) * self.scale  # type: ignore[arg-type]


@dataclass(slots=True)
class Unit:
    """One unit's registers and bits. `words` stand above the variables, by kind and address."""

    number: int
    framer: type[FramerBase]
    variables: Variables
    entries: Sequence[Entry]
    spaces: Mapping[str, Sequence[Register]]
    words: dict[str, dict[int, int]] = field(default_factory=dict)

    def talk(self, say: Say) -> "ModbusTalk":
        return ModbusTalk(self, say)

    def now(self, space: str) -> dict[int, int]:
        """All that it has; what only a transcript names is 0."""
        numbers = self.variables.at(time.monotonic())
        told = {int(str(key), 0): 0 for entry in self.entries for key in entry.registers.get(space, {})}
        found = {
            register.address + index: word
            for register in self.spaces.get(space, ())
            for index, word in enumerate(register.words(numbers))
        }
        return told | found | self.words.get(space, {})

    async def async_getValues(  # noqa: N802  pymodbus calls it
        self, device_id: int, function: int, address: int, count: int = 1
    ) -> list[int] | ExcCodes:
        there = self.now(_SPACES[function])
        wanted = range(address, address + count)
        return [there[at] for at in wanted] if all(at in there for at in wanted) else ExcCodes.ILLEGAL_ADDRESS

    async def async_setValues(  # noqa: N802
        self, device_id: int, function: int, address: int, values: Sequence[int]
    ) -> ExcCodes | None:
        left, found = list(values), dict[str, float]()
        there = {register.address: register for register in self.spaces.get(_SPACES[function], ()) if register.sets}
        while left:
            register = there.get(address + len(values) - len(left))
            if register is None or register.form.count > len(left):
                return ExcCodes.ILLEGAL_ADDRESS
            words = [int(word) for word in left[: register.form.count]]
            found[register.sets] = register.says(words)
            del left[: len(words)]
        for name, value in found.items():
            self.variables.set(name, value)
        return None


class ModbusTalk:
    """One conversation. pymodbus answers in coroutines, so requests wait for their turn."""

    def __init__(self, unit: Unit, say: Say) -> None:
        self._unit, self._say = unit, say
        self._framer = unit.framer(_DECODER)
        self._pending = b""
        self._heard_s = 0.0
        self._requests: asyncio.Queue[ModbusPDU] = asyncio.Queue(1000)
        self._task = asyncio.create_task(self._answer())

    def heard(self, chunk: bytes) -> None:
        now_s = time.monotonic()
        if now_s - self._heard_s > SILENCE_S:
            self._pending = b""
        self._heard_s = now_s
        self._pending += chunk
        while request := self._request():
            if request.dev_id == self._unit.number:
                with contextlib.suppress(asyncio.QueueFull):  # who does not wait for answers loses what it sends
                    self._requests.put_nowait(request)

    def _request(self) -> ModbusPDU | None:
        try:
            used, request = self._framer.handleFrame(self._pending, 0, 0)
        except ModbusException:  # a function that pymodbus does not know, or a count that is out of range
            used, request = len(self._pending), None
        self._pending = self._pending[used:]
        return request

    async def _answer(self) -> None:
        while True:
            request = await self._requests.get()
            answer = await self._answered(request)
            answer.dev_id, answer.transaction_id = request.dev_id, request.transaction_id
            self._say(self._framer.buildFrame(answer))

    async def _answered(self, request: ModbusPDU) -> ModbusPDU:
        if request.function_code not in _SPACES:
            return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_FUNCTION)
        context: Any = self._unit
        try:
            return await request.datastore_update(context, request.dev_id)
        except ValueError:  # a value that its register cannot hold, or none
            return ExceptionResponse(request.function_code, ExcCodes.DEVICE_FAILURE)

    def close(self) -> None:
        self._task.cancel()


# --- its registers ----------------------------------------------------------------------------------------------------


def made(config: ModbusConfig, variables: Variables, entries: Sequence[Entry], table: Table, framing: str) -> Unit:
    """Raises ProfileError."""
    spaces = _read(table.table("registers"), variables)
    framer = _FRAMERS[framing]
    return Unit(number=config.unit, framer=framer, variables=variables, entries=entries, spaces=spaces)


def _read(table: Table, variables: Variables) -> dict[str, list[Register]]:
    mistakes = table.mistakes
    names = list(variables.courses)
    found = {space: [_register(below, at, space, names) for below, at in _each(table, space)] for space in SPACES}
    table.finish()
    if mistakes:
        raise ProfileError("; ".join(mistakes))
    return {space: [one for one in each if one] for space, each in found.items()}


def _each(table: Table, space: str) -> list[tuple[Table, str]]:
    outer = table.table(space)
    return [(outer.table(name), name) for name in outer.values]


def _register(table: Table, address: str, space: str, names: Sequence[str]) -> Register | None:
    text = table.text("value")
    form = Form(type="bit") if space in _BITS else _form(table)
    scale = table.number("scale", 1.0) if space not in _BITS else 1.0
    table.finish()
    try:
        value, at = formulas.parse(text, names), int(address, 0)
    except formulas.FormulaError as error:
        table.mistake("value", str(error))
        return None
    except ValueError:
        table.mistakes.append(f"{table.place}: expected an address such as 40 or 0x28")
        return None
    return Register(address=at, form=form, value=value, scale=scale, sets=text if text in names else "")


def _form(table: Table) -> Form:
    return Form(
        type=table.choice("type", tuple(registers.TYPES), "int16"),
        order=table.choice("order", ("big", "little"), "big"),
        is_swapped=table.boolean("swap", default=False),
    )
