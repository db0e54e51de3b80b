"""Bytes of a register to numbers, and back. Pure."""

import struct
from dataclasses import dataclass
from typing import Final, Literal

Order = Literal["big", "little"]
ORDERS: Final[tuple[Order, ...]] = ("big", "little")
TYPES: Final = (
    "uint16", "int16", "uint8", "int8", "uint24", "int24", "uint32", "int32", "uint64", "int64", "float32", "float64",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a number is written."""

    type: str
    order: Order = "big"

    @property
    def length(self) -> int:
        """In bytes."""
        return int(self.type.lstrip("uintfloa")) // 8

    @property
    def is_signed(self) -> bool:
        return self.type[0] == "i"

    @property
    def is_float(self) -> bool:
        return self.type[0] == "f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A number in what was read: `bits` of it after a shift to the right, the first of them the sign if signed."""

    name: str
    at: int
    form: Form
    shift: int = 0
    bits: int = 0  # 0: all that are left

    @property
    def end(self) -> int:
        return self.at + self.form.length


def take(field: Field, content: bytes) -> int | float:
    """Raises ValueError where the content ends before the field."""
    part = content[field.at : field.end]
    if len(part) < field.form.length:
        raise ValueError(f"{field.name} ends at byte {field.end}, and {len(content)} came")
    if field.form.is_float:
        number: float = struct.unpack(_struct(field.form), part)[0]
        return number
    bits = field.bits or 8 * field.form.length - field.shift
    found = (int.from_bytes(part, field.form.order) >> field.shift) & ((1 << bits) - 1)
    return found - (1 << bits) if field.form.is_signed and found >> (bits - 1) else found


def write(number: float, form: Form) -> bytes:
    """The nearest number of that form. Raises ValueError for what does not fit: nothing wraps around."""
    try:
        if form.is_float:
            return struct.pack(_struct(form), number)
        return round(number).to_bytes(form.length, form.order, signed=form.is_signed)
    except OverflowError as error:
        raise ValueError(f"{number:g} does not fit into {form.type}") from error


def _struct(form: Form) -> str:
    return (">" if form.order == "big" else "<") + {4: "f", 8: "d"}[form.length]
