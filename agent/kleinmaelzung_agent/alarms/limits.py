"""Limits as the configuration writes them: a channel's table `alarm` and an instrument's in, frozen dataclasses out.

Mistakes are collected by the tables.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.alarms import Level

LONGEST_S: Final = 30 * 86400.0
LONGEST_SPAN_S: Final = 86400.0
SHORTEST_SPAN_S: Final = 0.1
LEVELS: Final[tuple[Level, ...]] = ("alarm", "warning")
ORDER: Final = ("low_alarm", "low_warning", "high_warning", "high_alarm")  # each larger than the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So much is too much within any `span_s`."""

    limit: float
    span_s: float
    level: Level = "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one channel, in `unit`. What is None is not watched."""

    high_alarm: float | None = None
    high_warning: float | None = None
    low_warning: float | None = None
    low_alarm: float | None = None
    rise: Rate | None = None
    fall: Rate | None = None
    silence_s: float | None = None
    hysteresis: float = 0.0
    delay_s: float = 0.0
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarming:
    """What is watched of one instrument. `place` is the port it is lost with; others may have it too.

    `bus` is what it is lost with where the state's sentence begins with that.
    """

    channels: Mapping[str, Limits] = field(default_factory=dict)
    silence_s: float | None = None
    place: str = ""
    bus: str = ""


UNWATCHED: Final = Alarming()


def read_limits(table: Table, unit: str, *, is_number: bool) -> Limits | None:
    """A channel's table `alarm`; None where there is none."""
    if "alarm" not in table:
        return None
    below = table.table("alarm")
    limits = Limits(
        **{name: below.number(name) for name in ORDER if below.anything(name) is not None},
        rise=_rate(below, "rise"),
        fall=_rate(below, "fall"),
        silence_s=_silence(below),
        hysteresis=below.number("hysteresis", 0.0),
        delay_s=below.duration("delay", 0.0, maximum=LONGEST_S),
        unit=below.text("unit", unit, longest=frames.MAX_UNIT),
    )
    below.finish()
    _check(below, limits, is_number=is_number)
    return limits


def read_silence(table: Table) -> float | None:
    """An instrument's table `alarm`."""
    below = table.table("alarm")
    silence_s = _silence(below)
    below.finish()
    return silence_s


def _silence(table: Table) -> float | None:
    return table.duration("silence", minimum=0.1, maximum=LONGEST_S) if table.anything("silence") is not None else None


def _rate(table: Table, key: str) -> Rate | None:
    if table.anything(key) is None:
        return None
    below = table.table(key)
    rate = Rate(
        limit=below.number("limit"),
        span_s=below.duration("span", minimum=SHORTEST_SPAN_S, maximum=LONGEST_SPAN_S),
        level=below.choice("level", LEVELS, "alarm"),
    )
    below.finish()
    if "limit" in below and rate.limit <= 0:
        below.mistake("limit", f"expected more than 0, found {rate.limit:g}: {key} is counted in its own direction")
    return rate


def _check(table: Table, limits: Limits, *, is_number: bool) -> None:
    given = [(name, value) for name in ORDER if (value := getattr(limits, name)) is not None]
    if not is_number and (given or limits.rise or limits.fall):
        table.mistakes.append(f"{table.place}: only a number has limits; of other channels silence can be watched")
        return
    if not given and not limits.rise and not limits.fall and limits.silence_s is None:
        table.mistakes.append(f"{table.place}: expected a limit, such as high_alarm = 80, or silence")
    for (lower, least), (upper, most) in itertools.pairwise(given):
        if not least < most:
            table.mistake(upper, f"expected more than {lower}, {least:g}, found {most:g}")
    _check_hysteresis(table, limits)


def _check_hysteresis(table: Table, limits: Limits) -> None:
    if limits.hysteresis < 0:
        table.mistake("hysteresis", f"expected 0 or more, found {limits.hysteresis:g}")
    for rate, key in ((limits.rise, "rise"), (limits.fall, "fall")):
        if rate and 0 < rate.limit <= limits.hysteresis:
            sentence = f"expected less than {key}.limit, {rate.limit:g}, or it would never end"
            table.mistake("hysteresis", f"{sentence}, found {limits.hysteresis:g}")
    lows = [value for value in (limits.low_warning, limits.low_alarm) if value is not None]
    highs = [value for value in (limits.high_warning, limits.high_alarm) if value is not None]
    # What is normal must be left of the band between them, or a value in it could be both at once.
    if lows and highs and 0 < min(highs) - max(lows) <= limits.hysteresis:
        band = f"the band between {max(lows):g} and {min(highs):g}"
        table.mistake("hysteresis", f"expected less than {band}, found {limits.hysteresis:g}")
