"""Results as found and as left: of each measurand verdict, table, chart, and what its tests found; blocks out. Pure.

ISO/IEC 17025:2017, 7.8.2.1 m, 7.8.4.1 a (uncertainty of each result), d (before and after adjustment), e (conformity).
"""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from kleinmaelzung_services.calibration.calculation.results import MeasurandResult, PointResult, SeriesResult
from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Column, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import (
    characteristics,
    error_charts,
    figures,
)
from kleinmaelzung_services.calibration.documents.certificate import words_results as words
from kleinmaelzung_services.calibration.documents.certificate.figures import Figures
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.paper import WIDTH
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.templates.template import Points

_PADDING_MM: Final = 2.6
_LEAST_MM: Final = 6.0
_BOLD: Final = 1.12  # a bold letter over another
_SHORT: Final = 7  # letters that stay in one line

Align = Literal["left", "center", "number"]


def blocks(sheet: Sheet) -> list[Block]:
    results = sheet.results
    title = words.AS_FOUND if results.as_left else words.AS_FOUND_ONLY
    found: list[Block] = [sheet.heading(title), *_series(sheet, results.as_found)]
    if results.as_left is None:
        return [*found, sheet.heading(words.AS_LEFT_ONLY), _sentence(sheet, words.NO_ADJUSTMENT)]
    found += _adjustment(sheet)
    return [*found, sheet.heading(words.AS_LEFT), *_series(sheet, results.as_left)]


def _series(sheet: Sheet, series: SeriesResult) -> Iterable[Block]:
    for result in series.measurands:
        if len(series.measurands) > 1:
            yield Heading(text=result.measurand.name, level=2, field="measurand.name")
        yield _at_a_glance(sheet, result)
        yield from _results(sheet, result)
        yield error_charts.chart(sheet, result)
        yield from characteristics.blocks(sheet, result)


def _sentence(sheet: Sheet, sentence: Words, **values: object) -> Paragraph:
    return Paragraph(text=sheet.say(sentence, **values), field="results")


def _adjustment(sheet: Sheet) -> Iterable[Block]:
    adjustment = sheet.record.adjustment
    if adjustment is None:
        return
    rows = [(sheet.say(words.ADJUSTED), adjustment.text)]
    if adjustment.before:
        rows.append((sheet.say(words.BEFORE), adjustment.before))
    if adjustment.after:
        rows.append((sheet.say(words.AFTER), adjustment.after))
    rows.append((sheet.say(words.BY), f"{adjustment.by}, {sheet.time(adjustment.at)}"))
    yield sheet.heading(words.ADJUSTMENT)
    yield sheet.pairs(rows, "adjustment")


def _at_a_glance(sheet: Sheet, result: MeasurandResult) -> Table:
    """The verdict, what else decides it, and the worst point."""
    point = figures.nearest(result.points)
    verdict = sheet.say(words.NOT_STATED) if result.verdict == "not stated" else sheet.verdict(result.verdict)
    label, sentence = (words.NEAREST, words.NEAREST_IS) if point else (words.LARGEST, words.LARGEST_IS)
    rows = [(sheet.say(words.CONFORMITY), verdict)]
    if missed := list(_missed(sheet, result)):
        rows.append((sheet.say(words.NOT_KEPT_LABEL), "; ".join(missed)))
    rows.append((sheet.say(label), _told(sheet, result, point, sentence)))
    columns = (Column(title="", share=2.5, is_label=True), Column(title="", share=9, is_label=True))
    return Table(columns=columns, rows=tuple(rows), field="results", row_mm=7.0)


def _missed(sheet: Sheet, result: MeasurandResult) -> Iterable[str]:
    """What decides beside the points."""
    yield from (one.name for one in result.computed if not one.is_permitted)
    if not all(shift.is_permitted for shift in result.shifts):
        yield sheet.say(words.SHIFT)


