"""The room over a run: what a sensor showed in; AmbientRange of the record, or why there is none, out. Pure.

    logged samples --shown()--> Shown --room()--> AmbientRange

shown() is for whoever has the samples; a database may as well say these few numbers itself.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records import record_check
from kleinmaelzung_services.calibration.records.record import AmbientRange, UnitText
from kleinmaelzung_services.calibration.runs.events import RoomSensor
from kleinmaelzung_services.calibration.runs.samples import GOOD
from kleinmaelzung_services.calibration.templates.template import Ambient
from kleinmaelzung_services.calibration.units import Unit, UnitError

# A sensor is lost when it is silent for longer than this and than three of its own periods, and in any case after ...
LOST_S = 10.0
_PERIODS = 3
LOST_AT_MOST_S = 600.0
_HOUR_US = 3_600_000_000
_NEARLY = 1e-9  # of a limit, as record_check.py has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A sample as it stands in the log; `value` is None where it was no number."""

    time_us: int
    value: float | None
    unit: str
    quality: str = GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a sensor showed from `since_us` to `until_us`, by its good samples; `mean` is weighted with their time.

    `silence` is the longest time without one, from and until; `period_s` how far they are apart usually. `hourly` is
    the largest change within an hour; None where nobody looked.
    """

    since_us: int
    until_us: int
    count: int
    units: tuple[str, ...]
    silence: tuple[int, int]
    period_s: float
    first: float
    last: float
    low: float
    high: float
    mean: float
    hourly: float | None = None


def shown(samples: Iterable[Logged], since_us: int, until_us: int) -> Shown | None:
    """None where there is no good sample in this time."""
    found = sorted(
        ((one.time_us, one.value, one.unit) for one in samples
         if one.value is not None and one.quality == GOOD and since_us <= one.time_us <= until_us),
        key=lambda each: each[0],
    )  # fmt: skip
    if not found:
        return None
    times, values = [time for time, _, _ in found], [value for _, value, _ in found]
    return Shown(
        since_us=since_us,
        until_us=until_us,
        count=len(found),
        units=tuple(dict.fromkeys(unit for _, _, unit in found)),
        silence=max(pairwise([since_us, *times, until_us]), key=lambda each: each[1] - each[0]),
        period_s=(times[-1] - times[0]) / 1e6 / max(1, len(times) - 1),
        first=values[0],
        last=values[-1],
        low=min(values),
        high=max(values),
        mean=_mean(times, values),
        hourly=_hourly(times, values),
    )


def room(ambient: Ambient, sensor: RoomSensor, found: Shown | None) -> AmbientRange | str:
    """What the record has of a condition, in the template's unit; or why it has nothing, and what to do."""
    name = f"the {ambient.name} of the room ({sensor.instrument}/{sensor.channel})"
    if found is None:
        return f"{name}: nothing is in the log of the whole run: check the sensor and the logger, and measure again"
    if why := _lost(found):
        return f"{name}: {why}"
    unit = _unit(ambient, sensor, found)
    if isinstance(unit, str):
        return f"{name}: {unit}"
    made = _range(ambient, sensor, found, unit)
    if why := _outside(ambient, made) or _too_fast(ambient, found, made, unit):
        return f"{name}: {why}"
    return made


def _lost(found: Shown) -> str:
    since_us, until_us = found.silence
    longest = min(LOST_AT_MOST_S, max(LOST_S, _PERIODS * found.period_s))
    if (silence := (until_us - since_us) / 1e6) <= longest:
        return ""
    rule = f"its sensor was lost from {_clock(since_us)} to {_clock(until_us)} UTC, for {silence:.0f} s"
    return f"{rule}, and {longest:.0f} s are permitted: check the sensor and its agent, and measure again"


def _unit(ambient: Ambient, sensor: RoomSensor, found: Shown) -> Unit | str:
    """The unit of the samples; the one that the run was created with where the stream names none."""
    named = [one or sensor.unit for one in found.units]
    if len(set(named)) > 1:
        return f"its unit changed in the run, {' and '.join(named)}: measure again with one unit throughout"
    try:
        unit = units.find(named[0])
    except UnitError as error:
        return f"{error}: set the sensor to {ambient.unit.symbol}"
    if not units.are_alike(unit, ambient.unit):
        return f'its unit "{named[0]}" cannot be converted to "{ambient.unit.symbol}": choose another sensor'
    return unit


def _range(ambient: Ambient, sensor: RoomSensor, found: Shown, unit: Unit) -> AmbientRange:
    first, last, low, high, mean = (
        units.convert(each, unit, ambient.unit) for each in (found.first, found.last, found.low, found.high, found.mean)
    )
    return AmbientRange(
        name=sensor.name,
        unit=UnitText(ambient.unit.symbol),
        start=first,
        end=last,
        low=low,
        high=high,
        mean=min(high, max(low, mean)),  # rounding put it beside what is constant
        sensor=f"{sensor.instrument}/{sensor.channel}",
    )


def _outside(ambient: Ambient, made: AmbientRange) -> str:
    symbol = ambient.unit.symbol
    if ambient.low is not None and made.low < ambient.low:
        return f"it fell to {made.low:g} {symbol}, the template permits {ambient.low:g}: measure again in a better room"
    if ambient.high is not None and made.high > ambient.high:
        return (
            f"it rose to {made.high:g} {symbol}, the template permits {ambient.high:g}: measure again in a better room"
        )
    return ""


def _too_fast(ambient: Ambient, found: Shown, made: AmbientRange, unit: Unit) -> str:
    """In some hour of it, and by record_check's rule on the whole: neither may be broken afterwards."""
    permitted = ambient.max_change_per_h
    if permitted is None:
        return ""
    run = timedelta(microseconds=found.until_us - found.since_us)
    change = record_check.hourly_change(made.low, made.high, run)
    if found.hourly is not None:
        change = max(change, units.convert_difference(found.hourly, unit, ambient.unit))
    if change <= permitted * (1 + _NEARLY / 2):
        return ""
    rule = f"it changed by {change:.3g} {ambient.unit.symbol} in an hour, the template permits {permitted:g}"
    return f"{rule}: measure again in a steadier room"


def _mean(times: Sequence[int], values: Sequence[float]) -> float:
    """Straight between neighbours."""
    length = times[-1] - times[0]
    if length == 0:
        return sum(values) / len(values)
    area = sum((b - a) * (x + y) / 2 for (a, b), (x, y) in zip(pairwise(times), pairwise(values), strict=True))
    return area / length


def _hourly(times: Sequence[int], values: Sequence[float]) -> float:
    """The largest difference of two samples that are no more than an hour apart."""
    found, lows, highs = 0.0, deque[tuple[int, float]](), deque[tuple[int, float]]()
    for time, value in zip(times, values, strict=True):
        for queue, sign in ((lows, 1), (highs, -1)):  # each from its extreme to the newest
            while queue and sign * queue[-1][1] >= sign * value:
                queue.pop()
            queue.append((time, value))
            while queue[0][0] < time - _HOUR_US:
                queue.popleft()
        found = max(found, highs[0][1] - lows[0][1])
    return found


def _clock(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d %H:%M:%S}"
