"""The log of calibrations without a database: the exact bytes of a hash, times, numbers, what cannot be written."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from kleinmaelzung_services import chain
from kleinmaelzung_services.calibration.log import entries, verifying
from kleinmaelzung_services.calibration.log.entries import ClockBehind, Columns, Draft, Head
from kleinmaelzung_services.calibration.log.verifying import Noted, Verified
from kleinmaelzung_services.chain import Link

NOW_US = 1_790_000_000_000_000
DETAILS = {"step": 3, "text": 'a "Ω"', "value": 0.1}


def drafted(*kinds: str, request: str = "one") -> list[Columns]:
    drafts = [Draft(kind=kind, details=DETAILS) for kind in kinds]
    return entries.columns("run:R-2026-0001", drafts, user="anna", request=request, time_us=NOW_US)


def rows(found: list[Columns], head: Head | None = None) -> list[dict[str, Any]]:
    """As the database gives them back."""
    stored = entries.rows_of(head or Head(), found)
    return [
        {**one._asdict(), "time_us": one.time, "number": row[0], "previous": row[-2], "hash": row[-1]}
        for one, row in zip(found, stored, strict=True)
    ]


def test_the_bytes_that_a_hash_covers_are_these() -> None:
    [one] = drafted("placed")
    canonical = (
        '[1,1790000000000000,"run:R-2026-0001","placed","anna",'
        '"{\\"step\\":3,\\"text\\":\\"a \\\\\\"Ω\\\\\\"\\",\\"value\\":0.1}","one"]'
    )
    assert chain.canonical(1, one).decode() == canonical
    [row] = entries.rows_of(Head(), [one])
    assert row[-2:] == (bytes(32), hashlib.sha256(bytes(32) + canonical.encode()).digest())
    assert row[:2] == (1, datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC))


def test_entries_of_one_request_follow_each_other_and_the_first_has_its_id() -> None:
    first, second = rows(drafted("struck", "deviated"), Head(link=Link(7, b"7" * 32), time=NOW_US - 1))
    assert (first["number"], first["previous"], second["number"], second["previous"]) == (
        8,
        b"7" * 32,
        9,
        first["hash"],
    )
    assert (first["request"], second["request"]) == ("one", "")
    made = entries.of_row(second)
    assert (made.number, made.kind, made.user, made.details, made.time) == (9, "deviated", "anna", DETAILS, NOW_US)


def test_each_is_written_later_than_all_before() -> None:
    assert entries.time_of(Head(), NOW_US) == NOW_US
    head = Head(link=Link(1), time=NOW_US)
    assert entries.time_of(head, NOW_US + 5) == NOW_US + 5
    assert entries.time_of(head, NOW_US) == NOW_US + 1
    assert entries.time_of(head, NOW_US - entries.CLOCKS_US) == NOW_US + 1
    with pytest.raises(ClockBehind, match=r"shows 2026-09-21 14:13:17 UTC, but the newest .* of 2026-09-21 14:13:20"):
        entries.time_of(head, NOW_US - entries.CLOCKS_US - 1)
    with pytest.raises(ClockBehind, match="2286"):
        entries.time_of(Head(time=2**63 - 1), NOW_US)  # which somebody has edited


@pytest.mark.parametrize("details", [{"a": "\x00"}, {"\x00": 1}, {"a": ["\ud800"]}, {"a": float("inf")}])
def test_what_no_database_keeps_is_refused(details: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"NUL|surrogates|JSON"):
        entries.details(details)


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert entries.details({"a": "C:\\u0001"}) == '{"a":"C:\\\\u0001"}'
    assert entries.details({"a": "C:\\u0000"}) == '{"a":"C:\\\\u0000"}'


def test_runs_count_up_in_each_year() -> None:
    assert [entries.next_run(2026, highest) for highest in (None, 1, 9999)] == [
        "R-2026-0001",
        "R-2026-0002",
        "R-2026-10000",
    ]
    assert entries.year_of(NOW_US) == 2026


def followed(found: list[dict[str, Any]], noted: dict[int, Noted] | None = None) -> Verified:
    verified = Verified(head=Link())
    verifying.follow(verified, found, noted or {})
    return verified


def test_a_whole_chain_is_followed_to_its_end() -> None:
    found = rows(drafted("a", "b", "c"))
    assert followed(found) == Verified(head=Link(3, found[2]["hash"]), checked=3)


@pytest.mark.parametrize("column", ["time_us", "subject", "kind", "username", "details", "request"])
def test_each_column_is_covered(column: str) -> None:
    found = rows(drafted("a", "b", "c"))
    found[1][column] = NOW_US + 1 if column == "time_us" else f"{found[1][column]} "
    verified = followed(found)
    assert (verified.first_wrong, verified.head.number) == (2, 1)
    assert verified.sentence == "entry 2 was edited: its hash is not that of what it says"


def test_a_certificate_that_names_another_entry_is_believed() -> None:
    found = rows(drafted("a", "b", "c"))
    good = Noted(number=2, hash=found[1]["hash"], by="certificate K-1/1")
    assert followed(found, {2: good}).first_wrong is None
    assert followed(found, {2: Noted(number=2, hash=b"", by="certificate K-1/1")}).first_wrong == 2
    verified = followed(found[:1], {2: good})
    verifying.look_behind(verified, {2: good})
    assert verified.sentence == "entry 2 was removed: certificate K-1/1 names entry 2"
