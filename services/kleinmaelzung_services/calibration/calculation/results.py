"""What a calibration found, not rounded: all numbers that its documents print. calculating.py makes it.

Values on the scale (nominal, reference, indication) are in the measurand's `unit`; errors, s, U, limits and what the
tests found are differences, in its `error_unit`. Fits are in `unit` throughout (or that of the raw signal).
"""

from dataclasses import dataclass
from typing import Literal

from kleinmaelzung_services.calibration.engine import fits, prediction
from kleinmaelzung_services.calibration.engine.conformity import Statement
from kleinmaelzung_services.calibration.engine.montecarlo import Propagated
from kleinmaelzung_services.calibration.engine.points import Largest, Linearity
from kleinmaelzung_services.calibration.engine.prediction import Prediction
from kleinmaelzung_services.calibration.records.record import Record
from kleinmaelzung_services.calibration.templates.template import Measurand, Template

Overall = Literal["pass", "conditional pass", "conditional fail", "fail", "no statement possible", "not stated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A component at a point: `u` in `unit`, times `sensitivity` is the contribution in error_unit.

    `estimate` is the half width or U that u was made of, in `unit`; None where it is u itself. `beta` is a
    trapezoid's, its top over its base.
    """

    name: str
    type: Literal["A", "B"]
    distribution: str
    estimate: float | None
    u: float
    unit: str
    dof: float
    sensitivity: float
    contribution: float
    share: float
    beta: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """`basis` is what k comes from: `t`, `rectangular`, `trapezoid`, `fixed` by the template, or `monte carlo`.

    `second_order` is what part of u squared the terms of second order have; None where the template gives every
    sensitivity, so that nothing is known of it. Above 5 % `drawn` is the Monte Carlo that u_c and k come from; the
    lines stay those of the first order.
    """

    lines: tuple[Line, ...]
    u_c: float
    nu_eff: float
    k: float
    p: float
    basis: Literal["t", "rectangular", "trapezoid", "fixed", "monte carlo"]
    second_order: float | None = None
    drawn: Propagated | None = None

    @property
    def expanded(self) -> float:
        return self.k * self.u_c


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`test_uncertainty_ratio` is half the tolerance over U; None with one limit only."""

    lower: float | None
    upper: float | None
    statement: Statement
    test_uncertainty_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointResult:
    """One row of the table of results. `error` is signed as the template's direction says: it may be a correction.

    `s` is that of the repeats, None where there is one; `decision` is None where the template states no limits.
    """

    test: int
    nominal: float
    direction: Literal["up", "down"]
    repeats: int
    reference: float
    indication: float
    error: float
    s: float | None
    uncertainty: Uncertainty
    decision: Decision | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of repeated readings at one load: each deviation, their standard deviation and its degrees of freedom."""

    test: int
    nominal: float
    indications: tuple[float, ...]
    s: float
    dof: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Differences from the first position; of an eccentricity or a uniformity test. `instability` of the latter."""

    test: int
    nominal: float
    positions: tuple[str, ...]
    differences: tuple[float, ...]
    largest: float
    instability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far the check point has moved, and whether it may."""

    test: int
    nominal: float
    value: float
    permitted: float

    @property
    def is_permitted(self) -> bool:
        return abs(self.value) <= self.permitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The fitted curve, and the readings it goes through, in the order of its residuals.

    `u_common` is what all points share: it does not average out (GUM H.3.6). `weighted_by` are the u of y that gave the
    weights, empty without.
    """

    fit: fits.Fit
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    x: Literal["reference", "indication"]
    y: Literal["error", "correction", "raw"]
    y_unit: str
    u_common: float
    weighted_by: tuple[float, ...] = ()

    def at(self, x: float) -> Prediction:
        """Return value and u of the curve. Raises CalibrationError outside the calibrated range."""
        return prediction.predict_inside(self.fit, x, u_common=self.u_common)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedUncertainty:
    """In the unit of the result: `u_fit` by the scatter about the curve, `u_common` by what all points share."""

    u_fit: float
    u_common: float
    u_c: float
    nu_eff: float
    k: float
    p: float

    @property
    def expanded(self) -> float:
        return self.k * self.u_c


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A [[result]] of the template. `uncertainty` is that of the fit it is computed from, with what all points share.

    Where it has none, `why_not` says why, as a certificate prints it: `of tests` (what a test found is itself a measure
    of scatter or of a difference), or `of the residuals`. `exact` are other names in its formula, taken as they are.
    """

    name: str
    unit: str
    value: float
    lower: float | None
    upper: float | None
    uncertainty: ComputedUncertainty | None = None
    why_not: Literal["", "of tests", "of the residuals", "without a fit"] = ""
    exact: tuple[str, ...] = ()

    @property
    def is_permitted(self) -> bool:
        return (self.lower is None or self.value >= self.lower) and (self.upper is None or self.value <= self.upper)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurandResult:
    """What was found of one measurand; None or empty where the template has no such test."""

    measurand: Measurand
    points: tuple[PointResult, ...]
    spread: Spread | None
    repeats: tuple[float, float] | None
    places: tuple[Places, ...]
    hysteresis: Largest | None
    linearity: Linearity | None
    shifts: tuple[Shift, ...]
    correction: Correction | None
    computed: tuple[Computed, ...]
    notes: tuple[str, ...]
    verdict: Overall

    @property
    def worst(self) -> PointResult:
        """The point whose budget a certificate prints in full: the largest U for its limit, or the largest U."""
        return max(self.points, key=_weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesResult:
    """As found, or as left."""

    measurands: tuple[MeasurandResult, ...]
    verdict: Overall


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`as_left` is None where nothing was adjusted; then `verdict` is that of as_found."""

    record: Record
    template: Template
    as_found: SeriesResult
    as_left: SeriesResult | None

    @property
    def verdict(self) -> Overall:
        return (self.as_left or self.as_found).verdict


def _weight(point: PointResult) -> tuple[float, float]:
    ratio = point.decision.test_uncertainty_ratio if point.decision else None
    return 1 / ratio if ratio else 0.0, point.uncertainty.expanded
