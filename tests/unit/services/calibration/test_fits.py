"""What holds for every fit, and what is refused."""

import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.engine import fits, prediction
from kleinmaelzung_services.calibration.errors import CalibrationError
from tests.unit.services.calibration import published

orders = st.sampled_from([0, 1, 2])
X = (0.0, 1.0, 2.5, 3.0, 4.5, 7.0, 8.0)
rests = st.lists(st.floats(-1, 1).filter(lambda rest: abs(rest) > 1e-3), min_size=len(X), max_size=len(X))


def parabola(scatter: list[float]) -> list[float]:
    return [1 + 2 * x - 0.1 * x * x + rest for x, rest in zip(X, scatter, strict=True)]


@settings(deadline=None)
@given(rests, orders, st.integers(-60, 60), st.integers(-60, 60))
def test_units_of_x_and_y_change_only_the_numbers(scatter: list[float], order: int, ex: int, ey: int) -> None:
    y, a, b = parabola(scatter), 10.0**ex, 10.0**ey
    plain, other = fits.fit(X, y, order=order), fits.fit([x * a for x in X], [each * b for each in y], order=order)
    assume(plain.residual_s > 1e-3)
    for power in range(order + 1):
        back = a**power / b
        assert other.coefficients[power] * back == pytest.approx(plain.coefficients[power], rel=1e-9, abs=1e-9)
        assert other.uncertainties[power] * back == pytest.approx(plain.uncertainties[power], rel=1e-9)
    assert other.correlation == pytest.approx(plain.correlation, abs=1e-9)


