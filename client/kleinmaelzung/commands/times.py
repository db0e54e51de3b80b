"""Times as people type them, for --from and --to: into µs since 1970."""

from argparse import ArgumentTypeError
from datetime import datetime
from typing import Final

from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US

EXAMPLES: Final = "2026-11-20, '2026-11-20 08:00', 2026-11-20T08:00:00+01:00"


def moment(text: str) -> int:
    """`2026-11-20 08:00` in the local time zone unless it names one; a date alone is its first moment."""
    try:
        time_us = int(datetime.fromisoformat(text).astimezone().timestamp() * 1_000_000)
    except (ValueError, OverflowError, OSError):
        raise ArgumentTypeError(f"{text!r:.40} is no time, expected one like {EXAMPLES}") from None
    if not MIN_TIME_US <= time_us <= MAX_TIME_US:
        raise ArgumentTypeError(f"{text!r:.40} is too far away")
    return time_us
