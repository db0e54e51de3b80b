"""What the points of a calibration say together: hysteresis, linearity, repeatability, eccentricity, drift. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kleinmaelzung_services.calibration.engine import checks, fits, window
from kleinmaelzung_services.calibration.errors import CalibrationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """The largest of several deviations, with its sign, and where it is."""

    value: float
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Linearity:
    """Largest residual from the least-squares line, and from the line through the first and the last point."""

    independent: Largest
    terminal: Largest


def hysteresis(up: Mapping[float, float], down: Mapping[float, float]) -> Largest:
    """Largest difference of the way down from the way up at the same point (as in DKD-R 6-1)."""
    if not up or up.keys() != down.keys():
        missing = sorted(up.keys() ^ down.keys())
        raise CalibrationError(
            "the points", missing, "each is measured upwards and downwards", "measure what is missing"
        )
    places = [checks.finite("a point", place) for place in up]
    differences = [checks.finite("a reading", down[place]) - checks.finite("a reading", up[place]) for place in places]
    return _largest(places, differences)


def linearity(x: Sequence[float], y: Sequence[float]) -> Linearity:
    """Independent linearity, from the fitted line, and terminal-based (as in IEC 61298-2)."""
    fitted = fits.fit(x, y, order=1)
    first, last = min(range(len(x)), key=lambda i: x[i]), max(range(len(x)), key=lambda i: x[i])
    steep = (y[last] - y[first]) / (x[last] - x[first])
    terminal = [
        checks.result("a deviation", each - (y[first] + steep * (place - x[first])))
        for place, each in zip(x, y, strict=True)
    ]
    return Linearity(
        independent=_largest(x, [float(each) for each in fitted.residuals]), terminal=_largest(x, terminal)
    )


def repeatability(groups: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Pooled standard deviation of repeated placements, with its degrees of freedom (GUM 4.2.4; EURAMET cg-18, 6.1)."""
    return window.pooled(groups)


def eccentricity(centre: float, others: Sequence[float]) -> float:
    """Largest difference of a position from the centre, without sign (EURAMET cg-18, 6.3)."""
    middle = checks.finite("the centre's indication", centre)
    found = checks.column("the other positions' indications", others)
    return checks.result("the eccentricity", float(np.abs(found - middle).max()))


def zero_return(before: float, after: float) -> float:
    """How far zero has moved while the points were measured (as in DKD-R 6-1)."""
    return checks.result("the zero's change", checks.finite("after", after) - checks.finite("before", before))


def normalized_error(first: float, expanded1: float, second: float, expanded2: float) -> float:
    """E_n = |x1 - x2|/sqrt(U1^2 + U2^2): two results with their U agree up to 1 (ISO/IEC 17043:2010, B.3.1.3)."""
    one, other = checks.finite("the first result", first), checks.finite("the second result", second)
    size = math.hypot(checks.not_negative("the first U", expanded1), checks.not_negative("the second U", expanded2))
    if size == 0:
        raise CalibrationError("U", 0.0, "at least one of the two must be above zero", "enter both uncertainties")
    return checks.result("E_n", abs(one - other) / size)


def _largest(places: Sequence[float], deviations: Sequence[float]) -> Largest:
    place = max(range(len(deviations)), key=lambda i: abs(deviations[i]))
    return Largest(value=checks.result("the largest deviation", deviations[place]), at=float(places[place]))
