"""agent.toml is read again while the agent runs: only what is different in it is touched."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent.lifetime import Lifetime
from kleinmaelzung_wire import frames, gaps
from kleinmaelzung_wire.descriptions import Description
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import Reply, State
from kleinmaelzung_wire.orders import ITSELF
from tests.fakes_gateway import FakeGateway, command
from tests.fakes_instruments import Thermometer
from tests.integration.test_agent_gaps import process
from tests.lifetimes import head, living, moved, thermometer, thermometers, write
from tests.waiting import until


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as made:
        yield made


@pytest.fixture
async def devices(tmp_path: Path) -> AsyncIterator[dict[str, Thermometer]]:
    with thermometers(tmp_path) as made:
        yield made


def port(devices: dict[str, Thermometer], name: str) -> str:
    return devices[name].pty.port


def values(gateway: FakeGateway, instrument: str) -> list[Any]:
    """All values of an instrument that are logged, in the order of their numbers, of all channels."""
    found = sorted((number, payload) for (name, _, number), payload in gateway.logged.items() if name == instrument)
    decoded = [frames.decode(payload) for _, payload in found]
    return [value for frame in decoded for column in frame.channels.values() for value in column]


def recorded_gaps(gateway: FakeGateway, instrument: str) -> list[Gap]:
    found = [frames.decode(payload) for (name, _, _), payload in sorted(gateway.logged.items()) if name == instrument]
    return [Gap.from_record(one) for frame in found for one in frame.records if one["kind"] == gaps.KIND]


def epochs(gateway: FakeGateway, instrument: str) -> set[int]:
    return {epoch for name, epoch, _ in gateway.logged if name == instrument}


def state(gateway: FakeGateway, instrument: str) -> State:
    return State.decode(gateway.published[f"{instrument}/state"][-1])


async def until_more(gateway: FakeGateway, instrument: str, count: int = 3) -> None:
    wanted = len(values(gateway, instrument)) + count
    await until(lambda: len(values(gateway, instrument)) >= wanted, f"{count} more values of {instrument}")


async def reloaded(gateway: FakeGateway) -> Reply:
    return await gateway.asked(ITSELF, "reload", timeout_s=20)


async def test_what_is_the_same_goes_on_and_the_rest_follows_the_file(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    still = thermometer("still", port(devices, "one"))
    before = still + thermometer("moving", port(devices, "two")) + thermometer("going", port(devices, "three"))
    path = write(tmp_path / "agent.toml", gateway.url, before)
    async with living(path):
        for name in ("still", "moving", "going"):
            await until_more(gateway, name)
        openings = len(gateway.published["still/state"])
        moved(path, still + thermometer("moving", port(devices, "two"), channel="warmth", every="50ms")
              + thermometer("new", port(devices, "three")))  # fmt: skip
        reply = await reloaded(gateway)
        told = {"added": "new", "removed": "going", "changed": "moving", "unchanged": "still", "restarted": False}
        assert (reply.result, reply.values) == ("done", told), reply
        for name in ("still", "moving", "new"):
            await until_more(gateway, name)
        # The unchanged one was asked no question in vain, and its port stayed open.
        assert len(gateway.published["still/state"]) == openings
    assert recorded_gaps(gateway, "still") == []
    assert devices["one"].asked.count("T?") - len(values(gateway, "still")) in (0, 1)  # one may be cut off by the end
    # The changed one went on in the same run, and says how long it paused.
    (epoch,) = epochs(gateway, "moving")
    assert gateway.numbers("moving", epoch) == list(range(1, len(gateway.numbers("moving", epoch)) + 1))
    begun, ended = recorded_gaps(gateway, "moving")
    assert (begun.reason, ended.reason, begun.until) == (gaps.RECONFIGURED, gaps.RECONFIGURED, None)
    assert begun.since == ended.since
    assert ended.until is not None
    described = Description.decode(gateway.published["moving/description"][-1])
    assert [channel.name for channel in described.channels] == ["warmth"]
    # The removed one is gone from all lists, the new one is there, and it has nothing to excuse.
    assert all(gateway.published[f"going/{kind}"][-1] == b"" for kind in ("description", "state", "latest", "control"))
    assert recorded_gaps(gateway, "going") == recorded_gaps(gateway, "new") == []
    assert set(values(gateway, "new")) == {3.0}
    assert len({*epochs(gateway, "still"), *epochs(gateway, "moving"), *epochs(gateway, "new")}) == 1


async def test_a_wrong_file_is_refused_with_all_mistakes_and_nothing_changes(
    gateway: FakeGateway,
    devices: dict[str, Thermometer],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, thermometer("still", port(devices, "one")))
    async with living(path):
        await until_more(gateway, "still")
        wrong = thermometer("still", port(devices, "one"), every="soon") + thermometer("agent", port(devices, "two"))
        moved(path, wrong.replace("silent_after", "silent_aft"))
        with caplog.at_level(logging.ERROR):
            reply = await reloaded(gateway)
        assert reply.result == "refused"
        assert "everything goes on as before" in reply.reason
        for mistake in ("instruments.still.poll[0].every", "instruments.still.silent_aft", "agent is the agent itself"):
            assert mistake in str(reply.values["mistakes"])
            assert mistake in caplog.text
        await until_more(gateway, "still")
        assert "agent/description" not in gateway.published
    assert recorded_gaps(gateway, "still") == []


async def test_two_instruments_swap_their_ports(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    one, two = port(devices, "one"), port(devices, "two")
    path = write(tmp_path / "agent.toml", gateway.url, thermometer("left", one) + thermometer("right", two))
    async with living(path):
        await until(lambda: 1.0 in values(gateway, "left") and 2.0 in values(gateway, "right"), "both are read")
        moved(path, thermometer("left", two) + thermometer("right", one))
        assert (await reloaded(gateway)).values["changed"] == "left,right"
        await until(lambda: 2.0 in values(gateway, "left") and 1.0 in values(gateway, "right"), "both have moved")
        assert state(gateway, "left").state == state(gateway, "right").state == "connected"


async def test_sighup_has_the_file_read_again_by_the_real_command(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, thermometer("first", port(devices, "one")))
    async with process(path) as running:
        await until_more(gateway, "first")
        moved(path, thermometer("first", port(devices, "one")) + thermometer("second", port(devices, "two")))
        running.send_signal(signal.SIGHUP)
        await until_more(gateway, "second")
        path.write_text("nothing of use")
        running.send_signal(signal.SIGHUP)
        await until_more(gateway, "first")
        running.terminate()
        async with asyncio.timeout(20):
            assert await running.wait() == 0
    assert recorded_gaps(gateway, "first") == []
    assert len(epochs(gateway, "first")) == 1


async def test_a_change_of_spool_begins_a_new_run_in_the_same_process(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    rest = thermometer("still", port(devices, "one"))
    path = write(tmp_path / "agent.toml", gateway.url, rest)
    async with living(path):
        await until_more(gateway, "still")
        moved(path, '[spool]\nbytes = "50MB"\n' + rest)
        reply = await reloaded(gateway)
        assert (reply.result, reply.values["restarted"]) == ("done", True)
        await until(lambda: len(epochs(gateway, "still")) == 2, "a new run samples")
        status = gateway.status()
        assert status
        assert status.spool["limit"] == 50_000_000
        await until(lambda: recorded_gaps(gateway, "still"), "the pause is on record")
    (gap,) = recorded_gaps(gateway, "still")
    assert gap.reason == gaps.AGENT_OFF


async def test_a_run_that_cannot_begin_gives_way_to_the_configuration_before(
    gateway: FakeGateway,
    devices: dict[str, Thermometer],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, thermometer("still", port(devices, "one")))
    (tmp_path / "in-the-way").write_text("no folder")
    async with living(path):
        await until_more(gateway, "still")
        path.write_text(path.read_text().replace('"data"', '"in-the-way"'))
        with caplog.at_level(logging.ERROR):
            assert (await reloaded(gateway)).values["restarted"] is True
            await until(lambda: len(epochs(gateway, "still")) == 2, "the agent reads again")
        assert "the one before is used" in caplog.text
        await until_more(gateway, "still")


async def test_a_command_under_way_on_a_changed_instrument_ends_with_an_honest_result(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, thermometer("oven", port(devices, "one")))
    async with living(path):
        await until_more(gateway, "oven")
        devices["one"].delay_s = lambda: 60.0
        asked = asyncio.create_task(gateway.asked("oven", "set", {"value": 5.0}, timeout_s=30))
        await until(lambda: "SET 5.00" in devices["one"].asked, "it is sent")
        devices["one"].delay_s = lambda: 0.0
        moved(path, thermometer("oven", port(devices, "two")))
        assert (await reloaded(gateway)).values["changed"] == "oven"
        reply = await asked
        assert reply.result == "lost"
        assert "the agent has closed the port" in reply.reason
        assert (await gateway.asked("oven", "set", {"value": 6.0})).result in ("done", "refused")
        await until(lambda: 2.0 in values(gateway, "oven"), "it is read at its new port")
        assert (await gateway.asked("oven", "set", {"value": 7.0})).result == "done"
        assert "SET 7.00" in devices["two"].asked
    names = [(one["name"], one["result"]) for one in gateway.records("oven")]
    assert names[0] == ("set", "lost")


SAFE = """
[instruments.{name}.commands.off]
send = "SET 0.00"
safe = true
reply = [{{ pattern = 'OK (?P<set>[0-9.]+)' }}]
"""


async def test_what_somebody_holds_is_made_safe_when_it_is_removed_and_stays_held_when_it_is_changed(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    oven = thermometer("oven", port(devices, "one")) + SAFE.format(name="oven")
    lamp = thermometer("lamp", port(devices, "two")) + SAFE.format(name="lamp")
    path = write(tmp_path / "agent.toml", gateway.url, oven + lamp)
    async with living(path):
        await until_more(gateway, "oven")
        await until_more(gateway, "lamp")
        for name in ("oven", "lamp"):
            assert (await gateway.asked(name, "_take")).result == "done"
        moved(path, lamp.replace('every = "100ms"', 'every = "50ms"'))
        reply = await reloaded(gateway)
        assert (reply.values["removed"], reply.values["changed"]) == ("oven", "lamp")
        assert devices["one"].asked[-1] == "SET 0.00"
        assert "SET 0.00" not in devices["two"].asked
        assert (gateway.control("lamp").user, gateway.published["oven/control"][-1]) == ("anna", b"")
        refused = await gateway.asked("lamp", "set", {"value": 1.0}, user="otto")
        assert "held by anna" in refused.reason
        assert (await gateway.asked("oven", "_take")).reason == "there is no instrument 'oven' at this agent"
    released, off = gateway.records("oven")[1:]
    assert (released["name"], off["name"], off["result"]) == ("_release", "off", "done")
    assert "removed from the configuration" in off["reason"]


async def test_interlocks_and_dangerous_commands_are_those_of_the_new_file(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    free = thermometer("oven", port(devices, "one")) + thermometer("air", port(devices, "two"))
    locked = free.replace("[instruments.oven.commands.set.arg", 'interlock = ["air.temperature < 1"]\n'
                          "[instruments.oven.commands.set.arg")  # fmt: skip
    path = write(tmp_path / "agent.toml", gateway.url, free)
    async with living(path):
        await until_more(gateway, "oven")
        assert (await gateway.asked("oven", "set", {"value": 1.0})).result == "done"
        moved(path, locked)
        assert (await reloaded(gateway)).values["changed"] == "oven"
        await until_more(gateway, "oven")
        await until_more(gateway, "air")
        refused = await gateway.asked("oven", "set", {"value": 2.0})
        assert refused.result == "refused"
        assert "air.temperature" in refused.reason
    assert "SET 2.00" not in devices["one"].asked


async def test_one_that_was_removed_and_comes_back_goes_on_with_its_numbers_and_has_no_gap(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    both = thermometer("still", port(devices, "one")) + thermometer("other", port(devices, "two"))
    path = write(tmp_path / "agent.toml", gateway.url, both)
    async with living(path):
        await until_more(gateway, "other")
        moved(path, thermometer("still", port(devices, "one")))
        await reloaded(gateway)
        moved(path, both)
        assert (await reloaded(gateway)).values["added"] == "other"
        await until_more(gateway, "other")
        moved(path, thermometer("still", port(devices, "one")))
        await reloaded(gateway)
    path = write(path, gateway.url, both)
    async with living(path):  # the run before had it no more when it ended
        await until(lambda: len(epochs(gateway, "other")) == 2, "it is read again")
        await until_more(gateway, "still")
    assert recorded_gaps(gateway, "other") == []
    for epoch in epochs(gateway, "other"):
        numbers = gateway.numbers("other", epoch)
        assert numbers == list(range(1, len(numbers) + 1))
    assert [gap.reason for gap in recorded_gaps(gateway, "still")] == [gaps.AGENT_OFF]


async def test_one_that_stops_when_the_spool_is_full_is_known_to_the_spool_after_a_reload(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    rest = thermometer("still", port(devices, "one"))
    path = write(tmp_path / "agent.toml", gateway.url, rest)
    async with living(path) as lifetime:
        await until_more(gateway, "still")
        moved(path, rest.replace('frame_every = "10ms"', 'when_full = "stop"'))
        assert (await reloaded(gateway)).values["changed"] == "still"
        assert _kept_by_the_spool(lifetime) == {"still"}
        await until_more(gateway, "still")


def _kept_by_the_spool(lifetime: Lifetime) -> frozenset[str]:
    assert lifetime._agent is not None
    file = lifetime._agent._spool._disk._file
    assert file is not None
    return file._keep_all


async def test_the_agent_itself_is_held_by_nobody_and_refuses_what_it_does_not_know(
    gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path
) -> None:
    path = write(tmp_path / "agent.toml", gateway.url, thermometer("still", port(devices, "one")))
    async with living(path):
        await until_more(gateway, "still")
        wrong: list[tuple[str, dict[str, Any], str]] = [
            ("_take", {}, "nobody holds an agent itself"),
            ("reboot", {}, "unknown command"),
            ("reload", {"now": True}, "unknown argument 'now'"),
            ("configuration", {"offset": -1}, "an integer from 0 on"),
            ("configuration", {"offset": True}, "an integer from 0 on"),
            ("order", {"order": "text", "signature": b""}, "expected bytes"),
            ("order", {"order": b"x"}, 'argument "signature"'),
            ("order", {"order": b"x" * 5000, "signature": b""}, "at most 4096 bytes"),
        ]
        for name, arguments, expected in wrong:
            reply = await gateway.asked(ITSELF, name, arguments)
            assert (reply.result, expected in reply.reason) == ("refused", True), reply
        await gateway.command(ITSELF, command("raw", "_raw").encode(), kind="raw")
        await until(lambda: any(reply.id == "raw" for reply, _ in gateway.replies), "raw bytes are refused")
        assert "agent/control" not in gateway.published
    assert len(gateway.records(ITSELF)) == len(wrong) + 1
    assert head(gateway.url) in path.read_text()
