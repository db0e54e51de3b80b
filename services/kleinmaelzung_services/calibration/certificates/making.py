"""A certificate for the register: what was sent in, what was calculated and drawn out. Pure, and slow: a second."""

import hashlib
from dataclasses import asdict

from kleinmaelzung_services.calibration.certificates.asked import Wish
from kleinmaelzung_services.calibration.certificates.store import Made, Place
from kleinmaelzung_services.calibration.documents.certificate import certificate_reports, software
from kleinmaelzung_services.calibration.documents.certificate.certificate_reports import Asked, Prepared
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue


def prepare(wish: Wish) -> Prepared:
    """Raises certificate_reports.Refused with every mistake."""
    return certificate_reports.prepare(wish.record, wish.template)


def draw(prepared: Prepared, wish: Wish, place: Place) -> Made:
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
    made = certificate_reports.made(prepared, Asked(issue=issue, now=place.at))
    results = prepared.results
    return Made(
        pdf=made.pdf,
        sha256=hashlib.sha256(made.pdf).digest(),
        data_sha256=bytes.fromhex(prepared.data_sha256),
        details={
            "verdict": results.verdict,
            "specimen": results.record.is_simulated,
            "language": issue.language,
            "pages": made.summary["pages"],
            "replaces": issue.replaces,
            "reason": issue.reason,
            "template": asdict(results.record.template),
        },
    )
