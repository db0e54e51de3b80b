"""Whether a certificate is unchanged, complete and right: the PDF's bytes in; findings, each with its sentence, out.

reading.py reads the file, with pyHanko. What it finds is judged by signatures.py (who signed,
what was done since), parts.py (is all attached) and numbers.py (calculate and draw again).
Whether a server knows the certificate is asked by whoever calls this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration.documents.verification import numbers, reading, signatures
from kleinmaelzung_services.calibration.documents.verification import parts as verification_parts
from kleinmaelzung_services.calibration.documents.verification.finding import Finding
from kleinmaelzung_services.calibration.documents.verification.pdf import Unreadable

_SPECIMEN: Final = Finding(
    check="specimen", state="open", sentence="its readings are simulated, so it says nothing about an instrument"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """`number` is that of the certificate, empty where it cannot be told."""

    findings: tuple[Finding, ...]
    number: str = ""


def verify(pdf: bytes, *, trusted: Sequence[bytes] = (), software: str) -> Verified:
    """`trusted` are certificates, PEM or DER; `software` is what would calculate and draw now."""
    try:
        opened = reading.read(pdf, trusted)
    except Unreadable as error:
        return Verified(findings=(Finding(check="file", state="wrong", sentence=str(error)),))
    complete = verification_parts.judge(opened.attached)
    parts = complete.parts
    findings = [
        *signatures.judge(opened, None if parts is None else parts.issue),
        *complete.findings,
        *([_SPECIMEN] if parts is not None and parts.record.is_simulated else []),
        *([] if parts is None else numbers.judge(pdf, parts, software)),
    ]
    return Verified(findings=tuple(findings), number="" if parts is None else parts.issue.number)
