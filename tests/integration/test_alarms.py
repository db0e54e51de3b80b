"""Alarms of a running agent: published, on record once, known again after its end, however it ended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_agent.alarms import alarms_state
from kleinmaelzung_wire import alarms, frames
from kleinmaelzung_wire.alarms import ActiveAlarms, Alarm, Record
from kleinmaelzung_wire.messages import Command
from kleinmaelzung_wire.orders import ITSELF
from tests.fakes_gateway import FakeGateway
from tests.fakes_instruments import Thermometer
from tests.lifetimes import living, moved, process, thermometer, thermometers, write
from tests.waiting import until

ACKNOWLEDGE = Command(id="k", name="_acknowledge", user="anna", arguments={"id": "all"}, timeout_us=5_000_000, sent=0)
HOT = "[instruments.{name}.channels.temperature.alarm]\nhigh_warning = 70\nhigh_alarm = 80\nhysteresis = 2\n"


def oven(port: str, name: str = "oven", limits: str = HOT) -> str:
    return thermometer(name, port, every="50ms") + limits.format(name=name)


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as made:
        yield made


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[Thermometer]:
    with thermometers(tmp_path) as made:
        made["one"].temperature = "+20.00"
        yield made["one"]


def active(gateway: FakeGateway, instrument: str = "oven") -> list[Alarm]:
    """As it was published last; nothing was yet, or was taken away: none."""
    payload = (gateway.published[f"{instrument}/alarm"] or [b""])[-1]
    return ActiveAlarms.decode(payload).alarms if payload else []


def records(gateway: FakeGateway, instrument: str = "oven") -> list[Record]:
    """Those that are logged, in the order in which they happened."""
    found = [frames.decode(payload) for (name, _, _), payload in gateway.logged.items() if name == instrument]
    told = [record for frame in found for record in frame.records if record["kind"] == alarms.KIND]
    return sorted((Record.from_record(one) for one in told), key=lambda one: one.time)


def events(gateway: FakeGateway, instrument: str = "oven") -> list[tuple[str, str]]:
    return [(one.event, one.alarm.level) for one in records(gateway, instrument)]


async def until_levels(gateway: FakeGateway, *levels: str, instrument: str = "oven") -> list[Alarm]:
    await until(
        lambda: (
            gateway.published[f"{instrument}/alarm"]
            and [one.level for one in active(gateway, instrument)] == list(levels)
        ),
        f"{instrument} shows {levels}",
    )
    return active(gateway, instrument)


async def until_events(gateway: FakeGateway, *wanted: str, instrument: str = "oven") -> None:
    await until(lambda: [event for event, _ in events(gateway, instrument)] == list(wanted), f"on record: {wanted}")


async def test_what_is_wrong_is_shown_and_on_record_until_it_is_well(
    gateway: FakeGateway, device: Thermometer, tmp_path: Path
) -> None:
    async with living(write(tmp_path / "agent.toml", gateway.url, oven(device.pty.port))):
        await until_levels(gateway)
        device.temperature = "+75.00"
        await until_levels(gateway, "warning")
        device.temperature = "+85.50"
        [alarm] = await until_levels(gateway, "alarm")
        assert (alarm.channel, alarm.kind, alarm.value, alarm.limit) == ("temperature", "high", 85.5, 80.0)
        device.temperature = "+20.00"
        await until_levels(gateway)
        await until_events(gateway, "raised", "level", "cleared")
    assert {one.alarm.id for one in records(gateway)} == {alarm.id}
    assert [one.reason for one in records(gateway)] == ["", "", ""]


async def test_who_may_command_acknowledges_also_while_another_holds_the_instrument(
    gateway: FakeGateway, device: Thermometer, tmp_path: Path
) -> None:
    device.temperature = "+85.00"
    async with living(write(tmp_path / "agent.toml", gateway.url, oven(device.pty.port))):
        [alarm] = await until_levels(gateway, "alarm")
        assert (await gateway.asked("oven", "_take", {"duration_s": 60}, user="ben", session="s2")).result == "done"
        wrong = await gateway.asked("oven", "_acknowledge", {"id": "nosuch"})
        assert (wrong.result, wrong.reason) == (
            "refused",
            "there is no active alarm 'nosuch' at this instrument: it may have cleared",
        )
        for arguments in ({}, {"id": 5}, {"id": "all", "why": "x"}, {"id": "all", "note": "a\nb"}):
            assert (await gateway.asked("oven", "_acknowledge", arguments)).result == "refused"
        reply = await gateway.asked("oven", "_acknowledge", {"id": alarm.id, "note": "on my way"}, user="anna")
        assert (reply.result, reply.values) == ("done", {"acknowledged": 1})
        again = await gateway.asked("oven", "_acknowledge", {"id": "all"}, user="ben", session="s2")
        assert (again.result, again.values) == ("done", {"acknowledged": 0})
        await until_events(gateway, "raised", "acknowledged")
        [shown] = active(gateway)
        assert shown.acknowledged is not None
        assert (shown.acknowledged.user, shown.acknowledged.note) == ("anna", "on my way")
        assert (await gateway.asked(ITSELF, "_acknowledge", {"id": "all"})).result == "refused"
    assert [one["name"] for one in gateway.records("oven")].count("_acknowledge") == 7


@pytest.mark.parametrize("failpoint", ["", "agent.alarm_kept:2", "agent.alarm_kept:3", "agent.numbered:30"])
async def test_killed_at_any_moment_an_agent_raises_an_alarm_once_and_knows_who_acknowledged_it(
    gateway: FakeGateway, device: Thermometer, tmp_path: Path, failpoint: str
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, oven(device.pty.port))
    async with process(path, failpoint) as agent:
        await until_levels(gateway)
        device.temperature = "+85.00"
        if failpoint:
            async with asyncio.timeout(20):
                while agent.returncode is None:
                    if records(gateway):
                        with contextlib.suppress(ConnectionClosed):  # it dies just now
                            await gateway.command("oven", ACKNOWLEDGE.encode())
                    await asyncio.sleep(0.02)
        else:
            [alarm] = await until_levels(gateway, "alarm")
            assert (await gateway.asked("oven", "_acknowledge", {"id": "all"})).result == "done"
            await until_events(gateway, "raised", "acknowledged")
            agent.kill()
        await agent.wait()
    gateway.published.clear()
    async with process(path) as agent:
        [known] = await until_levels(gateway, "alarm")
        await until(lambda: records(gateway), "a record of it")
        device.temperature = "+20.00"
        await until_levels(gateway)
        await until(lambda: [event for event, _ in events(gateway)][-1:] == ["cleared"], "it is cleared on record")
        if not failpoint:
            assert known == alarm or known.acknowledged is not None
            await until_events(gateway, "raised", "acknowledged", "cleared")
    assert [event for event, _ in events(gateway)].count("raised") == 1
    assert len({one.alarm.id for one in records(gateway)}) == 1
    assert gateway.conflicts == []


async def test_what_was_active_when_the_agent_died_and_is_not_any_more_is_cleared_with_that_reason(
    gateway: FakeGateway, device: Thermometer, tmp_path: Path
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, oven(device.pty.port))
    device.temperature = "+85.00"
    async with process(path) as agent:
        await until_levels(gateway, "alarm")
        await until_events(gateway, "raised")
        agent.kill()
        await agent.wait()
    device.temperature = "+20.00"
    async with process(path):
        await until_events(gateway, "raised", "cleared")
    assert records(gateway)[-1].reason == alarms_state.BEGAN_ANEW


async def test_after_an_orderly_stop_it_goes_on_and_a_removed_instrument_is_cleared(
    gateway: FakeGateway, device: Thermometer, tmp_path: Path
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, oven(device.pty.port))
    device.temperature = "+85.00"
    async with living(path):
        [before] = await until_levels(gateway, "alarm")
    await until_events(gateway, "raised")
    gateway.published.clear()
    async with living(path):
        [after] = await until_levels(gateway, "alarm")
        assert after == before
    moved(path, thermometer("kiln", device.pty.port))
    async with living(path):
        await until_events(gateway, "raised", "cleared")
    assert records(gateway)[-1].reason == alarms_state.NO_INSTRUMENT


async def test_a_reload_goes_on_with_what_is_active_and_clears_what_has_no_limit_any_more(
    gateway: FakeGateway, device: Thermometer, tmp_path: Path
) -> None:
    port = device.pty.port
    path = write(tmp_path / "agent.toml", gateway.url, oven(port))
    device.temperature = "+75.00"
    async with living(path):
        [before] = await until_levels(gateway, "warning")
        moved(path, oven(port, limits=HOT.replace("high_alarm = 80", "high_alarm = 74")))
        assert (await gateway.asked(ITSELF, "reload", timeout_s=20)).result == "done"
        [after] = await until_levels(gateway, "alarm")
        assert (after.id, after.since, after.limit) == (before.id, before.since, 74.0)
        moved(path, oven(port, limits=""))
        assert (await gateway.asked(ITSELF, "reload", timeout_s=20)).result == "done"
        await until_levels(gateway)
        await until_events(gateway, "raised", "level", "cleared")
        assert records(gateway)[-1].reason == alarms_state.NO_LIMIT
        moved(path, oven(port))
        assert (await gateway.asked(ITSELF, "reload", timeout_s=20)).result == "done"
        [anew] = await until_levels(gateway, "warning")
        assert anew.id != before.id
        moved(path, "")
        assert (await gateway.asked(ITSELF, "reload", timeout_s=20)).result == "done"
        await until(lambda: gateway.published["oven/alarm"][-1] == b"", "nothing is left of it")
        await until_events(gateway, "raised", "level", "cleared", "raised", "cleared")
    assert records(gateway)[-1].reason == alarms_state.NO_INSTRUMENT


async def test_instruments_that_are_lost_with_one_port_share_a_cause(
    gateway: FakeGateway, device: Thermometer, tmp_path: Path
) -> None:
    bus = oven(device.pty.port, "inlet", "[instruments.{name}.alarm]\nsilence = '1s'\n")
    bus += oven(device.pty.port, "outlet", "[instruments.{name}.alarm]\nsilence = '1s'\n")
    path = write(tmp_path / "agent.toml", gateway.url, bus.replace("frame_every", "bus = true\nframe_every"))
    async with living(path):
        await until(lambda: {"inlet", "outlet"} <= {name for name, _, _ in gateway.logged}, "both are read")
        device.pty.unplug()
        for name in ("inlet", "outlet"):
            await until_levels(gateway, "alarm", instrument=name)
        causes = {one.cause for name in ("inlet", "outlet") for one in active(gateway, name)}
        assert causes == {f"port {device.pty.port} lost"}
        device.pty.plug()
        for name in ("inlet", "outlet"):
            await until_levels(gateway, instrument=name)
            await until_events(gateway, "raised", "cleared", instrument=name)


async def test_a_damaged_file_is_told_and_the_alarm_is_raised_again(
    gateway: FakeGateway, device: Thermometer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, oven(device.pty.port))
    device.temperature = "+85.00"
    async with living(path):
        await until_levels(gateway, "alarm")
        await until_events(gateway, "raised")
    (tmp_path / "data" / "alarms").write_bytes(b"\x00\xffgarbage\n")
    gateway.published.clear()
    async with living(path):
        await until_levels(gateway, "alarm")
        await until_events(gateway, "raised", "raised")
    assert "the alarms of earlier runs are not known" in caplog.text
