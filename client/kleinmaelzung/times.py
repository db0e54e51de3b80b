"""Times as people type them into µs since 1970 UTC. Pure: what the time is now comes in as an argument.

2026-11-22T08:00:00+01:00, 2026-11-22T07:00:00Z     a time with its offset from UTC
2026-11-22                                          the first moment of that day, where it is typed
30s, 15min, 1h, 7d, 2w                              so long before now
now
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US

EXAMPLES: Final = "2026-11-22T08:00:00+01:00, 2026-11-22 or 7d (before now)"

_SPAN: Final = re.compile(r"([0-9]{1,9}) ?(s|min|h|d|w)", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_UNITS_US: Final = {"s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86_400 * 10**6, "w": 7 * 86_400 * 10**6}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str, now_us: int, zone: tzinfo | None = None) -> int:
    """The time that was typed. `zone` is that of this machine unless told. Raises ValueError with a sentence."""
    time_us = _before_now(text, now_us)
    if time_us is None:
        time_us = _of_a_calendar(text, zone)
    if not MIN_TIME_US <= time_us <= MAX_TIME_US:
        raise ValueError(f"{text!r:.40} is no time of a measurement: expected one from 2001 to 2286")
    return time_us


def check_order(since: int | None, until: int | None) -> None:
    """Raise ValueError where the end lies before the beginning, or at it."""
    if since is not None and until is not None and since >= until:
        raise ValueError("--from is not earlier than --to: there is no time between them")


def _before_now(text: str, now_us: int) -> int | None:
    if text == "now":
        return now_us
    span = _SPAN.fullmatch(text)
    return now_us - int(span[1]) * _UNITS_US[span[2]] if span else None


def _of_a_calendar(text: str, zone: tzinfo | None) -> int:
    try:
        if _DAY.fullmatch(text):
            return _since_1970(_placed(datetime.combine(date.fromisoformat(text), datetime.min.time()), zone))
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError(_which_offset(text, found, zone))
        return _since_1970(found)
    except OverflowError:
        raise ValueError(f"{text!r:.40} is no time of a measurement: expected one from 2001 to 2286") from None
    except ValueError as error:
        if "has no offset" in str(error):
            raise
        raise ValueError(f"{text!r:.40} is no time, expected one like {EXAMPLES}") from None


def _since_1970(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _placed(naive: datetime, zone: tzinfo | None) -> datetime:
    return naive.replace(tzinfo=zone) if zone else naive.astimezone()


def _which_offset(text: str, naive: datetime, zone: tzinfo | None) -> str:
    here = _placed(naive, zone).isoformat()
    return f"{text!r:.40} has no offset from UTC: write {here} for the time here, or {naive.isoformat()}Z for UTC"
