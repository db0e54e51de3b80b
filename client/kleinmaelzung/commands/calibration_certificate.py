"""`kleinmaelzung calibration certificate`: a record of what was observed becomes a certificate. No server is asked.

What calculates and draws belongs to the services, which a mere client has not: it is imported where it is used.
"""

import hashlib
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Error
from kleinmaelzung.commands import calibration_record, counts, options, signing_key, texts, times, whole_file

LANGUAGES: Final = ("en", "de")
MAX_REVISION: Final = 99_999_999
MEANING: Final = "make the certificate of a calibration that was recorded"
EPILOG: Final = """\
  kleinmaelzung calibration record check docs/examples/calibration/balance.json
  kleinmaelzung calibration certificate docs/examples/calibration/balance.json --number K-2026-0007 -o K-2026-0007.pdf

record, template and a machine-readable certificate (DCC) are attached to the PDF. What must not be issued is told, all
of it at once, and nothing is written. docs/certificates.md says what is on the pages.
To have a server number and keep it: kleinmaelzung calibration issue
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def add_to(actions: Any) -> None:
    """Add `certificate` to the subcommands of `calibration`."""
    parser: ArgumentParser = actions.add_parser(
        "certificate", help=MEANING, description=MEANING, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    calibration_record.add_files(parser)
    parser.add_argument("--number", required=True, metavar="N", help="of the certificate, such as K-2026-0007")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.pdf", required=True, help="the file to write")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the fixed words; en unless told")
    parser.add_argument(
        "--revision", type=counts.count("a revision", MAX_REVISION), default=1, metavar="R", help="1 unless told"
    )
    parser.add_argument("--replaces", default="", metavar="TEXT", help="which certificate this revision replaces")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why it is replaced")
    parser.add_argument(
        "--change", nargs=3, action="append", default=[], metavar=("FIELD", "BEFORE", "AFTER"), help="what is different"
    )
    parser.add_argument("--issued-at", type=times.moment, metavar="TIME", help=f"now unless told: {times.EXAMPLES}")
    signing_key.add_to(parser)
    parser.add_argument("--reviewed", default="", metavar="SHA256", help="of the record as it was reviewed")
    parser.add_argument("--no-readings", action="store_true", help="without the annex of all readings")
    parser.add_argument("--reviewer-may-be-operator", action="store_true", help="where the laboratory permits it")
    parser.add_argument("--force", action="store_true", help="replace OUT.pdf where it exists")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration.documents.certificate import certificate_reports

    sources = {"the record": arguments.file, "the template": arguments.template, "the key": arguments.key}
    whole_file.check(arguments.output, sources, force=arguments.force)
    record, template = calibration_record.contents(arguments)
    key, now = signing_key.opened(arguments), datetime.now(UTC)
    try:
        asked = certificate_reports.Asked(
            issue=_issue(arguments, key, now),
            now=now,
            reviewed_sha256=arguments.reviewed,
            reviewer_may_be_operator=arguments.reviewer_may_be_operator,
        )
        made = certificate_reports.made(certificate_reports.prepare(record, template, asked), asked)
    except certificate_reports.Refused as error:
        raise Error(calibration_record.listed(str(arguments.file), error.mistakes)) from error
    pdf = _signed(made.pdf, key, now)
    whole_file.write(arguments.output, pdf, force=arguments.force)
    document = {**made.summary, "file": str(arguments.output), "sha256": hashlib.sha256(pdf).hexdigest()}
    options.show(arguments, document, lambda: sentences(document))
    return 0


def _issue(arguments: Namespace, key: Any, now: datetime) -> Any:
    """What the options say, as the documents know it."""
    from kleinmaelzung_services.calibration.documents.certificate import software
    from kleinmaelzung_services.calibration.documents.certificate.issue import Change, Issue

    at = now if arguments.issued_at is None else _EPOCH + timedelta(microseconds=arguments.issued_at)
    return Issue(
        number=arguments.number,
        revision=arguments.revision,
        issued_at=at.replace(microsecond=0),
        language=arguments.language,
        software=software.name(),
        replaces=arguments.replaces,
        reason=arguments.reason,
        changes=tuple(Change(field=field, before=before, after=after) for field, before, after in arguments.change),
        signer=key.signer if key else None,
        with_readings=not arguments.no_readings,
    )


def _signed(pdf: bytes, key: Any, now: datetime) -> bytes:
    """Signed now, whenever it was issued: a signature says when it was made."""
    if key is None:
        return pdf
    from kleinmaelzung_services.calibration import errors
    from kleinmaelzung_services.calibration.documents import signing

    try:
        return signing.sign(pdf, key, at=now)
    except errors.CalibrationError as error:
        raise Error(str(error)) from error


def sentences(document: dict[str, Any]) -> str:
    specimen = ", a specimen: its readings are simulated" if document["is_specimen"] else ""
    signed = f"signed, SHA-256 of the key's certificate {document['signed']}" if document["signed"] else "not signed"
    pages = "1 page" if document["pages"] == 1 else f"{document['pages']} pages"
    return (
        f"{texts.plain(document['file'])}: {texts.plain(document['number'])} revision {document['revision']}, {pages},"
        f" verdict: {document['verdict']}{specimen}; {signed}\n"
        f"SHA-256 {document['sha256']}\nSHA-256 of the record {document['data_sha256']}"
    )
