"""Questions and answers on one opened port: bytes in, messages out, one question at a time.

    port --received()--> Splitter --> the pending question's answer, else unasked(message), else counted

What a message is, a line of text or a frame of bytes, the Splitter decides; only a question's `match` looks into it.

A late answer must not answer the next question. After a timeout the next question waits up to LATE_S for the late
answer. If it has not come by then, the next answer is kept for a moment: should a second one follow at once, the
first was the late one. What comes later still and alone can be told apart only by patterns that name the question.
Questions of different kinds have answers that cannot be mistaken for each other: only its own kind waits. Nor does
one instrument of a bus wait for the late answer to another, where it would not take for its own what that one answered
before.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.transport_port import NotSentError, Port, PortError

LATE_S: Final = 1.0
# After so long without a byte, what comes next is not the rest of a message that began before.
SILENCE_S: Final = 1.0
QUIET_S: Final = 0.05
QUIET_CHARACTERS: Final = 3
RAW_QUIET_S: Final = 0.2  # what answers raw bytes has ended
MAX_RECORDED: Final = 4096  # bytes received during one question, for the ledger
_Key = tuple[int, Hashable]  # an asker, and a kind of question
MAX_SAMPLES: Final = 32  # answers remembered, one for each question of a bus
_NOT_KNOWN: Final = object()

T = TypeVar("T")
# A message and when it came (monotonic ns), to an answer; or to MORE: it is a part of one, and more will come.
Match = Callable[[Any, int], T | None]
MORE: Final = object()


class Splitter(Protocol):
    """Collects chunks and gives whole messages; its memory is bounded. One whose beginning nobody saw is discarded."""

    counters: Counters

    @property
    def is_inside(self) -> bool:
        """Whether a message has begun and not ended."""
        ...

    def begin(self) -> None:
        """Take what comes next as the beginning of a message: nothing has come for a while. No-op inside one."""
        ...

    def distrust(self) -> None:
        """Discard the message that has begun."""
        ...

    def feed(self, chunk: bytes) -> Sequence[Any]:
        """The messages that this chunk completes."""
        ...


class _Question:
    def __init__(self, match: Match[Any], *, takes_last: bool) -> None:
        self.match = match
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.last: Any = None
        self.message: Any = _NOT_KNOWN  # that was the answer
        self.is_long = False  # more than one message was
        self.takes_last = takes_last
        self.is_partial = False  # a part of a further answer has come


class _Late:
    """What would be the late answer to the last question of its kind and asker, and how long to wait for it.

    `sample` is what was answered to the same question before.
    """

    def __init__(self, asker: Counters, kind: Hashable, match: Match[Any], until: float, sample: Any) -> None:
        self.asker, self.kind, self.match, self.until, self.sample = asker, kind, match, until, sample
        self.came = asyncio.Event()

    def may_answer(self, asker: Counters, takes: Callable[[Any], bool]) -> bool:
        """Whether another question, of the same kind, could take it for its answer."""
        return self.asker is asker or self.sample is _NOT_KNOWN or takes(self.sample)


def _anything(message: Any) -> bool:
    return True


class Conversation:
    """Speaks over one port from its opening to its end. `unasked` takes a message that answers nothing.

    `gap_s` is the silence before each question; `late_s` is 0 where each answer names its question, so that a late one
    is known. After `silence_s` without a byte what comes begins a message.
    """

    def __init__(
        self,
        splitter: Splitter,
        unasked: Match[bool],
        *,
        character_s: float,
        is_unasked: bool,
        gap_s: float = 0.0,
        late_s: float = LATE_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._counters = splitter.counters
        self._unasked = unasked
        self._splitter = splitter
        self._quiet_s = max(QUIET_S, QUIET_CHARACTERS * character_s)
        self._opening_s = SILENCE_S if is_unasked else self._quiet_s
        self._gap_s, self._late_s, self._silence_s = gap_s, late_s, silence_s
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._port: Port | None = None
        self._failure = ""
        self._question: _Question | None = None
        self._late: dict[_Key, _Late] = {}  # at most one of each asker and kind
        self._unsure: set[_Key] = set()  # askers and kinds whose late answer may still come
        self._samples: dict[bytes, Any] = {}  # by what was sent
        self._is_unsure = late_s > 0  # an answer from before the opening may come as well
        self._is_raw = False  # anything may come
        self._received = 0
        self._last_byte = self._loop.time()
        self._recorded = bytearray()

    @property
    def counters(self) -> Counters:
        """Of who asked last."""
        return self._counters

    @property
    def is_inside(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._splitter.is_inside

    @property
    def recorded(self) -> bytes:
        """What came since the last question was sent."""
        return bytes(self._recorded)

    async def begin(self, port: Port) -> None:
        """Find the beginning of a message on a port that was just opened."""
        self._port = port
        self._last_byte = self._loop.time()
        await self._quiet(self._opening_s)
        if self._loop.time() - self._last_byte >= self._opening_s:
            self._splitter.begin()

    def end(self, failure: str) -> None:
        """The port is lost: whoever waits for an answer gets PortError."""
        self._failure = failure
        if self._question and not self._question.answer.done():
            self._question.answer.set_exception(PortError(failure))
        for late in self._late.values():
            late.came.set()

    @asynccontextmanager
    async def turn(self, counters: Counters, takes: Callable[[Any], bool] = _anything) -> AsyncIterator[None]:
        """Have the port for oneself, with nothing stale on it. Turns are given in the order of asking.

        `takes` says whether the asker could take a message for an answer, to any of its questions.
        """
        async with self._lock:
            await self._clear(counters, takes)
            self._counters = self._splitter.counters = counters
            yield

    async def settle(self, counters: Counters) -> None:
        """Wait for one's own late answers, before one's turn: on a bus others need not wait for them."""
        for late in [late for late in self._late.values() if late.asker is counters]:
            await self._came(late)

    async def past_late(self, kind: Hashable, takes: Callable[[Any], bool] = _anything) -> None:
        """Wait, within one's turn, until no late answer can be mistaken for one of this kind that `takes` it."""
        await self._past(self._counters, kind, takes)

    async def ask(
        self, outgoing: bytes, match: Match[T], timeout_s: float, kind: Hashable = None, *, goes_on: bool = False
    ) -> T:
        """Send and return the first answer that matches, within one's turn. Raises TimeoutError, PortError.

        Where it goes on with what was asked before, what came stays on record.
        """
        if kind is not None:
            await self.past_late(kind)
        await self._silence()
        key = (id(self._counters), kind)
        question = _Question(match, takes_last=self._is_unsure or key in self._unsure)
        if not goes_on:
            self._recorded.clear()
        self._write(outgoing)
        self._question = question
        is_answered = False
        try:
            async with asyncio.timeout(timeout_s):
                answer: T = await question.answer
            if question.takes_last:
                answer = await self._last_answer(question)
            is_answered = True
            return answer
        except TimeoutError:
            self._counters.timeouts += 1
            raise
        finally:
            self._question = None
            if is_answered:
                self._is_unsure = False
                self._unsure.discard(key)
                self._remember(outgoing, _NOT_KNOWN if question.is_long else question.message, kind)
            else:
                self._expect_late(outgoing, match, kind)

    async def exchange(self, outgoing: bytes, wait_s: float, timeout_s: float) -> None:
        """Send bytes and wait until what comes has ended, at most `wait_s` for the first of it, within one's turn.

        What came is in `recorded`. Raises TimeoutError where it could not all be sent.
        """
        until, before = self._loop.time() + timeout_s, self._received
        self._is_raw = True
        try:
            await self.tell(outgoing, timeout_s)
            until = min(until, self._loop.time() + wait_s)
            while self._received == before and self._loop.time() < until and not self._failure:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await self._quiet(RAW_QUIET_S, longest_s=0.5)
        finally:
            self._is_raw = False
            self._is_unsure = self._late_s > 0  # nobody knows whether more will come
        if self._failure:
            raise PortError(self._failure)

    async def tell(self, outgoing: bytes, timeout_s: float) -> None:
        """Send, with no answer to come, within one's turn. Raises TimeoutError where it could not all be sent."""
        await self._silence()
        self._recorded.clear()
        self._write(outgoing)
        try:
            async with asyncio.timeout(timeout_s):
                while self._port and self._port.unsent():  # noqa: ASYNC110 -- three kinds of ports, no common event
                    await asyncio.sleep(0.005)
        except (TimeoutError, asyncio.CancelledError):
            if self._port:
                self._port.discard_unsent()
            raise
        if self._failure:
            raise PortError(self._failure)

    def received(self, chunk: bytes) -> None:
        """Take what the port received."""
        taken_ns, now = time.monotonic_ns(), self._loop.time()
        if now - self._last_byte >= self._silence_s:
            # A message that stopped long ago has lost its rest; without one, what comes now begins one.
            self._splitter.distrust()
            self._splitter.begin()
        self._last_byte = now
        self._received += len(chunk)
        if self._question or self._is_raw:
            self._recorded += chunk[: MAX_RECORDED - len(self._recorded)]
        for message in self._splitter.feed(chunk):
            self._take(message, taken_ns)

    def _take(self, message: Any, taken_ns: int) -> None:
        if self._is_raw:
            self._unasked(message, taken_ns)  # a value that comes meanwhile is one all the same
            return
        question = self._question
        if question and (question.takes_last or not question.answer.done()):
            answer = question.match(message, taken_ns)
            question.is_partial = answer is MORE
            if answer is MORE:
                question.is_long = True
                return
            if answer is not None:
                self._counters.late += question.answer.done()  # the one before it was
                question.last, question.message = answer, message
                if not question.answer.done():
                    question.answer.set_result(answer)
                return
        if self._unasked(message, taken_ns):
            return
        answers = ((key, late.match(message, taken_ns)) for key, late in self._late.items())
        found, answer = next((each for each in answers if each[1] is not None), (None, None))
        if found is None:
            self._counters.rejected_lines += 1
        elif answer is not MORE:
            late = self._late.pop(found)
            late.came.set()
            late.asker.late += 1
            self._unsure.discard(found)

    def _write(self, outgoing: bytes) -> None:
        if self._failure or self._port is None:
            raise NotSentError(self._failure or "the port is being opened")
        self._port.write(outgoing)

    def _expect_late(self, outgoing: bytes, match: Match[Any], kind: Hashable) -> None:
        key, until = (id(self._counters), kind), self._loop.time() + self._late_s
        self._late[key] = _Late(self._counters, kind, match, until, self._samples.get(outgoing, _NOT_KNOWN))
        if self._late_s:
            self._unsure.add(key)
        if self._port:
            self._port.discard_unsent()

    def _remember(self, outgoing: bytes, message: Any, kind: Hashable) -> None:
        if kind is None:
            self._samples.pop(outgoing, None)
            self._samples[outgoing] = message
            if len(self._samples) > MAX_SAMPLES:
                del self._samples[next(iter(self._samples))]

    async def _last_answer(self, question: _Question) -> Any:
        await self._quiet(self._quiet_s, after=self._loop.time())
        if question.is_partial:  # what is thought to be the answer may be of two halves
            raise TimeoutError
        return question.last

    async def _clear(self, asker: Counters, takes: Callable[[Any], bool]) -> None:
        """Wait until nothing stale is on the way, as far as one can know."""
        await self._past(asker, None, takes)
        await self._drain()
        self._splitter.distrust()

    async def _past(self, asker: Counters, kind: Hashable, takes: Callable[[Any], bool]) -> None:
        known = [item for item in self._late.items() if item[1].kind == kind and item[1].may_answer(asker, takes)]
        for key, late in known if self._late_s else ():
            await self._came(late)
            await self._quiet(self._quiet_s)
            if self._late.pop(key, None) and key[0] != id(asker):
                self._is_unsure = True  # another's answer may still come

    async def _came(self, late: _Late) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(late.until):
                await late.came.wait()

    async def _silence(self) -> None:
        if self._gap_s:
            await self._quiet(self._gap_s)

    async def _quiet(self, gap_s: float, *, after: float = 0.0, longest_s: float = 1.0) -> None:
        """Wait until nothing came for `gap_s`."""
        until = self._loop.time() + longest_s
        while not self._failure:
            now = self._loop.time()
            wait = min(max(self._last_byte, after) + gap_s, until) - now
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    async def _drain(self) -> None:
        # What the system holds already gets read: the loop looks at the port once in two turns of ours.
        for _ in range(16):
            before = self._received
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if self._received == before:
                return
