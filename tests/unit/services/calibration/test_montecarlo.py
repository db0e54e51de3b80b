"""Monte Carlo: seeded, honest about what it cannot draw, and right where the answer is known."""

import math
from typing import Any

import numpy as np
import pytest

from kleinmaelzung_services.calibration.engine import montecarlo, sensitivity
from kleinmaelzung_services.calibration.engine.montecarlo import Normal, Student, Within
from kleinmaelzung_services.calibration.errors import CalibrationError


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, again, other = (montecarlo.propagate(lambda x: x, [Normal(0, 1)], seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.y != other.y


def test_a_large_offset_costs_nothing() -> None:
    found = montecarlo.propagate(lambda x: x, [Normal(1e9, 1e-3)], seed=1)
    assert found.u == pytest.approx(1e-3, rel=0.005)


def test_few_repeats_have_wide_tails() -> None:
    """JCGM 101:2008, 6.4.9: the variance of t is dof/(dof - 2)."""
    found = montecarlo.propagate(lambda x: x, [Student(10, 0.2, 10)], seed=1, p=0.95)
    assert found.u == pytest.approx(0.2 * math.sqrt(10 / 8), rel=0.01)
    assert found.symmetric[1] - 10 == pytest.approx(0.2 * 2.228, rel=0.01)  # GUM Table G.2


def test_the_shortest_interval_is_the_shorter_one() -> None:
    found = montecarlo.propagate(np.exp, [Normal(0, 1)], seed=1, p=0.95)
    width = [high - low for low, high in (found.shortest, found.symmetric)]
    assert width[0] < 0.9 * width[1]
    assert found.symmetric == pytest.approx((math.exp(-1.96), math.exp(1.96)), rel=0.02)


@pytest.mark.parametrize("r", [-1.0, 1.0])
def test_full_correlation_can_be_drawn(r: float) -> None:
    found = montecarlo.propagate_correlated(lambda x, y: x + y, [1, 2], [[4, 2 * r], [2 * r, 1]], seed=1)
    assert found.u == pytest.approx(2 + r, rel=0.005)


@pytest.mark.parametrize(
    ("model", "arguments", "said"),
    [
        (np.log, {"inputs": [Normal(0, 1)]}, "it has no finite value for"),
        (lambda x: 1 / (x * 0), {"inputs": [Normal(0, 1)]}, "for 1000000 of 1000000 draws"),
        (lambda _: 3.0, {"inputs": [Normal(0, 1)]}, "it returns 1000000 results"),
        (lambda x: x, {"inputs": [Normal(0, 1)], "trials": 1000}, "trials is 1000"),
        (lambda x: x, {"inputs": [Normal(0, 1)], "trials": 10**12}, "trials is 1000000000000"),
        (lambda x: x, {"inputs": [Normal(0, 1)], "seed": -1}, "seed is -1"),
        (lambda x: x, {"inputs": [Normal(0, 1)], "p": 1}, "p is 1"),
    ],
)
def test_impossible_propagations_are_refused(model: Any, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        montecarlo.propagate(model, **({"seed": 1} | arguments))


@pytest.mark.parametrize(
    ("covariance", "said"),
    [
        ([[1, 2], [2, 1]], "no quantities vary like this"),
        ([[1, 0.5], [0.4, 1]], "it is symmetric"),
        ([[1]], "2 estimates need 2 by 2"),
        ([[1, math.nan], [0, 1]], "finite"),
    ],
)
def test_impossible_covariances_are_refused(covariance: list[list[float]], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        montecarlo.propagate_correlated(lambda x, y: x + y, [0, 0], covariance, seed=1)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [(Normal, (0, -1)), (Normal, (math.nan, 1)), (Student, (0, 1, 0)), (Student, (0, 1, math.inf)),
     (Within, (0, "rectangular", -1)), (Within, (0, "bell", 1)), (Within, (0, "trapezoid", 1))],
)  # fmt: skip
def test_impossible_inputs_are_refused(kind: Any, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(CalibrationError):
        kind(*arguments)


def test_a_linear_model_has_no_second_order() -> None:
    found = sensitivity.second_order(lambda x: 3 * x[0] - 2 * x[1], [5, 1], [0.1, 0.2])
    assert found.u_second == pytest.approx(found.u_first, rel=1e-9)
    assert not found.matters


def test_the_second_order_of_an_exponential() -> None:
    """GUM 5.1.2, NOTE: u^2 (1 + (1/2 + 1) u^2) at zero, as the variance of a lognormal quantity begins."""
    found = sensitivity.second_order(lambda x: math.exp(x[0]), [0.0], [0.01])
    assert (found.u_second / found.u_first) ** 2 - 1 == pytest.approx(1.5e-4, rel=0.01)


def test_a_model_without_a_value_nearby_is_refused() -> None:
    with pytest.raises(CalibrationError, match="the model"):
        sensitivity.sensitivities(lambda x: math.inf if x[0] > 1 else x[0], [1.0], [0.1])


@pytest.mark.parametrize(("estimates", "u"), [([1.0], [1.0, 2.0]), ([1.0], [-1.0]), ([math.nan], [1.0]), ([], [])])
def test_impossible_estimates_are_refused(estimates: list[float], u: list[float]) -> None:
    with pytest.raises(CalibrationError):
        sensitivity.sensitivities(lambda x: x[0], estimates, u)
