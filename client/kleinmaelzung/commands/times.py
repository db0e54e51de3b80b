"""Times and durations as options of a command: times for --from and --to into µs since 1970, durations into seconds."""

import re
import time
from argparse import ArgumentTypeError, Namespace
from typing import Final

from kleinmaelzung import times
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung.times import EXAMPLES as EXAMPLES

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
    """A time as kleinmaelzung.times reads it, now being now; an option's type."""
    try:
        return times.moment(text, time.time_ns() // 1000)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def check_span(arguments: Namespace) -> None:
    """Raise WrongUsage where --from (`since`) is later than --to (`until`)."""
    if None not in (arguments.since, arguments.until) and arguments.since > arguments.until:
        raise WrongUsage("--from is later than --to")
