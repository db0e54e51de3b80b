"""Times of measurement: the monotonic clock's ns in, µs since 1970 UTC out, never backwards.

    wall clock, monotonic clock, kernel's word on both --observe()--> Timeline --at(monotonic ns)--> µs
    clock that began at the machine's boot -------------^                 +--since_boot_us(monotonic ns)--> µs

While the kernel says that the clock is not synchronised, time is the last known one plus what the monotonic clock
counted, or the wall clock where that is later: a Pi without a battery boots in the past. When the wall clock
turns out to be behind what was already handed out, time runs at half speed, marked, until both meet.

Nobody sets the clock since boot, so with it times can be corrected afterwards. It counts on while the machine is
suspended, which the monotonic clock does not.
"""

import ctypes
import functools
import hashlib
import secrets
import time
from pathlib import Path
from typing import Final

from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Clock

# Before 2026-01-01 this program did not exist: what a new Pi says on its first start may be 1970.
EARLIEST_US: Final = 1_767_225_600_000_000
DAY_US: Final = 86_400_000_000
# Off by more than this, a time is not called synchronised whatever the kernel says.
TOLERATED_US: Final = 1_000_000
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

_TIME_ERROR = 5  # <sys/timex.h>: the return value for "not synchronised"
_STA_UNSYNC = 0x40


class Timeline:
    """Gives every monotonic ns its time. One per agent; `observe` it about once a second."""

    def __init__(self, last_known_us: int = 0) -> None:
        self.clock = Clock(synchronised=False)
        self._reached_us = max(last_known_us, EARLIEST_US)
        self._anchor_ns: int | None = None
        self._wall_offset_us = 0
        self._boot_offset_ns = 0
        self._is_waiting = False

    def observe(self, *, wall_us: int, monotonic_ns: int, boottime_ns: int, kernel: Clock) -> bool:
        """Take in what the clocks say now. Returns whether time had to be set back, which needs a line in the log."""
        reached_us = self._reached_us if self._anchor_ns is None else self.at(monotonic_ns)
        ahead_us = max(0, reached_us - wall_us)
        # The one exception to "never backwards": a clock once set to a wrong year must not be kept for years.
        is_set_back = kernel.synchronised and ahead_us > DAY_US
        if is_set_back:
            ahead_us = 0
        self._anchor_ns, self._reached_us = monotonic_ns, wall_us + ahead_us
        self._wall_offset_us = wall_us - monotonic_ns // 1000
        self._boot_offset_ns = boottime_ns - monotonic_ns
        self._is_waiting = kernel.synchronised and ahead_us > 0
        self.clock = _judged(kernel, ahead_us)
        return is_set_back

    def at(self, monotonic_ns: int) -> int:
        """The time of a moment of the monotonic clock."""
        assert self._anchor_ns is not None, "observe() comes first"
        elapsed_us = (monotonic_ns - self._anchor_ns) // 1000
        if self._is_waiting and elapsed_us > 0:
            return max(self._reached_us + elapsed_us // 2, self._wall_offset_us + monotonic_ns // 1000)
        return self._reached_us + elapsed_us

    def since_boot_us(self, monotonic_ns: int) -> int:
        """The same moment as µs since the machine's boot."""
        return max(0, monotonic_ns + self._boot_offset_ns) // 1000


def _judged(kernel: Clock, ahead_us: int) -> Clock:
    error_us = None if kernel.error_us is None else kernel.error_us + ahead_us
    return Clock(synchronised=kernel.synchronised and ahead_us <= TOLERATED_US, error_us=error_us)


@functools.cache
def boot_id(file: Path = BOOT_ID) -> int:
    """Which boot of the machine this is: 1 to 2^53-1, as a frame holds it."""
    try:
        digest = hashlib.sha256(file.read_bytes().strip()).digest()
    except OSError:  # no Linux: then a start of this process counts as one
        digest = secrets.token_bytes(8)
    return int.from_bytes(digest[:8]) % frames.MAX_EPOCH + 1


def boottime_ns() -> int:
    """Time since the machine's boot; where the system has no such clock, since what its monotonic clock calls zero."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class _Timex(ctypes.Structure):
    # struct timex of adjtimex(2), as far as it is read; the rest is room for the kernel to write.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def kernel_clock() -> Clock:
    """Whether the kernel holds the wall clock for synchronised, and how far it may be off. Needs no rights."""
    timex = _Timex()  # modes = 0: read only
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError):  # no Linux
        return Clock(synchronised=False)
    return read_timex(answer, timex.status, timex.esterror, timex.maxerror)


def read_timex(answer: int, status: int, esterror_us: int, maxerror_us: int) -> Clock:
    """What adjtimex(2) answered, as clock quality."""
    if answer < 0 or answer == _TIME_ERROR or status & _STA_UNSYNC:
        return Clock(synchronised=False)
    # systemd-timesyncd leaves the estimate at 0 and only lets the kernel grow the maximum.
    return Clock(synchronised=True, error_us=esterror_us or maxerror_us)
