"""The Modbus driver against pymodbus' server: RTU and ASCII on pseudo-terminals, TCP, and what goes wrong there."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus.framer import FramerType
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers.modbus import frames
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument
from tests.fakes_instruments import Pty
from tests.fakes_modbus import Line, device, units_on_a_line, units_on_tcp
from tests.integration.test_text_driver import Notes, command
from tests.waiting import until

TRANSMITTER = """
[instruments.it]
driver = "modbus"
port = "PORT"
every = "20ms"
timeout = "150ms"
silent_after = "1s"
[instruments.it.channels.temperature]
holding = 40
type = "int16"
scale = 0.1
unit = "°C"
[instruments.it.channels.door]
holding = 41
type = "bit"
bit = 3
[instruments.it.channels.count]
holding = 42
type = "int32"
[instruments.it.channels.pressure]
input = 44
type = "float32"
[instruments.it.channels.pump]
coil = 2
[instruments.it.channels.model]
input = 46
type = "text"
length = 2
every = "50ms"
[instruments.it.commands.set]
register = 40
type = "int16"
scale = 0.1
[instruments.it.commands.set.arguments.setpoint]
type = "number"
unit = "°C"
minimum = -50
maximum = 5000
[instruments.it.commands.pump]
channel = "pump"
arguments = { on = { type = "boolean" } }
[instruments.it.commands.stop]
safe = true
write = [{ coil = 2, value = false }, { register = 40, type = "int16", value = 0 }]
[instruments.it.commands.zero]
registers = 42
type = "int32"
value = 0
[instruments.it.commands.nowhere]
register = 900
value = 1
"""


def read_all(directory: Path, text: str, port: str) -> dict[str, InstrumentConfig]:
    agent = '[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n'
    path = directory / "agent.toml"
    path.write_text(agent + text.replace("PORT", port))
    path.chmod(0o600)
    return config.load(path).instruments


@asynccontextmanager
async def running(notes: Notes, settings: dict[str, InstrumentConfig]) -> AsyncIterator[dict[str, Instrument]]:
    places = Places()
    instruments = {name: making.make(name, one, notes, places) for name, one in settings.items()}
    tasks = [asyncio.create_task(one.run()) for one in instruments.values()]
    try:
        yield instruments
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.fixture
def notes() -> Notes:
    return Notes()


def newest(notes: Notes, name: str = "it") -> dict[str, object]:
    return {channel: value for one in notes.readings.get(name, []) for channel, value in one.values.items()}


EVERYTHING = {
    "temperature": 23.4,
    "door": True,
    "count": -100_000,
    "pressure": 23.45,
    "pump": True,
    "model": "KM-7",
}


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framer", [FramerType.RTU, FramerType.ASCII])
async def test_a_unit_on_a_line_is_read(tmp_path: Path, notes: Notes, framer: FramerType) -> None:
    text = TRANSMITTER.replace("every = ", f'framing = "{framer.value}"\nevery = ', 1)
    async with (
        units_on_a_line(tmp_path, device(1), framer=framer) as line,
        running(notes, read_all(tmp_path, text, line.port)) as made,
    ):
        await until(lambda: newest(notes) == EVERYTHING, "all channels")
        assert notes.condition() == "connected"
        assert made["it"].counters.bad() == 0
    first = next(one for one in notes.readings["it"] if "temperature" in one.values)
    assert first.units == {"temperature": "°C"}
    assert set(first.values) == {"temperature", "door", "count"}, "neighbours are read together"


@pytest.mark.parametrize(("framer", "scheme"), [(FramerType.SOCKET, "tcp"), (FramerType.RTU, "socket")])
async def test_a_unit_on_tcp_is_read(tmp_path: Path, notes: Notes, framer: FramerType, scheme: str) -> None:
    async with (
        units_on_tcp(device(1), framer=framer) as port,
        running(notes, read_all(tmp_path, TRANSMITTER, f"{scheme}://127.0.0.1:{port}")) as made,
    ):
        await until(lambda: newest(notes) == EVERYTHING, "all channels")
        await until(lambda: len(notes.readings["it"]) > 100, "many readings")
        assert made["it"].counters.bad() == 0


async def test_two_units_on_one_bus_are_read_in_turn(tmp_path: Path, notes: Notes) -> None:
    other = TRANSMITTER.replace("instruments.it", "instruments.other").replace("every = ", "unit = 2\nevery = ", 1)
    async with (
        units_on_a_line(tmp_path, device(1), device(2, temperature=0xFFFB)) as line,
        running(notes, read_all(tmp_path, TRANSMITTER + other, line.port)),
    ):
        await until(lambda: len(notes.readings.get("it", [])) > 30, "the one")
        await until(lambda: len(notes.readings.get("other", [])) > 30, "the other")
    assert {one.values.get("temperature") for one in notes.readings["it"]} == {23.4, None}
    assert {one.values.get("temperature") for one in notes.readings["other"]} == {-0.5, None}


async def test_a_unit_that_is_off_costs_its_neighbour_no_more_than_its_timeout(tmp_path: Path, notes: Notes) -> None:
    off = TRANSMITTER.replace("instruments.it", "instruments.off").replace("every = ", "unit = 9\nevery = ", 1)
    async with units_on_a_line(tmp_path, device(1), device(9)) as line:
        line.fault = lambda answer: [] if answer[0] == 9 else [(0, answer)]
        async with running(notes, read_all(tmp_path, TRANSMITTER + off, line.port)) as made:
            await until(lambda: notes.condition("off") == "silent", "the one that is off")
            before, timeouts = len(notes.readings["it"]), made["off"].counters.timeouts
            await until(lambda: made["off"].counters.timeouts > timeouts + 10, "asked again and again")
            assert len(notes.readings["it"]) - before >= 40, "while its late answer is waited for, others are asked"
            assert "searching" not in notes.conditions("it")[2:]
            assert notes.condition() == "connected"


async def test_codes_and_nan_are_no_values(tmp_path: Path, notes: Notes) -> None:
    text = """
    [instruments.it]
    driver = "modbus"
    port = "PORT"
    every = "20ms"
    [instruments.it.channels]
    nan = { holding = 60, type = "float32" }
    broken = { holding = 62, type = "int16", invalid = { "0x7FFF" = "sensor-broken" } }
    fine = { holding = 63, type = "int16", invalid = 0x7FFF }
    """
    async with units_on_a_line(tmp_path, device(1)) as line, running(notes, read_all(tmp_path, text, line.port)):
        await until(lambda: notes.readings.get("it"), "a reading")
    assert notes.readings["it"][0].values == {"nan": None, "broken": None, "fine": 5}
    assert notes.readings["it"][0].quality == {"nan": "invalid", "broken": "sensor-broken"}


async def test_an_address_that_is_not_there_is_a_sentence(tmp_path: Path, notes: Notes) -> None:
    text = TRANSMITTER + "[instruments.it.channels.wrong]\nholding = 900\n"
    async with units_on_a_line(tmp_path, device(1)) as line, running(notes, read_all(tmp_path, text, line.port)):
        await until(lambda: notes.condition() == "error", "the state says so")
        assert notes.reason() == "unit 1 refuses to read holding 900: it has no such address (exception 2)"
        await until(lambda: newest(notes) == {**EVERYTHING, "wrong": None}, "the others are read all the same")
    assert any(one.quality.get("wrong") == "refused" for one in notes.readings["it"])


async def test_another_instrument_is_not_read_and_not_commanded(tmp_path: Path, notes: Notes) -> None:
    who = """
    [instruments.it.identity]
    read = { model = { input = 46, type = "text", length = 2 }, number = { input = 42, type = "int32" } }
    model = "KM-7"
    number = "-100000"
    """
    text = TRANSMITTER + who
    other = (
        text.replace("KM-7", "KM-8")
        .replace("instruments.it", "instruments.other")
        .replace("every", "unit = 2\nevery", 1)
    )
    async with (
        units_on_a_line(tmp_path, device(1), device(2)) as line,
        running(notes, read_all(tmp_path, text + other, line.port)) as made,
    ):
        await until(lambda: newest(notes) == EVERYTHING, "the right one")
        await until(lambda: notes.condition("other") == "error", "the wrong one")
        assert notes.reason("other") == "another instrument answers here: model KM-7, expected KM-8"
        assert (await made["other"].execute(command("pump", on=True), timeout_s=2)).result == "refused"
    assert "other" not in notes.readings
    assert not any(chunk[0] == 2 and chunk[1] != 4 for chunk in line.asked), "it was asked who it is, and nothing else"


# --- faults -----------------------------------------------------------------------------------------------------------


def spoiled(answer: bytes) -> bytes:
    return answer[:-1] + bytes([answer[-1] ^ 1])


FAULTS: dict[str, Callable[[bytes], list[tuple[float, bytes]]]] = {
    "silence": lambda answer: [],
    "wrong checksum": lambda answer: [(0, spoiled(answer))],
    "wrong unit": lambda answer: [(0, b"\7" + answer[1:])],
    "half an answer": lambda answer: [(0, answer[:-3])],
    "too late": lambda answer: [(0.25, answer)],
}
HARMLESS: dict[str, Callable[[bytes], list[tuple[float, bytes]]]] = {
    "noise before": lambda answer: [(0, b"\0\1\3\xff" + answer)],
    "cut in two": lambda answer: [(0, answer[:4]), (0.03, answer[4:])],
    "byte by byte": lambda answer: [(0.0005, answer[at : at + 1]) for at in range(len(answer))],
    "slow": lambda answer: [(0.08, answer)],
    "twice": lambda answer: [(0, answer), (0, answer)],
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_no_answer_is_no_value_and_is_said(tmp_path: Path, notes: Notes, fault: str) -> None:
    async with (
        units_on_a_line(tmp_path, device(1)) as line,
        running(notes, read_all(tmp_path, TRANSMITTER, line.port)) as made,
    ):
        await until(lambda: notes.condition() == "connected", "connected")
        line.fault = FAULTS[fault]
        await until(lambda: notes.condition() in ("silent", "error"), "noticed")
        count, timeouts = len(notes.readings["it"]), made["it"].counters.timeouts
        await until(lambda: made["it"].counters.timeouts > timeouts + 2, "asked in vain")
        assert len(notes.readings["it"]) == count
        if fault in ("wrong checksum", "wrong unit"):
            assert "what arrives is not what Modbus answers" in notes.reason()
        line.fault = lambda answer: [(0, answer)]
        await until(lambda: notes.condition() == "connected", "connected again")
    assert all(EVERYTHING[name] == value for one in notes.readings["it"] for name, value in one.values.items())


@pytest.mark.parametrize("fault", HARMLESS)
async def test_what_only_looks_bad_costs_no_value(tmp_path: Path, notes: Notes, fault: str) -> None:
    async with units_on_a_line(tmp_path, device(1)) as line:
        line.fault = HARMLESS[fault]
        patient = TRANSMITTER.replace('"150ms"', '"5s"').replace('silent_after = "1s"', 'silent_after = "20s"')
        async with running(notes, read_all(tmp_path, patient, line.port)) as made:
            await until(lambda: len(notes.readings.get("it", [])) > 20, "readings")
            assert made["it"].counters.timeouts == 0
            assert notes.condition() == "connected"
    assert all(EVERYTHING[name] == value for one in notes.readings["it"] for name, value in one.values.items())


@pytest.mark.parametrize("content", [random.Random(4).randbytes(65536), b"\1\3\4" * 20_000], ids=["noise", "starts"])
async def test_a_line_that_babbles_is_an_error_and_no_value(tmp_path: Path, notes: Notes, content: bytes) -> None:
    async with (
        units_on_a_line(tmp_path, device(1)) as line,
        running(notes, read_all(tmp_path, TRANSMITTER, line.port)) as made,
    ):
        await until(lambda: newest(notes) == EVERYTHING, "read")
        line.fault = lambda answer: []  # or an answer would come through now and then
        with line.outside.flood(content) as sent:
            await until(lambda: notes.condition() == "error", "the state says so")
            before = sent[0]
            await until(lambda: sent[0] > before + 50_000, "it goes on")
        assert "what arrives is not what Modbus answers" in str(notes.states)
        line.fault = lambda answer: [(0, answer)]
        assert made["it"].counters.undecodable > 0
        await until(lambda: notes.condition() == "connected", "read again")
    assert all(EVERYTHING[name] == value for one in notes.readings["it"] for name, value in one.values.items())


async def test_a_late_answer_over_tcp_is_known_by_its_number(tmp_path: Path, notes: Notes) -> None:
    """Each answer comes after the next question; all say the same, but each says which one it answers."""
    asked, ended = itertools.count(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(12):
            await asyncio.sleep(0 if next(asked) % 3 else 0.2)
            value = int.from_bytes(request[8:10], "big")  # the address, so that a mistake would show
            writer.write(request[:4] + b"\0\5" + request[6:8] + b"\2" + value.to_bytes(2, "big"))
        writer.close()
        ended.set()

    text = """
    [instruments.it]
    driver = "modbus"
    port = "PORT"
    every = "10ms"
    timeout = "100ms"
    [instruments.it.channels]
    one = { holding = 100 }
    two = { holding = 200 }
    """
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with running(notes, read_all(tmp_path, text, f"tcp://127.0.0.1:{port}")) as made:
            await until(lambda: made["it"].counters.late > 3, "late answers")
            await until(lambda: {"one", "two"} <= set(newest(notes)), "both are read")
        await until(ended.is_set, "the server has ended")
    assert newest(notes) == {"one": 100, "two": 200}
    assert {pair for one in notes.readings["it"] for pair in one.values.items()} == {("one", 100), ("two", 200)}


async def test_a_late_answer_on_a_line_is_not_taken_for_the_next(tmp_path: Path, notes: Notes) -> None:
    """Answers on a line do not say to which address: both channels have one register of one unit."""
    asked, framing = itertools.count(), frames.FRAMINGS["rtu"]
    text = """
    [instruments.it]
    driver = "modbus"
    port = "PORT"
    every = "10ms"
    timeout = "100ms"
    [instruments.it.channels]
    one = { holding = 100 }
    two = { holding = 200 }
    """
    with Pty(tmp_path / "unit") as unit:

        def heard(request: bytes) -> None:
            words = [int.from_bytes(request[2:4], "big")]
            answer = frames.build(framing, ReadHoldingRegistersResponse(registers=words, dev_id=1))
            late_s = 0.0001 if next(asked) % 3 else 0.25
            asyncio.get_running_loop().call_later(late_s, unit.say, answer)

        unit.listen(heard)
        unit.plug()
        async with running(notes, read_all(tmp_path, text, unit.port)) as made:
            await until(lambda: made["it"].counters.late > 3, "late answers")
            await until(lambda: {"one", "two"} <= set(newest(notes)), "both are read")
    assert {pair for one in notes.readings["it"] for pair in one.values.items()} == {("one", 100), ("two", 200)}


async def test_between_two_requests_there_is_silence(tmp_path: Path, notes: Notes) -> None:
    text = TRANSMITTER.replace("every = ", 'gap = "30ms"\nevery = ', 1)
    async with (
        units_on_a_line(tmp_path, device(1)) as line,
        running(notes, read_all(tmp_path, text, line.port)) as made,
    ):
        await until(lambda: len(line.answered_at) > 20, "answers")
        assert made["it"].counters.timeouts == 0
    gaps = [asked - answered for answered, asked in zip(line.answered_at, line.asked_at[1:], strict=False)]
    assert min(gaps) >= 0.03


# --- commands ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def connected(tmp_path: Path, notes: Notes) -> AsyncIterator[tuple[Line, Instrument]]:
    async with (
        units_on_a_line(tmp_path, device(1)) as line,
        running(notes, read_all(tmp_path, TRANSMITTER, line.port)) as made,
    ):
        await until(lambda: notes.condition() == "connected", "connected")
        yield line, made["it"]


async def test_a_register_is_written_and_read_back(tmp_path: Path, notes: Notes) -> None:
    async with connected(tmp_path, notes) as (_, it):
        reply = await it.execute(command("set", setpoint=-12.3), timeout_s=5)
        assert (reply.result, reply.values, reply.units) == ("done", {"setpoint": -12.3}, {"setpoint": "°C"})
        assert reply.bytes_out.startswith(bytes.fromhex("01 06 00 28 ff 85")), "function 6"
        assert reply.bytes_in.startswith(bytes.fromhex("01 06 00 28 ff 85"))
        assert len(reply.bytes_in) == 8 + 7, "what came back is on record"
        await until(lambda: newest(notes)["temperature"] == -12.3, "it is read")


async def test_what_a_register_cannot_hold_is_refused(tmp_path: Path, notes: Notes) -> None:
    async with connected(tmp_path, notes) as (line, it):
        between = await it.execute(command("set", setpoint=12.34), timeout_s=5)
        assert between.result == "refused"
        assert "12.34 lies between the register's steps 12.3 and 12.4" in between.reason
        beyond = await it.execute(command("set", setpoint=4000), timeout_s=5)
        assert "4000 does not fit the register, which holds -3276.8 to 3276.7" in beyond.reason
        assert not any(chunk[1] == 6 for chunk in line.asked)


async def test_coils_and_several_registers_are_written(tmp_path: Path, notes: Notes) -> None:
    async with connected(tmp_path, notes) as (line, it):
        assert (await it.execute(command("pump", on=False), timeout_s=5)).values == {"on": False}
        await until(lambda: newest(notes)["pump"] is False, "the pump is off")
        assert (await it.execute(command("zero"), timeout_s=5)).result == "done"
        assert any(chunk[1] == 16 for chunk in line.asked)
        await it.execute(command("pump", on=True), timeout_s=5)
        reply = await it.execute(command("stop"), timeout_s=5)
        assert (reply.result, reply.values) == ("done", {})
        wanted = {"pump": False, "temperature": 0.0, "count": 0}
        await until(lambda: {name: newest(notes)[name] for name in wanted} == wanted, "all of it is off")


async def test_a_command_that_is_refused_says_why(tmp_path: Path, notes: Notes) -> None:
    async with connected(tmp_path, notes) as (_, it):
        reply = await it.execute(command("nowhere"), timeout_s=5)
        assert reply.result == "failed"
        assert reply.reason == "unit 1 refuses to write holding 900: it has no such address (exception 2)"


async def test_a_value_that_is_not_kept_is_no_success(tmp_path: Path, notes: Notes) -> None:
    async with connected(tmp_path, notes) as (line, it):

        def forgetful(answer: bytes) -> list[tuple[float, bytes]]:
            # It confirms, and holds 20.0.
            return [(0, bytes.fromhex("01 03 02 00 c8 b9 d2") if answer[:3] == b"\1\3\2" else answer)]

        line.fault = forgetful
        reply = await it.execute(command("set", setpoint=25), timeout_s=5)
        assert reply.result == "failed"
        assert reply.reason == "25 was written and confirmed, but the instrument holds 20"


async def test_a_command_without_an_answer_is_a_timeout(tmp_path: Path, notes: Notes) -> None:
    async with connected(tmp_path, notes) as (line, it):
        line.fault = lambda answer: []
        assert (await it.execute(command("set", setpoint=25), timeout_s=2)).result == "timeout"
        line.fault = lambda answer: [(0, answer)] if answer[1] == 6 else []
        await until(lambda: newest(notes), "still there")
        reply = await it.execute(command("set", setpoint=25), timeout_s=3)
        assert reply.result == "timeout"
        assert "confirmed the command, but what was asked after it was not answered" in reply.reason


async def test_raw_bytes_are_sent_as_they_are(tmp_path: Path, notes: Notes) -> None:
    async with connected(tmp_path, notes) as (_, it):
        reply = await it.execute(command("_raw", hex="01 03 00 28 00 01 04 02", wait_s=1.0), timeout_s=5)
        assert (reply.result, reply.bytes_in) == ("done", bytes.fromhex("01 03 02 00 ea 39 cb"))


async def test_unplugged_and_plugged_again_it_resumes(tmp_path: Path, notes: Notes) -> None:
    async with connected(tmp_path, notes) as (line, _):
        line.outside.unplug()
        await until(lambda: notes.condition() == "searching", "the loss is noticed")
        count = len(notes.readings["it"])
        line.outside.plug()
        await until(lambda: len(notes.readings["it"]) > count, "readings resume")
