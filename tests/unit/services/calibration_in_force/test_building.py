"""What a certificate says of later readings agrees with what it prints, in the unit that the channel sends."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import MeasurandResult, PointResult, Results, SeriesResult
from kleinmaelzung_services.calibration.certificates.store import Place
from kleinmaelzung_services.calibration.documents.certificate import worked
from kleinmaelzung_services.calibration.engine import fits
from kleinmaelzung_services.calibration.in_force import building
from kleinmaelzung_services.calibration.records.record import Reading, UnitText, Window
from kleinmaelzung_services.calibration.templates.template import Channel
from kleinmaelzung_wire import calibrations
from kleinmaelzung_wire.calibrations import Calibration, Corrected, Curve, Measurand, Points
from tests.unit.services.calibration_records import examples, simulated
from tests.unit.services.calibration_records.examples import TEMPLATES

PLACE = Place(number="K-2026-0001", revision=2, replaces="K-2026-0001/1", at=datetime(2026, 3, 11, 9, tzinfo=UTC))


def results(name: str) -> Results:
    """An example, or made up."""
    if name in examples.CONTENT:
        return examples.results(name)
    return calculating.calculate(TEMPLATES[name], simulated.record(TEMPLATES[name]))


def built(result: MeasurandResult) -> Measurand:
    found = results("balance")
    series = SeriesResult(measurands=(result,), verdict="pass")
    return building.of(replace(found, as_found=series, as_left=None), PLACE).measurands[0]


def first(name: str) -> MeasurandResult:
    return results(name).as_found.measurands[0]


def without_fit(result: MeasurandResult) -> MeasurandResult:
    return replace(result, correction=None)


def changed(result: MeasurandResult, **display: Any) -> MeasurandResult:
    measurand = result.measurand
    return replace(result, measurand=replace(measurand, display=replace(measurand.display, **display)))


def corrected(measurand: Measurand, value: float) -> Corrected:
    found = calibrations.corrected(measurand, value, measurand.unit)
    assert isinstance(found, Corrected), found
    return found


@pytest.mark.parametrize("name", ["balance", "thermometer"])
def test_a_curve_corrects_as_the_certificate_does(name: str) -> None:
    result = first(name)
    correction = result.correction
    assert correction is not None
    measurand = built(result)
    assert isinstance(measurand.correction, Curve)
    assert (measurand.low, measurand.high) == correction.fit.range
    sign = -1 if correction.y == "error" else 1
    for share in (0, 0.1, 0.5, 0.9, 1):
        x = measurand.low + share * (measurand.high - measurand.low)
        there, found = correction.at(x), corrected(measurand, x)
        assert found.value == pytest.approx(x + sign * there.y, rel=1e-12)
        assert pytest.approx(measurand.k * there.u, rel=1e-9) == found.U
    example = worked.example(result, correction)
    assert measurand.k == pytest.approx(example.k, rel=0.3)
    assert measurand.k >= example.k - 1e-12, "the largest of the range"


@pytest.mark.parametrize(("order", "origin"), [(1, 0.0), (2, 0.0), (1, 5.0)])
def test_a_curve_through_the_origin_is_nothing_there(order: int, origin: float) -> None:
    result = first("thermometer")
    assert result.correction is not None
    xs = [10.0, 20.0, 30.0, 40.0]
    fit = fits.fit(xs, [0.01, 0.018, 0.031, 0.04], order=order, through_origin=True, origin=origin)
    correction = replace(result.correction, fit=fit, xs=tuple(xs), y="error")
    measurand = built(replace(result, correction=correction))
    for x in (10.0, 17.0, 40.0):
        there, found = correction.at(x), corrected(measurand, x)
        assert found.value == pytest.approx(x - there.y, rel=1e-12)
        assert pytest.approx(measurand.k * there.u, rel=1e-9) == found.U


@pytest.mark.parametrize("name", ["balance", "thermometer", "climate-chamber"])
def test_without_a_fit_each_point_is_corrected_to_its_reference(name: str) -> None:
    result = without_fit(first(name))
    unit, into = result.measurand.error_unit, result.measurand.unit
    measurand = built(result)
    assert isinstance(measurand.correction, Points)
    assert list(measurand.correction.indication) == sorted(measurand.correction.indication)
    for nominal in {row.nominal for row in result.points}:
        rows = [row for row in result.points if row.nominal == nominal]
        indication = math.fsum(row.indication for row in rows) / len(rows)
        reference = math.fsum(row.reference for row in rows) / len(rows)
        found = corrected(measurand, float(f"{indication:.14g}"))
        assert found.value == pytest.approx(reference, abs=1e-9)
        largest = max(row.uncertainty.expanded for row in rows)
        assert units.convert_difference(largest, unit, into) * (1 - 1e-12) <= found.U


def two_ways(up: float, down: float, expanded: float = 0.5) -> MeasurandResult:
    """The balance with one point, read upwards and downwards with these errors in mg."""
    result = without_fit(first("balance"))
    row = max(result.points, key=lambda one: one.nominal)
    u_c = expanded / row.uncertainty.k

    def read(error: float, part: float) -> PointResult:
        uncertainty = replace(row.uncertainty, u_c=u_c * part)
        return replace(row, error=error, indication=row.nominal + error / 1000, uncertainty=uncertainty)

    return replace(result, points=(read(up, 1.0), replace(read(down, 0.5), direction="down")))


def test_up_and_down_are_corrected_by_their_mean_with_the_larger_u() -> None:
    measurand = built(two_ways(0.4, 0.2))
    assert isinstance(measurand.correction, Points)
    assert measurand.correction.correction == pytest.approx((-0.0003,))
    assert pytest.approx((0.0005,)) == measurand.correction.U


def test_u_is_never_less_than_how_far_up_and_down_are_apart_from_their_mean() -> None:
    measurand = built(two_ways(3.0, 1.0))
    assert isinstance(measurand.correction, Points)
    assert measurand.correction.correction == pytest.approx((-0.002,))
    assert pytest.approx((0.001,)) == measurand.correction.U


def test_a_template_that_counts_corrections_corrects_the_same_way() -> None:
    result = without_fit(first("thermometer"))
    turned = tuple(replace(row, error=-row.error) for row in result.points)
    other = replace(result, points=turned, measurand=replace(result.measurand, direction="error"))
    assert (result.measurand.direction, built(other).correction is None) == ("correction", False)
    assert built(other) == built(result)


def test_the_range_is_that_of_the_points_and_of_what_was_read_there() -> None:
    measurand = built(two_ways(0.4, 0.2))
    assert (measurand.low, measurand.high) == pytest.approx((200.0, 200.0003), abs=1e-9), "a load of 200 g may show 200"
    measurand = built(two_ways(-0.4, -0.2))
    assert (measurand.low, measurand.high) == pytest.approx((199.9997, 200.0), abs=1e-9)


@pytest.mark.parametrize("is_curve", [True, False])
def test_it_is_told_in_the_unit_that_the_channel_sends(is_curve: bool) -> None:
    result = first("thermometer") if is_curve else without_fit(first("thermometer"))
    own, unit = built(result), units.find("degF")
    into = Channel(name="t", unit=unit)
    other = built(changed(result, channel=into))
    assert (other.channel, other.unit) == ("t", "degF")
    celsius = result.measurand.unit
    for share in (0.0, 0.3, 1.0):
        x = own.low + share * (own.high - own.low)
        here = corrected(own, x)
        there = corrected(other, min(max(units.convert(x, celsius, unit), other.low), other.high))
        assert there.value == pytest.approx(units.convert(here.value, celsius, unit), rel=1e-12)
        assert pytest.approx(units.convert_difference(here.U, celsius, unit), rel=1e-9) == there.U


@pytest.mark.parametrize(
    ("name", "channel", "reason"),
    [("pipette", "", building.TYPED), ("linear-sensor", "", building.COMPUTED), ("ph-meter", "ph", building.RAW)],
)
def test_what_no_stream_shows_is_not_corrected_and_says_why(name: str, channel: str, reason: str) -> None:
    measurand = built(first(name))
    assert (measurand.correction, measurand.reason) == (None, reason)
    assert measurand.channel == channel


def test_what_is_typed_in_has_no_stream() -> None:
    measurand = built(changed(first("balance"), channel=None))
    assert (measurand.channel, measurand.correction, measurand.reason) == ("", None, building.TYPED)


def test_it_is_of_the_channel_and_in_the_unit_that_a_run_has_read_of_the_instrument() -> None:
    found = results("balance")

    def read(reading: Reading) -> Reading:
        shown = reading.indication
        assert isinstance(shown, Window)
        device, unit, values = f"{found.record.item.id}/weight", UnitText("mg"), [1000 * one for one in shown.values]
        return replace(reading, indication=replace(shown, device=device, unit=unit, values=tuple(values)))

    tests = tuple(replace(test, readings=tuple(map(read, test.readings))) for test in found.record.as_found.tests)
    record = replace(found.record, as_found=replace(found.record.as_found, tests=tests))
    [told] = building.of(replace(found, record=record), PLACE).measurands
    [before] = building.of(found, PLACE).measurands
    assert (before.channel, before.unit, told.channel, told.unit) == ("mass", "g", "weight", "mg")
    assert corrected(told, 50_000.0).value == pytest.approx(1000 * corrected(before, 50.0).value, rel=1e-12)


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_kept_with_a_certificate_can_be_read_again(name: str) -> None:
    content = json.loads(building.document(results(name), PLACE))
    found = Calibration.from_map(content["calibration"])
    assert found == building.of(results(name), PLACE)
    assert (found.certificate, found.revision, found.due) == ("K-2026-0001", 2, "")
    assert found.issued == 1_773_219_600_000_000
    assert Calibration.decode(found.encode()) == found
    assert content["schema"] == building.SCHEMA
    assert content["as_left"] is None
    points = {(row.nominal, one.measurand.name) for one in results(name).as_found.measurands for row in one.points}
    assert {(one["nominal"], one["measurand"]) for one in content["as_found"]} == points
    assert len(content["as_found"]) == len(points)


def test_what_was_found_is_told_as_errors_whichever_way_the_template_counts() -> None:
    found = {one.nominal: one for one in building.series(results("climate-chamber").as_found)}
    for result in results("climate-chamber").as_found.measurands:
        for row in result.points:
            error = units.convert_difference(
                row.indication - row.reference, result.measurand.unit, result.measurand.error_unit
            )
            if len([one for one in result.points if one.nominal == row.nominal]) == 1:
                assert found[row.nominal].error == pytest.approx(error, abs=1e-9)
