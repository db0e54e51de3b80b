"""What is written to an instrument and read from it, step by step: tables in, frozen Steps out; and their bytes. Pure.

{ write = "2c 06", wait = "15ms", read = 6, crc = {...}, fields = {...} }      { register = 0x00, read = 2 }
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kleinmaelzung_agent.configuration.tables import Table, shown
from kleinmaelzung_agent.drivers import checksums, formula
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.drivers.i2c import checks, fields
from kleinmaelzung_agent.drivers.i2c.checks import Groups
from kleinmaelzung_agent.drivers.i2c.fields import Field, Form, Order

MAX_STEPS: Final = 32
MAX_WRITTEN: Final = 64
MAX_READ: Final = 256
MAX_FIELDS: Final = 64
LONGEST_WAIT_S: Final = 60.0

Numbers = Mapping[str, int | float]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class UnfitError(ValueError):
    """What is to be written has no value, or does not fit; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """What is put behind the bytes that are written: computed, and rounded to its form."""

    formula: Formula
    form: Form

    def of(self, numbers: Numbers) -> bytes:
        """Raises UnfitError."""
        found = formula.value(self.formula, numbers)
        if found is None:
            raise UnfitError(f"{self.formula.text:.80} has no value here")
        try:
            return fields.write(found, self.form)
        except ValueError as error:
            raise UnfitError(f"{self.formula.text:.80}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Write, wait, read; each may be left out. Without a wait there is no stop between write and read."""

    write: bytes = b""
    number: Number | None = None
    wait_s: float | None = None
    length: int = 0  # of what is read, with checksums
    is_counted: bool = False  # its first byte says how many follow
    has_pec: bool = False
    groups: Groups | None = None
    fields: tuple[Field, ...] = field(default_factory=tuple)
    is_verified: bool = False


def outgoing(step: Step, address: int, numbers: Numbers) -> bytes:
    """What is written. Raises UnfitError."""
    number = step.number.of(numbers) if step.number else b""
    written = step.write + (checks.within(step.groups, number) if step.groups else number)
    is_alone = step.has_pec and written and not step.length
    return written + (checks.PEC.of(bytes([address << 1]) + written) if is_alone else b"")


def read_out(step: Step, address: int, written: bytes, content: bytes) -> dict[str, int | float]:
    """The fields of what came. Raises ValueError for what is not right by its checksums or its count."""
    if step.has_pec:
        head = bytes([address << 1]) + written if written and step.wait_s is None else b""
        content = checks.without_pec(head + bytes([address << 1 | 1]), content)
    if step.groups:
        content = checks.without(step.groups, content)
    if step.is_counted:
        content = _counted(content)
    return {field.name: fields.take(field, content) for field in step.fields}


def _counted(content: bytes) -> bytes:
    count = content[0]
    if count >= len(content):
        raise ValueError(f"{count} bytes are said to follow, and {len(content) - 1} were read")
    return content[1 : 1 + count]


# --- configuration ----------------------------------------------------------------------------------------------------


def read_all(table: Table, known: Collection[str] = ()) -> tuple[Step, ...]:
    """The steps of a table: its `steps`, or the one that it is itself. `known` may stand in formulas."""
    if "steps" not in table:
        return (_read(table, known),)
    found = [_read(below, known, is_alone=True) for below in table.tables("steps")]
    if not 0 < len(found) <= MAX_STEPS:
        table.mistake("steps", f"expected 1 to {MAX_STEPS}, found {len(found)}")
    return tuple(found)


def _read(table: Table, known: Collection[str], *, is_alone: bool = False) -> Step:
    order: Order = table.choice("order", fields.ORDERS, "big")
    step = Step(
        write=_written(table),
        number=_number(table, order, known),
        wait_s=table.duration("wait", maximum=LONGEST_WAIT_S) if "wait" in table else None,
        length=table.integer("read", 0, minimum=1, maximum=MAX_READ) if "read" in table else 0,
        is_counted=table.boolean("counted", default=False),
        has_pec=table.boolean("pec", default=False),
        groups=_groups(table) if "crc" in table else None,
        fields=_fields(table, order),
        is_verified=table.boolean("verify", default=False),
    )
    _check(table, step)
    if is_alone:
        table.finish()
    return step


def _written(table: Table) -> bytes:
    if "write" in table and "register" in table:
        table.mistake("write", "expected either write or register, found both")
    if "register" in table:
        return bytes([table.integer("register", 0, minimum=0, maximum=255) & 0xFF])
    text = table.text("write", "")
    try:
        written = bytes.fromhex(text)
    except ValueError:
        table.mistake("write", f'expected bytes in hexadecimal digits such as "2c 06", found {shown(text)}')
        return b""
    if len(written) > MAX_WRITTEN:
        table.mistake("write", f"expected at most {MAX_WRITTEN} bytes, found {len(written)}")
    return written


def _number(table: Table, order: Order, known: Collection[str]) -> Number | None:
    kind = table.choice("type", fields.TYPES, fields.TYPES[0])
    if "value" not in table:
        if "type" in table:
            table.mistake("type", "expected value beside it, the formula of the number that is written")
        return None
    found = read_formula(table, "value", known)
    return Number(formula=found, form=Form(type=kind, order=order)) if found else None


def read_formula(table: Table, key: str, known: Collection[str]) -> Formula | None:
    """None, and a mistake, for what is no formula."""
    text = table.text(key)
    try:
        return formula.parse(text, known)
    except formula.FormulaError as error:
        if isinstance(table.values.get(key), str):
            table.mistake(key, str(error))
        return None


def _groups(table: Table) -> Groups:
    below = table.table("crc")
    every = below.integer("every", 2, minimum=1, maximum=MAX_READ)
    groups = Groups(every=max(every, 1), checksum=checksums.read(below, form="bytes"))
    below.finish()
    return groups


def _fields(table: Table, order: Order) -> tuple[Field, ...]:
    found = [_field(name, below, order) for name, below in table.named_tables("fields").items()]
    if len(found) > MAX_FIELDS:
        table.mistake("fields", f"expected at most {MAX_FIELDS}, found {len(found)}")
    return tuple(found)


def _field(name: str, table: Table, order: Order) -> Field:
    if not _NAME.fullmatch(name) or name in formula.FUNCTIONS:
        sentence = "a field's name is 1 to 32 of a-z 0-9 _, starting with a letter, and no function's"
        table.mistakes.append(f"{table.place}: {sentence}")
    form = Form(
        type=table.choice("type", fields.TYPES, fields.TYPES[0]), order=table.choice("order", fields.ORDERS, order)
    )
    most = 8 * form.length
    shift = table.integer("shift", 0, minimum=0, maximum=most - 1)
    found = Field(
        name=name,
        at=table.integer("at", 0, minimum=0, maximum=MAX_READ - 1),
        form=form,
        shift=shift,
        bits=table.integer("bits", most - shift, minimum=1, maximum=most - shift) if "bits" in table else 0,
    )
    if form.is_float and (shift or found.bits):
        table.mistake("type", f'"{form.type}" has no shift and no bits')
    table.finish()
    return found


def _check(table: Table, step: Step) -> None:
    if not step.write and not step.number and not step.length:
        table.mistakes.append(f"{table.place}: expected write, register or read")
    if step.fields and not step.length:
        table.mistake("fields", "expected read beside it, how many bytes are read")
    if step.is_verified and not (step.number and len(step.write) == 1):
        table.mistake("verify", "expected register and value beside it, which can be read back")
    if (step.is_counted or (step.has_pec and not step.write)) and not step.length:
        table.mistake("counted" if step.is_counted else "pec", "expected read beside it, how many bytes are read")
    read = step.length - step.has_pec
    if step.groups and read > 0 and read % step.groups.length:
        table.mistake("read", f"expected a multiple of {step.groups.length}, as crc says, found {read}")
    if step.groups and step.number and step.number.form.length % step.groups.every:
        table.mistake("crc", f"a {step.number.form.type} is no multiple of {step.groups.every} bytes")
    _check_ends(table, step, read)


def _check_ends(table: Table, step: Step, read: int) -> None:
    content = (read // step.groups.length * step.groups.every if step.groups else read) - step.is_counted
    for one in step.fields:
        if step.length and one.end > content:
            table.mistake("fields", f"{one.name} ends at byte {one.end}, read are {content}")


def waits_s(steps: Sequence[Step]) -> float:
    """How long they wait together."""
    return sum(step.wait_s or 0.0 for step in steps)
