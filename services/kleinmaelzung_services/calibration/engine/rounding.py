"""How a certificate writes a result: value and U in; both as decimals to the same place out. All in Decimal."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from typing import Final

from kleinmaelzung_services.calibration.engine import checks
from kleinmaelzung_services.calibration.errors import CalibrationError

MAX_LOSS: Final = Decimal("0.05")  # EA-4/02 M:2022, 6.3
Number = float | str | Decimal
_EXACT: Final = Context(prec=700)  # any float, to any place


def decimal(field: str, value: Number) -> Decimal:
    """The number as it was written: 0.1 is 0.1, not the binary fraction nearest to it."""
    if isinstance(value, Decimal):
        if value.is_finite():
            return value
        raise CalibrationError(field, str(value), "it must be a finite number", "remove it, or measure again")
    if isinstance(value, str):
        return _parsed(field, value)
    return Decimal(repr(checks.finite(field, value)))


def uncertainty(expanded: Number, digits: int = 2) -> Decimal:
    """U to two significant digits, or one; up where rounding loses more than 5 % (EA-4/02 M:2022, 6.3)."""
    exact = decimal("U", expanded)
    if exact <= 0:
        raise CalibrationError("U", str(exact), "an uncertainty is above zero", "enter what limits the measurement")
    if digits not in (1, 2):
        raise CalibrationError("digits", digits, "U has one or two significant digits (EA-4/02 6.3)", "give 1 or 2")
    place = exact.adjusted() - digits + 1
    rounded = _to(exact, place, ROUND_HALF_UP)
    if exact - rounded > MAX_LOSS * exact:
        rounded = _to(exact, place, ROUND_UP)
    if rounded.adjusted() > exact.adjusted():  # 9.96 became 10.0: two digits are 10
        rounded = _to(rounded, place + 1, ROUND_HALF_UP)
    return rounded


def to_place_of(value: Number, rounded: Decimal) -> Decimal:
    """The result to the last place of its rounded U (GUM 7.2.6; EA-4/02 M:2022, 6.3), a half to even."""
    exponent = rounded.as_tuple().exponent
    assert isinstance(exponent, int)
    return _to(decimal("value", value), exponent, ROUND_HALF_EVEN)


def texts(value: Number, expanded: Number, digits: int = 2) -> tuple[str, str]:
    """Value and U as a certificate prints them: same number of decimals, no exponent, never -0.000."""
    rounded = uncertainty(expanded, digits)
    return f"{to_place_of(value, rounded):f}", f"{rounded:f}"


def _to(exact: Decimal, place: int, rounding: str) -> Decimal:
    found = exact.quantize(Decimal(1).scaleb(place, _EXACT), rounding=rounding, context=_EXACT)
    return abs(found) if found == 0 else found  # no -0.000


def _parsed(field: str, text: str) -> Decimal:
    plain = text.strip()
    if not plain.isascii() or "_" in plain or not any(char.isdigit() for char in plain):
        raise CalibrationError(field, text, "it must be a number", "write it like 1.25 or 1.25e-3")
    try:
        found = Decimal(plain)
    except ArithmeticError:
        rule = "it must be a number"
        raise CalibrationError(field, text, rule, "write it like 1.25 or 1.25e-3, with a point") from None
    if not found.is_finite() or abs(found.adjusted()) > 300:
        raise CalibrationError(field, text, "it must be a number that can be calculated with", "choose a nearer unit")
    return found
