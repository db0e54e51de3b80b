"""Propagation of distributions (JCGM 101:2008): inputs, a model and a seed in; the result's distribution out.

The same seed gives the same numbers with the same version of numpy: the seed belongs into the record.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.engine import checks, coverage, distributions
from kleinmaelzung_services.calibration.errors import CalibrationError

Array = NDArray[np.float64]
Model = Callable[..., Array]  # one array of draws for each input, an array of the results back
TRIALS: Final = 10**6  # JCGM 101:2008, 7.2.2: enough for a 95 % interval of one or two digits
MAX_TRIALS: Final = 2 * 10**7


class Input(Protocol):
    """A quantity of which one can draw."""

    def draw(self, generator: Generator, trials: int) -> Array: ...


@dataclass(frozen=True, slots=True)
class Normal:
    """Estimate and standard uncertainty, no more known (JCGM 101:2008, 6.4.7)."""

    estimate: float
    u: float

    def __post_init__(self) -> None:
        checks.finite("estimate", self.estimate)
        checks.not_negative("u", self.u)

    def draw(self, generator: Generator, trials: int) -> Array:
        return self.estimate + self.u * generator.standard_normal(trials)


@dataclass(frozen=True, slots=True)
class Student:
    """The mean of a few repeats (JCGM 101:2008, 6.4.9.2): `u` is s/sqrt(n), `dof` n - 1."""

    estimate: float
    u: float
    dof: float

    def __post_init__(self) -> None:
        checks.finite("estimate", self.estimate)
        checks.not_negative("u", self.u)
        checks.finite("dof", checks.positive("dof", self.dof))

    def draw(self, generator: Generator, trials: int) -> Array:
        return self.estimate + self.u * generator.standard_t(self.dof, trials)


@dataclass(frozen=True, slots=True)
class Within:
    """Limits +-half_width around an estimate (JCGM 101:2008, 6.4.2, 6.4.4 to 6.4.6)."""

    estimate: float
    shape: distributions.Shape
    half_width: float
    beta: float | None = None

    def __post_init__(self) -> None:
        checks.finite("estimate", self.estimate)
        distributions.from_half_width(self.shape, self.half_width, self.beta)

    def draw(self, generator: Generator, trials: int) -> Array:
        return self.estimate + self.half_width * _unit(self.shape, self.beta, generator, trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class Propagated:
    """Mean and standard deviation of the draws; the interval with equal tails and the shortest one, each for p."""

    trials: int
    seed: int
    p: float
    y: float
    u: float
    symmetric: tuple[float, float]
    shortest: tuple[float, float]


def propagate(
    model: Model, inputs: Sequence[Input], *, seed: int, trials: int = TRIALS, p: float = coverage.P
) -> Propagated:
    """Draw, compute, sort (JCGM 101:2008, clauses 7.2 to 7.7; y and u by equations 16 and 17)."""
    _check_trials(trials, p)
    generator = Generator(PCG64(_checked_seed(seed)))
    return _summary(_computed(model, [each.draw(generator, trials) for each in inputs], trials), seed, p)


def propagate_correlated(
    model: Model,
    estimates: Sequence[float],
    covariance: Sequence[Sequence[float]],
    *,
    seed: int,
    trials: int = TRIALS,
    p: float = coverage.P,
) -> Propagated:
    """The same for jointly normal inputs (JCGM 101:2008, 6.4.8 and C.5)."""
    _check_trials(trials, p)
    mean = checks.column("estimates", estimates)
    factor = _factor(covariance, len(mean))
    generator = Generator(PCG64(_checked_seed(seed)))
    draws = mean[:, None] + factor @ generator.standard_normal((len(mean), trials))
    return _summary(_computed(model, list(draws), trials), seed, p)


def numerical_tolerance(u: float, digits: int) -> float:
    """Half of the last of the digits of u that mean something (JCGM 101:2008, 7.9.2)."""
    size = checks.positive("u", u)
    if digits not in (1, 2):
        raise CalibrationError("digits", digits, "u has one or two digits that mean something", "give 1 or 2")
    mantissa_exponent = int(f"{size:.{digits - 1}e}".partition("e")[2])
    return float(0.5 * 10.0 ** (mantissa_exponent - digits + 1))


def is_validated(interval: tuple[float, float], propagated: Propagated, u: float, digits: int = 2) -> bool:
    """Whether y +- U agrees with Monte Carlo at both ends within the tolerance (JCGM 101:2008, 8.1)."""
    allowed = numerical_tolerance(u, digits)
    ends = zip(interval, propagated.symmetric, strict=True)
    return all(abs(linear - drawn) <= allowed for linear, drawn in ends)


def _unit(shape: distributions.Shape, beta: float | None, generator: Generator, trials: int) -> Array:
    match shape:
        case "rectangular":
            return generator.uniform(-1, 1, trials)
        case "arcsine":
            return np.sin(generator.uniform(-math.pi, math.pi, trials))
    edge = beta or 0.0  # the triangle has none
    wide, narrow = (1 + edge) / 2, (1 - edge) / 2
    return wide * generator.uniform(-1, 1, trials) + narrow * generator.uniform(-1, 1, trials)


def _computed(model: Model, draws: list[Array], trials: int) -> Array:
    with np.errstate(all="ignore"):  # what is not finite is found and named below
        found = np.asarray(model(*draws), dtype=np.float64)
    if found.shape != (trials,):
        raise CalibrationError(
            "the model", found.shape, f"it returns {trials} results", "compute with arrays throughout"
        )
    if wrong := int((~np.isfinite(found)).sum()):
        rule = f"it has no finite value for {wrong} of {trials} draws"
        raise CalibrationError("the model", "undefined", rule, "narrow an input's distribution, or another model")
    return found


def _summary(results: Array, seed: int, p: float) -> Propagated:
    results = np.sort(results)
    middle = float(results[len(results) // 2])
    rest = results - middle  # a large offset costs no digits
    mean = float(rest.mean())
    return Propagated(
        trials=len(results),
        seed=seed,
        p=p,
        y=middle + mean,
        u=checks.result("u", float(np.sqrt(np.square(rest - mean).sum() / (len(rest) - 1)))),
        symmetric=_ends(results, p, (len(results) - round(p * len(results))) // 2),
        shortest=_ends(results, p, _start_of_shortest(results, p)),
    )


def _ends(results: Array, p: float, start: int) -> tuple[float, float]:
    """JCGM 101:2008, 7.7.2."""
    end = min(start + round(p * len(results)), len(results) - 1)
    return float(results[start]), float(results[end])


def _start_of_shortest(results: Array, p: float) -> int:
    """JCGM 101:2008, 7.7.4."""
    inside = min(round(p * len(results)), len(results) - 1)
    return int(np.argmin(results[inside:] - results[: len(results) - inside]))


def _check_trials(trials: int, p: float) -> None:
    checks.probability("p", p)
    least = math.ceil(1e4 / (1 - p)) if p < 0.99999 else MAX_TRIALS  # JCGM 101:2008, 7.2.2
    if not isinstance(trials, int) or not min(least, TRIALS) <= trials <= MAX_TRIALS:
        rule = f"for p = {p:g} it must be from {min(least, TRIALS)} to {MAX_TRIALS}"
        raise CalibrationError("trials", trials, rule, f"{TRIALS} do for most")


def _checked_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise CalibrationError("seed", seed, "it must be a whole number, not negative", "note it with the result")
    return seed


def _factor(covariance: Sequence[Sequence[float]], size: int) -> Array:
    """A square root of the covariance matrix, also where correlations of +-1 leave it singular."""
    rows = [checks.column(f"covariance[{place}]", row) for place, row in enumerate(covariance)]
    if len(rows) != size or any(len(row) != size for row in rows):
        shape = [len(row) for row in rows]
        raise CalibrationError("the covariance matrix", shape, f"{size} estimates need {size} by {size}", "give all")
    matrix = np.array(rows)
    largest = float(np.abs(matrix).max())
    if not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0):
        raise CalibrationError("the covariance matrix", "lopsided", "it is symmetric", "correct one of each pair")
    values, vectors = np.linalg.eigh(matrix / largest) if largest else (np.zeros(size), np.eye(size))
    if float(values[0]) < -1e-9:
        rule = "no quantities vary like this"
        raise CalibrationError("the covariance matrix's smallest eigenvalue", float(values[0]), rule, "check its signs")
    root: Array = vectors * np.sqrt(np.maximum(values, 0) * largest)
    return root
