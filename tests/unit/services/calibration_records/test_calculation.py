# ruff: noqa: E501 - a refusal is one line, however long
"""Numbers of the two examples, checked by hand; what changes them; and what cannot be calculated."""

import copy
import dataclasses
import math
from datetime import timedelta
from typing import Any

import pytest

from kleinmaelzung_services.calibration.calculation import calculating, verdicts
from kleinmaelzung_services.calibration.calculation.results import PointResult
from kleinmaelzung_services.calibration.engine import window
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.templates.template import Coverage, Template
from tests.unit.services.calibration_records.examples import (
    CONTENT,
    TEMPLATES,
    VALUES,
    Key,
    found,
    later,
    manual,
    record,
    results,
)

RUNS: tuple[Key, ...] = ("as_found", "tests")
BALANCE = VALUES["balance"]["as_found"]["tests"]
DEVIATIONS = [
    {"text": "cut short", "by": "A. Example", "at": "2026-03-10T10:00:00+00:00", "test": test} for test in range(3)
]


def at(points: tuple[PointResult, ...], nominal: float, direction: str = "up") -> PointResult:
    return next(one for one in points if (one.nominal, one.direction) == (nominal, direction))


def read(test: int, index: int, value: float, unit: str = "g") -> tuple[tuple[Key, ...], Any]:
    """Another indication of one reading, typed in."""
    return (*RUNS, test, "readings", index, "indication"), manual(value, unit)


def typed(*values: float) -> list[tuple[tuple[Key, ...], Any]]:
    """The repeatability test again, with these indications; the third reading of the example is struck out."""
    places = [0, 1, 3, 4, 5, 6]
    return [read(0, place, value) for place, value in zip(places, values, strict=True)]


def test_the_balance_at_200_g_agrees_with_a_budget_by_hand() -> None:
    """u²(E) = (d/2√3)² + (d/2√3)² + s² + ecc² + u²(weights) + drift² + buoyancy² + u²(air) + convection²; in mg."""
    s = [0.1, -0.1, 0.1, 0.0, -0.1, 0.0]
    ecc = [(1, index, 100.0 + each) for index, each in enumerate([0.0, 0.0001, -0.0002, 0.0001, 0.0003])]
    changes = [*typed(*(100 + each / 1000 for each in s)), *(read(*each) for each in ecc), read(2, 5, 200.0008)]
    result = found("balance", *changes)
    row = at(result.points, 200)
    variance = sum(each**2 for each in s) / 5  # their mean is 0
    air = 200e3 * 1.2 / 8000 * math.sqrt(1.07e-4 + 1.33e-6 * 1.5**2)
    squares = [
        (0.05**2 / 3) * 2, variance, (0.3 / (2 * 100) * 200) ** 2 / 3, 0.05**2, 0.15**2 / 3, (0.3 / 4) ** 2 / 3, air**2
    ]  # fmt: skip
    u = math.sqrt(sum(squares))
    assert row.error == pytest.approx(0.76, abs=1e-9)  # 200.0008 g - 200.00004 g
    assert row.uncertainty.u_c == pytest.approx(u, rel=1e-9)
    assert row.uncertainty.nu_eff == pytest.approx(u**4 / (variance**2 / 5), rel=1e-9)
    assert row.uncertainty.k == pytest.approx(2.0, abs=0.01)
    assert row.decision is not None
    assert (row.decision.lower, row.decision.upper) == (-2, 2)
    assert row.decision.statement.verdict == "pass"
    assert math.fsum(line.share for line in row.uncertainty.lines) == pytest.approx(1)
    assert result.spread is not None
    assert result.spread.s == pytest.approx(math.sqrt(variance))
    assert result.spread.dof == 5
    assert result.places[0].differences == pytest.approx((0, 0.1, -0.2, 0.1, 0.3))


