"""Memory for a window, the disk behind it, and only what is logged is forgotten."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kleinmaelzung_agent.recorder import NumberedFrame
from kleinmaelzung_agent.spool import Spool, SpoolError, open_spool
from kleinmaelzung_agent.spool_file import FILE_NAME
from kleinmaelzung_wire.messages import LoggedRanges
from tests.waiting import until

WINDOW_S = 0.05


def numbered(number: int, epoch: int = 1, size: int = 10) -> NumberedFrame:
    return NumberedFrame(instrument="balance", epoch=epoch, number=number, payload=b"x" * size)


def logged(first: int, last: int, epoch: int = 1) -> list[LoggedRanges]:
    return [LoggedRanges(instrument="balance", epoch=epoch, ranges=[(first, last)])]


class Announced:
    """Numbers gap records in an epoch of their own, as the agent would."""

    def __init__(self, spool: Spool) -> None:
        self.records: list[dict[str, object]] = []
        self._spool = spool

    def __call__(self, instrument: str, record: dict[str, object]) -> NumberedFrame:
        self.records.append(record)
        frame = NumberedFrame(instrument=instrument, epoch=9, number=len(self.records), payload=b"gap", is_record=True)
        self._spool.add(frame)
        return frame


@asynccontextmanager
async def running(
    directory: Path, window_s: float = WINDOW_S, limit_bytes: int = 10**9
) -> AsyncIterator[tuple[Spool, Announced]]:
    async with open_spool(directory, window_s=window_s, limit_bytes=limit_bytes) as spool:
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


async def test_an_earlier_epoch_is_found_at_the_next_start_and_may_go_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        spool.add(numbered(1))
        await until(lambda: spool.has_backlog, "frames are on disk")
    async with running(tmp_path) as (spool, _):
        assert spool.unlogged == 1
        (found,) = await spool.oldest(after=0, count=10, older_than_s=30)
        assert found.frame == numbered(1)


async def test_a_full_spool_announces_what_it_gave_up(tmp_path: Path) -> None:
    async with running(tmp_path, limit_bytes=50_000) as (spool, announced):
        for number in range(1, 101):
            spool.add(numbered(number, size=900))
        await until(lambda: announced.records, "a gap is announced")
        left = 100 - announced_last(announced) + 1
        await until(lambda: spool.unlogged == left, "the rest and the record are kept")
        assert announced.records == [
            {"kind": "gap", "epoch": 1, "first": 1, "last": announced_last(announced), "reason": "spool full"}
        ]
        await spool.flush()
    async with running(tmp_path) as (spool, announced):
        await until(lambda: spool.has_backlog, "frames are on disk")
        await spool.flush()
        assert announced.records == []


def announced_last(announced: Announced) -> int:
    last = announced.records[0]["last"]
    assert isinstance(last, int)
    return last


async def test_a_disk_that_cannot_be_written_is_reported_and_frames_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, window_s=10) as (spool, _):
        blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        blocker.execute("DROP TABLE frames")
        spool.add(numbered(1))
        assert not await spool.flush()
        assert "spool not writable" in spool.trouble
        assert [entry.frame for entry in await spool.oldest(after=0, count=5, older_than_s=0)] == [numbered(1)]
        assert not await spool.flush()
        assert len([record for record in caplog.records if "not writable" in record.getMessage()]) == 1
        blocker.close()
        spool.forget(logged(1, 1))
        assert spool.unlogged == 0


async def test_the_last_known_time_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as (spool, _):
        assert await spool.last_known_us() == 0
        await spool.remember_time(1_800_000_000_000_000)
    async with running(tmp_path) as (spool, _):
        assert await spool.last_known_us() == 1_800_000_000_000_000


async def test_two_agents_cannot_share_a_data_directory(tmp_path: Path) -> None:
    async with running(tmp_path):
        with pytest.raises(SpoolError, match="in use by another agent"):
            async with open_spool(tmp_path):
                pass
