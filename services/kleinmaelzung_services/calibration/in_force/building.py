"""What a certificate says of later readings: results and its number in, calibrations.Calibration out. Pure.

A curve where the template fits a correction over the indication, else the points of the table of results: they correct
what the live channel shows, in the unit that it sends. It is kept with the certificate as FILE, with what the next
calibration is compared with (past.py).
"""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation.results import (
    Correction,
    MeasurandResult,
    PointResult,
    Results,
    SeriesResult,
)
from kleinmaelzung_services.calibration.certificates.store import Place
from kleinmaelzung_services.calibration.documents.certificate import worked
from kleinmaelzung_services.calibration.documents.certificate.certificate_reports import Prepared
from kleinmaelzung_services.calibration.engine import least_squares, prediction
from kleinmaelzung_services.calibration.records.record import TestRun, Window
from kleinmaelzung_services.calibration.templates.template import Channel
from kleinmaelzung_services.calibration.units import Unit
from kleinmaelzung_wire import calibrations
from kleinmaelzung_wire.calibrations import Calibration, Curve, Measurand, Points

FILE: Final = "calibration.json"
SCHEMA: Final = "calibration-in-force/1"

TYPED: Final = "its values are typed in: there is no stream to correct"
COMPUTED: Final = "its indication is computed from another signal: no stream shows it"
RAW: Final = "the certificate gives the function of its raw signal, and no correction of the reading"
TOO_MANY: Final = f"the certificate has more than {calibrations.MAX_POINTS} points"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A point, both directions together: `error` is indication less reference, with U, in `unit`."""

    measurand: str
    nominal: float
    error: float
    U: float
    unit: str


def attach(prepared: Prepared, place: Place) -> Mapping[str, bytes]:
    """The file that is kept with a certificate, by name."""
    return {FILE: document(prepared.results, place)}


def document(results: Results, place: Place) -> bytes:
    """What calibration() and series() of a stored file are read from."""
    last = results.record.as_left or results.record.as_found
    content = {
        "schema": SCHEMA,
        "performed": last.finished.date().isoformat(),
        "calibration": of(results, place).to_map(),
        "as_found": [_plain(one) for one in series(results.as_found)],
        "as_left": None if results.as_left is None else [_plain(one) for one in series(results.as_left)],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1).encode()


def of(results: Results, place: Place) -> Calibration:
    """Without `due`, which follows from the register too (publishing.py)."""
    last = results.as_left or results.as_found
    return Calibration(
        certificate=place.number,
        revision=place.revision,
        issued=lookup.to_time_us(place.at),
        verdict=results.verdict,
        is_simulated=results.record.is_simulated,
        measurands=tuple(_measurand(one, _sent(results, one)) for one in last.measurands),
    )


def series(found: SeriesResult) -> list[Found]:
    """The errors of each point, by measurand and rising nominal value."""
    return [one for result in found.measurands for one in _found(result)]


def _found(result: MeasurandResult) -> Iterator[Found]:
    unit = result.measurand.error_unit.symbol
    rows = sorted(result.points, key=lambda row: row.nominal)
    for nominal, group in itertools.groupby(rows, key=lambda row: row.nominal):
        error, U, _ = _together([(_error(result, row), row) for row in group])  # noqa: N806 - U is the expanded one
        yield Found(measurand=result.measurand.name, nominal=nominal, error=error, U=U, unit=unit)


def _plain(found: Found) -> dict[str, Any]:
    return {
        "measurand": found.measurand,
        "nominal": found.nominal,
        "error": found.error,
        "U": found.U,
        "unit": found.unit,
    }


def _error(result: MeasurandResult, row: PointResult) -> float:
    """Indication less reference, whichever way the template counts."""
    return (row.error if result.measurand.direction == "error" else -row.error) + 0.0  # no -0.0


def _together(rows: Sequence[tuple[float, PointResult]]) -> tuple[float, float, float]:
    """Mean, U and k of the rows of one point, such as up and down.

    U is the largest of theirs, or how far one is from the mean where that is more: each lies within it.
    """
    mean = math.fsum(value for value, _ in rows) / len(rows)
    largest = max((row.uncertainty for _, row in rows), key=lambda one: one.expanded)
    apart = max(abs(value - mean) for value, _ in rows)
    return float(f"{mean:.14g}"), max(largest.expanded, apart), largest.k


def _sent(results: Results, result: MeasurandResult) -> Channel | None:
    """The channel that shows it, as the instrument calls it and with the unit that it sends.

    The windows tell that where a run captured them of the instrument; what is read otherwise is as the template says.
    """
    record, own, name = results.record, result.measurand.display.channel, result.measurand.name
    tests = (one for one in (record.as_left or record.as_found).tests if _of(results, one) == name)
    readings = (one for test in tests for one in test.readings if not one.struck)
    for shown in (one.indication for one in readings if own):
        if isinstance(shown, Window) and shown.device.startswith(f"{record.item.id}/"):
            return Channel(name=shown.device.removeprefix(f"{record.item.id}/"), unit=units.find(shown.unit))
    return own


def _of(results: Results, test: TestRun) -> str:
    """The measurand of a test."""
    return results.template.tests[test.test].measurand


def _measurand(result: MeasurandResult, sent: Channel | None) -> Measurand:
    """In the unit of its channel, where it has one."""
    measurand = result.measurand
    display, unit = measurand.display, measurand.unit
    low, high = display.low, display.high
    k = min(row.uncertainty.k for row in result.points)
    found = Measurand(name=measurand.name, channel="", unit=unit.symbol, low=low, high=high, k=k)
    if sent is None:
        return replace(found, reason=COMPUTED if display.raw else TYPED)
    found = replace(found, channel=sent.name)
    correction = result.correction
    if correction is not None and correction.y == "raw":
        made = replace(found, reason=RAW)
    elif correction is not None and correction.x == "indication":
        made = _by_curve(found, correction, result)
    else:
        made = _by_points(found, result)
    return _converted(made, unit, sent.unit)


def _by_points(found: Measurand, result: MeasurandResult) -> Measurand:
    """From the first point to the last, by their nominal values and by what was read there, whichever is further out.

    A template has no point outside of the range of the instrument, so its ends need not be looked at.
    """
    points = _points(result)
    if len(points.indication) > calibrations.MAX_POINTS:
        return replace(found, reason=TOO_MANY)
    places = [*points.indication, *(row.nominal for row in result.points)]
    return replace(found, low=min(places), high=max(places), k=min(points.k), correction=points)


def _points(result: MeasurandResult) -> Points:
    groups = dict[float, list[PointResult]]()
    for row in result.points:
        groups.setdefault(row.nominal, []).append(row)
    placed = dict[float, list[PointResult]]()  # an instrument that stands still shows the same at several points
    for rows in groups.values():
        indication = math.fsum(row.indication for row in rows) / len(rows)
        placed.setdefault(float(f"{indication:.14g}"), []).extend(rows)
    measurand = result.measurand
    columns = [
        (indication, *_together([(0.0 - _error(result, row), row) for row in placed[indication]]))
        for indication in sorted(placed)
    ]
    indications, corrections, expanded, ks = zip(*columns, strict=True)
    unit, into = measurand.error_unit, measurand.unit
    return Points(
        indication=indications,
        correction=tuple(units.convert_difference(one, unit, into) for one in corrections),
        U=tuple(units.convert_difference(one, unit, into) for one in expanded),
        k=ks,
    )


def _by_curve(found: Measurand, correction: Correction, result: MeasurandResult) -> Measurand:
    """Within what was fitted, with the largest k of it: for few points it rises with the scatter's share of u."""
    low, high = correction.fit.range
    wanted = result.measurand.budget.coverage
    own = [prediction.predict(correction.fit, x).u for x in sorted(set(correction.xs))]
    k = max(worked.factor(correction, u, correction.u_common, wanted)[0] for u in own)
    return replace(found, low=low, high=high, k=k, correction=_curve(correction))


