"""What waits for the socket, and in which order it goes. Bounded in each part; pure but for one event.

replies              first; the newest 256 are kept, also over a reconnect
retained messages    one per topic: a newer one takes the older one's place
live frames          the newest 256; what is pushed out stays in the spool and comes as backfill
backfill             last, in bundles; bounded by the schedule that puts it in
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.sending.backfill import Bundle

logger = logging.getLogger(__name__)

MAX_REPLIES: Final = 256
MAX_LIVE: Final = 256


class Outbox:
    """Filled at any time, emptied by one writer per connection."""

    def __init__(self) -> None:
        self.is_open = False
        self._retained: dict[str, bytes] = {}
        self._unsent: dict[str, None] = {}  # tails, in the order in which they changed
        self._replies: deque[list[Any]] = deque()
        self._live: deque[NumberedFrame] = deque()
        self._backfill: deque[Bundle] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def open(self, is_recent: Callable[[NumberedFrame], bool]) -> None:
        """A new connection: everything retained goes again, and what has never been sent while it is recent."""
        self.is_open = True
        self._unsent = dict.fromkeys(self._retained)
        self._live = deque(frame for frame in self._live if is_recent(frame))
        self._filled.set()

    def close(self) -> None:
        self.is_open = False
        self._emptied.set()
        self._backfill.clear()

    def retain(self, tail: str, payload: bytes) -> None:
        """Publish the newest word on a topic."""
        self._retained[tail] = payload
        self._unsent[tail] = None
        self._filled.set()

    def retains(self, tail: str) -> bool:
        """Whether there is a word of ours on a topic."""
        return tail in self._retained

    def reply(self, tail: str, payload: bytes, options: dict[str, Any]) -> None:
        if len(self._replies) == MAX_REPLIES:
            dropped = self._replies.popleft()
            logger.warning("%s: a reply was dropped, %d are waiting already", dropped[1], MAX_REPLIES)
        self._replies.append(["publish", tail, payload, options])
        self._filled.set()

    def live(self, frame: NumberedFrame) -> None:
        """Send a frame as soon as there is a connection."""
        if len(self._live) == MAX_LIVE:
            self._live.popleft()
        self._live.append(frame)
        self._filled.set()

    def backfill(self, bundles: Iterable[Bundle]) -> None:
        self._backfill.extend(bundles)
        self._filled.set()

    def drop_backfill(self) -> None:
        """What is still here need not go: it is in the spool, and comes again."""
        self._backfill.clear()

    async def emptied(self) -> None:
        """Wait until everything has been taken, or the connection is gone."""
        self._emptied.clear()
        await self._emptied.wait()

    async def next(self) -> list[Any]:
        """Wait for the next message, by priority."""
        while (message := self.take()) is None:
            self._filled.clear()
            self._emptied.set()
            await self._filled.wait()
        return message

    def take(self) -> list[Any] | None:
        """The next message, or None."""
        if self._replies:
            return self._replies.popleft()
        if self._unsent:
            tail = next(iter(self._unsent))
            del self._unsent[tail]
            return ["publish", tail, self._retained[tail]]
        if self._live:
            frame = self._live.popleft()
            return ["publish", f"{frame.instrument}/data", frame.payload]
        if self._backfill:
            instrument, payload = self._backfill.popleft()
            return ["publish", f"{instrument}/backfill", payload]
        return None
