"""Every profile that is shipped: its transcript, its simulator, and the whole way into the database with units.

MT-SICS also against mt-sics-emulator, which we did not write, as each of the balances that it knows.
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mtsics import profiles as balances

from kleinmaelzung_agent import lifetime, making
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.simulating import making as simulators
from kleinmaelzung_agent.simulating import ports
from kleinmaelzung_agent.simulating.faults import Faults
from tests import fakes_i2c, running_agent, transcripts
from tests.fakes_instruments import mt_sics_balance
from tests.integration.test_text_driver import Notes, command, running
from tests.waiting import until
from tests.whole import whole_system

NAMES = profile_files.names(transcripts.ALL)
BY_THE_KERNEL = ("i2c", "onewire")
ON_A_PORT = [name for name in NAMES if profile_files.find(name, transcripts.ALL).driver not in BY_THE_KERNEL]


@pytest.mark.parametrize("name", NAMES)
async def test_what_the_transcript_says_is_what_the_driver_reads(tmp_path: Path, name: str) -> None:
    async with transcripts.live(tmp_path, name) as live:
        for entry in live.entries:
            await live.holds(entry)


@pytest.mark.parametrize("balance", balances.list_profiles())
async def test_mt_sics_emulator_in_all_its_profiles_by_configuration_alone(tmp_path: Path, balance: str) -> None:
    notes, known = Notes(), balances.load(balance)
    with mt_sics_balance(tmp_path, balance) as port:
        it = transcripts.load(tmp_path, {"it": {"profile": "mt-sics", "port": port}})["it"]
        async with running(notes, it) as instrument:
            await until(lambda: notes.readings.get("it"), "a weight")
            assert instrument.description().identity == {"serial": known.serial_number}
            assert notes.readings["it"][-1].units == {"weight": known.unit}
            tare = await instrument.execute(command("tare_immediately"), timeout_s=10)
            assert (tare.result, tare.units) == ("done", {"tare": known.unit}), tare.reason
            for name in ("tare", "clear_tare", "zero", "zero_immediately"):
                reply = await instrument.execute(command(name), timeout_s=10)
                assert reply.result == "done", f"{name}: {reply.reason}"
            refused = await instrument.execute(command("set_tare", mass=1.0), timeout_s=10)
            assert refused.reason == "the balance does not know this command"


# --- simulators -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def simulating(directory: Path, name: str, *options: str) -> AsyncIterator[dict[str, Any]]:
    """`kleinmaelzung-agent simulate` as its own process; gives the keys that it prints for agent.toml."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kleinmaelzung_agent", "simulate", name, *options),
        stdout=asyncio.subprocess.PIPE,
        cwd=directory,
    )
    assert process.stdout
    try:
        keys: dict[str, Any] = {}
        async with asyncio.timeout(20):
            while "port" not in keys:
                line = (await process.stdout.readline()).decode()
                assert line, "it has ended"
                key, _, value = line.partition(" = ")
                if value:
                    keys[key] = json.loads(value)
        yield keys
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize("name", ["julabo", "binder-mk"])
async def test_what_simulate_prints_is_a_table_that_reads_it(tmp_path: Path, name: str) -> None:
    notes = Notes()
    async with simulating(tmp_path, name) as keys, running(notes, transcripts.load(tmp_path, {"it": keys})["it"]):
        await until(lambda: notes.readings.get("it"), "values")
    assert not (tmp_path / name).is_symlink(), "it leaves no name behind"


@pytest.mark.parametrize("name", ["mt-sics", "binder-mk"])
async def test_a_simulator_listens_in_the_network(tmp_path: Path, name: str) -> None:
    notes = Notes()
    async with (
        simulating(tmp_path, name, "--tcp", "127.0.0.1:0") as keys,
        running(notes, transcripts.load(tmp_path, {"it": keys})["it"]),
    ):
        await until(lambda: notes.readings.get("it"), "values")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *(("huber-pp", fault) for fault in ("silence", "noise", "partial")),
        *(("binder-mk", fault) for fault in ("silence", "noise", "partial", "checksum")),
    ],
)
async def test_a_fault_is_no_value_and_the_next_answer_is_one(tmp_path: Path, name: str, fault: str) -> None:
    notes = Notes()
    profile = profile_files.find(name, transcripts.ALL)
    async with simulators.simulated(profile, is_frozen=True) as instrument:
        right = set(instrument.variables.at(0).values())
        async with ports.on_terminal(tmp_path / "tty", instrument, Faults([fault], 5)) as port:
            settings = transcripts.read(
                name, {"port": port, "timeout": "100ms"} if name == "binder-mk" else {"port": port}
            )
            async with running(notes, settings):
                await until(lambda: len(notes.readings.get("it", [])) > 8, "values")
    read = {value for reading in notes.readings["it"] for value in reading.values.values()}
    assert read <= right | {True, False}


async def test_a_turned_bit_without_a_checksum_is_another_value_where_the_answer_still_fits(tmp_path: Path) -> None:
    notes = Notes()
    profile = profile_files.find("huber-pp", transcripts.ALL)
    async with (
        simulators.simulated(profile, is_frozen=True) as instrument,
        ports.on_terminal(tmp_path / "tty", instrument, Faults(["checksum"], 1)) as port,
        running(notes, transcripts.read("huber-pp", {"port": port})) as it,
    ):
        await until(lambda: len(notes.readings.get("it", [])) > 8 and it.counters.rejected_lines, "values")
    read = {pair for reading in notes.readings["it"] for pair in reading.values.items()}
    # +02499 and +02500 became +03499 and +03500; +00000 became +01000, which is neither on nor off.
    assert read == {("bath", 34.99), ("setpoint", 35.0)}


