"""Answers that do not go into one message: streams of pieces, each read while the one before is on its way.

    begin(Lookup) --> head, pieces --> task of the stream --> coming --> given --> asked for by number
                                           one piece ahead               again as often as it is asked

A stream holds two pieces at most: what was given last, in case that the answer was lost, and what comes next. It has a
connection to the database of its own, in one transaction, so that all its pieces are of one moment. It belongs to the
user who opened it, and ends when it is told to, or when nobody asks for a while.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Never

from kleinmaelzung_services import lookup
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.requests import RequestRefused
from kleinmaelzung_wire import codec, sockets
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import MAX_ANSWER

logger = logging.getLogger(__name__)

MAX_STREAMS: Final = 16
MAX_OF_USER: Final = 4
MAX_READING: Final = 4  # queries at once: the logger writes to the same database
IDLE_S: Final = 30.0
LOOK_EVERY_S: Final = 1.0
END_TIMEOUT_S: Final = 5.0
ROOM: Final = MAX_ANSWER - 200  # bytes of a piece: what an answer has around it takes the rest
_SETTINGS: Final = {
    "application_name": "kleinmaelzung-history",
    "idle_in_transaction_session_timeout": "60s",  # one piece waits while the other is asked for, IDLE_S each
    # Every page is read in the order of a key. A server that knows nothing of a new table yet would gather all that is
    # left of a run, and sort it, for each page.
    "enable_bitmapscan": "off",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """What one answer brings; `done` is how much of the head's `expected` was then read."""

    content: Any
    done: int
    is_last: bool
    left_out: tuple[tuple[int, int], ...] = ()  # frames that go into no answer, by epoch and number

    def to_map(self) -> dict[str, Any]:
        told = {"piece": self.content, "more": not self.is_last, "done": self.done}
        return {**told, "left_out": self.left_out} if self.left_out else told


Head = dict[str, Any]
Pieces = AsyncGenerator[Piece, None]
Begin = Callable[[Lookup], Awaitable[tuple[Head, Pieces]]]


def room_beside(head: Head) -> int:
    """How large the first piece may be, which travels with the head."""
    return ROOM - len(codec.pack(head))


@dataclass(slots=True, eq=False)
class _Stream:
    user: str
    id: str
    head: Head = field(default_factory=dict)
    number: int = -1  # of the piece that was given last
    given: Piece | None = None
    coming: Piece | None = None
    error: Exception | None = None
    task: asyncio.Task[None] | None = None
    asked_at: float = field(default_factory=time.monotonic)
    askers: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    has_news: asyncio.Event = field(default_factory=asyncio.Event)  # a piece has come, or none will
    has_room: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, piece: Piece) -> None:
        self.coming = piece
        self.has_room.clear()
        self.has_news.set()

    def fail(self, error: Exception) -> None:
        self.error = self.error or error
        self.has_news.set()

    async def take(self) -> Piece:
        """The next piece; the last one given is forgotten."""
        await self.has_news.wait()
        if self.coming is None:
            raise self.error or _gone(self.id)
        piece, self.coming, self.given = self.coming, None, self.coming
        self.number += 1
        if not piece.is_last:
            self.has_news.clear()
            self.has_room.set()
        return piece

    @contextlib.contextmanager
    def asked(self) -> Any:
        """As long as somebody waits the stream is not idle."""
        self.askers += 1
        try:
            yield
        finally:
            self.askers -= 1
            self.asked_at = time.monotonic()


