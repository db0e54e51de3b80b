"""Outages of one part while the whole runs: judged by what the agents numbered and what the database holds."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import kleinmaelzung
from kleinmaelzung_agent import agent
from kleinmaelzung_agent.configuration.config import AgentConfig
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_local.children import Running
from kleinmaelzung_wire import access, messages
from tests.fakes_agent import Counting
from tests.fakes_instruments import Pty, Thermometer
from tests.small_disk import fill, needs_root, small_disk
from tests.waiting import until
from tests.whole import THERMOMETER, Whole, whole_system


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Thermometer]:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        yield Thermometer(pty)


async def until_restarted(part: Running, times: int) -> None:
    await until(lambda: part.restarts == times, f"{part.child.name} is started again")


@contextlib.contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def until_complete(whole: Whole, *stopped: messages.AgentStatus) -> None:
    """Wait until the runs of agents that have stopped are logged wholly; what they kept is sent by their next start."""
    wanted = {status.epoch: status.taken for status in stopped}
    received = "SELECT jsonb_object_agg(epoch, received) FROM completeness WHERE epoch = ANY($1)"
    async with asyncio.timeout(60):
        while json.loads(await whole.ask(received, list(wanted))) != {str(key): wanted[key] for key in wanted}:
            await asyncio.sleep(0.1)
        while await whole.ask("SELECT sum(missing)::bigint FROM completeness"):
            await asyncio.sleep(0.1)
    assert await whole.ask("SELECT count(*) - count(DISTINCT (stream, number)) FROM frames") == 0
    assert await whole.ask("SELECT count(*) FROM quarantine") == 0


async def test_a_frozen_gateway_is_noticed_and_nothing_is_lost(tmp_path: Path, probe: Thermometer) -> None:
    probe.start()
    async with whole_system(tmp_path) as whole:
        await whole.start_agent(THERMOMETER.format(name="probe", port=probe.pty.port, every="50ms"))
        await whole.until_state("pi-1/probe", "connected")
        log = tmp_path / "agent.log"
        with frozen(whole.running.children["gateway"].pid):
            await until(lambda: "connection lost" in log.read_text(), "the agent notices", limit_s=60)
        await until(lambda: log.read_text().count("connected to the gateway") == 2, "it is back")
        status = await whole.stop_agent()
        await whole.start_agent()
        await until_complete(whole, status)


@needs_root
async def test_a_full_disk_of_the_broker_costs_no_frame(tmp_path: Path, probe: Thermometer) -> None:
    probe.start()
    disk = tmp_path / "server" / "mosquitto"
    with small_disk(disk, "1m"):
        async with whole_system(tmp_path) as whole:
            await whole.start_agent(THERMOMETER.format(name="probe", port=probe.pty.port, every="50ms"))
            await whole.until_state("pi-1/probe", "connected")
            ballast = fill(disk)
            broker = whole.running.children["mosquitto"]
            assert broker.pid is not None
            for restarts, how in enumerate((signal.SIGUSR1, signal.SIGTERM, signal.SIGKILL)):
                os.kill(broker.pid, how)  # SIGUSR1: save now
                if restarts:
                    await until_restarted(broker, restarts)
                before = await whole.logged()
                async with asyncio.timeout(30):
                    while await whole.logged() < before + 20:
                        await asyncio.sleep(0.05)
            ballast.unlink()
            status = await whole.stop_agent()
            await whole.start_agent()
            await until_complete(whole, status)


async def test_fifty_agents_come_back_to_a_gateway_that_is_killed_again_and_again(tmp_path: Path) -> None:
    async with whole_system(tmp_path) as whole:
        configs = [await added(whole, f"pi-{number}", tmp_path) for number in range(50)]
        gateway = whole.running.children["gateway"]
        async with running_agents(whole, configs):
            for kills in range(1, 4):
                assert gateway.pid is not None
                os.kill(gateway.pid, signal.SIGKILL)
                await until_restarted(gateway, kills)
                await until_online(whole, len(configs))
        stopped = await agents(whole)
        async with running_agents(whole, configs):
            await until_complete(whole, *stopped)


@asynccontextmanager
async def running_agents(whole: Whole, configs: list[AgentConfig]) -> AsyncIterator[None]:
    """All of them in this process, online at first and stopped in order at last."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for config in configs:
            running = agent.run(config, counting, sampling={"counter": Sampling(frame_every_s=0.0)}, stop=stop)
            group.create_task(running, name=config.name)
        await until_online(whole, len(configs))
        yield
        stop.set()


def counting(sink: Sink) -> dict[str, Instrument]:
    return {"counter": Counting("counter", sink, 0.1)}


async def added(whole: Whole, name: str, directory: Path) -> AgentConfig:
    secret = access.make_secret()
    answers = await whole.lab.access(access.add_agent(name, secret))
    assert not any("error" in answer for answer in answers), answers
    return AgentConfig(name=name, url=whole.running.url, secret=secret, data=directory / name)


async def agents(whole: Whole) -> list[messages.AgentStatus]:
    async with kleinmaelzung.connect(
        whole.running.url, user="admin", password=whole.running.password_file.read_text()
    ) as lab:
        return [messages.AgentStatus.decode(payload) for payload in (await lab.retained("+/status")).values()]


async def until_online(whole: Whole, count: int) -> None:
    """Wait until so many agents are online, at a gateway that may be coming up."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError, kleinmaelzung.Error):
                if sum(status.online for status in await agents(whole)) == count:
                    return
            await asyncio.sleep(0.1)
