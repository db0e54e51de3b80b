"""Questions and answers on one opened port: bytes in, readings of unasked lines out, one question at a time.

    port --received()--> lines --> the pending question's answer, else unasked(line), else counted

A late answer must not answer the next question. After a timeout the next question waits up to LATE_S for the late
answer. If it has not come by then, the next answer is kept for a moment: should a second one follow at once, the
first was the late one. What comes later still and alone can be told apart only by patterns that name the question.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from kleinmaelzung_agent.counters import Counters
from kleinmaelzung_agent.lines import SILENCE_S, LineSplitter
from kleinmaelzung_agent.text_config import TextInstrumentConfig
from kleinmaelzung_agent.transport_port import NotSentError, Port, PortError

LATE_S: Final = 1.0
QUIET_S: Final = 0.05
QUIET_CHARACTERS: Final = 3
RAW_QUIET_S: Final = 0.2  # what answers raw bytes has ended
MAX_RECORDED: Final = 4096  # bytes received during one question, for the ledger

T = TypeVar("T")
Match = Callable[[str, int], T | None]  # a line and when it came, to an answer


class _Question:
    def __init__(self, match: Match[Any], *, takes_last: bool) -> None:
        self.match = match
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.last: Any = None
        self.takes_last = takes_last


class Conversation:
    """Speaks over one port from its opening to its end. `unasked` takes a line that answers nothing."""

    def __init__(self, config: TextInstrumentConfig, counters: Counters, unasked: Match[bool]) -> None:
        self._counters = counters
        self._unasked = unasked
        self._splitter = LineSplitter(
            counters=counters,
            terminator=config.received_terminator.encode(config.encoding),
            encoding=config.encoding,
            max_line=config.max_line,
        )
        self._quiet_s = max(QUIET_S, QUIET_CHARACTERS * config.port.character_s)
        self._opening_s = SILENCE_S if config.streams else self._quiet_s
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._port: Port | None = None
        self._failure = ""
        self._question: _Question | None = None
        self._late: Match[Any] | None = None  # what would be the late answer to the last question
        self._late_until = 0.0
        self._late_came = asyncio.Event()
        self._is_unsure = True  # an answer from before the opening may come as well
        self._is_raw = False  # anything may come
        self._received = 0
        self._last_byte = self._loop.time()
        self._recorded = bytearray()

    @property
    def is_inside_line(self) -> bool:
        """Whether a line has begun and not ended."""
        return self._splitter.is_inside_line

    @property
    def recorded(self) -> bytes:
        """What came since the last question was sent."""
        return bytes(self._recorded)

    async def begin(self, port: Port) -> None:
        """Find the beginning of a line on a port that was just opened."""
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

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Have the port for oneself, with nothing stale on it. Turns are given in the order of asking."""
        async with self._lock:
            await self._clear()
            yield

    async def ask(self, outgoing: bytes, match: Match[T], timeout_s: float) -> T:
        """Send and return the first answer that matches, within one's turn. Raises TimeoutError, PortError."""
        question = _Question(match, takes_last=self._is_unsure)
        self._recorded.clear()
        self._write(outgoing)
        self._question = question
        is_answered = False
        try:
            async with asyncio.timeout(timeout_s):
                answer: T = await question.answer
            is_answered = True
            return await self._last_answer(question) if question.takes_last else answer
        except TimeoutError:
            self._counters.timeouts += 1
            raise
        finally:
            self._question = None
            self._is_unsure = not is_answered
            if not is_answered:
                self._expect_late(match)

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
            self._is_unsure = True  # nobody knows whether more will come
        if self._failure:
            raise PortError(self._failure)

    async def tell(self, outgoing: bytes, timeout_s: float) -> None:
        """Send, with no answer to come, within one's turn. Raises TimeoutError where it could not all be sent."""
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
        if now - self._last_byte >= SILENCE_S:
            # A line that stopped long ago has lost its rest; without one, what comes now begins a line.
            self._splitter.distrust()
            self._splitter.begin()
        self._last_byte = now
        self._received += len(chunk)
        if self._question or self._is_raw:
            self._recorded += chunk[: MAX_RECORDED - len(self._recorded)]
        for line in self._splitter.feed(chunk):
            self._take(line, taken_ns)

    def _take(self, line: str, taken_ns: int) -> None:
        if self._is_raw:
            self._unasked(line, taken_ns)  # a value that comes meanwhile is one all the same
            return
        question = self._question
        if question and (question.takes_last or not question.answer.done()):
            answer = question.match(line, taken_ns)
            if answer is not None:
                self._counters.late += question.answer.done()  # the one before it was
                question.last = answer
                if not question.answer.done():
                    question.answer.set_result(answer)
                return
        if self._unasked(line, taken_ns):
            return
        if self._late and self._late(line, taken_ns) is not None:
            self._late = None
            self._is_unsure = False
            self._late_came.set()
            self._counters.late += 1
        else:
            self._counters.rejected_lines += 1

    def _write(self, outgoing: bytes) -> None:
        if self._failure or self._port is None:
            raise NotSentError(self._failure or "the port is being opened")
        self._port.write(outgoing)

    def _expect_late(self, match: Match[Any]) -> None:
        self._late = match
        self._late_came.clear()
        self._late_until = self._loop.time() + LATE_S
        if self._port:
            self._port.discard_unsent()

    async def _last_answer(self, question: _Question) -> Any:
        await self._quiet(self._quiet_s, after=self._loop.time())
        return question.last

    async def _clear(self) -> None:
        """Wait until nothing stale is on the way, as far as one can know."""
        if self._late:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._late_until):
                    await self._late_came.wait()
            await self._quiet(self._quiet_s)
            self._late = None
        await self._drain()
        self._splitter.distrust()

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
