"""What the database knows of one instrument in a time: its channels, which frames, their bytes, buckets, gaps.

A frame's time is its first sample's, and frames have no index by time. But within one run of the agent time grows with
the number: so a time becomes a Part of each run, numbers from .. to, and these are read by the table's key.
"""

import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kleinmaelzung_services.history.grid import Bucket, Grid
from kleinmaelzung_services.lookup import Lookup, to_datetime
from kleinmaelzung_services.requests import RequestRefused
from kleinmaelzung_wire import codec, frames, sockets
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US

LOOKED_AT: Final = 1000  # samples of a channel by which its type is judged, or more where they are counted
MAX_GAPS: Final = 100
MAX_WORDS: Final = 200  # of a reason or a detail
GAPS_BYTES: Final = 32 * 1024
PAGE_BYTES: Final = 256 * 1024
MIN_PAGE, MAX_PAGE = 16, 2000  # frames read at once
STEP_S: Final = 1.0  # what one query for buckets should take, so that a stream can end between two

ROLLED_WIDTH_US: Final = 180_000_000  # narrower buckets would be read from the samples mostly
TOO_LARGE: Final = 1e290  # a value beyond it is not in a sum, which might be too large for the database

_ONE_US: Final = timedelta(microseconds=1)
# A frame that holds no channel, as msgpack writes an empty map of three sizes.
_NO_CHANNEL: Final = (b"\xa1c\x80", b"\xa1c\xde\x00\x00", b"\xa1c\xdf\x00\x00\x00\x00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel with its unit: one that changed its unit is two."""

    id: int
    name: str
    unit: str
    type: str
    samples: int  # in the time asked for, up to a limit
    key: str  # its name, or where that is not enough `name [unit]`

    def to_map(self) -> dict[str, str]:
        return {"key": self.key, "name": self.name, "unit": self.unit, "type": self.type}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Frames of one run, `first` to `last`, that begin between `since` and `until`."""

    stream: int
    epoch: int
    first: int
    last: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """One frame as it is stored."""

    epoch: int
    number: int
    payload: bytes


async def find_instrument(opened: Lookup, agent: str, name: str) -> int:
    """Its id. Raises RequestRefused."""
    found = await opened.fetch("find_instrument", agent, name)
    if not found:
        sentence = f"nothing of {agent}/{name} has ever been logged: is the name right?"
        raise RequestRefused(sockets.UNKNOWN, sentence)
    instrument: int = found[0]["id"]
    return instrument


async def find_first(opened: Lookup, channels: Sequence[int]) -> int | None:
    """When the first sample was taken."""
    [found] = await opened.fetch("find_first", channels)
    return None if found["time"] is None else to_us(found["time"])


async def find_channels(
    opened: Lookup, known: Mapping[int, tuple[str, str]], since: int, until: int, limit: int
) -> list[Channel]:
    """Those of the known channels (name and unit by id) that have samples in a time, with how many, up to a limit."""
    arguments = (list(known), to_datetime(since), to_datetime(until), max(limit, LOOKED_AT))
    found = {row["channel"]: row for row in await opened.fetch("find_samples", *arguments)}
    names = [known[channel][0] for channel in found]
    return [
        Channel(
            id=channel,
            name=name,
            unit=unit,
            type=type_of(**{kind: found[channel][kind] for kind in ("has_numbers", "has_booleans", "has_texts")}),
            samples=found[channel]["samples"],
            key=name if names.count(name) == 1 else f"{name} [{unit}]",
        )
        for channel, (name, unit) in known.items()
        if channel in found
    ]


def type_of(*, has_numbers: bool, has_booleans: bool, has_texts: bool) -> str:
    """What a channel's values are; one that never had any counts as numbers."""
    kinds = [("number", has_numbers), ("boolean", has_booleans), ("text", has_texts)]
    found = [kind for kind, is_there in kinds if is_there]
    return "mixed" if len(found) > 1 else (*found, "number")[0]


# Frames


async def find_parts(opened: Lookup, instrument: int, since: int, until: int) -> list[Part]:
    """The parts of all runs that have to do with a time, in the order of these runs."""
    begin, end = to_datetime(since), to_datetime(until)
    parts = []
    for run in await opened.fetch("find_runs", instrument, begin, end):
        first, last = (run["first"], run["since"]), (run["last"], run["until"])
        if run["since"] < begin:
            first = await _last_before(opened, run, begin + _ONE_US)  # it may reach into the time
        if run["until"] >= end:
            last = await _last_before(opened, run, end)
        parts.append(
            Part(stream=run["id"], epoch=run["epoch"], first=first[0], last=last[0], since=first[1], until=last[1])
        )
    return parts


async def _last_before(opened: Lookup, run: Any, moment: datetime) -> tuple[int, datetime]:
    [found] = await opened.fetch("find_last", run["id"], moment, run["first"], run["last"])
    return found["number"], found["time"]


async def named_parts(opened: Lookup, instrument: int, ranges: Iterable[tuple[int, int, int]]) -> list[Part]:
    """Ranges of epoch, first and last number as parts; a run of which nothing came has none."""
    wanted = list(ranges)
    rows = await opened.fetch("find_epochs", instrument, [epoch for epoch, _, _ in wanted])
    streams = {row["epoch"]: row["id"] for row in rows}
    ever = {"since": to_datetime(MIN_TIME_US), "until": to_datetime(MAX_TIME_US)}
    return [
        Part(stream=streams[epoch], epoch=epoch, first=first, last=last, **ever)
        for epoch, first, last in wanted
        if epoch in streams
    ]


async def count_frames(opened: Lookup, parts: Sequence[Part]) -> int:
    [row] = await opened.fetch("count_frames", *_places(parts))
    count: int = row["frames"]
    return count


async def read_frames(opened: Lookup, parts: Sequence[Part]) -> AsyncGenerator[list[Stored], None]:
    """The frames of all parts in their order, some at a time: at most PAGE_BYTES and one frame more."""
    page = MIN_PAGE  # grows while frames are small
    for part in parts:
        after = part.first - 1
        while after < part.last:
            bounds = (part.stream, after + 1, part.last, part.since, part.until, page, PAGE_BYTES)
            rows = await opened.fetch("read_frames", *bounds)
            if not rows:
                break
            yield [Stored(part.epoch, row["number"], row["payload"]) for row in rows]
            after = rows[-1]["number"]
            average = sum(len(row["payload"]) for row in rows) // len(rows) + 1
            page = max(MIN_PAGE, min(MAX_PAGE, PAGE_BYTES // average))


def has_samples(payload: bytes) -> bool:
    """Whether a frame is more than its records. Decoded is only what looks as if it were not."""
    if not any(mark in payload for mark in _NO_CHANNEL):
        return True
    try:
        return bool(frames.decode(payload).channels)
    except WireError:  # whoever reads it will say so
        return True


# Buckets


async def find_rolled(opened: Lookup) -> int:
    """Up to when samples are rolled up."""
    [found] = await opened.fetch("find_rolled")
    return to_us(found["until"])


async def read_buckets(
    opened: Lookup, grid: Grid, channels: Sequence[Channel], until: int, rolled: int = 0
) -> dict[str, dict[int, Bucket]]:
    """Of each channel, by its key, the buckets of the grid that are not empty; of samples taken before `until`.

    `rolled` is up to when rollups may be used instead of the samples.
    """
    found: dict[str, dict[int, Bucket]] = {channel.key: {} for channel in channels}
    keys = {channel.id: channel.key for channel in channels}
    since, width = to_datetime(grid.since), timedelta(microseconds=grid.width_us)
    span = (since, to_datetime(min(grid.until, until)), width, since)
    texts = [channel.id for channel in channels if channel.type == "text"]
    numbers = [channel.id for channel in channels if channel.type != "text"]
    for row in await _read_numbers(opened, numbers, grid, min(grid.until, until), rolled) if numbers else ():
        if row["count"]:
            column, place = found[keys[row["channel"]]], (row["bucket"] - since) // width
            column[place] = _joined(column.get(place), row)
    for row in await opened.fetch("count_texts", texts, *span) if texts else ():
        found[keys[row["channel"]]][(row["bucket"] - since) // width] = Bucket(row["count"])
    return found


async def _read_numbers(opened: Lookup, channels: list[int], grid: Grid, until: int, rolled: int) -> list[Any]:
    since, width = to_datetime(grid.since), timedelta(microseconds=grid.width_us)
    middle = max(grid.since, min(rolled, until)) if grid.width_us >= ROLLED_WIDTH_US else grid.since
    rows: list[Any] = []
    if middle > grid.since:
        rows += await opened.fetch("read_rollups", channels, since, to_datetime(middle), width, since)
    if middle == grid.since:
        rows += await opened.fetch("read_gone", channels, since, to_datetime(until), width, since)
    if middle < until:
        rows += await opened.fetch("read_buckets", channels, to_datetime(middle), to_datetime(until), width, since)
    return rows


def _joined(known: Bucket | None, row: Any) -> Bucket:
    """A bucket of which a part was read before."""
    count, low, high, mean = row["count"], row["min"], row["max"], row["total"] / row["count"]
    if known is not None:
        mean = known.mean * (known.count / (known.count + count)) + mean * (count / (known.count + count))
        count, low, high = known.count + count, min(low, known.min), max(high, known.max)
    if max(-low, high) >= TOO_LARGE:
        return Bucket(count, low, high)
    return Bucket(count, low, high, min(max(mean, low), high))  # rounding must not take it out of its values


async def read_grid(
    opened: Lookup, grid: Grid, channels: Sequence[Channel], until: int
) -> AsyncGenerator[tuple[Grid, dict[str, dict[int, Bucket]]], None]:
    """The grid part by part, each of as many buckets as are read in STEP_S or so."""
    first, step = 0, max(1, grid.count // 16)
    rolled = await find_rolled(opened)
    while first < grid.count:
        part = grid.part(first, step)
        started = time.monotonic()
        yield part, await read_buckets(opened, part, channels, until, rolled)
        first += part.count
        took_s = max(time.monotonic() - started, STEP_S / 4)
        step = max(1, int(step * STEP_S / took_s))


# Gaps


async def find_gaps(
    opened: Lookup, instrument: tuple[int, str, str], since: int, until: int, parts: Sequence[Part]
) -> tuple[list[dict[str, Any]], int]:
    """What is missing in a time, newest first, as far as it goes into an answer; and how many more there are."""
    span = (to_datetime(since), to_datetime(until))
    rows = await opened.fetch("find_gaps", *instrument, *span, *_places(parts), MAX_GAPS)
    total = rows[0]["gaps"] if rows else 0
    shown = [_gap(row) for row in rows]
    while len(codec.pack(shown)) > GAPS_BYTES:
        shown = shown[: len(shown) // 2]
    return shown, total - len(shown)


def _gap(row: Any) -> dict[str, Any]:
    words = {key: row[key][:MAX_WORDS] for key in ("reason", "detail")}
    return {key: row[key] for key in ("since", "until", "epoch", "first", "last")} | words


def _places(parts: Sequence[Part]) -> tuple[list[int], list[int], list[int]]:
    return [part.stream for part in parts], [part.first for part in parts], [part.last for part in parts]


def to_us(moment: datetime) -> int:
    return (moment - to_datetime(0)) // _ONE_US