@settings(deadline=None)
@given(rests, orders, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_shifting_x_with_the_origin_and_y_changes_only_the_constant(
    scatter: list[float], order: int, dx: float, dy: float
) -> None:
    y = parabola(scatter)
    plain = fits.fit(X, y, order=order)
    other = fits.fit([x + dx for x in X], [each + dy for each in y], order=order, origin=dx)
    assume(plain.residual_s > 1e-3)
    assert other.coefficients[0] - dy == pytest.approx(plain.coefficients[0], abs=1e-7)
    assert other.coefficients[1:] == pytest.approx(plain.coefficients[1:], abs=1e-7)
    assert other.uncertainties == pytest.approx(plain.uncertainties, rel=1e-6)


@settings(deadline=None)
@given(st.permutations(range(len(X))), rests, orders)
def test_the_order_of_the_points_does_not_matter(places: list[int], scatter: list[float], order: int) -> None:
    y = parabola(scatter)
    plain, other = fits.fit(X, y, order=order), fits.fit([X[i] for i in places], [y[i] for i in places], order=order)
    assert other.coefficients == pytest.approx(plain.coefficients, rel=1e-10, abs=1e-12)
    assert other.uncertainties == pytest.approx(plain.uncertainties, rel=1e-8, abs=1e-12)
    assert [other.residuals[places.index(i)] for i in range(len(X))] == pytest.approx(list(plain.residuals), abs=1e-12)


@settings(deadline=None)
@given(rests, orders, st.floats(1e-10, 1e10))
def test_only_the_ratio_of_relative_weights_counts(scatter: list[float], order: int, factor: float) -> None:
    y, w = parabola(scatter), [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.1]
    plain = fits.fit(X, y, order=order, weights=w)
    other = fits.fit(X, y, order=order, weights=[each * factor for each in w])
    assert other.coefficients == pytest.approx(plain.coefficients, rel=1e-9)
    assert other.uncertainties == pytest.approx(plain.uncertainties, rel=1e-9, abs=1e-12)
    assert other.residual_s == pytest.approx(plain.residual_s * math.sqrt(factor), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(rests, orders)
def test_the_residuals_are_what_the_function_leaves(scatter: list[float], order: int) -> None:
    y = parabola(scatter)
    found = fits.fit(X, y, order=order)
    left = [value - prediction.predict(found, x).y for x, value in zip(X, y, strict=True)]
    assert list(found.residuals) == pytest.approx(left, abs=1e-12)
    assert sum(left) == pytest.approx(0, abs=1e-10)
    s = math.sqrt(sum(rest * rest for rest in left) / found.dof)
    assert found.residual_s == pytest.approx(s, rel=1e-9)


def test_a_constant_is_the_mean() -> None:
    found = fits.fit([5.0] * 20, published.TABLE_1, order=0)
    assert (f"{found.coefficients[0]:.3f}", f"{found.uncertainties[0]:.3f}") == ("100.145", "0.333")
    assert (f"{found.residual_s:.3f}", found.dof) == ("1.489", 19)


def test_an_exact_line_has_no_spread_left() -> None:
    found = fits.fit([0, 1, 2, 3], [1, 3, 5, 7])
    assert found.coefficients == pytest.approx((1, 2), abs=1e-14)
    assert found.residual_s < 1e-14
    assert found.correlation[0, 1] == pytest.approx(-1.5 / math.sqrt(3.5))  # the x alone make it
    level = fits.fit([0, 1, 2], [5, 5, 5])
    assert (level.coefficients, level.uncertainties, level.residual_s) == ((5, 0), (0, 0), 0)


def test_through_the_origin_means_through_the_origin_given() -> None:
    found = fits.fit([21, 22, 23], [2, 4.1, 5.9], through_origin=True, origin=20)
    assert len(found.coefficients) == 1
    assert prediction.predict(found, 20).y == 0
    assert prediction.predict(found, 20).u == 0


def test_known_uncertainties_do_not_need_scatter() -> None:
    found = fits.fit([0, 1], [1, 3], uncertainties=[0.1, 0.2])
    assert found.coefficients == pytest.approx((1, 2))
    assert found.uncertainties == pytest.approx((0.1, math.hypot(0.1, 0.2)))
    assert (found.dof, found.residual_s, found.is_known) == (0, 0, True)


def test_replicates_show_that_a_line_does_not_fit() -> None:
    x = [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    y = [0.01, -0.01, 1.01, 0.99, 4.01, 3.99]
    found = fits.fit(x, y).lack_of_fit
    assert found is not None
    assert (found.dof_lack, found.dof_pure) == (1, 3)
    assert found.s_pure == pytest.approx(math.sqrt(2e-4))
    assert found.f == pytest.approx((4 / 3) / 2e-4, rel=1e-6)  # by hand: group means 0, 1, 4 about their line
    assert found.p_value < 0.001
    assert fits.fit(x, y, order=2).lack_of_fit is None  # three groups, three coefficients


def test_replicates_that_agree_to_the_last_digit_say_nothing() -> None:
    y, weights = 4.378635131922188, [0.16130488071366275, 0.23035726458753747, 0.5840806412331694, 0.2, 0.7]
    found = fits.fit([0, 0, 0, 1, 2], [y, y, y, 1.1, 2.2], weights=weights)  # where the mean is not y to the last digit
    assert found.lack_of_fit is None


def test_replicates_of_pontius_as_r_sees_them() -> None:
    """anova(lm(y ~ x + I(x^2)), lm(y ~ factor(x))): by the definition, from the groups' own means."""
    x, y = published.PONTIUS
    found = fits.fit(x, y, order=2)
    assert found.lack_of_fit is not None
    pure = sum((y[i] - y[i + 20]) ** 2 / 2 for i in range(20))
    whole = found.residual_s**2 * found.dof
    assert found.lack_of_fit.s_pure == pytest.approx(math.sqrt(pure / 20), rel=1e-9)
    assert found.lack_of_fit.f == pytest.approx(((whole - pure) / 17) / (pure / 20), rel=1e-6)


def test_one_point_more_than_coefficients_is_enough() -> None:
    assert fits.fit([0, 1, 2], [0, 1, 3]).dof == 1
    assert fits.fit([0, 1, 2, 3], [0, 1, 3, 7], order=2).dof == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"x": [1, 2], "y": [1, 2]}, "the number of points is 2, but 2 coefficients and the uncertainty need"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "order": 2}, "the number of points is 3, but 3 coefficients"),
        ({"x": [2, 2, 2], "y": [1, 2, 3]}, "the number of different x is 1, but 2 coefficients need as many"),
        ({"x": [1, 1, 2, 2], "y": [1, 2, 3, 4], "order": 2}, "the number of different x is 2"),
        ({"x": [0, 0, 0], "y": [1, 2, 3], "through_origin": True}, "the number of points is 0"),
        ({"x": [0, 0, 1], "y": [0, 0, 3], "through_origin": True}, "the number of points is 1"),
        ({"x": [0, 2, 2, 2], "y": [0, 1, 2, 3], "through_origin": True, "order": 2}, "the number of different x is 1"),
        ({"x": [0, 1, 1 + 1e-13, 1 + 2e-13], "y": [1, 2, 3, 4], "order": 2}, "do not determine the coefficients"),
        ({"x": [1, 2, 3], "y": [1, 2]}, "the number of values in x is 3, but y has 2"),
        ({"x": [], "y": []}, "the number of values in x is 0"),
        ({"x": [1, 2, math.nan], "y": [1, 2, 3]}, r"x\[2\] is nan"),
        ({"x": [1, 2, 3], "y": [1, -math.inf, 3]}, r"y\[1\] is -inf"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "order": 3}, "order is 3, but it must be 0, 1 or 2"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "order": True}, "order is True"),
        ({"x": [1, 2], "y": [1, 2], "order": 0, "through_origin": True}, "a constant through the origin is zero"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "origin": math.nan}, "origin is nan"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "weights": [1, 0, 1]}, r"weights\[1\] is 0.0, but it must be above zero"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "weights": [1, -1, 1]}, r"weights\[1\] is -1.0"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "weights": [1, 1]}, "the number of values in weights is 2, but x has 3"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "uncertainties": [1, 0, 1]}, r"uncertainties\[1\] is 0.0"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "uncertainties": [1] * 3, "weights": [1] * 3}, "one implies the other"),
        ({"x": [-1.7e308, 1.7e308, 1.7e308], "y": [1, 2, 3]}, "choose a unit"),
        ({"x": [1e-200, 2e-200, 3e-200, 5e-200], "y": [1, 2, 3, 9], "order": 2}, "choose a"),
        ({"x": [1e200, 2e200, 3e200, 5e200], "y": [1, 2, 3, 9], "order": 2}, "choose another unit for x"),
    ],
)  # fmt: skip
def test_impossible_fits_are_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        fits.fit(**asked)


