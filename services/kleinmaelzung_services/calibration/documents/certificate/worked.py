"""A worked reading for the correction function: what is read at a place that was not measured, and what it means. Pure.

U there is that of the function with what all points share (GUM H.3.4, H.3.6), with k for its degrees of freedom.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kleinmaelzung_services.calibration.calculation.results import Correction, MeasurandResult
from kleinmaelzung_services.calibration.engine import budget, coverage, prediction, rounding, student
from kleinmaelzung_services.calibration.templates.template import Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """At `x` the function is `y`. `u` is that of y; or that of x, where x follows from y (`is_inverse`)."""

    x: float
    y: float
    u: float
    k: float
    p: float
    is_inverse: bool

    @property
    def expanded(self) -> float:
        return self.k * self.u


def example(result: MeasurandResult, correction: Correction) -> Worked:
    """A signal that is a straight line over the reference is read backwards: from the signal to the value."""
    x = place(correction.xs)
    wanted = result.measurand.budget.coverage
    found = correction.at(x)
    is_signal = correction.x == "reference" and correction.y == "raw"
    if is_signal and correction.fit.order == 1 and prediction.slope(correction.fit, x):
        signal = _shortened(found.y)
        back = prediction.inverse(correction.fit, signal, u_y=correction.u_common)
        steep = abs(prediction.slope(correction.fit, back.x))
        k, p = factor(
            correction, prediction.predict(correction.fit, back.x).u / steep, correction.u_common / steep, wanted
        )
        return Worked(x=back.x, y=signal, u=back.u, k=k, p=p, is_inverse=True)
    own = prediction.predict(correction.fit, x).u
    k, p = factor(correction, own, correction.u_common, wanted)
    return Worked(x=x, y=found.y, u=found.u, k=k, p=p, is_inverse=False)


def place(xs: Sequence[float]) -> float:
    """About the middle of the gap between points that is nearest to the middle of the range."""
    known = sorted(set(xs))
    if len(known) == 1:
        return known[0]
    middle = (known[0] + known[-1]) / 2
    widest = max(after - before for before, after in itertools.pairwise(known))
    gaps = [(a, b) for a, b in itertools.pairwise(known) if b - a >= widest / 2]
    below, above = min(gaps, key=lambda gap: abs((gap[0] + gap[1]) / 2 - middle))
    return _between(below, above)


def _between(below: float, above: float) -> float:
    """The roundest number near the middle: 75 rather than 75.00024."""
    middle = (below + above) / 2
    for digits in range(1, 16):
        found = float(f"{middle:.{digits - 1}e}")
        if below < found < above and abs(found - middle) <= (above - below) / 8:
            return found
    return middle


def _shortened(value: float) -> float:
    """A signal as it is read: four digits."""
    return float(f"{value:.3e}")


def factor(correction: Correction, own: float, shared: float, wanted: Coverage) -> tuple[float, float]:
    """k for the u of the function alone and what all points share, and the probability that it is taken for."""
    if wanted.k is not None:
        return wanted.k, probability(wanted.k)
    fit = correction.fit
    dof = math.inf if fit.is_known or not fit.dof else float(fit.dof)
    nu = budget.effective_dof([own, shared], [dof, math.inf]) if own else math.inf
    return student.t_factor(wanted.p, coverage.truncated(nu)), wanted.p


def probability(k: float) -> float:
    """That a normal distribution has within +-k."""
    return student.normal_cdf(k) - student.normal_cdf(-k)


def factor_of(p: float) -> float:
    """k of a normal distribution for p."""
    return student.normal_factor(p)


def rounded(value: float, expanded: float) -> tuple[Decimal, Decimal]:
    found = rounding.uncertainty(expanded)
    return rounding.to_place_of(value, found), found
