"""What the history service is asked: a request in, one answer or the beginning of a stream out.

    {request: "history", instrument: "pi-1/balance", from, to, channels: [name], points, buckets, plain, records}
                                                                      µs; all but the first two may be left out
    {stream, instrument, from, to, kind: "frames" | "buckets", width_us, channels: [{key, name, unit, type}], expected,
     gaps: [{since, until, epoch, first, last, reason, detail}], more_gaps, piece, more, done}

    {request: "history-next", stream, number: 1, 2, ...}        {piece, more, done}
    {request: "history-end", stream}                            {}

Without `points`, or where there are no more than two samples for each of them, a piece is several frames' bytes
(frames.pack_several; with `records` also those that hold nothing but records): those that have to do with the time,
whole, so they may reach beyond it and hold other channels; or nil where there are none. Otherwise a piece is {time,
columns: {key: {min, mean, max, count}}}, the buckets of grid.py, as bytes (int64, float64, uint32, little-endian) or
`plain` lists; of texts only the count is told. `expected` and `done` count frames or buckets. A frame too large for an
answer is named in `left_out`: [[epoch, number], ...].

    {request: "frames", instrument: "pi-1/balance", ranges: [[epoch, first, last], ...]}       a stream of frames
    {request: "latest", instrument: "pi-1/+", after}
    {instruments: [{instrument, channels: [{name, unit, time, value, quality}]}], more}
"""

import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.history import grid as grids
from kleinmaelzung_services.history import reading, wanted
from kleinmaelzung_services.history.grid import Grid
from kleinmaelzung_services.history.reading import Channel, Part, Stored
from kleinmaelzung_services.history.streams import ROOM, Head, Piece, Pieces, Streams, room_beside
from kleinmaelzung_services.history.wanted import Wanted
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.requests import Asked, Handler, RequestRefused
from kleinmaelzung_wire import codec, frames, sockets, topics

MAX_COLUMNS: Final = 64  # of buckets
MAX_NAMED: Final = 200  # channels in a head
MAX_BUCKETS: Final = 8000  # in a piece: what a list on the wire can hold
PIECE_S: Final = 2.0  # a piece of buckets is sent after so long, be it full or not
PAGE: Final = 50  # instruments in one answer of `latest`
_FRAME_BYTES: Final = 5  # what msgpack puts before one of several frames


class History:
    """Answers requests by the database."""

    def __init__(self, dsn: str, streams: Streams, queries: dict[str, str]) -> None:
        self._dsn = dsn
        self._streams = streams
        self._queries = queries

    def handlers(self) -> dict[str, Handler]:
        return {
            "history": self.history,
            "history-next": self.next,
            "history-end": self.end,
            "frames": self.frames,
            "latest": self.latest,
        }

    async def history(self, asked: Asked) -> dict[str, Any]:
        question = Wanted.parse(asked.request, time.time_ns() // 1000)
        stream_id = wanted.stream_id(asked.request)
        return await self._streams.open(asked.user, lambda opened: begin(opened, question), stream_id)

    async def frames(self, asked: Asked) -> dict[str, Any]:
        agent, name = wanted.one_instrument(asked.request)
        ranges = wanted.ranges(asked.request)
        stream_id = wanted.stream_id(asked.request)
        return await self._streams.open(
            asked.user, lambda opened: _begin_frames(opened, agent, name, ranges), stream_id
        )

    async def next(self, asked: Asked) -> dict[str, Any]:
        wire = asked.request.fields()
        return await self._streams.next(asked.user, wire.text("stream"), wire.integer("number", minimum=0))

    async def end(self, asked: Asked) -> dict[str, Any]:
        await self._streams.end(asked.user, asked.request.fields().text("stream"))
        return {}

    async def latest(self, asked: Asked) -> dict[str, Any]:
        wire = asked.request.fields()
        agent, name = lookup.instruments(asked.request)
        after = (None, None) if wire.get("after") is None else topics.split_full_name(wire.text("after"))
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                found = await opened.fetch("find_latest", agent, name, *after, PAGE + 1)
        except LookupFailed as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}") from error
        return page(found)


async def begin(opened: Lookup, question: Wanted) -> tuple[Head, Pieces]:
    """What is stored of a time: the head of the answer and its pieces. Raises RequestRefused, WireError."""
    instrument = await reading.find_instrument(opened, question.agent, question.name)
    rows = await opened.fetch("find_channels", instrument)
    names = wanted.choose([row["name"] for row in rows], question.channels, question.full_name)
    known = {row["id"]: (row["name"], row["unit"]) for row in rows if row["name"] in names}
    since, until = question.since, question.until
    if since is None:
        first = await reading.find_first(opened, list(known))
        since = until if first is None else min(first, until)
    enough = 2 * (question.points or 0)
    channels = await reading.find_channels(opened, known, since, until, enough + 1)
    parts = await reading.find_parts(opened, instrument, since, until) if channels else []
    gaps, more_gaps = await reading.find_gaps(opened, (instrument, question.agent, question.name), since, until, parts)
    head = {
        "instrument": question.full_name,
        "from": since,
        "to": until,
        "channels": [channel.to_map() for channel in _bounded(channels, MAX_NAMED)],
        "gaps": gaps,
        "more_gaps": more_gaps,
    }
    is_empty = since == until or not channels
    grid = None if question.points is None or since == until else Grid.over(since, until, question.points)
    if grid is not None:
        head["width_us"] = grid.width_us
    if grid is None or is_empty or not (question.always_buckets or _are_many(channels, enough)):
        head |= {"kind": "frames", "expected": await reading.count_frames(opened, parts)}
        return head, frame_pieces(opened, parts, room_beside(head), with_records=question.with_records)
    head |= {"kind": "buckets", "expected": grid.count}
    columns = _bounded(channels, MAX_COLUMNS)
    return head, bucket_pieces(opened, grid, columns, until, room_beside(head), is_plain=question.is_plain)


