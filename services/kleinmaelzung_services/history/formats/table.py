"""What every file of history holds: which columns, of which rows, and how frames become rows. Pure.

    decoded frames --> trimmed() --> columns_of() --> csv_file, json_lines, parquet_file --> bytes
    buckets ---------------------^

A column is a channel with its unit: one that changed its unit is two columns (docs/decisions/0001). It is called
`mass [g]`, in buckets `mass [g] mean` and so on. No channel's name has a space, so no two columns are called the same.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

from kleinmaelzung_wire.frames import Frame, Value
from kleinmaelzung_wire.gaps import Gap

Type = Literal["number", "integer", "text", "boolean", "mixed"]
Key = tuple[str, str]  # a channel's name and its unit, empty where it has none

# Columns beside the channels'. A channel that is called so and has no unit is shown as `time []`.
TIME: Final = "time"
QUALITY: Final = "quality"
NOTE: Final = "note"
EXACT: Final = "exact"
GAP: Final = "gap"
_OWN: Final = frozenset({TIME, QUALITY, NOTE, EXACT, GAP})

CLOCK_NOTE: Final = "clock not synchronised"
STATISTICS: Final = ("mean", "min", "max", "count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A channel with its unit. "number" may hold integers too; "integer" promises that there is nothing else."""

    name: str
    unit: str = ""
    type: Type = "number"

    @property
    def key(self) -> Key:
        return self.name, self.unit

    @property
    def label(self) -> str:
        return f"{self.name} [{self.unit}]" if self.unit or self.name in _OWN else self.name

    def to_map(self) -> dict[str, str]:
        return {"column": self.label, "channel": self.name, "unit": self.unit, "type": self.type}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a file is about. Times in µs since 1970 UTC, from `since` up to, not including, `until`.

    With `width_us` its rows are buckets of that width, otherwise samples as they were taken. `more_gaps` counts gaps
    that are not among `gaps`.
    """

    instrument: str
    since: int
    until: int
    columns: Sequence[Column]
    width_us: int | None = None
    gaps: Sequence[Gap] = ()
    more_gaps: int = 0

    @property
    def kind(self) -> str:
        return "samples" if self.width_us is None else "buckets"

    def to_map(self) -> dict[str, Any]:
        return {
            "instrument": self.instrument,
            "kind": self.kind,
            "from": moment(self.since),
            "to": moment(self.until),
            "width_us": self.width_us,
            "columns": [column.to_map() for column in self.columns],
            "more_gaps": self.more_gaps,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketColumn:
    """One channel's statistics, one for each bucket; NaN or None where `count` is 0."""

    mean: Sequence[float | None]
    minimum: Sequence[float | None]
    maximum: Sequence[float | None]
    count: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """Some buckets of an instrument: each covers `times[i]` up to, not including, `times[i] + width_us`."""

    times: Sequence[int]
    columns: Mapping[Key, BucketColumn] = field(default_factory=dict)


class File(Protocol):
    """A file being written: the bytes of begin(), of each add() in the order of time, and of end(), one after another.

    No call keeps more than a bounded part of the file; add() gives nothing while that part grows.
    """

    def begin(self) -> bytes: ...

    def add(self, rows: Frame | Buckets) -> bytes: ...

    def end(self) -> bytes: ...


def trimmed(frame: Frame, since: int, until: int, channels: frozenset[str] | None = None) -> Frame | None:
    """The samples of a frame that were taken from `since` on and before `until`, of these channels; None without any.

    Its records, and what else is about the whole frame, are left out of what is cut.
    """
    names = [name for name in frame.channels if channels is None or name in channels]
    wanted = [index for index, time in enumerate(frame.times) if since <= time < until]
    if not names or not wanted:
        return None
    if len(names) == len(frame.channels) and len(wanted) == len(frame.times):
        return frame
    return replace(
        frame,
        times=tuple(frame.times[index] for index in wanted),
        channels={name: [frame.channels[name][index] for index in wanted] for name in names},
        units={name: frame.units[name] for name in names if name in frame.units},
        quality={name: [frame.quality[name][index] for index in wanted] for name in names if name in frame.quality},
        records=[],
        since_boot=None,
    )


