"""Hysteresis, linearity, repeatability, eccentricity, drift."""

import math

import pytest

from kleinmaelzung_services.calibration.engine import points
from kleinmaelzung_services.calibration.errors import CalibrationError


def test_hysteresis_is_the_largest_difference_of_down_from_up() -> None:
    found = points.hysteresis({0: 0.0, 50: 50.1, 100: 100.2}, {0: 0.05, 50: 49.8, 100: 100.2})
    assert found.value == pytest.approx(-0.3)
    assert found.at == 50


def test_linearity_from_the_fitted_and_from_the_terminal_line() -> None:
    found = points.linearity([0, 1, 2, 3, 4], [0, 1, 2.5, 3, 4])
    assert (found.terminal.at, found.independent.at) == (2, 2)
    assert (found.terminal.value, found.independent.value) == pytest.approx((0.5, 0.4))


def test_eccentricity_and_zero_return() -> None:
    assert points.eccentricity(100.00, [100.01, 99.97, 100.02, 100.0]) == pytest.approx(0.03)
    assert points.zero_return(0.01, -0.02) == pytest.approx(-0.03)


def test_repeatability_is_pooled() -> None:
    assert points.repeatability([[1, 2, 3], [4, 4, 4]]) == pytest.approx((math.sqrt(0.5), 4))


def test_two_laboratories_agree_up_to_one() -> None:
    assert points.normalized_error(10.0, 0.3, 10.5, 0.4) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("up", "down"), [({}, {}), ({0: 0.0}, {}), ({0: 0.0, 1: 1.0}, {0: 0.0}), ({0: math.nan}, {0: 0.0})]
)
def test_impossible_hysteresis_is_refused(up: dict[float, float], down: dict[float, float]) -> None:
    with pytest.raises(CalibrationError):
        points.hysteresis(up, down)


def test_other_impossible_inputs_are_refused() -> None:
    with pytest.raises(CalibrationError):
        points.eccentricity(1.0, [])
    with pytest.raises(CalibrationError):
        points.zero_return(math.nan, 0)
    with pytest.raises(CalibrationError):
        points.normalized_error(1, 0, 2, 0)
    with pytest.raises(CalibrationError):
        points.linearity([1, 2], [1, 2])