def test_an_empty_pan_needs_no_weight_and_has_no_readability_at_the_load() -> None:
    row = at(found("balance").points, 0)
    shares = {line.name: line.u for line in row.uncertainty.lines}
    assert row.reference == 0
    assert shares["weights: calibration"] == shares["air buoyancy: density of the weights"] == 0
    assert "readability at the load" not in shares


def test_the_thermometer_at_25_degrees_agrees_with_a_budget_by_hand() -> None:
    result = found("thermometer")
    row = at(result.points, 25)
    up = VALUES["thermometer"]["as_found"]["tests"][0]["readings"][1]
    shown, reference = up["indication"]["values"], up["standards"][0]["signal"]["values"]
    assert row.indication == pytest.approx(sum(shown) / 25)
    assert row.reference == pytest.approx(sum(reference) / 25 + 0.002)  # with the correction of its certificate
    assert row.error == pytest.approx(1000 * (row.reference - row.indication))  # a correction, in mK
    lines = {line.name: line for line in row.uncertainty.lines}
    assert lines["reference: calibration"].contribution == pytest.approx(5)  # U = 10 mK, k = 2
    assert lines["reference: drift since calibration"].contribution == pytest.approx(4 * 177 / 365.25 / math.sqrt(3))
    assert (lines["bath: homogeneity"].contribution, lines["bath: stability"].contribution) == pytest.approx((4, 3))
    assert lines["self-heating"].contribution == pytest.approx(5 / math.sqrt(3))  # asked in mK
    assert result.hysteresis is not None
    assert lines["hysteresis"].contribution == pytest.approx(abs(result.hysteresis.value) / 2 / math.sqrt(3))
    assert lines["drift during the calibration"].contribution == pytest.approx(
        abs(result.shifts[0].value) / 2 / math.sqrt(3)
    )
    assert row.uncertainty.u_c == pytest.approx(math.hypot(*(line.contribution for line in lines.values())))


def test_the_noise_of_both_windows_is_in_the_budget_with_its_degrees_of_freedom() -> None:
    row = at(found("thermometer").points, 25)
    up = VALUES["thermometer"]["as_found"]["tests"][0]["readings"][1]
    both = [
        window.statistics(one["times_s"], one["values"]) for one in (up["indication"], up["standards"][0]["signal"])
    ]
    (noise,) = [line for line in row.uncertainty.lines if line.type == "A"]
    parts = [one.u_mean for one in both]
    assert noise.u == pytest.approx(math.hypot(*parts))
    welch = math.hypot(*parts) ** 4 / sum(u**4 / (one.n_eff - 1) for u, one in zip(parts, both, strict=True))
    assert noise.dof == pytest.approx(welch)


def test_a_window_that_only_creeps_is_worth_one_reading_with_one_degree_of_freedom() -> None:
    creeping = [25 + 0.0001 * place for place in range(25)]
    reading: tuple[Key, ...] = (*RUNS, 0, "readings", 1)
    quiet = ((*reading, "standards", 0, "signal", "values"), [25.0] * 25)
    row = at(found("thermometer", ((*reading, "indication", "values"), creeping), quiet).points, 25)
    (noise,) = [line for line in row.uncertainty.lines if line.type == "A"]
    assert noise.dof == 1
    assert noise.u > 0.0005


def test_the_check_point_is_compared_with_the_first_time_it_was_measured() -> None:
    result = found("thermometer")
    first = at(result.points, 0).error
    (run,) = [one for one in VALUES["thermometer"]["as_found"]["tests"] if one["test"] == 1]
    (last,) = run["readings"]
    shown, reference = last["indication"]["values"], last["standards"][0]["signal"]["values"]
    again = 1000 * (sum(reference) / 25 + 0.002 - sum(shown) / 25)
    assert result.shifts[0].value == pytest.approx(first - again)


