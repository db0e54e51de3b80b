"""Rollups against a real PostgreSQL: with them every bucket is what it is without them, whenever what came."""

import asyncio
import math
import random
from typing import Any

import asyncpg
import pytest

from kleinmaelzung_services import lookup
from kleinmaelzung_services.history import reading, rollups, service
from kleinmaelzung_services.history.grid import Bucket, Grid
from kleinmaelzung_services.history.reading import Channel
from kleinmaelzung_services.logger import store
from kleinmaelzung_wire.frames import Frame, Value
from tests.databases import query
from tests.integration.test_history import CLOCK, HOUR, S, T, log

MINUTE = 60 * S
QUERIES = lookup.read_queries(service.__package__, "history.sql")
ROLLING = lookup.read_queries(service.__package__, "rollups.sql")
VALUES: tuple[Value, ...] = (0.0, -1.5, 1e308, -1e308, 5e-324, True, False, None, 2**60, "text", 3.25)


def random_frames(chance: random.Random, numbers: range, epoch: int, since: int) -> list[Frame]:
    """Frames of one run within two hours, some of which span minutes."""
    starts = sorted(chance.randrange(2 * HOUR) for _ in numbers)
    made = []
    for number, start in zip(numbers, starts, strict=True):
        count, step = chance.randint(1, 5), chance.choice((1, S, 40 * S))
        columns = {
            name: [chance.choice(VALUES) if chance.random() < 0.1 else chance.gauss(0, 1e3) for _ in range(count)]
            for name in ("mass", "temperature")
        }
        times = tuple(since + start + step * at for at in range(count))
        made.append(Frame(epoch=epoch, number=number, times=times, channels=dict(columns), clock=CLOCK))
    return made


async def buckets(opened: Any, grid: Grid, until: int, rolled: int) -> dict[str, dict[int, Bucket]]:
    channels = [
        Channel(id=number, name=name, unit="", type="number", samples=0, key=name)
        for number, name in enumerate(("mass", "temperature"), 1)
    ]
    return await reading.read_buckets(opened, grid, channels, until, rolled)


