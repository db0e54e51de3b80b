"""The spool's place on the disk: its lock, its file and its reserve, and what is done when one of them fails. Blocking.

    commit(Change)   all of it, while the reserve is there: so a disk with less room than that counts as full
    save(Change)     what must not be lost, from the reserve

Both open the file where that was not possible before, and put a new one in the place of a damaged one.
"""

import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from kleinmaelzung_agent.spool import damage, reserve, schema, time_mark
from kleinmaelzung_agent.spool.lock import DirectoryLock, SpoolError
from kleinmaelzung_agent.spool.reserve import Reserve
from kleinmaelzung_agent.spool.spool_file import FILE_NAME, SpoolFile
from kleinmaelzung_agent.spool.spool_held import (
    Change,
    Damage,
    Held,
    Limits,
    Outcome,
    PreviousRun,
    Range,
    Spooled,
    Stream,
)
from kleinmaelzung_wire import failpoints

logger = logging.getLogger(__name__)

# What a disk may answer that cannot be used now.
FAULTS: Final = (sqlite3.Error, OSError, SpoolError)

T = TypeVar("T")


class Disk:
    """Used by one thread, but for what is read only: `damage`, `previous`, `last_known_us`."""

    def __init__(self, directory: Path, limits: Limits, keep_all: frozenset[str]) -> None:
        self.damage: Damage | None = None
        self.previous: PreviousRun | None = None
        self.last_known_us = 0
        self._path = directory / FILE_NAME
        self._mark = directory / time_mark.FILE_NAME
        self._limits, self._keep_all = limits, keep_all
        self._lock = DirectoryLock(directory)
        self._reserve = Reserve(directory / reserve.FILE_NAME)
        self._file: SpoolFile | None = None
        self._held: dict[Stream, Held] = {}  # when it was closed
        self._last_ids = 0, 0
        self._is_known = False

    def open(self) -> Outcome:
        """Raises SpoolError where it can never be used, another of FAULTS where it cannot be used now."""
        return self._with_file(SpoolFile.outcome)

    def close(self) -> None:
        self._close_file()
        self._lock.release()

    def commit(self, change: Change) -> Outcome:
        self._with_file(lambda _: None)  # to open it may need the reserve
        self._reserve.make()
        return self._with_file(lambda file: _commit(file, change))

    def save(self, change: Change) -> Outcome:
        self._with_file(lambda _: None)
        self._reserve.give_up()
        outcome = self._with_file(lambda file: _commit(file, change))
        with contextlib.suppress(sqlite3.Error):  # the log would eat up the room, bit by bit
            self._with_file(SpoolFile.checkpoint)
        return outcome

    def remember(self, change: Change, *, firmly: bool = False) -> None:
        """Write facts alone. Firmly: in the main file, which no damage to the log beside it can undo."""
        self._with_file(lambda file: file.commit(change))
        if firmly:
            self._with_file(SpoolFile.checkpoint)

    def keep_all(self, names: frozenset[str]) -> Outcome:
        """From now on give up nothing of these instruments."""
        self._keep_all = names
        return self._with_file(lambda file: file.keep_all(names))

    def mark_time(self, time_us: int) -> None:
        """Raises OSError."""
        time_mark.write(self._mark, time_us)

    def read(self, *, after: int, until: int, count: int) -> tuple[list[Spooled], Outcome | None]:
        before = self.damage
        found, outcome = self._with_file(lambda file: file.read(after=after, until=until, count=count))
        if outcome is None and self.damage is not before:
            outcome = self._with_file(SpoolFile.outcome)
        return found, outcome

    def names(self) -> list[Range]:
        """Of all frames that it holds."""
        return self._with_file(SpoolFile.names)

    def _with_file(self, work: Callable[[SpoolFile], T]) -> T:
        try:
            return work(self._opened())
        except sqlite3.Error as error:
            if schema.is_damage(error):
                self._replace(error)
                return work(self._opened())
            self._reserve.doubt()
            if not schema.is_passing(error):
                self._close_file()
            raise

    def _opened(self) -> SpoolFile:
        if self._file is None:
            self._lock.take()
            self._file = self._with_room(self._open)
            with contextlib.suppress(OSError):  # commit() tries again, and says so
                self._reserve.make()
        if not self._is_known:
            marked_us = time_mark.read(self._mark)
            self.previous = _until(marked_us, self._file.previous())
            self.last_known_us = max(marked_us, self.previous.last_known_us if self.previous else 0)
            self._is_known = True
        return self._file

    def _open(self) -> SpoolFile:
        _check_permitted(self._path)
        damage.complete(self._path, datetime.now(UTC))
        return SpoolFile(self._path, self._limits, self._keep_all)

    def _with_room(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and not schema.lacks_room(error):
                raise
            self._reserve.give_up()
            return work()

    def _replace(self, error: sqlite3.Error) -> None:
        self._close_file()
        self.damage = self._with_room(
            lambda: damage.replace(
                self._path,
                reason=str(error),
                now=datetime.now(UTC),
                held=self._held,
                last_ids=self._last_ids,
                make_room=self._reserve.give_up,
            )
        )
        logger.error("%s", self.damage.detail)

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file:
            self._held, self._last_ids = file.held, (file.last_id, file.last_loss_id)
            with contextlib.suppress(sqlite3.Error):
                file.close()


def free_bytes(directory: Path) -> int | None:
    """What is left of a directory's disk; None where it cannot be known. The kernel knows it without the disk."""
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return None


def words(fault: Exception) -> str:
    """What a disk answered, for a sentence."""
    return (fault.strerror if isinstance(fault, OSError) else str(fault)) or type(fault).__name__


def _commit(file: SpoolFile, change: Change) -> Outcome:
    if change.frames:
        failpoints.reach("agent.before_spool")
    outcome = file.commit(change)
    if change.frames:
        failpoints.reach("agent.after_spool")
    return outcome


def _until(marked_us: int, previous: PreviousRun | None) -> PreviousRun | None:
    """The run before, with the later of what its file and its mark say of its last moments."""
    if previous is None or previous.is_clean or marked_us <= previous.last_known_us:
        return previous
    return replace(previous, last_known_us=marked_us)


def _check_permitted(path: Path) -> None:
    """No room and no right look alike to SQLite, and only one of them passes."""
    try:
        with path.open("r+b"):
            pass
    except (PermissionError, IsADirectoryError) as error:
        raise SpoolError(f"the spool {path} cannot be used: {error.strerror}") from error
    except OSError:
        pass  # it is not there yet, or the disk does not allow it now
