"""Simulators of every kind, read by the agent's own drivers over a pseudo-terminal: transcripts, and every fault."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kleinmaelzung_agent.instruments import Instrument
from kleinmaelzung_agent.simulating import faults, making, ports
from kleinmaelzung_agent.simulating.faults import Faults
from kleinmaelzung_agent.simulating.instrument import Simulated
from tests import profiles_simulated, transcripts
from tests.integration.test_text_driver import Notes, command, running
from tests.waiting import until


@pytest.mark.parametrize("kind", ["text", "scpi", "binary", "binary-weak", "binary-stream", "modbus"])
async def test_what_the_transcript_says_is_what_the_driver_reads(tmp_path: Path, kind: str) -> None:
    profiles_simulated.of(kind, tmp_path)
    async with transcripts.live(tmp_path, kind, [tmp_path]) as live:
        for entry in live.entries:
            await live.holds(entry)


@dataclass
class Read:
    """A simulated instrument that is read, and what was read of it."""

    wrong: Faults
    simulated: Simulated
    instrument: Instrument
    notes: Notes
    channels: set[str]

    @property
    def values(self) -> list[tuple[str, object]]:
        return [pair for reading in self.notes.readings.get("it", []) for pair in reading.values.items()]

    async def comes(self, count: int = 5) -> None:
        """So many more values, and the instrument is connected."""
        wanted = len(self.values) + count
        await until(lambda: len(self.values) >= wanted and self.notes.condition() == "connected", "values")


@asynccontextmanager
async def reading(directory: Path, kind: str, wrong: Faults) -> AsyncIterator[Read]:
    profile, notes = profiles_simulated.of(kind, directory), Notes()
    channels = set(profile.settings["channels"])
    async with (
        making.simulated(profile, is_frozen=True) as simulated,
        ports.on_terminal(directory / "tty", simulated, wrong) as port,
        running(notes, making.configuration(profile, port=port)) as instrument,
    ):
        yield Read(wrong, simulated, instrument, notes, channels)


# Where a fault at each answer does not keep the values back.
GOES_ON = {
    ("binary", "noise"),  # records and frames with a strong checksum are found behind it
    ("binary-stream", "noise"),
    ("modbus", "noise"),
    ("modbus-ascii", "noise"),
    ("binary-stream", "slow"),  # nobody waits for what nobody asked
}
# Without a checksum nobody can tell a turned bit from another value.
UNCHECKED = {("plain-text", "checksum"), ("scpi", "checksum")}
LEADS_TO = {
    "silence": ("silent",),
    "noise": ("error",),
    "partial": ("silent", "error"),
    "slow": ("error",),
    "checksum": ("error",),
    "unplug": ("searching",),
}


@pytest.mark.parametrize("fault", faults.KINDS)
@pytest.mark.parametrize("kind", profiles_simulated.KINDS)
async def test_a_fault_is_no_value_and_the_instrument_comes_back(tmp_path: Path, kind: str, fault: str) -> None:
    async with reading(tmp_path, kind, Faults(slow_s=0.3, unplugged_s=0.5)) as it:
        await until(lambda: {name for name, _ in it.values} == it.channels, "each channel")
        right = set(it.values)
        assert {value for _, value in right} >= {21.37, 55.5}
        it.wrong.become([fault], 1)
        await until(lambda: it.wrong.made >= 3, "three faults")
        if (kind, fault) in GOES_ON:
            await it.comes()
        elif (kind, fault) not in UNCHECKED:
            await until(lambda: it.notes.condition() in LEADS_TO[fault], f"{LEADS_TO[fault]}")
        it.wrong.become([])
        await it.comes(10)
        if (kind, fault) not in UNCHECKED:
            assert set(it.values) == right
        assert set(it.values[-4:]) <= right


COUNTER = """
silent_after = "3s"
[profile]
label = "It says how often it was asked"
source = "a test"
[channels.count]
[[poll]]
send = "N?"
every = "40ms"
timeout = "100ms"
reply = [{ pattern = '(?P<count>[0-9]+)' }]
[simulator.variables]
count = 0
[[transcript]]
send = "N?"
set = { count = "count + 1" }
reply = "{count:d}"
"""


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(profiles_simulated.KINDS, "counter", COUNTER)
    return "counter"


async def test_a_slow_answer_is_none_to_the_question_after_it(tmp_path: Path, counter: str) -> None:
    # Within the second that a late answer is waited for.
    async with reading(tmp_path, counter, Faults(slow_s=0.3)) as it:
        await it.comes(2)
        before = int(it.simulated.variables.at(0)["count"])
        it.wrong.become(["slow"], 4)
        await until(lambda: it.wrong.made == 4, "four slow answers", 40)
        it.wrong.become([])
        await it.comes()
        await until(lambda: it.instrument.counters.late == 4, "all of them")
        values = [value for _, value in it.values]
        slow = {before + 4, before + 8, before + 12, before + 16}
        # Each answer is one value at most, in the order of asking, and those that were slow are none.
        assert values == [number for number in range(1, len(values) + 5) if number not in slow]
        assert (it.instrument.counters.timeouts, it.notes.condition()) == (4, "connected")


async def test_answers_that_are_all_slow_say_so_and_what_to_do(tmp_path: Path, counter: str) -> None:
    async with reading(tmp_path, counter, Faults(["slow"], 1, slow_s=0.3)) as it:
        await until(lambda: it.notes.condition() == "error", "the state says so")
        assert it.notes.reason().endswith("too late); check timeout")
        assert it.values == []


async def test_a_pump_in_the_network_takes_a_command_from_one_and_tells_another(tmp_path: Path) -> None:
    profile = profiles_simulated.of("binary", tmp_path)
    async with (
        making.simulated(profile, is_frozen=True) as simulated,
        ports.on_tcp("127.0.0.1", 0, simulated, Faults()) as place,
    ):
        settings, notes, other = making.configuration(profile, port=f"socket://{place}"), Notes(), Notes()
        async with running(notes, settings) as one, running(other, settings):
            await until(lambda: other.readings.get("it"), "values")
            reply = await one.execute(command("set", flow=45.67), timeout_s=5)
            assert reply.result == "done", reply.reason
            await until(lambda: other.readings["it"][-1].values.get("flow") == 45.67, "the other sees it")
