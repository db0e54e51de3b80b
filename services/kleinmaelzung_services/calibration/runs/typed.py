"""What somebody types: text in; a number, or one line of printable text, out; or why it is none. Pure.

A number has a point. A comma is one only where the caller says so, and never where it may stand between thousands.
"""

import math
import re
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates.mistakes import LARGEST
from kleinmaelzung_services.calibration.units import Unit, UnitError
from kleinmaelzung_wire.codec import WireError

LONGEST: Final = 40
LONGEST_TEXT: Final = 2000
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_MAYBE_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


def number(text: str, *, is_comma_decimal: bool = False) -> float:
    """Raises WireError, with what to write instead."""
    plain = text.strip().replace("\N{MINUS SIGN}", "-")
    if _MAYBE_THOUSANDS.fullmatch(plain):
        point, whole = plain.replace(",", "."), plain.replace(",", "")
        raise WireError(
            f'"{plain}" is ambiguous: it may be {point} or {whole}; write the one that is meant, with a point'
        )
    if _COMMA.fullmatch(plain):
        point = plain.replace(",", ".")
        if not is_comma_decimal:
            raise WireError(f'"{plain}" has a comma, and a number has a point: write {point}')
        plain = point
    if len(plain) > LONGEST or not _NUMBER.fullmatch(plain):
        raise WireError(f'"{plain:.{LONGEST}}" is no number: write it in digits with a point, like 100.0002')
    if not math.isfinite(found := float(plain)) or abs(found) > LARGEST:
        raise WireError(f'"{plain}" is too large for a reading, at most {LARGEST:g}: check what was typed')
    return found


def line(text: str, key: str, *, may_be_empty: bool = False) -> str:
    """One line of it, as a certificate prints it. Raises WireError."""
    plain = " ".join(text.split())
    if not plain and not may_be_empty:
        raise WireError(f"{key} is empty: say it in a few words, they stand in the record")
    if len(plain) > LONGEST_TEXT:
        raise WireError(f"{key} has {len(plain)} characters, allowed are {LONGEST_TEXT}: shorten it")
    if not plain.isprintable():
        raise WireError(f"{key} has a character that cannot be printed: take it out")
    return plain


def printable(text: str) -> str:
    """What an instrument said, with what cannot be printed replaced."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:LONGEST_TEXT]


def unit(text: str, like: Unit) -> Unit:
    """A unit that can be converted to another. Raises WireError."""
    try:
        found = units.find(text)
    except UnitError as error:
        raise WireError(f"{error}: write one like {like.symbol}") from None
    if not units.are_alike(found, like):
        raise WireError(f'"{text}" cannot be converted to "{like.symbol}": write one that can')
    return found
