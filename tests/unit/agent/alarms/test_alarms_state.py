"""The alarms of one instrument: raised once, acknowledged, cleared with a reason; what is not good never clears."""

import itertools

import pytest

from kleinmaelzung_agent.alarms import alarms_state
from kleinmaelzung_agent.alarms.alarms_state import UnknownAlarmError, Watched
from kleinmaelzung_agent.alarms.limits import Alarming, Limits
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.alarms import Acknowledged, Alarm, Record
from kleinmaelzung_wire.frames import Value

S = 1_000_000_000
HOT = Limits(high_warning=70.0, high_alarm=80.0, unit="°C")


def watched(**channels: Limits) -> Watched:
    return of(Alarming(channels=channels, place="/dev/ttyUSB0"))


def of(alarming: Alarming) -> Watched:
    ids = map("a{}".format, itertools.count(1))
    return Watched(alarming, 0, at_us=lambda ns: 10**15 + ns // 1000, make_id=lambda: next(ids))


def read(at_s: float, value: Value, quality: str = "", unit: str = "°C", channel: str = "t") -> Reading:
    return Reading(
        values={channel: value},
        units={channel: unit} if unit else {},
        quality={channel: quality} if quality else {},
        taken_ns=round(at_s * S),
    )


def told(happened: list[Record]) -> list[tuple[str, str, str]]:
    return [(one.event, one.alarm.kind, one.alarm.level) for one in happened]


def test_an_alarm_is_raised_once_changes_its_level_and_clears() -> None:
    oven = watched(t=HOT)
    happened = [oven.take([read(at, value)]) for at, value in enumerate([60.0, 75.0, 75.0, 85.0, 85.0, 75.0, 60.0])]
    assert [told(one) for one in happened] == [
        [], [("raised", "high", "warning")], [], [("level", "high", "alarm")], [], [("level", "high", "warning")],
        [("cleared", "high", "warning")],
    ]  # fmt: skip
    raised, risen = happened[1][0].alarm, happened[3][0].alarm
    assert raised == Alarm(
        id="a1", channel="t", kind="high", level="warning", since=10**15 + 10**6, value=75.0, limit=70.0, unit="°C"
    )
    assert (risen.id, risen.since, risen.value, risen.limit) == ("a1", raised.since, 85.0, 80.0)
    assert oven.active == []
    assert happened[6][0].reason == ""
    [again] = oven.take([read(9, 75.0)])
    assert again.alarm.id == "a2"


@pytest.mark.parametrize(
    "reading",
    [
        read(2, None), read(2, float("nan")), read(2, float("inf")), read(2, -float("inf")), read(2, 20.0, "overload"),
        read(2, 20.0, unit="K"), read(2, 20.0, unit=""), read(2, "cold"), read(2, False), read(2, 20.0, channel="u"),
    ],
)  # fmt: skip
def test_what_is_not_known_neither_clears_nor_raises(reading: Reading) -> None:
    oven = watched(t=HOT)
    oven.take([read(1, 85.0)])
    assert oven.take([reading]) == []
    assert [one.level for one in oven.active] == ["alarm"]
    cool = watched(t=Limits(low_alarm=50.0, unit="°C"))
    assert cool.take([reading]) == []


def test_an_acknowledgement_stands_until_it_clears_or_becomes_worse() -> None:
    oven = watched(t=HOT)
    oven.take([read(1, 75.0)])
    [acknowledged] = oven.acknowledge("a1", "anna", "on my way", 5)
    assert acknowledged.alarm.acknowledged == Acknowledged(user="anna", time=5, note="on my way")
    assert oven.acknowledge("all", "ben", "", 6) == [], "the first word stays"
    [worse] = oven.take([read(2, 85.0)])
    assert worse.alarm.acknowledged is None
    oven.acknowledge("all", "ben", "", 7)
    [better] = oven.take([read(3, 75.0)])
    assert better.alarm.acknowledged == Acknowledged(user="ben", time=7)
    with pytest.raises(UnknownAlarmError, match="there is no active alarm 'a9' at this instrument"):
        oven.acknowledge("a9", "ben", "", 8)
    oven.take([read(4, 20.0)])
    assert oven.acknowledge("all", "ben", "", 9) == []


def test_silence_counts_from_the_last_good_value_and_says_why() -> None:
    oven = of(Alarming(silence_s=10.0, place="/dev/ttyUSB0"))
    oven.take([read(5, 20.0)])
    oven.take([read(8, 20.0, "overload")])
    assert oven.tick(14 * S) == []
    [raised] = oven.tick(15 * S)
    assert told([raised]) == [("raised", "silence", "alarm")]
    assert (raised.alarm.channel, raised.alarm.limit, raised.alarm.unit) == ("", 10.0, "s")
    assert raised.alarm.detail == "the quality of t is overload"
    assert oven.take([read(16, float("nan"))]) == []
    [cleared] = oven.take([read(17, 20.0)])
    assert cleared.event == "cleared"


def test_a_channel_that_comes_in_another_unit_is_silent() -> None:
    oven = watched(t=Limits(high_alarm=80.0, unit="°C", silence_s=10.0))
    oven.take([read(5, 300.0, unit="K"), read(5, 1.0, channel="u")])
    [raised] = oven.tick(10 * S)
    assert (raised.alarm.channel, raised.alarm.kind) == ("t", "silence")
    assert raised.alarm.detail == "t comes in K, its limits are in °C"
    assert told(oven.take([read(11, 20.0)])) == [("cleared", "silence", "alarm")]


def test_silence_of_a_lost_port_has_the_port_as_its_cause_whichever_came_first() -> None:
    before = of(Alarming(silence_s=10.0, place="/dev/ttyUSB0"))
    before.said("searching", "/dev/ttyUSB0 is gone")
    [raised] = before.tick(10 * S)
    assert (raised.alarm.cause, raised.alarm.detail) == ("port /dev/ttyUSB0 lost", "/dev/ttyUSB0 is gone")
    after = of(Alarming(silence_s=10.0, place="/dev/ttyUSB0"))
    after.said("silent", "no valid line for 5s")
    [raised] = after.tick(10 * S)
    assert (raised.alarm.cause, raised.alarm.detail) == ("", "no valid line for 5s")
    assert after.said("searching", "/dev/ttyUSB0 is gone")
    assert [one.cause for one in after.active] == ["port /dev/ttyUSB0 lost"]
    assert not after.said("searching", "/dev/ttyUSB0 is gone")


def test_what_an_earlier_run_raised_is_not_raised_again_and_is_cleared_with_the_reason() -> None:
    first = watched(t=HOT)
    first.take([read(1, 85.0)])
    first.acknowledge("all", "anna", "", 5)
    second = watched(t=HOT)
    assert second.restore(first.active, alarms_state.BEGAN_ANEW, 0) == []
    assert second.active == first.active
    assert second.take([read(1, 86.0)]) == [], "it still is"
    [cleared] = second.take([read(2, 20.0)])
    assert cleared.reason == "", "it was seen to come back"
    third = watched(t=HOT)
    third.restore(first.active, alarms_state.BEGAN_ANEW, 0)
    [cleared] = third.take([read(1, 20.0)])
    assert (cleared.event, cleared.reason, cleared.alarm.id) == ("cleared", alarms_state.BEGAN_ANEW, "a1")


def test_what_has_no_limit_any_more_is_cleared_when_it_is_found() -> None:
    first = watched(t=HOT, u=HOT)
    first.take([read(1, 85.0), read(1, 85.0, channel="u")])
    second = watched(t=Limits(high_warning=70.0, unit="°C"))
    [cleared] = second.restore(first.active, alarms_state.CHANGED, 0)
    assert (cleared.alarm.channel, cleared.reason) == ("u", alarms_state.NO_LIMIT)
    assert told(second.take([read(2, 85.0)])) == [("level", "high", "warning")]
    assert told(second.end("gone", 0)) == [("cleared", "high", "warning")]
    assert second.active == []


def test_a_silence_of_an_earlier_run_goes_on_until_something_good_comes() -> None:
    first = of(Alarming(silence_s=10.0))
    first.tick(10 * S)
    second = of(Alarming(silence_s=10.0))
    second.restore(first.active, alarms_state.BEGAN_ANEW, 0)
    assert second.tick(1 * S) == []
    [cleared] = second.take([read(2, 1.0)])
    assert cleared.reason == alarms_state.BEGAN_ANEW


def test_a_delay_passes_by_time_alone() -> None:
    oven = watched(t=Limits(high_alarm=80.0, unit="°C", delay_s=5.0))
    assert oven.take([read(1, 85.0)]) == []
    assert oven.tick(5 * S) == []
    assert told(oven.tick(6 * S)) == [("raised", "high", "alarm")]
