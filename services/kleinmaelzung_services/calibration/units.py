"""The units of a laboratory: what "mg", "degC" or "mS/cm" means, and numbers from one into another. Pure.

    text --find()--> Unit     convert() for values on a scale     convert_difference() for errors, limits, uncertainties

20 degC is 293.15 K, but an error of 0.1 degC is 0.1 K: which of the two a number is, the caller says by the function.
"%RH" (relative humidity) and "pH" are kinds of their own: 5 % of 40 %RH is 2 %RH. Why no library: docs/decisions/0012.
"""

import difflib
import functools
import re
from dataclasses import dataclass
from typing import Final

MAX_LENGTH: Final = 32

# Exponents of the base kinds, in the order of their names: (("length", 3),) is a volume.
Kind = tuple[tuple[str, int], ...]


class UnitError(ValueError):
    """This is no unit, or not one into which the other can be converted; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A value in this unit times `factor`, plus `offset`, is the value in the SI's base units."""

    symbol: str
    kind: Kind
    factor: float
    offset: float = 0.0

    @property
    def has_offset(self) -> bool:
        """Whether its zero is a convention, so that twice the number is not twice as much."""
        return self.offset != 0.0


def _kind(**exponents: int) -> Kind:
    return tuple(sorted((name, exponent) for name, exponent in exponents.items() if exponent))


_ONE: Final = _kind()
_PRESSURE: Final = _kind(mass=1, length=-1, time=-2)
_VOLTAGE: Final = _kind(mass=1, length=2, time=-3, current=-1)
_RESISTANCE: Final = _kind(mass=1, length=2, time=-3, current=-2)

# With these go the SI's prefixes: mg, hPa, kOhm.
_PREFIXED: Final[dict[str, tuple[Kind, float]]] = {
    "g": (_kind(mass=1), 1e-3),
    "m": (_kind(length=1), 1.0),
    "s": (_kind(time=1), 1.0),
    "A": (_kind(current=1), 1.0),
    "K": (_kind(temperature=1), 1.0),
    "mol": (_kind(amount=1), 1.0),
    "L": (_kind(length=3), 1e-3),
    "Pa": (_PRESSURE, 1.0),
    "bar": (_PRESSURE, 1e5),
    "N": (_kind(mass=1, length=1, time=-2), 1.0),
    "J": (_kind(mass=1, length=2, time=-2), 1.0),
    "W": (_kind(mass=1, length=2, time=-3), 1.0),
    "Hz": (_kind(time=-1), 1.0),
    "V": (_VOLTAGE, 1.0),
    "Ohm": (_RESISTANCE, 1.0),
    "S": (_kind(mass=-1, length=-2, time=3, current=2), 1.0),
    "F": (_kind(mass=-1, length=-2, time=4, current=2), 1.0),
    "lx": (_kind(luminous=1, length=-2), 1.0),
}
_PREFIXES: Final[dict[str, float]] = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "h": 1e2, "k": 1e3, "M": 1e6, "G": 1e9
}  # fmt: skip
# And these stand as they are.
_PLAIN: Final[dict[str, tuple[Kind, float]]] = {
    "1": (_ONE, 1.0),
    "%": (_ONE, 1e-2),
    "ppm": (_ONE, 1e-6),
    "%RH": (_kind(humidity=1), 1.0),
    "pH": (_kind(pH=1), 1.0),
    "t": (_kind(mass=1), 1e3),
    "ct": (_kind(mass=1), 2e-4),
    "min": (_kind(time=1), 60.0),
    "h": (_kind(time=1), 3600.0),
    "d": (_kind(time=1), 86400.0),
    "rpm": (_kind(time=-1), 1 / 60),
    "deg": (_kind(angle=1), 1.0),
    "mmHg": (_PRESSURE, 133.322387415),
    "psi": (_PRESSURE, 6894.757293168),
}
_WITH_OFFSET: Final[dict[str, tuple[Kind, float, float]]] = {
    "degC": (_kind(temperature=1), 1.0, 273.15),
    "degF": (_kind(temperature=1), 5 / 9, 459.67 * 5 / 9),
}
# Other spellings that instruments and people use, letter by letter what they are here.
_SPELLINGS: Final[tuple[tuple[str, str], ...]] = (
    ("°", "deg"), ("℃", "degC"), ("µ", "u"), ("μ", "u"), ("Ω", "Ohm"), ("Ω", "Ohm"), ("²", "2"), ("³", "3")
)  # fmt: skip
_TERM = re.compile(r"(?P<symbol>%RH|%|1|[A-Za-z]+)(?P<exponent>(?<=[A-Za-z])[2-4])?")
_WORDS: Final[dict[str, str]] = {
    "C": "degC", "celsius": "degC", "°K": "K", "degK": "K", "rH": "%RH", "RH": "%RH", "rh": "%RH", "%rH": "%RH",
    "%rh": "%RH", "ph": "pH", "PH": "pH", "mb": "mbar", "gr": "g", "gramm": "g", "Gramm": "g", "kOhms": "kOhm",
    "sec": "s", "cc": "mL", "torr": "mmHg", "Torr": "mmHg",
}  # fmt: skip


