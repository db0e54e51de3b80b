"""Whether a certificate may be issued: results and issue in, all that forbids it at once out. Pure.

What the record must have before anything is calculated, record_check.py has refused already; here is what a certificate
asks for beyond it (ISO/IEC 17025:2017, 7.8.2, 7.8.4 and 7.8.8). Whether a number was used before is for the caller.
"""

import dataclasses
import math
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from kleinmaelzung_services.calibration.calculation.results import Results, SeriesResult
from kleinmaelzung_services.calibration.documents import glyphs, texts
from kleinmaelzung_services.calibration.documents.certificate import trail
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.certificate.issue_json import IssueError
from kleinmaelzung_services.calibration.documents.certificate.trail import Event
from kleinmaelzung_services.calibration.documents.paper import printable
from kleinmaelzung_services.calibration.records.record import Person, Record
from kleinmaelzung_services.calibration.records.record_json import LONGEST_TEXT, Mistake, Notes
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.mistakes import show_path
from kleinmaelzung_services.calibration.templates.template import Template
from kleinmaelzung_wire.certificates import MAX_NUMBER, NUMBER, SHA256

MOST_REVISIONS: Final = 999
# What stands on page 1 (7.8.2.1 b, c, e, g), and why it must.
_MANDATORY: Final[tuple[tuple[str, str, str], ...]] = (
    ("laboratory", "name", "name the laboratory"),
    ("laboratory", "address", "say where the laboratory is"),
    ("customer", "name", 'name the customer, or write "internal"'),
    ("customer", "address", "say how the customer is reached"),
    ("item", "maker", "name the maker of the instrument"),
    ("item", "model", "write its model"),
    ("item", "serial", "write its serial number, or what else tells it from others"),
    ("item", "condition", "say in which condition it was received"),
    ("place", "address", "say where it was calibrated"),
)


def require(
    results: Results,
    issue: Issue,
    *,
    reviewer_may_be_operator: bool = False,
    now: datetime | None = None,
    data_sha256: str = "",
    reviewed_sha256: str = "",
) -> None:
    """Raises IssueError with every mistake."""
    found = check(
        results,
        issue,
        reviewer_may_be_operator=reviewer_may_be_operator,
        now=now,
        data_sha256=data_sha256,
        reviewed_sha256=reviewed_sha256,
    )
    if found:
        raise IssueError(found)


def check(
    results: Results,
    issue: Issue,
    *,
    reviewer_may_be_operator: bool = False,
    now: datetime | None = None,
    data_sha256: str = "",
    reviewed_sha256: str = "",
) -> list[Mistake]:
    """Return everything for which no certificate may be issued: see check_record, and each result with its U."""
    notes = Notes()
    for key, series in (("as_found", results.as_found), ("as_left", results.as_left)):
        if series is not None:
            _check_results(series, key, notes)
    before = check_record(
        results.template,
        results.record,
        issue,
        reviewer_may_be_operator=reviewer_may_be_operator,
        now=now,
        data_sha256=data_sha256,
        reviewed_sha256=reviewed_sha256,
    )
    return [*before, *notes.mistakes]


def check_record(
    template: Template,
    record: Record,
    issue: Issue,
    *,
    reviewer_may_be_operator: bool = False,
    now: datetime | None = None,
    data_sha256: str = "",
    reviewed_sha256: str = "",
) -> list[Mistake]:
    """Return what forbids a certificate before anything is calculated.

    `now` is what the computer's clock says: nothing is issued in the future. `data_sha256` is that of record.json,
    `reviewed_sha256` that of the file that the reviewer has seen.
    """
    notes = Notes()
    _check_number(issue, notes)
    _check_amendment(issue, notes)
    _check_words(issue, notes)
    _check_mandatory(template, record, notes)
    _check_people(record, reviewer_may_be_operator, notes)
    _check_times(record, issue, now, notes)
    _check_reviewed(data_sha256, reviewed_sha256, notes)
    _check_texts(record, issue, notes)
    return notes.mistakes


def _check_number(issue: Issue, notes: Notes) -> None:
    path: Path = ("issue", "number")
    if not issue.number:
        notes.add(path, "missing: each certificate has its own number", "give it one, such as K-2026-0007")
    elif not NUMBER.fullmatch(issue.number):
        rule = "expected letters a to z, digits and . _ - only, the first a letter or digit"
        notes.add(path, rule, "write it like K-2026-0007", found=issue.number)
    if len(issue.number) > MAX_NUMBER:
        rule = f"expected at most {MAX_NUMBER} characters, found {len(issue.number)}"
        notes.add(path, rule, "shorten it: it stands on every page", found=issue.number)


