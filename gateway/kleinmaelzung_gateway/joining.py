"""A watch with a past: what the log has since a time, then what came live meanwhile, then live; each frame once.

    history, history-next ---> forward -----------> send     in the log's order
    frames (what lacks in between) ---^      ^
    live frames --> take() --> held ---------'               until everything before them was sent

The log lags behind what is live. What lacks between the last frame of the log and the first that is held is asked for
until it is there, at most LAG_S; so also where the first live frame comes only later. Of a frame nothing is read but
its name, epoch and number. The held ones have a bound: the oldest give way, and are read from the log like all others.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any, Final

from kleinmaelzung_bus.session import BusError, Message
from kleinmaelzung_gateway.asking import Refused
from kleinmaelzung_wire import codec, frames, sockets, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.numbers import Epochs
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

MAX_HELD: Final = 1000  # frames of one instrument, or ...
MAX_HELD_BYTES: Final = 1024 * 1024
LAG_S: Final = 5.0  # how long the log may have nothing of what came live
LOOK_EVERY_S: Final = 0.2
QUIET_S: Final = 1.0  # without a live frame; then one look whether the log had lagged
TAIL: Final = 1000  # frames asked for in that look
MAX_RANGES: Final = 1000  # in one request
PATIENCE_S: Final = 20.0  # with a service that is busy or away for the moment
WAITS: Final = Waits(first_s=0.2, longest_s=2.0)
_PASSING: Final = frozenset({sockets.BUSY, sockets.LIMIT, sockets.TIMEOUT, sockets.UNAVAILABLE})

# A request's name, the instrument it is about or None, its arguments. Raises Refused, NotPermitted, BusError.
Ask = Callable[[str, str | None, dict[str, Any]], Awaitable[Any]]
Send = Callable[[str, bytes], Awaitable[None]]  # instrument, frame; waits for room
Name = tuple[int, int]


class _Seam:
    """One instrument's: which frames were sent, and the live ones that wait for those before them."""

    def __init__(self) -> None:
        self.sent = Epochs()
        self.has_dropped = False
        self.is_caught_up = False  # everything was sent: the next live frame goes by itself if it follows
        self.has_looked = False  # whether the log had lagged
        self.is_over = False
        self._held: dict[Name, bytes] = {}
        self._held_bytes = 0

    def take(self, payload: bytes) -> bool:
        name = frames.read_name(payload)
        if name is None:
            return False  # who watches finds out; in the log it is quarantined
        if name in self.sent:
            return True  # the log was faster
        if self.is_caught_up and not self._held and self._follows(name):
            self.is_over = True
            self.sent.add(*name)
            return False
        self._held[name] = payload
        self._held_bytes += len(payload)
        while len(self._held) > MAX_HELD or self._held_bytes > MAX_HELD_BYTES:
            self._forget(next(iter(self._held)))
            self.has_dropped = True
        return True

    @property
    def first_held(self) -> Name | None:
        return next(iter(self._held), None)

    @property
    def held(self) -> list[bytes]:
        return list(self._held.values())

    def pop(self) -> bytes:
        """The first that is held, which is sent now."""
        name = next(iter(self._held))
        payload = self._held[name]
        self.note_sent(name)
        return payload

    def note_sent(self, name: Name) -> bool:
        """Whether it was not sent before."""
        self._forget(name)
        return self.sent.add(*name)

    def _forget(self, name: Name) -> None:
        self._held_bytes -= len(self._held.pop(name, b""))

    def _follows(self, name: Name) -> bool:
        epoch, number = name
        return number == self.sent.of(epoch).last + 1


class Joining:
    """The joining of one watch; run() must be running. Frames go to take() first."""

    def __init__(self, since_us: int) -> None:
        self._since_us = since_us
        self._seams: dict[str, _Seam] = {}
        self._came = asyncio.Event()

    def expect(self, instruments: Iterable[str]) -> None:
        """Join these; a frame of any other is live at once."""
        self._seams = {instrument: _Seam() for instrument in sorted(instruments)}

    def take(self, message: Message) -> bool:
        """Whether a live message has to wait, or was sent already."""
        instrument, _, kind = topics.tail(message.topic).rpartition("/")
        seam = self._seams.get(instrument) if kind == "data" else None
        if seam is None:
            return False
        is_taken = seam.take(message.payload)
        if seam.is_over:
            del self._seams[instrument]
        if seam.is_over or is_taken:
            self._came.set()
        return is_taken

    async def send_backlog(self, ask: Ask, send: Send) -> None:
        """Send what the log has and what came meanwhile, one instrument after the other. Raises what `ask` raises."""
        for instrument, seam in list(self._seams.items()):
            way = _Way(instrument, seam, ask, send)
            await way.forward_history(self._since_us)
            await way.catch_up(self._since_us)

    async def close_seams(self, ask: Ask, send: Send) -> None:
        """Go on until of each instrument a live frame has followed: then everything before it was sent."""
        quiet_from = time.monotonic() + QUIET_S
        while self._seams:
            self._came.clear()
            is_quiet = time.monotonic() >= quiet_from
            for instrument, seam in list(self._seams.items()):
                await _Way(instrument, seam, ask, send).close(self._since_us, is_quiet=is_quiet)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if is_quiet else quiet_from - time.monotonic()):
                    await self._came.wait()

    def held(self) -> list[tuple[str, bytes]]:
        """What still waits, for when the joining has failed: instrument and frame."""
        return [(instrument, payload) for instrument, seam in self._seams.items() for payload in seam.held]


