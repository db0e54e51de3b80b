"""Registers to values and back, exactly: words of 16 bits in, numbers and texts out. Pure; pymodbus knows the types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pymodbus.client.mixin import ModbusClientMixin

from kleinmaelzung_agent.drivers import exact
from kleinmaelzung_agent.drivers.channel import ChannelType
from kleinmaelzung_wire.frames import Value

TYPES: Final[dict[str, ChannelType]] = {
    "uint16": "number",
    "int16": "number",
    "uint32": "number",
    "int32": "number",
    "uint64": "number",
    "int64": "number",
    "float32": "number",
    "float64": "number",
    "bit": "boolean",
    "text": "text",
}
MAX_TEXT: Final = 32  # registers


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a value lies in registers: `count` of them, words in `order`, bytes in each swapped or not."""

    type: str = "uint16"
    order: Literal["big", "little"] = "big"
    is_swapped: bool = False
    bit: int = 0
    length: int = 1  # registers of a text

    @property
    def count(self) -> int:
        if self.type == "text":
            return self.length
        return 1 if self.type == "bit" else int(self.type.lstrip("uintfloa")) // 16

    @property
    def is_integer(self) -> bool:
        return "int" in self.type

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest integer."""
        bits = 16 * self.count
        return (0, 2**bits - 1) if self.type.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def decode(words: Sequence[int], form: Form) -> Value:
    """What the registers hold, not scaled. Raises ValueError for a text that is none."""
    words = [_swapped(word) for word in words] if form.is_swapped else list(words)
    if form.type == "bit":
        return bool(words[0] >> form.bit & 1)
    found: Any = ModbusClientMixin.convert_from_registers(words, _kind(form), form.order, "ascii")
    match form.type:
        case "text":
            return _clean(found)
        case "float32":
            return exact.shortest(found)
    return found  # type: ignore[no-any-return]


def _clean(text: str) -> str:
    text = text.partition("\0")[0].strip()
    if not text.isprintable():
        raise ValueError(f"{text!r:.40} is no text")
    return text


def is_code(value: Value, code: float, form: Form) -> bool:
    """Whether a value is this code: integers may be written with a sign or without one."""
    if not form.is_integer:
        return value == code or (form.type == "float32" and value == exact.shortest(exact.float32(code)))
    assert isinstance(value, int), "it was decoded as an integer"
    modulus = 2 ** (16 * form.count)
    return float(code).is_integer() and value % modulus == int(code) % modulus


def encode(value: float, form: Form, scale: float, offset: float, *, rounds: bool) -> tuple[list[int], Value]:
    """Registers that say `value`, and the value which they say. Raises ValueError with a sentence."""
    if not form.is_integer:
        return _encode_float(exact.unscaled(value, scale, offset), form, scale, offset)
    raw = exact.step(value, scale, offset, form.range, rounds=rounds)
    return _words(raw, form), raw if (scale, offset) == (1.0, 0.0) else exact.scaled(raw, scale, offset)


def _encode_float(raw: float, form: Form, scale: float, offset: float) -> tuple[list[int], Value]:
    try:
        words = _words(raw, form)
    except OverflowError:
        raise ValueError(f"{raw:g} does not fit the register, a {form.type}") from None
    says = exact.shortest(exact.float32(raw)) if form.type == "float32" else raw
    return words, exact.scaled(says, scale, offset)


def _words(raw: float, form: Form) -> list[int]:
    words = ModbusClientMixin.convert_to_registers(raw, _kind(form), form.order)
    return [_swapped(word) for word in words] if form.is_swapped else words


def _kind(form: Form) -> ModbusClientMixin.DATATYPE:
    return ModbusClientMixin.DATATYPE["STRING" if form.type == "text" else form.type.upper()]


def _swapped(word: int) -> int:
    return word >> 8 | (word & 0xFF) << 8
