"""JCGM 101:2008 (Monte Carlo), clause 9, and JCGM 106:2012 (conformity): printed results, each to its tolerance."""

import math
from typing import Any

import pytest

from kleinmaelzung_services.calibration.engine import budget, conformity, montecarlo, risk, sensitivity
from kleinmaelzung_services.calibration.engine.budget import Component
from kleinmaelzung_services.calibration.engine.montecarlo import Input, Normal, Within

SEED = 20_261_123


def added(*draws: Any) -> Any:
    return sum(draws)


def mass(m_rc: Any, delta: Any, rho_a: Any, rho_w: Any, rho_r: Any) -> Any:
    """9.3.1, equation 31 less the nominal 100 g, in mg and kg/m3."""
    return (m_rc + delta) * (1 + (rho_a - 1.2) * (1 / rho_w - 1 / rho_r)) - 100_000


def loss(x1: Any, x2: Any) -> Any:
    """9.4.1, equation 33, as the estimate of delta Y = x1^2 + x2^2."""
    return x1 * x1 + x2 * x2


def near(found: tuple[float, float], printed: tuple[float, float], u: float) -> bool:
    allowed = montecarlo.numerical_tolerance(u, 2)
    return all(abs(one - other) <= allowed for one, other in zip(found, printed, strict=True))


@pytest.mark.parametrize(
    ("widths", "u", "interval"),
    [((1, 1, 1, 1), 2.0, (-3.88, 3.88)), ((1, 1, 1, 10), 10.1, (-17.0, 17.0))],
    ids=["9.2.3", "9.2.4"],
)
def test_9_2_sums_of_rectangular_quantities(widths: tuple[float, ...], u: float, interval: tuple[float, float]) -> None:
    inputs = [Within(0, "rectangular", width * math.sqrt(3)) for width in widths]
    found = montecarlo.propagate(added, inputs, seed=SEED, p=0.95)
    assert found.u == pytest.approx(u, abs=montecarlo.numerical_tolerance(u, 2) * 1.2)
    assert near(found.symmetric, interval, u)


def test_9_2_2_a_sum_of_normal_quantities() -> None:
    """u = 2.0, +-3.92; Monte Carlo and the law of propagation agree (clause 8)."""
    found = montecarlo.propagate(added, [Normal(0, 1)] * 4, seed=SEED, p=0.95)
    linear = budget.evaluate([Component(name=str(i), u=1) for i in range(4)], p=0.95)
    assert f"{linear.expanded:.2f}" == "3.92"
    assert montecarlo.is_validated((-linear.expanded, linear.expanded), found, 2.0)


def test_9_2_4_the_linear_result_is_not_confirmed() -> None:
    """The law of propagation gives +-19.9, Monte Carlo +-17.0."""
    inputs = [Within(0, "rectangular", width * math.sqrt(3)) for width in (1, 1, 1, 10)]
    found = montecarlo.propagate(added, inputs, seed=SEED, p=0.95)
    linear = budget.evaluate([Component(name=str(i), u=u) for i, u in enumerate((1, 1, 1, 10))], p=0.95)
    assert f"{linear.expanded:.1f}" == "19.9"
    assert not montecarlo.is_validated((-linear.expanded, linear.expanded), found, 10.1)


def test_9_3_mass_calibration() -> None:
    """Table 6: 1.2341, u 0.0754, shortest 95 % interval 1.0834 to 1.3825; first order 0.0539, second order 0.0750."""
    within: list[Within] = [
        Within(1.2, "rectangular", 0.1),
        Within(8e3, "rectangular", 1e3),
        Within(8e3, "rectangular", 50),
    ]
    inputs: list[Input] = [Normal(1e5, 0.050), Normal(1.234, 0.020), *within]
    found = montecarlo.propagate(mass, inputs, seed=SEED, p=0.95)
    assert found.y == pytest.approx(1.2341, abs=0.0002)
    assert found.u == pytest.approx(0.0754, abs=0.0001)
    low, high = found.shortest
    assert high - low == pytest.approx(1.3825 - 1.0834, abs=0.0003)
    assert low == pytest.approx(1.0834, abs=0.001)  # where it lies is known less well than how long it is
    u = [0.050, 0.020, *(each.half_width / math.sqrt(3) for each in within)]
    orders = sensitivity.second_order(lambda x: float(mass(*x)), [1e5, 1.234, 1.2, 8e3, 8e3], u)
    assert (f"{orders.u_first:.4f}", orders.matters) == ("0.0539", True)
    assert orders.u_second == pytest.approx(0.0750, abs=0.0002)


