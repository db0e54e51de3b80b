"""The agent's delivery side against a gateway of our own making: nothing lost, nothing doubled, commands once."""

import asyncio
import contextlib
import json
import logging
import random
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kleinmaelzung_agent.agent import Tuning
from kleinmaelzung_agent.commands.commands import MAX_RUNNING
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_agent.sending.gateway_link import agent_url
from kleinmaelzung_agent.spool.spool_file import FILE_NAME
from kleinmaelzung_wire import codec, frames, sockets
from kleinmaelzung_wire.descriptions import Description
from kleinmaelzung_wire.messages import AgentStatus, State
from tests.fakes_agent import QUICK
from tests.fakes_gateway import FakeGateway, command
from tests.running_agent import rows, running
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def ever_spooled(data: Path) -> int:
    connection = sqlite3.connect(data / FILE_NAME)
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'frames'").fetchone()
    connection.close()
    return row[0] if row else 0


async def test_readings_arrive_live_with_everything_that_describes_them(tmp_path: Path) -> None:
    async with FakeGateway() as gateway, running(gateway.url, tmp_path) as made:
        await until(lambda: len(gateway.logged) >= 50, "fifty frames are logged")
        epoch = made.agent.epoch
        assert gateway.numbers("balance", epoch)[:50] == list(range(1, 51))
        live = [frame.number for frame in gateway.kinds["data"]]
        assert live == list(range(1, len(live) + 1))
        assert all(frame.channels["count"] == [frame.number] for frame in gateway.kinds["data"])
        description = Description.decode(gateway.published["balance/description"][-1])
        assert description.channels[0].name == "count"
        assert State.decode(gateway.published["balance/state"][-1]).state == "connected"
        assert json.loads(gateway.published["balance/latest"][0])["count"]["value"] == 1
        status = gateway.status()
        assert status is not None
        assert (status.online, status.epoch, status.gateway) == (True, epoch, "fake")
        assert status.clock["synchronised"] in (True, False)


async def test_a_healthy_run_writes_no_frame_to_the_disk(tmp_path: Path) -> None:
    async with FakeGateway() as gateway, running(gateway.url, tmp_path, tuning=Tuning()) as made:
        await until(lambda: gateway.is_connected, "connected")
        await until(lambda: made.balance.count > 200, "it has run for a while")
    assert gateway.numbers("balance", made.agent.epoch) == list(range(1, made.balance.count + 1))
    assert ever_spooled(tmp_path) == 0
    assert rows(tmp_path) == []


async def test_nothing_is_lost_or_doubled_over_a_hundred_disconnects(tmp_path: Path) -> None:
    dice = random.Random(20261201)
    async with FakeGateway() as gateway:
        names = ("balance", "thermometer")
        async with running(gateway.url, tmp_path, names=names, period_s=0.002) as made:
            await until(lambda: gateway.is_connected, "connected")
            for _ in range(100):
                await _cut_once(gateway, dice)
            gateway.is_logging = True
            made.stop.set()
            await until(lambda: gateway.status() and not _status(gateway).online, "the agent said goodbye")
        counts = {name: made.instruments[name].count for name in names}
        epoch = made.agent.epoch
        assert gateway.connections >= 100
        async with running(gateway.url, tmp_path, period_s=60):
            await until(lambda: all(len(gateway.numbers(n, epoch)) == counts[n] for n in names), "all is logged")
            await until(lambda: rows(tmp_path) == [], "all is deleted")
        for name in names:
            assert gateway.numbers(name, epoch) == list(range(1, counts[name] + 1))
            values = [
                frames.decode(gateway.logged[name, epoch, number]).channels["count"][0]
                for number in gateway.numbers(name, epoch)
            ]
            assert values == list(range(1, counts[name] + 1))
        assert gateway.conflicts == []


async def _cut_once(gateway: FakeGateway, dice: random.Random) -> None:
    known = gateway.connections
    gateway.is_logging = dice.random() < 0.7
    await asyncio.sleep(dice.uniform(0, 0.03))
    gateway.cut()
    await until(lambda: gateway.connections > known and gateway.is_connected, "connected again")


