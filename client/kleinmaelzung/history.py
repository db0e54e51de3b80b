"""What was measured: from a history service's answers into columns (columns.py).

frames' bytes or buckets, piece by piece --> History: times, a column for each channel and unit, gaps
"""

import math
import sys
import time
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kleinmaelzung import streams, times
from kleinmaelzung.asking import Ask, unreadable
from kleinmaelzung.columns import EPOCH, BucketColumn, Column, Gap, History
from kleinmaelzung.errors import Error
from kleinmaelzung.readings import Sample
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US, Frame, Value

LIMIT: Final = 5_000_000  # samples: some 100 MB
_EXACT: Final = 2**53  # beyond it a float does not hold every integer

Since = str | datetime | int  # "1h" before now, text or datetime with its offset from UTC, µs since 1970 UTC


class TooManySamples(Error):
    """There is more than would be held in memory; the message says what to ask for instead."""


def moment(typed: Since, now_us: int | None = None) -> int:
    """A time in µs since 1970 UTC. Raises ValueError with a sentence."""
    if isinstance(typed, datetime):
        if typed.tzinfo is None:
            raise ValueError(f"{typed.isoformat()} has no offset from UTC: use .astimezone() for the time here")
        found = (typed - EPOCH) // timedelta(microseconds=1)
    elif isinstance(typed, str):
        return times.moment(typed, time.time_ns() // 1000 if now_us is None else now_us)
    else:
        found = typed
    if not MIN_TIME_US <= found <= MAX_TIME_US:
        raise ValueError(f"{typed!r} is no time of a measurement: expected µs since 1970 UTC, from 2001 to 2286")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for, of each instrument. `limit` is in samples."""

    since: int | None
    until: int
    channels: tuple[str, ...] | None
    points: int | None
    limit: int

    @classmethod
    def of(
        cls,
        since: Since | None,
        until: Since | None,
        channels: Iterable[str] | None,
        points: int | None,
        limit: int,
    ) -> "Wanted":
        """Raises ValueError with a sentence."""
        now_us = time.time_ns() // 1000
        begin = None if since is None else moment(since, now_us)
        end = now_us if until is None else moment(until, now_us)
        if begin is not None and begin >= end:
            raise ValueError(f"since ({since}) is not before until ({until or 'now'}): there is no time between them")
        if isinstance(channels, str):
            raise ValueError(f"channels is the text {channels!r:.40}, expected a list of names")
        return cls(
            since=begin, until=end, channels=None if channels is None else tuple(channels), points=points, limit=limit
        )

    def question(self, instrument: str) -> dict[str, Any]:
        asked: dict[str, Any] = {"instrument": instrument, "from": self.since, "to": self.until}
        if self.channels is not None:
            asked["channels"] = list(self.channels)
        return asked if self.points is None else {**asked, "points": self.points, "buckets": True}


async def read(ask: Ask, instrument: str, wanted: Wanted) -> History:
    """One instrument's history. Raises Refused, TooManySamples."""
    async with streams.opened(ask, "history", wanted.question(instrument)) as stream:
        try:
            return await (_read_samples if wanted.points is None else _read_buckets)(stream, instrument, wanted)
        except WireError as error:
            raise unreadable("of the history service", error) from error


async def latest(ask: Ask, patterns: Sequence[str]) -> dict[str, list[Sample]]:
    """The newest logged sample of each channel, by instrument."""
    found: dict[str, list[Sample]] = {}
    for pattern in patterns:
        after = None
        while True:
            answer = await ask("latest", {"instrument": pattern, "after": after})
            try:
                page = Fields(answer, "latest")
                shown = [Fields(one, "latest") for one in page.list("instruments")]
                found |= {one.text("instrument"): [_sample(each) for each in one.list("channels")] for one in shown}
                after = shown[-1].text("instrument") if shown else None
                more = page.boolean("more", default=False)
            except WireError as error:
                raise unreadable("of the history service", error) from error
            if not more or after is None:
                break
    return dict(sorted(found.items()))


def _sample(value: Any) -> Sample:
    wire = Fields(value, "latest")
    return Sample(
        time=wire.integer("time"),
        channel=wire.text("name"),
        value=wire.get("value"),
        unit=wire.text("unit", default=""),
        quality=wire.text("quality", default="good"),
    )


# Samples


class _Values:
    """A column that grows: of float64 as long as that holds what comes."""

    def __init__(self) -> None:
        self.values: array[float] | list[Value] = array("d")
        self.quality: dict[int, str] = {}

    def pad(self, length: int) -> None:
        """Nothing was measured up to there."""
        lacks = length - len(self.values)
        if isinstance(self.values, array):
            self.values.extend([math.nan] * lacks)
        else:
            self.values.extend([None] * lacks)

    def extend(self, values: Sequence[Value]) -> None:
        if isinstance(self.values, array) and not _are_floats(values):
            known: list[Value] = [None if math.isnan(value) else value for value in self.values]
            self.values = known
        if isinstance(self.values, array):
            self.values.extend([math.nan if value is None else float(value) for value in values])
        else:
            self.values.extend(values)


def _are_floats(values: Sequence[Value]) -> bool:
    """Whether float64 holds each of them; nil is no value, and a truth value is no number."""
    kinds = frozenset(map(type, values))
    if not kinds <= {float, int, type(None)}:
        return False
    return int not in kinds or all(type(value) is not int or -_EXACT <= value <= _EXACT for value in values)


class _Table:
    """Frames become rows."""

    def __init__(self, instrument: str, wanted: Wanted, since: int) -> None:
        self.times: array[int] = array("q")
        self.columns: dict[tuple[str, str], _Values] = {}
        self.samples = 0
        self._instrument = instrument
        self._wanted = wanted
        self._since = since

    def add(self, frame: Frame) -> None:
        begin, end = self._since, self._wanted.until
        rows = [index for index, at in enumerate(frame.times) if begin <= at < end]
        named = self._wanted.channels
        channels = {name: values for name, values in frame.channels.items() if named is None or name in named}
        if not rows or not channels:
            return
        start, is_whole = len(self.times), len(rows) == len(frame.times)
        self.times.extend(frame.times if is_whole else [frame.times[index] for index in rows])
        self.samples += len(rows) * len(channels)
        check_limit(self.samples, self._wanted.limit, self._instrument)
        for name, values in channels.items():
            column = self.columns.setdefault((name, frame.units.get(name, "")), _Values())
            column.pad(start)
            column.extend(values if is_whole else [values[index] for index in rows])
            for row, index in enumerate(rows):
                if name in frame.quality and (word := frame.quality_of(name, index)) != "good":
                    column.quality[start + row] = word

    def finished(self, key: tuple[str, str]) -> Column:
        column = self.columns[key]
        column.pad(len(self.times))
        channel, unit = key
        return Column(
            instrument=self._instrument, channel=channel, unit=unit, values=column.values, quality=column.quality
        )


async def _read_samples(stream: streams.Stream, instrument: str, wanted: Wanted) -> History:
    head = Fields(stream.head, "history")
    check_limit(head.integer("expected", default=0), wanted.limit, instrument)  # frames, each with a sample at least
    since = head.integer("from")
    table = _Table(instrument, wanted, since)
    async for piece in stream:
        for payload in [] if piece is None else frames.unpack_several(piece):
            table.add(frames.decode(payload))
    return History(
        instruments=[instrument],
        since=since,
        until=wanted.until,
        times=table.times,
        samples=[table.finished(key) for key in sorted(table.columns)],
        gaps=[Gap.from_map(instrument, gap) for gap in head.list("gaps")],
        more_gaps=head.integer("more_gaps", default=0),
    )


def check_limit(samples: int, limit: int, instrument: str) -> None:
    """Raise TooManySamples where there are more than `limit`."""
    if samples > limit:
        raise TooManySamples(
            f"{instrument} has more than {limit} samples in this time: ask for less time, name the channels you need,"
            " or give points=2000 for the least, mean and greatest in each of 2000 buckets; limit=... allows more, and"
            f" `kleinmaelzung history {instrument} -o FILE` writes any number into a file"
        )


# Buckets


async def _read_buckets(stream: streams.Stream, instrument: str, wanted: Wanted) -> History:
    head = Fields(stream.head, "history")
    since, width_us = head.integer("from"), head.optional_integer("width_us")
    columns = {
        key: BucketColumn(
            instrument=instrument,
            channel=channel,
            unit=unit,
            minimum=array("d"),
            mean=array("d"),
            maximum=array("d"),
            count=array("I"),
        )
        for key, channel, unit in map(_channel, head.list("channels"))
    }
    is_empty = head.text("kind") == "frames"  # nothing was measured
    async for piece in stream:
        if not is_empty:
            _add_buckets(columns, Fields(piece, "piece").map("columns"))
    grid = array("q", range(since, wanted.until, width_us) if width_us else [])
    return History(
        instruments=[instrument],
        since=since,
        until=wanted.until,
        times=grid,
        width_us=width_us,
        buckets=[] if is_empty else list(columns.values()),
        gaps=[Gap.from_map(instrument, gap) for gap in head.list("gaps")],
        more_gaps=head.integer("more_gaps", default=0),
    )


def _channel(value: Any) -> tuple[str, str, str]:
    wire = Fields(value, "channel")
    return wire.text("key"), wire.text("name"), wire.text("unit")


def _add_buckets(columns: Mapping[str, BucketColumn], piece: dict[str, Any]) -> None:
    for key, column in columns.items():
        wire = Fields(piece.get(key), f"piece.{key}")
        for values, name in ((column.minimum, "min"), (column.mean, "mean"), (column.maximum, "max")):
            values.extend(_unpacked("d", wire.binary(name)))
        column.count.extend(_unpacked("I", wire.binary("count")))


def _unpacked(kind: str, packed: bytes) -> "array[Any]":
    values: array[Any] = array(kind)
    if len(packed) % values.itemsize:
        raise WireError(f"a column of {len(packed)} bytes, expected a multiple of {values.itemsize}")
    values.frombytes(packed)
    if sys.byteorder == "big":
        values.byteswap()
    return values
