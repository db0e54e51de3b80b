"""What a certificate says in sentences, for programs: results and issue in, `dcc:statement` elements out. Pure.

Each demand of ISO/IEC 17025:2017, 7.8.2 to 7.8.8 that is no number has one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.calculation.results import Overall, Results, SeriesResult
from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.certificate import words as shared
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.dcc import words
from kleinmaelzung_services.calibration.documents.dcc.elements import Text, Voice, node, said
from kleinmaelzung_services.calibration.documents.dcc.quantities import OWN
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.records.record import Adjustment, Record
from kleinmaelzung_services.calibration.templates.template import Acceptance, Template

# Where no statement is possible, or none was asked for, there is no status: the schema's noPass and noFail say more.
STATUS: Final[dict[Overall, str]] = {
    "pass": "pass",
    "conditional pass": "conditionalPass",
    "conditional fail": "conditionalFail",
    "fail": "fail",
}
NO_STATEMENT: Final = "noStatement"


def of(results: Results, issue: Issue, voice: Voice) -> Iterator[Element]:
    record = results.record
    if record.is_simulated:
        yield _statement(voice, words.SPECIMEN, words.SPECIMEN_NOTE, ref=f"{OWN}specimen")
    yield from _conformity(results, voice)
    yield _traceability(record, voice)
    yield _statement(voice, words.ITEM_ONLY, words.ITEM_ONLY_NOTE, ref=f"{OWN}itemOnly")
    yield _statement(voice, words.IN_FULL, words.IN_FULL_NOTE, ref=f"{OWN}inFull")
    yield _place(record, voice)
    yield _statement(voice, words.DEVIATIONS, *_deviations(record), ref=f"{OWN}deviations")
    yield _statement(voice, words.ADJUSTMENT, *_adjustment(record.adjustment), ref=f"{OWN}adjustment")
    if record.from_customer:
        told: list[Text] = [*record.from_customer, words.FROM_CUSTOMER_NOTE]
        yield _statement(voice, words.FROM_CUSTOMER, *told, ref=f"{OWN}fromCustomer")
    if record.opinions:
        yield _statement(voice, words.OPINIONS, *record.opinions, ref=f"{OWN}opinions")
    yield from _interval(results.template, voice)
    if issue.replaces:
        yield _statement(voice, words.AMENDMENT, *amendment(issue), ref=f"{OWN}amendment")


def rule(acceptance: Acceptance | None) -> tuple[Text, ...]:
    """The decision rule (7.8.6.1), or that no conformity is stated."""
    if acceptance is None:
        return (texts.NO_CONFORMITY,)
    rules: dict[str, Words] = {
        "simple": texts.RULE_SIMPLE,
        "guard": texts.RULE_GUARD,
        "nonbinary": texts.RULE_NONBINARY,
    }
    told = said(rules[acceptance.rule], factor=acceptance.guard_factor)
    return (told, texts.AGREED) if acceptance.agreed_with_customer else (told,)


def amendment(issue: Issue) -> list[Text]:
    """What a revision changed, and why (7.8.8)."""
    changes = (said(words.CHANGED, field=one.field, before=one.before, after=one.after) for one in issue.changes)
    return [said(words.AMENDS, replaces=issue.replaces, reason=issue.reason), *changes]


def _statement(voice: Voice, name: Words, *told: Text, ref: str = "") -> Element:
    return node("dcc:statement", voice.tell("dcc:name", name), voice.tell("dcc:declaration", *told), ref=ref)


def _conformity(results: Results, voice: Voice) -> Iterator[Element]:
    """One for each series: the last one is that of the certificate."""
    yield _of_series(results, results.as_found, shared.AS_FOUND, "" if results.as_left is None else "before", voice)
    if results.as_left is not None:
        yield _of_series(results, results.as_left, shared.AS_LEFT, "after", voice)


def _of_series(results: Results, series: SeriesResult, name: Words, adjustment: str, voice: Voice) -> Element:
    status = STATUS.get(series.verdict)
    overall = said(words.OVERALL, series=name, verdict=shared.VERDICTS[series.verdict])
    return node(
        "dcc:statement",
        voice.tell("dcc:name", words.CONFORMITY),
        voice.tell("dcc:declaration", overall, *_rules(results.template)),
        None if status is None else node("dcc:conformity", status),
        ref=" ".join(filter(None, ("basic_conformity", adjusted(adjustment)))),
    )


def adjusted(when: str) -> str:
    """The refType of what was found `before` or `after` an adjustment; empty where there was none."""
    return f"{OWN}{when}Adjustment" if when else ""


def _rules(template: Template) -> list[Text]:
    """Each once, however many measurands share it."""
    found = dict[tuple[str, float, bool] | None, tuple[Text, ...]]()
    for measurand in template.measurands:
        one = measurand.acceptance
        key = None if one is None else (one.rule, one.guard_factor, one.agreed_with_customer)
        found.setdefault(key, rule(one))
    return [part for told in found.values() for part in told]


def _traceability(record: Record, voice: Voice) -> Element:
    """Of simulated data nothing is traceable."""
    told = words.SPECIMEN_NOTE if record.is_simulated else words.TRACEABILITY_NOTE
    return node(
        "dcc:statement",
        voice.tell("dcc:name", words.TRACEABILITY),
        node("dcc:traceable", "false" if record.is_simulated else "true"),
        voice.tell("dcc:declaration", told),
        ref=f"{OWN}traceability",
    )


def _place(record: Record, voice: Voice) -> Element:
    return node(
        "dcc:statement",
        voice.tell("dcc:name", words.PLACE),
        voice.tell("dcc:declaration", words.PLACES[record.place.kind]),
        node("dcc:location", voice.tell("dcc:further", record.place.address)),
        ref=f"{OWN}place",
    )


def _deviations(record: Record) -> list[Text]:
    return [said(words.DEVIATION, text=one.text, by=one.by, at=moment(one.at)) for one in record.deviations] or [
        words.NONE
    ]


def _adjustment(one: Adjustment | None) -> list[Text]:
    if one is None:
        return [words.NOT_ADJUSTED]
    told: list[Text] = [said(words.ADJUSTED, text=one.text, by=one.by, at=moment(one.at))]
    if one.before:
        told.append(said(words.ADJUSTED_FROM, before=one.before))
    if one.after:
        told.append(said(words.ADJUSTED_TO, after=one.after))
    return told


def _interval(template: Template, voice: Voice) -> Iterator[Element]:
    """Only where it is agreed with the customer (7.8.4.3)."""
    if template.interval and template.interval.print_on_certificate:
        name = voice.tell("dcc:name", words.INTERVAL)
        yield node(
            "dcc:statement", name, node("dcc:period", f"P{template.interval.months}M"), ref="basic_recalibration"
        )


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