def _status(gateway: FakeGateway) -> AgentStatus:
    status = gateway.status()
    assert status is not None
    return status


async def test_what_was_spooled_before_kill_9_is_sent_with_its_old_epoch(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        gateway.is_logging = False
        async with child(gateway.url, tmp_path) as killed:
            await until(lambda: len(rows(tmp_path)) >= 50, "fifty frames are spooled")
            killed.send_signal(signal.SIGKILL)
        spooled = rows(tmp_path)
        epoch = spooled[0][0]
        assert [number for _, number, _ in spooled] == list(range(1, len(spooled) + 1))
        gateway.is_logging = True
        async with child(gateway.url, tmp_path) as next_one:
            await until(lambda: len(gateway.numbers("balance", epoch)) >= len(spooled), "the old epoch is logged")
            await until(lambda: len({e for _, e, _ in gateway.logged}) == 2, "a new epoch has begun")
            assert all(gateway.logged["balance", epoch, number] == payload for _, number, payload in spooled)
            assert gateway.conflicts == []
            await until(lambda: rows(tmp_path) == [], "all is deleted")
            began = time.monotonic()
            next_one.terminate()
            assert await next_one.wait() == 0
            assert time.monotonic() - began < 5
        assert _status(gateway).reason == "stopped"
        assert rows(tmp_path) == []


@asynccontextmanager
async def child(url: str, data: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """An agent in a process of its own, which does not outlive the test."""
    arguments = ("-m", "tests.fakes_agent", url, str(data))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT)
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def test_no_backfill_without_a_healthy_logger(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        gateway.is_logging = gateway.is_announced = False
        async with running(gateway.url, tmp_path, tuning=replace(QUICK, settle_s=0.1)):
            await until(lambda: len(rows(tmp_path)) > 50, "an outage fills the spool")
            await gateway.announce(healthy=False)
            seen = len(gateway.kinds["data"])
            await until(lambda: len(gateway.kinds["data"]) > seen + 100, "live data goes on")
            assert gateway.kinds["backfill"] == []
            gateway.is_logging = True
            await gateway.announce(healthy=True)
            await until(lambda: gateway.kinds["backfill"], "the backfill begins")
            assert gateway.kinds["backfill"][0].number == 1
            await until(lambda: rows(tmp_path) == [], "all is logged")


async def test_while_nothing_is_logged_only_probes_are_sent_again(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        gateway.is_logging = False
        quick = replace(QUICK, settle_s=0.1)
        async with running(gateway.url, tmp_path, period_s=0.002, tuning=quick):
            await until(lambda: len(gateway.kinds["data"]) > 1000, "a while without a logger")
            assert 1 <= len(gateway.kinds["backfill"]) < 250
            gateway.is_logging = True
            await until(lambda: len(gateway.logged) >= 1000, "all is logged in the end")


async def test_an_outages_frames_come_back_once_and_oldest_first(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        await gateway.stop()
        async with running(gateway.url, tmp_path, period_s=60, tuning=Tuning(waits=QUICK.waits)) as made:
            for _ in range(4999):
                made.balance.say()
            await until(lambda: len(rows(tmp_path)) == 5000, "five thousand frames are spooled")
            await gateway.start()
            await until(lambda: len(gateway.logged) == 5000, "all is logged")
            await until(lambda: rows(tmp_path) == [], "all is deleted")
        assert [frame.number for frame in gateway.kinds["backfill"]] == list(range(1, 5001))


async def test_a_gateway_that_is_away_at_the_start_and_later_is_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kleinmaelzung_agent")
    async with FakeGateway() as gateway:
        await gateway.stop()
        async with running(gateway.url, tmp_path) as made:
            await until(lambda: made.balance.count > 30, "readings go on")
            await gateway.start()
            await until(lambda: gateway.status() is not None, "connected")
            await gateway.close(1012, "the broker is lost")
            await until(lambda: gateway.connections >= 2 and gateway.is_connected, "connected again")
            await until(lambda: len(gateway.published["balance/description"]) >= 2, "described again")
        lines = [(r.levelname, r.getMessage()) for r in caplog.records if r.name.endswith("uplink")]
    assert [level for level, _ in lines] == ["WARNING", "INFO", "WARNING", "INFO"]
    assert "not reached" in lines[0][1]
    assert "lost its broker" in lines[2][1]


async def test_a_wrong_secret_is_an_error_at_once_and_no_storm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeGateway() as gateway, running(gateway.url, tmp_path, secret="wrong"):
        await until(lambda: gateway.refused >= 3, "it tries on")
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert "does not know agent 'pi-1' with this secret" in errors[0].getMessage()
    assert "wrong" not in errors[0].getMessage()
    assert gateway.logged == {}


@pytest.mark.parametrize(
    ("code", "level", "words"),
    [(sockets.NOT_LOGGED_IN, "ERROR", "with this secret"), (sockets.TAKEN_OVER, "WARNING", "another agent")],
)
async def test_a_refusal_by_close_code_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int, level: str, words: str
) -> None:
    async with FakeGateway() as gateway:
        gateway.close_with = code, "no"
        async with running(gateway.url, tmp_path):
            await until(lambda: gateway.connections >= 3, "it tries on")
    lines = [record for record in caplog.records if words in record.getMessage()]
    assert [record.levelname for record in lines] == [level]


async def test_a_command_is_executed_and_its_reply_finds_the_caller(tmp_path: Path) -> None:
    async with FakeGateway() as gateway, running(gateway.url, tmp_path) as made:
        await until(lambda: gateway.status() is not None, "connected")
        await gateway.command("balance", command("1").encode(), b"xyz")
        await until(lambda: gateway.replies, "a reply")
        reply, options = gateway.replies[0]
        assert (reply.id, reply.result, reply.bytes_in) == ("1", "done", b"T S\r\n")
        assert reply.took_us > 0
        assert reply.time > 10**15
        assert options == {"response": "kleinmaelzung/_client/anna/s1/inbox", "correlation": b"xyz"}
        assert made.balance.executed == ["1"]


async def test_a_repeated_command_id_executes_once_and_is_answered_each_time(tmp_path: Path) -> None:
    async with FakeGateway() as gateway, running(gateway.url, tmp_path) as made:
        await until(lambda: gateway.status() is not None, "connected")
        made.balance.hold.clear()
        await gateway.command("balance", command("1").encode(), b"first")
        await gateway.command("balance", command("1").encode(), b"second")
        made.balance.hold.set()
        await until(lambda: len(gateway.replies) == 2, "both are answered")
        gateway.cut()
        await until(lambda: gateway.connections == 2 and gateway.is_connected, "connected again")
        await gateway.command("balance", command("1").encode(), b"third")
        await until(lambda: len(gateway.replies) == 3, "answered after the reconnect too")
        assert [options["correlation"] for _, options in gateway.replies] == [b"first", b"second", b"third"]
        assert len({reply.encode() for reply, _ in gateway.replies}) == 1
        await gateway.command("balance", command("1").encode(), user="otto")
        await until(lambda: len(gateway.replies) == 4, "another user's id is another command")
        assert made.balance.executed == ["1", "1"]


async def test_what_cannot_be_executed_is_refused_with_a_reason(tmp_path: Path) -> None:
    async with FakeGateway() as gateway, running(gateway.url, tmp_path) as made:
        await until(lambda: gateway.status() is not None, "connected")
        await gateway.command("oven", command("1").encode())
        await gateway.command("balance", codec.pack({"v": 1, "id": "2", "name": "Tare!", "user": "anna"}))
        await gateway.command("balance", codec.pack({"v": 1}))
        await gateway.command("balance", b"\xff")
        await gateway.command("balance", command("3", "crash").encode())
        await until(lambda: len(gateway.replies) == 3, "three are answered")
        reasons = {reply.id: (reply.result, reply.reason) for reply, _ in gateway.replies}
        assert reasons["1"] == ("refused", "there is no instrument 'oven' at this agent")
        assert [reply.id for reply, _ in gateway.replies if not reply.recorded] == ["1"], "the gateway records it"
        assert reasons["2"][0] == "refused"
        assert "command 'Tare!' is not a name" in reasons["2"][1]
        assert reasons["3"][0] == "failed"
        assert made.balance.executed == []
        count = made.balance.count
        await until(lambda: made.balance.count > count, "readings go on")


async def test_too_many_commands_at_once_are_refused_busy(tmp_path: Path) -> None:
    async with FakeGateway() as gateway, running(gateway.url, tmp_path) as made:
        await until(lambda: gateway.status() is not None, "connected")
        made.balance.hold.clear()
        for index in range(MAX_RUNNING + 2):
            await gateway.command("balance", command(f"c{index}").encode())
        await until(lambda: len(gateway.replies) == 2, "two are refused")
        assert all(reply.reason.startswith("busy") for reply, _ in gateway.replies)
        made.balance.hold.set()
        await until(lambda: len(gateway.replies) == MAX_RUNNING + 2, "the others are done")


async def test_a_command_that_hangs_ends_with_timeout(tmp_path: Path) -> None:
    async with FakeGateway() as gateway, running(gateway.url, tmp_path) as made:
        await until(lambda: gateway.status() is not None, "connected")
        made.balance.hold.clear()
        await gateway.command("balance", command("1", timeout_s=0.05).encode())
        await until(lambda: gateway.replies, "an answer")
        assert gateway.replies[0][0].result == "timeout"


async def test_an_orderly_end_leaves_the_rest_on_disk_and_says_goodbye(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        gateway.is_logging = False
        tuning = replace(QUICK, window_s=60, settle_s=0.05)
        async with running(
            gateway.url, tmp_path, sampling={"balance": Sampling(frame_every_s=0.1)}, tuning=tuning
        ) as made:
            await until(lambda: made.balance.count > 50, "it has run for a while")
        assert _status(gateway).online is False
        assert _status(gateway).reason == "stopped"
        kept = [frames.decode(payload) for _, _, payload in rows(tmp_path)]
        assert [frame.number for frame in kept] == list(range(1, len(kept) + 1))
        assert [value for frame in kept for value in frame.channels["count"]] == list(range(1, made.balance.count + 1))
        assert json.loads(gateway.published["balance/latest"][-1])["count"]["value"] == made.balance.count


async def test_an_end_without_a_gateway_is_quick(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        pass
    async with running(gateway.url, tmp_path) as made:
        await until(lambda: made.balance.count > 5, "it runs")
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert len(rows(tmp_path)) == made.balance.count


async def test_an_end_at_a_gateway_that_stopped_reading_is_bounded(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        async with running(gateway.url, tmp_path, tuning=replace(QUICK, settle_s=0.2)) as made:
            await until(lambda: gateway.status() is not None, "connected")
            gateway.freeze()
            for _ in range(300):
                for _ in range(16):
                    made.balance.say("x" * 1000)
                await asyncio.sleep(0)
            began = time.monotonic()
        assert time.monotonic() - began < 4
        assert len(rows(tmp_path)) > 4000
        gateway.cut()


async def test_a_damaged_spool_is_told_in_the_status(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\x55" * 9000)
    async with FakeGateway() as gateway, running(gateway.url, tmp_path):
        await until(lambda: gateway.status() is not None, "connected")
        assert "the spool was damaged" in _status(gateway).reason
    assert len(list(tmp_path.glob("spool.corrupt-*.sqlite"))) == 1


def test_the_gateways_address_may_be_given_in_any_form() -> None:
    assert agent_url("http://gw:8080") == "ws://gw:8080/agent"
    assert agent_url("https://gw/") == "wss://gw/agent"
    assert agent_url("ws://gw:1/agent") == "ws://gw:1/agent"
    assert agent_url("wss://gw/lab") == "wss://gw/lab/agent"