def _told(sheet: Sheet, result: MeasurandResult, point: PointResult | None, sentence: Words) -> str:
    measurand = result.measurand
    shown = point or result.worst
    row = figures.of_points(measurand, result.points, sheet.language)[result.points.index(shown)]
    return sheet.say(
        sentence,
        point=sheet.number(shown.nominal),
        unit=sheet.unit(measurand.unit),
        direction=sheet.say(words.UPWARDS if shown.direction == "up" else words.DOWNWARDS),
        result=sheet.say(words.ERROR_IS if measurand.direction == "error" else words.CORRECTION_IS),
        error=row.error,
        expanded=row.expanded,
        limits=row.limits,
        error_unit=sheet.unit(measurand.error_unit),
    )


def _results(sheet: Sheet, result: MeasurandResult) -> Iterable[Block]:
    """A table for each test of points; one with set points of other measurands says them."""
    rows = figures.of_points(result.measurand, result.points, sheet.language)
    tests = list(dict.fromkeys(point.test for point in result.points))
    for number in tests:
        test = sheet.template.tests[number]
        if len(tests) > 1:
            yield Heading(text=test.title or sheet.say(texts.POINTS), level=2, field=f"test[{number}].title")
        if isinstance(test, Points) and test.conditions:
            yield Paragraph(text=" ".join(_conditions(sheet, test)), field=f"test[{number}].at")
        mine = [(point, row) for point, row in zip(result.points, rows, strict=True) if point.test == number]
        yield _table(sheet, result, mine)
    yield Paragraph(text=" ".join(_notes(sheet, result)), field="results")


def _conditions(sheet: Sheet, test: Points) -> Iterable[str]:
    for name, value in test.conditions:
        unit = sheet.unit(sheet.measurand(name).unit)
        yield sheet.say(texts.CONDITIONS, name=name, value=sheet.number(value), unit=unit)


def _table(sheet: Sheet, result: MeasurandResult, rows: Sequence[tuple[PointResult, Figures]]) -> Table:
    shown = _columns(sheet, result)
    cells = [[read(row) for _, row in rows] for _, read, _ in shown]
    worst = figures.nearest(result.points)
    return Table(
        columns=tuple(
            Column(title=title, share=width, align=align)
            for (title, _, align), width in zip(shown, _widths(shown, cells), strict=True)
        ),
        rows=tuple(zip(*cells, strict=True)),
        field="results",
        marked=tuple(place for place, (point, _) in enumerate(rows) if point is worst),
    )


def _columns(sheet: Sheet, result: MeasurandResult) -> list[tuple[str, Callable[[Figures], str], Align]]:
    """Title, what stands in it, and how it is aligned."""
    measurand = result.measurand
    title = words.ERROR if measurand.direction == "error" else words.CORRECTION
    unit, error_unit = measurand.unit, measurand.error_unit
    found: list[tuple[str, Callable[[Figures], str], Align]] = [
        ("", lambda row: row.direction, "center"),
        (_below(sheet.titled(texts.REFERENCE, unit)), lambda row: row.reference, "number"),
        (_below(sheet.titled(texts.INDICATION, unit)), lambda row: row.indication, "number"),
        (_below(sheet.titled(title, error_unit)), lambda row: row.error, "number"),
        (_below(f"U, {sheet.unit(error_unit)}"), lambda row: row.expanded, "number"),
        ("k", lambda row: row.k, "number"),
    ]
    if _has_repeats(result):
        found.append(("n", lambda row: row.repeats, "number"))
        found.append((_below(f"s, {sheet.unit(error_unit)}"), lambda row: row.s, "number"))
    if measurand.acceptance is not None:
        found.append((_below(sheet.titled(words.LIMITS, error_unit)), lambda row: row.limits, "number"))
        if measurand.acceptance.rule != "simple":
            found.append((_below(sheet.titled(words.ACCEPTANCE, error_unit)), lambda row: row.acceptance, "number"))
        found.append((sheet.say(words.VERDICT), lambda row: sheet.verdict(row.verdict), "center"))
        found.append((sheet.say(words.RISK), lambda row: row.risk, "center"))
    return found


def _below(title: str) -> str:
    """The unit below its name: columns are narrow."""
    name, comma, unit = title.rpartition(", ")
    return f"{name},\n{unit}" if comma else title


