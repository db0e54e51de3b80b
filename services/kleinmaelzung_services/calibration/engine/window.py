"""What a captured window of readings says: values and times in; mean, spread, slope and how independent they are out.

The samples of one plateau are not independent repeats: a repeat is one placement or one approach, whose value is the
window's mean. `repeats` and `pooled` take such values.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.engine import checks
from kleinmaelzung_services.calibration.errors import CalibrationError


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStatistics:
    """`slope` is per unit of time; `n_eff` says how many independent readings those of the window are worth."""

    n: int
    mean: float
    s: float
    range: float
    slope: float
    rho: float
    n_eff: float

    @property
    def u_mean(self) -> float:
        """Of the mean, with the correlation of neighbours heeded (GUM 4.2.3, equation 5; n_eff for n: GUM 4.2.7)."""
        return self.s / math.sqrt(self.n_eff)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeA:
    """A value from independent repeats; `u` is the mean's standard uncertainty, `s` that of a single one."""

    n: int
    mean: float
    s: float
    u: float
    dof: float


def statistics(times: Iterable[float], values: Iterable[float]) -> WindowStatistics:
    """Statistics of one window.

    Mean and s in two passes (GUM 4.2.1, equation 3; 4.2.2, equation 4). Slope by least squares (GUM H.3.2). rho is the
    lag-1 autocorrelation (NIST/SEMATECH e-Handbook 1.3.5.12) and n_eff = n (1 - rho)/(1 + rho), from 1 to n: a negative
    rho earns nothing.
    """
    value, time = checks.column("values", values, at_least=2), checks.column("times", times, at_least=2)
    checks.same_length("values", value, "times", time)
    if not (np.diff(time) > 0).all():
        place = int(np.argmin(np.diff(time) > 0)) + 1
        rule = "every reading is taken later than the one before"
        raise CalibrationError(f"times[{place}]", float(time[place]), rule, "sort the readings by time, each once")
    mean, deviations = centred(value)
    rho = _autocorrelation(deviations)
    return WindowStatistics(
        n=len(value),
        mean=mean,
        s=checks.result("s", _deviation(deviations, len(value) - 1)),
        range=checks.result("the range", float(value.max()) - float(value.min())),
        slope=_slope(time, deviations),
        rho=rho,
        n_eff=min(len(value), max(1.0, len(value) * (1 - rho) / (1 + rho))),
    )


def repeats(values: Iterable[float]) -> TypeA:
    """Type A evaluation of independent repeats: mean, s, s/sqrt(n), n - 1 (GUM 4.2.1 to 4.2.3, equations 3 to 5)."""
    value = checks.column("repeats", values, at_least=2)
    mean, deviations = centred(value)
    n = len(value)
    s = checks.result("s", _deviation(deviations, n - 1))
    return TypeA(n=n, mean=mean, s=s, u=s / math.sqrt(n), dof=n - 1)


def pooled(groups: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The pooled standard deviation of several groups of repeats, and its degrees of freedom (GUM 4.2.4, H.5.2.5)."""
    found = [repeats(group) for group in groups]
    if not found:
        raise CalibrationError("groups", "empty", "at least one group of repeats is needed", "measure one")
    dof = sum(group.dof for group in found)
    largest = max(group.s for group in found)
    if largest == 0:
        return 0.0, dof
    square = math.fsum(group.dof * (group.s / largest) ** 2 for group in found) / dof
    return largest * math.sqrt(square), dof


def covariance_of_means(first: Iterable[float], second: Iterable[float]) -> tuple[float, float]:
    """Covariance of two means observed together, and its correlation coefficient (GUM 5.2.3, equation 17; H.2)."""
    one, other = checks.column("first", first, at_least=2), checks.column("second", second, at_least=2)
    checks.same_length("first", one, "second", other)
    (_, d1), (_, d2) = centred(one), centred(other)
    n = len(one)
    s1, s2 = _deviation(d1, n - 1), _deviation(d2, n - 1)
    if s1 == 0 or s2 == 0:
        return 0.0, 0.0
    r = math.fsum((d1 / s1) * (d2 / s2)) / (n - 1)
    r = min(1.0, max(-1.0, r))
    return checks.result("the covariance", r * s1 * s2 / n), r


def centred(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Mean and deviations in two passes: what the first mean lost by rounding, the second gives back."""
    rough = _mean(values)
    rest = values - rough
    correction = math.fsum(rest) / len(rest)
    return checks.result("the mean", rough + correction), rest - correction


def _mean(values: NDArray[np.float64]) -> float:
    largest = float(np.abs(values).max())
    if largest == 0:
        return 0.0
    exponent = math.frexp(largest)[1]  # a power of two loses nothing, and sums cannot overflow
    return math.ldexp(math.fsum(np.ldexp(values, -exponent)) / len(values), exponent)


def _deviation(deviations: NDArray[np.float64], dof: float) -> float:
    largest = float(np.abs(deviations).max())
    if largest == 0:
        return 0.0
    return largest * math.sqrt(math.fsum((deviations / largest) ** 2) / dof)


def _autocorrelation(deviations: NDArray[np.float64]) -> float:
    largest = float(np.abs(deviations).max())
    if largest == 0:
        return 0.0
    scaled = deviations / largest
    return math.fsum(scaled[:-1] * scaled[1:]) / math.fsum(scaled * scaled)


def _slope(times: NDArray[np.float64], deviations: NDArray[np.float64]) -> float:
    _, around = centred(times)
    length = float(np.abs(around).max())
    scaled = around / length
    return checks.result("the slope", math.fsum(scaled * deviations) / math.fsum(scaled * scaled) / length)
