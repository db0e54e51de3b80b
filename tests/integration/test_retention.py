"""What is older than it is to be kept goes, by a real database: told as a gap, never before it is rolled up."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from kleinmaelzung_services import lookup, migrate
from kleinmaelzung_services.batches import store as batches
from kleinmaelzung_services.history import reading, rollups, service
from kleinmaelzung_services.history.grid import Grid
from kleinmaelzung_services.keeping import Keeping
from kleinmaelzung_services.logger import completeness, retention, store
from kleinmaelzung_services.logger.completeness import Wanted
from kleinmaelzung_services.logger.retention import Removed
from kleinmaelzung_wire.frames import Frame, Value
from tests.brokers import TestBroker
from tests.databases import query
from tests.integration import test_logger
from tests.integration.test_history import BALANCE, CLOCK, HOUR, S, log
from tests.waiting import until

DAY = 24 * HOUR
MINUTE = 60 * S
KEEPING = Keeping(raw=timedelta(days=30))
HISTORY = lookup.read_queries(service.__package__, "history.sql")
ROLLING = lookup.read_queries(service.__package__, "rollups.sql")
COMPLETENESS = lookup.read_queries(completeness.__package__, "completeness.sql")
SWEEPING = retention.read_queries()
WEEK = 7 * DAY
# A week's beginning in TimescaleDB, three months ago; what is written there is of one chunk.
OLD = ((time.time_ns() // 1000 - 90 * DAY) // WEEK) * WEEK
NOW = OLD + 90 * DAY
KILN = "pi-1/kiln"


def one(number: int, at: int, *, epoch: int = 7, value: float | str | None = None) -> Frame:
    values: list[Value] = [float(number) if value is None else value]
    return Frame(epoch=epoch, number=number, times=(at,), channels={"mass": values}, units={"mass": "g"}, clock=CLOCK)


def row(count: int, since: int = OLD, step: int = 20 * S, *, first: int = 1, epoch: int = 7) -> list[Frame]:
    return [one(first + at, since + at * step, epoch=epoch) for at in range(count)]


def moment(time_us: int) -> datetime:
    return lookup.to_datetime(time_us)


async def roll_up(dsn: str, now: int = NOW) -> None:
    async with rollups.opened(dsn, ROLLING) as worker:
        while await worker.step(moment(now)) != rollups.EVERY_S:
            pass


async def sweep(dsn: str, now: int = NOW, keeping: Keeping = KEEPING) -> Removed:
    removed = Removed()
    async with retention.opened(dsn, SWEEPING, keeping, removed) as sweeper:
        await sweeper.sweep(moment(now))
    return removed


async def keep_batch(dsn: str, began: int, ended: int | None, instrument: str = BALANCE) -> None:
    """A batch with an instrument, as the service of batches notes it."""
    connection = await asyncpg.connect(dsn, timeout=5)
    await migrate.migrate(connection, batches.PART)
    batch = await connection.fetchval(
        "INSERT INTO batch_names (name, same, began, begun_by) VALUES ($1, $1, $2, 'anna') RETURNING id",
        f"batch {began}",
        moment(began),
    )
    events = [("started", began)] + ([] if ended is None else [("ended", ended)])
    for kind, at in events:
        record = await connection.fetchval(
            "INSERT INTO batch_records (batch, kind, time, noted, username, stage, text, request)"
            " VALUES ($1, $2, $3, now(), 'anna', '', '', gen_random_uuid()) RETURNING id",
            *(batch, kind, moment(at)),
        )
    agent, name = instrument.split("/")
    await connection.execute("INSERT INTO batch_instruments VALUES ($1, $2, $3, $4)", batch, agent, name, record)
    await connection.close(timeout=5)


async def counts(dsn: str) -> tuple[int, int]:
    [(frames, samples)] = await query(dsn, "SELECT (SELECT count(*) FROM frames), (SELECT count(*) FROM samples)")
    return frames, samples


async def gaps(dsn: str) -> list[tuple[Any, ...]]:
    return await query(
        dsn,
        "SELECT agent || '/' || instrument, epoch, first_number, last_number, since, until FROM gaps"
        " WHERE reason = 'removed by retention' ORDER BY 1, since",
    )


async def told(dsn: str, instrument: str = BALANCE) -> dict[str, Any]:
    agent, name = instrument.split("/")
    async with lookup.open_lookup(dsn, COMPLETENESS) as opened:
        found = completeness.page(await completeness.find(opened, Wanted(agent=agent, name=name)))
    answer: dict[str, Any] = found["instruments"][0]
    return answer


async def buckets(dsn: str, since: int, until: int, count: int) -> tuple[int, int, float, float]:
    """Of a history: buckets that are not empty, samples in them, the least and the largest."""
    grid = Grid(since=since, width_us=-(-(until - since) // count), count=count)
    async with lookup.open_lookup(dsn, HISTORY) as opened:
        instrument = await reading.find_instrument(opened, *BALANCE.split("/"))
        known = {row["id"]: (row["name"], row["unit"]) for row in await opened.fetch("find_channels", instrument)}
        channels = await reading.find_channels(opened, known, since, until, count)
        found = [
            bucket async for _, part in reading.read_grid(opened, grid, channels, until) for bucket in joined(part)
        ]
    filled = [bucket for bucket in found if bucket.count]
    return (
        len(filled),
        sum(bucket.count for bucket in filled),
        min((bucket.min for bucket in filled), default=0.0),
        max((bucket.max for bucket in filled), default=0.0),
    )


def joined(part: dict[str, dict[int, Any]]) -> Iterable[Any]:
    return [bucket for column in part.values() for bucket in column.values()]


async def test_what_is_too_old_goes_and_completeness_tells_it(dsn: str) -> None:
    await log(dsn, [*row(600), *row(10, NOW - DAY, first=601)])
    await roll_up(dsn)
    removed = await sweep(dsn)
    assert removed.frames == 600
    assert await counts(dsn) == (10, 10)
    assert await gaps(dsn) == [(BALANCE, 7, 1, 600, moment(OLD), moment(OLD + 599 * 20 * S))]
    answer = await told(dsn)
    assert (answer["expected"], answer["received"], answer["missing"], answer["percent"]) == (610, 610, 0, 100.0)
    assert answer["ranges"] == []
    [gap] = answer["gaps"]
    assert (gap["since"], gap["until"], gap["reason"]) == (OLD, OLD + 599 * 20 * S, "removed by retention")
    assert "frames 1 to 600" in gap["detail"]
    assert answer["runs"][0]["since"] == OLD
    assert (await sweep(dsn)).frames == 0
    assert len(await gaps(dsn)) == 1


async def test_of_what_went_the_minutes_are_left(dsn: str) -> None:
    await log(dsn, row(3000))
    await roll_up(dsn)
    for count in (3, 40, 200, 5000):
        before = await buckets(dsn, OLD, OLD + 20 * HOUR, count)
        assert before[1:] == (3000, 1.0, 3000.0)
    await sweep(dsn)
    assert await counts(dsn) == (0, 0)
    for count in (3, 40, 200, 5000):
        after = await buckets(dsn, OLD, OLD + 20 * HOUR, count)
        assert after[1:] == (3000, 1.0, 3000.0)
        assert after[0] <= 1001
    # Where a bucket ends within a minute, all of it counts where it begins.
    assert (await buckets(dsn, OLD - 7 * S, OLD + 17 * HOUR, 100))[1] == 3000
    async with lookup.open_lookup(dsn, HISTORY) as opened:
        assert await reading.find_first(opened, [1]) == OLD


async def test_nothing_goes_that_is_not_rolled_up(dsn: str) -> None:
    await log(dsn, row(100))
    removed = await sweep(dsn)
    assert await counts(dsn) == (100, 100)
    assert "history service" in removed.waits_for
    await roll_up(dsn)
    await log(dsn, [one(101, OLD + 10 * S)])
    assert (await sweep(dsn)).frames == 0  # what came late is not in its minute yet
    await roll_up(dsn)
    assert (await sweep(dsn)).frames == 101
    assert await query(dsn, "SELECT sum(count)::int FROM rollups") == [(101,)]


async def test_what_comes_after_its_time_went_is_added_to_its_minute_once(dsn: str) -> None:
    await log(dsn, row(30))
    await roll_up(dsn)
    await sweep(dsn)
    for number in range(3):
        late = [one(31 + 3 * number + at, OLD + at * 20 * S, value=1000.0 + number) for at in range(3)]
        await log(dsn, late)
        await roll_up(dsn)
        assert await query(dsn, "SELECT sum(count)::int, max(max) FROM rollups") == [(33 + 3 * number, 1000.0 + number)]
        await sweep(dsn)
        assert await counts(dsn) == (0, 0)
    assert [(first, last) for _, _, first, last, _, _ in await gaps(dsn)] == [(1, 39)]
    assert await query(dsn, "SELECT max(count) FROM rollups") == [(12,)]


async def test_the_times_of_batches_stay_to_the_last_sample(dsn: str) -> None:
    await log(dsn, row(540))  # three hours
    await log(dsn, row(540), KILN)
    await keep_batch(dsn, OLD + HOUR, OLD + 2 * HOUR)
    await roll_up(dsn)
    removed = await sweep(dsn)
    kept = await query(dsn, "SELECT min(time), max(time), count(*) FROM readings WHERE instrument = 'balance'")
    [(since, until, count)] = kept
    assert since <= moment(OLD + HOUR)
    assert until >= moment(OLD + 2 * HOUR)
    assert 180 <= count <= 190
    assert await query(dsn, "SELECT count(*) FROM readings WHERE instrument = 'kiln'") == [(0,)]
    assert removed.frames == 1080 - count
    assert (await counts(dsn))[0] == count
    balance = [(first, last) for name, _, first, last, _, _ in await gaps(dsn) if name == BALANCE]
    assert balance == [(1, 180 - 3), (balance[1][0], 540)]
    assert balance[1][0] - balance[0][1] - 1 == count
    for width in (3, 17, 700):  # the whole is drawn from both
        assert (await buckets(dsn, OLD, OLD + 3 * HOUR, width))[1:] == (540, 1.0, 540.0)
    assert (await sweep(dsn)).frames == 0


async def test_what_comes_late_to_a_batch_s_time_is_counted_anew(dsn: str) -> None:
    await log(dsn, row(540))
    await keep_batch(dsn, OLD + HOUR, None)
    await roll_up(dsn)
    await sweep(dsn)
    await log(dsn, [one(541, OLD + HOUR + 5 * S), one(542, OLD + 5 * S)])
    await roll_up(dsn)
    await roll_up(dsn)
    assert await query(dsn, "SELECT sum(count)::int FROM rollups") == [(542,)]
    await log(dsn, [one(543, OLD + HOUR + 6 * S), one(544, OLD + 6 * S)])
    await roll_up(dsn)
    assert await query(dsn, "SELECT sum(count)::int FROM rollups") == [(544,)]


async def test_gaps_of_runs_and_holes_are_told_apart(dsn: str) -> None:
    frames = [frame for frame in row(60) if frame.number not in (20, 21, 40)]
    await log(dsn, [*frames, *row(60, OLD + HOUR, epoch=8)])
    await roll_up(dsn)
    await sweep(dsn)
    assert [(epoch, first, last) for _, epoch, first, last, _, _ in await gaps(dsn)] == [
        (7, 1, 19),
        (7, 22, 39),
        (7, 41, 60),
        (8, 1, 60),
    ]
    answer = await told(dsn)
    assert (answer["missing"], answer["received"]) == (3, 117)
    assert sorted((one["first"], one["last"], one["reason"]) for one in answer["ranges"]) == [
        (20, 21, ""),
        (40, 40, ""),
    ]


async def test_a_frame_without_samples_goes_too(dsn: str) -> None:
    await log(dsn, [Frame(epoch=7, number=1, times=(OLD,), channels={}, clock=CLOCK, records=[{"kind": "other"}])])
    await log(dsn, [one(2, NOW - DAY)])
    await roll_up(dsn)
    assert (await sweep(dsn)).frames == 1
    assert await query(dsn, "SELECT count(*) FROM records") == [(1,)]


async def test_minutes_go_after_their_own_time_but_those_of_batches(dsn: str) -> None:
    await log(dsn, row(540))
    await keep_batch(dsn, OLD + HOUR, OLD + 2 * HOUR)
    await roll_up(dsn)
    await sweep(dsn, keeping=Keeping(raw=timedelta(days=30), rollups=timedelta(days=60)))
    [(since, until)] = await query(dsn, "SELECT min(minute), max(minute) FROM rollups")
    assert (since, until) == (moment(OLD + HOUR - MINUTE), moment(OLD + 2 * HOUR + MINUTE))
    assert (await buckets(dsn, OLD + HOUR, OLD + 2 * HOUR, 10))[1] == 180


async def test_what_is_on_record_stays(dsn: str) -> None:
    await log(dsn, row(10))
    await query(dsn, "INSERT INTO traffic VALUES ($1, false, 'topic', 'payload')", moment(OLD))
    await query(dsn, "INSERT INTO traffic VALUES ($1, false, 'topic', 'payload')", moment(NOW))
    await query(dsn, "INSERT INTO gap_records (instrument, reason, since) VALUES (1, 'port lost', $1)", moment(OLD))
    await query(
        dsn,
        "INSERT INTO quarantine (received, last_received, topic, reason, detail, payload)"
        " VALUES ($1, $1, 'topic', 'time', '', '')",
        moment(OLD),
    )
    await roll_up(dsn)
    await sweep(dsn)
    assert await counts(dsn) == (0, 0)
    tables = ("traffic", "quarantine", "streams", "instruments", "channels")
    assert [(await query(dsn, f"SELECT count(*) FROM {table}"))[0][0] for table in tables] == [1, 1, 1, 1, 1]
    assert await query(dsn, "SELECT count(*) FROM gaps") == [(2,)]


async def test_one_logger_removes_at_a_time(dsn: str) -> None:
    await log(dsn, row(10))
    await roll_up(dsn)
    async with retention.opened(dsn, SWEEPING, KEEPING) as first:
        await first.sweep(moment(OLD))
        assert (await sweep(dsn)).frames == 0
    assert (await sweep(dsn)).frames == 10


async def test_a_sample_that_is_written_while_its_time_goes_is_neither_lost_nor_counted_twice(dsn: str) -> None:
    """The logger's transaction stands still in the middle; then everybody goes on."""
    await log(dsn, row(30))
    await roll_up(dsn)
    writing = await asyncpg.connect(dsn, timeout=5)
    transaction = writing.transaction()
    await transaction.start()
    queries = lookup.read_queries(store.__package__, "queries.sql")
    await writing.fetch(queries["lock_promise"])
    await writing.execute("INSERT INTO frames VALUES (1, 31, $1, now(), true, NULL, 'data', '')", moment(OLD + 5 * S))
    await writing.execute(
        "INSERT INTO samples (time, value, number, channel, stream, index) VALUES ($1, 99, 31, 1, 1, 0)",
        moment(OLD + 5 * S),
    )
    await writing.fetch(queries["add_late"], [1], [moment(OLD)])
    sweeping = asyncio.create_task(sweep(dsn))
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(8):
        while not sweeping.done() and await query(dsn, waits) == [(0,)]:
            pass
    await transaction.commit()
    await writing.close(timeout=5)
    await sweeping
    await roll_up(dsn)
    await sweep(dsn)
    assert await counts(dsn) == (0, 0)
    assert await query(dsn, "SELECT sum(count)::int, max(max) FROM rollups") == [(31, 99.0)]


