"""A certificate for the register: what was sent in, what was calculated and drawn out. Pure, and slow: a second."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.certificates.asked import Wish
from kleinmaelzung_services.calibration.certificates.store import Made, Place
from kleinmaelzung_services.calibration.documents.certificate import certificate_reports, software
from kleinmaelzung_services.calibration.documents.certificate.certificate_reports import Asked, Prepared
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """Of a run: the SHA-256 of the record that was reviewed, and whether who reviewed may have measured, too."""

    sha256: str = ""
    may_be_operator: bool = False


def prepare(wish: Wish) -> Prepared:
    """Raises certificate_reports.Refused with every mistake."""
    return certificate_reports.prepare(wish.record, wish.template)


def draw(prepared: Prepared, wish: Wish, place: Place, reviewed: Reviewed | None = None) -> Made:
    """Raises certificate_reports.Refused with every mistake."""
    issue = Issue(
        number=place.number,
        revision=place.revision,
        issued_at=place.at,
        language=wish.language,
        software=software.name(),
        replaces=place.replaces,
        reason=wish.reason,
        changes=wish.changes,
        with_readings=wish.with_readings,
    )
    review = reviewed or Reviewed()
    asked = Asked(
        issue=issue,
        now=place.at,
        reviewed_sha256=review.sha256,
        reviewer_may_be_operator=review.may_be_operator,
    )
    made = certificate_reports.made(prepared, asked)
    return Made(
        pdf=made.pdf,
        sha256=hashlib.sha256(made.pdf).digest(),
        data_sha256=bytes.fromhex(prepared.data_sha256),
        details=_details(prepared.results, issue, made.summary["pages"]),
        attachments=made.attachments,
    )


def _details(results: Results, issue: Issue, pages: int) -> dict[str, Any]:
    record = results.record
    last = record.as_left or record.as_found
    interval = results.template.interval
    return {
        "verdict": results.verdict,
        "specimen": record.is_simulated,
        "language": issue.language,
        "pages": pages,
        "replaces": issue.replaces,
        "reason": issue.reason,
        "template": asdict(record.template),
        "record": record.id,
        "model": record.item.model,
        "serial": record.item.serial,
        "asset": record.item.asset,
        "performed": last.finished.date().isoformat(),
        "interval_months": interval.months if interval else None,
        "standards": sorted({one.id for one in record.standards}),
    }
