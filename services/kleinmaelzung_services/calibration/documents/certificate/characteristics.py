"""What the tests of a measurand found: hysteresis, linearity, repeatability, places, shifts, computed results. Pure.

Of what is only reported, the template's `report.analyses` names what is printed; empty means all. What decides a
verdict always is.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation.results import Computed, MeasurandResult, Places, Shift
from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.blocks import Block, Column, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import figures
from kleinmaelzung_services.calibration.documents.certificate import words_results as words
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.engine import rounding
from kleinmaelzung_services.calibration.engine.points import Largest

_MOST_COLUMNS: Final = 6
_WHY_NOT: Final = {
    "of tests": words.OF_TESTS,
    "of the residuals": words.OF_RESIDUALS,
    "without a fit": words.WITHOUT_FIT,
}


def blocks(sheet: Sheet, result: MeasurandResult) -> Iterable[Block]:
    if rows := list(_rows(sheet, result)):
        yield Heading(text=sheet.say(words.CHARACTERISTICS), level=2, field="results")
        yield _table(sheet, result, rows)
    for test in dict.fromkeys(one.test for one in result.places):
        yield from _places(sheet, result, [one for one in result.places if one.test == test])
    if result.computed:
        yield Heading(text=sheet.say(words.COMPUTED), level=2, field="results")
        yield _computed(sheet, result.computed)
        if notes := [note for one in result.computed for note in _notes(sheet, one)]:
            yield Paragraph(text=" ".join(notes), field="result")


def too_far(sheet: Sheet, result: MeasurandResult, shift: Shift) -> str:
    return sheet.say(
        words.SHIFT_NOTE,
        point=sheet.number(shift.nominal),
        unit=sheet.unit(result.measurand.unit),
        value=_difference(sheet, result, shift.value),
        permitted=sheet.number(shift.permitted),
        error_unit=sheet.unit(result.measurand.error_unit),
    )


def _rows(sheet: Sheet, result: MeasurandResult) -> Iterable[tuple[str, str, str, str]]:
    """Name, value, place and meaning."""
    if result.hysteresis and _is_asked(sheet, "hysteresis"):
        yield _of(sheet, result, words.HYSTERESIS, result.hysteresis, words.HYSTERESIS_IS)
    if result.linearity and _is_asked(sheet, "linearity"):
        yield _of(sheet, result, words.LINEARITY, result.linearity.independent, words.LINEARITY_IS)
        yield _of(sheet, result, words.TERMINAL, result.linearity.terminal, words.TERMINAL_IS)
    if spread := result.spread:
        decimals = figures.decimals_on_scale(result.measurand, result.points)
        shown = "; ".join(figures.fixed(each, decimals, sheet.language) for each in spread.indications)
        meaning = sheet.say(words.REPEATABILITY_IS, dof=figures.degrees(spread.dof, sheet.language), readings=shown)
        place = sheet.number(spread.nominal)
        yield sheet.say(words.REPEATABILITY), _difference(sheet, result, spread.s), place, meaning
    if result.repeats:
        s, dof = result.repeats
        meaning = sheet.say(words.POOLED_IS, dof=figures.degrees(dof, sheet.language))
        yield sheet.say(words.POOLED), _difference(sheet, result, s), sheet.say(words.ALL_POINTS), meaning
    for shift in result.shifts:
        meaning = sheet.say(
            words.SHIFT_IS,
            permitted=sheet.number(shift.permitted),
            unit=sheet.unit(result.measurand.error_unit),
            verdict=sheet.say(words.KEPT if shift.is_permitted else words.NOT_KEPT),
        )
        value = _difference(sheet, result, shift.value)
        yield sheet.say(words.SHIFT), value, sheet.number(shift.nominal), meaning


def _is_asked(sheet: Sheet, analysis: str) -> bool:
    return not sheet.template.analyses or analysis in sheet.template.analyses


def _of(
    sheet: Sheet, result: MeasurandResult, name: Words, largest: Largest, meaning: Words
) -> tuple[str, str, str, str]:
    """The place may be the reference that was found: its point is what the reader knows it by."""
    points = [point for point in result.points if largest.at in (point.nominal, point.reference)]
    place = sheet.number(points[0].nominal if points else largest.at)
    return sheet.say(name), _difference(sheet, result, largest.value), place, sheet.say(meaning)


def _table(sheet: Sheet, result: MeasurandResult, rows: Sequence[tuple[str, str, str, str]]) -> Table:
    measurand = result.measurand
    columns = (
        Column(title=sheet.say(words.CHARACTERISTIC), share=4.2, is_label=True),
        Column(title=sheet.titled(words.VALUE, measurand.error_unit), share=2.2, align="number"),
        Column(title=sheet.titled(words.AT, measurand.unit), share=2.2, align="number"),
        Column(title=sheet.say(words.MEANING), share=8.4),
    )
    return Table(columns=columns, rows=tuple(rows), field="results")


def _difference(sheet: Sheet, result: MeasurandResult, value: float) -> str:
    """One place more than the errors have: what all points share is not in it."""
    return numerals.rounded(figures.beyond_errors(result.points, value), sheet.language)


def _places(sheet: Sheet, result: MeasurandResult, places: Sequence[Places]) -> Iterable[Block]:
    measurand, test = result.measurand, sheet.template.tests[places[0].test]
    is_eccentricity = places[0].instability is None
    yield Heading(
        text=test.title or sheet.say(words.ECCENTRICITY if is_eccentricity else words.UNIFORMITY),
        level=2,
        field=f"test[{places[0].test}].title",
    )
    yield Paragraph(text=sheet.say(words.PLACES_NOTE, unit=sheet.unit(measurand.error_unit) or "1"), field="results")
    for start in range(0, len(places), _MOST_COLUMNS):
        yield _of_places(sheet, result, places[start : start + _MOST_COLUMNS])


def _of_places(sheet: Sheet, result: MeasurandResult, places: Sequence[Places]) -> Table:
    """A row for each position, a column for each point."""
    unit = sheet.unit(result.measurand.unit)
    positions = tuple(dict.fromkeys(position for one in places for position in one.positions))
    found = [dict(zip(one.positions, one.differences, strict=True)) for one in places]
    rows = [(position, *(_or_none(sheet, result, one.get(position)) for one in found)) for position in positions]
    rows.append((sheet.say(words.LARGEST_DIFFERENCE), *(_difference(sheet, result, one.largest) for one in places)))
    if any(one.instability is not None for one in places):
        rows.append((sheet.say(words.INSTABILITY), *(_or_none(sheet, result, one.instability) for one in places)))
    columns = tuple(
        Column(
            title=sheet.say(words.DIFFERENCE_AT, point=sheet.number(one.nominal), unit=unit).strip(),
            share=2.2,
            align="number",
        )
        for one in places
    )
    label = Column(title=sheet.say(words.POSITION), share=4.2, is_label=True)
    return Table(columns=(label, *columns), rows=tuple(rows), field="results")


def _or_none(sheet: Sheet, result: MeasurandResult, value: float | None) -> str:
    return figures.NONE if value is None else _difference(sheet, result, value)


def _computed(sheet: Sheet, computed: Sequence[Computed]) -> Table:
    """With as many digits as the limits need, four at least."""
    columns = (
        Column(title=sheet.say(words.RESULT), share=5.6, is_label=True),
        Column(title=sheet.say(words.VALUE), share=2.3, align="number"),
        Column(title="U", share=1.9, align="number"),
        Column(title="k", share=1.2, align="number"),
        Column(title=sheet.say(words.UNIT), share=1.6, align="center"),
        Column(title=sheet.say(words.PERMITTED), share=3.0),
        Column(title=sheet.say(words.VERDICT), share=2.4),
    )
    return Table(columns=columns, rows=tuple(_one(sheet, one) for one in computed), field="result")


def _notes(sheet: Sheet, one: Computed) -> Iterable[str]:
    if one.why_not:
        yield sheet.say(_WHY_NOT[one.why_not], name=one.name)
    if one.exact:
        yield sheet.say(words.EXACT, name=one.name, names=", ".join(one.exact))


def _one(sheet: Sheet, one: Computed) -> tuple[str, ...]:
    unit = sheet.unit(units.find(one.unit))
    has_limit = (one.lower, one.upper) != (None, None)
    verdict = sheet.say(words.KEPT if one.is_permitted else words.NOT_KEPT) if has_limit else figures.NONE
    return one.name, *_with_u(sheet, one), unit, sheet.permitted(one.lower, one.upper, unit), verdict


def _with_u(sheet: Sheet, one: Computed) -> tuple[str, str, str]:
    """Value, U and k; the value to the place of U, unless a limit is so near that more digits are needed."""
    if one.uncertainty is None:
        return _value(sheet, one), figures.NONE, figures.NONE
    expanded = rounding.uncertainty(one.uncertainty.expanded)
    value = rounding.to_place_of(one.value, expanded)
    shown = numerals.rounded(value, sheet.language) if _is_on_its_side(one, value) else _value(sheet, one)
    return shown, numerals.rounded(expanded, sheet.language), figures.fixed(one.uncertainty.k, 2, sheet.language)


def _value(sheet: Sheet, one: Computed) -> str:
    """Four digits; more where a limit is so near that they would hide on which side it is."""
    for digits in range(4, 13):
        shown = figures.significant(one.value, digits, sheet.language)
        if _is_on_its_side(one, Decimal(f"{one.value:.{digits - 1}e}")):
            break
    return shown


def _is_on_its_side(one: Computed, rounded: Decimal) -> bool:
    """Whether the rounded value is within its limits just as the value is."""
    inside = (one.lower is None or rounded >= Decimal(repr(one.lower))) and (
        one.upper is None or rounded <= Decimal(repr(one.upper))
    )
    return inside == one.is_permitted
