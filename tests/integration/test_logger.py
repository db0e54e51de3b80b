"""The whole logger between a real Mosquitto with our access rules and a real PostgreSQL."""

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import asyncpg
import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services import presence
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.logger import service, store
from kleinmaelzung_services.logger.inbox import ARRIVAL_BYTES, MAX_BATCH_MESSAGES, Inbox
from kleinmaelzung_services.logger.service import Figures, Service
from kleinmaelzung_wire import codec, failpoints, frames, messages, topics
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.messages import ServiceStatus
from tests import databases
from tests.brokers import AGENT_SECRET, TestBroker
from tests.databases import query
from tests.small_disk import fill, needs_root, small_disk
from tests.waiting import until

CLOCK = Clock(synchronised=True, error_us=900)


def payload(number: int, *values: float) -> bytes:
    now_us = service.now_us()
    times = tuple(now_us + index for index in range(len(values)))
    return frames.encode(Frame(epoch=7, number=number, times=times, channels={"mass": [*values]}, clock=CLOCK))


def configuration(broker: TestBroker, dsn: str) -> Config:
    return Config(broker=broker.mosquitto.broker("logger"), dsn=dsn, name="logger")


@contextlib.asynccontextmanager
async def running(config: Config, inbox: Inbox | None = None) -> AsyncIterator[Service]:
    made, stop = Service(config), asyncio.Event()
    if inbox is not None:
        made.inbox = inbox
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
        self.statuses = 0

    def take(self, message: bus.Message) -> None:
        if message.topic == topics.logged("pi-1"):
            for entry in messages.decode_logged(message.payload):
                for first, last in entry.ranges:
                    self.logged += range(first, last + 1)
        else:
            self.status = ServiceStatus.decode(message.payload)
            self.statuses += 1

    @property
    def sees_health(self) -> bool:
        return self.status is not None and self.status.healthy

    def send(self, number: int, *values: float, kind: str = "data") -> None:
        self.send_bytes(payload(number, *values), kind=kind)

    def send_bytes(self, sent: bytes, *, kind: str = "data") -> None:
        self.session.publish_soon(topics.instrument("pi-1", "balance", kind), sent)

    def send_together(self, payloads: Iterable[bytes]) -> None:
        self.send_bytes(frames.pack_several(payloads), kind="backfill")


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
            for number in range(1, 301):
                agent.send(number, 1.0)
            await until(lambda: not agent.sees_health, "agents learn that it does not answer")
            for number in range(301, 601):
                agent.send(number, 1.0)
        finally:
            for process in frozen:
                os.kill(process, signal.SIGCONT)
        await until(lambda: set(agent.logged) == set(range(1, 601)), "all is logged once the database goes on")
        await until(lambda: agent.sees_health, "agents learn that it is back")
    assert await query(private_server.dsn, "SELECT count(*), count(DISTINCT number) FROM frames") == [(600, 600)]
    assert await query(private_server.dsn, "SELECT count(*) FROM samples") == [(600,)]


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_an_idle_logger_finds_that_the_database_is_away(
    broker: TestBroker, agent: Agent, private_server: databases.Server, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(service, "CHECK_EVERY_S", 0.2)
    monkeypatch.setattr(store, "COMMAND_TIMEOUT_S", 60.0)  # a batch may take long, a question may not
    for limit in ("CHECK_TIMEOUT_S", "CONNECT_TIMEOUT_S", "CLOSE_TIMEOUT_S"):
        monkeypatch.setattr(store, limit, 0.5)
    await private_server.ready()
    async with running(configuration(broker, private_server.dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        [[backend]] = await query(
            private_server.dsn, "SELECT pid FROM pg_stat_activity WHERE application_name = 'kleinmaelzung-logger'"
        )
        assert private_server.process is not None
        if how == "frozen":
            frozen = [private_server.process.pid, backend]
            for process in frozen:
                os.kill(process, signal.SIGSTOP)
        else:
            private_server.stop(signal.SIGQUIT)
        try:
            await until(lambda: not agent.sees_health, "agents learn of it though nobody sends")
            assert agent.status is not None
            assert agent.status.reason.startswith("database: ")
        finally:
            if how == "frozen":
                for process in frozen:
                    os.kill(process, signal.SIGCONT)
            else:
                private_server.start()
        await until(lambda: agent.sees_health, "agents learn that it is back")


async def test_a_batch_that_takes_long_is_said_and_not_given_up(
    broker: TestBroker, agent: Agent, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LATE_S", 0.2)
    async with running(configuration(broker, dsn)) as logger:
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        agent.send(1, 1.0)
        await until(lambda: agent.logged == [1], "the stream is there")
        connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
        async with connection.transaction():
            await connection.execute("SELECT FROM streams FOR UPDATE")
            agent.send(2, 1.0)
            await until(lambda: agent.status and "has taken more than" in agent.status.reason, "it is said")
        await connection.close()
        await until(lambda: agent.logged == [1, 2] and agent.sees_health, "it is logged, and all is well")
        assert logger.figures.repeats == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a file system of 8 MB."""
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(small_disk(tmp_path / "small", "8m"))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"a small file system cannot be mounted here: {error.stderr.strip()}")
        yield disk


@needs_root
async def test_a_full_disk_is_no_data_error(
    disk: Path, broker: TestBroker, agent: Agent, private_server: databases.Server
) -> None:
    await private_server.ready()
    dsn = private_server.dsn
    (space := disk / "space").mkdir(mode=0o700)
    await query(dsn, f"CREATE TABLESPACE small LOCATION '{space}'")
    values = [float(index) for index in range(100)]
    sent = [payload(number, *values) for number in range(1, 101)]
    async with running(configuration(broker, dsn)) as logger:
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        # Quarantine is elsewhere and has room: it must stay empty all the same.
        await query(dsn, "ALTER TABLE frames SET TABLESPACE small")
        await query(dsn, "ALTER TABLE samples SET TABLESPACE small")
        for one in sent[:10]:
            agent.send_bytes(one)
        await until(lambda: len(agent.logged) == 10, "the first are logged")
        ballast = fill(disk)
        for one in sent[10:]:
            agent.send_bytes(one)
        await until(lambda: agent.status and "No space left on device" in agent.status.reason, "agents learn why")
        assert not agent.sees_health
        ballast.unlink()
        await until(lambda: set(agent.logged) == set(range(1, 101)), "all is logged when there is room again")
        await until(lambda: agent.sees_health, "agents learn that it is")
        assert (logger.figures.quarantined, logger.inbox.dropped) == (0, 0)
    assert await query(dsn, "SELECT count(*), count(DISTINCT number) FROM frames") == [(100, 100)]
    assert await query(dsn, "SELECT count(*) FROM samples") == [(10_000,)]
    assert await query(dsn, "SELECT count(*) FROM quarantine") == [(0,)]


async def test_with_the_database_away_memory_is_bounded_and_the_broker_still_served(
    broker: TestBroker, agent: Agent, private_server: databases.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "STATUS_EVERY_S", 0.05)
    await private_server.ready()
    max_bytes = 300_000
    async with running(configuration(broker, private_server.dsn), Inbox(max_bytes)) as logger:
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        private_server.stop(signal.SIGQUIT)
        sent = [payload(number, 1.0) for number in range(1, 20_001)]
        for start in range(0, len(sent), 500):
            for one in sent[start : start + 500]:
                agent.send_bytes(one)
            await asyncio.sleep(0)
        await until(lambda: logger.inbox.dropped + len(logger.inbox) >= len(sent), "all have arrived")
        await until(lambda: not agent.sees_health, "agents learn that the database is away")
        # Beside the inbox three batches: one in the writer's hands, one prepared, one being made.
        assert len(logger.inbox) <= max_bytes // (ARRIVAL_BYTES + len(sent[0])) + 3 * MAX_BATCH_MESSAGES
        statuses = agent.statuses
        await until(lambda: agent.statuses > statuses + 5, "the session goes on")
        assert agent.status is not None
        assert agent.status.figures["dropped"] == logger.inbox.dropped > 0
        assert agent.status.figures["queue"] == len(logger.inbox)
        private_server.start()
        await private_server.ready()
        await until(lambda: agent.sees_health and len(logger.inbox) == 0, "what had room is logged")
        for start in range(0, len(sent), 500):  # as an agent: no more at once than the small inbox holds
            agent.send_together(sent[start : start + 500])
            await until(functools.partial(agent.logged.__contains__, start + 500), "they are logged")
        assert set(agent.logged) == set(range(1, 20_001))
    assert await query(private_server.dsn, "SELECT count(*), count(DISTINCT number) FROM frames") == [(20_000, 20_000)]


@pytest.mark.parametrize("limit", ["MAX_FRAMES", "MAX_SAMPLES"])
async def test_a_message_of_many_frames_is_written_in_several_transactions(
    broker: TestBroker, agent: Agent, dsn: str, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(service, limit, 100)
    async with running(configuration(broker, dsn)) as logger:
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        agent.send_together(payload(number, 1.0) for number in range(1, 251))
        await until(lambda: agent.logged == list(range(1, 251)), "all is logged")
        await until(lambda: len(logger.inbox) == 0, "the message is finished with")
        assert (logger.figures.batches, logger.figures.frames) == (3, 250)


async def test_a_frame_that_cannot_be_read_but_named_is_acknowledged(
    broker: TestBroker, agent: Agent, dsn: str
) -> None:
    unreadable = codec.pack({**codec.unpack(payload(2, 1.0)), "c": {"mass": [b"bytes"]}})
    async with running(configuration(broker, dsn)):
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        agent.send_together([payload(1, 1.0), unreadable, payload(3, 1.0)])
        await until(lambda: agent.logged == [1, 2, 3], "all are acknowledged")
    assert await query(dsn, "SELECT reason, number, payload FROM quarantine") == [("undecodable", 2, unreadable)]
    assert await query(dsn, "SELECT received, quarantined, missing FROM completeness") == [(2, 1, 0)]


async def test_one_frame_the_database_refuses_is_acknowledged_like_the_499_others(
    broker: TestBroker, agent: Agent, dsn: str
) -> None:
    async with running(configuration(broker, dsn)) as logger:
        await until(lambda: agent.sees_health, "a healthy logger is announced")
        # A check of the test's own stands in for what nobody thought of.
        await query(dsn, "ALTER TABLE frames ADD CONSTRAINT unlucky CHECK (number <> 313)")
        sent = [payload(number, 1.0) for number in range(1, 501)]
        agent.send_together(sent)
        await until(lambda: set(agent.logged) == set(range(1, 501)), "all are acknowledged")
        agent.send_bytes(sent[312], kind="backfill")
        await until(lambda: agent.logged.count(313) == 2, "it is acknowledged again and does not come back for ever")
        assert (logger.figures.frames, logger.figures.quarantined, logger.figures.batches) == (499, 1, 2)
        await until(lambda: agent.sees_health, "all is well")
    assert await query(dsn, "SELECT reason, number FROM quarantine") == [("refused", 313)]


def has_taken(figures: Figures, count: int) -> bool:
    return figures.frames + figures.repeats == count


async def test_two_loggers_at_once_log_each_frame_once_and_never_lock_each_other(
    broker: TestBroker, agent: Agent, dsn: str
) -> None:
    sent = [payload(number, 1.0, 2.0) for number in range(1, 4001)]
    garbage = [bytes([0xC1, number]) for number in range(100)]
    async with running(configuration(broker, dsn)) as one, running(configuration(broker, dsn)) as two:
        await until(lambda: one.health.healthy and two.health.healthy, "both are there")
        for start in range(0, 4000, 100):
            for one_sent in sent[start : start + 100]:
                agent.send_bytes(one_sent)
            agent.send_together(reversed(sent[max(0, start - 100) : start + 50]))
            agent.send_bytes(garbage[start // 40])
            await asyncio.sleep(0)
        for figures in (one.figures, two.figures):
            await until(functools.partial(has_taken, figures, 9900), "all has come")
        assert (one.figures.frames + two.figures.frames, one.inbox.dropped + two.inbox.dropped) == (4000, 0)
        assert one.figures.conflicts + two.figures.conflicts == 0
    assert set(agent.logged) == set(range(1, 4001))
    assert await query(dsn, "SELECT count(*), count(DISTINCT number) FROM frames") == [(4000, 4000)]
    assert await query(dsn, "SELECT count(*) FROM samples") == [(8000,)]
    assert await query(dsn, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


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


@pytest.mark.parametrize(
    ("failpoint", "stored"), [("logger.before_commit", 0), ("logger.after_commit", 50), ("logger.after_logged", 50)]
)
async def test_a_logger_killed_around_the_commit_neither_loses_nor_doubles(
    broker: TestBroker, agent: Agent, dsn: str, tmp_path: Path, failpoint: str, stored: int
) -> None:
    variables = environment(broker, dsn, tmp_path)
    process = await start({**variables, failpoints.VARIABLE: failpoint})
    await until(lambda: agent.sees_health, "a healthy logger is announced")
    together = [payload(number, 1.0) for number in range(1, 51)]
    agent.send_together(together)
    assert (await ended(process))[0] == -signal.SIGKILL
    assert await query(dsn, "SELECT count(*) FROM frames") == [(stored,)]
    await until(lambda: agent.status is not None and not agent.status.online, "the broker announces its end")
    assert len(agent.logged) == (50 if failpoint == "logger.after_logged" else 0)
    process = await start(variables)
    await until(lambda: agent.sees_health, "the next one is announced")
    agent.send_together(together)
    await until(lambda: set(agent.logged) == set(range(1, 51)), "all is acknowledged")
    process.terminate()
    assert (await ended(process))[0] == 0
    assert await query(dsn, "SELECT count(*), count(DISTINCT number) FROM frames") == [(50, 50)]
    assert await query(dsn, "SELECT count(*) FROM samples") == [(50,)]


async def test_a_foreign_table_ends_the_command_with_a_sentence(broker: TestBroker, dsn: str, tmp_path: Path) -> None:
    await query(dsn, "CREATE TABLE frames (somebody text)")
    code, errors = await ended(await start(environment(broker, dsn, tmp_path)))
    assert code == 1
    assert errors.splitlines()[-1] == (
        'database: its tables cannot be made: relation "frames" already exists;'
        " the logger needs a database of its own, and the right to create in it"
    )


async def test_mistakes_in_the_environment_come_at_once_with_exit_code_2() -> None:
    code, errors = await ended(await start({"PATH": os.environ["PATH"], "KLEINMAELZUNG_NAME": "No!"}))
    keys = {line.partition(":")[0].removeprefix("KLEINMAELZUNG_") for line in errors.splitlines()}
    assert (code, keys) == (2, {"MQTT", "MQTT_PASSWORD_FILE", "DSN", "NAME"})


async def test_a_newer_database_ends_the_command_with_a_sentence(broker: TestBroker, dsn: str, tmp_path: Path) -> None:
    async with store.open_store(dsn):
        [[newest]] = await query(dsn, "SELECT max(number) FROM migrations")
        await query(dsn, "INSERT INTO migrations VALUES (900, 'future', '', 'plain')")
    code, errors = await ended(await start(environment(broker, dsn, tmp_path)))
    assert (code, errors.splitlines()[-1]) == (
        1,
        f"database: the database has schema version 900, this software knows up to {newest}: update the software",
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
