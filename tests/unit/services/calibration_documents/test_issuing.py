"""What must not be issued: every reason, each said with its place, what was found, the rule and what to do."""

import dataclasses
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kleinmaelzung_services.calibration.calculation.results import PointResult, Results
from kleinmaelzung_services.calibration.documents.certificate import certificate_reports, issuing, trail
from kleinmaelzung_services.calibration.documents.certificate.issue import Change, Issue, Signer
from kleinmaelzung_services.calibration.documents.certificate.issue_json import IssueError
from kleinmaelzung_services.calibration.records.record_json import Mistake
from tests.unit.services.calibration_records import examples

ISSUE = Issue(
    number="K-2026-0007",
    issued_at=datetime(2026, 3, 11, 8, 0, tzinfo=UTC),
    language="en",
    software="kleinmaelzung 0.1.0",
)
SECOND = dataclasses.replace(
    ISSUE,
    revision=2,
    replaces="K-2026-0007/1",
    reason="the serial number was wrong",
    changes=(Change(field="Serial number", before="SIM-0010", after="SIM-0001"),),
)
BALANCE = examples.results("balance")
LATER = dataclasses.replace(ISSUE, issued_at=datetime(2026, 3, 12, 8, 0, tzinfo=UTC))
SHA256 = "ab" * 32
HAN = "\N{CJK UNIFIED IDEOGRAPH-5F20}"


def issue(**changes: Any) -> Issue:
    return dataclasses.replace(ISSUE, **changes)


def second(**changes: Any) -> Issue:
    return dataclasses.replace(SECOND, **changes)


def found(issue: Issue, *changes: tuple[tuple[examples.Key, ...], Any], **options: Any) -> list[Mistake]:
    return issuing.check(with_changes(*changes), issue, **options)


def with_changes(*changes: tuple[tuple[examples.Key, ...], Any]) -> Results:
    """Results of the balance with another record: what the JSON's reader would refuse may be in it too."""
    record: Any = BALANCE.record
    for path, value in changes:
        record = replaced(record, path, value)
    return dataclasses.replace(BALANCE, record=record)


def replaced(values: Any, path: tuple[examples.Key, ...], value: Any) -> Any:
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        return (*values[:key], replaced(values[key], rest, value), *values[key + 1 :])
    return dataclasses.replace(values, **{key: replaced(getattr(values, key), rest, value)})


def only(mistakes: list[Mistake]) -> Mistake:
    assert len(mistakes) == 1, mistakes
    assert mistakes[0].rule
    assert mistakes[0].remedy
    return mistakes[0]


@pytest.mark.parametrize("name", ["balance", "thermometer"])
def test_the_examples_may_be_issued(name: str) -> None:
    issuing.require(examples.results(name), LATER)
    issuing.require(examples.results(name), dataclasses.replace(SECOND, issued_at=LATER.issued_at))


def test_all_mistakes_are_told_at_once() -> None:
    mistakes = found(issue(number="", software=" "), (("customer", "name"), ""), (("item", "serial"), " "))
    assert [one.path for one in mistakes] == ["issue.number", "issue.software", "customer.name", "item.serial"]


def test_what_forbids_the_numbers_and_what_forbids_the_certificate_are_told_together() -> None:
    people = [one for one in examples.VALUES["balance"]["people"] if one["role"] != "approver"]
    due = ("standards", 0, "certificate", "due")
    record = examples.changed("balance", (due, "2026-03-01"), (("people",), people))
    asked = certificate_reports.Asked(issue=issue(number="K 1"), now=ISSUE.issued_at)
    with pytest.raises(certificate_reports.Refused) as raised:
        certificate_reports.prepare(record, None, asked)
    assert [one["path"] for one in raised.value.mistakes] == [
        "standards[0].certificate.due",
        "issue.number",
        "people",
    ]


def test_what_must_not_be_issued_raises_all_of_it() -> None:
    with pytest.raises(IssueError, match=r"issue\.number: missing.*\nissue\.language: found \"fr\"") as raised:
        issuing.require(BALANCE, issue(number="", language="fr"))
    assert len(raised.value.mistakes) == 2


