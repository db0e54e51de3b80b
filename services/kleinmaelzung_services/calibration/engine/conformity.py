"""Does it conform? A value with its U, tolerance limits and a decision rule in; verdict and risk out.

Limits are compared in Decimal, so 0.3 is not above 0.1 + 0.2; what equals a limit passes.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, get_args

from kleinmaelzung_services.calibration.engine import rounding, student
from kleinmaelzung_services.calibration.engine.rounding import Number
from kleinmaelzung_services.calibration.errors import CalibrationError

Rule = Literal["simple", "guard", "nonbinary"]
Verdict = Literal["pass", "conditional pass", "conditional fail", "fail", "no statement possible"]
Interval = tuple[Decimal | None, Decimal | None]

RULES: Final[tuple[Rule, ...]] = get_args(Rule)
GUARD_FACTOR: Final = Decimal(1)  # w = U (ILAC-G8:09/2019, 4.2.2)
_PASSES: Final = ("pass", "conditional pass")
_FAR: Final = 1e6  # times u: beyond, every probability is 0 or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`risk` is the specific one: that this very verdict is wrong. None where there is no verdict.

    `acceptance` is where the verdict is pass, `rejection` (with the rule nonbinary) beyond which it is fail.
    """

    verdict: Verdict
    rule: Rule
    why: str
    p_conform: float
    risk: float | None
    acceptance: Interval
    rejection: Interval
    guard_band: Decimal


def decide(
    value: Number,
    expanded: Number,
    k: Number,
    *,
    lower: Number | None = None,
    upper: Number | None = None,
    rule: Rule = "simple",
    guard_factor: Number = GUARD_FACTOR,
) -> Statement:
    """The verdict for one value (ILAC-G8:09/2019: simple 4.2.1, guard band 4.2.2, non-binary 4.2.3; JCGM 106:2012, 8).

    Where U is larger than half the tolerance, or nothing could be accepted, there is no statement.
    """
    if rule not in RULES:
        raise CalibrationError(
            "rule", str(rule), f"it must be one of {', '.join(RULES)}", "agree on one with the customer"
        )
    y, u, tolerance = rounding.decimal("value", value), _above_zero("U", expanded), _tolerance(lower, upper)
    u_standard = u / _above_zero("k", k)
    band = Decimal(0) if rule == "simple" else u * _guard_factor(guard_factor)
    inner, outer = _moved(tolerance, band), _moved(tolerance, -band)
    conform, fail = _probabilities(y, u_standard, tolerance)
    why = _why_not(u, tolerance, inner)
    verdict: Verdict = "no statement possible" if why else _verdict(y, tolerance, inner, outer, rule)
    risk = None if why else fail if verdict in _PASSES else conform
    return Statement(
        verdict=verdict,
        rule=rule,
        why=why,
        p_conform=conform,
        risk=risk,
        acceptance=inner,
        rejection=outer,
        guard_band=band,
    )


def p_conform(value: Number, u: Number, *, lower: Number | None = None, upper: Number | None = None) -> float:
    """Conformance probability of a normal quantity (JCGM 106:2012, 7.2 to 7.4)."""
    return _probabilities(rounding.decimal("value", value), _above_zero("u", u), _tolerance(lower, upper))[0]


def specific_consumer_risk(
    value: Number, u: Number, *, lower: Number | None = None, upper: Number | None = None
) -> float:
    """That this item, accepted, does not conform: 1 - p_conform, exact where small (JCGM 106:2012, 9.3.2)."""
    return _probabilities(rounding.decimal("value", value), _above_zero("u", u), _tolerance(lower, upper))[1]


def _tolerance(lower: Number | None, upper: Number | None) -> Interval:
    low = None if lower is None else rounding.decimal("lower", lower)
    high = None if upper is None else rounding.decimal("upper", upper)
    if low is None and high is None:
        raise CalibrationError("every limit", "missing", "one at least is needed", "give lower, upper or both")
    if low is not None and high is not None and low >= high:
        raise CalibrationError(
            "lower", str(low), f"it must be below the upper limit {high}", "exchange them, or correct one"
        )
    return low, high


def _above_zero(field: str, value: Number) -> Decimal:
    found = rounding.decimal(field, value)
    if found <= 0:
        raise CalibrationError(field, str(value), "it must be above zero", "see the certificate or the budget")
    return found


def _guard_factor(value: Number) -> Decimal:
    found = rounding.decimal("the guard factor", value)
    if found <= 0:
        rule = "a guard band lies within the limits, so it is above zero"
        raise CalibrationError("the guard factor", str(value), rule, "take 1 for U, or the rule simple for none")
    return found


def _moved(limits: Interval, by: Decimal) -> Interval:
    low, high = limits
    return None if low is None else low + by, None if high is None else high - by


def _why_not(u: Decimal, tolerance: Interval, inner: Interval) -> str:
    """Why there can be no statement; empty where there can."""
    low, high = tolerance
    if low is None or high is None:
        return ""
    if 2 * u > high - low:
        return (
            f"U = {u} is larger than half the tolerance, {(high - low) / 2}: measure better, or agree on wider limits"
        )
    inside_low, inside_high = inner
    if inside_low is not None and inside_high is not None and inside_low > inside_high:
        return "the guard bands leave nothing to accept: measure better, or agree on a smaller guard factor"
    return ""


def _verdict(y: Decimal, tolerance: Interval, inner: Interval, outer: Interval, rule: Rule) -> Verdict:
    if _is_within(y, inner):
        return "pass"
    if rule != "nonbinary":
        return "fail"
    if _is_within(y, tolerance):
        return "conditional pass"
    return "conditional fail" if _is_within(y, outer) else "fail"


def _is_within(y: Decimal, limits: Interval) -> bool:
    low, high = limits
    return (low is None or y >= low) and (high is None or y <= high)


def _probabilities(y: Decimal, u: Decimal, tolerance: Interval) -> tuple[float, float]:
    """Of conforming and of not conforming, each from its own tails: neither is 1 minus the other."""
    low, high = tolerance
    below = math.inf if low is None else _z(y - low, u)  # how many u above the lower limit
    above = math.inf if high is None else _z(high - y, u)
    not_conforming = student.normal_cdf(-below) + student.normal_cdf(-above)
    if min(below, above) < 0:  # outside: the far tail is subtracted from the near one
        within = student.normal_cdf(min(below, above)) - student.normal_cdf(-max(below, above))
        return max(0.0, within), min(1.0, not_conforming)
    return max(0.0, 1 - not_conforming), min(1.0, not_conforming)


def _z(distance: Decimal, u: Decimal) -> float:
    return min(_FAR, max(-_FAR, float(distance / u)))
