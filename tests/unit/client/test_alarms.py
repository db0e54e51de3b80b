"""One alarm for each cause, as people see it; and what cannot be meant at a terminal."""

from argparse import ArgumentParser

import pytest

from kleinmaelzung import alarms
from kleinmaelzung.commands import alarms as command
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire.alarms import Acknowledged, ActiveAlarms, Alarm
from kleinmaelzung_wire.messages import AgentStatus

ONLINE, OFFLINE = AgentStatus(online=True).encode(), AgentStatus(online=False).encode()
HOT = Alarm(id="hot", channel="t", kind="high", level="warning", since=5, value=71.0, limit=70.0, unit="°C")
SILENT = Alarm(id="quiet", channel="", kind="silence", level="alarm", since=9, limit=300.0, unit="s")
LOST = Alarm(id="lost", channel="", kind="silence", level="alarm", since=7, limit=300.0, cause="port /dev/ttyUSB0 lost")


def active(*found: Alarm, left_out: int = 0) -> bytes:
    return ActiveAlarms(alarms=list(found), left_out=left_out).encode()


def test_an_agent_that_is_away_with_twenty_instruments_is_one_alarm() -> None:
    retained = {f"pi-1/i{n}/alarm": active(HOT, LOST) for n in range(20)} | {"pi-1/status": OFFLINE}
    [group] = alarms.grouped(retained)
    assert (group.is_offline, group.level, group.since, len(group.alarms)) == (True, "alarm", None, 40)
    assert not group.is_acknowledged
    lines = command.report([group]).splitlines()
    assert "agent pi-1 is offline (40 last known)" in lines[1]


def test_an_agent_that_is_away_is_an_alarm_also_where_nothing_else_was_wrong() -> None:
    [group] = alarms.grouped({"pi-1/status": OFFLINE, "pi-1/oven/alarm": active(), "pi-2/status": ONLINE})
    assert (group.agent, group.is_offline, group.alarms) == ("pi-1", True, ())
    assert "agent pi-1 is offline" in command.report([group])
    assert "last known" not in command.report([group])


def test_what_one_port_has_caused_is_one_alarm_and_the_rest_stands_for_itself() -> None:
    retained = {
        "pi-1/status": ONLINE,
        "pi-2/status": ONLINE,
        "pi-1/a/alarm": active(LOST, HOT),
        "pi-1/b/alarm": active(LOST, SILENT, left_out=3),
        "pi-2/a/alarm": active(LOST),
        "pi-1/c/alarm": b"",
    }
    groups = alarms.grouped({topic: payload for topic, payload in retained.items() if payload})
    shown = [(group.agent, group.cause, [one.instrument for one in group.alarms], group.level) for group in groups]
    assert shown == [
        ("pi-1", LOST.cause, ["pi-1/a", "pi-1/b"], "alarm"),
        ("pi-2", LOST.cause, ["pi-2/a"], "alarm"),
        ("pi-1", "", ["pi-1/b"], "alarm"),
        ("pi-1", "", ["pi-1/a"], "warning"),
    ]
    assert groups[0].left_out == 3
    report = command.report(groups)
    assert "port /dev/ttyUSB0 lost (2 by it)" in report
    assert "t high: 71 °C, limit 70 °C" in report


def test_a_group_is_acknowledged_when_all_of_it_is() -> None:
    by = Acknowledged(user="anna", time=5, note="on\x1bmy way")
    known = Alarm(id="k", channel="", kind="silence", level="alarm", since=7, limit=3.0, cause="c", acknowledged=by)
    other = Alarm(id="o", channel="", kind="silence", level="alarm", since=7, limit=3.0, cause="c")
    [group] = alarms.grouped({"pi-1/a/alarm": active(known), "pi-1/b/alarm": active(other)})
    assert not group.is_acknowledged
    [group] = alarms.grouped({"pi-1/a/alarm": active(known)})
    assert group.is_acknowledged
    assert command.by_whom(known) == "anna: on\N{REPLACEMENT CHARACTER}my way"


def test_what_cannot_be_read_hides_nothing_else() -> None:
    found = alarms.grouped({"pi-1/a/alarm": b"\xc1", "pi-1/b/alarm": active(HOT), "pi-1/status": b"\xc1"})
    assert [one.instrument for group in found for one in group.alarms] == ["pi-1/b"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("ack", "expected kleinmaelzung alarms ack INSTRUMENT"),
        ("ack pi-1/oven a1 a2", "expected kleinmaelzung alarms ack INSTRUMENT"),
        ("list --active", "are for history"),
        ("pi-1/oven --limit 3", "are for history"),
        ("history --note x", "--note is for ack"),
        ("pi-1/oven pi-1/kiln", "expected one instrument or pattern"),
        (f"ack pi-1/oven --note {'x' * 201}", "expected at most 200"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(typed: str, sentence: str) -> None:
    parser = ArgumentParser()
    command.add_arguments(parser)
    arguments = parser.parse_args(typed.split())
    action, words = command.split(arguments.words)
    with pytest.raises(WrongUsage, match=sentence):
        command.check(action, words, arguments)
