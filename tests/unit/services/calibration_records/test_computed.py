"""The uncertainty of computed results, and why some have none (ISO/IEC 17025:2017, 7.8.4.1 a)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import Computed, MeasurandResult
from kleinmaelzung_services.calibration.engine import fits
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.templates import expressions
from kleinmaelzung_services.calibration.templates.template import Result, Template
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import TEMPLATES


def found(whole: Template) -> MeasurandResult:
    return calculating.calculate(whole, simulated.record(whole)).as_found.measurands[0]


def computed(formula: str, **fit: Any) -> tuple[Computed, MeasurandResult]:
    """A result of the pH meter by another formula."""
    whole = TEMPLATES["ph-meter"]
    (one,) = whole.measurands
    assert one.fit is not None
    first: Result = replace(whole.results[0], value=expressions.parse(formula))
    whole = replace(whole, results=(first,), measurands=(replace(one, fit=replace(one.fit, **fit)),))
    result = found(whole)
    return result.computed[0], result


@pytest.mark.parametrize("weights", ["none", "uncertainty"])
@pytest.mark.parametrize(("formula", "row"), [("fit.offset", 0), ("fit.slope", 1)])
def test_u_of_a_coefficient_is_that_of_the_fit_and_of_what_its_points_share(
    formula: str, row: int, weights: str
) -> None:
    """(XᵀWX)⁻¹XᵀW answers to y; what is shared counts with the sum of its sizes."""
    one, whole = computed(formula, weights=weights)
    correction = whole.correction
    assert correction is not None
    assert bool(correction.weighted_by) == (weights == "uncertainty")
    assert one.uncertainty is not None
    x = np.array(correction.xs) - 7
    design = np.stack([np.ones_like(x), x], axis=1)
    weight = np.diag(1 / np.square(correction.weighted_by or np.ones(len(x))))
    inverse = np.linalg.inv(design.T @ weight @ design)
    answer = inverse @ design.T @ weight
    scatter = 1.0 if correction.weighted_by else correction.fit.residual_s
    assert one.value == pytest.approx(float((answer @ correction.ys)[row]), rel=1e-9)
    assert one.uncertainty.u_fit == pytest.approx(scatter * inverse[row, row] ** 0.5, rel=1e-6)
    assert one.uncertainty.u_common == pytest.approx(correction.u_common * np.abs(answer[row]).sum(), rel=1e-6)
    assert one.uncertainty.u_c == pytest.approx(np.hypot(one.uncertainty.u_fit, one.uncertainty.u_common))
    assert one.uncertainty.expanded == pytest.approx(one.uncertainty.k * one.uncertainty.u_c)
    assert one.why_not == ""
    assert one.exact == ()


def test_a_formula_of_both_coefficients_heeds_their_correlation() -> None:
    """The fitted voltage at pH 8 in two ways: its u is that of the curve there."""
    one, whole = computed("fit.offset + fit.slope*1")
    assert whole.correction is not None
    assert one.uncertainty is not None
    assert one.uncertainty.u_fit == pytest.approx(replace(whole.correction, u_common=0.0).at(8).u, rel=1e-6)


def test_other_names_are_taken_as_exact_and_named() -> None:
    one, _ = computed("-100*fit.slope/nernst")
    assert one.exact == ("nernst",)
    slope, _ = computed("fit.slope")
    assert one.uncertainty is not None
    assert slope.uncertainty is not None
    assert one.uncertainty.u_c / one.value == pytest.approx(-slope.uncertainty.u_c / slope.value, rel=1e-6)


@pytest.mark.parametrize(
    ("formula", "why"),
    [("s_points_max", "of tests"), ("fit.residual_max", "of the residuals"), ("2*nernst", "without a fit")],
)
def test_where_a_result_has_no_uncertainty_it_is_said_why(formula: str, why: str) -> None:
    one, _ = computed(formula)
    assert (one.uncertainty, one.why_not, one.exact) == (None, why, ())


def test_every_computed_result_of_a_shipped_template_has_an_uncertainty_or_a_reason() -> None:
    for whole in TEMPLATES.values():
        for one in found(whole).computed:
            assert (one.uncertainty is None) == bool(one.why_not)


def test_the_answers_of_a_fit_are_its_derivatives() -> None:
    x, y = [1.0, 2, 4, 5, 9], [1.0, 3, 2, 7, 6]
    u = [0.1, 0.2, 0.1, 0.3, 0.2]
    for order, through_origin in ((0, False), (1, False), (1, True), (2, False), (2, True)):
        kept = {"order": order, "through_origin": through_origin, "origin": 0.5, "uncertainties": u}
        first = fits.fit(x, y, **kept)  # type: ignore[arg-type]  # of several kinds
        answers = fits.responses(first, x, u)
        for place in range(len(y)):
            moved = [value + (1 if at == place else 0) for at, value in enumerate(y)]
            other = fits.fit(x, moved, **kept)  # type: ignore[arg-type]  # of several kinds
            changes = np.array(other.coefficients) - np.array(first.coefficients)
            assert answers[:, place] == pytest.approx(changes, rel=1e-9, abs=1e-12)


def test_weights_leave_out_what_all_points_share() -> None:
    """It is added after the fit: in the weights it would count twice. The pH meter is fitted in mV over pH."""
    _, whole = computed("fit.slope", weights="uncertainty")
    assert whole.correction is not None
    slope = abs(float(np.polyfit(whole.correction.xs, whole.correction.ys, 1)[0]))
    scattering = [
        np.hypot.reduce([line.contribution for line in point.uncertainty.lines if line.type == "A"])
        for point in whole.points
        for _ in range(point.repeats)
    ]
    assert whole.correction.weighted_by == pytest.approx([slope * u for u in scattering], rel=1e-9)
    assert max(scattering) < min(point.uncertainty.u_c for point in whole.points)


def test_weights_of_a_budget_without_type_a_are_refused() -> None:
    whole = TEMPLATES["ph-meter"]
    (one,) = whole.measurands
    assert one.fit is not None
    kept = tuple(component for component in one.budget.components if component.type == "B")
    budget = replace(one.budget, components=kept)
    whole = replace(whole, measurands=(replace(one, budget=budget, fit=replace(one.fit, weights="uncertainty")),))
    with pytest.raises(CalibrationError, match=r'are those of type A, and here is none: write weights = "none"'):
        found(whole)
