"""The tables `record` of a binary instrument to Records; mistakes are collected by the tables."""

from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import REQUIRED, Table, shown
from kleinmaelzung_agent.drivers import checksums
from kleinmaelzung_agent.drivers.binary.records import MAX_LENGTH, Escape, Field, Record, RecordSum

FORMATS: Final = 'expected a letter of struct such as "h" or "8s", or "u24" or "i24"'
_LETTERS: Final = "bBhHiIqQfd?"
_ORDERS: Final = {"big": ">", "little": "<"}


def read(table: Table) -> tuple[Record, ...]:
    """`[record]`, or several `[[record]]`, which their headers tell apart."""
    is_list = isinstance(table.values.get("record"), list)
    tables = table.tables("record") if is_list else [table.table("record")]
    if not table.values.get("record"):
        table.mistake("record", "missing, expected a table")
    records = tuple(_record(below, number) for number, below in enumerate(tables))
    for key in ("name", "header"):
        if len({getattr(record, key) for record in records}) < len(records):
            table.mistake("record", f"expected records each with a {key} of its own")
    return records


def _record(table: Table, number: int) -> Record:
    order = _ORDERS[table.choice("order", ("big", "little"), "big")]
    end = bytes_of(table, "end", "")
    length, length_field, more = _length(table, order)
    record = Record(
        name=table.text("name", f"record{number + 1}" if number else "record"),
        header=bytes_of(table, "header", ""),
        end=end,
        length=length,
        length_field=length_field,
        more=more,
        escape=escape(table),
        record_sum=record_sum(table, end),
        fields=tuple(_field(below, order) for below in table.tables("fields")),
    )
    _check(table, record)
    table.finish()
    return record


def _length(table: Table, order: str) -> tuple[int, Field | None, int]:
    if not isinstance(table.values.get("length"), dict):
        return table.integer("length", 0, minimum=1, maximum=MAX_LENGTH) if "length" in table else 0, None, 0
    below = table.table("length")
    field = Field(
        name="length",
        at=below.integer("at", REQUIRED, minimum=0, maximum=64),
        format=_format(below, integers_only=True),
        order=_ORDERS[below.choice("order", ("big", "little"), "big" if order == ">" else "little")],
        mask=below.integer("mask", 0, minimum=0, maximum=2**32 - 1),
    )
    more = below.integer("plus", 0, minimum=-64, maximum=MAX_LENGTH)
    below.finish()
    return 0, field, more


def _field(table: Table, order: str) -> Field:
    field = Field(
        name=table.text("name", longest=32),
        at=table.integer("at", REQUIRED, minimum=-MAX_LENGTH, maximum=MAX_LENGTH),
        format=_format(table),
        order=_ORDERS[table.choice("order", ("big", "little"), "big" if order == ">" else "little")],
        mask=table.integer("mask", 0, minimum=0, maximum=2**63 - 1),
        shift=table.integer("shift", 0, minimum=0, maximum=63),
        equals=table.integer("equals", 0, minimum=-(2**63), maximum=2**63 - 1) if "equals" in table else None,
    )
    table.finish()
    return field


def _format(table: Table, *, integers_only: bool = False) -> str:
    found = table.text("format", "B" if integers_only else REQUIRED, longest=8)
    is_text = found.endswith("s") and found[:-1].isdecimal() and 0 < int(found[:-1]) <= 256
    is_number = len(found) == 1 and found in _LETTERS and not (integers_only and found in "fd?")
    if not is_number and found not in ("u24", "i24") and not (is_text and not integers_only):
        if found:
            table.mistake("format", f"{FORMATS}, found {shown(found)}")
        return "B"
    return found


def bytes_of(table: Table, key: str, default: Any = REQUIRED) -> bytes:
    """Hexadecimal digits."""
    text = table.text(key, default)
    try:
        return bytes.fromhex(text)
    except ValueError:
        table.mistake(key, f'expected hexadecimal digits such as "AA 55", found {shown(text)}')
        return b""


def escape(table: Table) -> Escape | None:
    if "escape" not in table:
        return None
    below = table.table("escape")
    byte = bytes_of(below, "byte")
    if len(byte) != 1:
        below.mistake("byte", "expected one byte")
    found = Escape(byte=byte[0] if byte else 0, xor=(bytes_of(below, "xor", "") or b"\0")[0])
    below.finish()
    return found


def record_sum(table: Table, end: bytes) -> RecordSum | None:
    """Just before the end, unless `at` says it."""
    if "checksum" not in table:
        return None
    below = table.table("checksum")
    checksum = checksums.read(below, form="bytes")
    usual = -checksum.length - len(end)
    found = RecordSum(
        checksum=checksum,
        skip=below.integer("skip", 0, minimum=0, maximum=64),
        at=below.integer("at", usual, minimum=-64, maximum=-1),
    )
    if found.at + checksum.length > 0:
        below.mistake("at", f"expected at most {-checksum.length}: it is counted from the end, and so long itself")
    below.finish()
    return found


def _check(table: Table, record: Record) -> None:
    if not record.length and record.length_field is None and not record.end:
        table.mistake("length", "missing, expected a number, a table that says where it is, or an end")
    if not record.header and not record.record_sum and not record.length:
        table.mistake("length", "expected a number: a record without header and checksum has a fixed length")
    if record.escape and not record.header:
        table.mistake("escape", "expected a header beside it")
    if record.length and record.length < record.least:
        table.mistake("length", f"expected at least {record.least}, found {record.length}")
    for number, field in enumerate(record.fields):
        is_beyond = (
            record.length and (field.at if field.at >= 0 else record.length + field.at) + field.size > record.length
        )
        if is_beyond or (record.length and field.at < -record.length):
            table.mistakes.append(f"{table.place}.fields[{number}].at: ends behind the record of {record.length} bytes")
