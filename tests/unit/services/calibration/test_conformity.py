"""Decision rules at their limits, risks, and what is refused."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.engine import conformity, risk
from kleinmaelzung_services.calibration.errors import CalibrationError

values = st.decimals(-20, 20, places=3).map(str)


@pytest.mark.parametrize(
    ("value", "simple", "guard", "nonbinary"),
    [
        ("9.7", "pass", "pass", "pass"),
        ("9.701", "pass", "fail", "conditional pass"),
        ("10", "pass", "fail", "conditional pass"),
        ("10.001", "fail", "fail", "conditional fail"),
        ("10.3", "fail", "fail", "conditional fail"),
        ("10.301", "fail", "fail", "fail"),
        ("-9.7", "pass", "pass", "pass"),
        ("-9.701", "pass", "fail", "conditional pass"),
        ("-10", "pass", "fail", "conditional pass"),
        ("-10.3", "fail", "fail", "conditional fail"),
        ("-10.301", "fail", "fail", "fail"),
    ],
)
def test_what_equals_a_limit_passes(value: str, simple: str, guard: str, nonbinary: str) -> None:
    """ILAC-G8:09/2019, figures 3 to 6: limits +-10, U = 0.3, w = U."""
    found = [
        conformity.decide(value, "0.3", "2", lower="-10", upper="10", rule=rule).verdict for rule in conformity.RULES
    ]
    assert found == [simple, guard, nonbinary]


def test_limits_are_compared_as_they_were_written() -> None:
    """In binary 1.1 + 2.2 is more than 3.3."""
    assert 3.3 < 1.1 + 2.2
    assert conformity.decide(2.2, 1.1, 2, lower=0, upper=3.3, rule="guard").verdict == "pass"
    assert conformity.decide("0.3", "0.1", "2", upper="0.3").verdict == "pass"


@pytest.mark.parametrize(("factor", "acceptance"), [("0.83", "9.751"), ("1", "9.7"), ("1.5", "9.55"), ("3", "9.1")])
def test_guard_bands_of_ilac_g8(factor: str, acceptance: str) -> None:
    """ILAC-G8:09/2019, Table 1: r = 0.83 (ISO 14253-1), 1, 1.5, 3."""
    found = conformity.decide("0", "0.3", "2", lower="-10", upper="10", rule="guard", guard_factor=factor)
    assert [str(limit) for limit in found.acceptance] == [f"-{acceptance}".rstrip("0"), acceptance.rstrip("0")]


def test_the_risk_at_a_limit() -> None:
    """ILAC-G8:09/2019, 5.1: at the limit 50 %; with w = U and k = 2 at most 2.3 %."""
    at_limit = conformity.decide("10", "0.3", "2", upper="10")
    assert at_limit.verdict == "pass"
    assert at_limit.risk == pytest.approx(0.5)
    guarded = conformity.decide("9.7", "0.3", "2", upper="10", rule="guard")
    assert (guarded.verdict, f"{guarded.risk:.3f}") == ("pass", "0.023")
    rejected = conformity.decide("9.8", "0.3", "2", upper="10", rule="guard")
    assert (rejected.verdict, rejected.risk) == ("fail", rejected.p_conform)


@pytest.mark.parametrize("rule", conformity.RULES)
@pytest.mark.parametrize("value", ["0", "50"])
def test_too_large_an_uncertainty_is_no_failure(rule: conformity.Rule, value: str) -> None:
    found = conformity.decide(value, "1.001", "2", lower="-1", upper="1", rule=rule)
    assert (found.verdict, found.risk) == ("no statement possible", None)
    assert "U = 1.001 is larger than half the tolerance, 1" in found.why


def test_u_as_large_as_half_the_tolerance_still_says_something() -> None:
    assert conformity.decide("0", "1", "2", lower="-1", upper="1", rule="guard").verdict == "pass"
    assert conformity.decide("0.001", "1", "2", lower="-1", upper="1", rule="guard").verdict == "fail"


def test_guard_bands_that_leave_nothing_say_so() -> None:
    found = conformity.decide("0", "0.5", "2", lower="-1", upper="1", rule="guard", guard_factor="3")
    assert (found.verdict, found.risk) == ("no statement possible", None)
    assert "leave nothing to accept" in found.why


def test_one_limit_is_enough() -> None:
    found = conformity.decide("5", "0.1", "2", lower="4", rule="nonbinary")
    assert (found.verdict, found.acceptance[1], found.rejection[1]) == ("pass", None, None)


@settings(deadline=None)
@given(values, st.sampled_from(["0.01", "0.3", "2"]))
def test_probabilities_add_up(value: str, u: str) -> None:
    limits: dict[str, Any] = {"lower": "-10", "upper": "10"}
    conform, fail = conformity.p_conform(value, u, **limits), conformity.specific_consumer_risk(value, u, **limits)
    assert conform + fail == pytest.approx(1)
    assert 0 <= conform <= 1
    assert 0 <= fail <= 1


def test_small_risks_keep_their_digits() -> None:
    risk_at_10_u = conformity.specific_consumer_risk("0", "1", lower="-10", upper="10")
    assert risk_at_10_u == pytest.approx(math.erfc(10 / math.sqrt(2)), rel=1e-12)
    assert conformity.p_conform("20", "1", lower="-10", upper="10") == pytest.approx(7.61985302416047e-24, rel=1e-10)
    assert conformity.p_conform("1e300", "1e-300", upper="0") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "every limit is missing, but one at least is needed"),
        ({"lower": "2", "upper": "1"}, "lower is 2, but it must be below the upper limit 1"),
        ({"lower": "1", "upper": "1"}, "lower is 1"),
        ({"upper": "1", "expanded": "0"}, "U is 0, but it must be above zero"),
        ({"upper": "1", "expanded": "-1"}, "U is -1"),
        ({"upper": "1", "k": "0"}, "k is 0"),
        ({"upper": "1", "value": "nan"}, "value is nan"),
        ({"upper": "1", "value": math.nan}, "value is nan"),
        ({"upper": "inf"}, "upper is inf"),
        ({"upper": "1_0"}, "upper is 1_0"),
        ({"upper": "1,5"}, "upper is 1,5"),
        ({"upper": "١"}, "upper is ١"),
        ({"upper": "1", "rule": "lenient"}, "rule is lenient"),
        (
            {"upper": "1", "rule": "guard", "guard_factor": "-1"},
            "the guard factor is -1, but a guard band lies within the limits, so it is above zero: take 1 for U",
        ),
    ],
)
def test_impossible_questions_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        conformity.decide(**({"value": "0", "expanded": "0.1", "k": "2"} | arguments))


@pytest.mark.parametrize("limits", [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0)])
def test_impossible_global_risks_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(CalibrationError):
        risk.global_risk(risk.normal_prior(0, 1), 0.1, tolerance=limits, acceptance=(0, 1))
    with pytest.raises(CalibrationError):
        risk.normal_prior(0, 0)


def test_a_guard_band_moves_risk_from_the_consumer_to_the_producer() -> None:
    prior = risk.normal_prior(0, 1)
    plain = risk.global_risk(prior, 0.25, tolerance=(-2, 2), acceptance=(-2, 2))
    guarded = risk.global_risk(prior, 0.25, tolerance=(-2, 2), acceptance=(-1.5, 1.5))
    assert guarded.consumer < plain.consumer / 10
    assert guarded.producer > plain.producer
