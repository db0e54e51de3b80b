"""The file of the commands that were begun, beside the spool: a thread of its own writes it, the loop never waits.

    begin()   on disk before anything goes to an instrument; raises OSError where that cannot be
    end()     with what became of it; the record's frame is in it until it is known to have left the agent
    hold()    who holds an instrument, so that a lease outlives the agent's end

Appended to, and written anew when it has grown. A full disk refuses commands, not readings.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from kleinmaelzung_agent import whole_file
from kleinmaelzung_agent.commands import remembered
from kleinmaelzung_agent.commands.lease import FREE
from kleinmaelzung_agent.commands.remembered import Begun, Kept, Key, Memory
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire.messages import Control

logger = logging.getLogger(__name__)

FILE_NAME: Final = "commands"
GROWN: Final = 1024 * 1024  # bytes, and twice what was left when it was written anew
MAX_WAITING: Final = 1000  # refusals that are not written yet; more are known in memory only

T = TypeVar("T")


class CommandFile:
    """Made, then `open()`ed. `memory` is what is known now."""

    def __init__(self, directory: Path) -> None:
        self.memory = Memory()
        self.is_open = False
        self._path = directory / FILE_NAME
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commands")
        self._grown = GROWN
        self._waiting = 0

    async def open(self) -> None:
        """Read what earlier runs left. Raises OSError; until it has been read, no command can be begun."""
        if not self.is_open:
            found = await self._in_thread(self._read)
            for key, kept in self.memory.items():  # what was refused meanwhile
                found.put(key, kept)
            for instrument, control in self.memory.leases.items():
                found.hold(instrument, control)
            self.memory, self.is_open = found, True

    async def begin(self, begun: Begun) -> None:
        """Raises OSError: then it must not be executed."""
        line = remembered.begun_line(begun)
        await self._in_thread(lambda: self._append(line, is_sure=True))
        self.memory.put(begun.key, Kept(begun=begun))

    async def end(self, key: Key, reply: bytes, frame: NumberedFrame) -> None:
        """Note what became of one that was begun."""
        self.memory.put(key, Kept(reply=reply))
        line = remembered.ended_line(key, reply, frame)
        try:
            await self._in_thread(lambda: self._append(line, is_sure=True))
        except OSError as error:
            logger.warning("what became of command %s cannot be kept: %s", key[2], error.strerror or error)

    def note(self, key: Key, reply: bytes, frame: NumberedFrame) -> "asyncio.Future[None] | None":
        """Note what became of one that was never begun, when there is time for it.

        Done when it is in the file, as far as that outlives the process, or cannot be; None where too many wait.
        """
        self.memory.put(key, Kept(reply=reply))
        if self.is_behind:
            return None
        self._waiting += 1
        line = remembered.ended_line(key, reply, frame)
        noting = asyncio.get_running_loop().run_in_executor(self._thread, self._append_noted, line)
        noting.add_done_callback(lambda _: self._wrote())
        return noting

    @property
    def is_behind(self) -> bool:
        """Whether so much waits for the disk that no more can be kept."""
        return self._waiting >= MAX_WAITING

    def hold(self, instrument: str, control: Control) -> "asyncio.Future[None] | None":
        """Keep who holds an instrument; done when that is on disk or cannot be. None where it is known already.

        In the order of all else: before anything that is begun under this lease.
        """
        if self.memory.leases.get(instrument, FREE) == control:
            return None
        self.memory.hold(instrument, control)
        self._waiting += 1
        line = remembered.lease_line(instrument, control)
        keeping = asyncio.get_running_loop().run_in_executor(self._thread, self._append_lease, line)
        keeping.add_done_callback(lambda _: self._wrote())
        return keeping

    async def settled(self) -> None:
        """All records of earlier runs have left: they need not be kept any longer."""
        for kept in self.memory.values():
            kept.frame = None
        with contextlib.suppress(OSError):
            await self._in_thread(lambda: self._write_anew(with_frames=False))

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    def _wrote(self) -> None:
        self._waiting -= 1

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _read(self) -> Memory:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            content = b""
        found, bad = remembered.read(content.split(b"\n"))
        if bad:
            logger.warning("%s: %d lines cannot be read: the commands in them are not known", self._path, bad)
        return found

    def _append_noted(self, line: bytes) -> None:
        try:
            self._append(line, is_sure=False)
        except OSError as error:
            logger.debug("a refusal is not kept: %s", error)

    def _append_lease(self, line: bytes) -> None:
        try:
            self._append(line, is_sure=True)
        except OSError as error:
            logger.warning("who holds an instrument cannot be kept: %s", error.strerror or error)

    def _append(self, line: bytes, *, is_sure: bool) -> None:
        is_new = not self._path.exists()
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _write_all(handle, line)
            if is_sure:
                os.fdatasync(handle)
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        if is_new:
            whole_file.sync_directory(self._path.parent)
        if size > self._grown:
            with contextlib.suppress(OSError):  # it can go on growing
                self._write_anew(with_frames=True)

    def _write_anew(self, *, with_frames: bool) -> None:
        # From the file and not from memory, which is the loop's.
        found, _ = remembered.read(self._path.read_bytes().split(b"\n"))
        content = b"".join(remembered.lines(found, with_frames=with_frames))
        whole_file.write(self._path, content)
        self._grown = GROWN + 2 * len(content)


def _write_all(handle: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.write(handle, content[written:])
