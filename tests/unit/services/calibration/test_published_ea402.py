"""The worked examples of EA-4/02 M:2022, supplement: the budgets as printed, and what is printed below them.

The printed contributions stand in a public test suite of another program too (MeasurementManager, with k of S2 by t).
"""

import math
from typing import Final

import pytest

from kleinmaelzung_services.calibration.engine import budget, distributions, rounding
from kleinmaelzung_services.calibration.engine.budget import Component
from kleinmaelzung_services.calibration.engine.distributions import Shape

Term = tuple[float, float, Shape]  # u, c, distribution
N: Final = "normal"
R: Final = "rectangular"
T: Final = "triangular"
U: Final = "arcsine"

ROOT3, ROOT6 = math.sqrt(3), math.sqrt(6)
S3: Final[list[Term]] = [
    (2.5e-3, 1, N), (10e-3 / ROOT3, 1, R), (2.75e-3 / ROOT3, 1, R), (5.5e-3 / ROOT3, 1, R), (1e-6 / ROOT6, 1e4, T),
    (0.07e-6, 1e4, N),
]  # fmt: skip
S4: Final[list[Term]] = [
    (15.0, 1, N), (17.3, 1, R), (5.37, 1, N), (18.5, 1, R), (28.9e-3, -575, R), (0.236e-6, 50e6, N), (3.87, -1, R),
]  # fmt: skip
S5: Final[list[Term]] = [
    (0.10, 1, N), (1.00, 0.077, N), (0.5 / ROOT3, 0.077, R), (2 / ROOT3, 0.077, R), (0.1 / ROOT3, -0.407, R),
    (0.15, 1, N), (0.3 / ROOT3, 1, R), (1 / ROOT3, 1, R),
]  # fmt: skip
S7: Final[list[Term]] = [
    (0.0090, 1, N), (0.0025, 1, R), (0.0011, 1, U), (0.0200, 1, U), (0.0017, 1, U), (0.0003, -1, U), (0.0003, 1, R),
    (0.0019, -1, R), (0.0020, 1, N),
]  # fmt: skip
S9: Final[list[Term]] = [(0.001, -1, N), (0.029, 1, R), (0.0064, -1, R)]
S10: Final[list[Term]] = [(0.46, -1, R), (1.15, 1.7, R), (25 / ROOT3, 1, R), (50 / ROOT3, 1, R)]
S11: Final[list[Term]] = [
    (15, 1, N), (10, 1, N), (23, 1, R), (29, -1, R), (58, 1, R), (144, 1, R), (29, 1, R), (17, 1, R),
]  # fmt: skip


def evaluated(terms: list[Term], p: float = 0.9545) -> budget.Budget:
    return budget.evaluate([Component(name=str(i), u=u, c=c, shape=s) for i, (u, c, s) in enumerate(terms)], p=p)


def test_s2_weight_of_10_kg() -> None:
    """u = 29.3 mg from U = 45 mg (k = 2), +-15, s = 25 mg of 3, +-10, +-10; U = 59 mg; the weight is 10 000.025 g."""
    within = [distributions.from_half_width("rectangular", a).u for a in (15, 10, 10)]
    assert [f"{u:.2f}" for u in within] == ["8.66", "5.77", "5.77"]
    u = [distributions.from_expanded(45, 2), within[0], 25 / math.sqrt(3), *within[1:]]
    found = budget.evaluate([Component(name=str(i), u=each) for i, each in enumerate(u)])
    assert (f"{found.u_c:.1f}", f"{found.k:.2f}") == ("29.3", "2.00")
    assert rounding.texts("10000.025", found.expanded / 1000) == ("10000.025", "0.059")


@pytest.mark.parametrize(
    ("terms", "u_c", "expanded"),
    [(S3, "0.00833", "0.017"), (S4, "36.4", "73"), (S5, "0.641", "1.3")],
    ids=["S3 resistor", "S4 gauge block", "S5 thermocouple"],
)
def test_examples_with_k_2(terms: list[Term], u_c: str, expanded: str) -> None:
    found = evaluated(terms)
    assert f"{found.u_c:.3g}" == u_c
    assert (f"{found.k:.2f}", found.coverage.basis) == ("2.00", "t")
    assert f"{rounding.uncertainty(found.expanded):f}" == expanded


def test_s7_an_arcsine_contribution_is_not_taken_for_dominant() -> None:
    """An attenuator at 30 dB: u = 0.0224 dB, k = 2, U = 0.045 dB; the printed contributions add up to 0.02234."""
    found = evaluated(S7)
    assert found.u_c == pytest.approx(0.0224, abs=0.0001)
    assert (f"{found.k:.2f}", f"{rounding.uncertainty(found.expanded):f}") == ("2.00", "0.045")


@pytest.mark.parametrize("p", [0.95, 0.9545])
def test_s9_one_rectangular_contribution_dominates(p: float) -> None:
    """A multimeter at 100 V: u = 0.030 V, k = 1.65, U = 0.05 V."""
    found = evaluated(S9, p)
    assert (f"{found.u_c:.3f}", found.coverage.basis) == ("0.030", "rectangular")
    assert (f"{found.k:.2f}", f"{rounding.uncertainty(found.expanded, 1):f}") == ("1.65", "0.05")


def test_s10_two_rectangular_contributions_dominate() -> None:
    """A vernier calliper: u = 33 um (0.033 mm), beta = 0.33, k = 1.83, U = 0.06 mm."""
    found = evaluated(S10, 0.95)
    assert found.coverage.beta is not None
    assert (f"{found.u_c:.2g}", found.coverage.basis, f"{found.coverage.beta:.2f}") == ("32", "trapezoid", "0.33")
    assert f"{found.k:.2f}" == "1.83"
    assert f"{rounding.uncertainty(found.expanded / 1000, 1):f}" == "0.06"


def test_s11_two_rectangular_contributions_dominate_less() -> None:
    """A block calibrator at 180 degrees Celsius: u = 164 mK, beta = 0.43, k = 1.81, U = 0.3 K.

    The guide's own formula of S10.13 gives 1.80 for beta = 0.43.
    """
    found = evaluated(S11, 0.95)
    assert found.coverage.beta is not None
    assert (f"{found.u_c:.0f}", f"{found.coverage.beta:.2f}") == ("164", "0.43")
    assert found.k == pytest.approx(1.81, abs=0.02)
    assert f"{rounding.uncertainty(found.expanded / 1000, 1):f}" == "0.3"


def test_s12_few_repeats_raise_k() -> None:
    """A water meter: 0.60e-3 from 3 runs, 0.68e-3: u = 0.91e-3, nu_eff = 10, k = 2.28, U = 0.2 %."""
    found = budget.evaluate([Component(name="repeats", u=6.0e-4, dof=2), Component(name="meter", u=6.8e-4)])
    assert (f"{found.u_c:.1e}", found.coverage.dof, f"{found.k:.2f}") == ("9.1e-04", 10, "2.28")
    assert f"{rounding.uncertainty(found.expanded, 1):f}" == "0.002"
