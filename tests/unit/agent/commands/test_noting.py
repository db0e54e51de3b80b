"""What never went to an instrument is on record when the next run would know it too, and not before."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent.commands import command_file, desk
from kleinmaelzung_agent.commands.command_file import CommandFile
from kleinmaelzung_agent.commands.guards import Guard
from kleinmaelzung_agent.commands.noting import Noting
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from tests.waiting import until


class Desk:
    """Numbers records and keeps what is on its way."""

    def __init__(self) -> None:
        self.numbered = 0
        self.gone: list[int] = []

    def number(self, instrument: str, record: dict[str, Any]) -> NumberedFrame:
        self.numbered += 1
        return NumberedFrame(instrument=instrument, epoch=1, number=self.numbered, payload=repr(record).encode())

    def hand_over(self, frame: NumberedFrame) -> None:
        self.gone.append(frame.number)

    def interlock(self, instrument: str, guard: Guard) -> str:
        return ""

    def acknowledge(self, instrument: str, id_: str, user: str, note: str) -> int:
        return 0

    def now_us(self) -> int:
        return 1


class Disk:
    """A disk that stands still until it is let go: a pipe that nobody reads."""

    def __init__(self, directory: Path) -> None:
        self._path, self._reader = directory / command_file.FILE_NAME, -1
        os.mkfifo(self._path)

    def go_on(self) -> None:
        if self._reader < 0:
            self._reader = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)

    def close(self) -> None:
        self.go_on()
        os.close(self._reader)


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    made = Disk(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def file(tmp_path: Path, disk: Disk) -> AsyncIterator[CommandFile]:
    made = CommandFile(tmp_path)
    yield made
    disk.go_on()
    await made.close()


def refuse(noting: Noting) -> None:
    begun = desk.our_own("oven", "set", 1)
    noting.leave(begun, desk.answer_to(begun, "refused", "busy", 1))


async def test_a_record_goes_when_its_command_is_in_the_file(disk: Disk, file: CommandFile) -> None:
    kept = Desk()
    noting = Noting(file, kept)
    for _ in range(3):
        refuse(noting)
    await asyncio.wait(noting.waiting, timeout=0.05)
    assert (kept.numbered, kept.gone) == (3, [])
    disk.go_on()
    await until(lambda: kept.gone == [1, 2, 3], "all are on their way")
    assert noting.waiting == []


async def test_at_the_end_no_record_waits_for_a_disk_that_does_not_answer(disk: Disk, file: CommandFile) -> None:
    kept = Desk()
    noting = Noting(file, kept)
    refuse(noting)
    noting.settle()
    assert kept.gone == [1]
    disk.go_on()
    await file.close()
    await asyncio.sleep(0)
    assert kept.gone == [1], "once"


async def test_where_too_many_wait_for_the_disk_a_record_goes_at_once(
    disk: Disk, file: CommandFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_file, "MAX_WAITING", 2)
    kept = Desk()
    noting = Noting(file, kept)
    for _ in range(3):
        refuse(noting)
    assert kept.gone == [3]
    disk.go_on()
    await until(lambda: kept.gone == [3, 1, 2], "the others too")


async def test_a_full_disk_holds_no_record_back(tmp_path: Path) -> None:
    (tmp_path / command_file.FILE_NAME).symlink_to("/dev/full")
    file, kept = CommandFile(tmp_path), Desk()
    refuse(Noting(file, kept))
    await until(lambda: kept.gone == [1], "it is on its way")
    await file.close()