@pytest.mark.parametrize(
    ("number", "rule"),
    [
        ("", "missing"),
        (" K-1", "letters"),
        ("K 1", "letters"),
        ("K/1", "letters"),
        ("../K-1", "letters"),
        ("-K1", "letters"),
        ("K-1\n", "letters"),
        ("Ü-1", "letters"),
        ("K" * 41, "at most 40 characters"),
    ],
)
def test_a_number_can_stand_in_a_file_name(number: str, rule: str) -> None:
    mistakes = [one for one in found(issue(number=number)) if one.path == "issue.number"]
    assert rule in mistakes[0].rule


def test_a_number_may_be_as_long_as_its_line() -> None:
    assert not found(issue(number="K" * 40))


@pytest.mark.parametrize("revision", [0, -1, 1000])
def test_revisions_are_counted_from_one(revision: int) -> None:
    assert only(found(issue(revision=revision))).path == "issue.revision"


@pytest.mark.parametrize("key", ["replaces", "reason", "changes"])
def test_a_revision_says_what_it_replaces_and_why(key: str) -> None:
    mistake = only(found(second(**{key: () if key == "changes" else " "})))
    assert mistake.path == f"issue.{key}"
    assert mistake.rule == "missing: this is revision 2"


@pytest.mark.parametrize("key", ["replaces", "reason", "changes"])
def test_the_first_issue_replaces_nothing(key: str) -> None:
    mistake = only(found(issue(**{key: getattr(SECOND, key)})))
    assert mistake.path == f"issue.{key}"
    assert mistake.rule == "revision 1 replaces nothing"


def test_no_certificate_replaces_itself() -> None:
    assert only(found(second(replaces="K-2026-0007/2"))).rule == "is this certificate itself"


def test_a_change_names_its_field() -> None:
    assert only(found(second(changes=(Change(field=" ", before="a", after="b"),)))).path == "issue.changes[0].field"


def test_a_change_changes_something() -> None:
    mistake = only(found(second(changes=(Change(field="Serial number", before="a ", after="a"),))))
    assert mistake.rule == "before and after are the same"


def test_a_change_may_add_something() -> None:
    assert not found(second(changes=(Change(field="Asset number", after="KM-017"),)))


def test_there_are_two_languages() -> None:
    assert only(found(issue(language="fr"))).path == "issue.language"


def test_the_software_is_named() -> None:
    assert only(found(issue(software=""))).path == "issue.software"


def test_who_signs_is_named_with_the_key() -> None:
    mistakes = found(issue(signer=Signer(name=" ", fingerprint="AB:CD")))
    assert [one.path for one in mistakes] == ["issue.signer.name", "issue.signer.fingerprint"]
    assert not found(issue(signer=Signer(name="Example Laboratory", fingerprint=SHA256)))


@pytest.mark.parametrize(
    "path",
    [
        ("laboratory", "name"),
        ("laboratory", "address"),
        ("customer", "name"),
        ("customer", "address"),
        ("item", "maker"),
        ("item", "model"),
        ("item", "serial"),
        ("item", "condition"),
        ("place", "address"),
    ],
)
def test_what_page_1_must_say_is_there(path: tuple[str, str]) -> None:
    mistake = only(found(ISSUE, (path, " ")))
    assert mistake.path == ".".join(path)
    assert mistake.rule == "missing: it stands on page 1"


def test_the_method_is_named() -> None:
    without = dataclasses.replace(BALANCE, template=dataclasses.replace(BALANCE.template, method=()))
    assert only(issuing.check(without, ISSUE)).path == "template.method"


@pytest.mark.parametrize(("role", "left"), [("reviewer", (0, 2)), ("approver", (0, 1))])
def test_somebody_reviews_and_somebody_approves(role: str, left: tuple[int, ...]) -> None:
    people = examples.record("balance").people
    mistake = only(found(ISSUE, (("people",), tuple(people[index] for index in left))))
    assert mistake.rule == f"nobody is the {role}"


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("people", 1, "at"), None, "missing: the reviewer, B. Beispiel, has not reviewed it"),
        (("people", 2, "at"), None, "missing: the approver, C. Muster, has not approved it"),
        (("people", 2, "function"), "", "missing: the approver, C. Muster, authorises"),
        (("people", 2, "name"), " ", "missing"),
    ],
)
def test_a_person_has_a_name_a_function_and_a_time(path: tuple[examples.Key, ...], value: Any, rule: str) -> None:
    mistake = only(found(ISSUE, (path, value)))
    assert mistake.path == f"people[{path[1]}].{path[2]}"
    assert mistake.rule == rule


