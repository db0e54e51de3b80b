"""The time, marked on the disk about once a minute, so that it never runs backwards over a restart. Blocking.

A file of its own, written in place, one block each time. In the spool's file it would cost seven, with log and index.
"""

import os
import struct
import zlib
from pathlib import Path
from typing import Final

FILE_NAME: Final = "time"
_FORMAT = struct.Struct(">QI")  # µs since 1970, and a checksum: a torn or damaged mark is none


def write(path: Path, time_us: int) -> None:
    """Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(handle, _FORMAT.pack(time_us, _checksum(time_us)), 0)
        os.fdatasync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> int:
    """The time that was marked last; 0 where there is none that can be relied on."""
    try:
        time_us, checksum = _FORMAT.unpack(path.read_bytes())
    except (OSError, struct.error):
        return 0
    return int(time_us) if checksum == _checksum(time_us) else 0


def _checksum(time_us: int) -> int:
    return zlib.crc32(time_us.to_bytes(8, "big"))
