"""Sends again what the server lost after it was logged, and tells what cannot be sent: after a backup was put back.

uplink --all that is stored--> compare with what was taken --kept--> spool --backfill--> logger
                                                           \\--not kept, told twice--> gap
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Never

from kleinmaelzung_agent.recording import number_ranges
from kleinmaelzung_agent.recording.number_ranges import Numbers
from kleinmaelzung_agent.recording.numbering import Numbering
from kleinmaelzung_agent.sending import lacking
from kleinmaelzung_agent.sending.lacking import CONFIRM_S, Suspicion
from kleinmaelzung_agent.spool.kept import Kept
from kleinmaelzung_agent.spool.spool import Spool
from kleinmaelzung_agent.spool.spool_held import Stream
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.stored import Stored

logger = logging.getLogger(__name__)

PAGE: Final = 500  # frames given to the spool at once
ROOM: Final = 0.5  # of the spool: the rest is for what is taken meanwhile
LOOK_EVERY_S: Final = 0.5
MAX_WAITING: Final = 16  # messages; beyond it the oldest is forgotten, for a newer one says more


class Resending:
    """`run` must run beside it. `ask` has the logger say again what is stored."""

    def __init__(self, spool: Spool, kept: Kept | None, numbering: Numbering, ask: Callable[[], None]) -> None:
        self._spool, self._kept, self._numbering, self._ask = spool, kept, numbering, ask
        self._came: asyncio.Queue[tuple[Stored, dict[Stream, Numbers]]] = asyncio.Queue(MAX_WAITING)
        self._suspicion = Suspicion()

    def stored(self, stored: Stored) -> None:
        """Take what a logger says is stored; what waits at this moment is not asked of it."""
        if self._came.full():
            self._came.get_nowait()
        self._came.put_nowait((stored, self._spool.in_window()))

    async def run(self) -> Never:
        while True:
            try:
                async with asyncio.timeout(CONFIRM_S if self._suspicion.is_to_ask else None):
                    stored, waiting = await self._came.get()
            except TimeoutError:
                self._suspicion.is_to_ask = False
                self._ask()
            else:
                await self._compare(stored, waiting)

    async def _compare(self, stored: Stored, in_window: dict[Stream, Numbers]) -> None:
        if self._kept:
            await self._kept.flush()
        kept = await self._kept.numbers() if self._kept else {}
        known = lacking.all_before(kept, self._numbering.numbers() | self._previous(stored))
        found = lacking.lacking(known, stored, in_window)
        if not found:
            self._suspicion.judge({}, stored, time.monotonic())
            return
        on_disk = await self._spool.on_disk()
        waiting = {stream: [*in_window.get(stream, ()), *on_disk.get(stream, ())] for stream in {*in_window, *on_disk}}
        found = lacking.lacking(known, stored, waiting)
        await self._send_again(
            {s: both for s, numbers in found.items() if (both := number_ranges.common(numbers, kept.get(s, [])))}
        )
        gone = {
            stream: left
            for stream, numbers in found.items()
            if (left := number_ranges.without(numbers, [*kept.get(stream, ()), *self._suspicion.told(stream, waiting)]))
        }
        for stream, numbers in self._suspicion.judge(gone, stored, time.monotonic()).items():
            self._tell(stream, numbers)

    def _previous(self, stored: Stored) -> dict[Stream, int]:
        """The last numbers of the run before, as far as this database ever knew it: it may be another server's."""
        previous = self._spool.previous
        if previous is None:
            return {}
        there = {(one.instrument, one.epoch) for one in stored.streams}
        return {(name, previous.epoch): last for name, last in previous.last.items() if (name, previous.epoch) in there}

    async def _send_again(self, wanted: dict[Stream, Numbers]) -> None:
        if wanted:
            total = sum(map(number_ranges.count, wanted.values()))
            logger.warning("the server lacks %d frames that it had: they are sent again", total)
        for stream, numbers in wanted.items():
            for first, last in numbers:
                await self._send_range(stream, first, last)

    async def _send_range(self, stream: Stream, first: int, last: int) -> None:
        assert self._kept is not None
        while first <= last:
            await self._wait_for_room()
            frames = await self._kept.read(stream, first, last, PAGE)
            if not frames or not await self._spool.put_back(frames):
                return
            first = frames[-1].number + 1

    async def _wait_for_room(self) -> None:
        while self._spool.fullness > ROOM:  # noqa: ASYNC110  it tells nobody when it has room
            await asyncio.sleep(LOOK_EVERY_S)

    def _tell(self, stream: Stream, numbers: Numbers) -> None:
        instrument, epoch = stream
        for first, last in numbers:
            logger.error("%s: frames %d to %d were logged, and the server has lost them", instrument, first, last)
            gap = Gap(reason=gaps.LOST_AFTER_BACKUP, epoch=epoch, first=first, last=last)
            record = self._numbering.announce(instrument, gap)
            self._suspicion.tell(stream, first, last, record.key)
