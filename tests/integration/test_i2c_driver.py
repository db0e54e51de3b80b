"""The I2C driver with the agent's own pieces, on a bus of simulated chips; and on what this machine really has."""

import asyncio
import contextlib
import errno
import math
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument
from kleinmaelzung_wire.frames import Value
from tests import fakes_i2c
from tests.fakes_i2c import Ads1115, Mlx90614, Sht31, Tmp117, Wires
from tests.integration.test_text_driver import Notes, command
from tests.waiting import until

SHT31 = """
[instruments.air]
driver = "i2c"
bus = 1
address = 0x44
silent_after = "300ms"
[[instruments.air.start]]
write = "30 a2"
wait = "2ms"
[[instruments.air.read]]
every = "20ms"
write = "24 00"
wait = "15ms"
read = 6
crc = { type = "crc8-sensirion", every = 2 }
fields = { t = { at = 0 }, rh = { at = 2 } }
[instruments.air.channels.temperature]
unit = "°C"
formula = "-45 + 175 * t / 65535"
[instruments.air.channels.humidity]
unit = "%"
formula = "100 * rh / 65535"
[instruments.air.commands.heater_on]
write = "30 6d"
[instruments.air.commands.status]
write = "f3 2d"
wait = "1ms"
read = 3
crc = { type = "crc8-sensirion", every = 2 }
fields = { heater = { type = "uint16", shift = 13, bits = 1 }, alert = { shift = 15, bits = 1 } }
"""
TMP117 = """
[instruments.probe]
driver = "i2c"
bus = 1
address = 0x48
silent_after = "300ms"
[[instruments.probe.read]]
every = "10ms"
register = 0x00
read = 2
fields = { raw = { type = "int16" } }
[instruments.probe.channels.temperature]
unit = "°C"
formula = "raw * 0.0078125"
no_value = { "raw == -32768" = "power-on" }
quality = { "raw * 0.0078125 > 100" = "above the limit" }
[instruments.probe.commands.set_high]
register = 0x02
value = "limit / 0.0078125"
type = "int16"
verify = true
[instruments.probe.commands.set_high.arguments.limit]
type = "number"
unit = "°C"
[instruments.probe.commands.set_reading]
register = 0x00
value = "7"
verify = true
"""
ADS1115 = """
[instruments.adc]
driver = "i2c"
bus = "/dev/i2c-1"
address = 0x49
silent_after = "300ms"
[[instruments.adc.read]]
every = "20ms"
steps = [
    { write = "01 c3 83", wait = "20ms" },
    { register = 0x00, read = 2, fields = { a0 = { type = "int16" } } },
]
[[instruments.adc.read]]
every = "20ms"
steps = [
    { write = "01 d3 83", wait = "20ms" },
    { register = 0x00, read = 2, fields = { a1 = { type = "int16" } } },
]
[instruments.adc.channels.pressure]
unit = "bar"
formula = "a0 * 4.096 / 32768 * 2.5"
[instruments.adc.channels.level]
unit = "V"
formula = "a1 * 4.096 / 32768"
quality = { "a1 >= 32767" = "overload" }
"""


def read(directory: Path, text: str) -> dict[str, InstrumentConfig]:
    path = directory / "agent.toml"
    path.write_text('[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n' + text)
    path.chmod(0o600)
    return config.load(path).instruments


@asynccontextmanager
async def running(
    notes: Notes, wanted: dict[str, InstrumentConfig], wired: dict[str, Wires] | None
) -> AsyncIterator[dict[str, Instrument]]:
    made = making.make_all(wanted, lambda: Places(i2c=fakes_i2c.buses(wired)) if wired is not None else Places())(notes)
    tasks = [asyncio.create_task(instrument.run()) for instrument in made.values()]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def newest(notes: Notes, name: str, channel: str) -> Value:
    found = [reading.values[channel] for reading in notes.readings.get(name, []) if channel in reading.values]
    return found[-1] if found else None


def opened(path: str) -> int:
    """How often this process has it open."""
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return sum(os.path.lexists(link) and os.path.realpath(link) == path for link in links)


def qualities(notes: Notes, name: str, channel: str) -> list[str]:
    return [reading.quality.get(channel, "good") for reading in notes.readings.get(name, [])]


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def wires() -> Wires:
    return Wires()


@pytest.fixture
def stuck(wires: Wires) -> Iterator[threading.Event]:
    """What ends a transfer that hangs."""
    ended = threading.Event()
    yield ended
    ended.set()


