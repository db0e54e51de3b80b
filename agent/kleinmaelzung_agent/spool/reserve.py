"""Room on the disk that is set apart, so that a full disk still takes the record of what was given up."""

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

FILE_NAME: Final = "reserve"
SIZE: Final = 1024 * 1024


class Reserve:
    """A file that is really allocated. While it is there the disk is not called full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_there = False

    def make(self) -> None:
        """See to it that it is there. Raises OSError where there is no room for it, and as much again to work with."""
        if self._is_there:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _is_allocated(handle):
                _make(handle)
        finally:
            os.close(handle)
        self._is_there = True

    def doubt(self) -> None:
        """Something went wrong on this disk: look again before it is relied on."""
        self._is_there = False

    def give_up(self) -> None:
        """Let its room be used. It is emptied, not removed: to make a file anew may need room too."""
        self._is_there = False
        with contextlib.suppress(OSError):  # there is none, or nothing can be written at all
            os.truncate(self._path, 0)


def _is_allocated(handle: int) -> bool:
    status = os.fstat(handle)
    return status.st_size >= SIZE and status.st_blocks * 512 >= SIZE


def _make(handle: int) -> None:
    try:
        _allocate(handle, 2 * SIZE)
        os.ftruncate(handle, SIZE)
        os.fsync(handle)
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
        raise


def _allocate(handle: int, size: int) -> None:
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
        _fill(handle, size)


def _fill(handle: int, size: int) -> None:
    # Not zeros: some file systems leave them out or compress them.
    written = 0
    while written < size:
        written += os.pwrite(handle, os.urandom(min(65536, size - written)), written)
