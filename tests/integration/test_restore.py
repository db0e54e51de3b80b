"""A backup that is put back: agents see what the database lost, send again what they keep, and tell what they cannot.

Real broker, gateway, logger and database; the backup is made by pg_dump while frames are logged.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleinmaelzung_agent.spool import kept_file
from kleinmaelzung_agent.spool.spool import Limits
from kleinmaelzung_services.logger.service import Service
from kleinmaelzung_wire import gaps
from tests import databases
from tests.brokers import AGENT_SECRET, TestBroker
from tests.databases import query
from tests.integration import test_logger
from tests.running_agent import Running, running
from tests.waiting import until

KEEPING = Limits(keep_s=7 * 86_400.0)
Frames = set[tuple[int, int, bytes]]

pytestmark = pytest.mark.skipif(
    "KLEINMAELZUNG_TEST_DSN" in os.environ, reason="pg_dump here need not fit the server elsewhere"
)


async def tool(name: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(databases.programs() / name, *arguments)
    assert await process.wait() == 0


@contextlib.asynccontextmanager
async def put_back(backup: Path) -> AsyncIterator[str]:
    """A database that holds what the backup does."""
    async with databases.fresh() as dsn:
        await tool("pg_restore", "--dbname", dsn, str(backup))
        yield dsn


@contextlib.asynccontextmanager
async def logger(broker: TestBroker, dsn: str) -> AsyncIterator[Service]:
    async with test_logger.running(test_logger.configuration(broker, dsn)) as made:
        await until(lambda: made.health.healthy, "the logger is well")
        yield made


@contextlib.asynccontextmanager
async def agent(url: str, data: Path, limits: Limits) -> AsyncIterator[Running]:
    async with running(url, data, limits=limits, secret=AGENT_SECRET) as made:
        yield made


async def frames(dsn: str) -> Frames:
    return set(await query(dsn, "SELECT epoch, number, payload FROM frames JOIN streams ON streams.id = stream"))


async def until_more(service: Service, count: int) -> None:
    wanted = service.figures.frames + count
    await until(lambda: service.figures.frames >= wanted, f"{count} more frames are logged")


async def until_there(dsn: str, wanted: Frames) -> None:
    async with asyncio.timeout(30):
        while not wanted <= await frames(dsn):
            await asyncio.sleep(0.05)


async def missing(dsn: str) -> int:
    [(count,)] = await query(dsn, "SELECT coalesce(sum(missing), 0)::int FROM completeness")
    assert isinstance(count, int)
    return count


async def lost(dsn: str) -> int:
    """How many frames a gap says to be lost between backup and loss, that are missing indeed."""
    [(count,)] = await query(
        dsn,
        "SELECT coalesce(sum(last_number - first_number + 1), 0)::int FROM gaps WHERE reason = $1",
        gaps.LOST_AFTER_BACKUP,
    )
    assert isinstance(count, int)
    return count


async def test_who_keeps_sends_again_what_was_logged_after_the_backup(
    broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Path
) -> None:
    data, backup = tmp_path / "agent", tmp_path / "backup"
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(agent(gateway_url, data, KEEPING))
        async with logger(broker, dsn) as service:
            await until_more(service, 100)
            await tool("pg_dump", "--format=custom", "--file", str(backup), dsn)
            await until_more(service, 300)
        before = await frames(dsn)
        async with put_back(backup) as restored, logger(broker, restored) as service:
            assert len(before - await frames(restored)) >= 300
            await until_there(restored, before)
            await until_more(service, 50)
            await stack.aclose()  # the agent ends in order, with all that it has logged
            assert (await missing(restored), await lost(restored)) == (0, 0)


async def test_runs_that_began_and_ended_after_the_backup_come_back_too(
    broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Path
) -> None:
    data, backup = tmp_path / "agent", tmp_path / "backup"
    async with logger(broker, dsn) as service:
        async with agent(gateway_url, data, KEEPING):
            await until_more(service, 50)
        await tool("pg_dump", "--format=custom", "--file", str(backup), dsn)
        for _ in range(2):
            async with agent(gateway_url, data, KEEPING):
                await until_more(service, 50)
    before = await frames(dsn)
    async with put_back(backup) as restored, logger(broker, restored), agent(gateway_url, data, KEEPING):
        await until_there(restored, before)
        assert len({epoch for epoch, _, _ in await frames(restored)}) == 4
        assert await lost(restored) == 0


async def test_who_does_not_keep_says_what_is_lost(
    broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Path
) -> None:
    data, backup = tmp_path / "agent", tmp_path / "backup"
    async with agent(gateway_url, data, Limits()):
        async with logger(broker, dsn) as service:
            await until_more(service, 100)
            await tool("pg_dump", "--format=custom", "--file", str(backup), dsn)
            await until_more(service, 100)
        gone = await frames(dsn)
        async with put_back(backup) as restored, logger(broker, restored) as service:
            there = await frames(restored)
            async with asyncio.timeout(30):
                while await lost(restored) < len(gone - there):
                    await asyncio.sleep(0.05)
            await until_more(service, 50)
            [(first, last, numbers)] = await query(
                restored,
                "SELECT first_number, last_number, missing_numbers"
                " FROM gaps JOIN completeness USING (agent, instrument) WHERE reason = $1",
                gaps.LOST_AFTER_BACKUP,
            )
            assert {number for _, number, _ in gone - there} == set(range(first, last + 1))
            assert [(run.lower, run.upper) for run in numbers] == [(first, last + 1)]
    assert not (data / kept_file.FILE_NAME).exists()


async def test_who_does_not_keep_knows_how_far_its_run_before_came(
    broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Path
) -> None:
    data, backup = tmp_path / "agent", tmp_path / "backup"
    async with logger(broker, dsn) as service, agent(gateway_url, data, Limits()):
        await until_more(service, 50)
        await tool("pg_dump", "--format=custom", "--file", str(backup), dsn)
        await until_more(service, 100)
    gone = await frames(dsn)
    async with put_back(backup) as restored, logger(broker, restored), agent(gateway_url, data, Limits()):
        lost_numbers = len(gone - await frames(restored))
        assert lost_numbers >= 100
        async with asyncio.timeout(30):
            while await lost(restored) < lost_numbers:
                await asyncio.sleep(0.05)
        assert await lost(restored) == lost_numbers


async def test_what_is_not_lost_is_not_sent_again_nor_called_lost(
    broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Path
) -> None:
    """The logger is started anew again and again, and says each time what it has."""
    async with agent(gateway_url, tmp_path / "agent", KEEPING):
        for _ in range(4):
            async with logger(broker, dsn) as service:
                await until_more(service, 60)
        assert (await missing(dsn), await lost(dsn)) == (0, 0)
        assert service.figures.repeats <= 20


async def test_what_was_kept_goes_when_it_is_not_to_be_kept_any_more(
    broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Path
) -> None:
    file = tmp_path / kept_file.FILE_NAME
    async with logger(broker, dsn) as service, agent(gateway_url, tmp_path, KEEPING):
        await until_more(service, 20)
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*) FROM frames").fetchone()[0] >= 20
    connection.close()
    async with agent(gateway_url, tmp_path, Limits()):
        assert not file.exists()
