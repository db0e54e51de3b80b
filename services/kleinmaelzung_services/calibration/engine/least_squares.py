"""The algebra below the fits: points, weights and powers in; coefficients about a centre, and the way to others, out.

x is centred and scaled before an orthogonal decomposition (QR), rows with large weights first, so that neither an
offset, nor units, nor weights over many orders of magnitude cost digits.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.engine import checks
from kleinmaelzung_services.calibration.errors import CalibrationError

Array = NDArray[np.float64]
_WORST_CONDITION: Final = 1e11  # beyond, fewer than five digits of a coefficient would mean anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """`roots` are the square roots of the weights over the largest one, `unit` is that one's root.

    `is_known`: the weights are 1/u^2, so a point with the largest one has u = 1/unit.
    """

    x: Array
    y: Array
    roots: Array
    unit: float
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """t = (x - centre)/scale; through the origin all is multiplied by (x - zero)/width, else `width` is None."""

    centre: float
    scale: float
    zero: float
    width: float | None
    terms: int

    def rows(self, x: Array) -> Array:
        """1, t, t^2, as many as there are terms."""
        t = (x - self.centre) / self.scale
        lead = np.ones_like(t) if self.width is None else (x - self.zero) / self.width
        return np.stack([lead * t**power for power in range(self.terms)], axis=1)

    def slopes(self, x: Array) -> Array:
        """How each of them rises with x."""
        t = (x - self.centre) / self.scale
        rising = [power * t ** max(power - 1, 0) / self.scale for power in range(self.terms)]
        if self.width is None:
            return np.stack(rising, axis=1)
        lead = (x - self.zero) / self.width
        return np.stack([each * lead + t**power / self.width for power, each in enumerate(rising)], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The fit as it was calculated; the covariance of these coefficients is root root^T spread^2."""

    scaling: Scaling
    coefficients: Array
    root: Array
    spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """`residuals` of y over `size`, so that none overflows; `residual_s` is that of a point of weight 1."""

    basis: Basis
    residuals: Array
    size: float
    residual_s: float
    dof: int


def points(
    x: Iterable[float], y: Iterable[float], weights: Iterable[float] | None, uncertainties: Iterable[float] | None
) -> Points:
    """Checked; at most one of weights and uncertainties."""
    xs, ys = checks.column("x", x), checks.column("y", y)
    checks.same_length("x", xs, "y", ys)
    if weights is not None and uncertainties is not None:
        raise CalibrationError("weights", "given with uncertainties", "one implies the other", "give one of the two")
    if uncertainties is not None:
        u = _column_of_weights("uncertainties", uncertainties, xs)
        roots, unit = float(u.min()) / u, 1 / float(u.min())
    elif weights is not None:
        raw = np.sqrt(_column_of_weights("weights", weights, xs))
        roots, unit = raw / float(raw.max()), float(raw.max())
    else:
        roots, unit = np.ones(len(xs)), 1.0
    if not (roots > 0).all() or not math.isfinite(unit):
        rule = "they span more orders of magnitude than can be calculated with"
        raise CalibrationError(
            "the weights", "too different", rule, "leave the least of them out, or choose another unit"
        )
    return Points(x=xs, y=ys, roots=roots, unit=unit, is_known=uncertainties is not None)


def solve(found: Points, powers: tuple[int, ...], origin: float) -> Solution:
    """Least squares (GUM H.3.2, equation H.12, in matrix form); without the power 0 it passes through (origin, 0)."""
    has_constant = 0 in powers
    scaling = _scaling(found, len(powers), origin, has_constant)
    design = scaling.rows(found.x)
    shift = _weighted_mean(found.y, found.roots) if has_constant else 0.0
    size = checks.result("the span of y", float(np.abs(found.y - shift).max())) or 1.0
    wanted = (found.y - shift) / size
    solution, inverse = _decomposed(design, wanted, found.roots)
    rest = wanted - design @ solution
    dof = len(rest) - len(powers)
    spread = math.sqrt(math.fsum((found.roots * rest) ** 2) / dof) if dof else 0.0
    of_heaviest = 1 / found.unit if found.is_known else spread * size
    solution[0] += shift / size  # 0 where there is no constant
    return Solution(
        basis=Basis(scaling=scaling, coefficients=solution * size, root=inverse, spread=of_heaviest),
        residuals=rest,
        size=size,
        residual_s=checks.result("residual_s", spread * size * found.unit),
        dof=dof,
    )


