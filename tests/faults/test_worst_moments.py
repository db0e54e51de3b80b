"""Faults that must hit one moment: fail-points, a held lock, everything twice. Judged: every frame once, no hole."""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import failpoints, frames, messages, topics
from kleinmaelzung_wire.messages import ServiceStatus
from tests import gateways, sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker, running_broker
from tests.databases import query
from tests.waiting import until

LIMIT_S = 40.0

# Of each run of the agent, whose instrument counts from 1: how many values, different ones, the lowest and the highest.
COUNTED = """
SELECT count(*), count(DISTINCT value), min(value)::bigint, max(value)::bigint
FROM samples GROUP BY stream
"""
HOLES = "SELECT coalesce(sum(missing), 0)::bigint FROM completeness"


@dataclass
class Places:
    """Where the parts of one test are."""

    broker: TestBroker
    gateway_url: str
    dsn: str
    directory: Path

    async def start_logger(self, failpoint: str = "", name: str = "logger") -> asyncio.subprocess.Process:
        password = self.directory / "logger-password"
        password.write_text(self.broker.mosquitto.passwords["logger"])
        variables = {
            "KLEINMAELZUNG_MQTT": f"mqtt://127.0.0.1:{self.broker.mosquitto.internal_port}",
            "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(password),
            "KLEINMAELZUNG_DSN": self.dsn,
            "KLEINMAELZUNG_NAME": name,
            failpoints.VARIABLE: failpoint,
        }
        command = (sys.executable, "-m", "kleinmaelzung_services.logger")
        return await asyncio.create_subprocess_exec(*command, env=os.environ | variables)

    async def start_agent(self, failpoint: str = "") -> asyncio.subprocess.Process:
        arguments = (self.gateway_url, str(self.directory / "spool"), AGENT_SECRET)
        variables = os.environ | {failpoints.VARIABLE: failpoint}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes_agent", *arguments), env=variables
        )

    async def logged(self) -> int:
        try:
            [(count,)] = await query(self.dsn, "SELECT count(*) FROM frames")
        except (OSError, asyncpg.PostgresError):  # the tables are not made yet
            return 0
        return int(count)

    async def numbers(self) -> set[int]:
        return {number for (number,) in await query(self.dsn, "SELECT number FROM frames")}

    async def until_logged(self, count: int) -> None:
        async with asyncio.timeout(LIMIT_S):
            while await self.logged() < count:
                await asyncio.sleep(0.05)

    async def until_complete(self, stopped: messages.AgentStatus) -> None:
        """Wait until all that a stopped agent has numbered is logged, then look for doubles and holes."""
        # What it could not send any more it kept, and sends when it starts again.
        again = [await self.start_agent()] if stopped.unlogged else []
        async with cared_for(*again), asyncio.timeout(LIMIT_S):
            while await query(self.dsn, "SELECT max(received) FROM completeness WHERE epoch = $1", stopped.epoch) != [
                (stopped.taken,)
            ]:
                await asyncio.sleep(0.05)
            while await query(self.dsn, HOLES) != [(0,)]:
                await asyncio.sleep(0.05)
        assert await query(self.dsn, "SELECT count(*) FROM quarantine") == [(0,)]
        counted = await query(self.dsn, COUNTED)
        for values, different, lowest, highest in counted:
            assert (values, different, lowest) == (highest, highest, 1)


@pytest.fixture
def places(broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Path) -> Places:
    return Places(broker, gateway_url, dsn, tmp_path)


async def ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(LIMIT_S):
        return await process.wait()


