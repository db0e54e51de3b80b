"""certificate.json: all of the results, not rounded, and the issue back from it or every mistake."""

import dataclasses
import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.documents.certificate import issue_json
from kleinmaelzung_services.calibration.documents.certificate.issue import Change, Issue, Signer
from kleinmaelzung_services.calibration.documents.certificate.issue_json import IssueError
from tests.unit.services.calibration_records import examples, simulated

SHA256 = "0123456789abcdef" * 4
ISSUE = Issue(
    number="K-2026-0007",
    revision=2,
    issued_at=datetime(2026, 3, 11, 8, 0, tzinfo=UTC),
    language="de",
    software="kleinmaelzung 0.1.0",
    replaces="K-2026-0007/1",
    reason="die Seriennummer war falsch: Ω µ ß",
    changes=(Change(field="Seriennummer", before="1", after="2"), Change(field="Inventarnummer", after="3")),
    signer=Signer(name="Musterlabor", fingerprint=SHA256),
    with_readings=False,
)
CONTENT = {name: issue_json.encode(examples.results(name), ISSUE, SHA256) for name in examples.CONTENT}
BALANCE: dict[str, Any] = json.loads(CONTENT["balance"])
THERMOMETER: dict[str, Any] = json.loads(CONTENT["thermometer"])


def changed(**changes: Any) -> bytes:
    """Another certificate.json; ... takes a key away."""
    values = {key: value for key, value in {**BALANCE, **changes}.items() if value is not ...}
    return json.dumps(values).encode()


def mistakes(content: bytes) -> list[str]:
    with pytest.raises(IssueError) as raised:
        issue_json.decode(content)
    return [str(one) for one in raised.value.mistakes]


@pytest.mark.parametrize("name", CONTENT)
def test_an_issue_comes_back_as_it_was(name: str) -> None:
    assert issue_json.decode(CONTENT[name]) == ISSUE


def test_the_smallest_issue_comes_back_too() -> None:
    smallest = Issue(number="K-1", issued_at=ISSUE.issued_at, language="en", software="x")
    assert issue_json.decode(issue_json.encode(examples.results("balance"), smallest, SHA256)) == smallest


