"""Times as people type them, for --from and --to, into µs since 1970; and durations, into seconds."""

import re
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Final

from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US

EXAMPLES: Final = "2026-11-20, '2026-11-20 08:00', 2026-11-20T08:00:00+01:00"


_UNITS_S: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(s|min|h)", re.ASCII)


def duration(text: str, shortest_s: float, longest_s: float) -> float:
    """`5min` -> 300.0"""
    found = _DURATION.fullmatch(text)
    seconds = float(found[1]) * _UNITS_S[found[2]] if found else 0.0
    if not shortest_s <= seconds <= longest_s:
        raise ArgumentTypeError(f"{text!r:.40} is no duration from {shortest_s:g} s to {longest_s:g} s such as 5min")
    return seconds


def moment(text: str) -> int:
    """`2026-11-20 08:00` in the local time zone unless it names one; a date alone is its first moment."""
    try:
        time_us = int(datetime.fromisoformat(text).astimezone().timestamp() * 1_000_000)
    except (ValueError, OverflowError, OSError):
        raise ArgumentTypeError(f"{text!r:.40} is no time, expected one like {EXAMPLES}") from None
    if not MIN_TIME_US <= time_us <= MAX_TIME_US:
        raise ArgumentTypeError(f"{text!r:.40} is too far away")
    return time_us
