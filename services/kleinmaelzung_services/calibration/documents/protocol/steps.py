"""The middle of a blank protocol: when a reading is stable, further values, a table to fill in for each test. Pure."""

from collections.abc import Sequence

from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Column, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.form import WRITING_MM, Form
from kleinmaelzung_services.calibration.templates import sequence
from kleinmaelzung_services.calibration.templates.template import (
    CheckPoint,
    Eccentricity,
    Measurand,
    Points,
    Repeatability,
    Test,
    Uniformity,
)
from kleinmaelzung_services.calibration.units import Unit

_Rows = list[tuple[str, ...]]
_ORDERS = {"up": texts.UP, "down": texts.DOWN, "up-down": texts.UP_DOWN, "random": texts.RANDOM}
_KINDS = {
    Points: texts.POINTS,
    Repeatability: texts.REPEATABILITY,
    Eccentricity: texts.ECCENTRICITY,
    Uniformity: texts.UNIFORMITY,
    CheckPoint: texts.CHECK_POINT,
}


def stability(form: Form) -> list[Block]:
    measurands = form.template.measurands
    columns = (
        Column(title=form.say(texts.CRITERION), share=5, is_label=True),
        *(Column(title=one.name, share=4) for one in measurands),
    )
    criteria = [_criteria(form, one) for one in measurands]
    names = [name for name in criteria[0] if any(one[name] for one in criteria)]
    rows = tuple((name, *(one[name] or "-" for one in criteria)) for name in names)
    return [
        form.heading(texts.STABILITY),
        Paragraph(text=form.say(texts.STABILITY_NOTE), field="note"),
        Table(columns=columns, rows=rows, field="stability"),
    ]


def _criteria(form: Form, measurand: Measurand) -> dict[str, str]:
    """By their names; empty where there is none."""
    found = measurand.stability
    unit = form.unit(found.unit)

    def seconds(value: float | None) -> str:
        return f"{form.number(value)} s" if value else ""

    slope = f"{form.number(found.max_slope_per_s)} {unit}/s" if found.max_slope_per_s is not None else ""
    return {
        form.say(texts.WINDOW): seconds(found.window_s),
        form.say(texts.MIN_SAMPLES): str(found.min_samples),
        form.say(texts.MAX_RANGE): f"{form.number(found.max_range)} {unit}",
        form.say(texts.MAX_SLOPE): slope,
        form.say(texts.SETTLE): seconds(found.settle_s),
        form.say(texts.TIMEOUT): seconds(found.timeout_s),
        form.say(texts.PAIRED): seconds(found.pair_max_skew_s),
        form.say(texts.STABLE_FLAG): measurand.display.stable_flag,
    }


def inputs(form: Form) -> list[Block]:
    """Values that are asked, and those that are computed of them."""
    if not form.template.inputs:
        return []
    columns = (
        Column(title=form.say(texts.QUANTITY), share=2.6, is_label=True),
        Column(title=form.say(texts.MEANING), share=9),
        Column(title=form.say(texts.PERMITTED), share=3),
        Column(title=form.say(texts.FOUND), share=3),
    )
    rows = []
    for one in form.template.inputs:
        unit = form.unit(one.unit)
        meaning = one.meaning if one.value is None else f"{one.meaning}\n= {form.amount(one.value, one.unit)}"
        permitted = form.permitted(one.low, one.high, unit) if one.ask else "-"
        rows.append((f"{one.name}, {unit}" if unit else one.name, meaning, permitted, ""))
    return [
        form.heading(texts.INPUTS),
        Table(columns=columns, rows=tuple(rows), field="input", row_mm=WRITING_MM),
    ]


def readings(form: Form) -> list[Block]:
    blocks: list[Block] = [form.heading(texts.STEPS)]
    for number, test in enumerate(form.template.tests, 1):
        field = f"test[{number - 1}]"
        blocks.append(Heading(text=f"{number}. {title(form, test)}", level=2, field=f"{field}.title"))
        match test:
            case Points():
                blocks += _points(form, test, field)
            case Repeatability():
                blocks += _repeatability(form, test, field)
            case Eccentricity():
                blocks += _eccentricity(form, test, field)
            case Uniformity():
                blocks += _uniformity(form, test, field)
            case CheckPoint():
                blocks += _check_point(form, test, field)
    return blocks


