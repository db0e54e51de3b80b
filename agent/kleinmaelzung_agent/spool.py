"""Keeps every frame until it is logged: in memory for a short window, then on disk.

    add(frame) --> memory --not logged within the window--> file --oldest()--> backfill
    forget(what is logged) --> gone from either

The loop never waits for the disk: one thread owns the file. While frames are logged in time, nothing is written.
"""

import asyncio
import itertools
import logging
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Never, TypeVar

from kleinmaelzung_agent import spool_file
from kleinmaelzung_agent.recorder import Key, NumberedFrame
from kleinmaelzung_agent.spool_file import Change, Gap, Outcome, Spooled, SpoolError, SpoolFile, Stream
from kleinmaelzung_wire.messages import LoggedRanges

logger = logging.getLogger(__name__)

WINDOW_S: Final = 0.25
LIMIT_BYTES: Final = 256 * 1024 * 1024
# What memory takes while the disk cannot be written; beyond it the oldest go, with a gap.
MEMORY_BYTES: Final = 64 * 1024 * 1024
DISK_RETRY_S: Final = 5.0
LONGEST_DELAY_NS: Final = 60_000_000_000  # the largest `older_than_s` that is told apart
LAST_KNOWN_TIME: Final = "last_known_us"
NOT_WRITABLE: Final = "spool not writable"

T = TypeVar("T")
# Numbers a frame that says what was given up, and hands it over like any other.
Announce = Callable[[str, dict[str, object]], NumberedFrame]


