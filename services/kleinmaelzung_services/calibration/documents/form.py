"""What all sections of a form share: template, language, and the ways to say numbers, units and limits. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration.documents import numerals, texts
from kleinmaelzung_services.calibration.documents.blocks import Column, Heading, Table
from kleinmaelzung_services.calibration.documents.texts import Language, Words
from kleinmaelzung_services.calibration.templates.expressions import Expression
from kleinmaelzung_services.calibration.templates.template import Measurand, Template
from kleinmaelzung_services.calibration.units import Unit

WRITING_MM: Final = 8.0  # a line that a hand can fill in
_SIGNS: Final = re.compile(r"(?<![*\s])[*/](?![*\s])")
NOTE_MM: Final = 11.0  # two words below each other


@dataclass(frozen=True, slots=True)
class Form:
    template: Template
    language: Language

    def say(self, words: Words, **values: object) -> str:
        return texts.say(words, self.language, **values)

    def number(self, value: float) -> str:
        return numerals.number(value, self.language)

    def column(self, values: Sequence[float]) -> list[str]:
        return numerals.column(values, self.language)

    def unit(self, unit: Unit) -> str:
        return numerals.unit(unit.symbol)

    def heading(self, words: Words) -> Heading:
        return Heading(text=self.say(words), field="heading")

    def measurand(self, name: str) -> Measurand:
        return next(one for one in self.template.measurands if one.name == name)

    def titled(self, words: Words, unit: Unit) -> str:
        """The title of a column of numbers, with their unit."""
        return f"{self.say(words)}, {shown}" if (shown := self.unit(unit)) else self.say(words)

    def permitted(self, low: float | None, high: float | None, unit: str) -> str:
        if low is None and high is None:
            return self.say(texts.NO_LIMIT)
        if low is None:
            return self.say(texts.AT_MOST, high=self.number(high or 0.0), unit=unit).strip()
        if high is None:
            return self.say(texts.AT_LEAST, low=self.number(low), unit=unit).strip()
        return self.say(texts.SPAN, low=self.number(low), high=self.number(high), unit=unit).strip()

    def amount(self, expression: Expression, unit: Unit) -> str:
        """A number with its unit; or a formula, with the unit it is in."""
        shown = self.unit(unit)
        if expression.is_constant:
            value = self.number(float(expression.text)) if _is_float(expression.text) else expression.text
            return f"{value} {shown}".strip()
        return f"{formula(expression)}, in {shown}" if shown else formula(expression)

    def pairs(self, rows: Sequence[tuple[str, str]], field: str, *, label: float = 2.5) -> Table:
        """What is known, and what must be filled in, each beside its name, which has `label` of 11.5 of the width."""
        columns = (Column(title="", share=label, is_label=True), Column(title="", share=11.5 - label))
        return Table(columns=columns, rows=tuple(rows), field=field, row_mm=7.0)


def formula(expression: Expression) -> str:
    """As it is written, with spaces where a line may end."""
    return _SIGNS.sub(" \\g<0> ", expression.text)


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
