"""The whole logger between a real Mosquitto with our access rules and a real PostgreSQL."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.logger import service, store
from kleinmaelzung_services.logger.config import Config
from kleinmaelzung_services.logger.service import Service
from kleinmaelzung_wire import frames, messages, topics
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.messages import ServiceStatus
from tests import databases
from tests.brokers import AGENT_SECRET, TestBroker
from tests.databases import query
from tests.waiting import until

CLOCK = Clock(synchronised=True, error_us=900)


def payload(number: int, *values: float) -> bytes:
    now_us = service.now_us()
    times = tuple(now_us + index for index in range(len(values)))
    return frames.encode(Frame(epoch=7, number=number, times=times, channels={"mass": [*values]}, clock=CLOCK))


def configuration(broker: TestBroker, dsn: str) -> Config:
    return Config(broker=broker.mosquitto.broker("logger"), dsn=dsn)


@contextlib.asynccontextmanager
async def running(config: Config) -> AsyncIterator[Service]:
    made, stop = Service(config), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run(stop), name="logger")
        try:
            yield made
        finally:
            stop.set()
            await task


class Agent:
    """What an agent sees: what is logged, and how the loggers are."""

    def __init__(self, session: bus.Session) -> None:
        self.session = session
        self.logged: list[int] = []
        self.status: ServiceStatus | None = None

    def take(self, message: bus.Message) -> None:
        if message.topic == topics.logged("pi-1"):
            for entry in messages.decode_logged(message.payload):
                for first, last in entry.ranges:
                    self.logged += range(first, last + 1)
        else:
            self.status = ServiceStatus.decode(message.payload)

    @property
    def sees_health(self) -> bool:
        return self.status is not None and self.status.healthy

    def send(self, number: int, *values: float, kind: str = "data") -> None:
        self.session.publish_soon(topics.instrument("pi-1", "balance", kind), payload(number, *values))


@contextlib.asynccontextmanager
async def connected_agent(broker: TestBroker) -> AsyncIterator[Agent]:
    takers: list[Agent] = []
    connection = broker.stranger("agent:pi-1", AGENT_SECRET)
    async with bus.connect(connection, client_id="any", on_message=lambda message: takers[0].take(message)) as session:
        takers.append(Agent(session))
        await session.subscribe(topics.logged("pi-1"))
        await session.subscribe(topics.any_service_status())
        yield takers[0]


@pytest.fixture
async def agent(broker: TestBroker) -> AsyncIterator[Agent]:
    async with connected_agent(broker) as agent:
        yield agent


async def test_frames_are_logged_and_the_agent_is_told(broker: TestBroker, agent: Agent, dsn: str) -> None:
    async with running(configuration(broker, dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        for number in range(1, 1001):
            agent.send(number, 1.0, 2.0)
        await until(lambda: len(agent.logged) >= 1000, "all is logged")
        # `logged` comes after the commit, so what it names is there.
        assert await query(dsn, "SELECT received, missing FROM completeness") == [(1000, 0)]
        assert await query(dsn, "SELECT count(*) FROM readings") == [(2000,)]
        agent.send(1001, 3.0, kind="backfill")
        await until(lambda: 1001 in agent.logged, "backfill is logged too")
    assert sorted(agent.logged) == list(range(1, 1002))
    assert await query(dsn, "SELECT via, count(*) FROM frames GROUP BY via ORDER BY via") == [
        ("backfill", 1),
        ("data", 1000),
    ]


async def test_commands_and_states_are_traffic_and_latest_is_not(broker: TestBroker, agent: Agent, dsn: str) -> None:
    state = messages.State(state="connected", since=service.now_us()).encode()
    async with running(configuration(broker, dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        await agent.session.publish(topics.instrument("pi-1", "balance", "state"), state, retained=True)
        await agent.session.publish(topics.instrument("pi-1", "balance", "latest"), b"{}", retained=True)
        await agent.session.publish(
            topics.instrument("pi-1", "balance", "reply"),
            b"reply",
            response_topic="kleinmaelzung/_client/anna/s/inbox",
            correlation=b"\x01\x02",
        )
    found = await query(dsn, "SELECT topic, payload, response_topic, correlation FROM traffic ORDER BY received")
    assert found == [
        ("kleinmaelzung/pi-1/balance/state", state, None, None),
        ("kleinmaelzung/pi-1/balance/reply", b"reply", "kleinmaelzung/_client/anna/s/inbox", b"\x01\x02"),
    ]


async def _run_until_something_is_written(config: Config) -> None:
    async with running(config) as logger:
        await until(lambda: logger.figures.batches, "the retained message is written")


async def test_retained_messages_are_not_logged_again_by_the_next_start(
    broker: TestBroker, agent: Agent, dsn: str
) -> None:
    topic = topics.instrument("pi-1", "balance", "state")
    await agent.session.publish(topic, b"before any logger", retained=True)
    for _ in range(3):
        await _run_until_something_is_written(configuration(broker, dsn))
    assert await query(dsn, "SELECT payload, retained FROM traffic") == [(b"before any logger", True)]


async def test_everything_is_subscribed_again_when_the_broker_is_back(
    broker: TestBroker, agent: Agent, dsn: str
) -> None:
    async with running(configuration(broker, dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        await broker.stop()
        await broker.start()
        async with connected_agent(broker) as again:
            await until(lambda: again.sees_health, "the logger is back")
            again.send(1, 1.0)
            await until(lambda: again.logged == [1], "it is logged")


async def test_the_status_says_offline_after_the_end(broker: TestBroker, agent: Agent, dsn: str) -> None:
    async with running(configuration(broker, dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        assert agent.status is not None
        assert agent.status.role == "logger"
        assert {"frames", "samples", "dropped", "queue", "database"} <= agent.status.figures.keys()
        assert "PostgreSQL" in agent.status.figures["database"]
    await until(lambda: agent.status is not None and not agent.status.online, "it said goodbye")


@pytest.fixture
def private_server() -> Iterator[databases.Server]:
    with databases.private_server("fsync=off") as server:
        yield server


async def test_an_outage_of_the_database_loses_nothing_and_agents_are_told(
    broker: TestBroker, agent: Agent, private_server: databases.Server
) -> None:
    await private_server.ready()
    async with running(configuration(broker, private_server.dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        agent.send(1, 1.0)
        await until(lambda: agent.logged == [1], "the first is logged")
        private_server.stop(signal.SIGQUIT)
        agent.send(2, 1.0)
        await until(lambda: not agent.sees_health, "agents learn that the database is away")
        assert agent.status is not None
        assert agent.status.online
        assert agent.status.reason.startswith("database: ")
        agent.send(3, 1.0)
        private_server.start()
        await private_server.ready()
        await until(lambda: agent.logged == [1, 2, 3], "all is logged")
        await until(lambda: agent.sees_health, "agents learn that it is back")


async def test_a_frozen_database_is_noticed(
    broker: TestBroker, agent: Agent, private_server: databases.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "COMMAND_TIMEOUT_S", 0.5)
    monkeypatch.setattr(store, "CONNECT_TIMEOUT_S", 0.5)
    monkeypatch.setattr(store, "CLOSE_TIMEOUT_S", 0.5)
    await private_server.ready()
    async with running(configuration(broker, private_server.dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        [[backend]] = await query(
            private_server.dsn, "SELECT pid FROM pg_stat_activity WHERE application_name = 'kleinmaelzung-logger'"
        )
        assert private_server.process is not None
        frozen = [private_server.process.pid, backend]
        for process in frozen:
            os.kill(process, signal.SIGSTOP)
        try:
            agent.send(1, 1.0)
            await until(lambda: not agent.sees_health, "agents learn that it does not answer", limit_s=6)
        finally:
            for process in frozen:
                os.kill(process, signal.SIGCONT)
        await until(lambda: agent.logged == [1], "it is logged once the database goes on")
    assert await query(private_server.dsn, "SELECT count(*) FROM frames") == [(1,)]


async def test_a_full_disk_is_no_data_error(broker: TestBroker, agent: Agent, dsn: str) -> None:
    async with running(configuration(broker, dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        await query(
            dsn,
            """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$""",
        )
        await query(dsn, "CREATE TRIGGER t BEFORE INSERT ON frames FOR EACH ROW EXECUTE FUNCTION full_disk()")
        agent.send(1, 1.0)
        await until(lambda: agent.status and "could not extend file" in agent.status.reason, "agents learn why")
        await query(dsn, "DROP TRIGGER t ON frames")
        await until(lambda: agent.logged == [1], "it is logged when there is room again")
    assert await query(dsn, "SELECT count(*) FROM quarantine") == [(0,)]


async def test_garbage_is_quarantined_and_the_rest_goes_on(broker: TestBroker, agent: Agent, dsn: str) -> None:
    async with running(configuration(broker, dsn)) as logger:
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        for garbage in (b"", b"\xc1", 9 * b"\x91", b"\x80", os.urandom(200), bytes(200_000)):
            agent.session.publish_soon(topics.instrument("pi-1", "balance", "data"), garbage)
        agent.send(1, 1.0)
        await until(lambda: agent.logged == [1], "the good one is logged")
        assert logger.figures.quarantined == 6


# The command itself


def environment(broker: TestBroker, dsn: str, directory: Path) -> dict[str, str]:
    password = directory / "logger-password"
    password.write_text(broker.mosquitto.passwords["logger"])
    return {
        **os.environ,
        "KLEINMAELZUNG_MQTT": f"mqtt://127.0.0.1:{broker.mosquitto.internal_port}",
        "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(password),
        "KLEINMAELZUNG_DSN": dsn,
    }


async def start(variables: dict[str, str]) -> asyncio.subprocess.Process:
    command = (sys.executable, "-W", "error", "-m", "kleinmaelzung_services.logger")
    return await asyncio.create_subprocess_exec(*command, env=variables, stderr=asyncio.subprocess.PIPE)


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_the_command_logs_until_sigterm(broker: TestBroker, agent: Agent, dsn: str, tmp_path: Path) -> None:
    process = await start(environment(broker, dsn, tmp_path))
    await until(lambda: agent.sees_health, "a healthy logger is announced")
    agent.send(1, 1.0)
    await until(lambda: agent.logged == [1], "it is logged")
    process.terminate()
    code, errors = await ended(process)
    assert (code, "Traceback" in errors) == (0, False), errors
    await until(lambda: agent.status is not None and not agent.status.online, "it said goodbye")


async def test_a_killed_logger_is_announced_offline_and_the_next_goes_on(
    broker: TestBroker, agent: Agent, dsn: str, tmp_path: Path
) -> None:
    variables = environment(broker, dsn, tmp_path)
    process = await start(variables)
    await until(lambda: agent.sees_health, "a healthy logger is announced")
    sent = payload(1, 1.0)
    agent.session.publish_soon(topics.instrument("pi-1", "balance", "data"), sent)
    await until(lambda: agent.logged == [1], "it is logged")
    process.kill()
    await ended(process)
    await until(lambda: agent.status is not None and not agent.status.online, "the broker announces its end")
    process = await start(variables)
    await until(lambda: agent.sees_health, "the next one is announced")
    agent.session.publish_soon(topics.instrument("pi-1", "balance", "backfill"), sent)
    await until(lambda: agent.logged == [1, 1], "the repeat is acknowledged")
    process.terminate()
    assert (await ended(process))[0] == 0
    assert await query(dsn, "SELECT count(*) FROM frames") == [(1,)]


async def test_mistakes_in_the_environment_come_at_once_with_exit_code_2() -> None:
    code, errors = await ended(await start({"PATH": os.environ["PATH"], "KLEINMAELZUNG_NAME": "No!"}))
    keys = {line.partition(":")[0].removeprefix("KLEINMAELZUNG_") for line in errors.splitlines()}
    assert (code, keys) == (2, {"MQTT", "MQTT_PASSWORD_FILE", "DSN", "NAME"})


async def test_a_newer_database_ends_the_command_with_a_sentence(broker: TestBroker, dsn: str, tmp_path: Path) -> None:
    async with store.open_store(dsn):
        await query(dsn, "INSERT INTO migrations VALUES (900, 'future', '', 'plain')")
    code, errors = await ended(await start(environment(broker, dsn, tmp_path)))
    assert (code, errors.splitlines()[-1]) == (
        1,
        "database: the database has schema version 900, this software knows up to 5: update the software",
    )


async def test_decoding_and_writing_keep_up_with_a_burst(broker: TestBroker, agent: Agent, dsn: str) -> None:
    values = [float(index) for index in range(100)]
    async with running(configuration(broker, dsn)) as logger:
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        started = time.monotonic()
        for number in range(1, 1501):
            agent.send(number, *values)
            if number % 100 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(agent.logged) == 1500, "all is logged")
        assert logger.inbox.dropped == 0
        assert time.monotonic() - started < 20
    assert await query(dsn, "SELECT count(*) FROM samples") == [(150_000,)]
