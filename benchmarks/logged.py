"""`log-samples`, `log-frames`, `log-bundles`: the logger's write path beside the same rows written by asyncpg alone.

Ours begins with the bytes of frames in the inbox and ends with the commit. The limits get finished rows: their making
is not counted. Both write to the logger's tables, in transactions of as many rows.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg

from benchmarks.row import Row, compare
from kleinmaelzung_bus.session import Broker
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.logger import rows, store
from kleinmaelzung_services.logger.batch import Arrival
from kleinmaelzung_services.logger.inbox import MAX_BATCH_MESSAGES
from kleinmaelzung_services.logger.service import Service
from kleinmaelzung_wire import frames, topics
from tests import databases

GOAL = 0.7
ROUNDS = 7
CLOCK = frames.Clock(synchronised=True, error_us=900)
TOPIC = topics.instrument("pi-1", "balance", "data")

Limit = Callable[[Any, list[tuple[Any, ...]], list[tuple[Any, ...]]], Awaitable[None]]


async def measure_samples() -> list[Row]:
    return await _measure("log-samples", "samples/s, 100 a frame", 2000, 100, {"": copy})


async def measure_frames() -> list[Row]:
    limits: dict[str, Limit] = {"": insert_many, " (unnest)": insert_unnest}
    return await _measure("log-frames", "frames/s, 1 sample each", 5000, 1, limits)


async def measure_bundles() -> list[Row]:
    return await _measure("log-bundles", "frames/s, 200 a message", 10_000, 1, {"": insert_many}, together=200)


async def _measure(
    name: str, unit: str, count: int, samples: int, limits: dict[str, Limit], *, together: int = 1
) -> list[Row]:
    ours: list[float] = []
    limit: dict[str, list[float]] = {kind: [] for kind in limits}
    async with databases.fresh() as our_dsn, databases.fresh() as their_dsn, _service(our_dsn) as service:
        async with store.open_store(their_dsn):
            pass  # makes the tables
        connection = await asyncpg.connect(their_dsn, timeout=10, command_timeout=60)
        for _ in range(ROUNDS):
            made = _frames(count, samples)
            ours.append(count * samples / await _log(service, made, together))
            for kind, write in limits.items():
                limit[kind].append(count * samples / await _write(connection, made, write))
        await connection.close()
        assert service.figures.samples == ROUNDS * count * samples
    return [compare(name + kind, unit, ours, limit[kind], GOAL) for kind in limits]


def _frames(count: int, samples: int) -> list[tuple[frames.Frame, bytes]]:
    now_us, epoch = time.time_ns() // 1000, random.randrange(1, frames.MAX_EPOCH)
    made = []
    for number in range(1, count + 1):
        start = now_us + number * samples * 1000
        frame = frames.Frame(
            epoch=epoch,
            number=number,
            times=tuple(start + 1000 * index for index in range(samples)),
            channels={"mass": [random.random() for _ in range(samples)]},
            units={"mass": "g"},
            clock=CLOCK,
            since_boot=frames.SinceBoot(5, start),
        )
        made.append((frame, frames.encode(frame)))
    return made


# Ours


@contextlib.asynccontextmanager
async def _service(dsn: str) -> AsyncIterator[Service]:
    # Its own two tasks without its session to the broker: what they do is what is measured.
    service = Service(Config(broker=Broker(host="", port=0, user="", password=""), dsn=dsn, name="logger"))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service._prepare_forever()), group.create_task(service._write_forever())]
        while not service.health.healthy:
            await asyncio.sleep(0.01)
        yield service
        for task in tasks:
            task.cancel()


async def _log(service: Service, made: list[tuple[frames.Frame, bytes]], together: int) -> float:
    payloads = [payload for _, payload in made]
    if together > 1:
        payloads = [frames.pack_several(payloads[at : at + together]) for at in range(0, len(payloads), together)]
    started = time.perf_counter()
    now_us = time.time_ns() // 1000
    for payload in payloads:
        service.inbox.put(Arrival(TOPIC, payload, now_us), is_frame=True)
    await service.inbox.wait_idle()
    assert not service.inbox.dropped
    return time.perf_counter() - started


# The limits


async def _write(connection: Any, made: list[tuple[frames.Frame, bytes]], write: Limit) -> float:
    stream = random.getrandbits(30)
    now = rows.moment(time.time_ns() // 1000)
    batches = [made[start : start + MAX_BATCH_MESSAGES] for start in range(0, len(made), MAX_BATCH_MESSAGES)]
    ready = [
        (
            [_frame_row(frame, payload, stream, now) for frame, payload in batch],
            list(itertools.chain.from_iterable(_sample_rows(frame, stream) for frame, _ in batch)),
        )
        for batch in batches
    ]
    started = time.perf_counter()
    for frame_rows, sample_rows in ready:
        async with connection.transaction():
            await write(connection, frame_rows, sample_rows)
    return time.perf_counter() - started


def _frame_row(frame: frames.Frame, payload: bytes, stream: int, now: datetime) -> tuple[Any, ...]:
    return stream, frame.number, rows.moment(frame.times[0]), now, True, 900, 5, frame.times[0], "data", payload


def _sample_rows(frame: frames.Frame, stream: int) -> list[tuple[Any, ...]]:
    pairs = zip(frame.times, frame.channels["mass"], strict=True)
    return [
        (rows.moment(at), value, index, frame.number, 1, stream, None, None) for index, (at, value) in enumerate(pairs)
    ]


async def copy(connection: Any, frame_rows: list[tuple[Any, ...]], sample_rows: list[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table("frames", records=frame_rows, columns=rows.FRAME_COLUMNS)
    await connection.copy_records_to_table("samples", records=sample_rows, columns=rows.SAMPLE_COLUMNS)


FRAME_TYPES = (
    *("int", "bigint", "timestamptz", "timestamptz", "boolean"),
    *("bigint", "bigint", "bigint", "text", "bytea"),
)
SAMPLE_TYPES = ("timestamptz", "double precision", "smallint", "bigint", "int", "int", "text", "text")


def _insert(table: str, columns: tuple[str, ...], source: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) {source}"


def _values(count: int) -> str:
    return f"VALUES ({', '.join(f'${number}' for number in range(1, count + 1))})"


def _unnest(types: tuple[str, ...]) -> str:
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, start=1))
    return f"SELECT * FROM unnest({arrays})"


async def insert_many(connection: Any, frame_rows: list[tuple[Any, ...]], sample_rows: list[tuple[Any, ...]]) -> None:
    for table, columns, made in (
        ("frames", rows.FRAME_COLUMNS, frame_rows),
        ("samples", rows.SAMPLE_COLUMNS, sample_rows),
    ):
        await connection.executemany(_insert(table, columns, _values(len(columns))), made)


async def insert_unnest(connection: Any, frame_rows: list[tuple[Any, ...]], sample_rows: list[tuple[Any, ...]]) -> None:
    frame_columns, sample_columns = (list(zip(*found, strict=True)) for found in (frame_rows, sample_rows))
    await connection.execute(_insert("frames", rows.FRAME_COLUMNS, _unnest(FRAME_TYPES)), *frame_columns)
    await connection.execute(_insert("samples", rows.SAMPLE_COLUMNS, _unnest(SAMPLE_TYPES)), *sample_columns)
