"""Global risk: how often a decision rule errs over a whole production (JCGM 106:2012, clause 9.5). Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.engine import checks
from kleinmaelzung_services.calibration.errors import CalibrationError

Array = NDArray[np.float64]
_PANELS: Final = 400
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is known of the items before one is measured: a density over a support wide enough to hold all of it."""

    density: Callable[[Array], Array]
    support: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalRisk:
    """Fractions of all items: accepted and not conforming, rejected and conforming."""

    consumer: float
    producer: float


def normal_prior(mean: float, deviation: float) -> Prior:
    """Items that scatter normally (JCGM 106:2012, 9.5)."""
    centre, s = checks.finite("mean", mean), checks.positive("deviation", deviation)
    scale = s * math.sqrt(2 * math.pi)
    return Prior(
        density=lambda eta: np.exp(-0.5 * ((eta - centre) / s) ** 2) / scale, support=(centre - 12 * s, centre + 12 * s)
    )


def gamma_prior(shape: float, rate: float) -> Prior:
    """A quantity near zero that cannot be below it (JCGM 106:2012, 9.5.4)."""
    a, b = checks.positive("shape", shape), checks.positive("rate", rate)
    front = a * math.log(b) - math.lgamma(a)

    def density(eta: Array) -> Array:
        inside = np.maximum(eta, 1e-300)
        return np.where(eta > 0, np.exp(front + (a - 1) * np.log(inside) - b * inside), 0.0)

    return Prior(density=density, support=(0.0, (a + 12 * math.sqrt(a) + 40) / b))


def global_risk(
    prior: Prior, u: float, *, tolerance: tuple[float, float], acceptance: tuple[float, float]
) -> GlobalRisk:
    """Consumer's and producer's risk (JCGM 106:2012, 9.5); a limit that is not there is infinite."""
    spread = checks.positive("u", u)
    for name, (low, high) in (("tolerance", tolerance), ("acceptance", acceptance)):
        if math.isnan(low) or math.isnan(high) or low >= high:
            raise CalibrationError(name, (low, high), "the lower limit is below the upper one", "correct the limits")
    start, end = prior.support
    marks = sorted({start, end, *(each for each in (*tolerance, *acceptance) if start < each < end)})
    consumer = producer = 0.0
    for low, high in pairwise(marks):
        eta, weight = _grid(low, high)
        accepted = _accepted(eta, spread, acceptance)
        density = prior.density(eta) * weight
        if tolerance[0] <= (low + high) / 2 <= tolerance[1]:
            producer += float((density * (1 - accepted)).sum())
        else:
            consumer += float((density * accepted).sum())
    return GlobalRisk(consumer=checks.result("the risk", consumer), producer=checks.result("the risk", producer))


def _grid(low: float, high: float) -> tuple[Array, Array]:
    edges = np.linspace(low, high, _PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    eta = edges[:-1, None] + half * (1 + _NODES)
    return eta.ravel(), (half * _WEIGHTS).ravel()


def _accepted(eta: Array, u: float, acceptance: tuple[float, float]) -> Array:
    """Probability that an item of true value eta is measured within the acceptance limits."""
    low, high = acceptance
    return _normal((high - eta) / u) - _normal((low - eta) / u)


def _normal(z: Array) -> Array:
    return np.array([0.5 * math.erfc(-each / math.sqrt(2)) for each in z])