def test_the_worst_verdict_is_that_of_the_whole() -> None:
    assert verdicts.worst(["pass", "no statement possible", "fail"]) == "fail"
    assert verdicts.worst(["pass", "no statement possible", "conditional fail"]) == "no statement possible"
    assert verdicts.worst(["conditional pass", "pass"]) == "conditional pass"
    assert verdicts.worst([]) == "not stated"


def test_hysteresis_is_taken_from_errors_because_the_bath_differs_on_the_way_down() -> None:
    result = found("thermometer")
    assert result.hysteresis is not None
    errors = [at(result.points, 75, way).error for way in ("up", "down")]
    assert result.hysteresis.at == 75
    assert result.hysteresis.value == pytest.approx(errors[0] - errors[1])  # a correction has the other sign


def test_the_correction_line_gives_a_corrected_reading_and_refuses_to_extrapolate() -> None:
    result = found("thermometer")
    assert result.correction is not None
    inside = result.correction.at(60)
    assert inside.y == pytest.approx(-0.0445, abs=0.005)
    assert inside.u > result.correction.u_common
    of_b = [
        math.hypot(*(line.contribution for line in point.uncertainty.lines if line.type == "B"))
        for point in result.points
    ]
    assert result.correction.u_common == pytest.approx(max(of_b) / 1000)
    with pytest.raises(CalibrationError, match=r"x is 120\.0, but the calibration holds from .*: stay within"):
        result.correction.at(120.0)


@pytest.mark.parametrize("name", CONTENT)
def test_the_same_record_and_version_give_the_same_numbers(name: str) -> None:
    assert repr(results(name)) == repr(results(name))


def test_the_order_of_readings_and_tests_in_the_record_changes_no_number() -> None:
    turned = copy.deepcopy(BALANCE)[::-1]
    for run in turned:
        run["readings"].reverse()
    one, other = (found("balance", *changes).points for changes in ((), ((RUNS, turned),)))
    for first, second in zip(one, other, strict=True):
        assert (first.nominal, first.direction, first.error) == (second.nominal, second.direction, second.error)
        assert first.uncertainty.u_c == pytest.approx(second.uncertainty.u_c, rel=1e-12)


def test_a_reading_that_was_struck_out_does_not_count() -> None:
    whole = found("balance")
    assert whole.spread is not None
    assert len(whole.spread.indications) == 6
    without = copy.deepcopy(BALANCE)
    without[0]["readings"] = [one for one in without[0]["readings"] if not one["struck"]]
    assert len(without[0]["readings"]) == 6
    assert found("balance", (RUNS, without)).spread == whole.spread


def test_equal_readings_have_no_spread_and_the_resolution_carries_the_uncertainty() -> None:
    result = found("balance", *typed(*[100.0003] * 6))
    row = at(result.points, 10)
    assert result.spread is not None
    assert result.spread.s == 0
    assert row.uncertainty.u_c > 0.04
    assert row.uncertainty.nu_eff == math.inf
    assert row.notes == ("repeatability: all readings were equal, the resolution carries it",)


def test_an_error_that_equals_its_limit_passes_whatever_floats_make_of_it() -> None:
    """50.0011 - 50.0001 is 0.00099999999999767 in floats, and 100.0021 - 100.0001 more than 0.002."""
    template = with_rule("simple")
    weights = VALUES["balance"]["standards"][0]["certified"]
    changes: list[tuple[tuple[Key, ...], Any]] = [
        (("standards", 0, "certified", index, "correction"), 0.0001) for index in range(len(weights))
    ]
    for index, value in ((2, 50.0011), (3, 100.0021)):
        changes.append(read(2, index, value))
    points = calculating.calculate(template, record("balance", *changes)).as_found.measurands[0].points
    for nominal, error in ((50, 1.0), (100, 2.0)):
        row = at(points, nominal)
        assert row.error == pytest.approx(error, abs=1e-9)
        assert row.decision is not None
        assert row.decision.statement.verdict == "pass"


