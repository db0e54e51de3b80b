"""Alarms on the wire: as they were sent, the worst first where there are too many, and nothing that is none."""

from dataclasses import replace
from typing import Any

import pytest

from kleinmaelzung_wire import alarms, codec
from kleinmaelzung_wire.alarms import Acknowledged, ActiveAlarms, Alarm, Record
from kleinmaelzung_wire.codec import WireError

ALARM = Alarm(
    id="0123456789abcdef",
    channel="t",
    kind="high",
    level="alarm",
    since=1_700_000_000_000_000,
    value=81.5,
    limit=80.0,
    unit="°C",
    acknowledged=Acknowledged(user="anna", time=1_700_000_000_000_001, note="on my way"),
)


def test_what_is_active_comes_as_it_was_sent() -> None:
    silent = Alarm(id="a", channel="", kind="silence", level="alarm", since=5, limit=300.0, cause="port x lost")
    sent = ActiveAlarms.of([silent, ALARM])
    assert ActiveAlarms.decode(sent.encode()) == sent
    assert [one.id for one in sent.alarms] == ["a", ALARM.id], "what is not acknowledged comes first"
    assert ActiveAlarms.of([]).encode() == bytes.fromhex("83a17601a6616c61726d7390a86c6566745f6f757400")


def test_the_worst_of_too_many_have_room_and_the_rest_is_counted() -> None:
    note = Acknowledged(user="ä" * 64, time=5, note="ä" * alarms.MAX_NOTE)
    long = replace(
        ALARM, cause="€" * alarms.MAX_DETAIL, detail="€" * alarms.MAX_DETAIL, unit="€" * 32, acknowledged=note
    )
    found = [replace(long, id=f"a{n}", level="warning") for n in range(200)] + [replace(long, id="worst")]
    sent = ActiveAlarms.of(found)
    assert (sent.alarms[0].id, len(sent.alarms), sent.left_out) == ("worst", alarms.MAX_LISTED, 137)
    assert len(sent.encode()) < codec.MAX_BYTES


def test_a_record_comes_as_it_was_sent() -> None:
    sent = Record(event="cleared", time=9, alarm=ALARM, reason="why")
    assert sent.to_record()["kind"] == "alarm"
    assert Record.from_record(codec.unpack(codec.pack(sent.to_record()))) == sent


@pytest.mark.parametrize(
    ("key", "value"),
    [("kind", "wet"), ("level", "panic"), ("since", "now"), ("limit", None), ("value", "hot"), ("value", True),
     ("id", "../x"), ("channel", "a b"), ("cause", "x" * 201), ("acknowledged", {"user": 1}), ("unit", 5)],
)  # fmt: skip
def test_what_is_no_alarm_is_refused(key: str, value: Any) -> None:
    with pytest.raises(WireError):
        Alarm.from_map({**ALARM.to_map(), key: value})


def test_a_note_is_one_short_line() -> None:
    assert alarms.check_note("on my way, 5 min") == "on my way, 5 min"
    for wrong in ("a\nb", "x" * (alarms.MAX_NOTE + 1), "\x1b[2J"):
        with pytest.raises(WireError, match="expected at most 200, printable, in one line"):
            alarms.check_note(wrong)
