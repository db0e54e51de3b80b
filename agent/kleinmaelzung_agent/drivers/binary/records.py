"""Binary records: what they look like, where they end, whether they are right, and what they say. Pure."""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.drivers import exact
from kleinmaelzung_agent.drivers.checksums import Checksum

MAX_LENGTH: Final = 4096
STRONG_BITS: Final = 32  # of header, checksum and end: with fewer, noise would look like a record now and then

Raw = int | float | bytes

_OWN: Final = {"u24": (3, False), "i24": (3, True)}  # what struct has not: bytes, whether signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A number or text at a place; below 0 it is counted from the record's end. `equals`: always so."""

    name: str
    at: int
    format: str  # a letter of struct with a number before it, or u24, i24
    order: str = ">"
    mask: int = 0
    shift: int = 0
    equals: int | None = None

    @property
    def size(self) -> int:
        return _OWN[self.format][0] if self.format in _OWN else struct.calcsize(self.order + self.format)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSum:
    """It covers what is from `skip` to it; `at` is counted from the record's end."""

    checksum: Checksum
    skip: int
    at: int

    def parts(self, content: bytes) -> tuple[bytes, bytes]:
        """What is covered, and the checksum."""
        at = len(content) + self.at
        return content[self.skip : at], content[at : at + self.checksum.length]


@dataclass(frozen=True, slots=True, kw_only=True)
class Escape:
    """`byte` is left out, and the next one is changed by `xor`; between header and end."""

    byte: int
    xor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Its length, header and end included, is fixed, or a field says it (plus `more`), or its end does."""

    name: str
    header: bytes = b""
    end: bytes = b""
    length: int = 0
    length_field: Field | None = None
    more: int = 0
    escape: Escape | None = None
    record_sum: RecordSum | None = None
    fields: tuple[Field, ...] = ()

    @property
    def is_strong(self) -> bool:
        """Whether it can be found in the middle of anything."""
        if not self.record_sum:
            return False
        sure = len(self.header) + self.record_sum.checksum.length
        if self.length or self.length_field:  # else it ends wherever such bytes are
            sure += len(self.end)
        return bool(self.header) and 8 * sure >= STRONG_BITS

    @property
    def least(self) -> int:
        """No record is shorter."""
        return max(len(self.header) + len(self.end) + (self.record_sum.checksum.length if self.record_sum else 0), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One record that came, and its fields."""

    record: str
    values: Mapping[str, Raw]


