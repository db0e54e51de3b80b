"""Is all of a certificate attached, and does it belong together? Attachments in; what they say, and findings, out."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration.documents.certificate import certificate, issue_json
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.certificate.issue_json import IssueError
from kleinmaelzung_services.calibration.documents.dcc import reading
from kleinmaelzung_services.calibration.documents.verification.finding import Finding
from kleinmaelzung_services.calibration.documents.verification.reading import Attached
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record import Record
from kleinmaelzung_services.calibration.records.record_json import RecordError

EXPECTED: Final = (certificate.DCC, certificate.RECORD, certificate.TEMPLATE, issue_json.FILE)
_MOST_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the attachments say. `told` is certificate.json, `data_sha256` the one that it names."""

    issue: Issue
    data_sha256: str
    told: bytes
    record: Record
    record_file: bytes
    template_file: bytes
    dcc: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """`parts` is None where something is missing or cannot be read."""

    parts: Parts | None
    findings: tuple[Finding, ...]


class _Refused(ValueError):
    """A sentence about an attachment."""


def judge(attached: Sequence[Attached]) -> Complete:
    findings = list(_completeness(attached))
    files = {one.name: one.content for one in attached}
    if any(name not in files for name in EXPECTED):
        return Complete(parts=None, findings=tuple(findings))
    try:
        parts = _parts(files)
    except _Refused as error:
        return Complete(parts=None, findings=(*findings, _wrong("data", str(error))))
    return Complete(parts=parts, findings=(*findings, *_agreement(parts)))


def _completeness(attached: Sequence[Attached]) -> Iterator[Finding]:
    counts = Counter(one.name for one in attached)
    wrong = [f"{name} is missing" for name in EXPECTED if name not in counts]
    wrong += [f"{name} is there {count} times" for name, count in counts.items() if name in EXPECTED and count > 1]
    for one in attached:
        if one.name in EXPECTED and one.checksum is None:
            wrong.append(f"{one.name} has no checksum")
        elif one.name in EXPECTED and one.checksum != hashlib.md5(one.content, usedforsecurity=False).digest():
            wrong.append(f"{one.name} is not what was attached: its checksum is another")
    if wrong:
        yield _wrong("complete", "; ".join(wrong))
    else:
        yield _ok("complete", f"{', '.join(EXPECTED)} are attached, as their checksums say")
    if others := [name for name in counts if name not in EXPECTED]:
        named = ", ".join(f"{name!r:.60}" for name in others[:_MOST_SHOWN])
        more = f" and {len(others) - _MOST_SHOWN} more" if len(others) > _MOST_SHOWN else ""
        yield _wrong("complete", f"there is more than a certificate has, and it was not looked at: {named}{more}")


def _parts(files: dict[str, bytes]) -> Parts:
    told, record_file = files[issue_json.FILE], files[certificate.RECORD]
    try:
        issue = issue_json.decode(told)
    except IssueError as error:
        raise _Refused(f"{issue_json.FILE} cannot be read: {_first(error)}") from None
    try:
        record = record_json.decode(record_file)
    except RecordError as error:
        raise _Refused(f"{certificate.RECORD} cannot be read: {_first(error)}") from None
    return Parts(
        issue=issue,
        data_sha256=str(json.loads(told)["data_sha256"]),
        told=told,
        record=record,
        record_file=record_file,
        template_file=files[certificate.TEMPLATE],
        dcc=files[certificate.DCC],
    )


def _agreement(parts: Parts) -> Iterator[Finding]:
    wrong = []
    if (found := hashlib.sha256(parts.record_file).hexdigest()) != parts.data_sha256:
        wrong.append(f"{certificate.RECORD} has SHA-256 {found}, {issue_json.FILE} names {parts.data_sha256}")
    if (found := hashlib.sha256(parts.template_file).hexdigest()) != parts.record.template.sha256:
        wrong.append(f"{certificate.TEMPLATE} has SHA-256 {found}, the record names {parts.record.template.sha256}")
    try:
        if (found := reading.read(parts.dcc).unique_identifier) != parts.issue.name:
            wrong.append(f"{certificate.DCC} names the certificate {found:.60}, {issue_json.FILE} {parts.issue.name}")
    except CalibrationError as error:
        wrong.append(f"{certificate.DCC} cannot be read: {error}")
    if wrong:
        yield _wrong("data", "; ".join(wrong))
    else:
        yield _ok("data", f"the attachments belong together: certificate {parts.issue.name}, data {parts.data_sha256}")


def _first(error: RecordError) -> str:
    more = len(error.mistakes) - 1
    return f"{error.mistakes[0]}{f'; and {more} more' if more else ''}"


def _ok(check: str, sentence: str) -> Finding:
    return Finding(check=check, state="ok", sentence=sentence)


def _wrong(check: str, sentence: str) -> Finding:
    return Finding(check=check, state="wrong", sentence=sentence)