class Spool:
    """Made by `open_spool`. `run` must run beside it; `announce` must be set before."""

    def __init__(self, file: SpoolFile, thread: ThreadPoolExecutor, start: Outcome, *, window_s: float) -> None:
        self.trouble = file.trouble
        self.announce: Announce | None = None
        self._file, self._thread = file, thread
        self._window_ns = int(window_s * 1e9)
        self._memory: dict[Key, tuple[NumberedFrame, int]] = {}
        self._memory_bytes = 0
        self._logged: list[tuple[str, int, int, int]] = []  # not yet deleted from the file
        self._delete_since_ns = 0
        self._announced: list[int] = []
        self._announcing: dict[Key, int] = {}
        self._writing: frozenset[Stream] = frozenset()
        self._held = start
        # When which id was written: what is of this run waits a little before it counts as backfill.
        self._written: deque[tuple[int, int]] = deque([(0, start.last_id)])
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()

    @property
    def unlogged(self) -> int:
        return len(self._memory) + self._held.count

    @property
    def has_backlog(self) -> bool:
        return self._held.count > 0 or self._is_unwritable

    def is_in_window(self, frame: NumberedFrame) -> bool:
        """Whether a frame is neither logged nor on disk, where backfill would find it."""
        return frame.key in self._memory

    def add(self, frame: NumberedFrame) -> None:
        """Keep a frame from now on."""
        self._memory[frame.key] = (frame, time.monotonic_ns())
        self._memory_bytes += len(frame.payload)
        self._wanted.set()

    def forget(self, logged: Sequence[LoggedRanges]) -> None:
        """Let go of exactly these frames."""
        for entry in logged:
            for first, last in entry.ranges:
                self._forget_range(entry.instrument, entry.epoch, first, last)
        self._changed.set()

    async def oldest(self, *, after: int, count: int, older_than_s: float) -> list[Spooled]:
        """The oldest frames on disk behind an id, of this run only those that have waited long enough."""
        latest_ns = time.monotonic_ns() - int(older_than_s * 1e9)
        until = self._written_before(latest_ns)
        if until <= after or not self._held.count:
            return self._oldest_in_memory(after, count, latest_ns) if self._is_unwritable else []
        try:
            found, outcome = await self._in_thread(lambda: self._file.read(after=after, until=until, count=count))
        except sqlite3.Error as error:
            self._complain(error)
            return []
        if outcome is not None:
            logger.error("damaged frames in the spool: set aside there, and recorded as a gap")
            self._take_outcome(outcome)
        return [spooled for spooled in found if not self._is_logged(spooled.frame)]

    async def run(self) -> Never:
        """Write what is not logged within the window; delete what is logged."""
        for gap in await self._in_thread(self._file.gaps):
            self._announce(gap)
        while True:
            await self._wanted.wait()
            due_ns = self._due_ns()
            if due_ns is None:
                self._wanted.clear()
            elif (wait_ns := due_ns - time.monotonic_ns()) > 0:
                await asyncio.sleep(wait_ns / 1e9)
            elif not await self.flush():
                self._shed()
                await asyncio.sleep(DISK_RETRY_S)

    async def flush(self) -> bool:
        """Bring disk and memory into line now; returns whether it worked."""
        frames = [frame for frame, _ in self._memory.values()]
        logged, self._logged = self._logged, []
        announced = self._announced + [self._announcing[f.key] for f in frames if f.key in self._announcing]
        if not frames and not logged and not announced:
            return True
        self._writing = frozenset((frame.instrument, frame.epoch) for frame in frames)
        change = Change(frames=frames, logged=logged, announced=announced)
        try:
            outcome = await self._in_thread(lambda: self._file.commit(change))
        except sqlite3.Error as error:
            self._logged = logged + self._logged
            self._complain(error)
            return False
        finally:
            self._writing = frozenset()
        for frame in frames:
            self._drop(frame.key)
            self._announcing.pop(frame.key, None)
        self._announced = [gap for gap in self._announced if gap not in announced]
        self._written.append((time.monotonic_ns(), outcome.last_id))
        self._written_before(time.monotonic_ns() - LONGEST_DELAY_NS)  # keeps it short while nobody reads
        self._take_outcome(outcome)
        self._recover()
        return True

    async def settle(self) -> None:
        """Wait until memory holds nothing unlogged."""
        while self._memory:
            self._changed.clear()
            await self._changed.wait()

    async def remember_time(self, time_us: int) -> None:
        try:
            await self._in_thread(lambda: self._file.remember(LAST_KNOWN_TIME, time_us))
        except sqlite3.Error as error:
            self._complain(error)

    async def last_known_us(self) -> int:
        return await self._in_thread(lambda: self._file.recall(LAST_KNOWN_TIME))

    @property
    def _is_unwritable(self) -> bool:
        return self.trouble.startswith(NOT_WRITABLE)

    def _oldest_in_memory(self, after: int, count: int, latest_ns: int) -> list[Spooled]:
        old = (frame for frame, added_ns in self._memory.values() if added_ns <= latest_ns)
        return [Spooled(after, frame) for frame in itertools.islice(old, count)]

    def _forget_range(self, instrument: str, epoch: int, first: int, last: int) -> None:
        if last - first < len(self._memory):
            named = [(instrument, epoch, number) for number in range(first, last + 1)]
        else:
            named = [key for key in self._memory if key[:2] == (instrument, epoch) and first <= key[2] <= last]
        for key in named:
            self._drop(key)
            if key in self._announcing:
                self._announced.append(self._announcing.pop(key))
        if (instrument, epoch) in self._held.streams or (instrument, epoch) in self._writing:
            self._note_logged(instrument, epoch, first, last)
        if (self._logged or self._announced) and not self._wanted.is_set():
            self._delete_since_ns = time.monotonic_ns()
            self._wanted.set()

    def _note_logged(self, instrument: str, epoch: int, first: int, last: int) -> None:
        if self._logged and self._logged[-1][:2] == (instrument, epoch) and self._logged[-1][3] == first - 1:
            first = self._logged.pop()[2]
        self._logged.append((instrument, epoch, first, last))

    def _is_logged(self, frame: NumberedFrame) -> bool:
        return any(
            entry[:2] == (frame.instrument, frame.epoch) and entry[2] <= frame.number <= entry[3]
            for entry in self._logged
        )

    def _drop(self, key: Key) -> None:
        entry = self._memory.pop(key, None)
        if entry is not None:
            self._memory_bytes -= len(entry[0].payload)
            self._changed.set()

    def _due_ns(self) -> int | None:
        """When the oldest frame leaves the window; what is to be deleted waits no longer than that either."""
        if self._memory:
            _, added_ns = next(iter(self._memory.values()))
            return added_ns + self._window_ns
        return self._delete_since_ns + self._window_ns if self._logged or self._announced else None

    def _written_before(self, latest_ns: int) -> int:
        while len(self._written) > 1 and self._written[1][0] <= latest_ns:
            self._written.popleft()
        return self._written[0][1]

    def _take_outcome(self, outcome: Outcome) -> None:
        self._held = outcome
        for gap in outcome.gaps:
            self._announce(gap)

    def _announce(self, gap: Gap) -> None:
        logger.warning("%s: frames %d to %d given up: %s", gap.instrument, gap.first, gap.last, gap.reason)
        assert self.announce is not None, "announce is set before run"
        record = {"kind": "gap", "epoch": gap.epoch, "first": gap.first, "last": gap.last, "reason": gap.reason}
        frame = self.announce(gap.instrument, record)
        if gap.id:
            self._announcing[frame.key] = gap.id
            self._wanted.set()

    def _shed(self) -> None:
        if self._memory_bytes <= MEMORY_BYTES:
            return
        going: list[Key] = []
        for key, (frame, _) in list(self._memory.items()):
            if self._memory_bytes <= MEMORY_BYTES * 0.9:
                break
            if not frame.is_record:
                self._drop(key)
                going.append(key)
        for instrument, epoch, first, last in spool_file.merged(going):
            reason = NOT_WRITABLE
            self._announce(Gap(id=0, instrument=instrument, epoch=epoch, first=first, last=last, reason=reason))

    def _complain(self, error: sqlite3.Error) -> None:
        if not self._is_unwritable:
            logger.error("%s: %s; frames stay in memory", NOT_WRITABLE, error)
        self.trouble = f"{NOT_WRITABLE}: {error}"

    def _recover(self) -> None:
        if self._is_unwritable:
            logger.info("the spool can be written again")
            self.trouble = ""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@asynccontextmanager
async def open_spool(
    directory: Path, *, window_s: float = WINDOW_S, limit_bytes: int = LIMIT_BYTES
) -> AsyncIterator[Spool]:
    """Open the spool of a data directory, alone. Raises SpoolError where that cannot be."""
    # Not asyncio.to_thread: when a waiting task is cancelled its work goes on, and the next must still come after it.
    with spool_file.lock(directory), ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool") as thread:
        run = asyncio.get_running_loop().run_in_executor
        path, now = directory / spool_file.FILE_NAME, datetime.now(UTC)
        file = await run(thread, lambda: SpoolFile(path, limit_bytes=limit_bytes, now=now))
        try:
            start = await run(thread, lambda: file.outcome([]))
            if file.trouble:
                logger.error("%s", file.trouble)
            yield Spool(file, thread, start, window_s=window_s)
        finally:
            await run(thread, file.close)


__all__ = ["Spool", "SpoolError", "Spooled", "open_spool"]
