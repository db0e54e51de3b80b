"""Least squares for calibrations: points in; coefficients with their covariance, residuals and lack of fit out.

y = b0 + b1 (x - origin) + b2 (x - origin)^2: of order 0, 1 or 2; through the origin it is without b0.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.engine import checks, least_squares, student
from kleinmaelzung_services.calibration.engine.least_squares import Basis, Points, Solution
from kleinmaelzung_services.calibration.errors import CalibrationError

Array = NDArray[np.float64]
ORDERS: Final = (0, 1, 2)
_SAME: Final = 1e-13  # of the largest y: replicates that differ by less agree to the last digit of a float


@dataclass(frozen=True, slots=True, kw_only=True)
class LackOfFit:
    """`p_value`: how likely an F as large as this is where the function is the right one."""

    f: float
    dof_lack: int
    dof_pure: int
    s_pure: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """`coefficients` from the lowest power up, with their `uncertainties`.

    `residual_s` is sqrt(sum w r^2/dof): with known uncertainties its square is the reduced chi squared, and the
    uncertainties of the coefficients do not depend on it (`is_known`).
    """

    order: int
    origin: float
    powers: tuple[int, ...]
    coefficients: tuple[float, ...]
    uncertainties: tuple[float, ...]
    correlation: Array
    residuals: Array
    residual_s: float
    dof: int
    is_known: bool
    range: tuple[float, float]
    lack_of_fit: LackOfFit | None
    basis: Basis

    @property
    def covariance(self) -> Array:
        """Of the coefficients, lowest power first (GUM 5.2.2, equation 14; H.3.3)."""
        with np.errstate(all="ignore"):
            found: Array = self.correlation * np.outer(self.uncertainties, self.uncertainties)
        checks.result("the covariance", float(np.abs(found).max()))
        return found


def fit(
    x: Iterable[float],
    y: Iterable[float],
    *,
    order: int = 1,
    through_origin: bool = False,
    origin: float = 0.0,
    weights: Iterable[float] | None = None,
    uncertainties: Iterable[float] | None = None,
) -> Fit:
    """Fit by least squares (GUM H.3.2 and H.3.3, equations H.13a to H.13g, in matrix form; ISO/TS 28037:2010, 6).

    Without weights, or with relative ones, the spread of the residuals gives the uncertainties (GUM H.3.3; `weights` of
    R's lm). With `uncertainties` of y, known beforehand, these give them, and the weights 1/u^2 (ISO/TS 28037:2010, 6).
    """
    powers, zero = _powers(order, through_origin), checks.finite("origin", origin)
    with np.errstate(all="ignore"):  # what does not fit a float is found and named
        found = least_squares.points(x, y, weights, uncertainties)
        _check_enough(found, powers, zero)
        solution = least_squares.solve(found, powers, zero)
        coefficients, own, correlation = least_squares.about(solution.basis, zero)
    return Fit(
        order=order,
        origin=zero,
        powers=powers,
        coefficients=tuple(checks.result("a coefficient", value) for value in coefficients),
        uncertainties=tuple(checks.result("u of a coefficient", value) for value in own),
        correlation=correlation,
        residuals=solution.residuals * solution.size,
        residual_s=solution.residual_s,
        dof=solution.dof,
        is_known=found.is_known,
        range=(float(found.x.min()), float(found.x.max())),
        lack_of_fit=_lack_of_fit(found, solution),
        basis=solution.basis,
    )


def responses(found: Fit, x: Iterable[float], uncertainties: Iterable[float] | None = None) -> Array:
    """How much each coefficient answers to each y of the fit, coefficients by points: what y shares is carried so.

    `x` and `uncertainties` are those that the fit was made of (GUM H.3.2, of which it is the derivative).
    """
    places = checks.column("x", x)
    roots = np.ones(len(places))
    if uncertainties is not None:
        u = checks.column("uncertainties", uncertainties)
        checks.same_length("uncertainties", u, "x", places)
        roots = float(u.min()) / u
    return least_squares.responses(found.basis, found.origin, places, roots)


def _powers(order: int, through_origin: bool) -> tuple[int, ...]:
    if isinstance(order, bool) or order not in ORDERS:
        remedy = "1 is a straight line, 2 a parabola, 0 a constant"
        raise CalibrationError("order", order, "it must be 0, 1 or 2", remedy)
    if through_origin and order == 0:
        raise CalibrationError("order", order, "a constant through the origin is zero", "use order 1 or 2")
    return tuple(range(1 if through_origin else 0, order + 1))


def _check_enough(found: Points, powers: tuple[int, ...], origin: float) -> None:
    needed = len(powers) + (0 if found.is_known else 1)
    informing = len(found.x) if 0 in powers else int((found.x != origin).sum())  # at the origin y is 0 anyhow
    if informing < needed:
        what = "coefficient" if len(powers) == 1 else "coefficients"
        rule = f"{len(powers)} {what}" + ("" if found.is_known else " and the uncertainty") + f" need at least {needed}"
        raise CalibrationError("the number of points", informing, rule, "measure more points, or lower the order")
    different = {float(each) for each in found.x} - ({origin} if 0 not in powers else set())
    if len(different) < len(powers):
        rule = f"{len(powers)} coefficients need as many different x"
        remedy = "measure at more places, or lower the order"
        raise CalibrationError("the number of different x", len(different), rule, remedy)


def _lack_of_fit(found: Points, solution: Solution) -> LackOfFit | None:
    """F test of the residuals against replicates at the same x (NIST/SEMATECH e-Handbook 4.4.4.6); None without any."""
    groups = dict[float, list[int]]()
    for place, x in enumerate(found.x):
        groups.setdefault(float(x), []).append(place)
    dof_pure = len(found.x) - len(groups)
    dof_lack = solution.dof - dof_pure
    if dof_pure < 1 or dof_lack < 1:
        return None
    squares = found.roots**2
    pure = math.fsum(_spread(solution.residuals[places], squares[places]) for places in groups.values())
    largest = float(np.abs(found.y).max()) / solution.size
    if pure <= (_SAME * max(largest, 1.0)) ** 2 * math.fsum(squares):  # nothing to compare with
        return None
    lack = max(0.0, math.fsum(squares * solution.residuals**2) - pure)
    f = lack / dof_lack / (pure / dof_pure)
    return LackOfFit(
        f=f,
        dof_lack=dof_lack,
        dof_pure=dof_pure,
        s_pure=checks.result("s of the replicates", math.sqrt(pure / dof_pure) * solution.size * found.unit),
        p_value=student.f_tail(f, dof_lack, dof_pure),
    )


def _spread(values: Array, squares: Array) -> float:
    """Weighted sum of squares about the weighted mean."""
    mean = math.fsum(squares * values) / math.fsum(squares)
    return math.fsum(squares * (values - mean) ** 2)
