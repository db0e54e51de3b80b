"""Keeps every frame until it is logged: in memory for a short window, then on disk.

    add(frame) --> memory --not logged within the window--> file --oldest()--> backfill
    forget(what is logged) --> gone from either

The loop never waits for the disk: one thread owns it. While frames are logged in time, nothing is written. While the
disk cannot be written, memory takes more, up to a bound; what it gives up then is told from a reserve.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final, Never, TypeVar

from kleinmaelzung_agent.recording.number_ranges import Numbers
from kleinmaelzung_agent.recording.recorder import Key, NumberedFrame
from kleinmaelzung_agent.spool.disk import FAULTS, Disk, words
from kleinmaelzung_agent.spool.lock import SpoolError
from kleinmaelzung_agent.spool.spool_held import (
    ENDED,
    EPOCH,
    INSTRUMENT,
    LAST,
    SINCE,
    Change,
    Damage,
    Limits,
    Loss,
    Outcome,
    PreviousRun,
    Spooled,
    Stream,
    by_stream,
    lost,
    merged,
)
from kleinmaelzung_agent.spool.window import CHECK_AGE_S, AgeCheck, Deletions, Fullness, Losses, Window, Written, pieces
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import LoggedRanges

logger = logging.getLogger(__name__)

WINDOW_S: Final = 0.25
# While nobody acknowledges, waiting for it only puts more at risk: written is sooner, so that a frame's gathering, this
# and the commit stay within the window.
UNHEARD_S: Final = 0.1
DISK_RETRY_S: Final = 5.0
DEFAULT_LIMITS: Final = Limits()

T = TypeVar("T")
# Numbers a frame that says what was given up, and hands it over like any other.
Announce = Callable[[str, Gap], NumberedFrame]


class Spool:
    """Made by `open_spool`. `run` must run beside it; `announce` must be set before."""

    def __init__(
        self,
        disk: Disk,
        thread: ThreadPoolExecutor,
        *,
        window_s: float,
        retry_s: float,
        limits: Limits,
        keep_all: frozenset[str],
    ) -> None:
        self.announce: Announce | None = None
        self.on_added: Callable[[NumberedFrame], None] | None = None  # for who keeps copies
        self.on_opened: Callable[[], None] | None = None  # when the file is first opened only now: `previous` is known
        self._disk, self._thread = disk, thread
        self._window_ns, self._retry_s = int(window_s * 1e9), retry_s
        self._is_unheard = False  # nothing has been acknowledged since frames were written
        self._limits, self._keep_all = limits, keep_all
        self._memory = Window()
        self._logged = Deletions()
        self._delete_since_ns = 0
        self._fullness = Fullness(limits)
        self._facts: dict[str, int] = {}  # not written yet
        self._facts_since_ns = 0
        self._losses = Losses()
        self._writing: frozenset[Stream] = frozenset()
        self._flushing = asyncio.Lock()
        self._held = Outcome()
        self._fault = ""
        self._is_opened = False
        self._age_check = AgeCheck()
        self._written = Written()
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()

    @property
    def unlogged(self) -> int:
        return len(self._memory) + self._held.count

    @property
    def has_backlog(self) -> bool:
        return self._held.count > 0 or self._is_unwritable

    @property
    def is_full(self) -> bool:
        """Whether instruments that lose nothing must rest."""
        return self._fullness.is_full

    @property
    def trouble(self) -> str:
        """What is wrong with it, as a sentence."""
        if self._fault:
            return f"{gaps.NOT_WRITABLE}: {self._fault}"
        return self._disk.damage.detail if self._disk.damage else ""

    def figures(self) -> dict[str, int]:
        """How much it holds, and how much it may, in bytes."""
        return {"bytes": self._held.bytes + self._memory.bytes, "limit": self._limits.bytes}

    @property
    def damage(self) -> Damage | None:
        """A damaged file was moved aside."""
        return self._disk.damage

    @property
    def previous(self) -> PreviousRun | None:
        """The run before this one, as far as the file tells."""
        return self._disk.previous

    @property
    def fullness(self) -> float:
        """How much of what it may hold it holds."""
        return (self._held.bytes + self._memory.bytes) / self._limits.bytes

    def in_window(self) -> dict[Stream, Numbers]:
        """The numbers of what is neither logged nor on disk."""
        return by_stream(merged(frame.key for frame in self._memory.frames))

    async def on_disk(self) -> dict[Stream, Numbers]:
        """The numbers of what is on disk, also where that is logged and not deleted yet."""
        if not self._held.count:
            return {}
        try:
            return by_stream(await self._in_thread(self._disk.names))
        except FAULTS as error:
            self._complain(error)
            return {}

    async def put_back(self, frames: Sequence[NumberedFrame]) -> bool:
        """Hold frames once more that were logged and are not any more; returns whether the disk took them."""
        async with self._writing_of(frames):
            logged = self._logged.take()  # before: they were logged, and are not to be deleted for it
            try:
                outcome = await self._in_thread(lambda: self._disk.commit(Change(frames=frames, logged=logged)))
            except BaseException as error:
                self._logged.put_back(logged)
                if not isinstance(error, FAULTS):
                    raise
                self._complain(error)
                return False
            self._written.note(outcome.last_id, time.monotonic_ns())
            self._take_outcome(outcome)
        return True

    def is_in_window(self, frame: NumberedFrame) -> bool:
        """Whether a frame is neither logged nor on disk, where backfill would find it."""
        return frame.key in self._memory

    def add(self, frame: NumberedFrame) -> None:
        """Keep a frame from now on."""
        self._memory.add(frame, time.monotonic_ns())
        if self.on_added:
            self.on_added(frame)
        self._age_check.see(frame)
        self._judge_fullness()
        self._wanted.set()

    def forget(self, logged: Sequence[LoggedRanges]) -> None:
        """Let go of exactly these frames."""
        self._is_unheard = False
        for entry in logged:
            for first, last in entry.ranges:
                self._forget_range(entry.instrument, entry.epoch, first, last)
        self._changed.set()

    async def oldest(self, *, after: int, count: int, older_than_s: float) -> list[Spooled]:
        """The oldest frames on disk behind an id, of this run only those that have waited long enough."""
        latest_ns = time.monotonic_ns() - int(older_than_s * 1e9)
        until = self._written.before(latest_ns)
        if until <= after or not self._held.count:
            return self._oldest_in_memory(after, count, latest_ns) if self._is_unwritable else []
        try:
            found, outcome = await self._in_thread(lambda: self._disk.read(after=after, until=until, count=count))
        except FAULTS as error:
            self._complain(error)
            return []
        if outcome is not None:
            logger.error("damaged frames in the spool: recorded as a gap")
            self._take_outcome(outcome)
        return [spooled for spooled in found if spooled.frame.key not in self._logged]

    async def run(self) -> Never:
        """Write what is not logged within the window; delete what is logged."""
        self._announce_losses()
        while True:
            due_ns = self._due_ns()
            if due_ns is None:
                await self._wait()
            elif (wait_ns := due_ns - time.monotonic_ns()) > 0:
                await asyncio.sleep(wait_ns / 1e9)
            elif not await self.flush():
                self._shed()
                await self._save()
                await asyncio.sleep(self._retry_s)

    async def flush(self) -> bool:
        """Bring disk and memory into line now; returns whether it worked. What must not be lost has a reserve."""
        async with self._writing_of(waiting := self._memory.frames):
            for piece in pieces(waiting):
                if not await self._write(self._disk.commit, piece, now_us=self._age_check.take_us(time.monotonic_ns())):
                    break
            else:
                self._recover()
                return True
        await self._save()
        return False

    async def settle(self) -> None:
        """Wait until memory holds nothing unlogged."""
        while self._memory:
            self._changed.clear()
            await self._changed.wait()

    async def begin_run(self, epoch: int, since_us: int, instruments: Iterable[str] = ()) -> None:
        """Remember which run this is and what it reads, until `end_run`."""
        known = {f"{INSTRUMENT}{name}": epoch for name in instruments}
        await self._remember(known | {EPOCH: epoch, SINCE: since_us, ENDED: 0}, firmly=True)

    async def change_run(self, epoch: int, *, added: Iterable[str], removed: Iterable[str]) -> None:
        """Remember what this run reads besides from now on, and what it does not read any more."""
        changed = {f"{INSTRUMENT}{name}": epoch for name in added} | {f"{INSTRUMENT}{name}": 0 for name in removed}
        if changed:
            await self._remember(changed, firmly=True)

    def note_in_run(self, epoch: int, instrument: str) -> None:
        """Remember within a window that this run has frames of an instrument."""
        self._facts = self._facts | {f"{INSTRUMENT}{instrument}": epoch}
        self._facts_since_ns = time.monotonic_ns()
        self._wanted.set()

    async def keep_all(self, names: frozenset[str]) -> None:
        """From now on give up nothing of these instruments."""
        if names == self._keep_all:
            return
        self._keep_all = names
        try:
            self._take_outcome(await self._in_thread(lambda: self._disk.keep_all(names)))
        except FAULTS as error:
            self._complain(error)

    async def end_run(self, time_us: int, last: Mapping[str, int] = MappingProxyType({})) -> None:
        """Remember that this run ended in order, and the last number of each instrument."""
        await self._remember({ENDED: time_us} | {LAST + name: number for name, number in last.items()})
        await self.remember_time(time_us)

    async def remember_time(self, time_us: int) -> None:
        """Mark that this run has reached a time."""
        try:
            await self._in_thread(lambda: self._disk.mark_time(time_us))
        except OSError as error:  # the frames' own trouble with this disk is told; this alone is none
            logger.debug("the time is not marked: %s", error)

    @property
    def last_known_us(self) -> int:
        """The newest time that an earlier run is known to have reached; 0 where nothing is known."""
        return max(self._disk.last_known_us, (self.damage.since_us if self.damage else None) or 0)

    async def open(self) -> None:
        """Raises SpoolError where it can never be used; where it cannot be used now, memory takes its place."""
        try:
            self._take_outcome(await self._in_thread(self._disk.open))
        except SpoolError:
            raise
        except FAULTS as error:
            self._complain(error)
        else:
            self._written = Written(self._held.last_id)  # of earlier runs

    async def close(self) -> None:
        """Keep what memory holds; where the disk does not take it, at least which frames they are."""
        if self._memory and not await self.flush():
            left = lost((frame.key for frame in self._memory.frames), gaps.NOT_WRITABLE)
            logger.error("%d frames are lost with this process, for the spool cannot be written", len(self._memory))
            with contextlib.suppress(*FAULTS):
                await self._in_thread(lambda: self._disk.save(Change(lost=left)))
        await self._in_thread(self._disk.close)

    @property
    def _is_unwritable(self) -> bool:
        return bool(self._fault)

    async def _wait(self) -> None:
        """Until there is something to do, or old frames are to be looked for."""
        self._wanted.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECK_AGE_S):
                await self._wanted.wait()

    def _due_ns(self) -> int | None:
        """When the oldest frame leaves the window; what is to be deleted waits no longer than that either."""
        if self._is_unwritable or (self._held.count and self._age_check.is_due(time.monotonic_ns())):
            return 0
        dues = [] if self._memory.oldest_ns is None else [self._memory.oldest_ns]
        dues += [self._delete_since_ns] if self._logged or self._losses.told else []
        dues += [self._facts_since_ns] if self._facts else []
        wait_ns = min(self._window_ns, int(UNHEARD_S * 1e9)) if self._is_unheard else self._window_ns
        return min(dues) + wait_ns if dues else None

    @asynccontextmanager
    async def _writing_of(self, frames: Sequence[NumberedFrame]) -> AsyncIterator[None]:
        """What is logged meanwhile is noted, for it is in the file when that is done."""
        async with self._flushing:
            self._writing = frozenset((frame.instrument, frame.epoch) for frame in frames)
            try:
                yield
            finally:
                self._writing = frozenset()

    async def _write(self, how: Callable[[Change], Outcome], frames: Sequence[NumberedFrame], now_us: int = 0) -> bool:
        frames = [frame for frame in frames if frame.key in self._memory]
        logged, facts = self._logged.take(), self._facts
        announced = self._losses.told_by(frames)
        if not (frames or logged or facts or announced or now_us or self._is_unwritable):
            return True
        change = Change(frames=frames, logged=logged, announced=announced, facts=dict(facts), now_us=now_us)
        try:
            outcome = await self._in_thread(lambda: how(change))
        except BaseException as error:
            self._logged.put_back(logged)
            if not isinstance(error, FAULTS):
                raise
            self._complain(error)
            return False
        for frame in frames:
            self._drop(frame.key)
        self._is_unheard |= bool(frames)
        self._losses.written(frames, announced)
        self._facts = {name: value for name, value in self._facts.items() if facts.get(name) != value}
        self._written.note(outcome.last_id, time.monotonic_ns())
        self._take_outcome(outcome)
        return True

    async def _save(self) -> None:
        """Write from the reserve what must not be lost, so that it outlives this process."""
        records = [frame for frame in self._memory.frames if frame.is_record]
        if records or self._logged or self._facts or self._losses.told:
            async with self._writing_of(records):
                await self._write(self._disk.save, records)

    async def _remember(self, facts: dict[str, int], *, firmly: bool = False) -> None:
        self._facts = self._facts | facts
        self._facts_since_ns = time.monotonic_ns()
        change = Change(facts=self._facts)
        try:
            await self._in_thread(lambda: self._disk.remember(change, firmly=firmly))
        except FAULTS as error:
            self._complain(error)
            return
        self._facts = {name: value for name, value in self._facts.items() if change.facts.get(name) != value}

    def _oldest_in_memory(self, after: int, count: int, latest_ns: int) -> list[Spooled]:
        return [Spooled(after, frame) for frame in itertools.islice(self._memory.older_than(latest_ns), count)]

    def _forget_range(self, instrument: str, epoch: int, first: int, last: int) -> None:
        had_work = bool(self._logged or self._losses.told)
        for key in self._memory.named(instrument, epoch, first, last):
            self._drop(key)
            self._losses.logged(key)
        if (instrument, epoch) in self._held.streams or (instrument, epoch) in self._writing:
            self._logged.add(instrument, epoch, first, last)
        if (self._logged or self._losses.told) and not had_work:
            self._delete_since_ns = time.monotonic_ns()
            self._wanted.set()

    def _drop(self, key: Key) -> None:
        if self._memory.drop(key):
            self._judge_fullness()
            self._changed.set()

    def _take_outcome(self, outcome: Outcome) -> None:
        self._held = outcome
        self._judge_fullness()
        self._losses.take_in(outcome.losses)
        if self.announce:
            self._announce_losses()
        if not self._is_opened:
            self._is_opened = True
            if self.on_opened:
                self.on_opened()

    def _announce_losses(self) -> None:
        for loss in self._losses.take():
            self._announce(loss)

    def _announce(self, loss: Loss) -> None:
        gap = loss.gap
        logger.warning("%s: frames %s to %s given up: %s", loss.instrument, gap.first, gap.last, gap.reason)
        assert self.announce is not None, "announce is set before run"
        self._losses.recorded(loss, self.announce(loss.instrument, gap).key)

    def _shed(self) -> None:
        given_up = self._memory.shed(self._limits.memory_bytes, self._keep_all)
        for name, gap in lost(given_up, gaps.NOT_WRITABLE):
            self._announce(Loss(0, name, gap))
        self._judge_fullness()

    def _judge_fullness(self) -> None:
        self._fullness.judge(self._held, self._memory.bytes, is_unwritable=self._is_unwritable)

    def _complain(self, error: Exception) -> None:
        if not self._is_unwritable:
            logger.error("%s: %s; frames stay in memory", gaps.NOT_WRITABLE, words(error))
        self._fault = words(error)
        self._wanted.set()

    def _recover(self) -> None:
        if self._is_unwritable:
            logger.info("the spool can be written again")
            self._fault = ""
            self._judge_fullness()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@asynccontextmanager
async def open_spool(
    directory: Path,
    *,
    window_s: float = WINDOW_S,
    limits: Limits = DEFAULT_LIMITS,
    keep_all: frozenset[str] = frozenset(),
    retry_s: float = DISK_RETRY_S,
) -> AsyncIterator[Spool]:
    """Open the spool of a data directory, alone; `keep_all` names instruments of which nothing is ever given up.

    Raises SpoolError where the directory can never be used. On a disk that is full or read-only it begins in memory.
    """
    # Not asyncio.to_thread: when a waiting task is cancelled its work goes on, and the next must still come after it.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool") as thread:
        disk = Disk(directory, limits, keep_all)
        spool = Spool(disk, thread, window_s=window_s, retry_s=retry_s, limits=limits, keep_all=keep_all)
        try:
            await spool.open()
            yield spool
        finally:
            await spool.close()


__all__ = ["Damage", "Limits", "PreviousRun", "Spool", "SpoolError", "Spooled", "open_spool"]