def with_rule(rule: Any) -> Template:
    """The shipped template of balances with another decision rule."""
    template = TEMPLATES["balance"]
    (measurand,) = template.measurands
    assert measurand.acceptance is not None
    acceptance = dataclasses.replace(measurand.acceptance, rule=rule)
    return dataclasses.replace(template, measurands=(dataclasses.replace(measurand, acceptance=acceptance),))


def test_an_error_beyond_the_acceptance_limit_fails_and_so_does_the_whole() -> None:
    found_ = results("balance", read(2, 5, 200.0015))
    row = at(found_.as_found.measurands[0].points, 200)
    assert row.decision is not None
    assert row.decision.statement.verdict == "fail"  # within 2 mg, but not by U
    assert row.decision.statement.risk is not None
    assert 0 < 1 - row.decision.statement.risk < 1
    assert found_.verdict == "fail"


def test_where_u_is_larger_than_the_limit_there_is_no_statement_and_never_a_fail() -> None:
    found_ = results("balance", (("answers", 0, "value"), 4.0))
    row = at(found_.as_found.measurands[0].points, 200)
    assert row.decision is not None
    assert row.decision.statement.verdict == "no statement possible"
    assert row.decision.statement.risk is None
    assert row.decision.test_uncertainty_ratio is not None
    assert row.decision.test_uncertainty_ratio < 1
    assert found_.verdict == "no statement possible"


def test_a_check_point_that_moved_too_far_leaves_nothing_to_be_said() -> None:
    reading: tuple[Key, ...] = (*RUNS, 1, "readings", 0, "indication")
    found_ = results("thermometer", (reading, manual(0.3, "degC")))
    (shift,) = found_.as_found.measurands[0].shifts
    assert not shift.is_permitted
    assert found_.as_found.measurands[0].notes[0].startswith("the check point 0 has moved by 2")
    assert found_.verdict == "no statement possible"


def test_as_left_is_calculated_like_as_found_and_gives_the_verdict() -> None:
    left = later("balance", timedelta(hours=1, minutes=20))
    adjusted = {"text": "span adjusted", "by": "A. Example", "at": "2026-03-10T10:10:00+00:00"}
    found_ = results("balance", read(2, 5, 200.0035), (("adjustment",), adjusted), (("as_left",), left))
    assert found_.as_found.verdict == "fail"
    assert found_.as_left is not None
    assert found_.verdict == found_.as_left.verdict == "pass"
    assert results("balance").as_left is None


def test_a_fixed_k_of_the_template_is_used_as_it_is() -> None:
    template = TEMPLATES["balance"]
    (measurand,) = template.measurands
    budget = dataclasses.replace(measurand.budget, coverage=Coverage(k=2.0))
    fixed = dataclasses.replace(template, measurands=(dataclasses.replace(measurand, budget=budget),))
    row = calculating.calculate(fixed, record("balance")).as_found.measurands[0].points[0]
    assert (row.uncertainty.k, row.uncertainty.basis) == (2.0, "fixed")
    assert row.uncertainty.expanded == pytest.approx(2 * row.uncertainty.u_c)


def test_units_of_the_record_may_be_others_than_those_of_the_template() -> None:
    grams = found("balance")
    in_mg = copy.deepcopy(BALANCE)
    for run in in_mg:
        for one in run["readings"]:
            for key in ("indication", "zero"):
                if one[key]:
                    values = [1000 * value for value in one[key]["values"]]
                    one[key] = {**one[key], "unit": "mg", "values": values}
    for one, other in zip(grams.points, found("balance", (RUNS, in_mg)).points, strict=True):
        assert other.error == pytest.approx(one.error, abs=1e-6)
        assert other.uncertainty.u_c == pytest.approx(one.uncertainty.u_c, rel=1e-6)


