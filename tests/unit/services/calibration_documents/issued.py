"""Certificates to look at, each drawn once: the examples as they are, and one that has all that there can be."""

import copy
import functools
import hashlib
from datetime import UTC, datetime
from typing import Any, Final

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents.certificate import certificate
from kleinmaelzung_services.calibration.documents.certificate.issue import Change, Issue, Signer
from kleinmaelzung_services.calibration.documents.drawing import Drawn
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.templates import checking, shipped
from tests.unit.services.calibration_records import examples
from tests.unit.services.calibration_records.examples import Key

Changed = tuple[tuple[Key, ...], Any]
TEMPLATES: Final = {one.name: one.content for one in shipped.templates()}
FINGERPRINT: Final = "0123456789abcdef" * 4
ADJUSTED: Final = {
    "text": "offset of the indicator set",
    "before": "offset 0.00",
    "after": "offset 0.02",
    "by": "A. Example",
    "at": "2026-03-11T14:00:00+00:00",
}
DEVIATION: Final = {
    "text": "the bath was stirred by hand",
    "by": "A. Example",
    "at": "2026-03-11T09:15:00+00:00",
    "test": 0,
}
# Adjustment, deviation, opinion, and something of the customer's.
FULL: Final[tuple[Changed, ...]] = (
    (("adjustment",), ADJUSTED),
    (("deviations",), [DEVIATION]),
    (("opinions",), ["The drift is usual for a sensor of this kind."]),
    (("from_customer",), ["self_heating", "In use it is immersed by 200 mm."]),
)
SECOND: Final[dict[str, Any]] = {
    "revision": 2,
    "replaces": "K-2026-0007/1",
    "reason": "the address of the customer was wrong",
    "changes": (Change(field="customer.address", before="Malzgasse 1", after="Malzgasse 2"),),
    "signer": Signer(name="C. Muster", fingerprint=FINGERPRINT),
}


def issue(language: Language = "en", **changes: Any) -> Issue:
    values: dict[str, Any] = {"number": "K-2026-0007", "issued_at": datetime(2026, 3, 13, 8, 30, tzinfo=UTC)}
    return Issue(language=language, software="kleinmaelzung 0.1.0", **{**values, **changes})


@functools.cache
def plain(name: str, language: Language = "en") -> Drawn:
    """An example as it is."""
    return drawn(name, issue(language))


@functools.cache
def real() -> Drawn:
    """The balance, as if it had not been simulated; without the annex."""
    return drawn("balance", issue(with_readings=False), (("is_simulated",), False))


@functools.cache
def full(language: Language = "en") -> Drawn:
    """The thermometer with all that there can be."""
    return drawn("thermometer", issue(language, **SECOND), *_all_of_it())


@functools.cache
def full_results() -> Results:
    return examples.results("thermometer", *_all_of_it())


def drawn(name: str, issued: Issue, *changes: Changed) -> Drawn:
    """An example with changes to its record."""
    record = examples.changed(name, *changes) if changes else examples.CONTENT[name]
    return certificate.draw(examples.results(name, *changes), issued, record=record, template=TEMPLATES[name])


def by(name: str, content: bytes) -> Drawn:
    """The example, as if another template had been used for it; without the annex."""
    template = checking.check(content).template
    assert template is not None
    record = examples.record(name, (("template", "sha256"), template.sha256))
    results = calculating.calculate(template, record)
    return certificate.draw(results, issue(with_readings=False), record=record_json.encode(record), template=content)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _all_of_it() -> tuple[Changed, ...]:
    return (*FULL, (("as_left",), _a_day_later(copy.deepcopy(examples.VALUES["thermometer"]["as_found"]))))


def _a_day_later(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _a_day_later(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_a_day_later(each) for each in value]
    return value.replace("2026-03-11T", "2026-03-12T") if isinstance(value, str) else value
