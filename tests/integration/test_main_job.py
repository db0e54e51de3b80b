"""The main job, end to end: a real port is read, streamed, watched, logged, and answers commands."""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import msgpack
import pytest

from kleinmaelzung_wire import access, frames
from tests.fakes_instruments import Pty, Thermometer
from tests.waiting import until
from tests.whole import THERMOMETER, Whole, watching, whole_system


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole_system(tmp_path) as running:
        yield running


@pytest.fixture
async def probe(tmp_path: Path) -> AsyncIterator[Thermometer]:
    """A thermometer that is plugged in."""
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        yield Thermometer(pty).start()


def configured(probe: Thermometer, name: str = "probe", every: str = "50ms") -> str:
    return THERMOMETER.format(name=name, port=probe.pty.port, every=every)


async def test_what_the_instrument_says_is_watched_and_logged(whole: Whole, probe: Thermometer) -> None:
    async with watching(whole.lab, "+/+") as seen:
        probe.temperature = "+20.01"
        await whole.start_agent(configured(probe))
        await until(lambda: 20.01 in seen.values("pi-1/probe"), "20.01 is seen")
        probe.temperature = "-7.50"
        await until(lambda: -7.5 in seen.values("pi-1/probe"), "-7.5 is seen")
    status = await whole.stop_agent()
    assert status.unlogged == 0
    assert await whole.logged() == status.samples > 0
    assert await whole.ask(
        "SELECT count(*) FROM readings WHERE value = -7.5 AND unit = '°C' AND channel = 'temperature'"
    )
    assert await whole.ask("SELECT sum(missing)::int FROM completeness") == 0
    numbers = [frame.number for frame in seen.frames]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_a_command_runs_and_every_reply_belongs_to_it(whole: Whole, probe: Thermometer) -> None:
    probe.delay_s = lambda: random.uniform(0, 0.002)
    await whole.start_agent(configured(probe, every="0ms"))
    await whole.until_state("pi-1/probe", "connected")
    for number in range(500):
        reply = await whole.lab.send("pi-1/probe", "set", value=number + 0.25)
        assert (reply.result, reply.values) == ("done", {"set": number + 0.25}), reply
    assert sum(query.startswith("SET") for query in probe.asked) == 500
    logged = "SELECT count(*) FROM traffic WHERE topic = $1"
    async with asyncio.timeout(10):
        for kind in ("command/admin", "reply"):
            while await whole.ask(logged, f"kleinmaelzung/pi-1/probe/{kind}") < 500:
                await asyncio.sleep(0.05)


async def test_a_wrong_argument_never_reaches_the_port(whole: Whole, probe: Thermometer) -> None:
    await whole.start_agent(configured(probe))
    await whole.until_state("pi-1/probe", "connected")
    reply = await whole.lab.send("pi-1/probe", "set", value=1001)
    assert reply.result == "refused"
    assert "1000" in reply.reason
    assert not [query for query in probe.asked if "SET" in query]


async def test_a_strange_mqtt_tool_reads_frames_and_latest(whole: Whole, probe: Thermometer) -> None:
    await whole.lab.access(access.add_user("tool", "tools-password", "observer"))
    await whole.start_agent(configured(probe))
    heard = await mosquitto_sub(whole, "kleinmaelzung/pi-1/probe/data")
    assert msgpack.unpackb(heard)["c"] == {"temperature": [23.45]}
    latest = json.loads(await mosquitto_sub(whole, "kleinmaelzung/pi-1/probe/latest"))
    assert latest["temperature"]["value"] == 23.45
    assert latest["temperature"]["unit"] == "°C"


async def mosquitto_sub(whole: Whole, topic: str) -> bytes:
    """The payload of the first message, as Mosquitto's own tool gets it."""
    host, port = whole.running.mqtt.removeprefix("mqtt://").split(":")
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_sub", "-V", "5", "-h", host, "-p", port, "-u", "tool", "-P", "tools-password"),
        *("-t", topic, "-C", "1", "-W", "15", "-N"),
        stdout=asyncio.subprocess.PIPE,
    )
    heard, _ = await process.communicate()
    assert process.returncode == 0
    return heard


