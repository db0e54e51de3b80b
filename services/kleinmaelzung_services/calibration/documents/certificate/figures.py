"""What a table of results prints: points as calculated in; their texts out, rounded as certificates do. Pure.

U has two significant digits, the error ends at the same place (GUM 7.2.6; EA-4/02 M:2022, 6.3). Reference and
indication have as many decimals as the finest of the errors, and never fewer than the resolution.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation.results import Decision, PointResult, Uncertainty
from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.engine import coverage, rounding
from kleinmaelzung_services.calibration.templates.template import Measurand

UP, DOWN, NONE = "↑", "↓", "\N{EN DASH}"
_MANY_DOF: Final = 1000  # beyond, k does not change in its second decimal
_FINEST: Final = 12  # decimals
_PLAIN_FROM, _PLAIN_TO = Decimal("1e-6"), Decimal("1e12")  # beyond, a power of ten is easier to read than zeros


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row, without units. What there is not is a dash."""

    direction: str
    reference: str
    indication: str
    error: str
    expanded: str
    k: str
    nu_eff: str
    repeats: str
    s: str
    limits: str
    acceptance: str
    verdict: str
    risk: str


def of_points(measurand: Measurand, points: Sequence[PointResult], language: Language) -> tuple[Figures, ...]:
    """A row for each point; `verdict` is the engine's word for it."""
    decimals = decimals_on_scale(measurand, points)
    limits = _limits(points, language)
    return tuple(
        Figures(
            direction=UP if point.direction == "up" else DOWN,
            reference=fixed(point.reference, decimals, language),
            indication=fixed(point.indication, decimals, language),
            error=numerals.rounded(error(point), language),
            expanded=numerals.rounded(expanded(point), language),
            k=factor(point.uncertainty, language),
            nu_eff=degrees(point.uncertainty.nu_eff, language),
            repeats=str(point.repeats),
            s=NONE if point.s is None else finer(point.s, expanded(point), language),
            limits=limit,
            acceptance=_acceptance(point, language),
            verdict=point.decision.statement.verdict if point.decision else "not stated",
            risk=_risk(point.decision, language),
        )
        for point, limit in zip(points, limits, strict=True)
    )


def expanded(point: PointResult) -> Decimal:
    return of_uncertainty(point.uncertainty)


def of_uncertainty(found: Uncertainty) -> Decimal:
    """U as it is printed."""
    return rounding.uncertainty(found.expanded)


def error(point: PointResult) -> Decimal:
    return rounding.to_place_of(point.error, expanded(point))


def decimals_on_scale(measurand: Measurand, points: Sequence[PointResult]) -> int:
    """Of reference and indication, so that the errors can be computed from them as far as rounding allows."""
    return max(decimals_of(measurand, expanded(point)) for point in points)


def decimals_of(measurand: Measurand, rounded: Decimal) -> int:
    """Of a value whose U, in the unit of errors, is rounded so."""
    ratio = units.convert_difference(1.0, measurand.error_unit, measurand.unit)
    needed = math.ceil(-place(rounded) - math.log10(ratio) - 1e-9)
    shown = -place(Decimal(repr(measurand.display.resolution)).normalize())
    return max(0, min(_FINEST, max(needed, shown)))


