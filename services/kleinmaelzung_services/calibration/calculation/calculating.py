"""Template and record in, Results out. Pure: the same record and the same version give the same numbers.

record_check (all that forbids it) -> readings -> tests -> a budget and a decision for each row -> fit -> verdict
"""

import functools
from collections.abc import Sequence

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import budgets, computing, findings, readings, verdicts
from kleinmaelzung_services.calibration.calculation.budgets import Row
from kleinmaelzung_services.calibration.calculation.findings import Found, mean
from kleinmaelzung_services.calibration.calculation.numbers import Setting
from kleinmaelzung_services.calibration.calculation.readings import Taken
from kleinmaelzung_services.calibration.calculation.results import (
    Correction,
    MeasurandResult,
    Places,
    PointResult,
    Results,
    SeriesResult,
    Shift,
    Spread,
)
from kleinmaelzung_services.calibration.engine import fits, prediction, window
from kleinmaelzung_services.calibration.engine.points import Largest, Linearity
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import record_check
from kleinmaelzung_services.calibration.records.record import Record, Series
from kleinmaelzung_services.calibration.templates.template import Measurand, Points, Template


def calculate(template: Template, record: Record) -> Results:
    """Raises RecordError with all that forbids it, or CalibrationError for a number that cannot be calculated."""
    record_check.require(template, record)
    return Results(
        record=record,
        template=template,
        as_found=_series(template, record, record.as_found),
        as_left=None if record.as_left is None else _series(template, record, record.as_left),
    )


def _series(template: Template, record: Record, series: Series) -> SeriesResult:
    found = tuple(
        _measurand(Setting(template=template, record=record, measurand=measurand), series)
        for measurand in template.measurands
    )
    return SeriesResult(measurands=found, verdict=verdicts.of_series(found))


def _measurand(setting: Setting, series: Series) -> MeasurandResult:
    measurand, template = setting.measurand, setting.template
    taken = list(readings.of_series(setting, series))
    found = findings.find(setting, taken)
    points = [one for one in taken if isinstance(template.tests[one.test], Points)]
    groups = findings.grouped(points)
    rows = tuple(_row(setting, found, group) for group in groups.values())
    if not rows:
        rule = "a certificate has one point at least"
        raise CalibrationError(f"the points of {measurand.name}", "missing", rule, "measure them")
    correction = _correction(setting, list(groups.values()), rows)
    computed = tuple(computing.results(setting, found, points[0], correction))
    shifts = tuple(_shift(measurand, one) for one in found.shifts)
    return MeasurandResult(
        measurand=measurand,
        points=rows,
        spread=_spread(measurand, found.spread),
        repeats=None if found.pooled is None else (_error(measurand, found.pooled[0]), found.pooled[1]),
        places=tuple(_place(measurand, one) for one in found.places),
        hysteresis=_largest(measurand, found.hysteresis),
        linearity=_linearity(measurand, found.linearity),
        shifts=shifts,
        correction=correction,
        computed=computed,
        notes=tuple(_notes(shifts)),
        verdict=verdicts.of_measurand(rows, shifts, computed),
    )


def _row(setting: Setting, found: Found, group: Sequence[Taken]) -> PointResult:
    """The repeats of one point in one direction: their mean, with its budget and decision."""
    measurand, first = setting.measurand, group[0]
    indication = mean([one.indication for one in group])
    reference = mean([one.reference for one in group if one.reference is not None])
    deviations = [one.deviation for one in group]
    sign = 1.0 if measurand.direction == "error" else -1.0
    error = sign * _error(measurand, mean(deviations)) + 0.0  # no -0.0
    numbers = {**first.numbers, "indication": indication, "reference": reference, **found.names(first.reading.point)}
    if first.raw is not None:
        numbers["raw"] = mean([one.raw for one in group if one.raw is not None])
    verdicts.check_ratio(setting, first, numbers)
    row = Row(taken=group, found=found, numbers=numbers)
    uncertainty, notes = budgets.evaluate(setting, row)
    return PointResult(
        test=first.test,
        nominal=first.reading.point,
        direction=first.reading.direction,
        repeats=len(group),
        reference=reference,
        indication=indication,
        error=error,
        s=_error(measurand, window.repeats(deviations).s) if len(group) > 1 else None,
        uncertainty=uncertainty,
        decision=verdicts.decide(measurand, first.reading.point, indication, error, uncertainty),
        notes=notes,
    )


