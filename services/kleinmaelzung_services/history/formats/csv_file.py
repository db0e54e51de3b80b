"""Samples or buckets as CSV for spreadsheets and for programs: RFC 4180 in UTF-8, with a header.

    time,mass [g],state,quality,note
    2026-11-22T08:00:00.000123+00:00,12.345,"stable",,
    2026-11-22T08:00:01.000123+00:00,,"moving","mass [g]: unstable","clock not synchronised"
    2026-11-22T08:00:02.000000+00:00,,,,"gap until 2026-11-22T08:05:00.000000+00:00: port lost"

Numbers are never quoted and have every digit, so that they read back as they were (pandas before 3.1 needs
float_precision="round_trip" for the last bit); integers have no point. Booleans are true and false. Texts are always
quoted, and nothing at all between two commas is nothing; "" is an empty text.

A spreadsheet takes a text that begins with = + - or @ for a formula, and runs it. So an apostrophe stands before it:
at the beginning, and after a semicolon, tab or line break, where a spreadsheet that separates by those would begin a
cell. Numbers are left as they are. plain() takes the apostrophes away again, and no others.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from kleinmaelzung_services.history.formats import table
from kleinmaelzung_services.history.formats.table import Buckets, Gaps, Table
from kleinmaelzung_wire.frames import Frame, Value
from kleinmaelzung_wire.gaps import Gap

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
SUFFIX: Final = "csv"
LINE_END: Final = "\r\n"

# Spreadsheets look past what cannot be seen and past quotes; some take the wide signs of East Asian keyboards too.
_FORMULA: Final = r"""(?=["'\u201c\u201d\u2018\u2019`\x01-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad\u1680\u2000-\u200f"""
_FORMULA_END: Final = r"""\u2028-\u202f\u205f-\u206f\u3000\ufeff]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20\u2212])"""
_BEGINNING: Final = r"(^|[;\t\r\n])"
_DANGEROUS: Final = re.compile(_BEGINNING + _FORMULA + _FORMULA_END)
_DEFUSED: Final = re.compile(_BEGINNING + "'" + _FORMULA + _FORMULA_END)
_NEEDS_QUOTES: Final = re.compile(r'[",\r\n;\t\']|^\s|\s$')
_NUMBERS: Final = frozenset([int, float])


class CsvFile:
    """A CSV file as table.File says."""

    def __init__(self, about: Table) -> None:
        self._table = about
        self._gaps = Gaps(about.gaps)
        cells = len(about.columns) * (1 if about.width_us is None else len(table.STATISTICS))
        self._gap_cells = "," * cells + ("," if about.width_us is None else "")

    def begin(self) -> bytes:
        return (",".join(map(header, self._headers())) + LINE_END).encode()

    def add(self, rows: Frame | Buckets) -> bytes:
        columns = self._bucket_cells(rows) if isinstance(rows, Buckets) else self._sample_cells(rows)
        lines = list(map(",".join, zip(*columns, strict=True)))
        parts = self._gaps.split(rows.times)
        if len(parts) > 1 or parts[0][0]:
            lines = [line for gaps, first, end in parts for line in [*map(self._gap_line, gaps), *lines[first:end]]]
        return (LINE_END.join(lines) + LINE_END).encode() if lines else b""

    def end(self) -> bytes:
        return "".join(self._gap_line(gap) + LINE_END for gap in self._gaps.rest()).encode()

    def _headers(self) -> list[str]:
        labels = [column.label for column in self._table.columns]
        if self._table.width_us is None:
            return [table.TIME, *labels, table.QUALITY, table.NOTE]
        return [table.TIME, *(f"{label} {word}" for label in labels for word in table.STATISTICS), table.NOTE]

    def _sample_cells(self, frame: Frame) -> list[Sequence[str]]:
        empty = [""] * len(frame.times)
        values = table.columns_of(frame, self._table.columns)
        note = empty if frame.clock.synchronised else [cell(table.CLOCK_NOTE)] * len(frame.times)
        quality = list(map(_quality, table.qualities(frame))) if frame.quality else empty
        return [
            table.moments(frame.times),
            *(empty if column is None else cells(column) for column in values),
            quality,
            note,
        ]

    def _bucket_cells(self, buckets: Buckets) -> list[Sequence[str]]:
        empty = [""] * len(buckets.times)
        found: list[Sequence[str]] = [table.moments(buckets.times)]
        for column in self._table.columns:
            numbers = buckets.columns.get(column.key)
            if numbers is None:
                found += [empty, empty, empty, ["0"] * len(buckets.times)]
            else:
                found += [list(map(_figure, part)) for part in (numbers.mean, numbers.minimum, numbers.maximum)]
                found.append(list(map(str, numbers.count)))
        return [*found, empty]

    def _gap_line(self, gap: Gap) -> str:
        time = "" if gap.since is None else table.moment(gap.since)
        return f"{time}{self._gap_cells},{cell(table.gap_note(gap))}"


def cells(column: Sequence[Value]) -> list[str]:
    if _NUMBERS.issuperset(map(type, column)):  # nearly every column: at once
        return list(map(repr, column))
    return list(map(cell, column))


def cell(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
    return repr(value)


@lru_cache(maxsize=256)  # an instrument says the same few words again and again
def _text(text: str) -> str:
    return _quoted(harmless(text))


def header(text: str) -> str:
    """Quoted only where it must be: a name and a unit, which come from outside."""
    safe = harmless(text)
    return _quoted(safe) if safe != text or _NEEDS_QUOTES.search(safe) else safe


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return _DANGEROUS.sub(r"\1'", text)


def plain(text: str) -> str:
    """The text that harmless() was given."""
    return _DEFUSED.sub(r"\1", text)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quality(words: dict[str, str] | None) -> str:
    return cell("; ".join(f"{label}: {word}" for label, word in words.items())) if words else ""


def _figure(value: float | None) -> str:
    return "" if value is None or value != value else repr(value)