def _widths(shown: Sequence[tuple[str, object, Align]], cells: Sequence[Sequence[str]]) -> list[float]:
    """What titles and cells need. A verdict has two lines where there is room, else a line for each word."""
    for lines in (2, 9):
        found = [
            max(_LEAST_MM, _PADDING_MM + max(_title_mm(title), *(_cell_mm(cell, align, lines) for cell in column)))
            for (title, _, align), column in zip(shown, cells, strict=True)
        ]
        if sum(found) <= WIDTH:
            break
    return found


def _title_mm(title: str) -> float:
    return max((_BOLD * _text_mm(word) for word in title.split()), default=0.0)


def _cell_mm(cell: str, align: Align, lines: int) -> float:
    if align == "number" or len(cell) <= _SHORT:
        return _text_mm(cell)
    return min(
        max(map(_text_mm, textwrap.wrap(cell, width))) for width in range(1, len(cell) + 1) if _fits(cell, width, lines)
    )


def _fits(cell: str, width: int, lines: int) -> bool:
    """Whether so many letters in a line make no more lines, and break no word."""
    found = textwrap.wrap(cell, width)
    return len(found) <= lines and " ".join(found) == cell


def _text_mm(text: str) -> float:
    """About how wide it is in a cell: digits of the font are 1.8 mm wide, signs wider, points and spaces less."""
    return sum(2.4 if char in "−±+<≤≥…m" else 0.95 if char in ".,- ilt" else 1.8 for char in text)


def _has_repeats(result: MeasurandResult) -> bool:
    return any(point.repeats > 1 for point in result.points)


def _notes(sheet: Sheet, result: MeasurandResult) -> Iterable[str]:
    measurand = result.measurand
    yield sheet.say(words.NOTE_ERROR if measurand.direction == "error" else words.NOTE_CORRECTION)
    if {point.direction for point in result.points} == {"up", "down"}:
        yield sheet.say(words.NOTE_DIRECTIONS)
    yield sheet.say(words.NOTE_U)
    if _has_repeats(result):
        yield sheet.say(words.NOTE_REPEATS)
    if measurand.acceptance is not None:
        if measurand.acceptance.rule != "simple":
            yield sheet.say(words.NOTE_ACCEPTANCE)
        yield sheet.say(words.NOTE_RISK)
        yield sheet.say(words.NOTE_MARKED)
        yield sheet.say(words.NOTE_UNROUNDED)
    yield from _peculiar(sheet, result)


def _peculiar(sheet: Sheet, result: MeasurandResult) -> Iterable[str]:
    """Notes of points, each once with its points; and why there is no statement."""
    for sentence, is_so in ((words.NO_STATEMENT_U, _is_too_large), (words.NO_STATEMENT_BAND, _is_empty)):
        if points := [point for point in result.points if is_so(point)]:
            yield sheet.say(sentence, points=_named(sheet, result, points))
    if points := [point for point in result.points if point.uncertainty.drawn is not None]:
        yield sheet.say(words.SECOND_ORDER, points=_named(sheet, result, points))
    for note in dict.fromkeys(note for point in result.points for note in point.notes):
        shown = _named(sheet, result, [point for point in result.points if note in point.notes])
        if note.startswith("the second order has"):  # the budget names trials and seed
            continue
        component, colon, rest = note.partition(": all readings were equal")
        if colon and rest:
            yield sheet.say(words.ALL_EQUAL, component=component, points=shown)
        else:
            yield sheet.say(words.OTHER_NOTE, note=note, points=shown)
    for shift in result.shifts:
        if not shift.is_permitted:
            yield characteristics.too_far(sheet, result, shift)


def _is_too_large(point: PointResult) -> bool:
    decision = point.decision
    if decision is None or decision.statement.verdict != "no statement possible":
        return False
    return decision.test_uncertainty_ratio is not None and decision.test_uncertainty_ratio < 1


def _is_empty(point: PointResult) -> bool:
    has_none = point.decision is not None and point.decision.statement.verdict == "no statement possible"
    return has_none and not _is_too_large(point)


def _named(sheet: Sheet, result: MeasurandResult, points: Sequence[PointResult]) -> str:
    values = ", ".join(dict.fromkeys(sheet.number(point.nominal) for point in points))
    return f"{values} {sheet.unit(result.measurand.unit)}".strip()
