"""Samples or buckets as JSON lines: one object a line, in UTF-8. The first line says what the rest is about.

    {"instrument":"pi-1/balance","kind":"samples","from":"...","to":"...","columns":[{"column":"mass [g]",...}],...}
    {"time":"2026-11-22T08:00:00.000123+00:00","mass [g]":12.345}
    {"time":"2026-11-22T08:00:01.000123+00:00","mass [g]":null,"quality":{"mass [g]":"unstable"},"note":"clock not ..."}
    {"gap":{"since":"...","until":"...","epoch":null,"first":null,"last":null,"reason":"port lost","detail":""}}

A sample's line has the columns that were taken then, a bucket's line has all. Numbers have every digit, integers also
beyond 2^53; there is no NaN and no Infinity. `quality` names what is not good, `note` is there where it says something.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from kleinmaelzung_services.history.formats import table
from kleinmaelzung_services.history.formats.table import Buckets, Gaps, Table
from kleinmaelzung_wire.frames import Frame, Value
from kleinmaelzung_wire.gaps import Gap

MEDIA_TYPE: Final = "application/jsonl"
SUFFIX: Final = "jsonl"
_NUMBERS: Final = frozenset([int, float])


class JsonLines:
    """A file of JSON lines as table.File says."""

    def __init__(self, about: Table) -> None:
        self._table = about
        self._gaps = Gaps(about.gaps)
        self._keys = [f",{table.json_text(column.label)}:" for column in about.columns]

    def begin(self) -> bytes:
        return f"{table.json_text(self._table.to_map())}\n".encode()

    def add(self, rows: Frame | Buckets) -> bytes:
        columns = self._bucket_parts(rows) if isinstance(rows, Buckets) else self._sample_parts(rows)
        lines = list(map("".join, zip(*columns, strict=True)))
        parts = self._gaps.split(rows.times)
        if len(parts) > 1 or parts[0][0]:
            lines = [line for gaps, first, end in parts for line in [*map(_gap_line, gaps), *lines[first:end]]]
        return "".join(lines).encode()

    def end(self) -> bytes:
        return "".join(map(_gap_line, self._gaps.rest())).encode()

    def _sample_parts(self, frame: Frame) -> list[Sequence[str]]:
        parts: list[Sequence[str]] = [_times(frame.times)]
        for key, column in zip(self._keys, table.columns_of(frame, self._table.columns), strict=True):
            if column is not None:
                parts.append([key + value for value in _values(column)])
        if frame.quality:
            parts.append([f',"quality":{table.json_text(words)}' if words else "" for words in table.qualities(frame)])
        note = "" if frame.clock.synchronised else f',"note":{table.json_text(table.CLOCK_NOTE)}'
        return [*parts, [note + "}\n"] * len(frame.times)]

    def _bucket_parts(self, buckets: Buckets) -> list[Sequence[str]]:
        length = len(buckets.times)
        parts: list[Sequence[str]] = [_times(buckets.times)]
        for column in self._table.columns:
            keys = [f",{table.json_text(f'{column.label} {word}')}:" for word in table.STATISTICS]
            numbers = buckets.columns.get(column.key)
            if numbers is None:
                parts.append([f"{keys[0]}null{keys[1]}null{keys[2]}null{keys[3]}0"] * length)
                continue
            figures = (numbers.mean, numbers.minimum, numbers.maximum, numbers.count)
            for key, statistic in zip(keys, figures, strict=True):
                parts.append([key + _figure(value) for value in statistic])
        return [*parts, ["}\n"] * length]


def _times(times: Iterable[int]) -> list[str]:
    return [f'{{"time":"{table.moment(time)}"' for time in times]


def _values(column: Sequence[Value]) -> list[str]:
    if _NUMBERS.issuperset(map(type, column)):  # nearly every column: at once, and repr is what JSON writes
        return list(map(repr, column))
    return list(map(table.json_text, column))


def _figure(value: Any) -> str:
    return "null" if value is None or value != value else repr(value)


def _gap_line(gap: Gap) -> str:
    return f'{{"gap":{table.json_text(table.gap_map(gap))}}}\n'
