"""The [[result]]s of a template: fit and findings in; numbers with their uncertainty, or why there is none, out."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np

from kleinmaelzung_services.calibration.calculation import numbers as numbers_of
from kleinmaelzung_services.calibration.calculation.findings import Found
from kleinmaelzung_services.calibration.calculation.numbers import Setting
from kleinmaelzung_services.calibration.calculation.readings import Taken
from kleinmaelzung_services.calibration.calculation.results import Computed, ComputedUncertainty, Correction
from kleinmaelzung_services.calibration.engine import budget, fits, sensitivity
from kleinmaelzung_services.calibration.templates import names
from kleinmaelzung_services.calibration.templates.template import Coverage, Result

_COEFFICIENTS: Final = {0: "fit.offset", 1: "fit.slope", 2: "fit.curvature"}
_RESIDUALS: Final = "fit.residual_max"


def results(setting: Setting, found: Found, first: Taken, correction: Correction | None) -> Iterator[Computed]:
    numbers = {**first.numbers, **found.names(None), **(_of_fit(correction) if correction else {})}
    for one in setting.template.results:
        if one.measurand == setting.measurand.name:
            yield _computed(one, numbers, correction, setting.measurand.budget.coverage)


def _of_fit(correction: Correction) -> dict[str, float]:
    fit = correction.fit
    numbers = {_COEFFICIENTS[power]: value for power, value in zip(fit.powers, fit.coefficients, strict=True)}
    return numbers | {_RESIDUALS: max(abs(float(each)) for each in fit.residuals)}


def _computed(one: Result, numbers: Mapping[str, float], correction: Correction | None, coverage: Coverage) -> Computed:
    uncertainty, why_not = None, _why_not(one)
    if not why_not and correction:
        uncertainty = _uncertainty(one, numbers, correction, coverage)
    return Computed(
        name=one.name,
        unit=one.unit.symbol,
        value=numbers_of.computed(one.name, one.value, numbers),
        lower=one.lower,
        upper=one.upper,
        uncertainty=uncertainty,
        why_not=why_not,
        exact=() if why_not else tuple(sorted(one.value.names - set(_COEFFICIENTS.values()))),
    )


def _why_not(one: Result) -> Literal["", "of tests", "of the residuals", "without a fit"]:
    if one.value.names & names.OF_ANY_TEST.keys():
        return "of tests"
    if _RESIDUALS in one.value.names:
        return "of the residuals"
    return "" if one.value.names & set(_COEFFICIENTS.values()) else "without a fit"


def _uncertainty(
    one: Result, numbers: Mapping[str, float], correction: Correction, coverage: Coverage
) -> ComputedUncertainty:
    """By the coefficients with their covariance (GUM 5.2.2, equation 13), and what all points share beside it.

    What is shared at one point and at another may differ in size and sign, and nothing says how: the sum of what each
    may change is never too small.
    """
    fit = correction.fit
    places = [_COEFFICIENTS[power] for power in fit.powers]

    def model(coefficients: Sequence[float]) -> float:
        return numbers_of.computed(one.name, one.value, {**numbers, **dict(zip(places, coefficients, strict=True))})

    found = np.array(sensitivity.sensitivities(model, fit.coefficients, fit.uncertainties))
    u_fit = math.sqrt(max(0.0, float(found @ fit.covariance @ found)))
    shares = found @ fits.responses(fit, correction.xs, correction.weighted_by or None)
    u_common = correction.u_common * math.fsum(np.abs(shares))
    parts = [
        budget.Component(name="fit", u=u_fit, dof=math.inf if fit.is_known else fit.dof),
        budget.Component(name="shared", u=u_common),
    ]
    whole = budget.evaluate(parts, p=coverage.p)
    return ComputedUncertainty(
        u_fit=u_fit,
        u_common=u_common,
        u_c=whole.u_c,
        nu_eff=whole.nu_eff,
        k=whole.k if coverage.k is None else coverage.k,
        p=coverage.p,
    )
