"""What the agent leaves for root to carry out, in a folder of its own: read by root, who trusts nothing there.

<data>/orders/program/{order, signature, content, ready} --> copies of root's; Result --> <data>/orders/program/result

The agent's user may put anything in the place of anything, at any moment: links, pipes, folders, files that grow. So
folders are opened one below the other and no link is followed, sizes have limits, and what is looked at is a copy.
"""

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

BELOW: Final = ("orders", "program")
READY: Final = "ready"
HANDED_OVER: Final = (READY, "order", "signature", "content")  # away in this order: READY alone has systemd start us
RESULT: Final = "result"
_BLOCK: Final = 1024 * 1024

Outcome = Literal["done", "refused", "rolled back"]


class NotTaken(Exception):
    """What was handed over is not carried out; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of an order: `issued` as it says, 0 where it could not be read; `sha256` in hex; `time` in µs."""

    issued: int
    sha256: str
    result: Outcome
    reason: str
    time: int

    def to_json(self) -> str:
        return json.dumps({"kind": "program"} | asdict(self), ensure_ascii=False) + "\n"


@contextmanager
def opened(data: Path) -> Iterator["Folder | None"]:
    """The folder, None where there is none. What stands in its place and is no folder is taken away."""
    with contextlib.ExitStack() as stack:
        try:
            at = _opened(data, None, 0)
            stack.callback(os.close, at)
            for name in BELOW:
                at = _below(at, name)
                stack.callback(os.close, at)
        except (FileNotFoundError, NotADirectoryError):
            yield None
            return
        yield Folder(at)


def _below(at: int, name: str) -> int:
    try:
        return _opened(name, at, os.O_NOFOLLOW)
    except NotADirectoryError:  # a link, too; behind it could be a `ready` for which systemd starts us for ever
        _take_away(name, at)
        raise


def _opened(path: str | Path, at: int | None, flags: int) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | flags, dir_fd=at)


class Folder:
    """The agent's folder, as long as it is open: another one put in its place is not looked at."""

    def __init__(self, at: int) -> None:
        self._at = at

    def is_ready(self) -> bool:
        try:
            os.stat(READY, dir_fd=self._at, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str, limit: int) -> bytes:
        """A file of at most so many bytes. Raises NotTaken."""
        with self._file(name, limit) as file:
            content = os.read(file, limit + 1)
        if len(content) > limit:
            raise NotTaken(f"{name} is too large, expected at most {limit} bytes")
        return content

    def copy(self, name: str, into: Path, limit: int) -> None:
        """The same into a file of our own, which is on disk then. Raises NotTaken."""
        with self._file(name, limit) as file, into.open("xb") as copied:
            left = limit + 1
            while left and (block := os.read(file, min(_BLOCK, left))):
                copied.write(block)
                left -= len(block)
            copied.flush()
            os.fsync(copied.fileno())
        if not left:
            raise NotTaken(f"{name} is too large, expected at most {limit} bytes")

    def tell(self, result: Result) -> None:
        """Leave word for the agent."""
        partial = f"{RESULT}.new"
        _take_away(partial, self._at)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        owner = os.fstat(self._at)
        with os.fdopen(os.open(partial, flags, 0o600, dir_fd=self._at), "w") as file:
            file.write(result.to_json())
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, RESULT, src_dir_fd=self._at, dst_dir_fd=self._at)
        os.fsync(self._at)

    def clear(self) -> None:
        """Take away what was handed over, whatever it is."""
        for name in HANDED_OVER:
            _take_away(name, self._at)
        os.fsync(self._at)

    @contextmanager
    def _file(self, name: str, limit: int) -> Iterator[int]:
        try:
            # A pipe would be waited for without O_NONBLOCK.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(name, flags, dir_fd=self._at)
        except OSError as error:
            raise NotTaken(f"{name} was not handed over as a file: {error.strerror}") from error
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
                raise NotTaken(f"{name} is no file of at most {limit} bytes")
            yield file
        finally:
            os.close(file)


def _take_away(name: str, at: int) -> None:
    """Nothing behind a link is touched."""
    try:
        os.unlink(name, dir_fd=at)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # the second: a folder, on some file systems
        shutil.rmtree(name, ignore_errors=True, dir_fd=at)
