"""What the axes of a fitted function are called, and their units. Pure."""

from typing import Final

from kleinmaelzung_services.calibration.calculation.results import Correction, MeasurandResult
from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.certificate import words_correction as words
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet

_NAMES: Final = {
    "error": (words.ERROR, "E"),
    "correction": (words.CORRECTION, "b"),
    "raw": (words.RAW, "S"),
    "indication": (words.INDICATION, "I"),
    "reference": (words.REFERENCE, "R"),
}


def letter(kind: str) -> str:
    """In equations."""
    return _NAMES[kind][1]


def named(sheet: Sheet, kind: str) -> str:
    return sheet.say(_NAMES[kind][0])


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def x_unit(sheet: Sheet, result: MeasurandResult) -> str:
    return sheet.unit(result.measurand.unit)


def y_unit(correction: Correction) -> str:
    return numerals.unit(correction.y_unit)


def titled(name: str, unit: str) -> str:
    return capital(f"{name}, {unit}" if unit else name)
