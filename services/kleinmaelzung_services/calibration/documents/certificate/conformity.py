"""What a certificate says about conformity: to which results, specification and rule it refers, and the risk.

ISO/IEC 17025:2017, 7.8.4.1 e and 7.8.6; the risks are specific ones (JCGM 106:2012, 9.3).
"""

from collections.abc import Sequence
from decimal import Decimal

from kleinmaelzung_services.calibration.calculation import verdicts
from kleinmaelzung_services.calibration.calculation.results import Computed, Decision, MeasurandResult, PointResult
from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Column, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import words_statement as said
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.protocol.budgets import BASES, RULES, bound, end
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.engine import conformity
from kleinmaelzung_services.calibration.templates.template import Acceptance, Measurand


def blocks(sheet: Sheet) -> list[Block]:
    found: list[Block] = [sheet.heading(said.CONFORMITY)]
    for at, measurand in enumerate(sheet.template.measurands):
        results = [(series, one.measurands[at]) for series, one in sheet.series]
        if len(sheet.template.measurands) > 1:
            found.append(Heading(text=measurand.name, level=2, field="template.measurand.name"))
        found += _measurand(sheet, measurand, results)
    return found


def _measurand(sheet: Sheet, measurand: Measurand, results: Sequence[tuple[Words, MeasurandResult]]) -> list[Block]:
    found: list[Block] = []
    acceptance = measurand.acceptance
    if acceptance is None and not any(_is_limited(one) for _, result in results for one in result.computed):
        return [Paragraph(text=sheet.say(said.NONE_STATED), field="note")]
    if acceptance:
        found += _specification(sheet, measurand, acceptance)
        found += _risk(sheet, [one for _, result in results for one in result.points])
    for series, result in results:
        if acceptance:
            found.append(Paragraph(text=_stated(sheet, series, result), field="note"))
        found += _shifts(sheet, measurand, result)
    return [*found, *_computed(sheet, results)]


def _specification(sheet: Sheet, measurand: Measurand, acceptance: Acceptance) -> list[Block]:
    template = sheet.template
    version = sheet.say(texts.TEMPLATE_VERSION, id=template.id, version=template.version)
    result = sheet.say(said.OF_ERROR if measurand.direction == "error" else said.OF_CORRECTION)
    rule = sheet.say(RULES[acceptance.rule], factor=sheet.number(acceptance.guard_factor))
    agreed = texts.AGREED if acceptance.agreed_with_customer else said.SET_BY_PROCEDURE
    columns = (
        Column(title=sheet.titled(texts.FROM, measurand.unit), share=3, align="number"),
        Column(title=sheet.titled(texts.UP_TO, measurand.unit), share=3, align="number"),
        Column(title=sheet.titled(texts.LOWER, measurand.error_unit), share=4, align="number"),
        Column(title=sheet.titled(texts.UPPER, measurand.error_unit), share=4, align="number"),
    )
    rows = tuple(
        (
            end(sheet, one.above),
            end(sheet, one.upto),
            bound(sheet, one.lower, -one.relative),
            bound(sheet, one.upper, one.relative),
        )
        for one in acceptance.limits
    )
    specified = sheet.say(said.SPECIFICATION, result=result, version=version)
    ruled = f"{sheet.say(said.RULE, rule=rule)} {sheet.say(agreed)}"
    return [
        Paragraph(text=f"{specified} {sheet.say(BASES[acceptance.basis])}", field="template.acceptance"),
        Table(columns=columns, rows=rows, field="template.acceptance.limit"),
        Paragraph(text=ruled, field="template.acceptance"),
    ]


def _risk(sheet: Sheet, points: Sequence[PointResult]) -> list[Block]:
    """What the rule itself allows; what each point has of it stands in the table of results."""
    edges = [risk for one in points if (risk := _at_the_edge(one))]
    if not edges:
        return []
    accept, reject, conditional = (max(each) for each in zip(*edges, strict=True))
    text = sheet.say(said.RISK, accept=percent(sheet, accept), reject=percent(sheet, reject))
    if conditional:
        text += " " + sheet.say(said.RISK_CONDITIONAL, risk=percent(sheet, conditional))
    return [Paragraph(text=text, field="note")]


def _at_the_edge(point: PointResult) -> tuple[float, float, float] | None:
    """False acceptance of what just passes, false rejection of what just fails, risk of what is at a limit between.

    None where nothing is stated; the last is 0 where the rule knows nothing between.
    """
    decision = point.decision
    if decision is None or decision.statement.risk is None:
        return None
    statement = decision.statement
    accepted = _outside(point, decision, statement.acceptance)
    if statement.rule != "nonbinary":
        return max(accepted), 1 - min(accepted), 0.0
    between = _outside(point, decision, (decision.lower, decision.upper))
    rejected = _outside(point, decision, statement.rejection)
    return max(accepted), 1 - min(rejected), max(*between, *(1 - each for each in between))


def _outside(
    point: PointResult, decision: Decision, edges: tuple[Decimal | float | None, Decimal | float | None]
) -> list[float]:
    """The probability that the true value is outside the limits, of a result at each edge."""
    u, lower, upper = point.uncertainty.u_c, decision.lower, decision.upper
    return [conformity.specific_consumer_risk(edge, u, lower=lower, upper=upper) for edge in edges if edge is not None]


def percent(sheet: Sheet, share: float) -> str:
    """With two decimals; never 0 or 100, which no probability here is."""
    if share < 0.0001:
        return f"< {sheet.number(0.01)}"
    if share > 0.9999:
        return f"> {sheet.number(99.99)}"
    return sheet.column([round(100 * share, 2), 0.01])[0]


def _stated(sheet: Sheet, series: Words, result: MeasurandResult) -> str:
    """To which results it refers; the risk of each of them stands in their table."""
    statements = [one.decision.statement for one in result.points if one.decision]
    if all(one.is_permitted for one in result.shifts):
        verdict = verdicts.worst([one.verdict for one in statements])
        known = [one.risk for one in statements if one.risk is not None]
    else:
        verdict, known = "no statement possible", []
    text = sheet.say(said.APPLIES, series=sheet.say(series), verdict=sheet.verdict(verdict))
    return f"{text} {sheet.say(said.LARGEST_RISK, risk=percent(sheet, max(known)))}" if known else text


def _shifts(sheet: Sheet, measurand: Measurand, result: MeasurandResult) -> list[Block]:
    return [
        Paragraph(
            text=sheet.say(
                said.MOVED,
                point=sheet.number(one.nominal),
                unit=sheet.unit(measurand.unit),
                value=sheet.number(float(f"{one.value:.3g}")),
                permitted=sheet.number(float(f"{one.permitted:.3g}")),
                error_unit=sheet.unit(measurand.error_unit),
            ),
            field="note",
        )
        for one in result.shifts
        if not one.is_permitted
    ]


def _computed(sheet: Sheet, results: Sequence[tuple[Words, MeasurandResult]]) -> list[Block]:
    """Of the results that the template computes at the end, and sets limits for."""
    sentences = []
    for series, result in results:
        limited = [one for one in result.computed if _is_limited(one)]
        if limited:
            verdict = sheet.verdict("pass" if all(one.is_permitted for one in limited) else "fail")
            sentences.append(sheet.say(said.COMPUTED, series=sheet.say(series), verdict=verdict))
    if not sentences:
        return []
    return [Paragraph(text=" ".join([sheet.say(said.COMPUTED_RULE), *sentences]), field="note")]


def _is_limited(one: Computed) -> bool:
    return (one.lower, one.upper) != (None, None)
