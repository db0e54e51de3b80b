"""Alarms over the whole way: from a real agent to the database and the command line, one for each cause."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kleinmaelzung import AlarmGroup, RecordedAlarm, connect, sync
from kleinmaelzung_wire import access
from tests.fakes_instruments import Pty, Thermometer
from tests.terminals import Terminal
from tests.whole import THERMOMETER, Whole, whole_system

OVEN = "pi-1/oven"
HOT = """
[instruments.oven.channels.temperature.alarm]
high_warning = 70
high_alarm = 80
"""


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole_system(tmp_path) as running:
        yield running


@pytest.fixture
def oven(tmp_path: Path) -> Iterator[Thermometer]:
    with Pty(tmp_path / "oven") as pty:
        pty.plug()
        yield Thermometer(pty, temperature="+20.00")


@pytest.fixture
def at_terminal(whole: Whole, tmp_path: Path) -> Terminal:
    return Terminal(whole.running.url, whole.running.password_file.read_text().strip(), tmp_path)


def configured(oven: Thermometer) -> str:
    oven.start()
    return THERMOMETER.format(name="oven", port=oven.pty.port, every="50ms") + HOT


async def until_groups(whole: Whole, count: int, *, is_offline: bool = False) -> list[AlarmGroup]:
    async with asyncio.timeout(60):
        found = await whole.lab.alarms()
        while [group.is_offline for group in found] != [is_offline] * count:
            await asyncio.sleep(0.05)
            found = await whole.lab.alarms()
    return found


async def until_recorded(whole: Whole, count: int, *, is_active: bool | None = None) -> list[RecordedAlarm]:
    async with asyncio.timeout(60):
        while len(found := await whole.lab.recorded_alarms(is_active=is_active)) != count:
            await asyncio.sleep(0.05)
    return found


async def test_an_alarm_goes_all_the_way_and_is_acknowledged_over_a_kill(
    whole: Whole, oven: Thermometer, at_terminal: Terminal
) -> None:
    configuration = configured(oven)
    await whole.start_agent(configuration)
    await whole.until_state(OVEN, "connected")
    assert await whole.lab.alarms() == []
    code, out, err = await at_terminal.run("alarms")
    assert (code, out, err) == (0, "no alarm\n", "")
    oven.temperature = "+85.50"
    [group] = await until_groups(whole, 1)
    [one] = group.alarms
    assert (one.instrument, one.alarm.kind, one.alarm.level, group.level) == (OVEN, "high", "alarm", "alarm")
    _, out, _ = await at_terminal.run("alarms", "list", "pi-1/+")
    assert "temperature high: 85.5 °C, limit 80 °C" in out
    assert one.alarm.id in out
    code, out, err = await at_terminal.run("alarms", "ack", OVEN, one.alarm.id, "--note", "on my way")
    assert (code, out, err) == (0, "1 acknowledged\n", "")
    code, _, err = await at_terminal.run("alarms", "ack", OVEN, "nosuch")
    assert (code, "there is no active alarm 'nosuch'" in err) == (1, True)
    await until_recorded(whole, 1, is_active=True)
    await whole.kill_agent()
    [away] = await until_groups(whole, 1, is_offline=True)
    assert [below.alarm.id for below in away.alarms] == [one.alarm.id]
    await whole.start_agent(configuration)
    await whole.until_state(OVEN, "connected")
    [back] = await until_groups(whole, 1)
    assert back.is_acknowledged
    oven.temperature = "+20.00"
    await until_groups(whole, 0)
    [recorded] = await until_recorded(whole, 1, is_active=False)
    assert (recorded.alarm.id, recorded.highest, recorded.instrument) == (one.alarm.id, "alarm", OVEN)
    assert recorded.alarm.acknowledged is not None
    assert (recorded.alarm.acknowledged.user, recorded.alarm.acknowledged.note) == ("admin", "on my way")
    assert recorded.cleared is not None
    assert recorded.cleared > recorded.alarm.since
    events = await whole.ask("SELECT string_agg(event, ' ' ORDER BY time, id) FROM alarm_records")
    assert events.replace(" level", "") == "raised acknowledged cleared"
    _, out, _ = await at_terminal.run("alarms", "history", "--limit", "1")
    assert "admin: on my way" in out
    shown = await at_terminal.json("alarms", "history")
    assert [each["alarm"]["id"] for each in shown["alarms"]] == [one.alarm.id]
    early = await whole.lab.recorded_alarms(until=recorded.alarm.since - 1)
    late = await whole.lab.recorded_alarms(since=recorded.cleared + 1)
    assert (early, late) == ([], [])


async def test_twenty_instruments_of_an_agent_that_is_away_are_one_alarm(whole: Whole, tmp_path: Path) -> None:
    silent = "[instruments.i{n}.alarm]\nsilence = '1s'\n"
    ports = [
        THERMOMETER.format(name=f"i{n}", port=tmp_path / f"nosuch{n}", every="1s").replace('"1s"', '"2s"', 1)
        + silent.format(n=n)
        for n in range(20)
    ]
    await whole.start_agent(*ports)
    lost = await until_groups(whole, 20)
    assert {group.cause for group in lost} == {f"port {tmp_path / f'nosuch{n}'} lost" for n in range(20)}
    await whole.kill_agent()
    [away] = await until_groups(whole, 1, is_offline=True)
    assert (away.agent, len(away.alarms)) == ("pi-1", 20)


async def test_pages_of_the_record_join_and_only_what_is_granted_is_told(whole: Whole, oven: Thermometer) -> None:
    await whole.start_agent(configured(oven))
    await whole.until_state(OVEN, "connected")
    for count in range(1, 4):
        oven.temperature = "+85.00"
        await until_groups(whole, 1)
        oven.temperature = "+20.00"
        await until_groups(whole, 0)
        await until_recorded(whole, count)
    everything = await whole.lab.recorded_alarms()
    assert [one.number for one in everything] == sorted((one.number for one in everything), reverse=True)
    first = await whole.lab.request("logger", "alarms", instrument="+/+", limit=2)
    assert (len(first["alarms"]), first["more"]) == (2, True)
    rest = await whole.lab.request("logger", "alarms", instrument="+/+", limit=2, after=first["alarms"][-1]["number"])
    assert (len(rest["alarms"]), rest["more"]) == (1, False)
    assert len(await whole.lab.recorded_alarms(limit=2)) == 2
    answers = await whole.lab.access(access.add_user("otto", "a secret", "observer", ("pi-2/+",)))
    assert not any("error" in answer for answer in answers)
    async with connect(whole.running.url, user="otto", password="a secret") as other:
        assert await other.recorded_alarms("pi-2/+") == []
        assert await other.alarms("pi-2/+") == []


async def test_a_program_without_async_sees_and_acknowledges(whole: Whole, oven: Thermometer) -> None:
    await whole.start_agent(configured(oven))
    oven.temperature = "+75.00"
    await until_groups(whole, 1)
    password = whole.running.password_file.read_text()

    def acknowledge() -> tuple[list[AlarmGroup], object, list[RecordedAlarm]]:
        with sync.connect(whole.running.url, user="admin", password=password) as lab:
            seen = lab.alarms()
            reply = lab.acknowledge(OVEN, note="seen")
            return seen, reply.values, lab.recorded_alarms()

    [group], values, recorded = await asyncio.to_thread(acknowledge)
    assert (group.level, values) == ("warning", {"acknowledged": 1})
    assert len(recorded) <= 1
