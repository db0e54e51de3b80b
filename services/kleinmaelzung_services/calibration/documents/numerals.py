"""Numbers and units as a document prints them: 0.5 and degC in, 0,5 and °C out. Pure."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from kleinmaelzung_services.calibration.documents.texts import Language

_SMALLEST, _LARGEST = 1e-6, 1e12  # beyond, a power of ten is easier to read than zeros
_NUMBER: Final = re.compile(r"([-+−±]?[0-9]+)([.,][0-9]+)?")
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, language: Language) -> str:
    """As many digits as it has; a value of 12 digits is exact."""
    if value and not _SMALLEST <= abs(value) < _LARGEST:
        mantissa, _, exponent = f"{value:.11e}".partition("e")
        digits = _signs(mantissa.rstrip("0").rstrip("."), language)
        return f"{digits}·10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return _signs(_plain(value), language)


def rounded(value: Decimal, language: Language) -> str:
    """All digits that rounding has left, zeros at the end too."""
    return _signs(f"{value:f}", language)


def column(values: Sequence[float], language: Language) -> list[str]:
    """Numbers below each other: all with as many decimals as the one that has most."""
    texts = [number(value, language) for value in values]
    if not all(_NUMBER.fullmatch(text) for text in texts):
        return texts
    decimals = max((len(split(text)[1]) - 1 for text in texts), default=0)
    return [_signs(f"{Decimal(_plain(value)):.{max(decimals, 0)}f}", language) for value in values]


def split(text: str) -> tuple[str, str]:
    """What stands before the decimal sign, and the rest from it on. What is no number stands before it."""
    found = _NUMBER.fullmatch(text)
    return (found[1], found[2] or "") if found else (text, "")


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _plain(value: float) -> str:
    text = format(Decimal(f"{value:.12g}"), "f")
    return "0" if not float(text) else text


def _signs(text: str, language: Language) -> str:
    text = text.replace("-", "\N{MINUS SIGN}")
    return text.replace(".", ",") if language == "de" else text


def unit(symbol: str) -> str:
    """As it is printed: degC is °C, uL is µL, kg/m3 is kg/m³, and the unit one is nothing."""
    if symbol == "1":
        return ""
    symbol = symbol.replace("deg", "°").replace("Ohm", "Ω")
    symbol = re.sub(r"(?<![A-Za-z])u(?=[A-Za-zΩ])", "µ", symbol)
    return re.sub(r"(?<=[A-Za-zΩ])-?[0-9]+", lambda found: found[0].translate(_SUPERSCRIPTS), symbol)
