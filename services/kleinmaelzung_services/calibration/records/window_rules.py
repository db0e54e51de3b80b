"""What each rule about a live window says of it: numbers in; a sentence out, empty where it holds. Pure.

record_windows.py asks them of a record, runs/judging.py of a stream before it captures: so nothing is captured that a
record may not have. Who captures gives less `slack`, for rounding must not turn a verdict afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.engine import window
from kleinmaelzung_services.calibration.templates.template import Display, Stability
from kleinmaelzung_services.calibration.units import Unit

# How much further than the rule is still taken for the rule.
OF_A_RECORD: Final = 1.0
OF_A_CAPTURE: Final = 0.5
_LOST: Final = 1e-12  # of a value: what a difference of two floats may be off by
_NEARLY: Final = 1e-6  # of a limit
_NEARLY_LONG: Final = 1e-3  # of a length: samples do not come exactly on time


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """How far a window spans, and how it moves per second."""

    spread: float
    slope: float


def length_s(times: Sequence[float]) -> float:
    """Each sample stands for its period: eight of them, half a second apart, are 4 s. There are two at least."""
    return (times[-1] - times[0]) * len(times) / (len(times) - 1)


def middle(times: Sequence[float]) -> float:
    return (times[0] + times[-1]) / 2


def motion(times: Sequence[float], values: Sequence[float], unit: Unit, into: Unit) -> Motion | None:
    """None where the one unit cannot be told in the other."""
    if not units.are_alike(unit, into):
        return None
    found = window.statistics(times, values)
    lost = _LOST * max(map(abs, values))
    return Motion(
        spread=units.convert_difference(max(0.0, found.range - lost), unit, into),
        slope=units.convert_difference(found.slope, unit, into),
    )


def backwards(times: Sequence[float]) -> int | None:
    """The place of the first sample that is not after the one before it."""
    return next((place for place, (before, time) in enumerate(pairwise(times), start=1) if time <= before), None)


def silent(times: Sequence[float], wanted: Stability, slack: float = OF_A_RECORD) -> str:
    silence, age = max(b - a for a, b in pairwise(times)), wanted.max_age_s
    if silence <= age * (1 + _NEARLY * slack):
        return ""
    return f"the stream was silent for {silence:.3g} s, a sample is stale after {age:g} s"


def few(times: Sequence[float], least: int) -> str:
    return "" if len(times) >= least else f"has {len(times)} samples, the template asks for {least}"


def is_long(length: float, needed_s: float, slack: float = OF_A_RECORD) -> bool:
    return length >= needed_s * (1 - _NEARLY_LONG * slack)


def short(times: Sequence[float], needed_s: float, slack: float = OF_A_RECORD) -> str:
    length = length_s(times)
    return "" if is_long(length, needed_s, slack) else f"is {length:.4g} s long, the template asks for {needed_s:g} s"


def wide(found: Motion, wanted: Stability, slack: float = OF_A_RECORD) -> str:
    if found.spread <= wanted.max_range * (1 + _NEARLY * slack):
        return ""
    symbol = wanted.unit.symbol
    return f"not stable: it spans {found.spread:.4g} {symbol}, the template permits {wanted.max_range:g}"


def moving(found: Motion, wanted: Stability, slack: float = OF_A_RECORD) -> str:
    permitted, slope = wanted.max_slope_per_s, abs(found.slope)
    if permitted is None or slope <= permitted * (1 + _NEARLY * slack):
        return ""
    return f"not stable: it moves by {slope:.3g} {wanted.unit.symbol}/s, the template permits {permitted:g}"


def apart(times: Sequence[float], others: Sequence[float], wanted: Stability, slack: float = OF_A_RECORD) -> str:
    """Instrument and reference are read at the same time: the middles of their windows are compared."""
    permitted, skew = wanted.pair_max_skew_s, abs(middle(times) - middle(others))
    if permitted is None or skew <= permitted * (1 + _NEARLY * slack):
        return ""
    return f"is {skew:.3g} s away from the instrument's window, the template permits {permitted:g} s"


def frozen(values: Sequence[float], before: Sequence[float], point: float) -> str:
    """Equal samples at one point are a steady display. The same ones at the next point, too, are a frozen stream.

    So are samples that come again one by one: no noise does, but a buffer that is sent twice.
    """
    is_still = len({*values, *before}) == 1
    if not is_still and tuple(values) != tuple(before):
        return ""
    what = "every sample is the same as" if is_still else "the same samples came"
    return f"frozen: {what} at the point {point:g}"


def impossible(value: float, display: Display, symbol: str) -> str:
    """How wrong an instrument is must be told; but far outside its scale it shows a code for a fault, and no value."""
    if display.low - display.span <= value <= display.high + display.span:
        return ""
    return f"that is no value of an instrument for {display.low:g} to {display.high:g} {symbol}"
