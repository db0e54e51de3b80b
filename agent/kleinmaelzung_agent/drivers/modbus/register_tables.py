"""Where and how a value lies in registers: keys of a table in, address and Form out; mistakes are collected."""

from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.configuration.tables import REQUIRED, Table, shown
from kleinmaelzung_agent.drivers.modbus import registers
from kleinmaelzung_agent.drivers.modbus.registers import Form
from kleinmaelzung_agent.drivers.modbus.requests import Space
from kleinmaelzung_agent.drivers.settings import Period

SPACES: Final[tuple[Space, ...]] = ("holding", "input", "coil", "discrete")

_PREFIX: Final = {"coil": 0, "discrete": 1, "input": 3, "holding": 4}  # the first digit of a number such as 40001


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What an instrument's registers have in common unless they say otherwise."""

    period: Period
    is_one_based: bool
    order: str
    is_swapped: bool


def which(table: Table, spaces: tuple[Space, ...]) -> tuple[Space, str]:
    """Which kind of register, and the key that says it."""
    found = [space for space in spaces if space in table]
    if len(found) != 1:
        expected, there = ", ".join(spaces), " and ".join(found) or "none"
        table.mistakes.append(f"{table.place}: expected one of {expected}, found {there}")
    return (found[0], found[0]) if found else (spaces[0], "")


def form(table: Table, usual: Usual, space: Space) -> Form:
    is_bits = space in ("coil", "discrete")
    if is_bits:
        if table.choice("type", ("bit",), "bit") and "bit" in table:
            table.mistake("bit", f"a {space} is one bit already")
        for key in ("scale", "offset"):
            if key in table and "type" not in table:
                table.mistake(key, f"a {space} is no number")
        return Form(type="bit")
    kind = table.choice("type", tuple(registers.TYPES), "bit" if "bit" in table else "uint16")
    if "bit" in table and kind != "bit":
        table.mistake("bit", f'expected type = "bit" beside it, found {shown(kind)}')
    return Form(
        type=kind,
        order=table.choice("order", ("big", "little"), usual.order),
        is_swapped=table.boolean("swap", default=usual.is_swapped),
        bit=table.integer("bit", REQUIRED, minimum=0, maximum=15) if kind == "bit" else 0,
        length=table.integer("length", 1, minimum=1, maximum=registers.MAX_TEXT) if kind == "text" else 1,
    )


def address(table: Table, usual: Usual, space: Space, key: str, count: int) -> int:
    number = table.integer(key, 0, minimum=int(usual.is_one_based), maximum=499_999) if key else 0
    found = _from_one(space, number) if usual.is_one_based else number
    if found + count > 0x10000:
        table.mistake(key, f"expected an address up to {0x10000 - count}, found {found}")
    return found


def _from_one(space: Space, number: int) -> int:
    """40001 and 400001 are the first holding register, as 1 is."""
    prefix = _PREFIX[space]
    for digits in (10_000, 100_000):
        if prefix and prefix * digits < number < (prefix + 1) * digits:
            return number - prefix * digits - 1
    return number - 1