def _check_amendment(issue: Issue, notes: Notes) -> None:
    """7.8.8: what replaces another says which, why, and what is different; what replaces nothing says nothing."""
    if not 1 <= issue.revision <= MOST_REVISIONS:
        rule = f"expected 1 to {MOST_REVISIONS}"
        notes.add(("issue", "revision"), rule, "the first issue is revision 1", found=issue.revision)
        return
    told = {"replaces": issue.replaces.strip(), "reason": issue.reason.strip(), "changes": issue.changes}
    remedies = {
        "replaces": "name the certificate that it replaces",
        "reason": "say why",
        "changes": "say which field has changed, from what to what",
    }
    for key, value in told.items():
        if issue.revision > 1 and not value:
            notes.add(("issue", key), f"missing: this is revision {issue.revision}", remedies[key])
        if issue.revision == 1 and value:
            remedy = "raise the revision, or leave this out"
            notes.add(("issue", key), "revision 1 replaces nothing", remedy, found=_shown(value))
    if issue.revision > 1 and issue.replaces.strip() in (issue.name, f"{issue.number}, revision {issue.revision}"):
        notes.add(("issue", "replaces"), "is this certificate itself", remedies["replaces"], found=issue.replaces)
    for index, change in enumerate(issue.changes):
        if not change.field.strip():
            notes.add(("issue", "changes", index, "field"), "missing", "say which field has changed")
        if change.before.strip() == change.after.strip():
            rule = "before and after are the same"
            notes.add(("issue", "changes", index), rule, "say what has changed, or leave it out", found=change.after)


def _check_words(issue: Issue, notes: Notes) -> None:
    if issue.language not in texts.LANGUAGES:
        rule = f"expected one of {', '.join(texts.LANGUAGES)}"
        notes.add(("issue", "language"), rule, "choose one of these", found=issue.language)
    if not issue.software.strip():
        notes.add(("issue", "software"), "missing", "name the program and its version (7.11)")
    if issue.signer is None:
        return
    if not issue.signer.name.strip():
        notes.add(("issue", "signer", "name"), "missing", "use a key whose certificate names its holder")
    if not SHA256.fullmatch(issue.signer.fingerprint):
        rule = "expected the SHA-256 of the key's certificate: 64 digits of 0 to 9 and a to f"
        remedy = "take it from the key"
        notes.add(("issue", "signer", "fingerprint"), rule, remedy, found=issue.signer.fingerprint)


def _check_mandatory(template: Template, record: Record, notes: Notes) -> None:
    for part, key, remedy in _MANDATORY:
        if not str(getattr(getattr(record, part), key)).strip():
            notes.add((part, key), "missing: it stands on page 1", remedy)
    if not any(text.strip() for text in template.method):
        notes.add(("template", "method"), "missing: a certificate names its method", "add it to the template")


def _check_people(record: Record, reviewer_may_be_operator: bool, notes: Notes) -> None:
    by_role = {role: _people(record, role) for role in ("operator", "reviewer", "approver")}
    for role, remedy in (("reviewer", "let a second person check the results"), ("approver", "let somebody approve")):
        if not by_role[role]:
            notes.add(("people",), f"nobody is the {role}", f'{remedy}, and add them with role = "{role}"')
        for index, person in by_role[role]:
            _check_person(index, person, notes)
    if reviewer_may_be_operator:
        return
    measured = {same(person.name) for _, person in by_role["operator"]} | _measured_by(record)
    for index, person in by_role["reviewer"]:
        if same(person.name) in measured:
            rule = "the reviewer has measured: nobody reviews what they did themselves"
            remedy = "let a second person check the results, where the laboratory does not permit this"
            notes.add(("people", index, "name"), rule, remedy, found=person.name)


def _check_person(index: int, person: Person, notes: Notes) -> None:
    who = f"the {person.role}, {person.name}," if person.name.strip() else f"the {person.role}"
    if not person.name.strip():
        notes.add(("people", index, "name"), "missing", f"name the {person.role}")
    if person.role == "approver" and not person.function.strip():
        notes.add(("people", index, "function"), f"missing: {who} authorises", "write their function")
    if person.at is None:
        done = "reviewed" if person.role == "reviewer" else "approved"
        notes.add(("people", index, "at"), f"missing: {who} has not {done} it", "write when they did")


def _people(record: Record, role: str) -> list[tuple[int, Person]]:
    return [(index, person) for index, person in enumerate(record.people) if person.role == role]


def _measured_by(record: Record) -> set[str]:
    """Whoever took a reading is an operator, listed as one or not."""
    return {
        same(reading.by)
        for _, series in trail.series_of(record)
        for run in series.tests
        for reading in run.readings
    }  # fmt: skip