def _curve(correction: Correction) -> Curve:
    """About the centre of the points, where nothing cancels; through the origin about that, where it is nothing."""
    fit = correction.fit
    terms = fit.powers[-1] + 1
    coefficients, covariance = np.zeros(terms), np.zeros((terms, terms))
    if 0 in fit.powers:
        origin = fit.basis.scaling.centre
        coefficients, own, correlation = least_squares.about(fit.basis, origin)
        covariance = correlation * np.outer(own, own)
    else:
        origin = fit.origin
        coefficients[1:], covariance[1:, 1:] = fit.coefficients, fit.covariance
    sign = -1.0 if correction.y == "error" else 1.0
    return Curve(
        origin=float(origin),
        coefficients=tuple(sign * float(one) + 0.0 for one in coefficients),
        covariance=tuple(tuple(float(one) for one in row) for row in covariance),
        u_common=correction.u_common,
    )


def _converted(found: Measurand, unit: Unit, into: Unit) -> Measurand:
    """The same in the unit that the channel sends."""
    if unit.symbol == into.symbol:
        return found

    def value(one: float) -> float:
        return units.convert(one, unit, into)

    def difference(one: float) -> float:
        return units.convert_difference(one, unit, into)

    correction: Points | Curve | None = None
    match found.correction:
        case Points() as points:
            correction = replace(
                points,
                indication=tuple(map(value, points.indication)),
                correction=tuple(map(difference, points.correction)),
                U=tuple(map(difference, points.U)),
            )
        case Curve() as curve:
            # b (x - origin)^n is a difference, and so is what is raised to n.
            rising = [difference(1.0) ** (1 - power) for power in range(len(curve.coefficients))]
            rows = zip(rising, curve.covariance, strict=True)
            correction = Curve(
                origin=value(curve.origin),
                coefficients=tuple(b * each for b, each in zip(curve.coefficients, rising, strict=True)),
                covariance=tuple(
                    tuple(one * by * each for one, each in zip(row, rising, strict=True)) for by, row in rows
                ),
                u_common=difference(curve.u_common),
            )
    return replace(found, unit=into.symbol, low=value(found.low), high=value(found.high), correction=correction)
