"""Digital calibration certificates to look at: results of many kinds, their XML, and what is found in it."""

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents.certificate.issue import Change, Issue
from kleinmaelzung_services.calibration.documents.dcc import document
from kleinmaelzung_services.calibration.documents.dcc.elements import NAMESPACES
from kleinmaelzung_services.calibration.records.record import Adjustment, Reading, Series
from kleinmaelzung_services.calibration.templates.template import Acceptance, Limit
from tests.unit.services.calibration_records import examples, simulated

ISSUE: Final = Issue(
    number="K-2026-0007",
    issued_at=datetime(2026, 3, 12, 8, tzinfo=UTC),
    language="en",
    software="kleinmaelzung 0.1.0",
)
AMENDED: Final = replace(
    ISSUE,
    revision=2,
    replaces="K-2026-0007/1",
    replaces_sha256="ab" * 32,
    reason="a name was misspelt",
    changes=(Change(field="customer.name", before="Mälzrei", after="Mälzerei"),),
)
LATER: Final = timedelta(days=1)


def example(name: str) -> Results:
    return examples.results(name)


def made_up(name: str) -> Results:
    template = examples.TEMPLATES[name]
    return calculating.calculate(template, simulated.record(template))


def adjusted(found: Results) -> Results:
    """The same once more, as left after an adjustment."""
    adjustment = Adjustment(
        text="span set", before="1.0000", after="0.9998", by="A. Example", at=found.record.as_found.finished
    )
    record = replace(found.record, adjustment=adjustment, as_left=_later(found.record.as_found))
    return calculating.calculate(found.template, record)


def _later(series: Series) -> Series:
    return Series(
        started=series.started + LATER,
        finished=series.finished + LATER,
        tests=tuple(replace(run, readings=tuple(map(_reading_later, run.readings))) for run in series.tests),
    )


def _reading_later(reading: Reading) -> Reading:
    return replace(reading, at=reading.at + LATER)


def accepting(found: Results, acceptance: Acceptance | None) -> Results:
    """The same with other limits, or none."""
    measurands = tuple(replace(one, acceptance=acceptance) for one in found.template.measurands)
    standards = tuple(replace(one, max_U_ratio=None) for one in found.template.standards)
    return calculating.calculate(replace(found.template, measurands=measurands, standards=standards), found.record)


def within(*limits: Limit) -> Acceptance:
    return Acceptance(limits=limits, basis="nominal", rule="nonbinary", guard_factor=1.0)


def limit(lower: float | None, upper: float | None, above: float = -1e9, upto: float = 1e9) -> Limit:
    return Limit(above=above, upto=upto, lower=lower, upper=upper)


MIXED: Final = within(limit(None, 150.0, upto=50.0), limit(-150.0, 150.0, above=50.0))
KINDS: Final[dict[str, Callable[[], Results]]] = {
    **{name: functools.partial(example, name) for name in examples.CONTENT},
    **{f"made up: {name}": functools.partial(made_up, name) for name in examples.TEMPLATES},
    **{f"adjusted: {name}": lambda name=name: adjusted(example(name)) for name in examples.CONTENT},  # type: ignore[misc]
    "no limits": lambda: accepting(example("thermometer"), None),
    "limits on one side": lambda: accepting(example("thermometer"), within(limit(-150.0, None))),
    "limits on both sides of some": lambda: accepting(example("thermometer"), MIXED),
    "conditional": lambda: accepting(example("thermometer"), within(limit(-50.0, 50.0))),
    "no statement": lambda: accepting(example("thermometer"), within(limit(-5.0, 5.0))),
    "no statement at some": lambda: accepting(
        example("thermometer"), within(limit(-5.0, 5.0, upto=50.0), limit(-150.0, 150.0, above=50.0))
    ),
}


@functools.cache
def results(kind: str) -> Results:
    return KINDS[kind]()


@functools.cache
def xml(kind: str, issue: Issue = ISSUE) -> bytes:
    return document.xml(results(kind), issue)


def root(kind: str, issue: Issue = ISSUE) -> Element:
    return ElementTree.fromstring(xml(kind, issue))


def parsed(found: Results, issue: Issue = ISSUE) -> Element:
    return ElementTree.fromstring(document.xml(found, issue))


def one(element: Element, path: str) -> Element:
    (found,) = every(element, path)
    return found


def every(element: Element, path: str) -> list[Element]:
    return element.findall(path, NAMESPACES)


def text(element: Element, path: str) -> str:
    return one(element, path).text or ""


def numbers(element: Element, path: str) -> list[float]:
    return [float(each) for each in text(element, path).split()]


def typed(element: Element, ref: str) -> list[Element]:
    """Every element that has this refType, among others."""
    return [each for each in element.iter() if ref in each.get("refType", "").split()]


def told(element: Element, language: str = "en") -> str:
    """What an element says in a language, all of it."""
    found = every(element, ".//dcc:content")
    return "\n".join(each.text or "" for each in found if each.get("lang") in (language, None))


def with_item(found: Results, **changes: Any) -> Results:
    return replace(found, record=replace(found.record, item=replace(found.record.item, **changes)))
