"""The logger's store against a real PostgreSQL: each frame once, repeats harmless, nothing vanishes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from kleinmaelzung_local import ports
from kleinmaelzung_services.logger import batch, store
from kleinmaelzung_services.logger.batch import Arrival, Entry
from kleinmaelzung_wire import codec, frames, gaps, topics
from kleinmaelzung_wire.frames import Clock, Frame, SinceBoot, Value
from kleinmaelzung_wire.gaps import Gap
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
        dsn, "SELECT epoch, first_number, last_number, since IS NOT NULL, reason, index FROM gap_records ORDER BY id"
    )
    assert found == [(6, 10, 20, True, "spool full", 0), (None, None, None, False, "", 1)]
    assert await query(dsn, "SELECT kind FROM records ORDER BY index") == [("gap",), ("gap",), ("other",)]


# Gaps

MINUTE_US = 60_000_000


def told(number: int, *gaps: Gap) -> Frame:
    return frame(number, channels={}, units={}, records=[gap.to_record() for gap in gaps])


async def known_gaps(dsn: str) -> list[tuple[Any, ...]]:
    microseconds = "(extract(epoch FROM {}) * 1e6)::bigint"
    columns = ", ".join(microseconds.format(column) for column in ("since", "until"))
    return await query(
        dsn,
        f"SELECT reason, epoch, first_number, last_number, {columns}, detail FROM gaps"
        " ORDER BY reason, since, first_number",
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("together", [True, False])
async def test_a_gap_that_lasted_is_ended_by_a_later_record_in_whichever_order_they_come(
    opened: store.Store, dsn: str, order: tuple[int, int], together: bool
) -> None:
    begun = Gap(reason=gaps.PORT_LOST, since=NOW_US, detail="unplugged")
    ended = Gap(reason=gaps.PORT_LOST, since=NOW_US, until=NOW_US + MINUTE_US)
    later = Gap(reason=gaps.PORT_LOST, since=NOW_US + 2 * MINUTE_US)
    made = [arrival(told(1, begun)), arrival(told(2, ended, later))]
    made = [made[position] for position in order]
    for batched in [made] if together else [[one] for one in made]:
        await opened.write(entries(*batched))
    assert await known_gaps(dsn) == [
        ("port lost", None, None, None, NOW_US, NOW_US + MINUTE_US, "unplugged"),
        ("port lost", None, None, None, NOW_US + 2 * MINUTE_US, None, ""),
    ]


async def test_a_gap_told_again_changes_nothing(opened: store.Store, dsn: str) -> None:
    made = told(
        1,
        Gap(reason=gaps.SPOOL_FULL, epoch=6, first=10, last=20, since=NOW_US),
        Gap(reason=gaps.SPOOL_FULL, epoch=6, first=30, last=40, since=NOW_US),
        Gap(reason=gaps.SILENT, since=NOW_US, until=NOW_US + 1),
    )
    await opened.write(entries(arrival(made)))
    before = await query(dsn, "SELECT * FROM gap_records ORDER BY id")
    # As after a loss of what is known of numbers: the same record under the same number.
    await query(dsn, "UPDATE streams SET received = '{}'")
    await query(dsn, "TRUNCATE frames, records")
    written = await opened.write(entries(arrival(made)))
    assert (written.frames, written.quarantined) == (1, 0)
    assert await query(dsn, "SELECT * FROM gap_records ORDER BY id") == before
    assert len(before) == 3


async def test_a_gap_that_its_run_could_not_end_lasted_until_the_run_was_over(opened: store.Store, dsn: str) -> None:
    died_us = NOW_US + MINUTE_US
    await opened.write(
        entries(
            arrival(told(1, Gap(reason=gaps.PORT_LOST, since=NOW_US))),
            arrival(
                frame(
                    1,
                    epoch=8,
                    channels={},
                    units={},
                    records=[
                        Gap(reason=gaps.AGENT_DIED, epoch=7, since=died_us, until=died_us + 5).to_record(),
                        Gap(reason=gaps.PORT_LOST, since=died_us + 5).to_record(),
                    ],
                )
            ),
            # Another instrument's end says nothing of this one's gaps.
            arrival(told(1, Gap(reason=gaps.AGENT_OFF, since=died_us + 10, until=died_us + 20)), instrument="other"),
        )
    )
    assert await known_gaps(dsn) == [
        ("agent died", 7, None, None, died_us, died_us + 5, ""),
        ("agent off", None, None, None, died_us + 10, died_us + 20, ""),
        ("port lost", None, None, None, NOW_US, died_us, ""),
        ("port lost", None, None, None, died_us + 5, None, ""),
    ]


async def test_an_agent_died_after_the_last_frame_that_came_of_its_run(opened: store.Store, dsn: str) -> None:
    """It knows only its last mark on the disk, which is up to a minute older."""
    last_us, started_us = NOW_US + MINUTE_US // 2, NOW_US + MINUTE_US
    died = Gap(reason=gaps.AGENT_DIED, epoch=7, since=NOW_US, until=started_us)
    record = frame(1, epoch=8, channels={}, units={}, records=[died.to_record()])
    await opened.write(entries(arrival(frame(1, 1.0)), arrival(frame(2, 1.0, at_us=last_us)), arrival(record)))
    assert await known_gaps(dsn) == [("agent died", 7, None, None, last_us, started_us, "")]


async def test_what_the_agent_gave_up_is_missing_even_where_nothing_came_after(opened: store.Store, dsn: str) -> None:
    behind = Gap(reason=gaps.SPOOL_FULL, epoch=7, first=2, last=9)
    unknown = Gap(reason=gaps.SPOOL_FULL, epoch=5, first=1, last=4)
    record = frame(1, epoch=8, channels={}, units={}, records=[behind.to_record(), unknown.to_record()])
    await opened.write(entries(arrival(frame(1, 1.0)), arrival(record)))
    assert await query(dsn, "SELECT epoch, first, last, received, missing FROM completeness ORDER BY epoch") == [
        (5, None, 4, 0, 4),
        (7, 1, 9, 1, 8),
        (8, 1, 1, 1, 0),
    ]


async def test_quarantined_numbers_are_gaps(opened: store.Store, dsn: str) -> None:
    past = NOW_US - 401 * batch.DAY_US
    unreadable = arrival(frame(4, 1.0))._replace(payload=codec.pack({"v": 9, "e": 7, "n": 4}))
    written = await opened.write(
        entries(*(arrival(frame(number, 1.0, at_us=past)) for number in (2, 3)), unreadable, arrival(frame(5, 1.0)))
    )
    assert (written.quarantined, numbers(written)) == (3, [2, 3, 4, 5])
    assert await known_gaps(dsn) == [("logger quarantine", 7, 2, 4, None, None, "time, undecodable")]
    again = await opened.write(entries(unreadable))
    assert numbers(again) == [4]
    assert await query(dsn, "SELECT times_seen FROM quarantine WHERE number = 4") == [(2,)]


async def test_conflicts_can_be_counted_by_instrument(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(arrival(frame(1, 1.0)), arrival(frame(1, 2.0)), arrival(frame(1, 3.0))))
    assert await query(
        dsn,
        "SELECT agent, name, count(*) FROM quarantine JOIN streams ON streams.id = stream"
        " JOIN instruments ON instruments.id = instrument WHERE reason = 'conflict' GROUP BY agent, name",
    ) == [("pi-1", "balance", 2)]
    assert await known_gaps(dsn) == []


# Several frames in one message


async def test_each_frame_of_a_message_is_stored_as_its_own_bytes(opened: store.Store, dsn: str) -> None:
    made = [frames.encode(frame(number, float(number))) for number in range(1, 201)]
    together = arrival(frame(1, 1.0), via="backfill")._replace(payload=frames.pack_several(made))
    written = await opened.write(entries(together))
    assert (written.frames, numbers(written)) == (200, list(range(1, 201)))
    assert [row[0] for row in await query(dsn, "SELECT payload FROM frames ORDER BY number")] == made
    single = arrival(frame(7, 7.0))
    other = arrival(frame(8, 9.0))
    again = await opened.write(entries(together, single, other))
    assert (again.frames, again.repeats, again.conflicts) == (0, 201, 1)
    assert await query(dsn, "SELECT number, payload FROM quarantine") == [(8, other.payload)]


# Times


async def corrected(dsn: str) -> list[tuple[Any, ...]]:
    return await query(
        dsn,
        "SELECT value::int, (extract(epoch FROM corrected - time) * 1e6)::bigint, synchronised, is_corrected"
        " FROM corrected_readings ORDER BY value",
    )


def booted(
    number: int, value: int, since_boot_us: int, *, off_us: int, boot: int | None = 5, epoch: int = 7, **more: Any
) -> Arrival:
    """A frame taken so long after the boot, which truly was an hour ago, by a clock that is off."""
    synchronised = off_us == 0
    made = frame(number, float(value), epoch=epoch, at_us=NOW_US - 60 * MINUTE_US + since_boot_us + off_us, **more)
    at = None if boot is None else SinceBoot(boot, since_boot_us)
    return arrival(replace(made, clock=Clock(synchronised=synchronised), since_boot=at))


async def test_times_from_before_the_clock_was_set_are_put_right_afterwards(opened: store.Store, dsn: str) -> None:
    slow, other = -100 * batch.DAY_US, -99 * batch.DAY_US
    await opened.write(
        entries(
            booted(1, 1, 10, off_us=slow),
            booted(2, 2, MINUTE_US, off_us=slow),
            # The agent starts again in the same boot and guesses the time differently; then the clock is set.
            booted(1, 3, 2 * MINUTE_US, off_us=other, epoch=8),
        )
    )
    assert await corrected(dsn) == [(1, 0, False, False), (2, 0, False, False), (3, 0, False, False)]
    await opened.write(entries(booted(2, 4, 3 * MINUTE_US, off_us=0, epoch=8)))
    # Backfill of what was not synchronised may come last; so may what says nothing of any boot, or of another one.
    await opened.write(
        entries(
            booted(3, 5, 2, off_us=slow),
            booted(4, 6, 2, off_us=slow, boot=None),
            booted(5, 7, 2, off_us=slow, boot=6),
        )
    )
    assert await corrected(dsn) == [
        (1, -slow, False, True),
        (2, -slow, False, True),
        (3, -other, False, True),
        (4, 0, True, False),
        (5, -slow, False, True),
        (6, 0, False, False),
        (7, 0, False, False),
    ]


async def test_the_nearest_reference_of_the_boot_counts(opened: store.Store, dsn: str) -> None:
    # The clock that nobody sets runs fast by 2 ms from one hour to the next.
    first = booted(1, 1, 30 * MINUTE_US, off_us=0)
    second = arrival(replace(frame(2, 2.0), clock=CLOCK, since_boot=SinceBoot(5, 90 * MINUTE_US + 2000)))
    assert await query(dsn, "SELECT count(*) FROM clock_references") == [(0,)]
    await opened.write(
        entries(
            *(replace_time(first, NOW_US), replace_time(second, NOW_US + 60 * MINUTE_US)),
            booted(3, 3, 31 * MINUTE_US, off_us=-7),
            booted(4, 4, 89 * MINUTE_US, off_us=-7),
        )
    )
    shifts = {row[0]: row[1] for row in await corrected(dsn)}
    assert shifts[3] - shifts[4] == 2000


def replace_time(made: Arrival, at_us: int) -> Arrival:
    return made._replace(payload=frames.encode(replace(frames.decode(made.payload), times=(at_us,))))


@pytest.mark.parametrize("days", [120, 240])  # whatever today is, one of them lies beyond a change of summer time
async def test_a_correction_over_a_change_of_summer_time_is_exact(opened: store.Store, dsn: str, days: int) -> None:
    off_us = -days * batch.DAY_US - 123_456
    await opened.write(entries(booted(1, 1, 5, off_us=off_us), booted(2, 2, 6, off_us=0)))
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):
        [[found]] = await query(
            dsn,
            "SELECT (extract(epoch FROM corrected) * 1e6)::bigint FROM"
            f" (SELECT set_config('timezone', '{zone}', false)) AS zone, corrected_readings WHERE value = 1",
        )
        assert found == NOW_US - 60 * MINUTE_US + 5


async def test_references_are_one_for_each_hour_of_a_boot_whoever_logs(dsn: str) -> None:
    def made(number: int) -> Arrival:
        return booted(number, 1, number * 2 * MINUTE_US, off_us=0)

    async with store.open_store(dsn) as one, store.open_store(dsn) as two:
        for number in range(0, 90, 3):
            await asyncio.gather(
                one.write(entries(made(number + 1), made(number + 2))), two.write(entries(made(number + 3)))
            )
    assert await query(dsn, "SELECT boot, hour FROM clock_references ORDER BY hour") == [(5, 0), (5, 1), (5, 2), (5, 3)]


async def test_a_reference_of_a_batch_that_was_divided_is_not_forgotten(opened: store.Store, dsn: str) -> None:
    await query(dsn, "ALTER TABLE traffic ADD CONSTRAINT unlucky CHECK (payload <> 'unlucky')")
    await opened.write(entries(booted(1, 1, 5, off_us=0), message("state", b"unlucky")))
    assert await query(dsn, "SELECT boot, since_boot_us FROM clock_references") == [(5, 5)]


async def test_readings_whose_frame_retention_removed_are_told_uncorrected(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(booted(1, 1, 5, off_us=-9), booted(2, 2, 6, off_us=0)))
    await query(dsn, "DELETE FROM frames")
    assert await corrected(dsn) == [(1, 0, None, False), (2, 0, None, False)]


# What is no data error


@pytest.mark.parametrize("code", ["53100", "53200", "53300", "58030", "57014", "40001", "40P01", "55P03", "XX000"])
async def test_what_is_the_database_s_fault_quarantines_nothing(opened: store.Store, dsn: str, code: str) -> None:
    await query(
        dsn,
        f"""CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'no fault of the row' USING ERRCODE = '{code}'; END $$""",
    )
    await query(dsn, "CREATE TRIGGER fault BEFORE INSERT ON frames FOR EACH ROW EXECUTE FUNCTION fault()")
    made = entries(arrival(frame(1, 1.0)), arrival(frame(2, 1.0)))
    with pytest.raises(store.StoreUnavailable, match="no fault of the row"):
        await opened.write(made)
    assert await query(dsn, "SELECT count(*) FROM quarantine") == [(0,)]
    await query(dsn, "DROP TRIGGER fault ON frames")
    assert (await opened.write(made)).frames == 2


async def test_the_same_garbage_for_two_loggers_does_not_lock_them(dsn: str) -> None:
    garbage = [Arrival(topics.instrument("pi-1", "balance", "data"), bytes([0xC1, n]), NOW_US) for n in range(200)]

    async def log(opened: store.Store, made: list[Arrival]) -> None:
        for _ in range(5):
            await opened.write(entries(*made))

    async with store.open_store(dsn) as one, store.open_store(dsn) as two:
        await asyncio.gather(log(one, garbage), log(two, garbage[::-1]))
    assert await query(dsn, "SELECT count(*), min(times_seen), max(times_seen) FROM quarantine") == [(200, 10, 10)]


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
    await opened.write(entries(message("command/anna", b"c")))
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
    dsn = f"postgresql://postgres@127.0.0.1:{ports.find_free()}/postgres"
    with pytest.raises(store.StoreUnavailable, match="database: "):
        async with store.open_store(dsn):
            pass


async def test_emptied_tables_are_made_anew_by_the_next_connection(dsn: str) -> None:
    async with store.open_store(dsn) as opened:
        await opened.write(entries(arrival(frame(1, 1.0))))
        tables = "instruments, channels, streams, frames, samples, records, gap_records, alarm_records"
        await query(dsn, f"TRUNCATE {tables}")
        with pytest.raises(store.StoreUnavailable, match="vanished"):
            await opened.write(entries(arrival(frame(2, 1.0))))
    async with store.open_store(dsn) as opened:
        assert (await opened.write(entries(arrival(frame(2, 1.0))))).frames == 1


async def test_a_frame_of_the_full_size_is_stored(opened: store.Store, dsn: str) -> None:
    values: list[Value] = [float(index) for index in range(4096)]
    made = replace(frame(1, *values), channels={"a": values, "b": list(reversed(values))}, units={})
    assert (await opened.write(entries(arrival(made)))).samples == 8192
    assert await query(dsn, "SELECT count(*), max(index) FROM samples") == [(8192, 4095)]
