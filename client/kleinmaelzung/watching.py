"""A watch: messages of one pattern come in from the reader, a consumer iterates at its own pace."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from kleinmaelzung.errors import Error
from kleinmaelzung.readings import Frame
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Frames waiting for a slow consumer: 100 s at ten frames a second. When it is full the oldest goes and is counted.
QUEUE_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is on the broker: the topic below the root, and the payload's bytes."""

    topic: str
    payload: bytes


class Watch(Generic[T]):
    """An asynchronous iterator that goes on over lost connections; made by Lab.watch() and Lab.messages().

    `missed` counts the messages that were dropped, oldest first, because the consumer or the network was too slow;
    what the gateway dropped it counts for the whole connection, so every watch of it counts that.
    Leaving the loop ends the watch once nothing refers to it; `async with lab.watch(...) as frames:` ends it at once.
    """

    def __init__(
        self, pattern: str, decode: Callable[[Message], T | None], changed: Callable[[], None], limit: int = QUEUE_LIMIT
    ) -> None:
        self.pattern = pattern
        self.missed = 0
        self._filters = topics.watch_filters(pattern)
        self._decode = decode
        self._changed = changed
        self._limit = limit
        self._waiting: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._begun = asyncio.Event()
        self._failure: Error | None = None
        self.is_closed = False
        self.begins = 0  # on how many connections it was let in

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """Return the next one; may be cancelled without losing any. Raises Refused, NotLoggedIn."""
        while True:
            while not self._waiting:
                self.raise_if_over()
                self._arrived.clear()
                await self._arrived.wait()
            decoded = self._read(self._waiting.popleft())
            if decoded is not None:
                return decoded

    def close(self) -> None:
        """End the watch; a loop over it ends too, after what has come already."""
        self.is_closed = True
        self._wake()
        self._changed()

    async def begun(self) -> list[T]:
        """Wait until the gateway has answered; return what it sent first, which is what was retained."""
        await self._begun.wait()
        if self._failure:
            raise self._failure
        waiting, self._waiting = self._waiting, deque()
        return [decoded for message in waiting if (decoded := self._read(message)) is not None]

    # What follows is called by this library.

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come than has come already."""
        return self.is_closed or self._failure is not None

    def raise_if_over(self) -> None:
        """Raise what ended the watch: its failure, or StopAsyncIteration."""
        if self._failure:
            raise self._failure
        if self.is_closed:
            raise StopAsyncIteration

    def take(self) -> T | None:
        """The next one, if there is one."""
        while self._waiting:
            if (decoded := self._read(self._waiting.popleft())) is not None:
                return decoded
        return None

    async def wait(self, limit_s: float, *, for_message: bool = True) -> None:
        """Wait until something has come or changed, or the time is up."""
        if for_message and self._waiting:
            return
        self._arrived.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, limit_s)):
                await self._arrived.wait()

    def wants(self, topic: str) -> bool:
        return any(topics.matches(wanted, topic) for wanted in self._filters)

    def put(self, message: Message) -> None:
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self.missed += 1
        self._waiting.append(message)
        self._arrived.set()

    def note_missed(self, count: int) -> None:
        self.missed += count
        self._arrived.set()

    def mark_begun(self) -> None:
        self.begins += 1
        self._wake()

    def fail(self, error: Error) -> None:
        self._failure = self._failure or error
        self._wake()

    def _wake(self) -> None:
        self._arrived.set()
        self._begun.set()

    def _read(self, message: Message) -> T | None:
        try:
            return self._decode(message)
        except WireError as error:
            logger.warning("a message on %s was not readable and is left out: %s", message.topic, error)
            return None


class FrameReader:
    """Decodes frames and leaves out repeats: two patterns that overlap may bring the same frame twice."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int]] = {}

    def __call__(self, message: Message) -> Frame | None:
        instrument, _, kind = message.topic.rpartition("/")
        if kind != "data":
            return None
        frame = Frame.decode(instrument, message.payload)
        epoch, number = self._last.get(instrument, (0, 0))
        if frame.epoch == epoch and frame.number <= number:
            return None
        self._last[instrument] = (frame.epoch, frame.number)
        return frame
