"""Whether results conform: a template's limits and a row of results in; decisions out, and one verdict of all of them.

The certificate names the rule and the risk beside it (ISO/IEC 17025:2017, 7.8.6).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import numbers as numbers_of
from kleinmaelzung_services.calibration.calculation.models import Model
from kleinmaelzung_services.calibration.calculation.numbers import Setting
from kleinmaelzung_services.calibration.calculation.readings import Taken
from kleinmaelzung_services.calibration.calculation.results import (
    Computed,
    Decision,
    MeasurandResult,
    Overall,
    PointResult,
    Shift,
    Uncertainty,
)
from kleinmaelzung_services.calibration.engine import conformity
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.templates.template import Acceptance, Measurand, Source, Standard
from kleinmaelzung_services.calibration.units import Unit

# The worst first: what failed has failed, whatever else cannot be told.
_WORST_FIRST: Final[tuple[Overall, ...]] = (
    "fail",
    "no statement possible",
    "conditional fail",
    "conditional pass",
    "pass",
)
# Of a step of the last digit: below, a number is what floats lost, and may not decide whether a limit is kept.
_NOTHING: Final = 1e-6


def decide(
    measurand: Measurand, nominal: float, indication: float, error: float, uncertainty: Uncertainty
) -> Decision | None:
    """Return None where the template states no limits."""
    acceptance = measurand.acceptance
    if acceptance is None:
        return None
    lower, upper = limits(measurand, acceptance, nominal, indication)
    step = units.convert_difference(measurand.display.resolution, measurand.unit, measurand.error_unit) * _NOTHING
    statement = conformity.decide(
        f"{round(error / step) * step:.15g}",
        uncertainty.expanded,
        uncertainty.k,
        lower=lower,
        upper=upper,
        rule=acceptance.rule,
        guard_factor=f"{acceptance.guard_factor:.15g}",
    )
    ratio = None if lower is None or upper is None else (upper - lower) / 2 / uncertainty.expanded
    return Decision(lower=lower, upper=upper, statement=statement, test_uncertainty_ratio=ratio)


def limits(
    measurand: Measurand, acceptance: Acceptance, nominal: float, indication: float
) -> tuple[float | None, float | None]:
    """What is permitted at a point, in error_unit."""
    place = indication if acceptance.basis == "indication" else nominal
    found = next((one for one in acceptance.limits if one.above < place <= one.upto), None)
    if found is None:
        remedy = "let acceptance.limit of the template reach it"
        raise CalibrationError("the limit", f"{place:g} {measurand.unit.symbol}", "no limit holds there", remedy)
    of = measurand.display.span if acceptance.basis == "span" else abs(place)
    share = units.convert_difference(found.relative * of, measurand.unit, measurand.error_unit)
    return (
        None if found.lower is None else found.lower - share,
        None if found.upper is None else found.upper + share,
    )


def check_ratio(setting: Setting, taken: Taken, numbers: Mapping[str, float]) -> None:
    """Raises CalibrationError where U of a standard is too large for the limit (`max_U_ratio`).

    Of another quantity it is compared by what it changes the error by: rules.py sees to it that a component says so.
    """
    measurand, acceptance = setting.measurand, setting.measurand.acceptance
    for standard in setting.standards:
        unit = setting.unit_of(standard)
        if standard.max_U_ratio is None or acceptance is None:
            continue
        limit = size(*limits(measurand, acceptance, taken.reading.point, taken.indication))
        expanded, _ = numbers_of.certified(setting, standard, taken.reading)
        if units.are_alike(unit, measurand.error_unit):
            found = units.convert_difference(expanded, unit, measurand.error_unit)
        else:
            found = expanded * _per_unit(setting, standard, unit, numbers)
        if found > standard.max_U_ratio * limit:
            symbol = measurand.error_unit.symbol
            field = f"U of {standard.role} at {taken.reading.point:g} {measurand.unit.symbol}"
            rule = f"it is at most {standard.max_U_ratio:g} of the limit {limit:g} {symbol}"
            raise CalibrationError(field, f"{found:g} {symbol}", rule, "choose a better standard, or wider limits")


def _per_unit(setting: Setting, standard: Standard, unit: Unit, numbers: Mapping[str, float]) -> float:
    """By how much the error changes with one unit of a standard of another quantity."""
    source = Source(kind="standard", name=standard.role)
    component = next(one for one in setting.measurand.budget.components if one.source == source)
    found = Model(setting=setting, numbers=numbers).sensitivity(component, 0.0)
    return abs(found) * units.convert_difference(1.0, unit, component.unit)


def size(lower: float | None, upper: float | None) -> float:
    """Half the tolerance; of one limit alone its distance from zero."""
    if lower is not None and upper is not None:
        return (upper - lower) / 2
    return abs(next((each for each in (lower, upper) if each is not None), 0.0))


def of_measurand(points: Iterable[PointResult], shifts: Iterable[Shift], computed: Iterable[Computed]) -> Overall:
    """The worst of all; a check point that moved too far leaves nothing to be said."""
    found: list[Overall] = [point.decision.statement.verdict for point in points if point.decision]
    found += ["fail" if not one.is_permitted else "pass" for one in computed if (one.lower, one.upper) != (None, None)]
    found += ["no statement possible" for one in shifts if not one.is_permitted]
    return worst(found)


def of_series(measurands: Iterable[MeasurandResult]) -> Overall:
    return worst([one.verdict for one in measurands if one.verdict != "not stated"])


def worst(found: Iterable[Overall]) -> Overall:
    known = set(found)
    return next((each for each in _WORST_FIRST if each in known), "not stated")
