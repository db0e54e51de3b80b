"""Fits against certified and printed results: NIST StRD, GUM H.3, ISO/TS 28037, R."""

import pytest

from kleinmaelzung_services.calibration.engine import fits, prediction
from tests.unit.services.calibration import published

DIGITS_9, DIGITS_7 = 5e-10, 5e-8


def test_nist_norris_to_nine_digits() -> None:
    found = fits.fit(*published.NORRIS)
    assert found.coefficients == pytest.approx((-0.262323073774029, 1.00211681802045), rel=DIGITS_9)
    assert found.uncertainties == pytest.approx((0.232818234301152, 0.429796848199937e-03), rel=DIGITS_9)
    assert found.residual_s == pytest.approx(0.884796396144373, rel=DIGITS_9)
    assert found.dof == 34


def test_nist_pontius_to_seven_digits() -> None:
    found = fits.fit(*published.PONTIUS, order=2)
    certified = (0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14)
    assert found.coefficients == pytest.approx(certified, rel=DIGITS_7)
    certified = (0.107938612033077e-03, 0.157817399981659e-09, 0.486652849992036e-16)
    assert found.uncertainties == pytest.approx(certified, rel=DIGITS_7)
    assert found.residual_s == pytest.approx(0.205177424076185e-03, rel=DIGITS_7)


def test_nist_noint1_through_the_origin() -> None:
    found = fits.fit(*published.NOINT1, through_origin=True)
    assert found.coefficients == pytest.approx((2.07438016528926,), rel=DIGITS_9)
    assert found.uncertainties == pytest.approx((0.165289256198347e-01,), rel=DIGITS_9)
    assert found.residual_s == pytest.approx(3.56753034006338, rel=DIGITS_9)


def test_nist_noint2_through_the_origin() -> None:
    found = fits.fit(*published.NOINT2, through_origin=True)
    assert found.coefficients == pytest.approx((0.727272727272727,), rel=DIGITS_9)
    assert found.uncertainties == pytest.approx((0.420827318078432e-01,), rel=DIGITS_9)
    assert found.residual_s == pytest.approx(0.369274472937998, rel=DIGITS_9)


def test_gum_h3_calibration_of_a_thermometer() -> None:
    """H.3.3: y1 = -0.1712, y2 = 0.002 18, s 0.0029 and 0.000 67, r = -0.930, s = 0.0035; H.3.4: -0.1494, u = 0.0041."""
    found = fits.fit(published.H3_READINGS, published.H3_CORRECTIONS, origin=20)
    assert [f"{value:.4f}" for value in (found.coefficients[0], found.uncertainties[0])] == ["-0.1712", "0.0029"]
    assert [f"{value:.5f}" for value in (found.coefficients[1], found.uncertainties[1])] == ["0.00218", "0.00067"]
    assert (f"{found.correlation[0, 1]:.3f}", f"{found.residual_s:.4f}", found.dof) == ("-0.930", "0.0035", 9)
    at_30 = prediction.predict(found, 30)
    assert (f"{at_30.y:.4f}", f"{at_30.u:.4f}", at_30.is_outside) == ("-0.1494", "0.0041", True)


def test_gum_h3_what_the_reference_brings_does_not_average_out() -> None:
    """H.3.6, as GTC's documentation works it out: u of the intercept 0.0029 and 0.005 give 0.0058."""
    found = fits.fit(published.H3_READINGS, published.H3_CORRECTIONS, origin=20)
    assert prediction.predict(found, 20, u_common=0.005).u == pytest.approx(0.00576893138292676, rel=1e-12)


def test_iso_28037_line_with_equal_uncertainties() -> None:
    """ISO/TS 28037:2010, p. 13, and GTC's test of it."""
    found = fits.fit(range(1, 7), (3.3, 5.6, 7.1, 9.3, 10.7, 12.1), uncertainties=[0.5] * 6)
    assert found.coefficients == pytest.approx((1.866667, 1.757143), abs=5e-7)
    assert found.uncertainties == pytest.approx((0.4654747, 0.1195229), abs=5e-8)
    assert f"{found.covariance[0, 1]:.3f}" == "-0.050"
    assert f"{found.residual_s**2 * found.dof:.3f}" == "1.665"
    turned = prediction.inverse(found, 10.5, u_y=0.5)
    assert (f"{turned.x:.3f}", f"{turned.u:.3f}") == ("4.913", "0.322")


def test_iso_28037_line_with_unequal_uncertainties() -> None:
    """ISO/TS 28037:2010, p. 14, and GTC's test of it."""
    y, u = (3.2, 4.3, 7.6, 8.6, 11.7, 12.8), (0.5, 0.5, 0.5, 1.0, 1.0, 1.0)
    found = fits.fit(range(1, 7), y, uncertainties=u)
    assert found.coefficients == pytest.approx((0.8852, 2.0570), abs=5e-5)
    assert found.uncertainties == pytest.approx((0.5297081, 0.1778920), abs=5e-8)
    assert found.covariance[0, 1] == pytest.approx(-0.08227848, abs=5e-9)
    assert f"{found.residual_s**2 * found.dof:.3f}" == "4.131"
    turned = prediction.inverse(found, 10.5, u_y=1.0)
    assert (f"{turned.x:.3f}", f"{turned.u:.3f}") == ("4.674", "0.533")


def test_relative_weights_are_those_of_r() -> None:
    """R's lm(y ~ x, weights = 1/u^2), summary and vcov, as GTC's test prints them."""
    u = (0.2, 0.2, 0.2, 0.4, 0.4, 0.4)
    found = fits.fit(range(1, 7), (3.014, 5.225, 7.004, 9.061, 11.201, 12.762), weights=[1 / each**2 for each in u])
    assert found.coefficients == pytest.approx((1.13754, 1.97264), abs=5e-6)
    assert found.uncertainties == pytest.approx((0.12261, 0.04118), abs=5e-6)
    assert found.covariance[0, 1] == pytest.approx(-0.004408553, abs=5e-10)
