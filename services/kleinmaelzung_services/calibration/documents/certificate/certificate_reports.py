"""What is said about records and certificates: files' bytes in; plain dictionaries, and the PDF, out.

What draws is loaded when it is needed: it is half of what a service would load at its start.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import MeasurandResult, PointResult, Results, SeriesResult
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.engine import rounding
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import record_check, record_json
from kleinmaelzung_services.calibration.records.record import Record
from kleinmaelzung_services.calibration.records.record_json import Mistake, RecordError
from kleinmaelzung_services.calibration.templates import checking, shipped
from kleinmaelzung_services.calibration.templates.mistakes import shown
from kleinmaelzung_services.calibration.templates.template import Template


class Refused(Exception):
    """No number may be calculated of this, or no certificate issued; each mistake has its sentence."""

    def __init__(self, mistakes: list[dict[str, Any]]) -> None:
        super().__init__("\n".join(one["sentence"] for one in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was calculated, and the files that it was calculated of."""

    results: Results
    record: bytes
    template: bytes

    @property
    def data_sha256(self) -> str:
        return hashlib.sha256(self.record).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The certificate that is asked for, and what the laboratory permits; `now` is by the computer's clock."""

    issue: Issue
    now: datetime
    reviewed_sha256: str = ""
    reviewer_may_be_operator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """`attachments` are the files within the PDF, by name."""

    pdf: bytes
    attachments: dict[str, bytes]
    summary: dict[str, Any]


def prepare(record: bytes, template: bytes | None, asked: Asked | None = None) -> Prepared:
    """Without a template the one that comes along is taken. Raises Refused with every mistake.

    What forbids the certificate that is asked for is told with them: it need not wait until all can be calculated.
    """
    with _refusing():
        found = record_json.decode(record)
        content = _shipped(found) if template is None else template
        checked = checking.check(content, shipped.register())
        if checked.template is None:
            mistakes = [{**asdict(one), "sentence": f"the template: {one}"} for one in checked.mistakes]
            raise Refused(mistakes)
        if forbidden := record_check.check(checked.template, found):
            raise RecordError([*forbidden, *(_forbidden(checked.template, found, record, asked) if asked else [])])
        return Prepared(results=calculating.calculate(checked.template, found), record=record, template=content)


def _forbidden(template: Template, found: Record, record: bytes, asked: Asked) -> list[Mistake]:
    from kleinmaelzung_services.calibration.documents.certificate import issuing

    return issuing.check_record(
        template,
        found,
        asked.issue,
        now=asked.now,
        data_sha256=hashlib.sha256(record).hexdigest(),
        reviewed_sha256=asked.reviewed_sha256,
        reviewer_may_be_operator=asked.reviewer_may_be_operator,
    )


def checked(record: bytes, template: bytes | None) -> dict[str, Any]:
    """All mistakes of a record; or what was found, where there is none."""
    sha256 = hashlib.sha256(record).hexdigest()
    try:
        prepared = prepare(record, template)
    except Refused as error:
        return {"ok": False, "data_sha256": sha256, "found": None, "mistakes": error.mistakes}
    results = prepared.results
    found = {
        "record": results.record.id,
        "is_specimen": results.record.is_simulated,
        "template": asdict(results.record.template),
        "verdict": results.verdict,
        "as_found": _series(results.as_found),
        "as_left": None if results.as_left is None else _series(results.as_left),
    }
    return {"ok": True, "data_sha256": sha256, "found": found, "mistakes": []}


def made(prepared: Prepared, asked: Asked) -> Made:
    """The certificate, not signed. Raises Refused with every mistake."""
    from kleinmaelzung_services.calibration.documents import drawing
    from kleinmaelzung_services.calibration.documents.certificate import certificate, issuing

    results, issue = prepared.results, asked.issue
    with _refusing():
        issuing.require(
            results,
            issue,
            now=asked.now,
            data_sha256=prepared.data_sha256,
            reviewed_sha256=asked.reviewed_sha256,
            reviewer_may_be_operator=asked.reviewer_may_be_operator,
        )
        document = certificate.document(results, issue, record=prepared.record, template=prepared.template)
        drawn = drawing.draw(document)
    summary = {
        "number": issue.number,
        "revision": issue.revision,
        "pages": drawn.pages,
        "data_sha256": prepared.data_sha256,
        "verdict": results.verdict,
        "is_specimen": results.record.is_simulated,
        "signed": issue.signer.fingerprint if issue.signer else None,
    }
    attachments = {one.name: one.content for one in document.attachments}
    return Made(pdf=drawn.pdf, attachments=attachments, summary=summary)


def _series(series: SeriesResult) -> dict[str, Any]:
    return {"verdict": series.verdict, "measurands": [_measurand(one) for one in series.measurands]}


def _measurand(found: MeasurandResult) -> dict[str, Any]:
    return {
        "name": found.measurand.name,
        "unit": found.measurand.unit.symbol,
        "error_unit": found.measurand.error_unit.symbol,
        "points": len(found.points),
        "largest_U": max(point.uncertainty.expanded for point in found.points),
        "verdict": found.verdict,
        "notes": list(found.notes),
        "results": [_point(one) for one in found.points],
    }


def _point(found: PointResult) -> dict[str, Any]:
    """A row of the table of results; `shown` is error and U as a certificate prints them. Numbers are unrounded."""
    expanded, decision = found.uncertainty.expanded, found.decision
    return {
        "nominal": found.nominal,
        "direction": found.direction,
        "repeats": found.repeats,
        "reference": found.reference,
        "indication": found.indication,
        "error": found.error,
        "U": expanded,
        "k": found.uncertainty.k,
        "shown": dict(zip(("error", "U"), rounding.texts(found.error, expanded), strict=True)),
        "lower": decision.lower if decision else None,
        "upper": decision.upper if decision else None,
        "verdict": decision.statement.verdict if decision else "",
    }


def _shipped(record: Record) -> bytes:
    """Raises RecordError."""
    for one in shipped.templates():
        if one.template.id == record.template.id:
            return one.content
    notes = record_json.Notes()
    rule = "no template that comes along has this id"
    notes.add(("template", "id"), rule, "name its file with --template", found=record.template.id)
    raise RecordError(notes.mistakes)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except RecordError as error:
        raise Refused([{**asdict(one), "sentence": str(one)} for one in error.mistakes]) from error
    except CalibrationError as error:
        told = {"path": error.field, "found": shown(error.value), "rule": error.rule, "remedy": error.remedy}
        raise Refused([{**told, "sentence": str(error)}]) from error