def title(form: Form, test: Test) -> str:
    """That of the template; or the kind of test, with the measurand where there are several."""
    named = test.title or form.say(_KINDS[type(test)])
    if len(form.template.measurands) == 1 or test.measurand in named:
        return named
    return form.say(texts.OF_MEASURAND, title=named, measurand=test.measurand)


def _points(form: Form, test: Points, field: str) -> list[Block]:
    measurand = form.measurand(test.measurand)
    unit = form.unit(measurand.unit)
    sentences = [form.say(_ORDERS[test.order], seed=test.seed)]
    if test.repeats > 1:
        sentences.append(form.say(texts.REPEATS, repeats=test.repeats))
    if test.return_to_zero:
        sentences.append(form.say(texts.ZERO_EACH))
    if test.tolerance is not None:
        sentences.append(form.say(texts.POINT_TOLERANCE, tolerance=form.number(test.tolerance), unit=unit))
    sentences += _conditions(form, test.conditions)
    return [_paragraph(sentences, field), _points_table(form, test, measurand, field)]


def _points_table(form: Form, test: Points, measurand: Measurand, field: str) -> Table:
    has_direction = test.order == "up-down"
    first = [Column(title=form.say(texts.NUMBER), share=1.3, align="center")]
    if has_direction:
        first.append(Column(title=form.say(texts.DIRECTION), share=1.4, align="center"))
    first.append(Column(title=form.titled(texts.POINT, measurand.unit), share=2.8, align="number"))
    empty = _empty_columns(form, measurand, returns_to_zero=test.return_to_zero)
    rows: _Rows = []
    for point, arrow in _sequence(form, test):
        rows.append((str(len(rows) + 1), *([arrow] if has_direction else []), point, *("" for _ in empty)))
    return Table(columns=(*first, *empty), rows=tuple(rows), field=f"{field}.points", row_mm=WRITING_MM)


def _sequence(form: Form, test: Points) -> list[tuple[str, str]]:
    """The points as they are run, each with its direction."""
    slots = list(sequence.slots(test))
    points = form.column([point for point, *_ in slots])
    return [(point, "↓" if way == "down" else "↑") for point, (_, way, *_) in zip(points, slots, strict=True)]


def _zero(form: Form, measurand: Measurand) -> str:
    """With an indication by formula it is the raw signal that is read."""
    display = measurand.display
    unit = display.raw.unit if display.raw and display.indication else measurand.unit
    return form.titled(texts.ZERO, unit)


def _empty_columns(form: Form, measurand: Measurand, *, returns_to_zero: bool) -> list[Column]:
    result = texts.ERROR if measurand.direction == "error" else texts.CORRECTION
    named: list[tuple[str, float]] = [(title, 3.0) for title in _read_for_reference(form, measurand)]
    named.append((form.titled(texts.REFERENCE, measurand.unit), 3.2))
    if measurand.display.raw:
        named.append((form.titled(texts.RAW, measurand.display.raw.unit), 3.0))
    named.append((form.titled(texts.INDICATION, measurand.unit), 3.2))
    if returns_to_zero:
        named.append((_zero(form, measurand), 2.6))
    named.append((form.titled(result, measurand.error_unit), 3.0))
    named.append((form.say(texts.TIME), 2.2))
    return [Column(title=title, share=share) for title, share in named]


def _read_for_reference(form: Form, measurand: Measurand) -> list[str]:
    """Standards whose readings the reference value is computed of."""
    names = measurand.reference.names if measurand.reference else frozenset()
    read = [one for one in form.template.standards if f"{one.role}.value" in names]
    return [f"{one.role}, {form.unit(one.unit)}" if one.unit else one.role for one in read]


def _repeatability(form: Form, test: Repeatability, field: str) -> list[Block]:
    measurand = form.measurand(test.measurand)
    unit = form.unit(measurand.unit)
    sentences = [form.say(texts.REPEATABILITY_STEP, point=form.number(test.point), unit=unit, repeats=test.repeats)]
    columns = [Column(title=form.say(texts.NUMBER), share=1.3, align="center")]
    if test.return_to_zero:
        sentences.append(form.say(texts.ZERO_EACH))
        columns.append(Column(title=_zero(form, measurand), share=3))
    columns.append(Column(title=form.titled(texts.INDICATION, measurand.unit), share=4))
    columns.append(Column(title=form.say(texts.TIME), share=3))
    rows = [(str(number), *("" for _ in columns[1:])) for number in range(1, test.repeats + 1)]
    return [
        _paragraph(sentences, field),
        _table(columns, rows, field),
        _found(form, [texts.MEAN, texts.STANDARD_DEVIATION], measurand.unit, field),
    ]


