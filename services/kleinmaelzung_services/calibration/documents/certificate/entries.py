"""What is known beside its name, as tables; each text with the field of the record that it comes from. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from kleinmaelzung_services.calibration.documents.blocks import Column, Table
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.texts import Words

_LABEL, _WIDE, _NARROW = 2.6, 8.4, 3.7


@dataclass(frozen=True, slots=True)
class Entry:
    words: Words
    text: str
    field: str


def below(sheet: Sheet, entries: Sequence[Entry]) -> Table:
    """One a row; what is empty is left out."""
    known = [one for one in entries if one.text]
    return Table(
        columns=(Column(title="", share=_LABEL, is_label=True), Column(title="", share=_WIDE)),
        rows=tuple((sheet.say(one.words), one.text) for one in known),
        fields=tuple(("", one.field) for one in known),
        field="entries",
    )


def beside(sheet: Sheet, entries: Sequence[Entry]) -> Table:
    """Two a row; what is empty is left out."""
    known = [one for one in entries if one.text]
    halves = [((sheet.say(one.words), one.text), ("", one.field)) for one in known]
    if len(halves) % 2:
        halves.append((("", ""), ("", "")))
    label, wide = Column(title="", share=_LABEL, is_label=True), Column(title="", share=_NARROW)
    pairs = list(zip(halves[::2], halves[1::2], strict=True))
    return Table(
        columns=(label, wide, label, wide),
        rows=tuple((*left[0], *right[0]) for left, right in pairs),
        fields=tuple((*left[1], *right[1]) for left, right in pairs),
        field="entries",
    )