class _Way:
    """From the log and from what is held to the socket, for one instrument."""

    def __init__(self, instrument: str, seam: _Seam, ask: Ask, send: Send) -> None:
        self._instrument = instrument
        self._seam = seam
        self._ask = ask
        self._send = send

    async def forward_history(self, since_us: int) -> None:
        # A stream ends while the client is slow: then from the beginning, what was sent is left out.
        while not await self._forward("history", {"from": since_us, "records": True}):
            pass

    async def catch_up(self, since_us: int) -> None:
        """Send what is held, and before it what lacks."""
        seam = self._seam
        seam.is_caught_up = False
        while (name := seam.first_held) is not None:
            epoch, number = name
            known = seam.sent.of(epoch).last
            if known == 0 and (number > 1 or seam.has_dropped):
                await self._begin_epoch(name, since_us)
            elif known + 1 < number:
                await self._fill(epoch, known + 1, number - 1)
            else:
                await self._send(self._instrument, seam.pop())
        seam.is_caught_up = True

    async def close(self, since_us: int, *, is_quiet: bool) -> None:
        """Send what has come but did not follow; where nothing comes look once more into the log."""
        try:
            if is_quiet and not self._seam.has_looked:
                self._seam.has_looked = True
                await self._forward_tail()
            await self.catch_up(since_us)
        except Refused as refused:
            logger.warning("%s: what lacks before its live frames was not sent: %s", self._instrument, refused)
            while self._seam.first_held is not None:
                await self._send(self._instrument, self._seam.pop())
            self._seam.is_caught_up = True

    async def _forward_tail(self) -> None:
        """What was not in the log yet, and came before the watch was there."""
        self._seam.is_caught_up = False  # live frames wait meanwhile
        epoch = self._seam.sent.newest
        if epoch is not None:
            last = self._seam.sent.of(epoch).last
            await self._forward("frames", {"ranges": [[epoch, last + 1, last + TAIL]]})

    async def _begin_epoch(self, name: Name, since_us: int) -> None:
        """Of this epoch the log had nothing: read again once it has what was before the first that is held."""
        epoch, number = name
        seam, until = self._seam, time.monotonic() + LAG_S
        seam.has_dropped = False
        is_logged = number == 1
        while not is_logged and time.monotonic() < until:
            is_logged = await self._is_logged(epoch, number - 1)
            await asyncio.sleep(0 if is_logged else LOOK_EVERY_S)
        await self.forward_history(since_us)
        if number > 1 and seam.sent.of(epoch).last == 0:  # all of it was before `since`, or will not come in time
            seam.sent.skip(epoch, number - 1, number - 1)

    async def _is_logged(self, epoch: int, number: int) -> bool:
        pieces = self._read("frames", {"ranges": [[epoch, number, number]]})
        async with contextlib.aclosing(pieces):
            return [payload async for payload in pieces] != []

    async def _fill(self, epoch: int, first: int, last: int) -> None:
        """Send these numbers, as far as the log gets them in time; the others count as sent."""
        sent, until = self._seam.sent, time.monotonic() + LAG_S
        missing = [(first, last)]
        while missing and time.monotonic() < until:
            await self._forward("frames", {"ranges": [[epoch, *one] for one in missing[:MAX_RANGES]]})
            before, missing = missing, sent.of(epoch).missing(first, last)
            if missing and missing != before:
                until = time.monotonic() + LAG_S
            elif missing:
                await asyncio.sleep(LOOK_EVERY_S)
        for one in missing:
            logger.info("%s: frames %d to %d of epoch %d are not in the log", self._instrument, *one, epoch)
            sent.skip(epoch, *one)

    async def _forward(self, name: str, arguments: dict[str, Any]) -> bool:
        """Whether everything came."""
        pieces = self._read(name, arguments)
        try:
            async with contextlib.aclosing(pieces):
                async for payload in pieces:
                    named = frames.read_name(payload)
                    if named is not None and self._seam.note_sent(named):
                        await self._send(self._instrument, payload)
        except Refused as refused:
            if refused.code != sockets.UNKNOWN:
                raise
            logger.debug("%s: %s", self._instrument, refused)
            return False
        return True

    async def _read(self, name: str, arguments: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """The frames of an answer, piece by piece."""
        stream: str | None = None
        try:
            answer = await self._insist(name, self._instrument, arguments)
            number = 0
            while True:
                wire = Fields(answer, name)
                stream = wire.get("stream") if number == 0 else stream
                if not wire.boolean("more"):
                    stream = None
                for payload in frames_of(wire.get("piece")):
                    yield payload
                if stream is None:
                    return
                number += 1
                answer = await self._insist("history-next", None, {"stream": stream, "number": number})
        except WireError as error:
            raise Refused(sockets.FAILED, f"the history service answered something unreadable: {error}") from error
        finally:
            if stream is not None:
                with contextlib.suppress(Refused, BusError):
                    await self._ask("history-end", None, {"stream": stream})

    async def _insist(self, name: str, instrument: str | None, arguments: dict[str, Any]) -> Any:
        until, failures = time.monotonic() + PATIENCE_S, 0
        while True:
            try:
                return await self._ask(name, instrument, arguments)
            except Refused as refused:
                if refused.code == sockets.UNKNOWN and instrument is not None:
                    return {"stream": None, "piece": None, "more": False}  # nothing of it was logged yet
                if refused.code not in _PASSING or time.monotonic() > until:
                    raise
            failures += 1
            await asyncio.sleep(WAITS.after(failures))


def frames_of(piece: Any) -> list[bytes]:
    """The frames of a piece of a stream. Raises WireError."""
    if piece is None or piece in (b"", codec.pack([])):
        return []
    if type(piece) is not bytes:
        raise WireError("a piece is no bundle of frames")
    return frames.unpack_several(piece)
