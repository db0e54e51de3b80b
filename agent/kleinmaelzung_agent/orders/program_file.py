"""A version of the agent's program in one .tar.xz, as deploy/agent-program makes it: unpacked into a folder.

Files and folders only, within that folder, and bounded: more than a program has is none.
"""

import lzma
import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from kleinmaelzung_agent.orders.handed_over import NotTaken

MAX_BYTES: Final = 256 * 1024 * 1024
MAX_FILES: Final = 5000


def unpack(file: Path, into: Path) -> None:
    """Unpack `file` into the new folder `into`. Raises NotTaken, OSError."""
    into.mkdir(mode=0o755)
    left, count = MAX_BYTES, 0
    try:
        with tarfile.open(file, mode="r:xz") as packed:
            for member in packed:
                left, count = left - member.size, count + 1
                if left < 0 or count > MAX_FILES:
                    raise NotTaken("the program is larger than a program can be")
                _unpack(packed, member, into)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise NotTaken(f"the program is no whole .tar.xz: {error}") from error


def _unpack(packed: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isreg() or member.isdir()):
        raise NotTaken(f"the program holds {member.name!r:.100}, expected files within its own folder")
    target = into / name
    if member.isdir():
        target.mkdir(mode=0o755, parents=True, exist_ok=True)
        return
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    content = packed.extractfile(member)
    assert content is not None  # a regular file has one
    mode = 0o755 if member.mode & 0o100 else 0o644
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as unpacked:
        shutil.copyfileobj(content, unpacked)