class Records:
    """A frame_splitter.Framing of several records: which one it is, its header says."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = sorted(records, key=lambda one: -len(one.header))
        self.starts = re.compile(b"|".join(_as_far_as_it_came(one.header) for one in self._records), re.DOTALL)

    def size(self, pending: bytearray, start: int) -> int | None:
        """How long the record is that begins there: None where that is not known yet, 0 where it is none."""
        record = self._which(pending[start : start + MAX_LENGTH])
        if isinstance(record, Record):
            return size(record, bytes(pending[start : start + 2 * MAX_LENGTH]))
        return record

    def open(self, frame: bytes) -> Message | None:
        """What a whole record says; None where it is not right."""
        record = self._which(frame)
        return read(record, frame) if isinstance(record, Record) else None

    def _which(self, content: bytes | bytearray) -> Record | int | None:
        for record in self._records:
            if content.startswith(record.header):
                return record
            if record.header.startswith(content):
                return None
        return 0


def _as_far_as_it_came(header: bytes) -> bytes:
    r"""`A(?:\Z|B(?:\Z|C))` of ABC, which matches without going on."""
    pattern = b""
    for byte in reversed(header):
        pattern = re.escape(bytes([byte])) + (b"(?:\\Z|" + pattern + b")" if pattern else b"")
    return b"(?=" + pattern + b")"


def size(record: Record, content: bytes) -> int | None:
    """How long the record is that begins here, as it was sent; None where that is not known yet, 0: it is none."""
    at, found = len(record.header), bytearray(content[: len(record.header)])
    is_ended = bool(record.end) and not record.length and record.length_field is None
    if is_ended and not record.escape:
        end = content.find(record.end, at, at + MAX_LENGTH)
        return end + len(record.end) if end >= 0 else None if len(content) < at + MAX_LENGTH else 0
    while len(found) <= MAX_LENGTH:
        wanted = _wanted(record, found)
        if wanted < 0:
            return 0
        if wanted and (not record.escape or len(found) >= wanted - len(record.end)):
            return at + wanted - len(found)
        if is_ended and content.startswith(record.end, at):
            return at + len(record.end)
        if at >= len(content) or (is_ended and record.end.startswith(content[at:])):
            return None
        taken = _taken(record, content, at)
        if taken is None or taken[1] == 0:
            return None if taken is None else 0
        found.append(taken[0])
        at += taken[1]
    return 0


def _wanted(record: Record, found: bytearray) -> int:
    """The whole length where it is known; 0 where not yet, below 0 where there is none such."""
    if record.length:
        return record.length
    length = record.length_field
    if length is None or len(found) < length.at + length.size:
        return 0
    total = int(number(length, bytes(found))) + record.more
    return total if max(record.least, length.at + length.size) <= total <= MAX_LENGTH else -1


def _taken(record: Record, content: bytes, at: int) -> tuple[int, int] | None:
    """The next byte and how many it took; None where more is needed, none taken where another record begins."""
    escape = record.escape
    if escape is None:
        return content[at], 1
    if record.header and content.startswith(record.header, at):
        return 0, 0
    if content[at] != escape.byte:
        return content[at], 1
    return (content[at + 1] ^ escape.xor, 2) if at + 1 < len(content) else None


def read(record: Record, sent: bytes) -> Message | None:
    """What a whole record says; None where its end, checksum or a fixed field is not right."""
    content = _plain(record, sent)
    if not content.endswith(record.end) or len(content) < record.least:
        return None
    if record.record_sum and not record.record_sum.checksum.is_right(*record.record_sum.parts(content)):
        return None
    values: dict[str, Raw] = {}
    for field in record.fields:
        at = field.at if field.at >= 0 else len(content) + field.at
        if at < 0 or at + field.size > len(content):
            return None
        values[field.name] = number(field, content)
        if field.equals is not None and values[field.name] != field.equals:
            return None
    return Message(record=record.name, values=values)


def _plain(record: Record, sent: bytes) -> bytes:
    if record.escape is None:
        return sent
    at, last, found = len(record.header), len(sent) - len(record.end), bytearray(record.header)
    while at < last:
        is_escape = sent[at] == record.escape.byte and at + 1 < last
        found.append(sent[at + 1] ^ record.escape.xor if is_escape else sent[at])
        at += 1 + is_escape
    return bytes(found) + sent[last:]


def escaped(content: bytes, escape: Escape, special: bytes) -> bytes:
    """What is sent for it: the escape itself and all special bytes are changed."""
    found = bytearray()
    for byte in content:
        is_special = byte == escape.byte or byte in special
        found += bytes([escape.byte, byte ^ escape.xor]) if is_special else bytes([byte])
    return bytes(found)


def number(field: Field, content: bytes) -> Raw:
    """What the field holds, masked and shifted."""
    at = field.at if field.at >= 0 else len(content) + field.at
    if field.format in _OWN:
        width, is_signed = _OWN[field.format]
        order = "little" if field.order == "<" else "big"
        raw: Raw = int.from_bytes(content[at : at + width], order, signed=is_signed)  # type: ignore[arg-type]
    else:
        raw = struct.unpack_from(field.order + field.format, content, at)[0]
        raw = exact.shortest(raw) if field.format == "f" and isinstance(raw, float) else raw
    if field.mask and isinstance(raw, int):
        raw &= field.mask
    return raw >> field.shift if isinstance(raw, int) and field.shift else raw
