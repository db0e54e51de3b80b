"""Quantiles and probabilities against closed forms, one another and scipy, which comes with GTC."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kleinmaelzung_services.calibration.engine import student
from kleinmaelzung_services.calibration.errors import CalibrationError

fractions = st.floats(0.01, 0.9999)
dofs = st.floats(0.4, 1e9)


@settings(deadline=None)
@given(fractions)
def test_one_and_two_degrees_of_freedom_have_closed_forms(p: float) -> None:
    assert student.t_factor(p, 1) == pytest.approx(math.tan(math.pi * p / 2), rel=1e-10)
    assert student.t_factor(p, 2) == pytest.approx(math.sqrt(2 * p * p / (1 - p * p)), rel=1e-10)


@settings(deadline=None)
@given(fractions, dofs)
def test_t_agrees_with_scipy(p: float, dof: float) -> None:
    k = student.t_factor(p, dof)
    assert k == pytest.approx(stats.t.isf((1 - p) / 2, dof), rel=1e-9)
    assert student.t_cdf(-k, dof) == pytest.approx((1 - p) / 2, rel=1e-9)
    assert student.t_cdf(k, dof) + student.t_cdf(-k, dof) == pytest.approx(1, abs=1e-12)


@settings(deadline=None)
@given(st.floats(0.01, 50), st.floats(1, 1e4), st.floats(1, 1e4))
def test_f_agrees_with_scipy(value: float, dof1: float, dof2: float) -> None:
    assert student.f_tail(value, dof1, dof2) == pytest.approx(stats.f.sf(value, dof1, dof2), rel=1e-8, abs=1e-250)


def test_a_quantile_of_f_from_the_tables() -> None:
    assert f"{student.f_quantile(0.95, 5, 10):.3f}" == "3.326"  # NIST/SEMATECH e-Handbook 1.3.6.7.3
    assert student.f_tail(student.f_quantile(0.9, 3, 7), 3, 7) == pytest.approx(0.1)


def test_t_turns_into_the_normal_distribution_without_a_step() -> None:
    below, above = (student.t_factor(0.9545, dof) for dof in (0.999e6, 1.001e6))
    assert below > above > student.t_factor(0.9545, math.inf) == student.normal_factor(0.9545)
    assert below - above < 1e-8


@settings(deadline=None)
@given(st.floats(-8, 8))
def test_the_normal_quantile_undoes_the_probability(z: float) -> None:
    if z < 0:
        assert student.normal_quantile(student.normal_cdf(z)) == pytest.approx(z, rel=1e-9)
    assert student.normal_cdf(z) + student.normal_cdf(-z) == pytest.approx(1)


@pytest.mark.parametrize("dof", [0.3, 0.5, 0.9, 1.0])
def test_fewer_than_one_degree_of_freedom_is_wide_but_true(dof: float) -> None:
    k = student.t_factor(0.9545, dof)
    assert k > 13
    assert student.t_cdf(-k, dof) == pytest.approx((1 - 0.9545) / 2, rel=1e-9)


def test_a_k_that_no_float_holds_is_refused() -> None:
    with pytest.raises(CalibrationError, match=r"dof is 0.001, but no coverage factor for p = 0.9545 can be given"):
        student.t_factor(0.9545, 0.001)


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.5, 95, math.nan, math.inf, True, "0.9"])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(CalibrationError):
        student.t_factor(p, 5)
    with pytest.raises(CalibrationError):
        student.normal_quantile(p)


def test_a_percentage_is_told_how_to_be_a_fraction() -> None:
    with pytest.raises(CalibrationError, match=r"give 95.45 % as 0.9545"):
        student.t_factor(95, 5)


@pytest.mark.parametrize("dof", [0, -1, math.nan, -math.inf, False])
def test_impossible_degrees_of_freedom_are_refused(dof: float) -> None:
    with pytest.raises(CalibrationError):
        student.t_factor(0.95, dof)