def about(basis: Basis, origin: float) -> tuple[Array, Array, Array]:
    """Coefficients of the powers of x - origin, their uncertainties and correlations (GUM 5.2.2, equations 13, 14)."""
    turn = _turned(basis.scaling, origin)
    coefficients = np.array([math.fsum(row * basis.coefficients) for row in turn])
    is_lost = (np.diag(turn) * basis.coefficients == 0) & (basis.coefficients != 0)
    if is_lost.any() or not np.isfinite(turn).all():
        rule = "it is too small or too large for a float"
        raise CalibrationError("a coefficient", "out of range", rule, "choose another unit for x")
    root = turn @ basis.root
    lengths = np.array([math.hypot(*row) for row in root])
    directions = root / lengths[:, None]
    correlation = np.clip(directions @ directions.T, -1, 1)
    np.fill_diagonal(correlation, 1.0)
    return coefficients, lengths * basis.spread, correlation


def responses(basis: Basis, origin: float, x: Array, roots: Array) -> Array:
    """How each coefficient about the origin answers to each y, coefficients by points (GUM H.3.2, in matrix form)."""
    design = basis.scaling.rows(x) * (roots**2)[:, None]
    found: Array = _turned(basis.scaling, origin) @ basis.root @ basis.root.T @ design.T
    return found


def _turned(scaling: Scaling, origin: float) -> Array:
    """From coefficients about the centre to those about the origin."""
    powers = range(scaling.terms)
    t0 = np.float64((origin - scaling.centre) / scaling.scale)
    turn = np.array([[_binomial(each, power, t0) for each in powers] for power in powers])
    return turn / (np.float64(scaling.scale) ** np.array(powers)[:, None] * (scaling.width or 1.0))


def _column_of_weights(name: str, values: Iterable[float], xs: Array) -> Array:
    found = checks.column(name, values)
    checks.same_length(name, found, "x", xs)
    for place, value in enumerate(found):
        if value <= 0:
            rule = "it must be above zero"
            raise CalibrationError(f"{name}[{place}]", float(value), rule, "leave a point out that is not to count")
    return found


def _scaling(found: Points, terms: int, origin: float, has_constant: bool) -> Scaling:
    """Centred on the weighted mean, so that the terms are nearly orthogonal; x - origin is part of the weight."""
    x, roots, width = found.x, found.roots, None
    if not has_constant:
        width = checks.result("the span of x", float(np.abs(x - origin).max()))
        roots = roots * np.abs((x - origin) / width)
    centre = _weighted_mean(x, roots)
    scale = checks.result("the span of x", float(np.abs(x - centre).max())) or 1.0  # a constant does not mind
    return Scaling(centre=centre, scale=scale, zero=origin, width=width, terms=terms)


def _weighted_mean(values: Array, roots: Array) -> float:
    largest = float(np.abs(values).max()) or 1.0
    square = roots * roots
    mean = largest * (math.fsum(square * (values / largest)) / math.fsum(square))
    return checks.result("the mean", mean)


def _decomposed(design: Array, wanted: Array, roots: Array) -> tuple[Array, Array]:
    """Coefficients, and R^-1: with its transpose the covariance, in units of the variance of a heaviest point."""
    order = np.argsort(-roots, kind="stable")
    rows = np.column_stack([design, wanted])[order] * roots[order, None]
    triangle: Array = np.asarray(np.linalg.qr(rows, mode="r"))
    n = design.shape[1]
    r, right = triangle[:n, :n], triangle[:n, n]
    norms = np.linalg.norm(r, axis=0)
    if not (norms > 0).all() or not np.linalg.cond(r / norms) < _WORST_CONDITION:
        rule = "they do not determine the coefficients"
        remedy = "measure at more distant x, or lower the order"
        raise CalibrationError("the distance of the x", "too small", rule, remedy)
    inverse = np.linalg.solve(r / norms, np.eye(n)) / norms[:, None]
    return np.linalg.solve(r / norms, right) / norms, inverse


def _binomial(each: int, power: int, t0: np.float64) -> float:
    return float(math.comb(each, power) * t0 ** (each - power)) if each >= power else 0.0
