"""Buckets of equal width over a time, and their columns as bytes. Pure.

    from, to, points --> Grid --> empty columns --> rows of the database put in --> {time, columns} for the wire

The same from, to and points give the same grid whatever the instrument, so that several instruments line up.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

NAN: Final = math.nan
# One bucket in a piece: its time, then min, mean, max and count of each column; as lists of numbers, msgpack or JSON.
TIME_BYTES: Final = 8
COLUMN_BYTES: Final = 3 * 8 + 4
PLAIN_BYTES: Final = 22  # a number of 17 digits, sign, point, exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Half-open buckets [since + k * width, since + (k + 1) * width); the last ends at the time's end, or behind it."""

    since: int
    width_us: int
    count: int

    @classmethod
    def over(cls, since: int, until: int, points: int) -> Self:
        """At most `points` buckets from `since` on; `until` is behind it."""
        width_us = -((since - until) // points)
        return cls(since=since, width_us=width_us, count=-((since - until) // width_us))

    @property
    def until(self) -> int:
        return self.since + self.count * self.width_us

    def times(self) -> range:
        return range(self.since, self.until, self.width_us)

    def part(self, first: int, count: int) -> "Grid":
        """Some of its buckets."""
        return Grid(
            since=self.since + first * self.width_us, width_us=self.width_us, count=min(count, self.count - first)
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """What the samples of one channel in one bucket are; of texts only how many."""

    count: int
    min: float = NAN
    max: float = NAN
    mean: float = NAN


EMPTY: Final = Bucket(0)


def row_bytes(columns: int, *, is_plain: bool) -> int:
    """How much room one bucket takes in a piece."""
    return (1 + 4 * columns) * PLAIN_BYTES if is_plain else TIME_BYTES + columns * COLUMN_BYTES


def pack(grid: Grid, columns: Iterable[tuple[str, dict[int, Bucket]]], *, is_plain: bool) -> dict[str, Any]:
    """A piece of the wire: of each column, by its name, the buckets that are not empty, by their place in the grid."""
    return {
        "time": list(grid.times()) if is_plain else struct.pack(f"<{grid.count}q", *grid.times()),
        "columns": {name: _column(grid, found, is_plain=is_plain) for name, found in columns},
    }


def _column(grid: Grid, found: dict[int, Bucket], *, is_plain: bool) -> dict[str, Any]:
    buckets = [found.get(place, EMPTY) for place in range(grid.count)]
    counts = [bucket.count for bucket in buckets]
    packed: dict[str, Any] = {
        "min": _floats([bucket.min for bucket in buckets], is_plain=is_plain),
        "mean": _floats([bucket.mean for bucket in buckets], is_plain=is_plain),
        "max": _floats([bucket.max for bucket in buckets], is_plain=is_plain),
    }
    return {**packed, "count": counts if is_plain else struct.pack(f"<{grid.count}I", *counts)}


def _floats(values: Sequence[float], *, is_plain: bool) -> bytes | list[float | None]:
    if is_plain:
        return [None if math.isnan(value) else value for value in values]
    return struct.pack(f"<{len(values)}d", *values)