S: tuple[Key, ...] = ("standards", 0)
BATH_READING: tuple[Key, ...] = (*RUNS, 0, "readings", 1)
SHORT = (("deviations",), DEVIATIONS)
ONLY_ONE = copy.deepcopy(BALANCE)
ONLY_ONE[0]["readings"] = ONLY_ONE[0]["readings"][:1]
ONLY_ONE_PLACE = copy.deepcopy(BALANCE)
ONLY_ONE_PLACE[1]["readings"] = ONLY_ONE_PLACE[1]["readings"][:1]
ONE_X = copy.deepcopy(BALANCE)
ONE_X[2]["readings"] = [one for one in ONE_X[2]["readings"] if one["point"] == 100]
for each in ONE_X[2]["readings"]:
    each["indication"] = manual(100.0001, "g")
NO_POINTS = BALANCE[:2]

# The example, what is changed, and what is said: field, value, rule, what to do.
REFUSED: list[tuple[str, list[tuple[tuple[Key, ...], Any]], str]] = [
    ("balance", [((*S, "certified", 1, "U"), 0.0004)], "U of weights at 50 g is 0.4 mg, but it is at most 0.33 of the limit 1 mg: choose a better standard"),
    ("thermometer", [((*S, "certified", 0, "U"), 0.06)], "U of reference at 0 degC is 60 mK, but it is at most 0.33 of the limit 150 mK"),
    ("thermometer", [((*BATH_READING, "standards", 0, "signal"), manual(160, "degC"))], "the value of reference is 160.0, but the certificate SIM-T-2025-0042 says nothing there: choose"),
    ("thermometer", [((*BATH_READING, "standards", 0, "signal"), manual(26, "degC"))], "but it is within 0.5 of the point: set the point again"),
    ("thermometer", [((*BATH_READING, "standards"), [])], "reference at 25 is missing, but it is read together with the instrument: measure the point again"),
    ("thermometer", [((*S, "fields"), [])], "reference: drift since calibration is reference.drift_per_year*reference.years_since_cal, but it cannot be computed (reference.drift_per_year*reference.years_since_cal: there is no number for reference.drift_per_year): enter what is missing"),
    ("balance", [((*S, "certified", 4, "mpe"), None)], "there is no number for weights.mpe"),
    ("balance", [((*BATH_READING, "indication"), None)], "indication, test[0] at 100 is missing, but every reading has one: measure it"),
    ("balance", [((*BATH_READING, "indication"), manual(100, "hPa"))], 'indication, test[0] at 100 is hPa, but it cannot be converted to "g": correct the unit'),
    ("balance", [SHORT, (RUNS, ONLY_ONE)], "the number of readings of test[0] is 1, but a standard deviation needs 2 at least: without degrees of freedom there is no k: measure it again"),
    ("balance", [SHORT, (RUNS, ONLY_ONE_PLACE)], "the positions of test[1] at 100 is centre, but it is compared with the first position: measure centre and one more"),
    ("balance", [SHORT, (RUNS, ONE_X)], "2 coefficients and the uncertainty need at least 3: measure more points, or lower the order"),
    ("balance", [SHORT, (RUNS, NO_POINTS)], "the points of mass is missing, but a certificate has one point at least: measure them"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "said"), REFUSED, ids=lambda each: None)
def test_what_cannot_be_calculated_is_said_with_what_to_do(
    name: str, changes: list[tuple[tuple[Key, ...], Any]], said: str
) -> None:
    with pytest.raises(CalibrationError) as refused:
        results(name, *changes)
    assert said in str(refused.value)


def test_a_fit_through_points_that_are_one_is_refused() -> None:
    """Three points of the template, but the instrument is stuck at one value: nothing determines a slope."""
    stuck = [read(2, index, 100.0) for index in range(12)]
    with pytest.raises(CalibrationError, match="2 coefficients need as many different x: measure at more places"):
        results("balance", *stuck)


def test_a_record_in_json_and_its_results_hold_the_same_record() -> None:
    assert results("balance").record == record_json.decode(CONTENT["balance"])
