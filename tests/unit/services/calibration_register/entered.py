"""Entries of a register for tests: what may be put, and ways to change it."""

import copy
from datetime import date
from typing import Any, Final

from kleinmaelzung_services.calibration.log.entries import Entry
from kleinmaelzung_services.calibration.register import content
from kleinmaelzung_wire.register import Kind

TODAY: Final = date(2026, 11, 23)
LABORATORY: Final = {"name": "Malting laboratory", "address": "Freising", "country": "DE", "reviewer": "same"}
ITEM: Final = {
    "instrument_type": "balance",
    "maker": "Maker",
    "model": "M-200",
    "serial": "B021",
    "interval_months": 12,
}
STANDARD: Final = {
    "kind": "weight_set",
    "description": "Weights, 1 g to 100 g",
    "serial": "4711",
    "accuracy_class": "E2",
    "unit": "g",
    "certificate": {
        "number": "D-K-12345",
        "laboratory": "An accredited one",
        "calibrated": "2025-03-01",
        "due": "2027-03-01",
    },
    "certified": [
        {"low": 50, "high": 50, "correction": 0.00002, "U": 0.00003, "k": 2, "mpe": 0.0001},
        {"low": 100, "high": 100, "correction": -0.00003, "U": 0.00005, "k": 2, "mpe": 0.00016},
    ],
    "fields": [{"name": "drift_per_year", "value": 0.00001, "unit": "g"}],
}
PLAIN: Final[dict[Kind, Any]] = {"laboratory": LABORATORY, "standard": STANDARD, "item": ITEM}
NAMES: Final[dict[Kind, str]] = {"laboratory": "laboratory", "standard": "WS-E2-01", "item": "pi-1/balance"}
SUBJECTS: Final = {"laboratory": "laboratory", "standard": "standard:WS-E2-01", "item": "item:pi-1/balance"}


def changed(kind: Kind, *changes: tuple[tuple[str | int, ...], Any]) -> dict[str, Any]:
    """An entry's content with other values at some keys; ... takes a key away."""
    found: Any = copy.deepcopy(PLAIN[kind])
    for path, value in changes:
        place = found
        for key in path[:-1]:
            place = place[key]
        if value is ...:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    values: dict[str, Any] = found
    return values


def stored(kind: Kind, *changes: tuple[tuple[str | int, ...], Any]) -> dict[str, Any]:
    """As the log keeps it."""
    checked, mistakes = content.check(kind, NAMES[kind], changed(kind, *changes), TODAY)
    assert checked is not None, mistakes
    plain: dict[str, Any] = content.plain(checked)
    return plain


def put(kind: Kind, found: dict[str, Any], *, number: int = 1, user: str = "anna", **details: Any) -> Entry:
    return entry(kind, "put", number, user, {"content": found, "reason": "", "file": "", **details})


def retired(kind: Kind, *, number: int, reason: str = "broken") -> Entry:
    return entry(kind, "retired", number, "otto", {"reason": reason})


def entry(kind: Kind, what: str, number: int, user: str, details: dict[str, Any]) -> Entry:
    return Entry(
        number=number,
        time=1_790_000_000_000_000 + number,
        subject=SUBJECTS[kind],
        kind=what,
        user=user,
        details=details,
        request="",
        hash=b"",
    )