@pytest.mark.parametrize(
    ("x1", "r", "y", "u", "interval"),
    [
        (0.000, 0.0, 50, 50, (0, 150)),
        (0.010, 0.0, 150, 112, (0, 367)),
        (0.050, 0.0, 2550, 502, (1590, 3543)),
        (0.000, 0.9, 50, 67, (0, 185)),
        (0.010, 0.9, 150, 121, (13, 398)),
        (0.050, 0.9, 2551, 505, (1628, 3555)),
    ],
)
def test_9_4_comparison_loss(x1: float, r: float, y: float, u: float, interval: tuple[float, float]) -> None:
    """Tables 7 and 8, in 1e-6: u(x) = 0.005, correlation 0 and 0.9."""
    covariance = [[25e-6, r * 25e-6], [r * 25e-6, 25e-6]]
    found = montecarlo.propagate_correlated(loss, [x1, 0], covariance, seed=SEED, p=0.95)
    assert found.y * 1e6 == pytest.approx(y, abs=montecarlo.numerical_tolerance(u, 2))
    assert found.u * 1e6 == pytest.approx(u, abs=montecarlo.numerical_tolerance(u, 2) / 2)
    assert near((found.shortest[0] * 1e6, found.shortest[1] * 1e6), interval, u)


def test_9_4_the_first_order_says_nothing_at_zero() -> None:
    """Table 7: 0 by the first order, 50e-6 with the second."""
    orders = sensitivity.second_order(lambda x: float(loss(*x)), [0, 0], [0.005, 0.005])
    assert orders.u_first == pytest.approx(0, abs=1e-12)
    assert orders.u_second == pytest.approx(50e-6, rel=1e-9)


def test_7_9_2_numerical_tolerance() -> None:
    """EXAMPLES 1 to 4: 0.000 35 g, 2 digits: 0.000 005 g; 2 K, 1 digit: 0.5 K; also 0.0754 and 67."""
    assert montecarlo.numerical_tolerance(0.00035, 2) == pytest.approx(0.000005)
    assert montecarlo.numerical_tolerance(2, 1) == 0.5
    assert [montecarlo.numerical_tolerance(u, 2) for u in (0.0754, 67)] == pytest.approx([0.0005, 0.5])


def test_jcgm_106_one_sided_probabilities() -> None:
    """7.3, EXAMPLES: a diode of -5.47 V, u 0.05 V, upper -5.40 V: 0.92; 509.7 kPa, u 8.6, lower 490: 0.99."""
    assert f"{conformity.p_conform('-5.47', '0.05', upper='-5.40'):.2f}" == "0.92"
    assert f"{conformity.p_conform('509.7', '8.6', lower='490'):.2f}" == "0.99"


def test_jcgm_106_two_sided_probability() -> None:
    """7.4, EXAMPLE: motor oil of 13.6 mm2/s, u 1.8, from 12.5 to 16.3: 0.66."""
    assert f"{conformity.p_conform('13.6', '1.8', lower='12.5', upper='16.3'):.2f}" == "0.66"


def test_jcgm_106_ball_bearings() -> None:
    """9.5.4: prior gamma(4, 4), limit 2 um, u 0.25 um: 4.2 % do not conform, 0.8 % are accepted; to 1.67 um 0.1 %."""
    prior, limits = risk.gamma_prior(4, 4), (0.0, 2.0)
    everything = risk.global_risk(prior, 0.25, tolerance=limits, acceptance=(-math.inf, math.inf))
    assert (f"{everything.consumer:.3f}", everything.producer) == ("0.042", 0.0)
    inspected = risk.global_risk(prior, 0.25, tolerance=limits, acceptance=limits)
    assert inspected.consumer == pytest.approx(0.008019111884303471, rel=1e-6)  # suncal
    guarded = risk.global_risk(prior, 0.25, tolerance=limits, acceptance=(0.0, 1.6718287715440068))
    assert guarded.consumer == pytest.approx(0.001, rel=1e-6)  # suncal


def test_deavers_global_risk_of_normal_items() -> None:
    """Deaver, as suncal tests it: items +-2 s within limits, 4 to 1: 0.8 % false accepts, 1.5 % false rejects."""
    found = risk.global_risk(risk.normal_prior(0, 4), 1, tolerance=(-8, 8), acceptance=(-8, 8))
    assert (f"{found.consumer:.3f}", f"{found.producer:.3f}") == ("0.008", "0.015")