def _eccentricity(form: Form, test: Eccentricity, field: str) -> list[Block]:
    measurand = form.measurand(test.measurand)
    sentence = form.say(texts.ECCENTRICITY_STEP, point=form.number(test.point), unit=form.unit(measurand.unit))
    columns = [
        Column(title=form.say(texts.POSITION), share=4, is_label=True),
        Column(title=form.titled(texts.INDICATION, measurand.unit), share=4),
        Column(title=form.titled(texts.DIFFERENCE, measurand.error_unit), share=4),
        Column(title=form.say(texts.TIME), share=3),
    ]
    rows = [(position, "", "", "") for position in test.positions]
    return [
        _paragraph([sentence], field),
        _table(columns, rows, f"{field}.positions"),
        _found(form, [texts.LARGEST_DIFFERENCE], measurand.error_unit, field),
    ]


def _uniformity(form: Form, test: Uniformity, field: str) -> list[Block]:
    measurand = form.measurand(test.measurand)
    sentences = [form.say(texts.UNIFORMITY_STEP, record=form.number(test.record_s))]
    sentences += _conditions(form, test.conditions)
    columns = [
        Column(title=form.titled(texts.POINT, measurand.unit), share=2.2, align="number"),
        Column(title=form.say(texts.POSITION), share=4, is_label=True),
        Column(title=form.titled(texts.MEAN, measurand.unit), share=3),
        Column(title=form.titled(texts.LARGEST_DEVIATION, measurand.error_unit), share=3.6),
        Column(title=form.titled(texts.DIFFERENCE, measurand.error_unit), share=3),
        Column(title=form.say(texts.TIME), share=2.2),
    ]
    rows = [(point, position, "", "", "", "") for point in form.column(test.points) for position in test.positions]
    return [
        _paragraph(sentences, field),
        _table(columns, rows, f"{field}.positions"),
        _found(form, [texts.LARGEST_DIFFERENCE, texts.LARGEST_DEVIATION], measurand.error_unit, field),
    ]


def _check_point(form: Form, test: CheckPoint, field: str) -> list[Block]:
    measurand = form.measurand(test.measurand)
    sentence = form.say(
        texts.CHECK_POINT_STEP,
        point=form.number(test.point),
        shift=form.number(test.max_shift),
        unit=form.unit(measurand.unit),
    )
    columns = [
        Column(title=form.titled(texts.POINT, measurand.unit), share=2.8, align="number"),
        *_empty_columns(form, measurand, returns_to_zero=False),
    ]
    rows = [(form.number(test.point), *("" for _ in columns[1:]))]
    return [
        _paragraph([sentence], field),
        _table(columns, rows, field),
        _found(form, [texts.FIRST_VALUE, texts.SHIFT], measurand.unit, field),
    ]


def _conditions(form: Form, conditions: Sequence[tuple[str, float]]) -> list[str]:
    return [
        form.say(texts.CONDITIONS, name=name, value=form.number(value), unit=form.unit(form.measurand(name).unit))
        for name, value in conditions
    ]


def _found(form: Form, names: Sequence[texts.Words], unit: Unit, field: str) -> Table:
    """What is computed of the table above, beside each other."""
    columns = [
        column for _ in names for column in (Column(title="", share=4, is_label=True), Column(title="", share=3))
    ]
    row = tuple(text for words in names for text in (form.titled(words, unit), ""))
    return Table(columns=tuple(columns), rows=(row,), field=field, row_mm=WRITING_MM)


def _paragraph(sentences: Sequence[str], field: str) -> Paragraph:
    return Paragraph(text=" ".join(sentences), field=field)


def _table(columns: Sequence[Column], rows: Sequence[tuple[str, ...]], field: str) -> Table:
    return Table(columns=tuple(columns), rows=tuple(rows), field=field, row_mm=WRITING_MM)
