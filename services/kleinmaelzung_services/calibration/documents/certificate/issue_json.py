"""The certificate for programs: results and issue in, certificate.json out; and the issue back from it. Pure.

No number is rounded. Infinite degrees of freedom are null: JSON has no infinity. The results are not read back: they
are calculated again from the record and the template, and must give the same bytes.
"""

import dataclasses
import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np

from kleinmaelzung_services.calibration.calculation.results import (
    Computed,
    Correction,
    Decision,
    MeasurandResult,
    PointResult,
    Results,
    SeriesResult,
    Shift,
)
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record import TemplateName
from kleinmaelzung_services.calibration.records.record_json import Notes, RecordError
from kleinmaelzung_wire.certificates import SHA256

SCHEMA: Final = "calibration-certificate/1"
FILE: Final = "certificate.json"
# What encode() calculates, and decode() leaves alone.
_CALCULATED: Final = ("verdict", "as_found", "as_left")


class IssueError(RecordError):
    """What must not be issued, or is no certificate.json; `mistakes` has all of what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What decode() reads."""

    issue: Issue
    data_sha256: str
    record: str
    is_simulated: bool
    template: TemplateName


def encode(results: Results, issue: Issue, data_sha256: str) -> bytes:
    """The same results and the same issue always give the same bytes. `data_sha256` is that of record.json."""
    issued = dataclasses.replace(issue, issued_at=issue.issued_at.astimezone(UTC))
    template = results.template
    values = {
        "schema": SCHEMA,
        "issue": _plain(issued),
        "data_sha256": data_sha256,
        "record": results.record.id,
        "is_simulated": results.record.is_simulated,
        "template": {"id": template.id, "version": template.version, "sha256": template.sha256},
        "verdict": results.verdict,
        "as_found": _series(results.as_found),
        "as_left": None if results.as_left is None else _series(results.as_left),
    }
    return json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def decode(content: bytes) -> Issue:
    """Raises IssueError with every mistake."""
    try:
        values = record_json.parse(content)
    except RecordError as error:
        raise IssueError([dataclasses.replace(one, path=FILE) for one in error.mistakes]) from None
    notes = Notes()
    if (schema := values.pop("schema", None)) != SCHEMA:
        notes.add(("schema",), f'this program reads "{SCHEMA}"', "use a program that reads this one", found=schema)
        raise IssueError(notes.mistakes)  # the rest would only be mistakes about another format
    for key in _CALCULATED:
        if key not in values:
            notes.add((key,), "missing", "make the certificate again")
        values.pop(key, None)
    head = record_json.read(_Head, values, (), notes)
    if head is not None and not SHA256.fullmatch(head.data_sha256):
        rule = "expected a SHA-256: 64 digits of 0 to 9 and a to f"
        notes.add(("data_sha256",), rule, "make the certificate again", found=head.data_sha256)
    if head is None or notes.mistakes:
        raise IssueError(notes.mistakes)
    return head.issue


def _series(series: SeriesResult) -> dict[str, Any]:
    return {"verdict": series.verdict, "measurands": [_measurand(one) for one in series.measurands]}


def _measurand(found: MeasurandResult) -> dict[str, Any]:
    measurand = found.measurand
    return {
        "name": measurand.name,
        "quantity": measurand.quantity,
        "unit": measurand.unit.symbol,
        "error_unit": measurand.error_unit.symbol,
        "direction": measurand.direction,
        "verdict": found.verdict,
        "points": [_point(one) for one in found.points],
        "spread": _plain(found.spread),
        "repeats": None if found.repeats is None else {"s": _plain(found.repeats[0]), "dof": _plain(found.repeats[1])},
        "places": _plain(found.places),
        "hysteresis": _plain(found.hysteresis),
        "linearity": _plain(found.linearity),
        "shifts": [_permitted(one) for one in found.shifts],
        "correction": None if found.correction is None else _correction(found.correction),
        "computed": [_computed(one) for one in found.computed],
        "notes": _plain(found.notes),
    }


def _point(point: PointResult) -> dict[str, Any]:
    uncertainty = point.uncertainty
    return {
        "test": point.test,
        "nominal": _plain(point.nominal),
        "direction": point.direction,
        "repeats": point.repeats,
        "reference": _plain(point.reference),
        "indication": _plain(point.indication),
        "error": _plain(point.error),
        "s": _plain(point.s),
        "u_c": _plain(uncertainty.u_c),
        "nu_eff": _plain(uncertainty.nu_eff),
        "k": _plain(uncertainty.k),
        "p": _plain(uncertainty.p),
        "basis": uncertainty.basis,
        "U": _plain(uncertainty.expanded),
        "second_order": _plain(uncertainty.second_order),
        "drawn": _plain(uncertainty.drawn),
        "decision": None if point.decision is None else _decision(point.decision),
        "budget": _plain(uncertainty.lines),
        "notes": _plain(point.notes),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    statement: dict[str, Any] = _plain(decision.statement)
    return {
        "lower": _plain(decision.lower),
        "upper": _plain(decision.upper),
        **statement,
        "test_uncertainty_ratio": _plain(decision.test_uncertainty_ratio),
    }


def _correction(correction: Correction) -> dict[str, Any]:
    """The covariance is that of the coefficients, which are in the order of `powers`."""
    fit = correction.fit
    return {
        "x": correction.x,
        "y": correction.y,
        "y_unit": correction.y_unit,
        "order": fit.order,
        "origin": _plain(fit.origin),
        "range": _plain(fit.range),
        "powers": list(fit.powers),
        "coefficients": _plain(fit.coefficients),
        "uncertainties": _plain(fit.uncertainties),
        "covariance": _plain(fit.covariance),
        "u_common": _plain(correction.u_common),
        "residual_s": _plain(fit.residual_s),
        "dof": fit.dof,
        "has_known_uncertainties": fit.is_known,
        "lack_of_fit": _plain(fit.lack_of_fit),
        "weighted_by": _plain(correction.weighted_by),
        "xs": _plain(correction.xs),
        "ys": _plain(correction.ys),
        "residuals": _plain(fit.residuals),
    }


def _computed(found: Computed) -> dict[str, Any]:
    values, uncertainty = _permitted(found), found.uncertainty
    if uncertainty is not None:
        values["uncertainty"]["U"] = _plain(uncertainty.expanded)
    return values


def _permitted(found: Shift | Computed) -> dict[str, Any]:
    values: dict[str, Any] = _plain(found)
    return {**values, "is_permitted": found.is_permitted}


def _plain(value: Any) -> Any:
    """As JSON knows it: a dataclass by its fields, a limit of Decimal as a number."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal | float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date | datetime) else value