def place(value: Decimal) -> int:
    """Where its last digit stands: -2 is hundredths."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def fixed(value: float, decimals: int, language: Language) -> str:
    return numerals.rounded(rounding.to_place_of(value, Decimal(1).scaleb(-decimals)), language)


def finer(value: float, than: Decimal, language: Language) -> str:
    """What is not U itself, such as s: one place more than U has."""
    return numerals.rounded(rounding.to_place_of(value, than.scaleb(-1)), language)


def significant(value: float, digits: int, language: Language) -> str:
    """So many digits, zeros at the end too; a power of ten where it is very small or large."""
    if value == 0:
        return "0"
    found = Decimal(f"{value:.{digits - 1}e}")
    if not _PLAIN_FROM <= abs(found) < _PLAIN_TO:
        return numerals.number(float(found), language)
    return numerals.rounded(found, language)


def short(value: float, digits: int, language: Language) -> str:
    """So many digits at most: 1000, and not 1000.0."""
    return numerals.number(float(f"{value:.{digits}g}"), language)


def factor(uncertainty: Uncertainty, language: Language) -> str:
    """k with two decimals; one that the template has fixed as it is written there."""
    if uncertainty.basis == "fixed":
        return fixed(uncertainty.k, max(2, -place(Decimal(repr(uncertainty.k)).normalize())), language)
    return fixed(uncertainty.k, 2, language)


def degrees(nu: float, language: Language) -> str:
    """Truncated, as k is taken for it (GUM G.4.1, NOTE 1)."""
    if math.isinf(nu):
        return "∞"
    if nu > _MANY_DOF:
        return f"> {_MANY_DOF}"
    found = coverage.truncated(nu) if nu > 0 else 0.0
    return str(int(found)) if found >= 1 or found == 0 else fixed(found, 2, language)


def percent(share: float, language: Language) -> str:
    """A probability: two digits say enough."""
    if share < 0.001:
        return f"< {fixed(0.1, 1, language)} %"
    if share > 0.999:
        return f"> {fixed(99.9, 1, language)} %"
    has_decimal = share < 0.0995 or share >= 0.995
    return f"{fixed(100 * share, 1 if has_decimal else 0, language)} %"


def interval(low: Decimal | None, high: Decimal | None, language: Language) -> str:
    """What is permitted: `±1.0`, `≤ 3`, or both ends."""
    if low is None and high is None:
        return NONE
    if low is None or high is None:
        sign, end = ("≥", low) if high is None else ("≤", high)
        return f"{sign} {numerals.rounded(end or Decimal(0), language)}"
    if low == -high:
        return f"±{numerals.rounded(high, language)}"
    return f"{numerals.rounded(low, language)} … {numerals.rounded(high, language)}"


def margin(point: PointResult) -> float:
    """How many U the error is within its nearer limit; negative outside, infinite without limits."""
    decision = point.decision
    if decision is None:
        return math.inf
    rooms = [point.error - decision.lower] if decision.lower is not None else []
    rooms += [decision.upper - point.error] if decision.upper is not None else []
    return min(rooms, default=math.inf) / point.uncertainty.expanded


def nearest(points: Sequence[PointResult]) -> PointResult | None:
    """The point that decides: nearest to a limit, or farthest beyond. None where there are no limits."""
    found = min(points, key=margin)
    return None if math.isinf(margin(found)) else found


def _limits(points: Sequence[PointResult], language: Language) -> list[str]:
    """As they are, with as many decimals in all rows; what was computed from a share has one place more than U."""
    found = [_ends(point) for point in points]
    most = max((-place(end) for ends in found for end in ends if end is not None), default=0)
    at = Decimal(1).scaleb(-max(0, most))
    return [interval(_to(low, at), _to(high, at), language) for low, high in found]


def _ends(point: PointResult) -> tuple[Decimal | None, Decimal | None]:
    if point.decision is None:
        return None, None
    finest = expanded(point).scaleb(-1)
    return _end(point.decision.lower, finest), _end(point.decision.upper, finest)


def _end(limit: float | None, finest: Decimal) -> Decimal | None:
    """Without zeros at its end, and without what floats have added at theirs."""
    if limit is None:
        return None
    exact = Decimal(f"{limit:.12g}").normalize()
    return exact if place(exact) >= place(finest) else rounding.to_place_of(exact, finest).normalize()


def _acceptance(point: PointResult, language: Language) -> str:
    """To the place of U: it is the limit less the guard band as both are printed."""
    if point.decision is None:
        return NONE
    low, high = point.decision.statement.acceptance
    if low is not None and high is not None and low > high:
        return NONE
    at = expanded(point)
    return interval(_to(low, at), _to(high, at), language)


def _to(end: Decimal | None, at: Decimal) -> Decimal | None:
    return None if end is None else rounding.to_place_of(end, at)


def _risk(decision: Decision | None, language: Language) -> str:
    risk = decision.statement.risk if decision else None
    return NONE if risk is None else percent(risk, language)


def beyond_errors(points: Sequence[PointResult], value: float) -> Decimal:
    """A difference that belongs to no single point: one place more than the finest of the errors has."""
    finest = min(place(expanded(point)) for point in points)
    return rounding.to_place_of(value, Decimal(1).scaleb(finest - 1))