def _correction(setting: Setting, groups: Sequence[Sequence[Taken]], rows: Sequence[PointResult]) -> Correction | None:
    """Each reading is a point of the fit; what they share is added afterwards, and never enters the weights twice."""
    measurand, wanted = setting.measurand, setting.measurand.fit
    if wanted is None:
        return None
    known = [(one, row) for group, row in zip(groups, rows, strict=True) for one in group]
    xs, ys = [_x(one, wanted.x) for one, _ in known], [_y(one, wanted.y) for one, _ in known]
    curve = functools.partial(
        fits.fit, xs, ys, order=wanted.order, through_origin=wanted.through_origin, origin=wanted.origin
    )
    weighted_by: tuple[float, ...] = ()
    if wanted.weights == "uncertainty":
        steepness = abs(_steepness(curve())) if wanted.y == "raw" else 1.0
        weighted_by = tuple(_scattering(measurand, row) * steepness for _, row in known)
    fit = curve(uncertainties=weighted_by or None)
    shared = max(budgets.systematic(row.uncertainty) for row in rows)
    u_common = units.convert_difference(shared, measurand.error_unit, measurand.unit)
    if wanted.y == "raw":
        u_common *= abs(_steepness(fit))
    raw = measurand.display.raw
    y_unit = raw.unit.symbol if wanted.y == "raw" and raw else measurand.unit.symbol
    return Correction(
        fit=fit,
        xs=tuple(xs),
        ys=tuple(ys),
        x=wanted.x,
        y=wanted.y,
        y_unit=y_unit,
        u_common=u_common,
        weighted_by=weighted_by,
    )


def _scattering(measurand: Measurand, row: PointResult) -> float:
    """u of a point that its neighbours do not share, in `unit`: a weight of what they share would count that twice."""
    found = units.convert_difference(budgets.scattering(row.uncertainty), measurand.error_unit, measurand.unit)
    if found == 0:
        field = f"the weights of the fit, {measurand.name} at {row.nominal:g}"
        rule = 'weights = "uncertainty" are those of type A, and here is none'
        raise CalibrationError(field, 0.0, rule, 'write weights = "none" in a new version of the template')
    return found


def _x(one: Taken, x: str) -> float:
    return one.reference if x == "reference" and one.reference is not None else one.indication


def _y(one: Taken, y: str) -> float:
    if y == "raw":
        if one.raw is None:
            field = f"raw, test[{one.test}] at {one.reading.point:g}"
            raise CalibrationError(field, "missing", "the fit goes through it", "measure it")
        return one.raw
    return one.deviation if y == "error" else -one.deviation + 0.0


def _steepness(fit: fits.Fit) -> float:
    """The steepest of both ends."""
    ends = (prediction.slope(fit, end) for end in fit.range)
    return max(ends, key=abs)


def _error(measurand: Measurand, value: float) -> float:
    """A difference in error_unit, free of what the conversion adds in the last digit."""
    return float(f"{units.convert_difference(value, measurand.unit, measurand.error_unit):.14g}")


def _spread(measurand: Measurand, found: Spread | None) -> Spread | None:
    if found is None:
        return None
    return Spread(
        test=found.test,
        nominal=found.nominal,
        indications=found.indications,
        s=_error(measurand, found.s),
        dof=found.dof,
    )


def _place(measurand: Measurand, found: Places) -> Places:
    instability = found.instability
    return Places(
        test=found.test,
        nominal=found.nominal,
        positions=found.positions,
        differences=tuple(_error(measurand, each) for each in found.differences),
        largest=_error(measurand, found.largest),
        instability=None if instability is None else _error(measurand, instability),
    )


def _shift(measurand: Measurand, found: Shift) -> Shift:
    value, permitted = (_error(measurand, each) for each in (found.value, found.permitted))
    return Shift(test=found.test, nominal=found.nominal, value=value, permitted=permitted)


def _largest(measurand: Measurand, found: Largest | None) -> Largest | None:
    return None if found is None else Largest(value=_error(measurand, found.value), at=found.at)


def _linearity(measurand: Measurand, found: Linearity | None) -> Linearity | None:
    if found is None:
        return None
    independent, terminal = (
        Largest(value=_error(measurand, each.value), at=each.at) for each in (found.independent, found.terminal)
    )
    return Linearity(independent=independent, terminal=terminal)


def _notes(shifts: Sequence[Shift]) -> list[str]:
    return [
        f"the check point {one.nominal:g} has moved by {one.value:.3g}, {one.permitted:.3g} are permitted"
        for one in shifts
        if not one.is_permitted
    ]
