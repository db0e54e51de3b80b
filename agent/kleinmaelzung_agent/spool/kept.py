"""Keeps every frame for a while, logged or not, on disk: `[spool] keep`. The loop never waits for it.

add(frame) --> memory --once a second--> KeptFile, by a thread of its own --read()--> what the server lost

A disk that takes nothing costs nothing but this: frames wait in memory up to a bound, and then the oldest are not kept.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Never, TypeVar

from kleinmaelzung_agent.recording.number_ranges import Numbers
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool import kept_file
from kleinmaelzung_agent.spool.kept_file import KeptFile
from kleinmaelzung_agent.spool.spool_held import Limits, Stream

logger = logging.getLogger(__name__)

EVERY_S: Final = 1.0
MAX_WAITING: Final = 4 * 1024 * 1024  # bytes in memory; beyond it the oldest are not kept
FAULTS: Final = (sqlite3.Error, OSError)

T = TypeVar("T")


class Kept:
    """Made by open_kept(). `run` must run beside it."""

    def __init__(self, directory: Path, limits: Limits, thread: ThreadPoolExecutor) -> None:
        self._directory, self._limits, self._thread = directory, limits, thread
        self._file: KeptFile | None = None
        self._waiting: deque[NumberedFrame] = deque()
        self._waiting_bytes = 0
        self._is_faulty = False

    def add(self, frame: NumberedFrame) -> None:
        self._waiting.append(frame)
        self._waiting_bytes += len(frame.payload)
        while self._waiting_bytes > MAX_WAITING:
            self._waiting_bytes -= len(self._waiting.popleft().payload)

    async def run(self) -> Never:
        while True:
            await self.flush()
            await asyncio.sleep(EVERY_S)

    async def flush(self) -> None:
        """Bring to the disk what waits."""
        frames = tuple(self._waiting)
        if frames and await self._try(lambda file: file.add(frames)) is not None:
            written = set(map(id, frames))  # some may have given way meanwhile
            while self._waiting and id(self._waiting[0]) in written:
                self._waiting_bytes -= len(self._waiting.popleft().payload)

    async def numbers(self) -> dict[Stream, Numbers]:
        """What it holds; nothing where the disk does not allow it."""
        return await self._try(lambda file: dict(file.numbers)) or {}

    async def read(self, stream: Stream, first: int, last: int, count: int) -> list[NumberedFrame]:
        return await self._try(lambda file: file.read(stream, first, last, count)) or []

    async def close(self) -> None:
        await self.flush()
        await self._in_thread(self._close)

    async def _try(self, work: Callable[[KeptFile], T]) -> T | None:
        """None where the disk does not allow it; that is said once."""
        try:
            done = await self._in_thread(lambda: work(self._opened()))
        except FAULTS as error:
            level = logging.DEBUG if self._is_faulty else logging.WARNING
            logger.log(level, "what is logged is not kept: %s", error)
            self._is_faulty = True
            await self._in_thread(self._close)  # opened anew it is looked at
            return None
        self._is_faulty = False
        return done

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _opened(self) -> KeptFile:
        if self._file is None:
            path = self._directory / kept_file.FILE_NAME
            self._file = KeptFile(path, keep_s=self._limits.keep_s, limit_bytes=self._limits.keep_bytes)
        return self._file

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(sqlite3.Error):
                file.close()


@asynccontextmanager
async def open_kept(directory: Path, limits: Limits) -> AsyncIterator[Kept | None]:
    """None where nothing is to be kept; what an earlier configuration kept is removed."""
    if not limits.keep_s:
        kept_file.remove(directory)
        yield None
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kept") as thread:
        kept = Kept(directory, limits, thread)
        try:
            yield kept
        finally:
            await kept.close()