def same(name: str) -> str:
    """A name without what may be written one way or the other: case, spaces, a letter with its accent in two parts."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _check_times(record: Record, issue: Issue, now: datetime | None, notes: Notes) -> None:
    """Performed, then reviewed, then approved, then issued: and all of it in the past."""
    finished = max(series.finished for _, series in trail.series_of(record))
    reviewed = max((person.at for _, person in _people(record, "reviewer") if person.at), default=finished)
    for role, earliest, what in (
        ("reviewer", finished, "when the calibration was finished"),
        ("approver", finished, "when the calibration was finished"),
        ("approver", reviewed, "when it was reviewed"),
    ):
        for index, person in _people(record, role):
            if person.at and person.at < earliest and not (what == "when it was reviewed" and person.at < finished):
                rule = f"is before {_iso(earliest)}, {what}"
                notes.add(("people", index, "at"), rule, "correct the time", found=_iso(person.at))
    _check_issued(trail.last(record), issue.issued_at, now, notes)


def _check_issued(last: Event, issued_at: datetime, now: datetime | None, notes: Notes) -> None:
    path: Path = ("issue", "issued_at")
    if issued_at.tzinfo is None:
        notes.add(path, "has no time zone", "add it, such as Z", found=_iso(issued_at))
        return
    if issued_at < last.at:
        rule = f"is before {_iso(last.at)}, the last entry of the record ({show_path(last.path)})"
        notes.add(path, rule, "check the clock, or correct the time", found=_iso(issued_at))
    for where, at in ((path, issued_at), (last.path, last.at)):
        if now is not None and at > now:
            rule = f"is in the future: the clock of this computer says {_iso(now)}"
            notes.add(where, rule, "correct the time, or the clock that is wrong", found=_iso(at))


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _check_reviewed(data_sha256: str, reviewed_sha256: str, notes: Notes) -> None:
    """7.5.2: what was reviewed is what is issued."""
    reviewed = reviewed_sha256.strip().lower()
    if not reviewed:
        return
    if not SHA256.fullmatch(reviewed):
        rule = "expected a SHA-256: 64 digits of 0 to 9 and a to f"
        notes.add(("reviewed",), rule, "take it from what was reviewed", found=reviewed_sha256)
    elif reviewed != data_sha256:
        rule = f"the record was changed after its review: its SHA-256 is {data_sha256}"
        notes.add(("reviewed",), rule, "let it be reviewed again, or issue what was reviewed", found=reviewed_sha256)


def _check_results(series: SeriesResult, key: str, notes: Notes) -> None:
    """7.8.4.1 a: no result without its uncertainty.

    calculating.py makes none: a template without a budget is refused, and so is a U of zero where limits are judged.
    Results may also come from elsewhere, and this is what must never be printed.
    """
    for number, found in enumerate(series.measurands):
        path: Path = (key, "measurands", number)
        if not found.points:
            notes.add((*path, "points"), f"there is no result of {found.measurand.name}", "measure its points")
        for index, point in enumerate(found.points):
            expanded, k = point.uncertainty.expanded, point.uncertainty.k
            for name, value in (("U", expanded), ("k", k)):
                if not (math.isfinite(value) and value > 0):
                    rule = f"no result is issued without {name} above zero"
                    notes.add((*path, "points", index, name), rule, "complete the budget", found=repr(value))
            for name, value in (
                ("error", point.error),
                ("reference", point.reference),
                ("indication", point.indication),
            ):
                if not math.isfinite(value):
                    notes.add((*path, "points", index, name), "is no number", "measure it again", found=repr(value))


def _check_texts(record: Record, issue: Issue, notes: Notes) -> None:
    """Every text that is going to be printed can be. Readings and their reasons are, where the annex is wanted."""
    for path, text in [*_texts(record, ()), *_texts(issue, ("issue",))]:
        if not issue.with_readings and path[:2] in (("as_found", "tests"), ("as_left", "tests")):
            continue
        if (missing := _unprintable(text)) is not None:
            rule = f"the fonts of the documents have no {missing}"
            notes.add(path, rule, "write it with Latin or Greek letters and signs of mathematics", found=_shown(text))
        if len(text) > LONGEST_TEXT:
            rule = f"expected at most {LONGEST_TEXT} characters, found {len(text)}"
            notes.add(path, rule, "shorten it", found=_shown(text))


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Each text in it, with its place; a window's samples are passed over."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple) and not (value and isinstance(value[0], float)):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, index))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name), (*path, field.name))


def _unprintable(text: str) -> str | None:
    """The first character that the fonts do not have, as a sentence shows it."""
    for char in glyphs.composed(text):
        if char not in printable():
            return f'"{char}" (U+{ord(char):04X})' if char.isprintable() else f"U+{ord(char):04X}"
    return None


def _shown(value: object) -> object:
    """A text without what would disturb a terminal."""
    if not isinstance(value, str):
        return list(value) if isinstance(value, tuple) else value
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)
