"""The 1-wire driver with the agent's own pieces, on files as the kernel has them, in a directory of our own."""

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument
from tests.integration.test_text_driver import Notes, command
from tests.waiting import until

ID = "28-0316a279d6ff"
TEXT = f"""
[instruments.it]
driver = "onewire"
id = "{ID}"
every = "10ms"
timeout = "200ms"
silent_after = "500ms"
[instruments.it.channels.temperature]
"""
CHANNEL = "[instruments.it.channels.temperature]"
BYTES = "72 01 4b 46 7f ff 0e 10 57"
POWER_ON = "50 05 4b 46 7f ff 0c 10 1c"


class Kernel:
    """A directory such as /sys/bus/w1/devices."""

    def __init__(self, directory: Path) -> None:
        self.devices = directory / "devices"

    def show(self, millis: int, id_: str = ID, *, content: str = BYTES, verdict: str = "YES") -> None:
        text = f"{content} : crc={content[-2:]} {verdict}\n{content} t={millis}\n"
        self.write(id_, "w1_slave", text)

    def write(self, id_: str, name: str, text: str) -> None:
        (self.devices / id_).mkdir(parents=True, exist_ok=True)
        new = self.devices / id_ / "new"  # the kernel makes a file's content at once
        new.write_text(text)
        new.rename(self.devices / id_ / name)

    def slow(self, id_: str = ID) -> Path:
        """A file that gives its content only when somebody writes it: a sensor takes 750 ms to answer."""
        (self.devices / id_).mkdir(parents=True, exist_ok=True)
        fifo = self.devices / id_ / "w1_slave"
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
        return fifo


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@pytest.fixture
def notes() -> Notes:
    return Notes()


def read(directory: Path, text: str) -> dict[str, InstrumentConfig]:
    path = directory / "agent.toml"
    path.write_text('[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n' + text)
    path.chmod(0o600)
    return config.load(path).instruments


@asynccontextmanager
async def running(notes: Notes, wanted: dict[str, InstrumentConfig], kernel: Kernel) -> AsyncIterator[list[Instrument]]:
    made = list(making.make_all(wanted, lambda: Places(onewire=kernel.devices))(notes).values())
    tasks = [asyncio.create_task(instrument.run()) for instrument in made]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_a_thermometer_is_read(tmp_path: Path, kernel: Kernel, notes: Notes) -> None:
    kernel.show(23125)
    async with running(notes, read(tmp_path, TEXT), kernel):
        await until(lambda: notes.values()[-2:] == [23.125, 23.125], "readings")
        assert notes.readings["it"][0].units == {"temperature": "°C"}
        kernel.show(-10125)
        await until(lambda: notes.values()[-1] == -10.125, "a new one")
    assert notes.condition() == "connected"


async def test_a_wrong_crc_is_no_value_and_the_state_says_so(tmp_path: Path, kernel: Kernel, notes: Notes) -> None:
    kernel.show(23125)
    async with running(notes, read(tmp_path, TEXT), kernel) as (it,):
        await until(lambda: notes.condition() == "connected", "connected")
        kernel.show(99000, verdict="NO")
        await until(lambda: notes.condition() == "error", "an error")
        assert "not a measurement with a right CRC" in notes.reason()
        assert it.counters.wrong_checksums > 1
        kernel.show(23250)
        await until(lambda: notes.condition() == "connected", "right again")
    assert set(notes.values()) <= {23.125, 23.25}


async def test_a_sensor_that_has_not_measured_has_no_value(tmp_path: Path, kernel: Kernel, notes: Notes) -> None:
    kernel.show(85000, content=POWER_ON)
    async with running(notes, read(tmp_path, TEXT), kernel):
        await until(lambda: notes.values(), "a reading")
        assert notes.values()[0] is None
        assert notes.readings["it"][0].quality == {"temperature": "power-on"}
        kernel.show(85000, content="50 05 4b 46 7f ff 10 10 aa")
        await until(lambda: notes.values()[-1] == 85.0, "it is 85 °C hot")
        assert notes.readings["it"][-1].quality == {}


async def test_a_sensor_that_is_away_is_named_and_read_when_it_comes(
    tmp_path: Path, kernel: Kernel, notes: Notes
) -> None:
    async with running(notes, read(tmp_path, TEXT), kernel):
        await until(lambda: "there is no 1-wire bus; on a Raspberry Pi enable it" in str(notes.states), "no bus")
        kernel.devices.mkdir()
        (kernel.devices / "w1_bus_master1").mkdir()
        await until(lambda: "it sees none: look at wires and pull-up" in str(notes.states), "no sensor")
        kernel.show(1000, id_="28-000000000001")
        await until(lambda: f"no 1-wire sensor {ID}; it sees 28-000000000001" in str(notes.states), "another")
        kernel.show(23125)
        await until(lambda: notes.condition() == "connected", "here it is", limit_s=30)
        shutil.rmtree(kernel.devices / ID)
        await until(lambda: notes.condition() == "searching", "gone")
        kernel.show(23125)
        await until(lambda: notes.condition() == "connected", "back")


async def test_where_there_is_no_w1_slave_temperature_is_read(tmp_path: Path, kernel: Kernel, notes: Notes) -> None:
    kernel.write(ID, "temperature", "23125\n")
    async with running(notes, read(tmp_path, TEXT), kernel):
        await until(lambda: notes.values() and notes.values()[-1] == 23.125, "a reading")
        kernel.write(ID, "temperature", "")
        await until(lambda: notes.condition() == "error", "the kernel could not read it")
        kernel.write(ID, "temperature", "85000\n")
        await until(lambda: notes.values()[-1] is None, "it has not measured")


async def test_several_are_read_at_the_same_time_and_a_slow_one_holds_up_nobody(
    tmp_path: Path, kernel: Kernel, notes: Notes
) -> None:
    other = "28-000000000002"
    text = TEXT + TEXT.replace("instruments.it", "instruments.other").replace(ID, other)
    fifo = kernel.slow()
    kernel.show(5000, id_=other)
    async with running(notes, read(tmp_path, text), kernel):
        await until(lambda: len(notes.values("other")) > 10, "the other goes on")
        await until(lambda: "hangs: the kernel does not give its file" in str(notes.states), "it is said")
        await until(lambda: sum(thread.name == f"onewire {ID}" for thread in threading.enumerate()) == 1, "one thread")
        with fifo.open("w"):  # what hangs comes to its end, without a content
            kernel.show(7000)
        await until(lambda: notes.values() and notes.values()[-1] == 7.0, "it is read")


async def test_it_takes_no_commands(tmp_path: Path, kernel: Kernel, notes: Notes) -> None:
    kernel.show(23125)
    async with running(notes, read(tmp_path, TEXT), kernel) as (it,):
        for name in ("_raw", "nonsense"):
            answer = await it.execute(command(name), timeout_s=1)
            assert answer.result == "refused"


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (ID, "28-xyz", 'instruments.it.id: expected a name such as "28-0316a279d6ff"'),
        (ID, "../../../etc/passwd", "instruments.it.id: expected a name"),
        (CHANNEL, "", "expected one, the temperature, found 0"),
        (CHANNEL, CHANNEL + '\ntype = "text"', 'expected one of "number"'),
        (CHANNEL, CHANNEL + '\n[instruments.it.commands.x]\nsend = "x"', "commands"),
        (CHANNEL, CHANNEL + TEXT.replace(".it", ".b"), "is the port of instrument"),
    ],
)  # fmt: skip
def test_a_mistake_is_said(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, TEXT.replace(old, new, 1))
    assert mistake in str(raised.value)
