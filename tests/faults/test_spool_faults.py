"""What a disk can do to the spool: cut off, flip bits, be full, be read-only, be exchanged."""

import ast
import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool import reserve
from kleinmaelzung_agent.spool.disk import Disk
from kleinmaelzung_agent.spool.spool import Limits, Spool, open_spool
from kleinmaelzung_agent.spool.spool_file import FILE_NAME
from kleinmaelzung_agent.spool.spool_held import ENDED, EPOCH, SINCE, Change, Loss
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import LoggedRanges
from tests.small_disk import fill, needs_root, small_disk
from tests.waiting import until

SEED = 20260
COMMITS, FRAMES = 40, 3  # each commit's frames
START_US = 1_800_000_000_000_000


def numbered(number: int, size: int = 600) -> NumberedFrame:
    payload = random.Random(number).randbytes(size)
    time_us = START_US + number * 1_000_000
    return NumberedFrame(instrument="balance", epoch=5, number=number, payload=payload, time_us=time_us)


def copied(source: Path, target: Path) -> Path:
    """As a power cut leaves it: what is on disk, without an orderly end."""
    target.mkdir()
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
    return target


@pytest.fixture(scope="module")
def spooled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spool half in its main file and half in the log beside it, of an agent that did not end in order."""
    directory, copy = tmp_path_factory.mktemp("spool"), tmp_path_factory.mktemp("copy") / "spool"
    disk = Disk(directory, Limits(), frozenset())
    disk.remember(Change(facts={EPOCH: 5, SINCE: START_US, ENDED: 0}), firmly=True)
    for commit in range(COMMITS):
        first = commit * FRAMES + 1
        disk.commit(Change(frames=[numbered(number) for number in range(first, first + FRAMES)]))
        if commit == COMMITS // 2:
            disk.remember(Change(), firmly=True)
    copied(directory, copy)
    disk.close()
    assert (copy / FILE_NAME).stat().st_size > 40_000
    assert (copy / f"{FILE_NAME}-wal").stat().st_size > 40_000
    return copy


@pytest.fixture
def quick() -> Iterator[Path]:
    """A directory that needs no disk, where there is such a thing: for hundreds of files that are opened and closed."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        yield Path(directory)


class Found:
    """What a spool says of itself after a fault."""

    def __init__(self, directory: Path) -> None:
        disk = Disk(directory, Limits(), frozenset())
        try:
            outcome = disk.open()
            self.frames, later = disk.read(after=0, until=2**62, count=10_000)
            self.losses: list[Loss] = outcome.losses + (later.losses if later else [])
            self.damage, self.previous = disk.damage, disk.previous
            # And it can be used.
            disk.commit(Change(frames=[numbered(10_000)]))
            again, _ = disk.read(after=0, until=2**62, count=10_000)
            assert [entry.frame.number for entry in again] == [*self.numbers, 10_000]
        finally:
            disk.close()

    @property
    def numbers(self) -> list[int]:
        return [entry.frame.number for entry in self.frames]

    def check(self) -> None:
        """No frame is invented or altered, and each that is missing is told, by its number or by its time."""
        assert [entry.frame for entry in self.frames] == [numbered(number) for number in self.numbers]
        missing = set(range(1, COMMITS * FRAMES + 1)) - set(self.numbers)
        for loss in self.losses:
            missing -= set(range(loss.gap.first or 0, (loss.gap.last or -1) + 1))
        assert all(self.is_told(START_US + number * 1_000_000) for number in missing), sorted(missing)

    def is_told(self, time_us: int) -> bool:
        if self.damage and not self.damage.are_numbers_known:
            return self.damage.since_us is None or self.damage.since_us <= time_us
        # The agent records the end of a run that did not end in order, with its times.
        return self.previous is not None and not self.previous.is_clean and self.previous.last_known_us <= time_us


@pytest.mark.parametrize("name", [FILE_NAME, f"{FILE_NAME}-wal"])
def test_a_file_that_was_cut_off_gives_only_what_was_committed(spooled: Path, quick: Path, name: str) -> None:
    size = (spooled / name).stat().st_size
    for offset in sorted(random.Random(SEED).sample(range(size), 100)):
        directory = copied(spooled, quick / str(offset))
        os.truncate(directory / name, offset)
        found = Found(directory)
        found.check()
        if name != FILE_NAME:
            assert found.damage is None
            assert found.numbers == list(range(1, len(found.numbers) + 1))
            assert len(found.numbers) % FRAMES == 0
        shutil.rmtree(directory)