@asynccontextmanager
async def cared_for(*processes: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """Whatever happens, they end."""
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def stop_agent(places: Places, process: asyncio.subprocess.Process) -> messages.AgentStatus:
    """Stop the agent in order; returns its last word."""
    words: list[messages.AgentStatus] = []

    def take(message: bus.Message) -> None:
        words.append(messages.AgentStatus.decode(message.payload))

    broker = places.broker.mosquitto.broker("admin")
    async with bus.connect(broker, client_id="test", on_message=take) as session:
        await session.subscribe(topics.status("pi-1"))
        await until(lambda: words and words[-1].online, "the agent is online")
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
        await until(lambda: not words[-1].online, "it said goodbye")
    return words[-1]


@pytest.mark.parametrize("place", ["logger.before_commit", "logger.after_commit", "logger.after_logged"])
async def test_a_logger_that_dies_around_its_commit_neither_loses_nor_doubles(places: Places, place: str) -> None:
    dying, agent = await places.start_logger(f"{place}:4"), await places.start_agent()
    async with cared_for(dying, agent):
        assert await ended(dying) == -signal.SIGKILL
        before = await places.logged()
        logger = await places.start_logger()
        async with cared_for(logger):
            await places.until_logged(before + 100)
            await places.until_complete(await stop_agent(places, agent))


@pytest.mark.parametrize("place", ["agent.numbered:50", "agent.sent:50", "agent.before_spool", "agent.after_spool:2"])
async def test_an_agent_that_dies_around_a_frame_uses_no_number_twice(places: Places, place: str) -> None:
    is_spooling = "spool" in place  # which happens only while nobody logs
    dying = await places.start_agent(place)
    logger = None if is_spooling else await places.start_logger()
    async with cared_for(dying, *([logger] if logger else [])):
        assert await ended(dying) == -signal.SIGKILL
        agent, other = await places.start_agent(), logger or await places.start_logger()
        async with cared_for(agent, other):
            await places.until_logged(100)
            await places.until_complete(await stop_agent(places, agent))
    [(runs,)] = await query(places.dsn, "SELECT count(*) FROM completeness")
    assert runs == (1 if place == "agent.before_spool" else 2)


async def test_a_broker_that_restarts_while_a_batch_is_written_acknowledges_nothing_wrongly(places: Places) -> None:
    logger, agent = await places.start_logger(), await places.start_agent()
    async with cared_for(logger, agent):
        await places.until_logged(20)
        connection = await asyncpg.connect(places.dsn)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE streams")  # the batch under way now waits here
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'streams'::regclass"
                async with asyncio.timeout(LIMIT_S):
                    while not await connection.fetchval(waiting):
                        await asyncio.sleep(0.01)
                os.kill(places.broker.pid, signal.SIGKILL)
                await places.broker.stop()
                await places.broker.start()
        finally:
            await connection.close()
        await places.until_logged(await places.logged() + 50)
        stopped = await stop_agent(places, agent)
        async with cared_for(await places.start_agent()):  # what is left is sent by the next start
            await places.until_complete(stopped)


async def test_a_second_logger_started_by_mistake_does_no_harm(places: Places) -> None:
    first, second, agent = await places.start_logger(), await places.start_logger(), await places.start_agent()
    async with cared_for(first, second, agent):
        await places.until_logged(100)
        second.kill()
        assert await ended(second) == -signal.SIGKILL  # its will says offline, under the name of both
        await places.until_logged(await places.logged() + 50)
        await places.until_complete(await stop_agent(places, agent))


async def test_everything_sent_again_shuffled_adds_no_row(places: Places) -> None:
    logger, agent = await places.start_logger(), await places.start_agent()
    async with cared_for(logger, agent):
        await places.until_logged(300)
        await places.until_complete(await stop_agent(places, agent))
        before = await query(places.dsn, "SELECT number, payload FROM frames ORDER BY number")
        payloads = [payload for _, payload in before]
        random.Random(5).shuffle(payloads)
        assert await resend(places, payloads) == {number for number, _ in before}
        assert await query(places.dsn, "SELECT number, payload FROM frames ORDER BY number") == before
        [(samples,)] = await query(places.dsn, "SELECT count(*) FROM samples")
        assert samples <= len(before)
        assert await query(places.dsn, "SELECT count(*) FROM quarantine") == [(0,)]


async def resend(places: Places, payloads: list[bytes]) -> set[int]:
    """Publish frames as backfill of pi-1/balance, and wait until a healthy logger has acknowledged each one."""
    healthy, acknowledged = asyncio.Event(), set[int]()

    def take(message: bus.Message) -> None:
        if message.topic == topics.logged("pi-1"):
            for entry in messages.decode_logged(message.payload):
                for first, last in entry.ranges:
                    acknowledged.update(range(first, last + 1))
        elif ServiceStatus.decode(message.payload).healthy:
            healthy.set()

    wanted = {frames.decode(payload).number for payload in payloads}
    broker = places.broker.stranger("agent:pi-1", AGENT_SECRET)
    async with bus.connect(broker, client_id="any", on_message=take) as session:
        await session.subscribe(topics.logged("pi-1"))
        await session.subscribe(topics.any_service_status())
        async with asyncio.timeout(LIMIT_S):
            await healthy.wait()
        for payload in payloads:
            session.publish_soon(topics.instrument("pi-1", "balance", "backfill"), payload)
        await until(lambda: acknowledged >= wanted, "each repeat is acknowledged", LIMIT_S)
    return acknowledged


async def test_what_a_full_queue_of_the_broker_drops_is_sent_again(dsn: str, tmp_path: Path) -> None:
    """A logger that does not read for a while, and more than everything between holds: 30 MB of frames."""
    async with running_broker(tmp_path, max_queued_messages=50, max_queued_bytes=1_000_000) as broker:
        places = Places(broker, "", dsn, tmp_path)
        logger = await places.start_logger()
        payloads = {number: big_frame(number) for number in range(1, 301)}
        async with cared_for(logger):
            await resend(places, [payloads[1]])
            logger.send_signal(signal.SIGSTOP)
            account = broker.stranger("agent:pi-1", AGENT_SECRET)
            async with bus.connect(account, client_id="any", on_message=lambda message: None) as session:
                for payload in payloads.values():
                    session.publish_soon(topics.instrument("pi-1", "balance", "data"), payload)
                log = tmp_path / "mosquitto.log"
                await until(lambda: "being dropped" in log.read_text(), "the broker drops")
            logger.send_signal(signal.SIGCONT)
            while missing := sorted(payloads.keys() - await places.numbers()):
                await resend(places, [payloads[number] for number in missing[:50]])
        assert await query(dsn, "SELECT count(*), count(DISTINCT number) FROM frames") == [(300, 300)]
        assert await query(dsn, "SELECT count(*) FROM samples") == [(30_000,)]


def big_frame(number: int) -> bytes:
    """One of 100 kB."""
    first = time.time_ns() // 1000
    clock = frames.Clock(synchronised=True)
    channels: dict[str, list[frames.Value]] = {"text": ["x" * 1000] * 100}
    times = tuple(range(first, first + 100))
    return frames.encode(frames.Frame(epoch=7, number=number, times=times, channels=channels, clock=clock))


async def test_a_second_gateway_does_no_harm(places: Places) -> None:
    """An agent at one gateway, a watcher at the other; then the agent moves."""
    async with gateways.running_gateway(places.broker) as listening:
        other = replace(places, gateway_url=gateways.url(listening))
        logger, agent = await places.start_logger(), await places.start_agent()
        async with cared_for(logger, agent), sockets.client(other.gateway_url, "otto", PASSWORD) as otto:
            assert (await otto.ask("watch", 1, "pi-1/balance"))[0] == "done"
            await otto.expect("message", "pi-1/balance/data")
            first = await stop_agent(places, agent)
            moved = await other.start_agent()
            async with cared_for(moved):
                await otto.expect("message", "pi-1/balance/data")
                await places.until_logged(first.taken + 50)
                await places.until_complete(await stop_agent(other, moved))
    assert await query(places.dsn, "SELECT count(*) FROM completeness") == [(2,)]