def _are_many(channels: Sequence[Channel], enough: int) -> bool:
    return any(channel.samples > enough for channel in channels)


def _bounded(channels: list[Channel], allowed: int) -> list[Channel]:
    if len(channels) > allowed:
        sentence = f"{len(channels)} channels are too many for one answer, allowed are {allowed}: name those you need"
        raise RequestRefused(sockets.LIMIT, sentence)
    return channels


async def _begin_frames(
    opened: Lookup, agent: str, name: str, ranges: Iterable[tuple[int, int, int]]
) -> tuple[Head, Pieces]:
    instrument = await reading.find_instrument(opened, agent, name)
    parts = await reading.named_parts(opened, instrument, ranges)
    expected = await reading.count_frames(opened, parts)
    head = {"instrument": f"{agent}/{name}", "kind": "frames", "expected": expected}
    return head, frame_pieces(opened, parts, room_beside(head), with_records=True)


async def frame_pieces(opened: Lookup, parts: Sequence[Part], room: int, *, with_records: bool = False) -> Pieces:
    """Frames bundled until a piece is full; those that hold nothing but records are left out, or not."""
    held: list[bytes] = []
    left_out: list[tuple[int, int]] = []
    size, done = _FRAME_BYTES, 0
    async for stored in _each(reading.read_frames(opened, parts)):
        taken = len(stored.payload) + _FRAME_BYTES
        if (held or room < ROOM) and size + taken > room:
            yield Piece(_bundle(held), done, False, tuple(left_out))
            held, left_out, size, room = [], [], _FRAME_BYTES, ROOM
        done += 1
        if size + taken > room:
            left_out.append((stored.epoch, stored.number))
        elif with_records or reading.has_samples(stored.payload):
            held.append(stored.payload)
            size += taken
    yield Piece(_bundle(held), done, True, tuple(left_out))


async def _each(pages: AsyncGenerator[list[Stored], None]) -> AsyncGenerator[Stored, None]:
    async for page in pages:
        for stored in page:
            yield stored


def _bundle(held: list[bytes]) -> bytes | None:
    return frames.pack_several(held) if held else None


async def bucket_pieces(
    opened: Lookup, grid: Grid, channels: list[Channel], until: int, room: int, *, is_plain: bool
) -> Pieces:
    """The grid's buckets until a piece is full, or has taken PIECE_S."""
    row = grids.row_bytes(len(channels), is_plain=is_plain)
    names = sum(2 * len(channel.key.encode()) + 40 for channel in channels) + 100
    first, count, started = 0, 0, time.monotonic()
    held: dict[str, dict[int, grids.Bucket]] = {channel.key: {} for channel in channels}

    def piece(*, is_last: bool) -> Piece:
        content = grids.pack(grid.part(first, count), held.items(), is_plain=is_plain)
        return Piece(content, first + count, is_last)

    async for part, found in reading.read_grid(opened, grid, channels, until):
        place = 0
        while place < part.count:
            taken = min(part.count - place, max(1, min((room - names) // row, MAX_BUCKETS)) - count)
            for key, buckets in found.items():
                held[key] |= {
                    at - place + count: bucket for at, bucket in buckets.items() if place <= at < place + taken
                }
            place += taken
            count += taken
            if first + count == grid.count:
                break
            is_full = place < part.count
            if is_full or time.monotonic() - started > PIECE_S:
                yield piece(is_last=False)
                first, count, room, started = first + count, 0, ROOM, time.monotonic()
                held = {channel.key: {} for channel in channels}
    yield piece(is_last=True)


def page(rows: Sequence[Any]) -> dict[str, Any]:
    """An answer of `latest`: as many instruments as go into one message."""
    instruments: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        channels = instruments.setdefault(f"{row['agent']}/{row['instrument']}", [])
        if row["time"] is not None:
            channels.append(_newest(row))
    limit = PAGE
    while True:
        shown = [{"instrument": name, "channels": found} for name, found in list(instruments.items())[:limit]]
        answer = {"instruments": shown, "more": len(instruments) > limit}
        if limit == 1 or len(codec.pack(answer)) <= ROOM:
            return answer
        limit //= 2


def _newest(row: Any) -> dict[str, Any]:
    """A boolean has a number and a text (001_tables.sql)."""
    value, text = row["value"], row["text"]
    shown = text if value is None else value if text is None else text == "true"
    told = {"name": row["channel"], "unit": row["unit"], "time": row["time"]}
    return {**told, "value": shown, "quality": row["quality"] or "good"}
