"""The numbers of a calibration, for programs: Results in, `dcc:measurementResult` elements out. Pure.

One for each measurand and series; in it a table for each test of points, then what the other tests found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.calculation.results import (
    Decision,
    MeasurandResult,
    PointResult,
    Results,
)
from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.certificate import words as shared
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.dcc import (
    administrative,
    circumstances,
    curve,
    findings,
    quantities,
    statements,
    units,
    words,
)
from kleinmaelzung_services.calibration.documents.dcc.elements import Text, Voice, node, said
from kleinmaelzung_services.calibration.documents.dcc.quantities import OWN, quantity
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.templates.template import Template


@dataclass(frozen=True, slots=True)
class Series:
    """`adjustment` is before or after, where there was one."""

    name: Words
    adjustment: str
    measurands: tuple[MeasurandResult, ...]


def of(results: Results, issue: Issue, voice: Voice) -> Element:
    found = [_measured(results, series, one, issue, voice) for series in _series(results) for one in series.measurands]
    return node("dcc:measurementResults", *found)


def _series(results: Results) -> list[Series]:
    if results.as_left is None:
        return [Series(shared.AS_FOUND, "", results.as_found.measurands)]
    return [
        Series(shared.AS_FOUND, "before", results.as_found.measurands),
        Series(shared.AS_LEFT, "after", results.as_left.measurands),
    ]


def _measured(results: Results, series: Series, found: MeasurandResult, issue: Issue, voice: Voice) -> Element:
    measurand = found.measurand
    name = said(words.SERIES_OF, measurand=measurand.name, series=series.name)
    status = f"{series.adjustment}Adjustment" if series.adjustment else ""
    return node(
        "dcc:measurementResult",
        voice.tell("dcc:name", administrative.specimen(name, results.record)),
        voice.tell("dcc:description", words.UNROUNDED, *_about_units(found), *_too_far(found)),
        circumstances.methods(results.template, measurand, voice),
        administrative.software("dcc:usedSoftware", issue.software, voice),
        circumstances.equipment(results, measurand, voice),
        circumstances.conditions(results.record, status, voice),
        node(
            "dcc:results",
            *_tables(results.template, found, voice),
            *findings.of(results.template, found, voice),
            *curve.of(found, voice),
        ),
        ref=statements.adjusted(series.adjustment),
    )


def _about_units(found: MeasurandResult) -> Iterator[Text]:
    """What a reader of the D-SI would not know."""
    for symbol in dict.fromkeys((found.measurand.unit.symbol, found.measurand.error_unit.symbol)):
        scale = units.of(symbol)
        if scale.unit is not scale.into:
            yield said(words.UNCONVERTED, unit=numerals.unit(symbol))
        if symbol == "%RH":
            yield words.HUMIDITY


def _tables(template: Template, found: MeasurandResult, voice: Voice) -> Iterator[Element]:
    tests = dict[int, list[PointResult]]()
    for point in found.points:
        tests.setdefault(point.test, []).append(point)
    for test, points in tests.items():
        yield node(
            "dcc:result",
            findings.named(template, test, voice),
            voice.describe(*_notes(found, points)),
            node("dcc:data", node("dcc:list", *_columns(found, points, voice), ref="gp_table1")),
            ref=f"{OWN}points",
        )


def _notes(found: MeasurandResult, points: Sequence[PointResult]) -> Iterator[Text]:
    """What is peculiar, each once with its points; a sentence of the calculation that is not known here as it is."""
    for note in dict.fromkeys(note for point in points for note in point.notes):
        places = _named(found, [point for point in points if note in point.notes])
        component, is_known, _ = note.partition(words.EQUAL_READINGS)
        told = said(words.ALL_EQUAL, component=component) if is_known else note
        yield said(words.ABOUT_POINTS, places=places, note=told)


def _too_far(found: MeasurandResult) -> Iterator[Text]:
    unit, error_unit = (numerals.unit(one.symbol) for one in (found.measurand.unit, found.measurand.error_unit))
    for one in found.shifts:
        if not one.is_permitted:
            yield said(
                words.TOO_FAR,
                nominal=one.nominal,
                unit=unit,
                value=one.value,
                permitted=one.permitted,
                error_unit=error_unit,
            )


def _named(found: MeasurandResult, points: Sequence[PointResult]) -> str:
    unit = numerals.unit(found.measurand.unit.symbol)
    return ", ".join(dict.fromkeys(f"{one.nominal:g} {unit}".strip() for one in points))


def _columns(found: MeasurandResult, points: Sequence[PointResult], voice: Voice) -> Iterator[Element]:
    scale = units.of(found.measurand.unit.symbol)
    for name, ref, values in (
        (words.NOMINAL, "basic_nominalValue", [one.nominal for one in points]),
        (words.REFERENCE, "basic_referenceValue", [one.reference for one in points]),
        (words.INDICATION, "basic_measuredValue", [one.indication for one in points]),
    ):
        yield quantity(voice, name, quantities.reals([scale.value(one) for one in values], scale.symbol), ref=ref)
    yield _errors(found, points, voice)
    if any(one.direction == "down" for one in points):
        yield quantity(
            voice, words.DIRECTION, quantities.tokens([one.direction for one in points]), ref=f"{OWN}direction"
        )
    step = units.of(found.measurand.error_unit.symbol)
    spread = quantities.reals_or_none([_or_none(step, one.s) for one in points], step.step)
    if spread is not None:
        yield quantity(voice, words.DEVIATION_OF_REPEATS, spread, ref=f"{OWN}standardDeviation")


def _errors(found: MeasurandResult, points: Sequence[PointResult], voice: Voice) -> Element:
    """With U. A correction is no error: it has the other sign, so it must not carry the error's name."""
    is_error = found.measurand.direction == "error"
    scale = units.of(found.measurand.error_unit.symbol)
    uncertainty = quantities.expanded([one.uncertainty for one in points], scale)
    return quantity(
        voice,
        words.ERROR if is_error else words.CORRECTION,
        quantities.reals([scale.difference(one.error) for one in points], scale.step, uncertainty),
        _conformity(found, points, voice),
        ref="basic_measurementError" if is_error else f"{OWN}correction",
    )


