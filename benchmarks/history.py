"""A week of ten million samples at 2000 points: by the history service, beside the bare SQL in the same run.

    python -m benchmarks.history        or a row of scripts/bench

The bare SQL is one GROUP BY over `samples` whose rows asyncpg fetches. Ours is all from the request's arguments to the
last packed answer, each asked for as soon as the one before has come; without broker and gateway. Both look at the same
rows, in turn: first without rollups, then with them. Every bucket's count, minimum and maximum is compared.
"""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from benchmarks import row
from benchmarks.row import Row
from kleinmaelzung_services import lookup
from kleinmaelzung_services.history import rollups, service
from kleinmaelzung_services.history.answers import History
from kleinmaelzung_services.history.streams import Streams
from kleinmaelzung_services.logger import store
from kleinmaelzung_services.requests import Asked
from kleinmaelzung_wire import codec
from kleinmaelzung_wire.requests import Answer, Request
from tests import databases

SAMPLES = 10_000_000
POINTS = 2000
ROUNDS = 3
GOAL = 1.3
WEEK_US = 7 * 86_400_000_000
SINCE_US = 1_790_000_000_000_000
STEP_US = WEEK_US // SAMPLES

# Frames are not read here: they have only what their table needs.
_FILL = f"""
INSERT INTO instruments (agent, name) VALUES ('pi-1', 'balance');
INSERT INTO channels (instrument, name, unit) VALUES (1, 'mass', 'g');
INSERT INTO streams (instrument, epoch, received) VALUES (1, 7, int8multirange(int8range(1, {SAMPLES // 10} + 1)));
INSERT INTO samples (time, value, number, channel, stream, index)
SELECT 'epoch'::timestamptz + ({SINCE_US} + n * {STEP_US}::bigint) * INTERVAL '1 microsecond', random(),
    n / 10 + 1, 1, 1, n % 10
FROM generate_series(0, {SAMPLES} - 1) AS n;
INSERT INTO frames (stream, number, time, received, synchronised, via, payload)
SELECT 1, n + 1, moment, moment, true, 'data', ''
FROM generate_series(0, {SAMPLES // 10} - 1) AS n
CROSS JOIN LATERAL (
    SELECT 'epoch'::timestamptz + ({SINCE_US} + n * 10 * {STEP_US}::bigint) * INTERVAL '1 microsecond' AS moment
) AS taken;
"""
_BARE = """
SELECT date_bin($3::interval, time, $1::timestamptz) AS bucket, count(value), min(value), max(value), avg(value)
FROM samples
WHERE channel = 1 AND time >= $1 AND time < $2
GROUP BY bucket
ORDER BY bucket
"""

Bucket = tuple[int, float, float]  # count, minimum, maximum


async def measure() -> list[Row]:
    async with databases.fresh() as dsn, _filled(dsn) as connection, _history(dsn) as history:
        without = await _compared("history-week", connection, history)
        await _roll_up(dsn)
        return [without, await _compared("history-rollups", connection, history)]


async def _compared(name: str, connection: Any, history: History) -> Row:
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        expected = await _bare(connection)
        bare.append(time.perf_counter() - started)
        started = time.perf_counter()
        found = await _asked(history)
        ours.append(time.perf_counter() - started)
        assert found == expected, "every bucket has the same count and extremes"
    compared = row.compare(name, f"s, {SAMPLES:,} samples at {POINTS} points", ours, bare, GOAL)
    details = {"rounds_ours": [round(one, 3) for one in ours], "rounds_limit": [round(one, 3) for one in bare]}
    return replace(compared, goal=f"<= {GOAL:g}", met=compared.ratio <= GOAL, details=details)


async def _roll_up(dsn: str) -> None:
    until = lookup.to_datetime(SINCE_US + 2 * WEEK_US)
    async with rollups.opened(dsn, lookup.read_queries(service.__package__, "rollups.sql")) as worker:
        while await worker.step(until) != rollups.EVERY_S:
            pass


@contextlib.asynccontextmanager
async def _filled(dsn: str) -> AsyncIterator[Any]:
    async with store.open_store(dsn):
        pass  # makes the tables
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=300, server_settings={"jit": "off"})
    await connection.execute(_FILL)
    await connection.execute("VACUUM ANALYZE")
    yield connection
    await connection.close()


async def _bare(connection: Any) -> list[Bucket]:
    since = lookup.to_datetime(SINCE_US)
    width: timedelta = timedelta(microseconds=WEEK_US) / POINTS
    until: datetime = since + width * POINTS
    rows = await connection.fetch(_BARE, since, until, width)
    return [(found["count"], found["min"], found["max"]) for found in rows]


@contextlib.asynccontextmanager
async def _history(dsn: str) -> AsyncIterator[History]:
    queries = lookup.read_queries(service.__package__, "history.sql")
    streams = Streams(dsn, queries)
    task = asyncio.create_task(streams.run())
    try:
        yield History(dsn, streams, queries)
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def _asked(history: History) -> list[Bucket]:
    handlers = history.handlers()
    times = {"from": SINCE_US, "to": SINCE_US + WEEK_US, "points": POINTS}
    answer = _sent(await handlers["history"](_question("history", times)))
    stream, pieces, number = answer["stream"], [answer["piece"]], 0
    while answer["more"]:
        number += 1
        arguments = {"stream": stream, "number": number}
        answer = _sent(await handlers["history-next"](_question("history-next", arguments)))
        pieces.append(answer["piece"])
    if stream is not None:
        await handlers["history-end"](_question("history-end", {"stream": stream}))
    return [bucket for piece in pieces for bucket in _buckets(piece["columns"]["mass"])]


def _question(name: str, arguments: dict[str, Any]) -> Asked:
    request = Request(name=name, arguments=arguments, instrument="pi-1/balance")
    return Asked(user="anna", role="operator", request=request, inbox="", correlation=None, deadline=0.0)


def _sent(content: dict[str, Any]) -> dict[str, Any]:
    decoded: dict[str, Any] = codec.unpack(Answer(ok=True, content=content).encode())["answer"]
    return decoded


def _buckets(column: dict[str, bytes]) -> list[Bucket]:
    count = len(column["count"]) // 4
    counts = struct.unpack(f"<{count}I", column["count"])
    extremes = (struct.unpack(f"<{count}d", column[key]) for key in ("min", "max"))
    return list(zip(counts, *extremes, strict=True))


if __name__ == "__main__":
    print(row.table(asyncio.run(measure())))
