"""The worked examples of the GUM (JCGM 100:2008), with the digits that it prints."""

import math
from collections.abc import Sequence

import pytest

from kleinmaelzung_services.calibration.engine import budget, distributions, rounding, sensitivity, student, window
from kleinmaelzung_services.calibration.engine.budget import Component
from tests.unit.services.calibration import published

L_S, ALPHA_S, THETA = 5.000_062_3e7, 11.5e-6, -0.1  # H.1: nm, 1/K, K


def end_gauge(x: Sequence[float]) -> float:
    """H.1, equation H.3: l = l_s + d - l_s (delta_alpha theta + alpha_s delta_theta)."""
    l_s, d, delta_alpha, theta, alpha_s, delta_theta = x
    return l_s + d - l_s * (delta_alpha * theta + alpha_s * delta_theta)


def test_4_4_3_twenty_readings() -> None:
    """t = 100.145, s = 1.489, s/sqrt(20) = 0.333 degrees Celsius."""
    found = window.repeats(published.TABLE_1)
    assert (f"{found.mean:.3f}", f"{found.s:.3f}", f"{found.u:.3f}") == ("100.145", "1.489", "0.333")
    assert found.dof == 19


def test_4_4_5_and_4_4_6_limits() -> None:
    """96 to 104 degrees Celsius: rectangular 2.3, triangular 1.6."""
    assert f"{distributions.from_half_width('rectangular', 4).u:.1f}" == "2.3"
    assert f"{distributions.from_half_width('triangular', 4).u:.1f}" == "1.6"


def test_4_3_3_and_4_3_4_certificates() -> None:
    """4.3.3: U = 240 ug with k = 3 is 80 ug. F.2.2.1: a step is 0.29 of a step."""
    assert distributions.from_expanded(240, 3) == 80
    assert f"{distributions.from_resolution(1):.2f}" == "0.29"


@pytest.mark.parametrize(
    ("dof", "printed"),
    [
        (1, ["1.84", "6.31", "12.71", "13.97", "63.66", "235.80"]),
        (2, ["1.32", "2.92", "4.30", "4.53", "9.92", "19.21"]),
        (3, ["1.20", "2.35", "3.18", "3.31", "5.84", "9.22"]),
        (4, ["1.14", "2.13", "2.78", "2.87", "4.60", "6.62"]),
        (5, ["1.11", "2.02", "2.57", "2.65", "4.03", "5.51"]),
        (9, ["1.06", "1.83", "2.26", "2.32", "3.25", "4.09"]),
        (16, ["1.03", "1.75", "2.12", "2.17", "2.92", "3.54"]),
        (20, ["1.03", "1.72", "2.09", "2.13", "2.85", "3.42"]),
        (50, ["1.01", "1.68", "2.01", "2.05", "2.68", "3.16"]),
        (100, ["1.005", "1.660", "1.984", "2.025", "2.626", "3.077"]),
        (math.inf, ["1.000", "1.645", "1.960", "2.000", "2.576", "3.000"]),
    ],
)
def test_table_g2_of_t(dof: float, printed: list[str]) -> None:
    """The columns 68.27, 95.45 and 99.73 % are those of k = 1, 2 and 3 (its footnote a)."""
    one, two, three = (math.erf(k / math.sqrt(2)) for k in (1, 2, 3))
    for p, digits in zip((one, 0.90, 0.95, two, 0.99, three), printed, strict=True):
        places = len(digits.partition(".")[2])
        assert f"{student.t_factor(p, dof):.{places}f}" == digits


def test_h1_difference_of_the_end_gauges() -> None:
    """H.1.3.2: u(d) = 9.7 nm; H.1.6: nu_eff = 25.6, from the rounded 9.7, where the unrounded give 25.4."""
    terms = [("repeatability", 5.8, 24), ("random", 3.9, 5), ("systematic", 6.7, 8)]
    found = budget.evaluate([Component(name=name, u=u, dof=dof) for name, u, dof in terms])
    assert f"{found.u_c:.1f}" == "9.7"
    assert found.nu_eff == pytest.approx(9.7**4 / (9.68194**4 / 25.4473), abs=0.2)


