"""Random budgets and fits against GTC, the GUM Tree Calculator, and against exact fractions."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import GTC
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.engine import budget, fits, prediction, sensitivity, student
from kleinmaelzung_services.calibration.engine.budget import Component

sizes = st.floats(1e-3, 1e3)
sensitivities = st.floats(-1e3, 1e3).filter(lambda c: abs(c) > 1e-3)
dofs = st.one_of(st.just(math.inf), st.integers(1, 100).map(float))
terms = st.lists(st.tuples(sizes, sensitivities, dofs), min_size=1, max_size=8)
places = st.lists(st.floats(-10, 10), min_size=4, max_size=12)
noise = st.lists(st.floats(-1, 1), min_size=12, max_size=12)
weights = st.lists(st.floats(0.01, 10), min_size=12, max_size=12)


@settings(deadline=None)
@given(terms)
def test_budgets_agree_with_gtc(given_terms: list[tuple[float, float, float]]) -> None:
    found = budget.evaluate([Component(name=str(i), u=u, c=c, dof=dof) for i, (u, c, dof) in enumerate(given_terms)])
    y = sum(c * GTC.ureal(0, u, dof) for u, c, dof in given_terms)
    assert found.u_c == pytest.approx(GTC.uncertainty(y), rel=1e-12)
    if math.isfinite(found.nu_eff) and found.nu_eff < 1e6:  # GTC calls more infinite
        assert found.nu_eff == pytest.approx(GTC.dof(y), rel=1e-9)
    assert sum(line.share for line in found.lines) == pytest.approx(1)


@settings(deadline=None)
@given(st.integers(2, 200), st.sampled_from([68.27, 90.0, 95.0, 95.45, 99.0]))
def test_coverage_factors_agree_with_gtc(dof: int, p: float) -> None:
    assert student.t_factor(p / 100, dof) == pytest.approx(GTC.reporting.k_factor(dof, p), rel=1e-6)


@settings(deadline=None)
@given(
    st.floats(-1, 1), st.tuples(sizes, sensitivities), st.tuples(sizes, sensitivities), st.tuples(sizes, sensitivities)
)
def test_correlated_budgets_agree_with_gtc(
    r: float, first: tuple[float, float], second: tuple[float, float], third: tuple[float, float]
) -> None:
    inputs = [GTC.ureal(0, u, independent=False) for u, _ in (first, second, third)]
    GTC.set_correlation(r, inputs[0], inputs[1])
    both = list(zip("abc", (first, second, third), strict=True))
    y = sum(c * x for x, (_, (_, c)) in zip(inputs, both, strict=True))
    found = budget.evaluate([Component(name=name, u=u, c=c) for name, (u, c) in both], {("a", "b"): r})
    largest = max(abs(u * c) for _, (u, c) in both)
    assert found.u_c == pytest.approx(GTC.uncertainty(y), rel=1e-9, abs=1e-6 * largest)
    assert found.nu_eff == math.inf


@settings(deadline=None)
@given(st.floats(1, 5), st.floats(1, 5), st.floats(0.1, 1), sizes.map(lambda u: u / 1e5), sizes.map(lambda u: u / 1e5))
def test_sensitivities_agree_with_gtc(v: float, i: float, phi: float, u1: float, u2: float) -> None:
    def model(x: Sequence[Any]) -> Any:
        return x[0] / x[1] * GTC.cos(x[2]) + x[0] ** 2

    inputs = [GTC.ureal(v, u1), GTC.ureal(i, u2), GTC.ureal(phi, 1e-3)]
    y = model(inputs)
    found = sensitivity.sensitivities(model, [v, i, phi], [u1, u2, 1e-3])
    assert found == pytest.approx([GTC.reporting.sensitivity(y, x) for x in inputs], rel=1e-5, abs=1e-6)


def points(xs: list[float], rests: list[float]) -> tuple[list[float], list[float]]:
    assume(max(xs) - min(xs) > 0.1)
    return xs, [3 - 2 * x + rest for x, rest in zip(xs, rests, strict=False)]


@settings(deadline=None)
@given(places, noise)
def test_lines_agree_with_gtc(xs: list[float], rests: list[float]) -> None:
    x, y = points(xs, rests)
    found, gtc = fits.fit(x, y), GTC.type_a.line_fit(x, y)
    assume(found.residual_s > 1e-6)
    a, b = gtc.a_b
    assert found.coefficients == pytest.approx((a.x, b.x), rel=1e-7, abs=1e-7)
    assert found.uncertainties == pytest.approx((a.u, b.u), rel=1e-6)
    assert found.correlation[0, 1] == pytest.approx(GTC.get_correlation(a, b), abs=1e-6)
    assert found.dof == a.df
    y0 = a + b * 4.5
    there = prediction.predict(found, 4.5)
    assert (there.y, there.u) == pytest.approx((y0.x, y0.u), rel=1e-5, abs=1e-7)


@settings(deadline=None)
@given(places, noise, weights)
def test_lines_with_known_uncertainties_agree_with_gtc(xs: list[float], rests: list[float], u: list[float]) -> None:
    x, y = points(xs, rests)
    found = fits.fit(x, y, uncertainties=u[: len(x)])
    a, b = GTC.type_a.line_fit_wls(x, y, u[: len(x)]).a_b
    assert found.coefficients == pytest.approx((a.x, b.x), rel=1e-6, abs=1e-6)
    assert found.uncertainties == pytest.approx((a.u, b.u), rel=1e-6)


@settings(deadline=None)
@given(places, noise, weights)
def test_lines_with_relative_weights_agree_with_gtc(xs: list[float], rests: list[float], u: list[float]) -> None:
    x, y = points(xs, rests)
    found = fits.fit(x, y, weights=[1 / each**2 for each in u[: len(x)]])
    assume(found.residual_s > 1e-6)
    a, b = GTC.type_a.line_fit_rwls(x, y, u[: len(x)]).a_b
    assert found.coefficients == pytest.approx((a.x, b.x), rel=1e-6, abs=1e-6)
    assert found.uncertainties == pytest.approx((a.u, b.u), rel=1e-5)


def exact(
    x: Sequence[float], y: Sequence[float], w: Sequence[float], powers: Sequence[int]
) -> tuple[list[float], list[float], float]:
    """Normal equations in fractions: slow, and without any rounding."""
    xs, ys, ws = ([Fraction(value) for value in column] for column in (x, y, w))
    size = len(powers)
    rows = [
        [sum((a * b ** (p + q) for a, b in zip(ws, xs, strict=True)), Fraction(0)) for q in powers]
        + [sum((a * b**p * c for a, b, c in zip(ws, xs, ys, strict=True)), Fraction(0))]
        + [Fraction(int(p == q)) for q in powers]
        for p in powers
    ]
    for i in range(size):
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for k in range(size):
            if k != i:
                rows[k] = [value - rows[k][i] * other for value, other in zip(rows[k], rows[i], strict=True)]
    c = [row[size] for row in rows]
    rest = [b - sum(k * a**p for k, p in zip(c, powers, strict=True)) for a, b in zip(xs, ys, strict=True)]
    square = sum(a * b * b for a, b in zip(ws, rest, strict=True)) / (len(xs) - size)
    own = [math.sqrt(square * rows[i][size + 1 + i]) for i in range(size)]
    return [float(value) for value in c], own, math.sqrt(square)


@pytest.mark.parametrize("powers", [(0,), (0, 1), (0, 1, 2), (1,), (1, 2)])
@pytest.mark.parametrize(
    ("offset", "span", "orders"),
    [(0, 1, 0), (1e9, 1, 0), (1e9, 1e-3, 0), (0, 1, 20), (1e6, 1, 20), (0, 1e60, 0), (0, 1e-60, 0)],
    ids=["plain", "offset", "offset and narrow", "weights", "offset and weights", "huge", "tiny"],
)
def test_fits_agree_with_exact_fractions(powers: tuple[int, ...], offset: float, span: float, orders: float) -> None:
    shape = (0.9, -0.2, 0.31, -0.77, 0.58, -0.5, 0.04, -0.95, 0.66, 0.1)
    scatter = (0.1, -0.07, 0.02, 0.11, -0.12, 0.05, -0.03, 0.06, -0.08, 0.09)
    x = [offset + span * each for each in shape]
    y = [1 + 2 * each + 0.3 * each * each + rest for each, rest in zip(shape, scatter, strict=True)]
    w = [10 ** (orders * (place / 9 - 0.5)) for place in (3, 7, 0, 9, 1, 5, 8, 2, 6, 4)]
    found = fits.fit(x, y, order=max(powers), through_origin=0 not in powers, weights=w)
    coefficients, own, residual_s = exact(x, y, w, powers)
    for value, u, true in zip(found.coefficients, found.uncertainties, coefficients, strict=True):
        assert abs(value - true) < 1e-8 * u
    assert found.uncertainties == pytest.approx(own, rel=1e-10)
    assert found.residual_s == pytest.approx(residual_s, rel=1e-10)


def test_large_weights_do_not_drown_small_ones_wherever_they_stand() -> None:
    x, y, w = (0.2523, 0.2039, 0.6667, 0.6777), (-0.309, -0.521, 0.389, 0.5), (0.04, 8.7e9, 4.8e8, 0.06)
    for turned in range(4):
        xs, ys, ws = ([column[(place + turned) % 4] for place in range(4)] for column in (x, y, w))
        found = fits.fit(xs, ys, order=2, weights=ws)
        _, own, _ = exact(xs, ys, ws, (0, 1, 2))
        assert found.uncertainties == pytest.approx(own, rel=1e-12)
