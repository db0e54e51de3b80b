"""Which texts cannot be printed: texts in; an error out that names the field, the character and its place. Pure.

A PDF library prints a box for what its font has not, and a certificate with a box in a name is wrong. So every text is
checked before anything is drawn.
"""

import unicodedata
from collections.abc import Iterable, Set
from typing import Final

from kleinmaelzung_services.calibration.documents.blocks import Place
from kleinmaelzung_services.calibration.errors import CalibrationError

_REMEDY: Final = "write it with Latin or Greek letters and signs of mathematics"
_SHOWN: Final = 40


class GlyphMissing(CalibrationError):
    """The document's fonts have no picture of a character."""


def composed(text: str) -> str:
    """One character for a letter with its accent: fonts have that, and it looks right."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def check(places: Iterable[Place], printable: Set[str]) -> None:
    """Raises GlyphMissing for the first character that cannot be printed."""
    for place in places:
        text = composed(place.text)
        for number, char in enumerate(text, 1):
            if char not in printable and char != "\n":
                raise GlyphMissing(place.field, _near(text, number), _rule(char, number), _REMEDY)


def _rule(char: str, number: int) -> str:
    shown = f'"{char}" (U+{ord(char):04X})' if char.isprintable() else f"U+{ord(char):04X}"
    return f"the fonts of the documents have no {shown}, its character {number}"


def _near(text: str, number: int) -> str:
    start = max(0, number - _SHOWN)
    return f'"{"..." if start else ""}{text[start : number + 8]}"'