def test_h1_end_gauge() -> None:
    """H.1.5: u_c = 32 nm; H.1.6: nu_eff = 16.7, so 16, t99 = 2.92, U = 93 nm."""
    u = (25, 9.7, 0.58e-6, 0.41, 1.2e-6, 0.029)
    dof = (18, 25.6, 50, math.inf, math.inf, 2)
    c = sensitivity.sensitivities(end_gauge, (L_S, 215, 0, THETA, ALPHA_S, 0), u)
    found = budget.evaluate([Component(name=str(i), u=u[i], c=c[i], dof=dof[i]) for i in range(6)], p=0.99)
    assert f"{found.u_c:.0f}" == "32"
    assert (f"{found.nu_eff:.1f}", found.coverage.dof) == ("16.7", 16)
    assert f"{found.k:.2f}" == "2.92"
    assert rounding.texts(50_000_838, found.expanded) == ("50000838", "93")
    assert [f"{abs(line.contribution):.1f}" for line in found.lines] == ["25.0", "9.7", "2.9", "0.0", "0.0", "16.7"]


def test_h1_7_terms_of_second_order_matter() -> None:
    """H.1.7: they bring 11.7 nm and 1.7 nm, and u_c = 34 nm instead of 32 nm."""
    u = (25, 9.7, 0.58e-6, 0.41, 1.2e-6, 0.029)
    found = sensitivity.second_order(end_gauge, (L_S, 215, 0, THETA, ALPHA_S, 0), u)
    assert (f"{found.u_first:.0f}", f"{found.u_second:.0f}", found.matters) == ("32", "34", True)
    assert math.sqrt(found.u_second**2 - found.u_first**2) == pytest.approx(math.hypot(11.7, 1.7), abs=0.3)


def test_h2_resistance_and_reactance() -> None:
    """H.2: means, their s, r = -0.36, 0.86, -0.65; R 127.732 and 0.071, Z 254.260 and 0.236, X 219.847.

    For X the guide prints u = 0.295, where its own readings give 0.2956.
    """
    means = [window.repeats(values) for values in published.H2]
    assert [f"{each.mean:.5g}" for each in means] == ["4.999", "0.019661", "1.0445"]
    assert [f"{each.u:.2g}" for each in means] == ["0.0032", "9.5e-06", "0.00075"]
    pairs = {
        (str(i), str(j)): window.covariance_of_means(published.H2[i], published.H2[j])[1]
        for i, j in ((0, 1), (0, 2), (1, 2))
    }
    assert [f"{r:.2f}" for r in pairs.values()] == ["-0.36", "0.86", "-0.65"]

    def evaluated(model: sensitivity.Model) -> tuple[float, float]:
        estimates, u = [each.mean for each in means], [each.u for each in means]
        c = sensitivity.sensitivities(model, estimates, u)
        lines = [Component(name=str(i), u=u[i], c=c[i]) for i in range(3)]
        return model(estimates), budget.evaluate(lines, pairs).u_c

    r, u_r = evaluated(lambda x: x[0] / x[1] * math.cos(x[2]))
    x, u_x = evaluated(lambda x: x[0] / x[1] * math.sin(x[2]))
    z, u_z = evaluated(lambda x: x[0] / x[1])
    assert [f"{value:.3f}" for value in (r, u_r, z, u_z, x)] == ["127.732", "0.071", "254.260", "0.236", "219.847"]
    assert u_x == pytest.approx(0.295, abs=0.001)


def test_5_2_2_ten_resistors_of_one_standard() -> None:
    """5.2.2, EXAMPLE: ten resistors of 100 mOhm, r = 1: 1 ohm; were they independent, 0.32 ohm."""
    parts = [Component(name=str(i), u=0.1) for i in range(10)]
    together = {(str(i), str(j)): 1.0 for i in range(10) for j in range(i)}
    assert budget.evaluate(parts, together).u_c == pytest.approx(1.0, rel=1e-12)
    assert f"{budget.evaluate(parts).u_c:.2f}" == "0.32"


def test_g_4_1_three_inputs() -> None:
    """G.4.1, EXAMPLE: relative u of 0.25, 0.57, 0.82 % with n = 10, 5, 15: 1.03 %, nu_eff 19.0, U 2.2 %."""
    terms = [(0.25, 9), (0.57, 4), (0.82, 14)]
    found = budget.evaluate([Component(name=str(u), u=u, dof=dof) for u, dof in terms], p=0.95)
    assert (f"{found.u_c:.2f}", f"{found.nu_eff:.1f}") == ("1.03", "19.0")
    assert (found.coverage.dof, f"{found.k:.2f}") == (19, "2.09")
    assert f"{found.expanded:.1f}" == "2.2"


def test_g_4_2_how_well_a_type_b_estimate_is_known() -> None:
    """G.4.2, EXAMPLE: u known to 25 % has 8 degrees of freedom."""
    assert distributions.dof_of_estimate(0.25) == 8