# --- reading --------------------------------------------------------------------------------------------------------


async def test_an_sht31_is_told_to_measure_waited_for_and_read(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    chip = wires.chips[0x44] = Sht31()
    async with running(notes, read(tmp_path, SHT31), {"/dev/i2c-1": wires}):
        await until(lambda: len(notes.readings.get("air", [])) > 2, "readings")
        assert newest(notes, "air", "temperature") == pytest.approx(25.0, abs=0.002)
        assert newest(notes, "air", "humidity") == pytest.approx(50.0, abs=0.002)
        assert notes.readings["air"][0].units == {"temperature": "°C", "humidity": "%"}
        chip.temperature = 0
        await until(lambda: newest(notes, "air", "temperature") == -45, "what it measures now")
    assert notes.condition("air") == "connected"
    assert chip.resets == 1
    await until(lambda: wires.is_open == 0, "the bus is closed")


async def test_a_wrong_crc_is_no_value_and_the_state_says_so(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    chip = wires.chips[0x44] = Sht31()
    async with running(notes, read(tmp_path, SHT31), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.condition("air") == "connected", "connected")
        chip.is_wrong = True
        await until(lambda: notes.condition("air") == "error", "the state says so")
        assert "not right by its checksum" in notes.reason("air")
        assert made["air"].counters.wrong_checksums > 2
        chip.is_wrong = False
        await until(lambda: notes.condition("air") == "connected", "and is right again")
    temperatures = {round(float(reading.values["temperature"] or 0), 2) for reading in notes.readings["air"]}
    assert temperatures == {25.0}


async def test_a_tmp117_that_has_not_measured_yet_has_no_value(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    wires.chips[0x48] = chip = Tmp117(celsius=None)
    async with running(notes, read(tmp_path, TMP117), {"/dev/i2c-1": wires}):
        await until(lambda: qualities(notes, "probe", "temperature"), "a reading")
        assert newest(notes, "probe", "temperature") is None
        assert qualities(notes, "probe", "temperature")[-1] == "power-on"
        chip.convert(-40.5)
        await until(lambda: newest(notes, "probe", "temperature") == -40.5, "a temperature below zero")
        assert qualities(notes, "probe", "temperature")[-1] == "good"
        chip.convert(120.0)
        await until(lambda: newest(notes, "probe", "temperature") == 120.0, "a hot one")
        assert qualities(notes, "probe", "temperature")[-1] == "above the limit"
    assert notes.condition("probe") == "connected"


async def test_an_ads1115_is_read_input_by_input(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    wires.chips[0x49] = chip = Ads1115((1.0, -0.5, 0.0, 0.0))
    async with running(notes, read(tmp_path, ADS1115), {"/dev/i2c-1": wires}):
        await until(lambda: newest(notes, "adc", "level") is not None, "both inputs")
        assert newest(notes, "adc", "pressure") == pytest.approx(2.5, abs=1e-3)
        assert newest(notes, "adc", "level") == pytest.approx(-0.5, abs=1e-3)
        chip.volts = (1.0, 9.0, 0.0, 0.0)
        await until(lambda: newest(notes, "adc", "level") == pytest.approx(4.096, abs=1e-3), "beyond its range")
        assert [one.quality for one in notes.readings["adc"] if "level" in one.values][-1] == {"level": "overload"}


async def test_a_pec_covers_address_and_command(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    text = """
        [instruments.it]
        driver = "i2c"
        bus = 1
        address = 0x5a
        silent_after = "300ms"
        [[instruments.it.read]]
        every = "10ms"
        register = 0x07
        read = 3
        pec = true
        order = "little"
        fields = { raw = {} }
        [instruments.it.channels.temperature]
        formula = "raw * 0.02 - 273.15"
        no_value = { "raw >= 32768" = "error" }
    """
    wires.chips[0x5A] = chip = Mlx90614()
    async with running(notes, read(tmp_path, text), {"/dev/i2c-1": wires}):
        await until(lambda: len(notes.values()) > 2, "readings")
        assert notes.values()[-1] == pytest.approx(36.85)
        chip.address = 0x5B  # its PEC is that of another
        await until(lambda: notes.condition() == "error", "a wrong PEC")


async def test_several_instruments_on_a_bus_take_turns_and_do_not_wait_for_each_others_waits(
    tmp_path: Path, wires: Wires, notes: Notes
) -> None:
    wires.chips |= {0x44: Sht31(), 0x48: Tmp117(21.0), 0x49: Ads1115((1.0, 2.0, 0.0, 0.0))}
    slow = SHT31.replace('wait = "15ms"', 'wait = "500ms"').replace('silent_after = "300ms"', 'silent_after = "5s"')
    async with running(notes, read(tmp_path, slow + TMP117 + ADS1115), {"/dev/i2c-1": wires}):
        await until(lambda: notes.readings.get("air"), "the slow one")
        await until(lambda: len(notes.readings.get("adc", [])) > 3, "another")
    assert len(notes.readings["probe"]) > 5
    assert wires.most_under_way == 1
    assert {notes.condition(name) for name in ("air", "probe", "adc")} == {"connected"}


# --- trouble --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nak", [errno.ENXIO, errno.EREMOTEIO])
async def test_an_instrument_that_is_away_is_named_and_set_up_again_when_it_is_back(
    tmp_path: Path, wires: Wires, notes: Notes, nak: int
) -> None:
    wires.nak = nak
    async with running(notes, read(tmp_path, SHT31), {"/dev/i2c-1": wires}):
        await until(lambda: "nothing answers at address 0x44 of /dev/i2c-1" in str(notes.states), "it is said")
        assert notes.condition("air") == "searching"
        assert "`i2cdetect -y 1` shows which addresses do" in notes.reason("air")
        chip = wires.chips[0x44] = Sht31()
        await until(lambda: notes.condition("air") == "connected", "connected")
        del wires.chips[0x44]
        await until(lambda: notes.condition("air") == "searching", "gone")
        wires.chips[0x44] = chip
        await until(lambda: notes.condition("air") == "connected", "back")
        assert chip.resets == 2


async def test_too_short_a_wait_is_told_from_an_instrument_that_is_not_there(
    tmp_path: Path, wires: Wires, notes: Notes
) -> None:
    wires.chips[0x44] = Sht31(takes_s=math.inf)
    async with running(notes, read(tmp_path, SHT31), {"/dev/i2c-1": wires}):
        await until(lambda: "it took what was written before: a longer wait?" in str(notes.states), "it is said")
    assert not notes.readings


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ETIMEDOUT, "something holds a line of the bus"),
        (errno.EAGAIN, "the bus is busy"),
        (errno.ENODEV, "/dev/i2c-1 is gone"),
        (errno.EIO, "the transfer failed: Input/output error"),
    ],
)
async def test_each_error_of_a_bus_has_its_sentence_and_passes(
    tmp_path: Path, wires: Wires, notes: Notes, number: int, sentence: str
) -> None:
    wires.chips[0x48] = Tmp117()
    wires.failure = number
    async with running(notes, read(tmp_path, TMP117), {"/dev/i2c-1": wires}):
        await until(lambda: sentence in str(notes.states), "it is said")
        wires.failure = 0
        await until(lambda: notes.condition("probe") == "connected", "connected")


@pytest.mark.parametrize(
    ("opening", "sentence"),
    [
        (
            FileNotFoundError(errno.ENOENT, "x"),
            "there is no such I2C bus; on a Raspberry Pi enable it: sudo raspi-config",
        ),
        (PermissionError(errno.EACCES, "x"), "is the agent's user in the group i2c?"),
        (OSError(errno.EMFILE, "x"), "/dev/i2c-1 cannot be opened: Too many open files"),
    ],
)
async def test_a_bus_that_cannot_be_opened_says_what_to_do(
    tmp_path: Path, wires: Wires, notes: Notes, opening: OSError, sentence: str
) -> None:
    wires.opening, wires.chips[0x48] = opening, Tmp117()
    async with running(notes, read(tmp_path, TMP117), {"/dev/i2c-1": wires}):
        await until(lambda: sentence in str(notes.states), "it is said")
        wires.opening = None
        await until(lambda: notes.condition("probe") == "connected", "connected")


async def test_an_adapter_that_can_only_smbus_says_so(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    wires.funcs = 0
    async with running(notes, read(tmp_path, TMP117), {"/dev/i2c-1": wires}):
        await until(lambda: "can only SMBus commands" in str(notes.states), "it is said")
    await until(lambda: wires.is_open == 0, "it is closed")


@pytest.mark.parametrize(
    ("path", "sentence"), [("/dev/i2c-93", "there is no such I2C bus"), ("/dev/null", "/dev/null is no I2C bus")]
)
async def test_without_a_fake_the_real_library_says_the_same(
    tmp_path: Path, notes: Notes, path: str, sentence: str
) -> None:
    before = opened(path)
    async with running(notes, read(tmp_path, TMP117.replace("bus = 1", f'bus = "{path}"')), None):
        await until(lambda: sentence in str(notes.states), "it is said")
    await until(lambda: opened(path) == before, "nothing stays open")


async def test_a_bus_that_hangs_holds_up_no_other_and_is_back_when_it_ends(
    tmp_path: Path, wires: Wires, notes: Notes, stuck: threading.Event
) -> None:
    other = Wires(chips={0x48: Tmp117(30.0)})
    wires.chips |= {0x44: Sht31(), 0x48: Tmp117()}
    on_the_other = TMP117.replace("instruments.probe", "instruments.other").replace("bus = 1", "bus = 2")
    wanted = read(
        tmp_path, SHT31 + TMP117.replace('every = "10ms"', 'every = "10ms"\ntimeout = "100ms"') + on_the_other
    )
    async with running(notes, wanted, {"/dev/i2c-1": wires, "/dev/i2c-2": other}):
        await until(lambda: {notes.condition(name) for name in wanted} == {"connected"}, "all are there")
        wires.is_hung = stuck
        await until(lambda: "/dev/i2c-1 hangs" in str(notes.states), "it is said")
        await until(lambda: notes.condition("air") != "connected", "its neighbour too")
        count, threads = len(notes.readings["other"]), threading.active_count()
        await until(lambda: len(notes.readings["other"]) > count + 20, "the other bus goes on")
        assert notes.condition("other") == "connected"
        assert threading.active_count() <= threads + 1  # none for each attempt
        stuck.set()
        wires.is_hung = None
        await until(lambda: notes.condition("probe") == notes.condition("air") == "connected", "it ended")
        assert wires.most_under_way == 1


async def test_another_chip_at_the_address_is_refused(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    wires.chips[0x48] = chip = Tmp117()
    chip.registers[0x0F] = 0x0118
    identity = "identity = { register = 0x0f, read = 2, fields = { device = {} }, device = 0x0117 }\n"
    text = TMP117.replace("[[instruments.probe.read]]", identity + "[[instruments.probe.read]]", 1)
    async with running(notes, read(tmp_path, text), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.condition("probe") == "error", "it is refused")
        reason = "another instrument answers at /dev/i2c-1 address 0x48: device 0x118, expected 0x117"
        assert notes.reason("probe") == reason
        answer = await made["probe"].execute(command("set_high", limit=1.0), timeout_s=5)
        assert (answer.result, answer.reason) == ("refused", reason)
        assert set(wires.written(0x48)) == {b"\x0f"}
        assert not notes.readings
        chip.registers[0x0F] = 0x0117
        await until(lambda: notes.condition("probe") == "connected", "the right one")
        assert made["probe"].description().identity == {"device": "0x117"}


# --- commands -------------------------------------------------------------------------------------------------------


async def test_a_command_computes_what_it_writes_and_reads_it_back(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    wires.chips[0x48] = chip = Tmp117()
    async with running(notes, read(tmp_path, TMP117), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.condition("probe") == "connected", "connected")
        answer = await made["probe"].execute(command("set_high", limit=-12.5), timeout_s=5)
        assert (answer.result, answer.reason) == ("done", "")
        assert chip.registers[0x02] == (-1600) & 0xFFFF
        assert (answer.bytes_out, answer.bytes_in) == (bytes.fromhex("02f9c0"), bytes.fromhex("f9c0"))
        answer = await made["probe"].execute(command("set_reading"), timeout_s=5)
        assert (answer.result, answer.reason) == ("failed", "register 0x00 holds 0c 80 after 00 07 was written")


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("set_high", {"limit": 300.0}, "limit / 0.0078125: 38400 does not fit into int16"),
        ("set_high", {}, 'argument "limit" is missing'),
        ("set_high", {"limit": 1.0, "x": 1}, "unknown argument 'x', expected limit"),
        ("nonsense", {}, "unknown command 'nonsense', expected set_high, set_reading"),
    ],
)
async def test_what_does_not_fit_is_refused_and_not_sent(
    tmp_path: Path, wires: Wires, notes: Notes, name: str, arguments: dict[str, Value], reason: str
) -> None:
    wires.chips[0x48] = Tmp117()
    async with running(notes, read(tmp_path, TMP117), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.condition("probe") == "connected", "connected")
        assert made["probe"].check(command(name, **arguments)) == reason
        answer = await made["probe"].execute(command(name, **arguments), timeout_s=5)
        assert (answer.result, answer.reason) == ("refused", reason)
    assert set(wires.written(0x48)) == {b"\x00"}


async def test_a_command_reads_fields_as_its_values(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    chip = wires.chips[0x44] = Sht31()
    async with running(notes, read(tmp_path, SHT31), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.condition("air") == "connected", "connected")
        assert (await made["air"].execute(command("heater_on"), timeout_s=5)).result == "done"
        assert chip.has_heater
        answer = await made["air"].execute(command("status"), timeout_s=5)
        assert (answer.result, answer.values) == ("done", {"heater": 1, "alert": 1})
        chip.is_wrong = True
        answer = await made["air"].execute(command("status"), timeout_s=5)
        assert answer.result == "failed"
        assert "the CRC of" in answer.reason


async def test_a_command_that_nobody_takes_has_failed(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    chip = wires.chips[0x44] = Sht31()
    slow = SHT31.replace('every = "20ms"', 'every = "1h"').replace('silent_after = "300ms"', 'silent_after = "3h"')
    async with running(notes, read(tmp_path, slow), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.readings.get("air"), "one reading")
        del wires.chips[0x44]
        answer = await made["air"].execute(command("heater_on"), timeout_s=5)
        assert answer.result == "failed"
        assert "nothing answers at address 0x44" in answer.reason
        await until(lambda: notes.condition("air") == "searching", "the state says so at once")
        wires.chips[0x44] = chip
        await until(lambda: chip.resets == 2, "it is set up again")


async def test_a_command_on_a_bus_that_hangs_is_lost_or_not_sent(
    tmp_path: Path, wires: Wires, notes: Notes, stuck: threading.Event
) -> None:
    wires.chips[0x44] = Sht31()
    slow = SHT31.replace('every = "20ms"', 'every = "1h"').replace('silent_after = "300ms"', 'silent_after = "3h"')
    slow = slow.replace('write = "30 6d"', 'write = "30 6d"\ntimeout = "100ms"')
    async with running(notes, read(tmp_path, slow), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.readings.get("air"), "one reading")
        wires.is_hung = stuck
        answer = await made["air"].execute(command("heater_on"), timeout_s=5)
        assert answer.result == "lost"
        assert "whether it was executed is not known: /dev/i2c-1 hangs" in answer.reason
        answer = await made["air"].execute(command("heater_on"), timeout_s=5)
        assert answer.result == "refused"
        stuck.set()


async def test_a_command_whose_time_is_over_while_others_have_the_bus_is_not_sent(
    tmp_path: Path, wires: Wires, notes: Notes, stuck: threading.Event
) -> None:
    wires.chips |= {0x44: Sht31(), 0x48: Tmp117()}
    slow = SHT31.replace('every = "20ms"', 'every = "1h"').replace('silent_after = "300ms"', 'silent_after = "3h"')
    slow = slow.replace('write = "30 6d"', 'write = "30 6d"\ntimeout = "100ms"')
    long = TMP117.replace('every = "10ms"', 'every = "10ms"\ntimeout = "1min"').replace('"300ms"', '"5min"')
    async with running(notes, read(tmp_path, slow + long), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.readings.get("air"), "one reading")
        wires.is_hung = stuck
        await until(lambda: wires.under_way == 1, "the other has the bus")
        answer = await made["air"].execute(command("heater_on"), timeout_s=5)
        assert (answer.result, answer.reason) == ("expired", "expired while others had the bus: nothing was sent")
        wires.is_hung = None
        stuck.set()
        await until(lambda: len(notes.readings["probe"]) > 3, "it goes on")
    assert bytes.fromhex("306d") not in wires.written(0x44)


async def test_raw_bytes_are_written_as_they_are(tmp_path: Path, wires: Wires, notes: Notes) -> None:
    chip = wires.chips[0x44] = Sht31()
    async with running(notes, read(tmp_path, SHT31), {"/dev/i2c-1": wires}) as made:
        await until(lambda: notes.condition("air") == "connected", "connected")
        answer = await made["air"].execute(command("_raw", hex="30 6d"), timeout_s=5)
        assert (answer.result, answer.bytes_out) == ("done", b"\x30\x6d")
        assert chip.has_heater
