"""What came from the broker and is not yet taken: bounded, and cut into batches by size and by time."""

import asyncio
from collections import deque
from typing import Final

from kleinmaelzung_services.logger.batch import Arrival

MAX_BATCH_MESSAGES: Final = 500
MAX_BATCH_BYTES: Final = 1024 * 1024
BATCH_S: Final = 0.05  # how long the first message of a batch may wait for others

# 190 000 small frames that came one by one. An arrival costs about 300 bytes beside its payload.
MAX_BYTES: Final = 64 * 1024 * 1024
ARRIVAL_BYTES: Final = 300
# Nobody sends commands and states again, so they have room of their own when frames have filled theirs.
TRAFFIC_RESERVE_BYTES: Final = 4 * 1024 * 1024


class Inbox:
    """A bounded queue. When it is full the newest is dropped and counted: agents keep their frames and send again."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.dropped = 0
        self._max_bytes = max_bytes
        self._arrivals: deque[Arrival] = deque()
        self._bytes = 0
        self._unfinished = 0
        self._some, self._enough, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return self._unfinished

    def put(self, arrival: Arrival, *, is_frame: bool) -> None:
        limit = self._max_bytes + (0 if is_frame else TRAFFIC_RESERVE_BYTES)
        size = ARRIVAL_BYTES + len(arrival.payload)
        if self._bytes + size > limit:
            self.dropped += 1
            return
        self._arrivals.append(arrival)
        self._bytes += size
        self._unfinished += 1
        if self._unfinished == 1:
            self._idle.clear()
        if len(self._arrivals) == 1:
            self._some.set()
        elif len(self._arrivals) >= MAX_BATCH_MESSAGES or self._bytes >= MAX_BATCH_BYTES:
            self._enough.set()

    async def take(self) -> list[Arrival]:
        """The next batch, as soon as there is enough or the first has waited long enough."""
        await self._some.wait()
        try:
            async with asyncio.timeout(BATCH_S):
                await self._enough.wait()
        except TimeoutError:
            pass
        taken: list[Arrival] = []
        size = 0
        while self._arrivals and len(taken) < MAX_BATCH_MESSAGES and size < MAX_BATCH_BYTES:
            taken.append(self._arrivals.popleft())
            size += ARRIVAL_BYTES + len(taken[-1].payload)
        self._bytes -= size
        if not self._arrivals:
            self._some.clear()
        if len(self._arrivals) < MAX_BATCH_MESSAGES and self._bytes < MAX_BATCH_BYTES:
            self._enough.clear()
        return taken

    def finish(self, count: int) -> None:
        """Say that this many of those taken are dealt with."""
        self._unfinished -= count
        if self._unfinished == 0:
            self._idle.set()

    async def wait_idle(self) -> None:
        """Wait until everything that came is dealt with."""
        await self._idle.wait()
