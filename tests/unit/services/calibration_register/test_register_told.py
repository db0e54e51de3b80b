"""What holds by the entries of the register: the newest put, who changed what, due dates; and what a run may use."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from kleinmaelzung_services.calibration.register import standards, told
from kleinmaelzung_services.calibration.register.told import Last, Registered
from kleinmaelzung_wire.register import Kind
from tests.unit.services.calibration_register.entered import TODAY, put, retired, stored


def found(kind: Kind, *changes: tuple[tuple[str | int, ...], Any]) -> Registered:
    made = told.registered(kind, [put(kind, stored(kind, *changes), file="ab" * 32)])
    assert made is not None
    return made


def test_what_was_put_last_holds() -> None:
    first, second = stored("item"), stored("item", (("location",), "Room 2"))
    now = told.registered("item", [put("item", first), put("item", second, number=5, user="otto")])
    assert now is not None
    assert (now.name, now.content, now.number, now.user, now.is_retired) == ("pi-1/balance", second, 5, "otto", False)
    assert told.registered("item", []) is None


def test_what_was_retired_keeps_its_content_until_it_is_put_again() -> None:
    history = [put("standard", stored("standard"), file="ab"), retired("standard", number=4)]
    now = told.registered("standard", history)
    assert now is not None
    assert (now.is_retired, now.content, now.number, now.user, now.file) == (True, stored("standard"), 4, "otto", "ab")
    again = told.registered("standard", [*history, put("standard", stored("standard"), number=9)])
    assert again is not None
    assert (again.is_retired, again.file) == (False, "")


def test_who_changed_what_when_is_told_key_by_key_the_newest_first() -> None:
    first, second = stored("item"), stored("item", (("location",), "Room 2"), (("interval_months",), 6))
    history = [
        put("item", first, reason="new"),
        put("item", second, number=2, user="otto", reason="moved"),
        retired("item", number=3, reason="broken"),
        put("item", second, number=4, reason="mended"),
    ]
    mended, broken, moved, new = told.changes(history)
    assert (moved["before"], moved["after"]) == (
        {"location": "", "interval_months": 12},
        {"location": "Room 2", "interval_months": 6},
    )
    assert (moved["number"], moved["user"], moved["kind"], moved["reason"]) == (2, "otto", "put", "moved")
    assert (new["before"], new["after"]) == ({}, {**first, "is_retired": False})
    assert (broken["kind"], broken["before"], broken["after"]) == (
        "retired",
        {"is_retired": False},
        {"is_retired": True},
    )
    assert (mended["before"], mended["after"]) == ({"is_retired": True}, {"is_retired": False})


@pytest.mark.parametrize(("due", "is_overdue"), [("2026-11-22", True), ("2026-11-23", False), ("2026-11-24", False)])
def test_a_standard_is_due_by_its_certificate(due: str, is_overdue: bool) -> None:
    one = found("standard", (("certificate", "due"), due))
    assert one.due == due
    assert told.entry(one, one.due, TODAY)["is_overdue"] is is_overdue
    assert told.entry(replace(one, is_retired=True), one.due, TODAY)["is_overdue"] is False


def calibrated(interval_months: int | None) -> Last:
    return Last(performed=date(2026, 1, 31), interval_months=interval_months)


def test_an_item_is_due_its_interval_after_its_last_calibration() -> None:
    one = found("item")
    assert told.item_due(one, calibrated(None)) == "2027-01-31"
    assert told.item_due(one, calibrated(1)) == "2027-01-31"
    assert told.item_due(one, None) == ""
    without = found("item", (("interval_months",), None))
    assert told.item_due(without, calibrated(None)) == told.item_due(without, None) == ""
    assert told.item_due(without, calibrated(1)) == "2026-02-28"  # as the template says
    assert found("laboratory").due == ""
    assert told.entry(one, "", TODAY)["is_overdue"] is False


# For runs


def test_a_standard_is_copied_into_a_record_as_it_is() -> None:
    used = standards.used(found("standard"), "weights", "left")
    assert (used.role, used.id, used.position, used.unit) == ("weights", "WS-E2-01", "left", "g")
    assert (used.certificate.number, used.certificate.due) == ("D-K-12345", date(2027, 3, 1))
    assert used.certificate.sha256 == "ab" * 32
    assert [(one.low, one.U, one.k) for one in used.certified] == [(50, 0.00003, 2), (100, 0.00005, 2)]
    assert [(one.name, one.value) for one in used.fields] == [("drift_per_year", 0.00001)]


def test_instrument_and_laboratory_are_copied_too() -> None:
    item = standards.item(found("item"), "clean", date(2026, 11, 20))
    assert (item.id, item.serial, item.condition, item.received) == (
        "pi-1/balance",
        "B021",
        "clean",
        date(2026, 11, 20),
    )
    party = standards.laboratory(found("laboratory"))
    assert (party.name, party.address, party.country) == ("Malting laboratory", "Freising", "DE")


def test_what_may_not_be_used_is_said_with_what_to_do() -> None:
    assert standards.refusals(found("standard"), TODAY) == []
    [overdue] = standards.refusals(found("standard", (("certificate", "due"), "2026-11-22")), TODAY)
    assert overdue == (
        "standard WS-E2-01 is overdue: its certificate D-K-12345 was due on 2026-11-22, today is 2026-11-23; have it"
        " calibrated, or choose another standard"
    )
    without = found("standard", (("certificate",), ...))
    [sentence] = standards.refusals(without, TODAY)
    assert sentence.startswith("standard WS-E2-01 has no certificate: nothing ties its value to the SI")
    with pytest.raises(ValueError, match="has no certificate"):
        standards.used(without, "weights")
    [sentence] = standards.refusals(replace(found("standard"), is_retired=True), TODAY)
    assert sentence.startswith("standard WS-E2-01 was retired by anna")
    [sentence] = standards.refusals(replace(found("item"), is_retired=True), TODAY)
    assert sentence.startswith("instrument pi-1/balance was retired by anna")
    assert standards.refusals(found("item"), TODAY) == []
    assert standards.missing("standard", "WS-1").startswith("the register has no standard WS-1: enter it with ")
    assert standards.missing("laboratory", "laboratory").startswith("the register has no laboratory: ")