def test_the_same_moment_in_another_zone_makes_the_same_bytes() -> None:
    there = dataclasses.replace(ISSUE, issued_at=ISSUE.issued_at.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert issue_json.encode(examples.results("balance"), there, SHA256) == CONTENT["balance"]


def test_it_says_what_it_was_made_of() -> None:
    template = examples.TEMPLATES["balance"]
    assert list(BALANCE) == [
        "schema", "issue", "data_sha256", "record", "is_simulated", "template", "verdict", "as_found", "as_left",
    ]  # fmt: skip
    assert (BALANCE["schema"], BALANCE["data_sha256"]) == ("calibration-certificate/1", SHA256)
    assert (BALANCE["record"], BALANCE["is_simulated"]) == ("SIM-2026-0001", True)
    assert BALANCE["template"] == {"id": template.id, "version": template.version, "sha256": template.sha256}
    assert (BALANCE["verdict"], BALANCE["as_left"]) == ("pass", None)


def test_a_point_has_all_its_numbers_not_rounded() -> None:
    point, row = BALANCE["as_found"]["measurands"][0]["points"][1], examples.found("balance").points[1]
    assert list(point) == [
        "test", "nominal", "direction", "repeats", "reference", "indication", "error", "s", "u_c", "nu_eff", "k", "p",
        "basis", "U", "second_order", "drawn", "decision", "budget", "notes",
    ]  # fmt: skip
    assert (point["reference"], point["indication"], point["error"]) == (row.reference, row.indication, row.error)
    assert (point["U"], point["k"]) == (row.uncertainty.expanded, row.uncertainty.k)
    assert list(point["decision"]) == [
        "lower", "upper", "verdict", "rule", "why", "p_conform", "risk", "acceptance", "rejection", "guard_band",
        "test_uncertainty_ratio",
    ]  # fmt: skip
    assert [line["name"] for line in point["budget"]] == [line.name for line in row.uncertainty.lines]


def test_infinite_degrees_of_freedom_are_null() -> None:
    lines = examples.found("balance").points[1].uncertainty.lines
    told = [line["dof"] for line in BALANCE["as_found"]["measurands"][0]["points"][1]["budget"]]
    assert [None if math.isinf(line.dof) else line.dof for line in lines] == told
    assert None in told


@pytest.mark.parametrize(
    ("name", "keys"), [("balance", ("spread", "places")), ("thermometer", ("hysteresis", "linearity", "correction"))]
)
def test_what_the_tests_found_is_there(name: str, keys: tuple[str, ...]) -> None:
    measurand = json.loads(CONTENT[name])["as_found"]["measurands"][0]
    assert list(measurand) == [
        "name", "quantity", "unit", "error_unit", "direction", "verdict", "points", "spread", "repeats", "places",
        "hysteresis", "linearity", "shifts", "correction", "computed", "notes",
    ]  # fmt: skip
    assert all(measurand[key] for key in keys)


def test_a_correction_has_its_coefficients_with_their_covariance() -> None:
    told = THERMOMETER["as_found"]["measurands"][0]["correction"]
    correction = examples.found("thermometer").correction
    assert correction is not None
    assert told["coefficients"] == list(correction.fit.coefficients)
    assert told["covariance"] == correction.fit.covariance.tolist()
    assert len(told["residuals"]) == len(told["xs"]) == len(told["ys"])
    assert (told["range"], told["u_common"]) == (list(correction.fit.range), correction.u_common)


@pytest.mark.parametrize("name", examples.TEMPLATES)
def test_results_of_every_template_can_be_written(name: str) -> None:
    results = calculating.calculate(examples.TEMPLATES[name], simulated.record(examples.TEMPLATES[name]))
    content = issue_json.encode(results, ISSUE, SHA256)
    assert issue_json.decode(content) == ISSUE
    told = json.loads(content)["as_found"]["measurands"]
    for measurand, row in zip(told, results.as_found.measurands, strict=True):
        assert [one["U"] for one in measurand["points"]] == [one.uncertainty.expanded for one in row.points]
        for computed, one in zip(measurand["computed"], row.computed, strict=True):
            assert (computed["value"], computed["is_permitted"]) == (one.value, one.is_permitted)
            assert (computed["uncertainty"] is None) == (one.uncertainty is None)
            assert one.uncertainty is None or computed["uncertainty"]["U"] == one.uncertainty.expanded


def test_as_left_is_there_where_something_was_adjusted() -> None:
    results = examples.results("balance")
    both = dataclasses.replace(results, as_left=results.as_found)
    assert json.loads(issue_json.encode(both, ISSUE, SHA256))["as_left"] == BALANCE["as_found"]


def test_all_mistakes_are_told_at_once() -> None:
    issue = {**BALANCE["issue"], "revision": "2", "language": "fr", "colour": "red", "issued_at": "2026-03-11T08:00:00"}
    found = mistakes(changed(issue=issue, verdict=..., data_sha256=7, more=1))
    starts = ["verdict: missing", "more: unknown", "issue.colour: unknown", "issue.revision", "issue.issued_at"]
    assert [start for start in starts if any(one.startswith(start) for one in found)] == starts
    assert any(one.startswith('issue.language: found "fr"') for one in found)
    assert any(one.startswith("data_sha256: found 7") for one in found)


@pytest.mark.parametrize("sha256", ["", "0" * 63, "G" * 64, SHA256.upper()])
def test_a_hash_is_a_hash(sha256: str) -> None:
    assert "data_sha256" in mistakes(changed(data_sha256=sha256))[0]


@pytest.mark.parametrize("schema", ["calibration-certificate/2", "calibration-record/1", 1, ...])
def test_another_schema_is_refused_and_nothing_else_told(schema: object) -> None:
    (found,) = mistakes(changed(schema=schema, issue=...))
    assert 'this program reads "calibration-certificate/1"' in found


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "is no JSON object"),
        (b'{"schema": "x", "schema": "x"}', "'schema' is there twice"),
        (b'{"schema": NaN}', "NaN is no number"),
        (b"[" * 100_000, "nested too deeply"),
        (CONTENT["balance"][:-10], "is not JSON"),
        (b" " * (64 * 1024 * 1024 + 1), "expected at most"),
    ],
    ids=["nothing", "no text", "a list", "a key twice", "no number", "deep", "half", "large"],
)
def test_what_is_no_certificate_is_told_so(content: bytes, told: str) -> None:
    (found,) = mistakes(content)
    assert found.startswith("certificate.json: ")
    assert told in found
