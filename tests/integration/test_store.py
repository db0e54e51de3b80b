"""The logger's store against a real PostgreSQL: each frame once, repeats harmless, nothing vanishes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from kleinmaelzung_services.logger import batch, store
from kleinmaelzung_services.logger.batch import Arrival, Entry
from kleinmaelzung_wire import frames, topics
from kleinmaelzung_wire.frames import Clock, Frame, Value
from tests import databases
from tests.databases import query

NOW_US = time.time_ns() // 1000
CLOCK = Clock(synchronised=True, error_us=900)


@pytest.fixture
async def opened(dsn: str) -> AsyncIterator[store.Store]:
    async with store.open_store(dsn) as opened:
        yield opened


def frame(number: int, *values: Value, epoch: int = 7, at_us: int = NOW_US, **more: Any) -> Frame:
    times = tuple(at_us + 1000 * index for index in range(len(values)))
    channels: dict[str, list[Value]] = {"mass": list(values)}
    fields: dict[str, Any] = {"channels": channels, "units": {"mass": "g"}, **more}
    return Frame(epoch=epoch, number=number, times=times or (at_us,), clock=CLOCK, **fields)


def arrival(made: Frame, *, agent: str = "pi-1", instrument: str = "balance", via: str = "data") -> Arrival:
    return Arrival(topics.instrument(agent, instrument, via), frames.encode(made), NOW_US)


def entries(*arrivals: Arrival) -> list[Entry]:
    return list(batch.sort_arrivals(arrivals, NOW_US))


def numbers(written: store.Written) -> Sequence[int]:
    return [number for _, number in written.numbered]


async def test_a_frame_becomes_a_row_and_its_samples_readings(opened: store.Store, dsn: str) -> None:
    made = frame(1, 1.5, 2, None, "overload", True, 2**63, quality={"mass": [None, None, "unstable", "", None, None]})
    written = await opened.write(entries(arrival(made)))
    assert (written.frames, written.samples, numbers(written)) == (1, 6, [1])
    [row] = await query(
        dsn, "SELECT epoch, number, payload, via, synchronised, clock_error_us FROM frames JOIN streams ON id = stream"
    )
    assert row == (7, 1, frames.encode(made), "data", True, 900)
    found = await query(
        dsn,
        "SELECT value, text, quality, unit, agent || '/' || instrument || '/' || channel FROM readings ORDER BY time",
    )
    assert [row[:3] for row in found] == [
        (1.5, None, "good"),
        (2.0, None, "good"),
        (None, None, "unstable"),
        (None, "overload", "good"),
        (1.0, "true", "good"),
        (2.0**63, None, "good"),
    ]
    assert {row[3:] for row in found} == {("g", "pi-1/balance/mass")}
    assert await query(dsn, "SELECT (extract(epoch FROM time) * 1e6)::bigint FROM readings ORDER BY time") == [
        (time_us,) for time_us in made.times
    ]


async def test_a_changed_unit_is_another_channel(opened: store.Store, dsn: str) -> None:
    await opened.write(
        entries(arrival(frame(1, 1.0)), arrival(frame(2, 1.0, units={"mass": "kg"})), arrival(frame(3, 1.0, units={})))
    )
    assert await query(dsn, "SELECT unit FROM channels ORDER BY unit") == [("",), ("g",), ("kg",)]


async def test_repeats_add_no_row_and_are_acknowledged_again(opened: store.Store, dsn: str) -> None:
    first = entries(*(arrival(frame(number, 1.0, 2.0)) for number in range(1, 51)))
    again = entries(*(arrival(frame(number, 1.0, 2.0), via="backfill") for number in range(41, 61)))
    await opened.write(first)
    written = await opened.write(again)
    assert (written.frames, written.repeats, written.conflicts) == (10, 10, 0)
    assert numbers(written) == list(range(41, 61))
    assert await query(dsn, "SELECT count(*), count(DISTINCT number) FROM frames") == [(60, 60)]
    assert await query(dsn, "SELECT count(*) FROM samples") == [(120,)]


async def test_a_repeat_within_one_batch_is_one_row(opened: store.Store, dsn: str) -> None:
    written = await opened.write(entries(arrival(frame(1, 1.0)), arrival(frame(1, 1.0), via="backfill")))
    assert (written.frames, written.repeats, written.conflicts) == (1, 1, 0)
    assert await query(dsn, "SELECT count(*) FROM samples") == [(1,)]


async def test_other_bytes_under_a_known_number_are_a_conflict_and_the_first_stays(
    opened: store.Store, dsn: str
) -> None:
    await opened.write(entries(arrival(frame(1, 1.0)), arrival(frame(2, 2.0))))
    other_time = frame(2, 2.0, at_us=NOW_US + 5)
    written = await opened.write(entries(arrival(frame(1, 9.0)), arrival(other_time), arrival(frame(2, 2.0))))
    assert (written.frames, written.repeats, written.conflicts, numbers(written)) == (0, 1, 2, [1, 2, 2])
    assert await query(dsn, "SELECT value FROM samples ORDER BY value") == [(1.0,), (2.0,)]
    kept = await query(dsn, "SELECT reason, number, payload FROM quarantine ORDER BY number")
    assert kept == [("conflict", 1, frames.encode(frame(1, 9.0))), ("conflict", 2, frames.encode(other_time))]


async def test_a_conflict_within_one_batch_is_found_too(opened: store.Store) -> None:
    written = await opened.write(entries(arrival(frame(1, 1.0)), arrival(frame(1, 2.0))))
    assert (written.frames, written.conflicts) == (1, 1)


async def test_a_repeat_of_a_frame_that_retention_removed_is_just_a_repeat(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(arrival(frame(1, 1.0))))
    await query(dsn, "DELETE FROM frames")
    written = await opened.write(entries(arrival(frame(1, 1.0))))
    assert (written.frames, written.repeats, written.conflicts) == (0, 1, 0)


async def test_completeness_counts_and_names_what_is_missing(opened: store.Store, dsn: str) -> None:
    shuffled = [9, 3, 2, 8, 5]
    await opened.write(entries(*(arrival(frame(number, 1.0)) for number in shuffled)))
    [row] = await query(dsn, "SELECT first, last, received, missing, missing_numbers::text FROM completeness")
    assert row == (2, 9, 5, 4, "{[1,2),[4,5),[6,8)}")
    await opened.write(entries(*(arrival(frame(number, 1.0), via="backfill") for number in (1, 4, 6, 7))))
    [row] = await query(dsn, "SELECT first, last, received, missing FROM completeness")
    assert row == (1, 9, 9, 0)


async def test_numbers_of_another_epoch_are_other_frames(opened: store.Store, dsn: str) -> None:
    written = await opened.write(entries(arrival(frame(1, 1.0, epoch=7)), arrival(frame(1, 2.0, epoch=8))))
    assert written.frames == 2
    assert await query(dsn, "SELECT count(*) FROM streams") == [(2,)]


async def test_a_far_off_time_goes_to_quarantine_and_is_acknowledged(opened: store.Store, dsn: str) -> None:
    past = NOW_US - 401 * batch.DAY_US
    future = NOW_US + 2 * batch.DAY_US
    written = await opened.write(
        entries(arrival(frame(1, 1.0, at_us=past)), arrival(frame(2, 1.0, at_us=future)), arrival(frame(3, 1.0)))
    )
    assert (written.frames, written.quarantined, numbers(written)) == (1, 2, [1, 2, 3])
    assert await query(dsn, "SELECT reason, number FROM quarantine ORDER BY number") == [("time", 1), ("time", 2)]
    [row] = await query(dsn, "SELECT received, quarantined, missing FROM completeness")
    assert row == (1, 2, 0)


async def test_garbage_goes_to_quarantine_once_and_is_counted(opened: store.Store, dsn: str) -> None:
    garbage = Arrival("kleinmaelzung/pi-1/balance/data", b"\xc1\x00garbage", NOW_US)
    strange = Arrival("kleinmaelzung/pi-1/x/y/z", b"", NOW_US)
    for _ in range(3):
        written = await opened.write(entries(garbage, strange))
        assert (written.quarantined, written.numbered) == (2, [])
    found = await query(dsn, "SELECT reason, times_seen, payload FROM quarantine ORDER BY topic")
    assert found == [("undecodable", 3, garbage.payload), ("undecodable", 3, b"")]


async def test_one_row_the_database_refuses_does_not_stop_the_others(opened: store.Store, dsn: str) -> None:
    # A check of the test's own stands in for what nobody thought of.
    await query(dsn, "ALTER TABLE frames ADD CONSTRAINT unlucky CHECK (number <> 313)")
    written = await opened.write(entries(*(arrival(frame(number, 1.0)) for number in range(1, 501))))
    assert (written.frames, written.quarantined) == (499, 1)
    assert sorted(numbers(written)) == list(range(1, 501))
    assert await query(dsn, "SELECT reason, number FROM quarantine") == [("refused", 313)]
    again = await opened.write(entries(arrival(frame(313, 1.0))))
    assert (again.repeats, numbers(again)) == (1, [313])


async def test_text_that_postgres_cannot_hold_comes_through(opened: store.Store, dsn: str) -> None:
    record = {"kind": "gap\x00", "reason": "a\x00b", "bytes": b"\x00\xff", "deep": [{"k\x00": "v\x00"}]}
    written = await opened.write(entries(arrival(frame(1, channels={}, units={}, records=[record]))))
    assert (written.frames, written.samples, written.quarantined) == (1, 0, 0)
    assert await query(dsn, "SELECT record->>'reason' FROM records") == [("a\ufffdb",)]


async def test_a_gap_record_is_a_row_of_gaps_once(opened: store.Store, dsn: str) -> None:
    record = {"kind": "gap", "epoch": 6, "first": 10, "last": 20, "from": NOW_US, "reason": "spool full"}
    strange = {"kind": "gap", "epoch": "x", "first": -1, "last": True}
    made = frame(1, channels={}, units={}, records=[record, strange, {"kind": "other"}])
    for _ in range(2):
        await opened.write(entries(arrival(made)))
    found = await query(
        dsn, "SELECT epoch, first_number, last_number, since IS NOT NULL, reason, index FROM gaps ORDER BY id"
    )
    assert found == [(6, 10, 20, True, "spool full", 0), (None, None, None, False, "", 1)]
    assert await query(dsn, "SELECT kind FROM records ORDER BY index") == [("gap",), ("gap",), ("other",)]


def message(kind: str, payload: bytes, *, seconds: float = 0.0, retained: bool = False) -> Arrival:
    received_us = NOW_US + int(seconds * 1e6)
    return Arrival(
        f"kleinmaelzung/pi-1/balance/{kind}", payload, received_us, retained, "kleinmaelzung/answer", b"\x01"
    )


async def test_a_retained_message_is_kept_only_if_it_is_news(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(message("state", b"one", retained=True)))
    await opened.write(entries(message("state", b"one", seconds=60, retained=True)))
    await opened.write(entries(message("state", b"two", seconds=70)))
    await opened.write(
        entries(
            message("state", b"two", seconds=80, retained=True), message("state", b"two", seconds=90, retained=True)
        )
    )
    await opened.write(entries(message("state", b"three", seconds=100, retained=True)))
    assert await query(dsn, "SELECT payload, retained FROM traffic ORDER BY received") == [
        (b"one", True),
        (b"two", False),
        (b"three", True),
    ]


async def test_a_command_is_kept_with_where_its_answer_goes(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(message("command", b"c")))
    assert await query(dsn, "SELECT payload, response_topic, correlation FROM traffic") == [
        (b"c", "kleinmaelzung/answer", b"\x01")
    ]


async def test_two_loggers_write_the_same_frames_and_traffic_once(dsn: str) -> None:
    async with store.open_store(dsn) as one, store.open_store(dsn) as two:

        async def log(opened: store.Store, shift: int) -> store.Written:
            total = store.Written()
            for start in range(1, 401, 40):
                both = [
                    arrival(frame(number, 1.0), instrument=name)
                    for name in (("a", "b") if shift else ("b", "a"))
                    for number in range(start, start + 40)
                ]
                traffic = message("reply", str(start).encode(), seconds=start + shift / 1000)
                total += await opened.write(entries(*both, traffic))
            return total

        first, second = await asyncio.gather(log(one, 0), log(two, 5))
    assert first.frames + second.frames == 800
    assert len(first.numbered) == len(second.numbered) == 800
    assert first.conflicts + second.conflicts == 0
    assert await query(dsn, "SELECT count(*), count(DISTINCT (stream, number)) FROM frames") == [(800, 800)]
    assert await query(dsn, "SELECT count(*) FROM samples") == [(800,)]
    assert await query(dsn, "SELECT count(*) FROM traffic") == [(10,)]


async def test_a_lost_connection_is_unavailable_and_the_same_batch_succeeds_later(dsn: str) -> None:
    made = entries(*(arrival(frame(number, 1.0)) for number in range(1, 101)))
    async with store.open_store(dsn) as opened:
        await opened.write(made[:50])
        await query(dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'kleinm%'")
        with pytest.raises(store.StoreUnavailable):
            await opened.write(made)
    async with store.open_store(dsn) as opened:
        written = await opened.write(made)
    assert (written.frames, written.repeats) == (50, 50)


async def test_an_absent_database_is_unavailable_within_seconds() -> None:
    dsn = f"postgresql://postgres@127.0.0.1:{databases.free_port()}/postgres"
    with pytest.raises(store.StoreUnavailable, match="database: "):
        async with store.open_store(dsn):
            pass


async def test_emptied_tables_are_made_anew_by_the_next_connection(dsn: str) -> None:
    async with store.open_store(dsn) as opened:
        await opened.write(entries(arrival(frame(1, 1.0))))
        await query(dsn, "TRUNCATE instruments, channels, streams, frames, samples, records, gaps")
        with pytest.raises(store.StoreUnavailable, match="vanished"):
            await opened.write(entries(arrival(frame(2, 1.0))))
    async with store.open_store(dsn) as opened:
        assert (await opened.write(entries(arrival(frame(2, 1.0))))).frames == 1


async def test_a_frame_of_the_full_size_is_stored(opened: store.Store, dsn: str) -> None:
    values: list[Value] = [float(index) for index in range(4096)]
    made = replace(frame(1, *values), channels={"a": values, "b": list(reversed(values))}, units={})
    assert (await opened.write(entries(arrival(made)))).samples == 8192
    assert await query(dsn, "SELECT count(*), max(index) FROM samples") == [(8192, 4095)]