@pytest.mark.parametrize("name", [FILE_NAME, f"{FILE_NAME}-wal"])
def test_a_flipped_bit_alters_no_frame_and_what_it_costs_is_told(spooled: Path, quick: Path, name: str) -> None:
    contents = (spooled / name).read_bytes()
    dice = random.Random(SEED)
    costs: list[int] = []
    for turn in range(100):
        directory = copied(spooled, quick / str(turn))
        flipped = bytearray(contents)
        flipped[dice.randrange(len(contents))] ^= 1 << dice.randrange(8)
        (directory / name).write_bytes(flipped)
        found = Found(directory)
        found.check()
        costs.append(COMMITS * FRAMES - len(found.numbers))
        assert len(list(directory.glob("spool.corrupt-*.sqlite"))) == (1 if found.damage else 0)
        shutil.rmtree(directory)
    assert any(costs)
    if name == FILE_NAME:  # a log ends where it is damaged
        assert sorted(costs)[len(costs) // 2] <= 1


async def test_ids_go_on_after_the_spool_was_emptied(tmp_path: Path) -> None:
    disk = Disk(tmp_path, Limits(), frozenset())
    last_id = disk.commit(Change(frames=[numbered(n) for n in range(1, 11)])).last_id
    assert disk.commit(Change(logged=[("balance", 5, 1, 10)])).count == 0
    disk.close()
    disk = Disk(tmp_path, Limits(), frozenset())
    assert disk.commit(Change(frames=[numbered(11)])).last_id == last_id + 1
    disk.close()


@pytest.mark.parametrize("endings", [("", "-wal", "-shm"), ("",)])
def test_a_spool_that_is_gone_is_begun_anew_and_swallows_nothing(
    spooled: Path, tmp_path: Path, endings: tuple[str, ...]
) -> None:
    directory = copied(spooled, tmp_path / "spool")
    for ending in endings:
        (directory / f"{FILE_NAME}{ending}").unlink(missing_ok=True)
    found = Found(directory)
    assert found.numbers == []
    assert (found.previous, found.damage, found.losses) == (None, None, [])
    disk = Disk(directory, Limits(), frozenset())
    assert disk.commit(Change(frames=[numbered(1), numbered(2)])).count == 3
    disk.close()


class Announcing:
    def __init__(self, spool: Spool) -> None:
        self.gaps: list[Gap] = []
        self._spool = spool

    def __call__(self, instrument: str, gap: Gap) -> NumberedFrame:
        self.gaps.append(gap)
        payload = repr(gap.to_record()).encode()
        frame = NumberedFrame(instrument=instrument, epoch=9, number=len(self.gaps), payload=payload, is_record=True)
        self._spool.add(frame)
        return frame


@asynccontextmanager
async def running(directory: Path, limits: Limits) -> AsyncIterator[tuple[Spool, Announcing]]:
    async with open_spool(directory, window_s=0.01, limits=limits, retry_s=0.02) as spool:
        spool.announce = announcing = Announcing(spool)
        task = asyncio.create_task(spool.run())
        try:
            yield spool, announcing
        finally:
            task.cancel()
            await asyncio.wait([task])


async def everything(spool: Spool) -> list[NumberedFrame]:
    return [entry.frame for entry in await spool.oldest(after=0, count=10_000, older_than_s=0)]


LITTLE = Limits(memory_bytes=100_000)


@needs_root
async def test_a_disk_that_fills_up_costs_nothing_within_the_memory_bound(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4m") as directory:
        async with running(directory, LITTLE) as (spool, announcing):
            spool.add(numbered(1))
            await until(lambda: spool.has_backlog, "the first is on disk")
            fill(directory)
            number = 1
            while not spool.trouble:  # the log has some room of its own
                number += 1
                spool.add(numbered(number))
                await asyncio.sleep(0.001)
            for further in range(number + 1, number + 51):
                spool.add(numbered(further))
            spool.forget([LoggedRanges(instrument="balance", epoch=5, ranges=[(1, 1)])])
            (directory / "ballast").unlink()
            await until(lambda: not spool.trouble, "the disk is used again")
            assert (directory / reserve.FILE_NAME).stat().st_size == reserve.SIZE
            assert await everything(spool) == [numbered(n) for n in range(2, number + 51)]
            assert announcing.gaps == []


@needs_root
async def test_what_a_full_disk_costs_is_on_that_disk_before_the_agent_dies(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4m") as directory:
        async with running(directory, LITTLE) as (spool, announcing):
            fill(directory)
            await flood(spool)
            await until(lambda: announcing.gaps, "memory gave something up")
            await until(lambda: on_disk(directory) >= set(announcing.gaps), "the records are on the disk")
            assert "not writable" in spool.trouble
            assert {gap.reason for gap in announcing.gaps} == {gaps.NOT_WRITABLE}
            (directory / "ballast").unlink()
            await until(lambda: not spool.trouble, "the disk is used again")
            assert await spool.flush()
            kept = {frame.number for frame in await everything(spool) if not frame.is_record}
            lost = {n for gap in announcing.gaps for n in range(gap.first or 0, (gap.last or 0) + 1)}
            assert kept | lost == set(range(1, FLOOD + 1))
            assert not kept & lost


@needs_root
async def test_frames_left_in_memory_at_the_end_are_named_at_the_next_start(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4m") as directory:
        async with running(directory, Limits()) as (spool, announcing):
            fill(directory)
            await flood(spool)
            await until(lambda: spool.trouble, "the disk is full")
            assert announcing.gaps == []
        (directory / "ballast").unlink()
        async with running(directory, Limits()) as (spool, announcing):
            await until(lambda: announcing.gaps, "they are named")
            kept = {frame.number for frame in await everything(spool) if not frame.is_record}
            lost = {n for gap in announcing.gaps for n in range(gap.first or 0, (gap.last or 0) + 1)}
            assert kept | lost == set(range(1, FLOOD + 1))
            assert not kept & lost
            assert lost


@needs_root
@pytest.mark.parametrize("has_spool", [True, False])
async def test_an_agent_starts_on_a_full_disk_and_uses_it_when_there_is_room(tmp_path: Path, has_spool: bool) -> None:
    with small_disk(tmp_path / "disk", "4m") as directory:
        if has_spool:
            async with running(directory, Limits()) as (spool, _):
                spool.add(numbered(1))
                assert await spool.flush()
        fill(directory)
        async with running(directory, Limits()) as (spool, announcing):
            assert spool.trouble == "" if has_spool else "not writable" in spool.trouble
            if has_spool:  # the reserve made it possible to open it
                assert [frame.number for frame in await everything(spool)] == [1]
            fill(directory)
            for number in range(2, 52):
                spool.add(numbered(number))
            await until(lambda: "not writable" in spool.trouble, "the disk is full")
            (directory / "ballast").unlink()
            await until(lambda: not spool.trouble, "the disk is used again")
            assert await spool.flush()
            assert [frame.number for frame in await everything(spool)] == [1, *range(2, 52)][not has_spool :]
            assert announcing.gaps == []


@needs_root
@pytest.mark.parametrize("has_spool", [True, False])
async def test_an_agent_starts_on_a_read_only_disk_and_uses_it_later(tmp_path: Path, has_spool: bool) -> None:
    with small_disk(tmp_path / "disk", "4m") as directory:
        if has_spool:
            async with running(directory, Limits()) as (spool, _):
                await spool.begin_run(5, START_US)
                spool.add(numbered(1))
                assert await spool.flush()
        remount(directory, "ro")
        async with running(directory, Limits()) as (spool, announcing):
            assert "not writable" in spool.trouble
            spool.add(numbered(2))
            assert not await spool.flush()
            remount(directory, "rw")
            await until(lambda: not spool.trouble, "the disk is used again")
            assert await spool.flush()
            assert [frame.number for frame in await everything(spool)] == [1, 2][not has_spool :]
            assert (spool.previous is not None) == has_spool
            assert announcing.gaps == []


@needs_root
async def test_a_damaged_spool_on_a_full_disk_waits_there_until_it_can_be_saved(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4m") as directory:
        async with running(directory, Limits()) as (spool, _):
            for number in range(1, 301):
                spool.add(numbered(number))
            assert await spool.flush()
        with (directory / FILE_NAME).open("r+b") as file:
            file.seek(100_000)
            file.write(b"\xa5" * 4096)
        (directory / reserve.FILE_NAME).unlink()
        fill(directory)
        async with running(directory, Limits()) as (spool, announcing):
            assert "not writable" in spool.trouble
            assert spool.damage is None
            (directory / "ballast").unlink()
            await until(lambda: spool.damage, "it is replaced")
            await until(lambda: not spool.trouble.startswith(gaps.NOT_WRITABLE), "the disk is used again")
            kept = {frame.number for frame in await everything(spool) if not frame.is_record}
            lost = {n for gap in announcing.gaps for n in range(gap.first or 0, (gap.last or 0) + 1)}
            assert kept | lost == set(range(1, 301))
            assert len(lost) < 20


FLOOD = 400


async def flood(spool: Spool) -> None:
    """Four times what memory may take where it is little."""
    for number in range(1, FLOOD + 1):
        spool.add(numbered(number, size=1000))
        await asyncio.sleep(0.001)


def on_disk(directory: Path) -> set[Gap]:
    """The gaps of which a record is in the file, as another process would find it after a kill."""
    connection = sqlite3.connect(directory / FILE_NAME)
    try:
        rows = connection.execute("SELECT payload FROM frames WHERE is_record").fetchall()
    finally:
        connection.close()
    return {Gap.from_record(ast.literal_eval(payload.decode())) for (payload,) in rows}


def remount(directory: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", directory], check=True)
