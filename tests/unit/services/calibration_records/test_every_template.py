"""Every template that comes along gives numbers, for a record that was made up for it."""

import math
from dataclasses import replace

import pytest

from kleinmaelzung_services.calibration.calculation import budgets, calculating
from kleinmaelzung_services.calibration.calculation.results import Line, MeasurandResult, PointResult
from kleinmaelzung_services.calibration.records import record_check, record_json
from kleinmaelzung_services.calibration.templates.template import Points, Source
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_that_comes_along_can_be_calculated(name: str) -> None:
    template = TEMPLATES[name]
    record = simulated.record(template)
    assert record_check.check(template, record) == []
    assert record_json.decode(record_json.encode(record)) == record
    results = calculating.calculate(template, record)
    assert len(results.as_found.measurands) == len(template.measurands)
    for found in results.as_found.measurands:
        assert found.points
        for point in found.points:
            assert point.uncertainty.expanded > 0
            assert math.fsum(line.share for line in point.uncertainty.lines) == pytest.approx(1)
            assert len(point.uncertainty.lines) >= len(found.measurand.budget.components) - 1
        assert (found.correction is None) == (found.measurand.fit is None)
    assert results.verdict != "not stated"


def only(name: str) -> MeasurandResult:
    template = TEMPLATES[name]
    return calculating.calculate(template, simulated.record(template)).as_found.measurands[0]


def test_a_raw_signal_gives_the_indication_by_its_formula_and_the_fit_its_slope() -> None:
    found = only("linear-sensor")
    computed = {one.name.split(":")[0].split(",")[0]: one.value for one in found.computed}
    assert computed["zero"] == pytest.approx(4, abs=0.01)
    assert computed["sensitivity"] == pytest.approx(0.16, abs=0.001)
    for point in found.points:
        assert point.indication == pytest.approx(point.nominal, abs=0.02)
        assert point.repeats == 2
        assert point.s is not None


def test_the_electrode_has_its_slope_and_zero_point_at_ph_7() -> None:
    slope = -58.5
    found = only("ph-meter")
    values = [one.value for one in found.computed]
    assert values[:2] == pytest.approx([3, slope], abs=0.5)
    assert found.repeats is not None
    assert found.repeats[1] == 6  # three buffers, each three times


def test_a_delivered_volume_is_computed_from_mass_and_density() -> None:
    found = only("pipette")
    for point in found.points:
        assert point.reference == pytest.approx(0.997 * point.nominal * 1.003, rel=0.004)
        assert point.error == pytest.approx(point.reference - point.indication)


def test_a_chamber_has_each_place_compared_with_the_first() -> None:
    results = calculating.calculate(TEMPLATES["climate-chamber"], simulated.record(TEMPLATES["climate-chamber"]))
    for found in results.as_found.measurands:
        assert len(found.places) == 3
        for places in found.places:
            assert len(places.differences) == 9
            assert places.differences[0] == 0
            assert places.largest == pytest.approx(max(map(abs, places.differences)))
            assert places.instability == pytest.approx(1e-4, rel=0.05)


def line(point: PointResult, name: str) -> Line:
    return next(one for one in point.uncertainty.lines if one.name == name)


def test_of_a_mean_of_repeats_the_deviation_is_divided_by_their_root() -> None:
    found = only("pipette")
    for point in found.points:
        assert point.s is not None
        assert line(point, "repeatability").u == pytest.approx(point.s / math.sqrt(10))
        assert line(point, "repeatability").dof == 9
    assert found.computed[0].value == pytest.approx(max(point.s or 0 for point in found.points))
    assert len({point.s for point in found.points}) == 3


def test_the_inhomogeneity_of_a_chamber_is_the_largest_of_all_its_points() -> None:
    found = only("climate-chamber")
    largest = [places.largest for places in found.places]
    assert len(set(largest)) > 1
    for point in found.points:
        assert line(point, "spatial inhomogeneity").estimate == pytest.approx(max(largest))


def test_what_the_points_of_a_fit_share_is_turned_into_the_unit_of_its_signal() -> None:
    found = only("linear-sensor")
    assert found.correction is not None
    assert found.correction.y_unit == "mA"
    shared = max(budgets.systematic(point.uncertainty) for point in found.points)
    assert found.correction.u_common == pytest.approx(0.16 * shared / 1000, rel=0.01)  # mA/kPa, errors in Pa
    assert len(found.correction.xs) == len(found.correction.ys) == len(found.correction.fit.residuals) == 24


def test_the_noise_of_windows_is_halved_by_four_repeats() -> None:
    template = TEMPLATES["linear-sensor"]
    (measurand,) = template.measurands
    source = Source(kind="window")
    components = tuple(
        replace(one, source=source) if one.name == "repeatability" else one for one in measurand.budget.components
    )
    budget = replace(measurand.budget, components=components)
    noises = []
    for repeats in (1, 4):
        (test,) = template.tests
        assert isinstance(test, Points)
        changed = replace(
            template,
            measurands=(replace(measurand, budget=budget),),
            tests=(replace(test, repeats=repeats),),
        )
        found = calculating.calculate(changed, simulated.record(changed)).as_found.measurands[0]
        noises.append(line(found.points[2], "repeatability").u)
    assert noises[1] == pytest.approx(noises[0] / 2, rel=1e-3)
