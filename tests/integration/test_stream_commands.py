"""Instruments that speak without a pause: who reads `connected` can command them, at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kleinmaelzung_agent.instruments import Instrument
from tests import driving
from tests.driving import Notes, command
from tests.fakes_instruments import Pty
from tests.waiting import until

SPEAKING = """
[instruments.bath]
port = "PORT"
[instruments.bath.channels.temperature]
[[instruments.bath.stream]]
pattern = '(?P<temperature>[0-9.]+) C'
[instruments.bath.commands.set]
send = "SET {value:.1f}"
reply = [{ pattern = 'OK (?P<value>[0-9.]+)' }]
arguments.value = { type = "number" }
"""


class Bath:
    """It tells its temperature 50 times a second, and takes SET."""

    def __init__(self, terminal: Pty) -> None:
        self.asked: list[str] = []
        self._terminal = terminal
        terminal.listen(self._heard)

    def _heard(self, chunk: bytes) -> None:
        self.asked += chunk.decode().split("\r\n")[:-1]
        self._terminal.say(f"OK {self.asked[-1].removeprefix('SET ')}\r\n".encode())

    async def speak(self) -> None:
        while True:
            with contextlib.suppress(BlockingIOError):  # nobody reads yet
                self._terminal.say(b"23.4 C\r\n")
            await asyncio.sleep(0.02)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Pty]:
    with Pty(tmp_path / "tty0") as made:
        yield made


@pytest.fixture
async def bath(terminal: Pty) -> AsyncIterator[Bath]:
    made = Bath(terminal)
    speaking = asyncio.create_task(made.speak())
    terminal.plug()
    yield made
    speaking.cancel()
    await asyncio.wait([speaking])


@asynccontextmanager
async def running(directory: Path, terminal: Pty, notes: Notes) -> AsyncIterator[Instrument]:
    wanted = driving.load(directory, SPEAKING.replace("PORT", terminal.port))
    async with driving.running(notes, wanted) as instruments:
        yield instruments["bath"]


async def test_what_is_connected_can_be_commanded_from_its_first_value_on(
    tmp_path: Path, terminal: Pty, bath: Bath
) -> None:
    notes = Notes()
    async with running(tmp_path, terminal, notes) as instrument:
        for count in (1, 2):
            await until(lambda: notes.condition("bath") == "connected", "connected")
            reply = await instrument.execute(command("set", value=count), timeout_s=20)
            assert (reply.result, reply.reason, reply.values) == ("done", "", {"value": count})
            terminal.unplug()
            await until(lambda: notes.condition("bath") == "searching", "lost")
            terminal.plug()
    assert bath.asked == ["SET 1.0", "SET 2.0"]


async def test_a_command_does_not_wait_for_the_beginning_for_longer_than_it_may(
    tmp_path: Path, terminal: Pty, bath: Bath
) -> None:
    notes = Notes()
    async with running(tmp_path, terminal, notes) as instrument:
        await until(lambda: notes.values("bath"), "a value")
        reply = await instrument.execute(command("set", value=1), timeout_s=0.001)
        assert (reply.result, "nothing was sent" in reply.reason) == ("expired", True)
        assert (await instrument.execute(command("set", value=2), timeout_s=20)).result == "done"
    assert bath.asked == ["SET 2.0"]


async def test_a_port_that_is_lost_before_the_beginning_was_found_refuses_what_waits(
    tmp_path: Path, terminal: Pty, bath: Bath
) -> None:
    notes = Notes()
    async with running(tmp_path, terminal, notes) as instrument:
        await until(lambda: notes.condition("bath") == "connected", "connected")
        waiting = asyncio.create_task(instrument.execute(command("set", value=1), timeout_s=20))
        await asyncio.sleep(0)
        terminal.unplug()
        reply = await waiting
        assert (reply.result, reply.reason.startswith("the instrument is not connected")) == ("refused", True)
    assert bath.asked == []