class Streams:
    """The open streams of one service. `run()` must be running."""

    def __init__(self, dsn: str, queries: dict[str, str], idle_s: float = IDLE_S) -> None:
        self._dsn = dsn
        self._queries = queries
        self._idle_s = idle_s
        self._streams: dict[tuple[str, str], _Stream] = {}  # by user and id, for users choose ids
        self._reading = asyncio.Semaphore(MAX_READING)
        self._group: asyncio.TaskGroup | None = None

    def __len__(self) -> int:
        return len(self._streams)

    async def run(self) -> Never:
        """Let streams be read, and end those that nobody asks."""
        async with asyncio.TaskGroup() as self._group:
            while True:
                await asyncio.sleep(min(LOOK_EVERY_S, self._idle_s / 4))
                longest_ago = time.monotonic() - self._idle_s
                for stream in list(self._streams.values()):
                    if not stream.askers and stream.asked_at < longest_ago:
                        logger.debug("nobody asked for stream %s of %s any more", stream.id, stream.user)
                        self._abandon(stream)
        raise AssertionError("this does not end")

    async def open(self, user: str, begin: Begin, stream_id: str | None = None) -> dict[str, Any]:
        """The first answer: the head with the first piece, and the stream where there is more.

        Who chose an id can end the stream while the first answer is still to come.
        """
        stream = self._add(user, begin, stream_id or secrets.token_hex(8))
        try:
            with stream.asked():
                piece = await stream.take()
        except BaseException:
            self._abandon(stream)
            raise
        if piece.is_last:
            self._abandon(stream)
        return {**stream.head, "stream": None if piece.is_last else stream.id, **piece.to_map()}

    async def next(self, user: str, stream_id: str, number: int) -> dict[str, Any]:
        """One more piece, or the last one once more."""
        stream = self._find(user, stream_id)
        with stream.asked():
            async with stream.turn:
                piece = stream.given if number == stream.number else None
                if number == stream.number + 1 and not (stream.given and stream.given.is_last):
                    piece = await self._take(stream)
        if piece is None:
            next_one = "no other" if stream.given and stream.given.is_last else str(stream.number + 1)
            raise WireError(f"stream {stream_id} has piece {stream.number} and {next_one}, asked for was {number}")
        return piece.to_map()

    async def end(self, user: str, stream_id: str) -> None:
        """End a stream, and its query at the server."""
        stream = self._find(user, stream_id)
        self._abandon(stream)
        if stream.task is not None:
            await asyncio.wait((stream.task,), timeout=END_TIMEOUT_S)

    async def _take(self, stream: _Stream) -> Piece:
        try:
            return await stream.take()
        except Exception:  # it is told once; there is nothing to ask for any more
            self._abandon(stream)
            raise

    def _find(self, user: str, stream_id: str) -> _Stream:
        stream = self._streams.get((user, stream_id))
        if stream is None:
            raise _gone(stream_id)
        return stream

    def _add(self, user: str, begin: Begin, stream_id: str) -> _Stream:
        if (user, stream_id) in self._streams:
            raise WireError(f"stream {stream_id} is open already: choose another name, or none")
        own = sum(stream.user == user for stream in self._streams.values())
        if own >= MAX_OF_USER:
            raise RequestRefused(sockets.LIMIT, f"{user} has {own} streams open: end one, or read it to its end")
        if len(self._streams) >= MAX_STREAMS:
            raise RequestRefused(sockets.LIMIT, f"{len(self._streams)} streams are open: ask again later")
        if self._group is None:
            raise RequestRefused(sockets.UNAVAILABLE, "the service is not ready yet")
        stream = _Stream(user, stream_id)
        self._streams[user, stream_id] = stream
        stream.task = self._group.create_task(self._feed(stream, begin), name=f"stream-{stream.id}")
        return stream

    def _abandon(self, stream: _Stream) -> None:
        self._streams.pop((stream.user, stream.id), None)
        stream.fail(_gone(stream.id))
        stream.has_room.set()
        if stream.task is not None:
            stream.task.cancel()

    async def _feed(self, stream: _Stream, begin: Begin) -> None:
        try:
            await self._read(stream, begin)
        except LookupFailed as error:
            stream.fail(RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}"))
        except (RequestRefused, WireError) as error:
            stream.fail(error)
        except Exception:  # one stream's trouble must not end the service
            logger.exception("stream %s of %s ended by a mistake of ours", stream.id, stream.user)
            stream.fail(RequestRefused(sockets.FAILED, "the history service failed at it: see its log"))

    async def _read(self, stream: _Stream, begin: Begin) -> None:
        async with lookup.open_lookup(self._dsn, self._queries, _SETTINGS) as opened:
            async with self._reading:
                stream.head, pieces = await begin(opened)
            async with contextlib.aclosing(pieces):
                while True:
                    async with self._reading:
                        piece = await anext(pieces)
                    stream.put(piece)
                    if piece.is_last:
                        return
                    await stream.has_room.wait()


def _gone(stream_id: str) -> RequestRefused:
    sentence = f"there is no stream {stream_id:.32}: it has ended, or nobody asked for it for {IDLE_S:g} s"
    return RequestRefused(sockets.UNKNOWN, sentence)
