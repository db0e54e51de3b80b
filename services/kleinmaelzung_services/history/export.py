"""History as a file: what is asked for raw or in buckets, written by formats/, in pieces of the stream protocol.

    {request: "export", instrument: "pi-1/balance", from, to, channels, points, format: "csv" | "json" | "parquet"}
    {stream, instrument, from, to, kind: "file", rows: "samples" | "buckets", format, media_type, file_name, width_us,
     channels, gaps, more_gaps, expected, piece, more, done}

A piece is the file's next bytes, which may be none: what is read is not yet written then, and `done` tells how far that
has come. Held in memory are one piece that was read and what the format gathers before it writes.

Frames are decoded and written in a thread, so that other requests are answered meanwhile.
"""

import asyncio
import contextlib
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from kleinmaelzung_services.history import answers, reading, wanted
from kleinmaelzung_services.history.formats import choice, parquet_file, table
from kleinmaelzung_services.history.formats.choice import FORMATS
from kleinmaelzung_services.history.formats.table import BucketColumn, Buckets, Column, File, Key, Table
from kleinmaelzung_services.history.streams import ROOM, Head, Piece, Pieces, Streams, room_beside
from kleinmaelzung_services.history.wanted import Wanted
from kleinmaelzung_services.lookup import Lookup
from kleinmaelzung_services.requests import Asked, Handler, RequestRefused
from kleinmaelzung_wire import frames, sockets
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import Frame
from kleinmaelzung_wire.gaps import Gap

PIECE_S: Final = 1.0  # a piece is sent after so long, be it full or not: people watch how far it is


class Exports:
    """Answers requests for files."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def handlers(self) -> dict[str, Handler]:
        return {"export": self.export}

    async def export(self, asked: Asked) -> dict[str, Any]:
        question = Wanted.parse(asked.request, time.time_ns() // 1000)
        name = asked.request.fields().text("format")
        if name not in FORMATS:
            raise WireError(f"format is {name!r:.20}, expected {', '.join(FORMATS)}")
        stream_id = wanted.stream_id(asked.request)
        return await self._streams.open(asked.user, lambda opened: begin(opened, question, name), stream_id)


async def begin(opened: Lookup, question: Wanted, format_name: str) -> tuple[Head, Pieces]:
    """The head of the answer and the file's bytes. Raises RequestRefused, WireError."""
    found, pieces = await answers.begin(opened, replace(question, is_plain=False, with_records=False))
    about = table_of(found)
    try:
        file = await asyncio.to_thread(FORMATS[format_name].open, about)  # which may have to load pyarrow
    except parquet_file.NotInstalled as error:
        await pieces.aclose()
        raise RequestRefused(sockets.UNAVAILABLE, str(error)) from error
    keys = {one["key"]: (one["name"], one["unit"]) for one in found["channels"]}
    head = {**found, **_named(question, FORMATS[format_name]), "format": format_name, "rows": about.kind}
    return head, _written(opened, question, _Writing(about, keys, file), pieces, room_beside(head))


def _named(question: Wanted, chosen: choice.Format) -> dict[str, str]:
    file_name = f"{question.agent}_{question.name}.{chosen.suffix}"
    return {"kind": "file", "media_type": chosen.media_type, "file_name": file_name}


def table_of(head: Head) -> Table:
    """What an answer is about, for a file."""
    return Table(
        instrument=head["instrument"],
        since=head["from"],
        until=head["to"],
        columns=[Column(name=one["name"], unit=one["unit"], type=one["type"]) for one in head["channels"]],
        width_us=head["width_us"] if head["kind"] == "buckets" else None,
        gaps=[Gap(**gap) for gap in head["gaps"]],
        more_gaps=head["more_gaps"],
    )


async def _written(opened: Lookup, question: Wanted, writing: "_Writing", pieces: Pieces, room: int) -> Pieces:
    """The file's bytes, each piece as full as it may be, unless that takes too long."""
    held, started = await asyncio.to_thread(writing.file.begin), time.monotonic()
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            rows = piece.content
            left_out = await _left_out(opened, question, piece)
            held += await asyncio.to_thread(writing.add, rows, left_out)
            if piece.is_last:
                held += await asyncio.to_thread(writing.file.end)
            while len(held) > room:
                yield Piece(held[:room], piece.done, False)
                held, room, started = held[room:], ROOM, time.monotonic()
            if piece.is_last:
                yield Piece(held, piece.done, True)
            elif time.monotonic() - started > PIECE_S:
                yield Piece(held, piece.done, False)
                held, room, started = b"", ROOM, time.monotonic()


async def _left_out(opened: Lookup, question: Wanted, piece: Piece) -> list[bytes]:
    """Frames that are too large for an answer, but not for a file."""
    if not piece.left_out:
        return []
    instrument = await reading.find_instrument(opened, question.agent, question.name)
    named = [(epoch, number, number) for epoch, number in piece.left_out]
    parts = await reading.named_parts(opened, instrument, named)
    return [stored.payload async for page in reading.read_frames(opened, parts) for stored in page]


@dataclass(frozen=True, slots=True)
class _Writing:
    """A file, and what goes into it of the pieces that are read."""

    about: Table
    keys: Mapping[str, Key]
    file: File

    def add(self, content: Any, left_out: Sequence[bytes] = ()) -> bytes:
        """The bytes that are due after one more piece."""
        if self.about.width_us is not None:
            return self.file.add(buckets_of(self.keys, content))
        return b"".join(map(self.file.add, self._frames(content, left_out)))

    def _frames(self, content: bytes | None, left_out: Sequence[bytes]) -> Iterator[Frame]:
        payloads = [*(frames.unpack_several(content) if content else ()), *left_out]
        decoded = [frames.decode(payload) for payload in payloads]
        if left_out:
            decoded.sort(key=lambda frame: frame.times[0])
        names = frozenset(column.name for column in self.about.columns)
        for frame in decoded:
            if trimmed := table.trimmed(frame, self.about.since, self.about.until, names):
                yield trimmed


def buckets_of(keys: Mapping[str, Key], content: dict[str, Any]) -> Buckets:
    """A piece of buckets as it is written: what the wire tells by a channel's key stands under its name and unit."""
    columns = {keys[key]: _column(told) for key, told in content["columns"].items()}
    return Buckets(times=_unpacked("q", content["time"]), columns=columns)


def _column(told: dict[str, bytes]) -> BucketColumn:
    return BucketColumn(
        mean=_unpacked("d", told["mean"]),
        minimum=_unpacked("d", told["min"]),
        maximum=_unpacked("d", told["max"]),
        count=_unpacked("I", told["count"]),
    )


def _unpacked(kind: str, packed: bytes) -> tuple[Any, ...]:
    return struct.unpack(f"<{len(packed) // struct.calcsize(f'<{kind}')}{kind}", packed)
