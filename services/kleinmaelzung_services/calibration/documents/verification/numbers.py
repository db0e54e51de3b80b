"""Whether a certificate says what its data give: attachments in; calculated and drawn again; findings out.

The same program gives the same bytes. Another version may round, word or place things otherwise, so its pages are not
compared; its numbers are.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents.certificate import certificate, issue_json
from kleinmaelzung_services.calibration.documents.verification import pages
from kleinmaelzung_services.calibration.documents.verification.finding import Finding
from kleinmaelzung_services.calibration.documents.verification.parts import Parts
from kleinmaelzung_services.calibration.documents.verification.pdf import Unreadable
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records.record_json import RecordError
from kleinmaelzung_services.calibration.templates import checking

# Another processor may end a long calculation with another last digit; nothing that is printed has so many.
_TOLERANCE: Final = 1e-9
_TINY: Final = 1e-12
_CALCULATED: Final = ("verdict", "as_found", "as_left")


def judge(pdf: bytes, parts: Parts, software: str) -> Iterator[Finding]:
    """`software` is what calculates and draws now."""
    checked = checking.check(parts.template_file)
    if checked.template is None:
        yield _wrong("numbers", f"{certificate.TEMPLATE} cannot be used: {checked.mistakes[0]}")
        return
    try:
        results = calculating.calculate(checked.template, parts.record)
    except (RecordError, CalibrationError) as error:
        first = str(error).partition("\n")[0]
        yield _wrong("numbers", f"nothing can be calculated from record and template: {first}")
        return
    yield _numbers(results, parts)
    yield _pages(pdf, results, parts, software)


def _numbers(results: Results, parts: Parts) -> Finding:
    again = json.loads(issue_json.encode(results, parts.issue, parts.data_sha256))
    told = json.loads(parts.told)
    for key in _CALCULATED:
        if (where := _difference(told.get(key), again[key], key)) is not None:
            return _wrong("numbers", f"{issue_json.FILE} does not say what record and template give: {where}")
    return _ok("numbers", "calculated again from record and template: the same results")


def _difference(told: Any, again: Any, path: str) -> str | None:
    """The first place where they differ, with both values."""
    if isinstance(told, dict) and isinstance(again, dict):
        if keys := sorted(told.keys() ^ again.keys()):
            return f"{path}.{keys[0]:.60} is in one of them only"
        return next(filter(None, (_difference(told[key], again[key], f"{path}.{key}") for key in again)), None)
    if isinstance(told, list) and isinstance(again, list):
        if len(told) != len(again):
            return f"{path} has {len(told)} entries, expected {len(again)}"
        pairs = enumerate(zip(told, again, strict=True))
        return next(filter(None, (_difference(*pair, f"{path}[{at}]") for at, pair in pairs)), None)
    if _is_number(told) and _is_number(again):
        is_same = math.isclose(told, again, rel_tol=_TOLERANCE, abs_tol=_TINY)
    else:
        is_same = type(told) is type(again) and told == again
    return None if is_same else f"{path} is {told!r:.60}, expected {again!r:.60}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pages(pdf: bytes, results: Results, parts: Parts, software: str) -> Finding:
    finding = _drawn_again(pdf, results, parts)
    if finding.state == "wrong" and parts.issue.software != software:
        made = f"made by another version, {parts.issue.software}; this is {software}"
        return Finding(check="pages", state="open", sentence=f"could not be compared: {made}")
    return finding


def _drawn_again(pdf: bytes, results: Results, parts: Parts) -> Finding:
    try:
        again = certificate.draw(results, parts.issue, record=parts.record_file, template=parts.template_file).pdf
    except CalibrationError as error:
        return _wrong("pages", f"cannot be drawn again: {error}")
    if pdf == again or (parts.issue.signer is not None and pdf.startswith(again)):
        return _ok("pages", "drawn again from its data: the same bytes")
    try:
        is_same = pages.digest(pdf) == pages.digest(again)
    except Unreadable as error:
        return _wrong("pages", f"cannot be compared: {error}")
    if is_same:
        return _ok("pages", "drawn again from its data: the same pages, though packed in other bytes")
    return _wrong("pages", "drawn again from its data, they differ: what is printed is not what the data give")


def _ok(check: str, sentence: str) -> Finding:
    return Finding(check=check, state="ok", sentence=sentence)


def _wrong(check: str, sentence: str) -> Finding:
    return Finding(check=check, state="wrong", sentence=sentence)