async def compare(dsn: str, chance: random.Random, since: int) -> int:
    """Some times and widths, with rollups and without; returns up to when all is rolled up."""
    async with lookup.open_lookup(dsn, QUERIES) as opened:
        rolled = await reading.find_rolled(opened)
        for _ in range(6):
            start = since + chance.randrange(-HOUR, 2 * HOUR)
            start = start // MINUTE * MINUTE if chance.random() < 0.3 else start
            width = chance.choice((rollups.MINUTE.seconds * 3 * S, 3 * MINUTE + 1, 7 * MINUTE + 12_345, HOUR))
            grid = Grid(since=start, width_us=width, count=chance.randint(1, 40))
            until = grid.until - chance.choice((0, 0, 1, width // 2))
            same(await buckets(opened, grid, until, rolled), await buckets(opened, grid, until, 0))
    return rolled


def same(found: dict[str, dict[int, Bucket]], expected: dict[str, dict[int, Bucket]]) -> None:
    assert found.keys() == expected.keys()
    for key, column in expected.items():
        assert found[key].keys() == column.keys()
        for place, bucket in column.items():
            other = found[key][place]
            assert (other.count, other.min, other.max) == (bucket.count, bucket.min, bucket.max)
            largest = max(abs(bucket.min), abs(bucket.max))
            assert math.isnan(bucket.mean) == math.isnan(other.mean) == (largest >= 1e290)
            if largest < 1e290:
                assert other.mean == pytest.approx(bucket.mean, rel=1e-9, abs=largest * 1e-12)


@pytest.mark.parametrize("seed", range(4))
async def test_with_rollups_every_bucket_is_what_it_is_without(dsn: str, seed: int) -> None:
    chance = random.Random(seed)
    since = T - 3 * HOUR + 17
    waiting = [frame for epoch in (1, 2) for frame in random_frames(chance, range(1, 61), epoch, since)]
    chance.shuffle(waiting)
    async with store.open_store(dsn):
        pass
    ends = set()
    async with rollups.opened(dsn, ROLLING) as worker:
        while waiting:
            batch, waiting = waiting[:15], waiting[15:]
            await log(dsn, batch)
            ends.add(await compare(dsn, chance, since))
            if chance.random() < 0.7:
                await worker.step(lookup.to_datetime(since + chance.randrange(3 * HOUR)))
                ends.add(await compare(dsn, chance, since))
        while await worker.step(lookup.to_datetime(T)) != rollups.EVERY_S:
            ends.add(await compare(dsn, chance, since))
    assert len(ends) > 2
    assert await query(dsn, "SELECT count(*) FROM rollups_late") == [(0,)]
    [(minutes, samples)] = await query(dsn, "SELECT count(*), sum(count) FROM rollups")
    assert minutes > 100
    assert await query(dsn, "SELECT count(value) FROM samples") == [(samples,)]
    await compare(dsn, chance, since)


def one(number: int, at: int, value: float = 1.0) -> Frame:
    return Frame(epoch=7, number=number, times=(at,), channels={"mass": [value]}, clock=CLOCK)


async def test_what_is_written_while_a_minute_is_rolled_up_is_not_lost(dsn: str) -> None:
    await log(dsn, [one(1, T)])
    logging = await asyncpg.connect(dsn, timeout=5)
    async with rollups.opened(dsn, ROLLING) as worker:
        transaction = logging.transaction()
        await transaction.start()
        await logging.execute(
            "INSERT INTO samples (time, value, number, channel, stream, index) VALUES ($1, 9, 2, 1, 1, 0)",
            lookup.to_datetime(T + S),
        )
        await logging.fetch(lookup.read_queries(store.__package__, "queries.sql")["lock_promise"])
        step = asyncio.create_task(worker.step(lookup.to_datetime(T + HOUR)))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(8):
            while await query(dsn, waits) != [(1,)]:
                assert not step.done()
        await transaction.commit()
        await step
    await logging.close(timeout=5)
    assert await query(dsn, "SELECT count, max FROM rollups") == [(2, 9.0)]


async def test_what_is_late_is_named_and_what_is_not_is_not(dsn: str) -> None:
    await log(dsn, [one(1, T)])
    late = "SELECT channel, minute FROM rollups_late ORDER BY minute"
    assert await query(dsn, late) == []
    async with rollups.opened(dsn, ROLLING) as worker:
        await worker.step(lookup.to_datetime(T + HOUR))
        await log(dsn, [one(2, T + HOUR)])
        assert await query(dsn, late) == []
        await log(dsn, [one(3, T + S, 5.0), one(4, T + S + 1, 6.0)])
        minute = lookup.to_datetime((T + S) // MINUTE * MINUTE)
        assert await query(dsn, late) == [(1, minute)]
        await worker.step(lookup.to_datetime(T + HOUR))
    assert await query(dsn, late) == []
    assert await query(dsn, "SELECT sum(count)::int, max(max) FROM rollups") == [(3, 6.0)]


async def test_one_worker_at_a_time(dsn: str) -> None:
    await log(dsn, [one(1, T)])
    async with rollups.opened(dsn, ROLLING) as first:
        await first.step(lookup.to_datetime(T))
        async with rollups.opened(dsn, ROLLING) as second:
            assert await second.step(lookup.to_datetime(T + HOUR)) == rollups.EVERY_S
            assert await query(dsn, "SELECT count(*) FROM rollups") == [(0,)]
    async with rollups.opened(dsn, ROLLING) as second:
        await second.step(lookup.to_datetime(T + HOUR))
    assert await query(dsn, "SELECT count(*) FROM rollups") == [(1,)]


async def test_a_gap_of_months_is_one_step(dsn: str) -> None:
    await log(dsn, [one(1, T - 2000 * HOUR), one(2, T)])
    async with rollups.opened(dsn, ROLLING) as worker:
        steps = 1
        while await worker.step(lookup.to_datetime(T + HOUR)) != rollups.EVERY_S:
            steps += 1
    assert steps <= 3
    assert await query(dsn, "SELECT count(*) FROM rollups") == [(2,)]