async def test_an_unplugged_simulator_comes_back_under_its_name(tmp_path: Path) -> None:
    notes = Notes()
    profile = profile_files.find("huber-pp", transcripts.ALL)
    async with (
        simulators.simulated(profile) as instrument,
        ports.on_terminal(tmp_path / "tty", instrument, Faults(["unplug"], 10)) as port,
        running(notes, transcripts.read("huber-pp", {"port": port})),
    ):
        await until(lambda: notes.conditions()[-1:] == ["connected"], "values")
        await until(lambda: notes.condition() == "searching", "the loss")
        before = len(notes.readings["it"])
        await until(lambda: len(notes.readings["it"]) > before, "values again")


STREAMING = """
begin = "\\u0002"
received_terminator = "\\r\\n"
checksum = { type = "sum8" }
[profile]
label = "A thermometer that speaks by itself"
source = "a test"
[channels.temperature]
unit = "°C"
[[stream]]
pattern = 'T (?P<temperature>-?[0-9.]+)'
[commands.set]
send = "SET {celsius:.1f}"
reply = [{ pattern = 'OK' }]
arguments = { celsius = { type = "number" } }
[simulator.variables]
temperature = 20
[[transcript]]
every = "20ms"
reply = "T {temperature:.2f}"
values = { temperature = 20.0 }
[[transcript]]
command = "set"
arguments = { celsius = 25.5 }
send = "SET 25.5"
match = 'SET (?P<temperature>-?[0-9.]+)'
reply = "OK"
"""


async def test_a_simulator_speaks_by_itself_and_with_a_checksum(tmp_path: Path) -> None:
    notes = Notes()
    (tmp_path / "streaming.toml").write_text(STREAMING)
    profile = profile_files.find("streaming", [tmp_path])
    async with (
        simulators.simulated(profile) as instrument,
        ports.on_terminal(tmp_path / "tty", instrument, Faults(["checksum", "partial", "noise"], 4)) as port,
        running(notes, simulators.configuration(profile, port=port)) as it,
    ):
        await until(lambda: len(notes.readings.get("it", [])) > 20, "values")
        while (await it.execute(command("set", celsius=25.5), timeout_s=1)).result != "done":
            await asyncio.sleep(0.05)  # too early after the opening, or its answer is the one with a fault
        await until(lambda: notes.values()[-1] == 25.5, "the new value")
        assert it.counters.wrong_checksums > 0
    assert set(notes.values()) == {20.0, 25.5}


# --- the whole way ----------------------------------------------------------------------------------------------------


async def _stand_ins(directory: Path, stack: AsyncExitStack) -> tuple[Mapping[str, InstrumentConfig], Places]:
    """All profiles at once: simulators on terminals, chips on one bus each, a sensor's file."""
    tables: dict[str, dict[str, Any]] = {}
    for name in ON_A_PORT:
        instrument = await stack.enter_async_context(simulators.simulated(profile_files.find(name, transcripts.ALL)))
        port = await stack.enter_async_context(ports.on_terminal(directory / name, instrument, Faults()))
        tables[name] = {"profile": name, "port": port, **transcripts.ON_A_TERMINAL}
    chips: dict[str, fakes_i2c.Chip] = {
        "sht31": fakes_i2c.Sht31(),
        "tmp117": fakes_i2c.Tmp117(),
        "ads1115": fakes_i2c.Ads1115((1.0, 2.0, 3.0, 0.5)),
    }
    wired = {}
    for number, (name, chip) in enumerate(chips.items(), 1):
        address = profile_files.find(name, transcripts.ALL).settings["address"]
        wired[f"/dev/i2c-{number}"] = fakes_i2c.Wires(chips={address: chip})
        tables[name] = {"profile": name, "bus": number}
    file = directory / transcripts.SENSOR / "w1_slave"
    file.parent.mkdir()
    file.write_text("72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n")
    tables["ds18b20"] = {"profile": "ds18b20", "id": transcripts.SENSOR}
    return transcripts.load(directory, tables), Places(i2c=fakes_i2c.buses(wired), onewire=directory)


async def test_every_profile_comes_into_the_database_with_its_units(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        whole = await stack.enter_async_context(whole_system(tmp_path))
        wanted, places = await _stand_ins(tmp_path, stack)
        assert sorted(wanted) == NAMES

        def others(sink: Sink) -> dict[str, Instrument]:
            return making.make_all(wanted, lambda: places)(sink)

        sampling = {name: lifetime.sampling_of(one) for name, one in wanted.items()}
        url, secret = whole.running.url, await whole.secret()
        async with running_agent.running(
            url, tmp_path / "spool", names=(), others=others, sampling=sampling, secret=secret
        ):
            async with asyncio.timeout(60):
                while missing := await _missing(whole, wanted):
                    await asyncio.sleep(0.2)
            assert not missing


async def _missing(whole: Any, wanted: Mapping[str, InstrumentConfig]) -> set[tuple[str, str, str]]:
    """Channels that are not in the database with their unit."""
    found = json.loads(
        await whole.ask(
            "SELECT coalesce(json_agg(DISTINCT jsonb_build_array(instrument, channel, unit)), '[]') FROM readings"
            " WHERE value IS NOT NULL OR text IS NOT NULL"
        )
    )
    return _expected(wanted) - {(instrument, channel, unit) for instrument, channel, unit in found}


def _expected(wanted: Mapping[str, InstrumentConfig]) -> set[tuple[str, str, str]]:
    return {
        (name, channel.name, channel.unit or {"weight": "g"}.get(channel.name, ""))
        for name, one in wanted.items()
        for channel in one.channels.values()
        if (name, channel.name) != ("sartorius-ma", "rate")  # it shows one at a time, and the simulator not this one
    }