async def test_off_at_the_start_then_on_then_unplugged_then_back(whole: Whole, tmp_path: Path) -> None:
    with Pty(tmp_path / "probe") as pty:
        probe = Thermometer(pty).start()
        await whole.start_agent(configured(probe))
        assert "probe" in (await whole.until_state("pi-1/probe", "searching")).reason
        async with watching(whole.lab, "pi-1/probe") as seen:
            pty.plug()
            await whole.until_state("pi-1/probe", "connected")
            await seen.until_more("pi-1/probe")
            pty.unplug()
            await whole.until_state("pi-1/probe", "searching")
            pty.plug()
            await whole.until_state("pi-1/probe", "connected")
            await seen.until_more("pi-1/probe")
            probe.is_silent = True
            await whole.until_state("pi-1/probe", "silent")
            assert set(seen.values("pi-1/probe")) == {23.45}


async def test_an_instrument_that_was_taken_out_of_the_configuration_is_gone(
    whole: Whole, tmp_path: Path, probe: Thermometer
) -> None:
    with Pty(tmp_path / "other") as pty:
        pty.plug()
        other = Thermometer(pty).start()
        await whole.start_agent(configured(probe), configured(other, name="other"))
        await whole.until_state("pi-1/other", "connected")
        await whole.stop_agent()
        await whole.start_agent(configured(probe))
        async with asyncio.timeout(10):
            while [one.name for one in await whole.lab.instruments()] != ["pi-1/probe"]:
                await asyncio.sleep(0.02)
        assert set(await whole.lab.retained("pi-1/+")) == {"pi-1/probe/description", "pi-1/probe/state"}
        assert not await whole.lab.retained("pi-1/other/latest")


async def test_rubbish_on_one_port_leaves_the_neighbour_alone(whole: Whole, tmp_path: Path, probe: Thermometer) -> None:
    with Pty(tmp_path / "babbler") as pty:
        pty.plug()
        babbler = Thermometer(pty)
        await whole.start_agent(configured(probe), configured(babbler, name="babbler"))
        async with watching(whole.lab, "pi-1/+") as seen:
            for rubbish in (random.Random(1).randbytes(4096), b"x" * 1_000_000, b"\x00" * 4096):
                with pty.flood(rubbish):
                    assert (await whole.until_state("pi-1/babbler", "error")).reason
                    await seen.until_more("pi-1/probe", 10)
            assert [frame for frame in seen.of("pi-1/babbler") if frame.channels] == []  # no values, but a gap
            assert set(seen.values("pi-1/probe")) == {23.45}


@pytest.mark.parametrize("victim", ["mosquitto", "gateway", "logger", "postgres"])
async def test_a_killed_part_comes_back_and_nothing_is_missing(whole: Whole, probe: Thermometer, victim: str) -> None:
    await whole.start_agent(configured(probe))
    await whole.until_state("pi-1/probe", "connected")
    async with watching(whole.lab, "pi-1/probe") as seen:
        await seen.until_more("pi-1/probe")
        part = whole.running.children[victim]
        assert part.pid is not None
        os.kill(part.pid, signal.SIGKILL)
        await until(lambda: part.restarts == 1, f"{victim} is started again")
        before = -1
        async with asyncio.timeout(15):  # everything subscribed again, and *writing* again
            while before < 0 or await whole.logged() < before + 20:
                try:
                    before = await whole.logged() if before < 0 else before
                except (OSError, asyncpg.PostgresError):  # the database itself is the victim
                    await asyncio.sleep(0.05)
        await seen.until_more("pi-1/probe", 10)
    async with asyncio.timeout(20):  # what was under way is sent again
        while await whole.ask("SELECT sum(missing)::int FROM completeness"):
            await asyncio.sleep(0.05)
    status = await whole.stop_agent()
    assert await whole.logged() == status.samples
    assert await whole.ask("SELECT sum(missing)::int FROM completeness") == 0


async def test_an_outage_of_the_gateway_is_filled_in_behind_live_data(whole: Whole, probe: Thermometer) -> None:
    await whole.start_agent(configured(probe))
    await whole.until_state("pi-1/probe", "connected")
    gateway = whole.running.children["gateway"].pid
    assert gateway is not None
    os.kill(gateway, signal.SIGSTOP)
    try:
        asked = len(probe.asked)
        await until(lambda: len(probe.asked) > asked + 40, "the instrument is read on")
    finally:
        os.kill(gateway, signal.SIGCONT)
    status = await whole.stop_agent()
    async with asyncio.timeout(20):
        while await whole.logged() < status.samples:
            await asyncio.sleep(0.1)
    assert await whole.ask("SELECT sum(missing)::int FROM completeness") == 0
    payloads = await whole.ask("SELECT array_agg(payload ORDER BY number) FROM frames")
    assert [frames.decode(payload).number for payload in payloads] == list(range(1, status.taken + 1))
