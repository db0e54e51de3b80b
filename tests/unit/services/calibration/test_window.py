"""Windows of readings: NIST StRD's univariate data, offsets, correlation, and what is refused."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.engine import window
from kleinmaelzung_services.calibration.errors import CalibrationError

# NIST StRD, univariate: the data and certified mean, s and lag-1 autocorrelation.
NUMACC: dict[str, tuple[list[float], float, float, float]] = {
    "NumAcc1": ([10_000_001, 10_000_003, 10_000_002], 10_000_002, 1, -0.5),
    "NumAcc2": ([1.2, *[1.1, 1.3] * 500], 1.2, 0.1, -0.999),
    "NumAcc3": ([1_000_000.2, *[1_000_000.1, 1_000_000.3] * 500], 1_000_000.2, 0.1, -0.999),
    "NumAcc4": ([10_000_000.2, *[10_000_000.1, 10_000_000.3] * 500], 10_000_000.2, 0.1, -0.999),
}
readings = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=40)


@pytest.mark.parametrize("name", NUMACC)
def test_nist_univariate_data(name: str) -> None:
    values, mean, s, rho = NUMACC[name]
    found = window.statistics(range(len(values)), values)
    assert found.mean == pytest.approx(mean, rel=1e-15)
    assert found.s == pytest.approx(s, rel=1e-8)  # NumAcc4: what the data lost when they became floats
    assert found.rho == pytest.approx(rho, rel=1e-8)
    assert found.n_eff == found.n  # a negative correlation earns nothing


@settings(deadline=None)
@given(readings)
def test_an_offset_changes_nothing_but_the_mean(values: list[float]) -> None:
    whole = [float(round(value * 1024)) for value in values]  # so that the sums are exact
    near, far = (window.statistics(range(len(whole)), [value + by for value in whole]) for by in (0.0, 2.0**40))
    assert far.mean == pytest.approx(near.mean + 2.0**40)
    assert (far.s, far.range, far.rho) == pytest.approx((near.s, near.range, near.rho), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("unit", [1e-200, 1e-9, 1e200])
def test_a_unit_changes_nothing(unit: float) -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0]
    plain, other = (window.statistics(range(6), [value * by for value in values]) for by in (1.0, unit))
    assert (other.s / unit, other.slope / unit) == pytest.approx((plain.s, plain.slope), rel=1e-12)
    assert (other.rho, other.n_eff) == pytest.approx((plain.rho, plain.n_eff), rel=1e-12)


def test_the_slope_is_per_unit_of_time_however_late_it_is() -> None:
    late = 1.8e9  # seconds since 1970
    found = window.statistics([late + 0.25 * i for i in range(9)], [5 + 0.5 * i for i in range(9)])
    assert found.slope == pytest.approx(2.0, rel=1e-9)


def test_neighbours_that_resemble_one_another_count_for_less() -> None:
    values = [math.sin(i / 4) for i in range(200)]
    found = window.statistics(range(200), values)
    assert found.rho > 0.9
    assert found.n_eff == pytest.approx(200 * (1 - found.rho) / (1 + found.rho))
    assert found.u_mean == pytest.approx(found.s / math.sqrt(found.n_eff))
    assert window.statistics(range(200), [i / 7 for i in range(200)]).n_eff < 2  # a drift


def test_a_window_is_worth_at_least_one_reading() -> None:
    assert window.statistics(range(200), [math.sin(i / 20) for i in range(200)]).n_eff == 1


def test_equal_readings_have_no_spread_and_no_correlation() -> None:
    found = window.statistics(range(5), [20.01] * 5)
    assert (found.mean, found.s, found.range, found.rho, found.slope, found.n_eff) == (20.01, 0, 0, 0, 0, 5)
    assert window.covariance_of_means([1, 1, 1], [1, 2, 3]) == (0.0, 0.0)


def test_groups_are_pooled_by_their_degrees_of_freedom() -> None:
    s, dof = window.pooled([[1.0, 2.0, 3.0], [5.0, 5.0], [0.0, 4.0]])
    assert (s, dof) == pytest.approx((math.sqrt((2 * 1 + 0 + 8) / 4), 4))
    assert window.pooled([[1.0, 1.0], [2.0, 2.0]]) == (0.0, 2)


def test_readings_that_move_together_are_fully_correlated() -> None:
    covariance, r = window.covariance_of_means([1, 2, 3, 4], [10, 20, 30, 40])
    assert (r, covariance) == pytest.approx((1, 10 * (5 / 3) / 4))


@pytest.mark.parametrize(
    ("times", "values", "said"),
    [
        ([0], [1.0], "the number of values in values is 1, but values needs at least 2: measure more of them"),
        ([0, 1], [1.0, math.nan], r"values\[1\] is nan, but it must be a finite number"),
        ([0, 1], [1.0, math.inf], r"values\[1\] is inf"),
        ([0, 1], [1.0, None], r"values\[1\] is None, but it must be a number"),
        ([0, 1], [1.0, True], r"values\[1\] is True"),
        ([0, 1, 2], [1.0, 2.0], "the number of values in values is 2, but times has 3: give one for each"),
        ([0, 2, 1], [1.0, 2.0, 3.0], r"times\[2\] is 1.0, but every reading is taken later than the one before"),
        ([0, 0], [1.0, 2.0], r"times\[1\] is 0.0"),
        ([0, 1], [-1.7e308, 1.7e308], "choose a unit"),
    ],
)
def test_impossible_windows_are_refused(times: list[float], values: list[float], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        window.statistics(times, values)


@pytest.mark.parametrize("groups", [[], [[1.0]], [[1.0, 2.0], []]])
def test_impossible_groups_are_refused(groups: list[list[float]]) -> None:
    with pytest.raises(CalibrationError):
        window.pooled(groups)