@pytest.mark.parametrize("is_written_first", [True, False])
async def test_rolling_up_what_is_late_and_removing_do_not_meet(dsn: str, is_written_first: bool) -> None:
    await log(dsn, row(30))
    await roll_up(dsn)
    if is_written_first:
        await log(dsn, [one(31, OLD + 5 * S)])
    async with retention.opened(dsn, SWEEPING, KEEPING) as sweeper, rollups.opened(dsn, ROLLING) as worker:
        await sweeper.connection.fetch(SWEEPING["take_late_turn"])
        await worker.step(moment(NOW))
        assert await query(dsn, "SELECT count(*) FROM rollups_late") == [(int(is_written_first),)]
        await sweeper.connection.fetch(SWEEPING["leave_late_turn"])
        await worker.step(moment(NOW))
        assert await query(dsn, "SELECT count(*) FROM rollups_late") == [(0,)]


async def test_chunks_go_as_a_whole_where_nothing_in_them_is_kept(dsn: str) -> None:
    await log(dsn, [*row(10), *row(10, OLD + WEEK + HOUR, first=11), *row(10, OLD + 57 * DAY, first=21)])
    if await query(dsn, "SELECT DISTINCT edition FROM migrations") == [("plain",)]:
        pytest.skip("TimescaleDB only; KLEINMAELZUNG_TEST_DSN names a server with it")
    await keep_batch(dsn, OLD + WEEK + HOUR + 30 * S, OLD + WEEK + HOUR + 40 * S)
    await roll_up(dsn)
    removed = await sweep(dsn)
    chunks = await query(
        dsn,
        "SELECT hypertable_name::text, range_start FROM timescaledb_information.chunks"
        " WHERE hypertable_name IN ('frames', 'samples') ORDER BY 1, 2",
    )
    # The last one ends less than 30 days before.
    assert chunks == [(name, moment(OLD + at)) for name in ("frames", "samples") for at in (WEEK, 8 * WEEK)]
    [(kept,)] = await query(dsn, "SELECT count(*) FROM samples WHERE number BETWEEN 11 AND 20")
    assert kept == 6  # two whole minutes
    assert removed.frames == 20 - kept
    assert [(first, last) for _, _, first, last, _, _ in await gaps(dsn)] == [(1, 10), (11 + kept, 20)]


async def test_a_logger_that_is_told_to_removes_and_says_so(
    broker: TestBroker, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await log(dsn, row(50))
    await roll_up(dsn)
    config = replace(test_logger.configuration(broker, dsn), keeping=KEEPING)
    async with test_logger.connected_agent(broker) as agent, test_logger.running(config):
        await until(
            lambda: agent.status and agent.status.figures.get("removed_frames") == 50, "the status says so", limit_s=30
        )
        assert agent.status is not None
        figures = agent.status.figures
    assert figures["keeping"] == "samples are kept for 30d, minutes for ever, times of batches for ever"
    assert figures["removed_until"] > OLD
    assert await counts(dsn) == (0, 0)
    assert "samples are kept for 30d" in caplog.text
    assert "removed 50 frames older than" in caplog.text