@pytest.mark.parametrize(
    "name", ["A. Example", "a. EXAMPLE", " A.  Example ", "A.Example", "A.\N{NO-BREAK SPACE}Example"]
)
def test_nobody_reviews_what_they_measured_however_they_write_their_name(name: str) -> None:
    mistake = only(found(ISSUE, (("people", 1, "name"), name)))
    assert (mistake.path, mistake.remedy.split(",")[0]) == ("people[1].name", "let a second person check the results")


def test_whoever_took_a_reading_has_measured_though_not_listed() -> None:
    mistake = only(found(ISSUE, (("as_found", "tests", 0, "readings", 0, "by"), "b. beispiel")))
    assert mistake.path == "people[1].name"


def test_a_laboratory_may_permit_it() -> None:
    assert not found(ISSUE, (("people", 1, "name"), "A. Example"), reviewer_may_be_operator=True)


def test_it_is_reviewed_after_it_was_measured() -> None:
    before = examples.record("balance").as_found.finished - timedelta(seconds=1)
    mistake = only(found(ISSUE, (("people", 1, "at"), before)))
    assert mistake.path == "people[1].at"
    assert "when the calibration was finished" in mistake.rule


def test_it_is_approved_after_it_was_measured() -> None:
    before = examples.record("balance").as_found.finished - timedelta(seconds=1)
    mistake = only(found(ISSUE, (("people", 2, "at"), before)))
    assert mistake.path == "people[2].at"
    assert "when the calibration was finished" in mistake.rule


def test_it_is_approved_after_its_review() -> None:
    mistake = only(found(ISSUE, (("people", 2, "at"), datetime(2026, 3, 10, 10, 44, tzinfo=UTC))))
    assert mistake.path == "people[2].at"
    assert mistake.rule == "is before 2026-03-10T10:45:00+00:00, when it was reviewed"


@pytest.mark.parametrize(
    "issued_at",
    [
        datetime(2026, 3, 10, 11, 29, 59, tzinfo=UTC),  # the approval is at 11:30
        datetime(2026, 3, 10, 12, 29, 59, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 3, 10, 10, 0, tzinfo=UTC),
        datetime(2025, 1, 1, tzinfo=UTC),
    ],
)
def test_nothing_is_issued_before_its_last_entry(issued_at: datetime) -> None:
    mistake = only(found(issue(issued_at=issued_at)))
    assert mistake.path == "issue.issued_at"
    assert "2026-03-10T11:30:00+00:00, the last entry of the record (people[2].at)" in mistake.rule


def test_it_may_be_issued_as_it_is_approved() -> None:
    assert not found(issue(issued_at=datetime(2026, 3, 10, 12, 30, tzinfo=timezone(timedelta(hours=1)))))


def test_a_reading_is_an_entry_too() -> None:
    late = datetime(2026, 3, 12, tzinfo=UTC)
    mistake = only(found(ISSUE, (("as_found", "tests", 1, "readings", 2, "at"), late)))
    assert "as_found.tests[1].readings[2].at" in mistake.rule


def test_a_time_has_its_zone() -> None:
    assert only(found(issue(issued_at=ISSUE.issued_at.replace(tzinfo=None)))).rule == "has no time zone"


def test_nothing_is_issued_in_the_future() -> None:
    now = datetime(2026, 3, 11, 7, 59, tzinfo=UTC)
    mistake = only(found(ISSUE, now=now))
    assert mistake.path == "issue.issued_at"
    assert "2026-03-11T07:59:00+00:00" in mistake.rule
    assert not found(ISSUE, now=now + timedelta(minutes=1))


def test_a_clock_that_is_behind_the_record_is_told_so() -> None:
    mistakes = found(ISSUE, now=datetime(2026, 3, 1, tzinfo=UTC))
    assert [one.path for one in mistakes] == ["issue.issued_at", "people[2].at"]