@functools.lru_cache(maxsize=512)
def find(text: str) -> Unit:
    """Raises UnitError, with a suggestion where something is similar."""
    if not 0 < len(text) <= MAX_LENGTH:
        raise UnitError(f"a unit has 1 to {MAX_LENGTH} characters, found {len(text)}")
    own = spelt(text)
    if own in _WITH_OFFSET:
        kind, factor, offset = _WITH_OFFSET[own]
        return Unit(symbol=text, kind=kind, factor=factor, offset=offset)
    above, *below = own.split("/")
    if len(below) > 1:
        raise UnitError(f'"{text}" has more than one "/"')
    kind, factor = _term(above, text)
    if below:
        other_kind, other_factor = _term(below[0], text)
        kind, factor = _product(kind, other_kind, -1), factor / other_factor
    return Unit(symbol=text, kind=kind, factor=factor)


def spelt(text: str) -> str:
    """Return a unit as it is spelt here: with deg, u and Ohm for their signs."""
    for other, ours in _SPELLINGS:
        text = text.replace(other, ours)
    return text


def are_alike(one: Unit, other: Unit) -> bool:
    """Whether a number in one can be told in the other."""
    return one.kind == other.kind


def convert(value: float, unit: Unit, into: Unit) -> float:
    """Return a value on its scale, such as a temperature, in the other unit: 20 degC are 293.15 K."""
    _check(unit, into)
    if unit.offset == into.offset:
        return value * (unit.factor / into.factor)
    return (value * unit.factor + unit.offset - into.offset) / into.factor


def convert_difference(value: float, unit: Unit, into: Unit) -> float:
    """Return an error, a limit or an uncertainty in the other unit: 0.1 degC are 100 mK."""
    _check(unit, into)
    return value * (unit.factor / into.factor)


def _check(unit: Unit, into: Unit) -> None:
    if not are_alike(unit, into):
        raise UnitError(f'"{unit.symbol}" cannot be converted to "{into.symbol}"')


def _term(term: str, text: str) -> tuple[Kind, float]:
    found = _TERM.fullmatch(term)
    known = _symbol(found["symbol"]) if found else None
    if not found or known is None:
        raise UnitError(f'"{text}" is no unit that is known here{_hint(text)}')
    exponent = int(found["exponent"] or 1)
    kind, factor = known
    return _product(_ONE, kind, exponent), factor**exponent


def _symbol(symbol: str) -> tuple[Kind, float] | None:
    symbol = {"l": "L", "ohm": "Ohm"}.get(symbol, symbol)
    if symbol in _PLAIN:
        return _PLAIN[symbol]
    if symbol in _PREFIXED:
        return _PREFIXED[symbol]
    prefix, rest = symbol[:1], {"l": "L", "ohm": "Ohm"}.get(symbol[1:], symbol[1:])
    if prefix in _PREFIXES and rest in _PREFIXED:
        kind, factor = _PREFIXED[rest]
        return kind, factor * _PREFIXES[prefix]
    return None


def _product(one: Kind, other: Kind, exponent: int) -> Kind:
    exponents = dict(one)
    for name, found in other:
        exponents[name] = exponents.get(name, 0) + exponent * found
    return _kind(**exponents)


def _hint(text: str) -> str:
    if text in _WORDS:
        return f', did you mean "{_WORDS[text]}"?'
    usual = [
        "g",
        "mg",
        "kg",
        "degC",
        "K",
        "mK",
        "%RH",
        "%",
        "hPa",
        "kPa",
        "mL",
        "uL",
        "pH",
        "mV",
        "V",
        "mA",
        "mm",
        "mS/cm",
    ]
    similar = difflib.get_close_matches(text, usual, n=1)
    return f', did you mean "{similar[0]}"?' if similar else ""
