"""Memory for a window, the disk behind it, and only what is logged is forgotten."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool import reserve
from kleinmaelzung_agent.spool.spool import Limits, PreviousRun, Spool, SpoolError, open_spool
from kleinmaelzung_agent.spool.spool_file import FILE_NAME
from kleinmaelzung_wire import frames, gaps
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import LoggedRanges
from tests.waiting import until

WINDOW_S = 0.05
PLENTY = Limits(bytes=10**9)
NOW_US = 1_800_000_000_000_000


def numbered(number: int, epoch: int = 1, size: int = 10) -> NumberedFrame:
    return NumberedFrame(instrument="balance", epoch=epoch, number=number, payload=b"x" * size)


def logged(first: int, last: int, epoch: int = 1) -> list[LoggedRanges]:
    return [LoggedRanges(instrument="balance", epoch=epoch, ranges=[(first, last)])]


class Announced:
    """Numbers gap records in an epoch of their own, as the agent would."""

    def __init__(self, spool: Spool) -> None:
        self.gaps: list[Gap] = []
        self._spool = spool

    def __call__(self, instrument: str, gap: Gap) -> NumberedFrame:
        self.gaps.append(gap)
        frame = NumberedFrame(instrument=instrument, epoch=9, number=len(self.gaps), payload=b"gap", is_record=True)
        self._spool.add(frame)
        return frame


@asynccontextmanager
async def running(
    directory: Path,
    window_s: float = WINDOW_S,
    limits: Limits = PLENTY,
    keep_all: frozenset[str] = frozenset(),
) -> AsyncIterator[tuple[Spool, Announced]]:
    async with open_spool(directory, window_s=window_s, limits=limits, keep_all=keep_all, retry_s=0.02) as spool:
        announced = Announced(spool)
        spool.announce = announced
        task = asyncio.create_task(spool.run())
        try:
            yield spool, announced
        finally:
            task.cancel()
            await asyncio.wait([task])


async def numbers(spool: Spool) -> list[int]:
    return [spooled.frame.number for spooled in await spool.oldest(after=0, count=10_000, older_than_s=0)]


def ever_written(directory: Path) -> int:
    connection = sqlite3.connect(directory / FILE_NAME)
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'frames'").fetchone()
    connection.close()
    return row[0] if row else 0


async def test_what_is_logged_in_time_never_reaches_the_disk(tmp_path: Path) -> None:
    async with running(tmp_path, window_s=1.0) as (spool, _):
        before = (tmp_path / f"{FILE_NAME}-wal").stat()
        for number in range(1, 1001):
            spool.add(numbered(number))
            if number % 10 == 0:
                spool.forget(logged(number - 9, number))
                await asyncio.sleep(0)
        assert spool.unlogged == 0
        after = (tmp_path / f"{FILE_NAME}-wal").stat()
        assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    assert ever_written(tmp_path) == 0


async def test_what_is_not_logged_in_the_window_is_on_disk_and_waits_for_its_turn(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        for number in range(1, 11):
            spool.add(numbered(number))
        await until(lambda: spool.has_backlog, "frames are on disk")
        assert await spool.oldest(after=0, count=10, older_than_s=30) == []
        assert await numbers(spool) == list(range(1, 11))
        assert spool.unlogged == 10


async def test_only_what_is_named_is_forgotten(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        for number in range(1, 11):
            spool.add(numbered(number))
        await until(lambda: spool.has_backlog, "frames are on disk")
        spool.forget(logged(3, 5) + logged(9, 2**53 - 1) + logged(1, 2, epoch=2))
        assert await numbers(spool) == [1, 2, 6, 7, 8]
        await until(lambda: spool.unlogged == 5, "five are deleted")
        spool.forget(logged(1, 10))
        await until(lambda: spool.unlogged == 0, "all are deleted")


async def test_what_is_logged_while_it_is_being_written_is_forgotten_too(tmp_path: Path) -> None:
    async with running(tmp_path, window_s=10) as (spool, _):
        for number in range(1, 501):
            spool.add(numbered(number))
        writing = asyncio.create_task(spool.flush())
        await asyncio.sleep(0)
        spool.forget(logged(1, 500))
        assert await writing
        assert await numbers(spool) == []
        await spool.flush()
        assert spool.unlogged == 0


async def test_what_is_put_back_is_not_deleted_for_having_been_logged_before(tmp_path: Path) -> None:
    async with running(tmp_path, window_s=60) as (spool, _):
        spool.add(numbered(1))
        spool.add(numbered(2))
        await spool.flush()
        spool.forget(logged(1, 1))  # it is not deleted yet
        assert await spool.put_back([numbered(1), numbered(2)])
        await spool.flush()
        assert sorted(await numbers(spool)) == [1, 2]
        assert await spool.on_disk() == {("balance", 1): [(1, 2)]}
        spool.forget(logged(1, 2))
        await spool.flush()
        assert await numbers(spool) == []


async def test_an_earlier_epoch_is_found_at_the_next_start_and_may_go_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        spool.add(numbered(1))
        await until(lambda: spool.has_backlog, "frames are on disk")
    async with running(tmp_path) as (spool, _):
        assert spool.unlogged == 1
        (found,) = await spool.oldest(after=0, count=10, older_than_s=30)
        assert found.frame == numbered(1)


async def test_a_full_spool_announces_what_it_gave_up(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(bytes=50_000)) as (spool, announced):
        for number in range(1, 101):
            spool.add(numbered(number, size=900))
        await until(lambda: announced.gaps, "a gap is announced")
        last = announced.gaps[0].last
        assert last is not None
        await until(lambda: spool.unlogged == 100 - last + 1, "the rest and the record are kept")
        assert announced.gaps == [Gap(reason="spool full", epoch=1, first=1, last=last)]
        await spool.flush()
    async with running(tmp_path) as (spool, announced):
        await until(lambda: spool.has_backlog, "frames are on disk")
        await spool.flush()
        assert announced.gaps == []


async def test_a_spool_is_full_at_its_limit_and_no_longer_when_a_tenth_is_free(tmp_path: Path) -> None:
    limits = Limits(bytes=100_000)
    async with running(tmp_path, limits=limits, keep_all=frozenset({"balance"})) as (spool, announced):
        for number in range(1, 100):
            spool.add(numbered(number, size=900))
        await spool.flush()
        assert not spool.is_full
        spool.add(numbered(100, size=900))
        await spool.flush()
        assert spool.is_full
        spool.forget(logged(1, 9))
        await spool.flush()
        assert spool.is_full
        spool.forget(logged(10, 11))
        await spool.flush()
        assert not spool.is_full
        assert announced.gaps == []


async def test_frames_that_are_too_old_are_announced_as_soon_as_the_time_is_known(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        spool.add(dated(1, NOW_US))
        assert await spool.flush()
    async with running(tmp_path, limits=Limits(age_s=60)) as (spool, announced):
        spool.add(dated(2, NOW_US + 61_000_000))
        await until(lambda: announced.gaps, "a gap is announced")
        assert announced.gaps == [Gap(reason="spool too old", epoch=1, first=1, last=1)]


async def test_a_clock_that_nobody_set_makes_no_frame_too_old(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(age_s=60)) as (spool, announced):
        spool.add(dated(1, NOW_US))
        assert await spool.flush()
        spool.add(dated(2, NOW_US + 61_000_000, synchronised=False))
        assert await spool.flush()
        assert announced.gaps == []


def dated(number: int, time_us: int, *, synchronised: bool = True) -> NumberedFrame:
    clock = Clock(synchronised=synchronised)
    payload = frames.encode(Frame(epoch=1, number=number, times=(time_us,), channels={"mass": [1.0]}, clock=clock))
    return NumberedFrame(instrument="balance", epoch=1, number=number, payload=payload, time_us=time_us)


async def test_a_disk_that_cannot_be_written_is_reported_and_frames_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as (spool, _):
        blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        spool.add(numbered(1))
        assert not await spool.flush()
        assert "spool not writable" in spool.trouble
        assert [entry.frame for entry in await spool.oldest(after=0, count=5, older_than_s=0)] == [numbered(1)]
        assert not await spool.flush()
        assert len([record for record in caplog.records if "not writable" in record.getMessage()]) == 1
        spool.forget(logged(1, 1))
        assert spool.unlogged == 0
        blocker.execute("ROLLBACK")
        blocker.close()
        await until(lambda: not spool.trouble, "it is tried again")


async def test_what_memory_gives_up_is_named(tmp_path: Path) -> None:
    limits = Limits(memory_bytes=10_000)
    async with running(tmp_path, limits=limits, keep_all=frozenset({"dear"})) as (spool, announced):
        blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        spool.add(NumberedFrame(instrument="dear", epoch=1, number=1, payload=b"x" * 1000))
        for number in range(1, 21):
            spool.add(numbered(number, size=1000))
        await until(lambda: announced.gaps, "a gap is announced")
        blocker.execute("ROLLBACK")
        blocker.close()
        (gap,) = announced.gaps
        assert gap == Gap(reason=gaps.NOT_WRITABLE, epoch=1, first=1, last=12)
        await until(lambda: not spool.trouble, "it is tried again")
        found = {entry.frame.key for entry in await spool.oldest(after=0, count=100, older_than_s=0)}
        kept = {("balance", 1, number) for number in range(13, 21)}
        assert found == kept | {("dear", 1, 1), ("balance", 9, 1)}


async def test_a_file_that_cannot_be_opened_yet_is_taken_into_use_later(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        await spool.begin_run(7, NOW_US)
        spool.add(numbered(1))
        await spool.flush()
    blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    blocker.execute("PRAGMA locking_mode = EXCLUSIVE")
    blocker.execute("BEGIN EXCLUSIVE")
    async with running(tmp_path) as (spool, _):
        opened: list[PreviousRun | None] = []
        spool.on_opened = lambda: opened.append(spool.previous)
        assert "not writable" in spool.trouble
        assert spool.previous is None
        await spool.begin_run(8, NOW_US + 9)
        spool.add(numbered(2))
        blocker.execute("ROLLBACK")
        blocker.close()
        await until(lambda: not spool.trouble, "it is in use")
        await spool.flush()
        assert opened == [PreviousRun(epoch=7, since_us=NOW_US, last_known_us=NOW_US, is_clean=False)]
        assert await numbers(spool) == [1, 2]
    async with running(tmp_path) as (spool, _):
        assert spool.previous is not None
        assert (spool.previous.epoch, spool.previous.since_us) == (8, NOW_US + 9)


async def test_while_nobody_acknowledges_less_is_at_risk(tmp_path: Path) -> None:
    async with open_spool(tmp_path, window_s=3600) as spool:
        spool.add(numbered(1))
        await spool.flush()
        spool.add(numbered(2))
        task = asyncio.create_task(spool.run())
        await until(lambda: not spool.is_in_window(numbered(2)), "it is written, long before the window ends")
        task.cancel()
        await asyncio.wait([task])


async def test_the_last_known_time_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        assert spool.last_known_us == 0
        await spool.begin_run(7, NOW_US)
        await spool.remember_time(NOW_US + 60)
    async with running(tmp_path) as (spool, _):
        assert spool.last_known_us == NOW_US + 60
        assert spool.previous == PreviousRun(epoch=7, since_us=NOW_US, last_known_us=NOW_US + 60, is_clean=False)
        await spool.end_run(NOW_US + 50)  # a clock that was set back
    async with running(tmp_path) as (spool, _):
        assert spool.last_known_us == NOW_US + 50


@pytest.mark.parametrize("mark", [b"", b"x", b"\0" * 12, b"\xff" * 12, b"\0" * 13])
async def test_a_damaged_mark_of_time_is_none(tmp_path: Path, mark: bytes) -> None:
    async with running(tmp_path) as (spool, _):
        await spool.begin_run(7, NOW_US)
        await spool.remember_time(NOW_US + 60)
    (tmp_path / "time").write_bytes(mark)
    async with running(tmp_path) as (spool, _):
        assert spool.last_known_us == NOW_US


async def test_a_run_that_ended_in_order_and_one_that_did_not_are_told_apart(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        assert spool.previous is None
        await spool.begin_run(7, NOW_US)
        await spool.end_run(NOW_US + 5)
    async with running(tmp_path) as (spool, _):
        assert spool.previous == PreviousRun(epoch=7, since_us=NOW_US, last_known_us=NOW_US + 5, is_clean=True)
        await spool.begin_run(1, NOW_US + 6, ["balance"])
        spool.add(dated(1, NOW_US + 7))
        await spool.flush()
    async with running(tmp_path) as (spool, _):
        assert spool.previous == PreviousRun(
            epoch=1,
            since_us=NOW_US + 6,
            last_known_us=NOW_US + 7,
            is_clean=False,
            instruments=frozenset({"balance"}),
        )
        assert spool.last_known_us == NOW_US + 7
        await spool.begin_run(2, NOW_US + 8, ["other"])
    async with running(tmp_path) as (spool, _):
        assert spool.previous is not None
        assert spool.previous.instruments == {"other"}


async def test_a_file_damaged_under_the_running_spool_is_replaced_and_what_is_lost_is_named(tmp_path: Path) -> None:
    async with running(tmp_path, window_s=10) as (spool, announced):
        for number in range(1, 301):
            spool.add(numbered(number, size=500))
        assert await spool.flush()
        other = sqlite3.connect(tmp_path / FILE_NAME)
        other.execute("CREATE TABLE other (x)")  # what the spool's connection has in its cache is out of date
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        other.close()
        with (tmp_path / FILE_NAME).open("r+b") as file:
            file.seek(80_000)
            file.write(b"\xa5" * 8192)
        left = await numbers(spool)
        assert spool.damage is not None
        assert "moved aside" in spool.trouble
        named = {n for gap in announced.gaps for n in range(gap.first or 0, (gap.last or 0) + 1)}
        assert {gap.reason for gap in announced.gaps} == {gaps.SPOOL_CORRUPT}
        assert sorted(named | set(left)) == list(range(1, 301))
        assert not named & set(left)
        assert left
        spool.add(numbered(301))
        assert await spool.flush()
        assert 301 in await numbers(spool)
    assert len(list(tmp_path.glob("spool.corrupt-*.sqlite"))) == 1


async def test_a_reserve_is_kept_on_the_disk(tmp_path: Path) -> None:
    async with running(tmp_path):
        status = (tmp_path / reserve.FILE_NAME).stat()
        assert status.st_size == reserve.SIZE
        assert status.st_blocks * 512 >= reserve.SIZE


async def test_two_agents_cannot_share_a_data_directory(tmp_path: Path) -> None:
    async with running(tmp_path):
        with pytest.raises(SpoolError, match="in use by another agent"):
            async with open_spool(tmp_path):
                pass


@pytest.mark.parametrize("name", ["file", "file/data"])
async def test_a_data_directory_that_can_never_be_one_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="cannot be used"):
        async with open_spool(tmp_path / name):
            pass