def test_what_was_changed_after_its_review_is_not_issued() -> None:
    mistake = only(found(ISSUE, data_sha256=SHA256, reviewed_sha256="cd" * 32))
    assert mistake.rule == f"the record was changed after its review: its SHA-256 is {SHA256}"


def test_what_was_reviewed_is_issued_in_small_letters_or_capitals() -> None:
    assert not found(ISSUE, data_sha256=SHA256, reviewed_sha256=f" {SHA256.upper()}")


def test_a_reviewed_hash_is_whole() -> None:
    assert "64 digits" in only(found(ISSUE, data_sha256=SHA256, reviewed_sha256=SHA256[:-1])).rule


def test_a_standard_may_be_overdue_when_the_certificate_is_issued() -> None:
    """It was not when it was used: that is what counts, and record_check.py refuses."""
    assert not found(issue(issued_at=datetime(2027, 9, 1, tzinfo=UTC)))


@pytest.mark.parametrize("u_c", [0.0, math.nan, math.inf])
def test_no_point_is_issued_without_its_uncertainty(u_c: float) -> None:
    mistake = only(issuing.check(forged(u_c=u_c), ISSUE))
    assert mistake.path == "as_found.measurands[0].points[1].U"


def test_no_coverage_factor_no_certificate() -> None:
    paths = [one.path for one in issuing.check(forged(k=0.0), ISSUE)]
    assert paths == ["as_found.measurands[0].points[1].U", "as_found.measurands[0].points[1].k"]


def test_what_is_no_number_is_not_issued() -> None:
    point = dataclasses.replace(BALANCE.as_found.measurands[0].points[1], error=math.nan)
    assert only(issuing.check(with_point(point), ISSUE)).path == "as_found.measurands[0].points[1].error"


def test_a_measurand_without_results_is_not_issued() -> None:
    empty = dataclasses.replace(BALANCE.as_found.measurands[0], points=())
    series = dataclasses.replace(BALANCE.as_found, measurands=(empty,))
    mistake = only(issuing.check(dataclasses.replace(BALANCE, as_found=series), ISSUE))
    assert mistake.rule == "there is no result of mass"


def forged(**uncertainty: Any) -> Results:
    point = BALANCE.as_found.measurands[0].points[1]
    return with_point(dataclasses.replace(point, uncertainty=dataclasses.replace(point.uncertainty, **uncertainty)))


def with_point(point: PointResult) -> Results:
    found = BALANCE.as_found.measurands[0]
    measurand = dataclasses.replace(found, points=(found.points[0], point, *found.points[2:]))
    return dataclasses.replace(BALANCE, as_found=dataclasses.replace(BALANCE.as_found, measurands=(measurand,)))


def test_what_cannot_be_printed_is_told_for_each_text() -> None:
    mistakes = found(
        second(reason=f"by {HAN}"),
        (("customer", "name"), f"{HAN} & Co"),
        (("people", 0, "function"), "line\nline"),
    )
    assert [one.path for one in mistakes] == ["customer.name", "people[0].function", "issue.reason"]
    assert mistakes[0].rule == f'the fonts of the documents have no "{HAN}" (U+5F20)'
    assert mistakes[1].rule == "the fonts of the documents have no U+000A"


@pytest.mark.parametrize(
    "text", ["Ω μ µ ± ß é", "e\N{COMBINING ACUTE ACCENT}", "<b>x</b>", "https://example.org/?a=1&b=2"]
)
def test_signs_and_markup_are_texts(text: str) -> None:
    assert not found(ISSUE, (("customer", "name"), text))


def test_a_text_has_an_end() -> None:
    assert only(found(second(reason="a" * 10_001))).rule == "expected at most 10000 characters, found 10001"
    assert not found(second(reason="a" * 10_000))


def test_what_only_the_readings_say_matters_only_where_they_are_printed() -> None:
    by = (("as_found", "tests", 0, "readings", 0, "by"), HAN)
    assert only(found(ISSUE, by)).path == "as_found.tests[0].readings[0].by"
    assert not found(issue(with_readings=False), by)


def test_events_are_in_the_order_of_time() -> None:
    found = trail.of(examples.record("balance"))
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert [one.what for one in found][-5:] == ["started", "deviation", "finished", "reviewer", "approver"]
