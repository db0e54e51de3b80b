"""Keeps a second agent away from a data directory. The directory itself is locked: this writes nothing."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

SIGN: Final = "lock"  # who holds it, for the message
# The disk may get over these; anything else about a data directory is for a person to put right.
_PASSING: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


class SpoolError(Exception):
    """The spool cannot be used; the message says why."""


def find_holder(data: Path) -> str:
    """The process of the agent that runs with this data directory; empty where none does. Leaves no trace."""
    try:
        handle = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(data)
    except OSError:
        return ""
    finally:
        os.close(handle)
    return ""


def _holder(data: Path) -> str:
    try:
        return (data / SIGN).read_text(encoding="ascii")[:20].strip() or "unknown"
    except (OSError, UnicodeError):
        return "unknown"


class DirectoryLock:
    """Held from `take` to `release`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._handle: int | None = None

    def take(self) -> None:
        """Raises SpoolError where it cannot be had, OSError where the disk does not allow it now."""
        if self._handle is not None:
            return
        handle = self._open()
        try:
            self._lock(handle)
            self._sign()
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _open(self) -> int:
        try:
            if not self._directory.is_dir():
                self._directory.mkdir(mode=0o700, parents=True)
            return os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            if error.errno in _PASSING:
                raise
            raise self._unusable(error) from error

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            by = f"process {_holder(self._directory)}"
            raise SpoolError(f"the data directory {self._directory} is in use by another agent ({by})") from error
        except OSError as error:
            raise self._unusable(error) from error

    def _sign(self) -> None:
        try:
            (self._directory / SIGN).write_text(str(os.getpid()), encoding="ascii")
        except OSError as error:
            if error.errno not in _PASSING:
                raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> SpoolError:
        return SpoolError(f"the data directory {self._directory} cannot be used: {error.strerror}")
