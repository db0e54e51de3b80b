"""Units as the D-SI spells them: "mg" in, \\milli\\gram out, with numbers converted where it has no such unit. Pure.

A difference of temperatures is in kelvin there: a reader that makes kelvin of 0.1 \\degreecelsius gets 273.25 K.
"""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.units import Unit

# A unit as its parts: what the D-SI calls each, and the exponent.
Factors = tuple[tuple[str, int], ...]

_PREFIXES: Final = {
    "n": r"\nano", "u": r"\micro", "m": r"\milli", "c": r"\centi", "d": r"\deci", "h": r"\hecto", "k": r"\kilo",
    "M": r"\mega", "G": r"\giga",
}  # fmt: skip
_PREFIXED: Final = {
    "g": r"\gram", "m": r"\metre", "s": r"\second", "A": r"\ampere", "K": r"\kelvin", "mol": r"\mole",
    "L": r"\litre", "l": r"\litre", "Pa": r"\pascal", "bar": r"\bar", "N": r"\newton", "J": r"\joule", "W": r"\watt",
    "Hz": r"\hertz", "V": r"\volt", "Ohm": r"\ohm", "ohm": r"\ohm", "S": r"\siemens", "F": r"\farad", "lx": r"\lux",
}  # fmt: skip
_PLAIN: Final[dict[str, Factors]] = {
    "1": (),
    "%": ((r"\percent", 1),),
    "ppm": ((r"\ppm", 1),),
    "%RH": ((r"\percent", 1),),  # that it is relative humidity, the name of the quantity says
    "pH": (),  # a number by definition (IUPAC)
    "t": ((r"\tonne", 1),),
    "min": ((r"\minute", 1),),
    "h": ((r"\hour", 1),),
    "d": ((r"\day", 1),),
    "rpm": ((r"\minute", -1),),
    "deg": ((r"\degree", 1),),
    "mmHg": ((r"\mmHg", 1),),
    "kg": ((r"\kilogram", 1),),
    "degC": ((r"\degreecelsius", 1),),
}
# What the D-SI has no name for is converted.
_OTHERS: Final = {"ct": "g", "psi": "kPa", "degF": "degC"}
_TERM: Final = re.compile(r"(?P<symbol>%RH|%|1|[A-Za-z]+?)(?P<exponent>[2-4])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How numbers in `unit` are written: `into` is the same unit, or the one they are converted to."""

    unit: Unit
    into: Unit
    factors: Factors

    @property
    def symbol(self) -> str:
        """Of values on the scale."""
        return spelt(self.factors)

    @property
    def steps(self) -> Factors:
        """Of differences."""
        return ((r"\kelvin", 1),) if self.into.has_offset else self.factors

    @property
    def step(self) -> str:
        return spelt(self.steps)

    def value(self, number: float) -> float:
        return number if self.unit is self.into else units.convert(number, self.unit, self.into)

    def difference(self, number: float) -> float:
        return number if self.unit is self.into else units.convert_difference(number, self.unit, self.into)


ONE: Final = Scale(unit=Unit(symbol="1", kind=(), factor=1.0), into=Unit(symbol="1", kind=(), factor=1.0), factors=())


@functools.lru_cache(maxsize=512)
def of(text: str) -> Scale:
    """Raises UnitError for what is no unit, CalibrationError for what the D-SI cannot say."""
    unit = units.find(text)
    own = "/".join(map(_known, units.spelt(text).split("/")))
    into = unit if own == units.spelt(text) else units.find(own)
    above, *below = own.split("/")
    factors = product([(_term(above, text), 1), *((_term(each, text), -1) for each in below)])
    return Scale(unit=unit, into=into, factors=factors)


def product(parts: Iterable[tuple[Factors, int]]) -> Factors:
    """Several units, each to a power, as one."""
    exponents = dict[str, int]()
    for factors, power in parts:
        for name, exponent in factors:
            exponents[name] = exponents.get(name, 0) + power * exponent
    return tuple((name, exponent) for name, exponent in exponents.items() if exponent)


def spelt(factors: Factors) -> str:
    return "".join(
        name if exponent == 1 else rf"\per{name}" if exponent == -1 and place else rf"{name}\tothe{{{exponent}}}"
        for place, (name, exponent) in enumerate(factors)
    ) or (r"\one")


def _known(term: str) -> str:
    found = _TERM.fullmatch(term)
    return f"{_OTHERS.get(found['symbol'], found['symbol'])}{found['exponent'] or ''}" if found else term


def _term(term: str, text: str) -> Factors:
    found = _TERM.fullmatch(term)
    factors = _symbol(found["symbol"]) if found else None
    if found is None or factors is None:
        rule = "the digital calibration certificate has no such unit"
        raise CalibrationError("a unit", text, rule, "use another one in the template")
    return tuple((name, exponent * int(found["exponent"] or 1)) for name, exponent in factors)


def _symbol(symbol: str) -> Factors | None:
    if symbol in _PLAIN:
        return _PLAIN[symbol]
    if symbol in _PREFIXED:
        return ((_PREFIXED[symbol], 1),)
    prefix, rest = symbol[:1], symbol[1:]
    if prefix in _PREFIXES and rest in _PREFIXED:
        return ((_PREFIXES[prefix] + _PREFIXED[rest], 1),)
    return None