def columns_of(frame: Frame, columns: Sequence[Column]) -> list[list[Value] | None]:
    """For each column the frame's values, None where the frame has none. Raises ValueError for an unknown channel."""
    found = {(name, frame.units.get(name, "")): values for name, values in frame.channels.items()}
    placed = [found.pop(column.key, None) for column in columns]
    if found:
        name, unit = next(iter(found))
        raise ValueError(f"a frame holds {name!r} in {unit!r}, which is no column of this table")
    return placed


def qualities(frame: Frame) -> list[dict[str, str] | None]:
    """For each sample what is not good, by the column's label; None where all is."""
    found: list[dict[str, str] | None] = [None] * len(frame.times)
    for name, words in frame.quality.items():
        label = Column(name=name, unit=frame.units.get(name, "")).label
        for index, word in enumerate(words):
            if word and word != "good":
                found[index] = {**(found[index] or {}), label: word}
    return found


class Gaps:
    """The gaps of a table, in their order, each to be written before the first row that is not earlier."""

    def __init__(self, gaps: Sequence[Gap]) -> None:
        self._left = sorted(gaps, key=_beginning, reverse=True)

    def before(self, time: int) -> list[Gap]:
        due = []
        while self._left and _beginning(self._left[-1]) <= time:
            due.append(self._left.pop())
        return due

    def split(self, times: Sequence[int]) -> list[tuple[list[Gap], int, int]]:
        """Parts of the rows: gaps, then the rows from the first to before the second index."""
        if not self._left or not times or _beginning(self._left[-1]) > max(times):
            return [([], 0, len(times))]
        parts: list[tuple[list[Gap], int, int]] = []
        start, due = 0, self.before(times[0])
        for index in range(1, len(times)):
            if more := self.before(times[index]):
                parts.append((due, start, index))
                start, due = index, more
        return [*parts, (due, start, len(times))]

    def rest(self) -> list[Gap]:
        left, self._left = self._left[::-1], []
        return left


def _beginning(gap: Gap) -> int:
    return gap.since if gap.since is not None else gap.until or 0


def gap_map(gap: Gap) -> dict[str, Any]:
    """A gap for JSON: what is not known of it is null."""
    return {
        "since": None if gap.since is None else moment(gap.since),
        "until": None if gap.until is None else moment(gap.until),
        "epoch": gap.epoch,
        "first": gap.first,
        "last": gap.last,
        "reason": gap.reason,
        "detail": gap.detail,
    }


def gap_note(gap: Gap) -> str:
    """`gap until 2026-11-22T08:00:00.000000+00:00: port lost (no such device)`"""
    end = f" until {moment(gap.until)}" if gap.until is not None else ""
    numbers = f", frames {gap.first} to {gap.last}" if None not in (gap.first, gap.last) else ""
    lasting = ", not ended" if gap.since is not None and gap.until is None and not numbers else ""
    detail = f" ({gap.detail})" if gap.detail else ""
    return f"gap{end}{numbers}{lasting}: {gap.reason or 'reason not known'}{detail}"


def moment(time_us: int) -> str:
    """`2026-11-22T08:00:00.000123+00:00`"""
    second, fraction = divmod(time_us, 1_000_000)
    return f"{_second(second)}.{fraction:06}+00:00"


def moments(times: Sequence[int]) -> list[str]:
    return list(map(moment, times))


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


_SPLITTING: Final = str.maketrans({char: f"\\u{ord(char):04x}" for char in "\u0085\u2028\u2029"})
_encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def json_text(value: Any) -> str:
    """JSON on one line, by whatever rule lines are told apart; never NaN or Infinity. Integers are exact."""
    return _encode(value).translate(_SPLITTING)
