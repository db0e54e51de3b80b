"""A history as columns: times, and beside them a column for each channel and unit. Pure.

Columns of numbers are arrays of float64, times arrays of int64: `numpy.asarray(...)` takes them without a copy, and
`pandas.DataFrame(history.columns())` and `polars.DataFrame(history.columns())` take them all.
"""

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from kleinmaelzung_wire.codec import Fields
from kleinmaelzung_wire.frames import Value

T = TypeVar("T")

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What is missing of an instrument, and why.

    A time (`since` to `until`, µs since 1970 UTC; None: not known, or not ended), or frames (`first` to `last` of an
    epoch), or both. An empty `reason`: nobody knows one; the agent may still have them.
    """

    instrument: str
    since: int | None
    until: int | None
    epoch: int | None
    first: int | None
    last: int | None
    reason: str
    detail: str

    @classmethod
    def from_map(cls, instrument: str, value: Any) -> "Gap":
        wire = Fields(value, "gap")
        return cls(
            instrument=instrument,
            since=wire.optional_integer("since"),
            until=wire.optional_integer("until"),
            epoch=wire.optional_integer("epoch"),
            first=wire.optional_integer("first"),
            last=wire.optional_integer("last"),
            reason=wire.text("reason", default=""),
            detail=wire.text("detail", default=""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The samples of one channel in one unit: `values[i]` was measured at the history's `times[i]`.

    `values` is an array of float64 with NaN where nothing was measured at that time; a list with None there where the
    channel has other values than numbers, or integers that float64 does not hold. `quality` holds, by index, the
    quality of the samples that are not good.
    """

    instrument: str
    channel: str
    unit: str
    values: "array[float] | list[Value]"
    quality: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketColumn:
    """What the samples of one channel in one unit are in each bucket: arrays as long as the history's `times`.

    `minimum`, `mean` and `maximum` are float64, NaN where `count` is 0; of texts only `count` tells.
    """

    instrument: str
    channel: str
    unit: str
    minimum: "array[float]"
    mean: "array[float]"
    maximum: "array[float]"
    count: "array[int]"


class Moments(Sequence[datetime]):
    """Times as datetimes in UTC; `numpy.asarray()` makes datetime64[us] of them without a copy."""

    def __init__(self, times_us: "array[int]") -> None:
        self._times_us = times_us

    def __len__(self) -> int:
        return len(self._times_us)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Moments(self._times_us[index])
        return EPOCH + timedelta(microseconds=self._times_us[index])

    @property
    def __array_interface__(self) -> dict[str, Any]:
        order = "<" if sys.byteorder == "little" else ">"
        address, length = self._times_us.buffer_info()
        return {"version": 3, "typestr": f"{order}M8[us]", "shape": (length,), "data": (address, False)}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was measured from `since` up to, not including, `until` (µs since 1970 UTC); made by Lab.history().

    `times` is an array of int64 in µs since 1970 UTC, of the agent's clock, one for each sample in the order in which
    they were taken; or, with `width_us`, the beginnings of buckets of that width. `samples` or `buckets` has the
    columns; the other one is empty. `gaps` says what is missing, newest first, `more_gaps` how many gaps it leaves out.
    """

    instruments: list[str]
    since: int
    until: int
    times: "array[int]"
    width_us: int | None = None
    samples: list[Column] = field(default_factory=list)
    buckets: list[BucketColumn] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    more_gaps: int = 0

    def __len__(self) -> int:
        return len(self.times)

    @property
    def moments(self) -> Moments:
        """The times as datetimes in UTC, and for numpy as datetime64[us]."""
        return Moments(self.times)

    def column(self, channel: str, instrument: str | None = None) -> Column:
        """The samples of a channel. Raises KeyError where there is none, or more than one (its unit changed)."""
        found = [one for one in self.samples if one.channel == channel and instrument in (None, one.instrument)]
        return _only(found, channel, [one.channel for one in self.samples])

    def bucket(self, channel: str, instrument: str | None = None) -> BucketColumn:
        """The buckets of a channel. Raises KeyError as column() does."""
        found = [one for one in self.buckets if one.channel == channel and instrument in (None, one.instrument)]
        return _only(found, channel, [one.channel for one in self.buckets])

    def columns(self) -> dict[str, Any]:
        """Everything by name, for a table: `time` (datetimes in UTC), then `mass [g]`, or `mass [g] mean` and so on.

        Of several instruments their names come first: `pi-1/balance mass [g]`. Quality is not among them.
        """
        table: dict[str, Any] = {"time": self.moments}
        table |= {self._label(one): one.values for one in self.samples}
        for one in self.buckets:
            label = self._label(one)
            table |= {f"{label} mean": one.mean, f"{label} min": one.minimum, f"{label} max": one.maximum}
            table[f"{label} count"] = one.count
        return table

    def _label(self, column: Column | BucketColumn) -> str:
        unit = f" [{column.unit}]" if column.unit or column.channel == "time" else ""
        instrument = f"{column.instrument} " if len(self.instruments) > 1 else ""
        return f"{instrument}{column.channel}{unit}"


def _only(found: list[T], channel: str, known: list[str]) -> T:
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(set(known))) or "none"
    raise KeyError(f"{channel!r} is {len(found)} columns of this history; its channels are {names}")


def together(histories: Sequence[History]) -> History:
    """Several instruments' buckets on one grid. Raises ValueError where the grids differ."""
    first = max(histories, key=len)
    for one in histories:
        if one.times and (one.times != first.times or one.width_us != first.width_us):
            raise ValueError("these histories have different grids: ask for them with the same since, until and points")
    return History(
        instruments=[name for one in histories for name in one.instruments],
        since=first.since,
        until=first.until,
        times=first.times,
        width_us=first.width_us,
        buckets=[column for one in histories for column in one.buckets],
        gaps=[gap for one in histories for gap in one.gaps],
        more_gaps=sum(one.more_gaps for one in histories),
    )