def test_a_certificate_does_not_extrapolate() -> None:
    found = fits.fit(published.H3_READINGS, published.H3_CORRECTIONS, origin=20)
    assert prediction.predict_inside(found, 24).u < prediction.predict(found, 30).u
    with pytest.raises(
        CalibrationError, match=r"x is 30, but the calibration holds from 21.521 to 26.511: stay within"
    ):
        prediction.predict_inside(found, 30)


def test_the_reading_itself_is_uncertain_too() -> None:
    found = fits.fit([0, 1, 2, 3], [0.1, 2.1, 3.9, 6.1])
    bare, read = prediction.predict(found, 1.5), prediction.predict(found, 1.5, u_x=0.3)
    assert read.u == pytest.approx(math.hypot(bare.u, 0.3 * found.coefficients[1]))


@pytest.mark.parametrize("x", [math.nan, math.inf, None])
def test_nothing_is_predicted_for_what_is_no_number(x: float) -> None:
    found = fits.fit([0, 1, 2, 3], [0.1, 2.1, 3.9, 6.1])
    with pytest.raises(CalibrationError):
        prediction.predict(found, x)


def test_what_cannot_be_turned_round_is_refused() -> None:
    with pytest.raises(CalibrationError, match="only a straight line"):
        prediction.inverse(fits.fit([0, 1, 2, 3], [0, 1, 4, 9], order=2), 3)
    with pytest.raises(CalibrationError, match="a level line has every x or none"):
        prediction.inverse(fits.fit([0, 1, 2, 3], [2, 2, 2, 2]), 3)