def _conformity(found: MeasurandResult, points: Sequence[PointResult], voice: Voice) -> Element | None:
    """Rule, verdict, limits and probability of each point (7.8.6). None where the template states no limits."""
    decisions = [one.decision for one in points if one.decision is not None]
    if len(decisions) < len(points):
        return None
    verdicts = [statements.STATUS.get(one.statement.verdict, statements.NO_STATEMENT) for one in decisions]
    is_whole = statements.NO_STATEMENT not in verdicts
    metadata = node(
        "dcc:metaData",
        voice.tell("dcc:name", words.CONFORMITY),
        None if is_whole else voice.describe(_unstated(found, points, verdicts)),
        voice.tell("dcc:declaration", *statements.rule(found.measurand.acceptance)),
        node("dcc:conformityXMLList", " ".join(verdicts)) if is_whole else None,
        node("dcc:data", *_limits(found, decisions, voice), *([] if is_whole else [_verdicts(verdicts, voice)])),
        ref="basic_conformity",
    )
    return node("dcc:measurementMetaData", metadata)


def _unstated(found: MeasurandResult, points: Sequence[PointResult], verdicts: Sequence[str]) -> Text:
    """The schema's list has no word for it, and a shorter list would belong to other points."""
    unstated = [one for one, verdict in zip(points, verdicts, strict=True) if verdict == statements.NO_STATEMENT]
    return said(words.NO_STATEMENT_AT, places=_named(found, unstated))


def _verdicts(verdicts: Sequence[str], voice: Voice) -> Element:
    return quantity(voice, words.VERDICTS, quantities.tokens(verdicts), ref=f"{OWN}verdicts")


def _limits(found: MeasurandResult, decisions: Sequence[Decision], voice: Voice) -> Iterator[Element]:
    """Within the acceptance limits the verdict is pass; the tolerance is what was agreed on."""
    scale = units.of(found.measurand.error_unit.symbol)
    accepted = [one.statement.acceptance for one in decisions]
    for name, ref, values in (
        (words.ACCEPTANCE_LOWER, "basic_acceptanceLimitLower", [low for low, _ in accepted]),
        (words.ACCEPTANCE_UPPER, "basic_acceptanceLimitUpper", [high for _, high in accepted]),
        (words.TOLERANCE_LOWER, f"{OWN}toleranceLimitLower", [one.lower for one in decisions]),
        (words.TOLERANCE_UPPER, f"{OWN}toleranceLimitUpper", [one.upper for one in decisions]),
    ):
        shown = quantities.reals_or_none(
            [_or_none(scale, None if one is None else float(one)) for one in values], scale.step
        )
        if shown is not None:
            yield quantity(voice, name, shown, ref=ref)
    conform = quantities.reals([one.statement.p_conform for one in decisions], units.ONE.symbol)
    yield quantity(voice, words.P_CONFORM, conform, ref=f"{OWN}conformanceProbability")


def _or_none(scale: units.Scale, value: float | None) -> float | None:
    return None if value is None else scale.difference(value)
