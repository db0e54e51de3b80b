"""The axes of a chart: values and the room for them in; limits, ticks at 1-2-5 steps and their labels out. Pure."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.texts import Language

Measure = Callable[[str], float]  # how wide a label is, in mm

_NOTHING: Final = 1e-9  # of the largest value: what differs by less is drawn as equal
_SMALLEST: Final = 1e-290  # near the end of a float's range steps could no longer be told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """From `low` to `high`; `ticks` lie within, a label for each."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    def share(self, value: float) -> float:
        """Where a value is: 0 at the low end, 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


def across(values: Iterable[float], room_mm: float, language: Language, measure: Measure, *, margin_mm: float) -> Axis:
    """The horizontal axis: as many ticks as have room beside each other for their labels."""
    low, high = _ends(values, room_mm, margin_mm)
    for most in (8, 7, 6, 5, 4, 3):
        axis = _axis(low, high, most, language)
        widest = max(measure(label) for label in axis.labels)
        if widest + 3.0 <= _apart(axis, room_mm):
            break
    return axis


def upwards(values: Iterable[float], room_mm: float, language: Language, *, margin_mm: float) -> Axis:
    """The vertical axis. Zero is on it where it is not far away: how large an error is shows by its distance."""
    known = list(values)
    low, high = min(known, default=0.0), max(known, default=0.0)
    if min(abs(low), abs(high)) <= high - low:
        known.append(0.0)
    return _axis(*_ends(known, room_mm, margin_mm), max(3, int(room_mm / 8.0)), language)


def _ends(values: Iterable[float], room_mm: float, margin_mm: float) -> tuple[float, float]:
    """From the smallest to the largest value, with a margin; a single value is in the middle."""
    known = list(values) or [0.0]
    if not all(math.isfinite(value) for value in known):
        raise ValueError("a chart shows finite numbers only")
    low, high = min(known), max(known)
    size = max(abs(low), abs(high))
    if high - low <= max(_NOTHING * size, _SMALLEST):
        around = 0.1 * size if size > _SMALLEST else 1.0
        return low - around, high + around
    margin = (high - low) * margin_mm / (room_mm - 2 * margin_mm)
    return low - margin, high + margin


def _axis(low: float, high: float, most: int, language: Language) -> Axis:
    step = _step((high - low) / most)
    first, last = math.ceil(low / float(step)), math.floor(high / float(step))
    ticks = tuple(found for number in range(first, last + 1) if low <= (found := float(number * step)) <= high)
    return Axis(low=low, high=high, ticks=ticks, labels=tuple(numerals.column(ticks, language)))


def _step(least: float) -> Decimal:
    """1, 2 or 5 times a power of ten, the next that is not smaller."""
    exponent = math.floor(math.log10(least))
    steps = (Decimal(number).scaleb(exponent) for number in (1, 2, 5, 10, 20))
    return next(step for step in steps if float(step) >= least)


def _apart(axis: Axis, room_mm: float) -> float:
    """From one tick to the next, in mm."""
    if len(axis.ticks) < 2:
        return room_mm
    return (axis.share(axis.ticks[1]) - axis.share(axis.ticks[0])) * room_mm
