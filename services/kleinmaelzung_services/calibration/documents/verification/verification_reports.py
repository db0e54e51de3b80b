"""What is said about a certificate that was verified: its bytes in; a plain dictionary out."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kleinmaelzung_services.calibration.documents.certificate import software
from kleinmaelzung_services.calibration.documents.verification import reading, signatures, verifying
from kleinmaelzung_services.calibration.documents.verification.pdf import Unreadable


def verify(pdf: bytes, trusted: Sequence[bytes]) -> dict[str, Any]:
    """Its number, empty where it cannot be told, and the findings: each with check, state and sentence."""
    found = verifying.verify(pdf, trusted=trusted, software=software.name())
    return {"number": found.number, "findings": [asdict(one) for one in found.findings]}


def why_not_trusted(certificates: bytes) -> str:
    """Why these bytes are no certificates to trust, as a sentence; empty where they are."""
    try:
        reading.check_trusted(certificates)
    except Unreadable as error:
        return str(error)
    return ""


def vouched(findings: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The findings about a file of which a server has the very bytes: that it is not signed is nothing wrong then."""
    stands_in = {"state": "open", "sentence": "unsigned copy: the server that issued it vouches for it"}
    return [{**one, **stands_in} if one["sentence"] == signatures.UNSIGNED else one for one in findings]
