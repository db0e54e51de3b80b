"""The file of the commands: sure before anything is sent, bounded, and read by the next run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kleinmaelzung_agent.commands import command_file
from kleinmaelzung_agent.commands.command_file import CommandFile
from kleinmaelzung_agent.commands.remembered import KEPT, Begun, Kept
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire.messages import Control, Reply

HELD = Control(user="anna", session="s1", since=1, until=2)


def begun(id_: str = "c1") -> Begun:
    return Begun(instrument="oven", user="anna", id=id_, name="set", origin="s1", received=8)


def reply(id_: str = "c1") -> bytes:
    return Reply(id=id_, name="set", user="anna", result="done").encode()


def frame(number: int = 1) -> NumberedFrame:
    return NumberedFrame(instrument="oven", epoch=5, number=number, payload=b"x" * 500, time_us=9, is_record=True)


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[CommandFile]:
    made = CommandFile(directory)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


async def test_the_next_run_knows_what_was_begun_ended_and_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        await file.begin(begun("c1"))
        await file.begin(begun("c2"))
        await file.end(begun("c2").key, reply("c2"), frame())
        file.note(begun("c3").key, reply("c3"), frame(2))
    async with opened(tmp_path) as file:
        assert file.memory.get(begun("c1").key) == Kept(begun=begun("c1"))
        assert file.memory.get(begun("c2").key) == Kept(reply=reply("c2"), frame=frame())
        assert file.memory.get(begun("c3").key) == Kept(reply=reply("c3"), frame=frame(2))
        await file.settled()
    async with opened(tmp_path) as file:
        assert file.memory.get(begun("c1").key) == Kept(begun=begun("c1"))
        assert file.memory.get(begun("c2").key) == Kept(reply=reply("c2"))


async def test_the_next_run_knows_who_held_an_instrument(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        for name in ("oven", "lamp"):
            keeping = file.hold(name, HELD)
            assert keeping is not None
            await keeping
        size = (tmp_path / command_file.FILE_NAME).stat().st_size
        assert file.hold("oven", HELD) is None, "known already"
        assert file.hold("probe", Control()) is None
        file.hold("lamp", Control())
        await file.begin(begun())
        assert (tmp_path / command_file.FILE_NAME).stat().st_size > size
    async with opened(tmp_path) as file:
        assert file.memory.leases == {"oven": HELD}
        await file.settled()  # written anew
    async with opened(tmp_path) as file:
        assert file.memory.leases == {"oven": HELD}


async def test_a_lease_that_cannot_be_kept_is_given_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / command_file.FILE_NAME).symlink_to("/dev/full")
    file = CommandFile(tmp_path)
    keeping = file.hold("oven", HELD)
    assert keeping is not None
    await keeping
    assert "who holds an instrument cannot be kept: No space left" in caplog.text
    await file.close()


async def test_a_command_is_on_disk_when_begin_returns(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        await file.begin(begun())
        assert (tmp_path / command_file.FILE_NAME).stat().st_size > 50


async def test_what_cannot_be_kept_is_an_error_and_not_known(tmp_path: Path) -> None:
    (tmp_path / command_file.FILE_NAME).symlink_to("/dev/full")
    file = CommandFile(tmp_path)
    file.is_open = True
    with pytest.raises(OSError, match="No space left"):
        await file.begin(begun())
    assert file.memory.get(begun().key) is None
    await file.end(begun().key, reply(), frame())  # what was done is not undone by that
    assert file.memory.get(begun().key) == Kept(reply=reply())
    await file.close()


async def test_a_file_that_cannot_be_read_is_an_error_until_it_can(tmp_path: Path) -> None:
    path = tmp_path / command_file.FILE_NAME
    path.mkdir()
    file = CommandFile(tmp_path)
    with pytest.raises(OSError, match="Is a directory"):
        await file.open()
    file.note(begun("c1").key, reply("c1"), frame())
    path.rmdir()
    await file.open()
    assert file.memory.get(begun("c1").key) == Kept(reply=reply("c1"))
    await file.close()


async def test_it_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_file, "GROWN", 1000)
    file = CommandFile(tmp_path)
    await file.open()
    sizes = []
    for count in range(3 * KEPT):
        file.note(begun(str(count)).key, reply(str(count)), frame())
        if count % 100 == 99:
            await file.begin(begun(f"b{count}"))
            sizes.append((tmp_path / command_file.FILE_NAME).stat().st_size)
    await file.close()
    one = len(reply()) * 4 // 3 + 1000
    assert max(sizes) < 4 * KEPT * one
    async with opened(tmp_path) as file:
        assert len(file.memory) == KEPT
        assert file.memory.get(begun(str(3 * KEPT - 1)).key) is not None
        assert file.memory.get(begun(f"b{3 * KEPT - 1}").key) is not None
