"""Normal, Student's t and F: probabilities and quantiles without scipy, by the regularised incomplete beta function.

Checked against GUM Table G.2 and, in the tests, against scipy.
"""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Final

from kleinmaelzung_services.calibration.engine import checks
from kleinmaelzung_services.calibration.errors import CalibrationError

_TINY: Final = 1e-300
_MAX_TERMS: Final = 20_000
_NEARLY_NORMAL: Final = 1e6  # above, three terms in 1/dof are exact to the last digit, and the fraction below is slow
_NORMAL: Final = NormalDist()


def normal_cdf(z: float) -> float:
    """Probability of at most z (JCGM 106:2012, 7.2), exact in the lower tail too."""
    return 0.5 * math.erfc(-_number("z", z) / math.sqrt(2))


def normal_quantile(p: float) -> float:
    """The z below which lies the fraction p (the inverse of normal_cdf)."""
    return _NORMAL.inv_cdf(checks.probability("p", p))


def normal_factor(p: float) -> float:
    """k for a normal distribution: within +-k lies the fraction p (GUM 6.3.3, Table G.1)."""
    return -_NORMAL.inv_cdf((1 - checks.probability("p", p)) / 2)


def t_cdf(t: float, dof: float) -> float:
    """Probability of at most t, for Student's distribution (GUM G.3.2, equation G.1b)."""
    number, nu = _number("t", t), checks.degrees_of_freedom("dof", dof)
    tail = _t_tail(abs(number), nu)
    return tail if number <= 0 else 1 - tail


def t_factor(p: float, dof: float) -> float:
    """k for p and dof: within +-k lies the fraction p of Student's distribution (GUM G.3.4, Table G.2)."""
    fraction, nu = checks.probability("p", p), checks.degrees_of_freedom("dof", dof)
    if nu >= _NEARLY_NORMAL:
        return _t_from_normal(normal_factor(fraction), nu)
    tail = (1 - fraction) / 2
    found = _root(lambda t: _t_tail(t, nu), tail)
    if not math.isfinite(found):
        rule = f"no coverage factor for p = {fraction:g} can be given with so few"
        raise CalibrationError("dof", dof, rule, "measure more often, or choose a smaller p")
    return found


def f_tail(value: float, dof1: float, dof2: float) -> float:
    """Probability that F is as large as this or larger, were there no effect (GUM H.5.2.2; NIST/SEMATECH 1.3.6.6.5)."""
    number = checks.not_negative("F", value)
    nu1 = checks.positive("dof1", dof1)
    nu2 = checks.positive("dof2", dof2)
    if number == 0:
        return 1.0
    ratio = nu1 * number / nu2  # x and 1 - x, both without cancellation
    return beta_fraction(1 / (1 + ratio), ratio / (1 + ratio), nu2 / 2, nu1 / 2)


def f_quantile(p: float, dof1: float, dof2: float) -> float:
    """The F below which lies the fraction p (the inverse of f_tail, from above)."""
    tail = 1 - checks.probability("p", p)
    nu1, nu2 = checks.positive("dof1", dof1), checks.positive("dof2", dof2)
    return checks.result("the quantile of F", _root(lambda value: f_tail(value, nu1, nu2), tail))


def beta_fraction(x: float, rest: float, a: float, b: float) -> float:
    """I_x(a, b), the regularised incomplete beta function (NIST DLMF 8.17.22); `rest` is 1 - x."""
    if x <= 0:
        return 0.0
    if rest <= 0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_fraction(rest, x, b, a)
    log_front = a * _log(x, rest) + b * _log(rest, x) - _log_beta(a, b) - math.log(a)
    return math.exp(log_front) * _continued_fraction(x, a, b)


def _log(x: float, rest: float) -> float:
    return math.log(x) if x < 0.5 else math.log1p(-rest)


def _log_beta(a: float, b: float) -> float:
    """Where one is large, lgamma would lose digits: the ratio of two gammas has a series (DLMF 5.11.13)."""
    small, large = min(a, b), max(a, b)
    if large < 1e3 or small > 1e3:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.lgamma(small) + _log_gamma_ratio(large, small)


def _log_gamma_ratio(large: float, small: float) -> float:
    """ln gamma(large) - ln gamma(large + small), by Stirling's series for each."""
    whole = large + small
    stirling = _stirling(large) - _stirling(whole)
    return -(large - 0.5) * math.log1p(small / large) - small * math.log(whole) + small + stirling


def _stirling(z: float) -> float:
    return (1 / 12 - (1 / 360 - 1 / (1260 * z * z)) / (z * z)) / z


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Lentz's method for DLMF 8.17.22."""
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _MAX_TERMS):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + factor * d)
            c = _away_from_zero(1 + factor / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-16:
            return fraction
    raise CalibrationError("dof", (2 * a, 2 * b), "the probability does not converge", "use fewer degrees of freedom")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _t_tail(t: float, nu: float) -> float:
    """Probability beyond t, t not negative."""
    if nu >= _NEARLY_NORMAL:
        return 0.5 * math.erfc(_normal_from_t(t, nu) / math.sqrt(2))
    if t > 1e150:
        log_x = math.log(nu) - 2 * math.log(t)
        return 0.5 * math.exp(nu / 2 * log_x - _log_beta(nu / 2, 0.5) - math.log(nu / 2))
    square = t * t
    return 0.5 * beta_fraction(nu / (nu + square), square / (nu + square), nu / 2, 0.5)


def _t_from_normal(z: float, nu: float) -> float:
    """Cornish-Fisher (Abramowitz and Stegun 26.7.5)."""
    if nu == math.inf:
        return z
    return z + (z**3 + z) / (4 * nu) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * nu**2)


def _normal_from_t(t: float, nu: float) -> float:
    return t if nu == math.inf else t * (1 - 1 / (4 * nu)) / math.sqrt(1 + t * t / (2 * nu))


def _root(tail: Callable[[float], float], wanted: float) -> float:
    """The value beyond which lies what is wanted: bracketed, then halved in its logarithm, then in itself."""
    low, high = 1.0, 1.0
    while tail(low) < wanted:
        low /= 4
        if low < _TINY:
            return 0.0
    while tail(high) > wanted:
        high *= 4
        if high > 1e300:
            return math.inf
    while high / low > 2:
        middle = math.sqrt(low) * math.sqrt(high)
        low, high = (middle, high) if tail(middle) > wanted else (low, middle)
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (middle, high) if tail(middle) > wanted else (low, middle)
    return middle


def _number(field: str, value: float) -> float:
    if math.isnan(value):
        return checks.finite(field, value)
    return value  # an infinite one has a probability
