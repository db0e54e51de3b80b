"""A watch that begins in the past: frames from the log, then live, each once, over lost connections too.

    history, frames (requests) --> pieces --+--> given before? --> ready --> async for
    live frames --> held until what lacks before them is asked for --^

What was given is remembered by number. A hole in the numbers is asked for again and again, until the log has it or says
why it never will: so what comes late is given late. With each new connection the log is read on from what was given
last. All happens while somebody waits for the next frame, so that nothing piles up; what is asked then goes on when
the wait is given up, for the next one.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

from kleinmaelzung.asking import unreadable
from kleinmaelzung.completeness import Completeness
from kleinmaelzung.errors import ConnectionLost, Error, NotReachable, Refused
from kleinmaelzung.past import Past
from kleinmaelzung.readings import Frame
from kleinmaelzung.watching import Message, Watch
from kleinmaelzung_wire import frames, sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

HOLD_S: Final = 3.0  # how long a live frame waits for those before it, from the last that came
LOOK_S: Final = 0.2  # between two looks for what lacks while a live frame waits
LOOKS: Final = Waits(first_s=0.5, longest_s=30.0)  # and while none does
REASON_FROM: Final = 3  # looks without a find, after which it is asked why
QUIET_S: Final = 1.5  # after a new connection, or messages missed: then once more to the log's end
ANSWER_S: Final = 20.0  # for an answer of the log
LIVE_LIMIT: Final = 2000  # live frames that wait while the log is read; then the oldest go, and are read from it too
RETRIES: Final = Waits(first_s=0.3, longest_s=5.0)
MAX_RANGES: Final = 500  # in one request
_PASSING: Final = frozenset({sockets.BUSY, sockets.LIMIT, sockets.TIMEOUT, sockets.UNAVAILABLE, sockets.UNKNOWN})


class Log(Protocol):
    """Whom to ask for what was logged."""

    async def instruments(self, pattern: str) -> list[str]:
        """Those of which something was logged."""
        ...

    async def ask(self, name: str, question: dict[str, Any], service: str | None = None) -> tuple[Any, str]:
        """The answer of this history service, or of any, and which it was."""
        ...

    async def completeness(self, instrument: str) -> list[Completeness]: ...


@dataclass(frozen=True, slots=True)
class _Question:
    instrument: str
    name: str
    arguments: dict[str, Any]


@dataclass(slots=True)
class _Reading:
    """An open stream; `number` is that of the next piece."""

    question: _Question
    service: str
    stream: str
    number: int = 1


class WatchSince:
    """An asynchronous iterator over frames since a time, which goes on live; made by Lab.watch(since=...).

    Each frame comes once. Those that were logged late come late: `frame.number` and `frame.times` tell their place.
    `missed` counts frames that will never come: numbered, and gone for a reason that the log knows.
    `is_live` is true once everything that was logged has been given.
    """

    def __init__(self, pattern: str, since: int, live: Watch[Message], log: Log) -> None:
        self.pattern = pattern
        self.missed = 0
        self.is_live = False
        self._since = since
        self._live = live
        self._log = log
        self._pasts: dict[str, Past] = {}
        self._ready: deque[Frame] = deque()
        self._held: Frame | None = None
        self._held_until = 0.0
        self._questions: deque[_Question] = deque()
        self._reading: _Reading | None = None
        self._begun = 0  # on how many connections of the live watch the log was read to its end
        self._live_missed = 0
        self._tail_at = 0.0  # when to read to its end once more; 0: no need
        self._looks = 0
        self._look_at = 0.0
        self._failures = 0
        self._ask_at = 0.0  # not before, after something went wrong
        self._has_answered = False
        self._asking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        """Return the next one; may be cancelled without losing any. Raises Refused, NotLoggedIn."""
        while not self._ready:
            await self._advance()
        return self._ready.popleft()

    def close(self) -> None:
        """End the watch; a loop over it ends too, after what has come already."""
        self._live.close()
        if self._asking is not None:
            self._asking.cancel()

    async def _advance(self) -> None:
        """One step towards the next frame."""
        if self._asking is None:
            if self._live.is_over or not self._is_reading or time.monotonic() < self._ask_at:
                await self._go_on_live()
                return
            step = self._begin() if self._live.begins > self._begun else self._read_on()
            self._asking = asyncio.create_task(step, name=f"kleinmaelzung-since-{self.pattern}")
            self._asking.add_done_callback(_seen)
        asking = self._asking
        await asyncio.wait((asking,))
        self._asking = None
        if not asking.cancelled():
            asking.result()

    async def _begin(self) -> None:
        """Ask for everything since what was given last, as on each new connection."""
        begins = self._live.begins
        try:
            names = await self._log.instruments(self.pattern)
        except (ConnectionLost, NotReachable, Refused) as error:
            self._note_failure(error)
            return
        self._begun = begins
        self._reading = None  # of a connection that is no more: it is asked for again
        self._questions.clear()
        for name in sorted({*names, *self._pasts}):
            self._ask_since(name)
        self._tail_at = time.monotonic() + QUIET_S

    def _ask_since(self, instrument: str) -> None:
        past = self._past(instrument)
        self._questions.append(_Question(instrument, "history", {"from": past.newest or past.since, "records": True}))

    def _past(self, instrument: str) -> Past:
        return self._pasts.setdefault(instrument, Past(self._since))

    # Live frames

    async def _go_on_live(self) -> None:
        now = time.monotonic()
        if self._held is not None:
            is_due = now >= self._held_until or self._live.is_over
            if is_due or not (self._is_reading or self._past(self._held.instrument).lacks_before(self._held)):
                self._give_held()
                return
        elif (message := self._live.take()) is not None:
            self._take_live(message)
            return
        if self._live.missed > self._live_missed:
            self._live_missed = self._live.missed
            self._tail_at = now + QUIET_S
        if not self._live.is_over and now >= self._ask_at and self._look(now):
            return
        if self._held is None:
            self._live.raise_if_over()
        await self._live.wait(max(0.0, self._wake_at(now) - now), for_message=self._held is None)

    def _take_live(self, message: Message) -> None:
        instrument, _, kind = message.topic.rpartition("/")
        frame = self._decoded(instrument, message.payload) if kind == "data" else None
        if frame is None:
            return
        past = self._past(instrument)
        is_new_epoch = past.given.of(frame.epoch).last == 0 and past.given.newest is not None
        if is_new_epoch:  # and between that and the last one may be others
            self._ask_since(instrument)
        if is_new_epoch or past.lacks_before(frame):
            self._held, self._held_until = frame, time.monotonic() + HOLD_S
            self._looks, self._look_at = 0, 0.0
        else:
            self._give(frame)

    def _give_held(self) -> None:
        assert self._held is not None
        held, self._held = self._held, None
        self._give(held)

    def _give(self, frame: Frame, *, is_logged: bool = False) -> None:
        past = self._past(frame.instrument)
        if past.is_new(frame):
            self._ready.append(frame)
            # A live one says nothing of those before it as long as the log was not read up to there.
            if is_logged or not self._is_reading:
                past.newest = max(past.newest, frame.times[0])

    @property
    def _is_reading(self) -> bool:
        """Whether the log is still to be read to its end."""
        return self._live.begins > self._begun or self._reading is not None or bool(self._questions)

    def _decoded(self, instrument: str, payload: bytes) -> Frame | None:
        try:
            return Frame.decode(instrument, payload)
        except WireError as error:
            logger.warning("a frame of %s was not readable and is left out: %s", instrument, error)
            return None

    # What lacks

    def _look(self, now: float) -> bool:
        """Whether there is something to ask for, now."""
        if self._tail_at and now >= self._tail_at and self._held is None:
            self._tail_at = 0.0
            for instrument in self._pasts:
                self._ask_since(instrument)
            return bool(self._pasts)
        self.is_live = self.is_live or (self._begun > 0 and self._held is None)
        if now < self._look_at:
            return False
        self._questions.extend(self._what_lacks())
        self._looks += 1
        self._look_at = now + (LOOK_S if self._held else LOOKS.after(self._looks))
        return bool(self._questions)

    def _what_lacks(self) -> Iterator[_Question]:
        held = self._held
        for instrument, past in self._pasts.items():
            holes = past.holes()
            if held is not None and held.instrument == instrument:
                known = past.given.of(held.epoch).last
                if known == 0:
                    yield _Question(instrument, "history", {"from": past.newest or past.since, "records": True})
                first, last = known + 1 if known else held.number - 1, held.number - 1
                holes += [(held.epoch, first, last)] if 1 <= first <= last else []
            if holes:
                yield _Question(instrument, "frames", {"ranges": [[*hole] for hole in holes[:MAX_RANGES]]})
            if held is None and self._looks >= 1:
                for first_time in past.lowest.values():
                    yield _Question(instrument, "history", {"from": past.since, "to": first_time + 1, "records": True})
            if holes and held is None and self._looks >= REASON_FROM:
                yield _Question(instrument, "completeness", {})

    def _wake_at(self, now: float) -> float:
        lacks = self._held is not None or any(past.lowest or past.given.holes() for past in self._pasts.values())
        times = [now + 60.0, *([self._held_until] if self._held else []), *([self._tail_at] if self._tail_at else [])]
        times += [self._look_at] if lacks else []
        return max(min(times), self._ask_at)

    # The log

    async def _read_on(self) -> None:
        try:
            await (self._next_piece() if self._reading else self._ask_next())
        except (ConnectionLost, NotReachable, Refused) as error:
            self._note_failure(error)

    async def _ask_next(self) -> None:
        question = self._questions[0]
        if question.name == "completeness":
            await self._ask_why(question.instrument)
            return
        arguments = {**question.arguments, "instrument": question.instrument}
        try:
            answer, service = await self._log.ask(question.name, arguments)
        except Refused as refused:
            if refused.code not in (sockets.UNKNOWN, sockets.BAD_MESSAGE):
                raise
            # Nothing of it was ever logged, or by the server's clock the time has not begun.
            logger.debug("%s: %s", question.instrument, refused)
            self._questions.popleft()
            return
        stream = self._take_piece(question, answer)
        self._questions.popleft()
        self._reading = None if stream is None else _Reading(question, service, stream)

    async def _next_piece(self) -> None:
        reading = self._reading
        assert reading is not None
        arguments = {"stream": reading.stream, "number": reading.number}
        try:
            answer, _ = await self._log.ask("history-next", arguments, reading.service)
        except (ConnectionLost, NotReachable, Refused):
            # From what was given last; it may be that this reader was too slow, or the service is another one.
            self._reading = None
            if reading.question.name == "history":
                self._ask_since(reading.question.instrument)
            raise
        self._take_piece(reading.question, answer)
        reading.number += 1
        if not answer["more"]:
            self._reading = None

    def _take_piece(self, question: _Question, answer: Any) -> str | None:
        """Take the frames of an answer; returns the stream that has more of them."""
        try:
            wire = Fields(answer, question.name)
            more, piece = wire.boolean("more"), wire.get("piece")
            payloads = [] if piece is None else frames.unpack_several(wire.binary("piece"))
            stream = wire.text("stream", default="") if more and "stream" in answer else ""
            left_out = [(int(epoch), int(number)) for epoch, number in answer.get("left_out") or ()]
        except (WireError, TypeError, ValueError) as error:
            raise unreadable("of the history service", WireError(str(error))) from error
        self._failures, self._has_answered = 0, True
        found = len(self._ready)
        for payload in payloads:
            if (frame := self._decoded(question.instrument, payload)) is not None:
                self._give(frame, is_logged=question.name == "history" and "to" not in question.arguments)
        for epoch, number in left_out:
            self._give_up(question.instrument, epoch, number, number)
        if len(self._ready) > found:
            self._looks, self._look_at = 0, min(self._look_at, time.monotonic() + LOOK_S)
            self._held_until = time.monotonic() + HOLD_S
        return stream or None

    async def _ask_why(self, instrument: str) -> None:
        """Take for gone what the log says is gone."""
        try:
            known = await self._log.completeness(instrument)
        except Refused as refused:
            logger.debug("why %s lacks frames is not known: %s", instrument, refused)
            known = []
        self._questions.popleft()
        for part in [part for one in known for part in one.ranges if part.reason or part.kind == "quarantined"]:
            self._give_up(instrument, part.epoch, part.first, part.last)

    def _give_up(self, instrument: str, epoch: int, first: int, last: int) -> None:
        past = self._past(instrument)
        numbers = past.given.of(epoch)
        if numbers.first == 0 or last < numbers.first - 1:
            return  # before what was asked for
        for low, high in numbers.missing(max(1, first), min(last, numbers.last)):
            if low < numbers.first and epoch not in past.lowest:
                continue
            self.missed += high - low + 1
            past.given.skip(epoch, low, high)
            logger.info("%s: frames %d to %d of epoch %d are gone", instrument, low, high, epoch)
        if numbers.first == 1:
            past.lowest.pop(epoch, None)

    def _note_failure(self, error: Error) -> None:
        """What passes is tried again; what does not, or never worked, is raised."""
        is_passing = not isinstance(error, Refused) or error.code in _PASSING
        if not is_passing or (
            isinstance(error, Refused) and error.code == sockets.UNAVAILABLE and not self._has_answered
        ):
            raise error
        self._failures += 1
        self._ask_at = time.monotonic() + RETRIES.after(self._failures)
        logger.log(logging.INFO if self._failures == 1 else logging.DEBUG, "asked again soon: %s", error)


def _seen(task: "asyncio.Task[None]") -> None:
    """A failure that nobody waits for any more is no news."""
    if not task.cancelled():
        task.exception()
