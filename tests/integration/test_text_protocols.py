"""Instruments of many protocols, on real ports, by configuration alone: none with more than 25 lines of it."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument
from tests import simulators_text as simulators
from tests.fakes_instruments import Pty
from tests.integration.test_text_driver import Notes, command
from tests.waiting import until

MOST_LINES = 25


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Pty]:
    with Pty(tmp_path / "tty") as terminal:
        yield terminal


def load(directory: Path, text: str, port: str) -> dict[str, InstrumentConfig]:
    for part in text.split("[instruments.b]"):
        assert len([line for line in part.splitlines() if line.strip()]) <= MOST_LINES
    agent = '[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n'
    path = directory / "agent.toml"
    path.write_text(agent + text.replace("PORT", port))
    path.chmod(0o600)
    return dict(config.load(path).instruments)


@asynccontextmanager
async def running(directory: Path, text: str, terminal: Pty, notes: Notes) -> AsyncIterator[Instrument]:
    """All instruments of the text; gives the first."""
    if terminal.master < 0:
        terminal.plug()
    instruments = making.make_all(load(directory, text, terminal.port))(notes)
    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(instrument.run()) for instrument in instruments.values()]
        stack.push_async_callback(asyncio.wait, tasks)
        for task in tasks:
            stack.callback(task.cancel)
        yield next(iter(instruments.values()))


def said(notes: Notes, name: str = "a") -> list[dict[str, Any]]:
    return [dict(reading.values) for reading in notes.readings.get(name, [])]


async def test_stx_etx_and_a_check_byte_behind_it(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    controller = simulators.BisynchController(terminal)
    text = """
[instruments.a]
port = "PORT"
begin = "\\u0002"
terminator = "\\u0003"
received_terminator = "\\u0003"
checksum = { type = "xor8", form = "bytes", place = "after" }
[instruments.a.channels.temperature]
unit = "°C"
[[instruments.a.poll]]
send = "PV"
every = "20ms"
reply = [{ fields = ["temperature"], head = "PV" }]
[instruments.a.commands.set]
send = "SL{celsius:.1f}"
reply = [{ fields = ["celsius"], head = "SL" }]
[instruments.a.commands.set.arguments.celsius]
type = "number"
"""
    async with running(tmp_path, text, terminal, notes) as it:
        await until(lambda: len(said(notes)) > 5, "values")
        for celsius in range(20, 40):  # among their check bytes are STX, ETX and line ends
            reply = await it.execute(command("set", celsius=celsius + 0.5), timeout_s=5)
            assert (reply.result, reply.values) == ("done", {"celsius": celsius + 0.5})
            assert controller.setpoint == celsius + 0.5
    assert all(values == {"temperature": 23.4} for values in said(notes))
    assert controller.refused == []
    assert it.counters.wrong_checksums == 0


DCON = """
[instruments.a]
port = "PORT"
bus = true
terminator = "\\r"
checksum = { type = "sum8" }
[instruments.a.channels.temperature]
unit = "°C"
no_value = { "9999" = "overload" }
[[instruments.a.poll]]
send = "#01"
every = "20ms"
timeout = "200ms"
reply = [{ fields = ["temperature"], head = ">" }]
[instruments.b]
port = "PORT"
bus = true
terminator = "\\r"
checksum = { type = "sum8" }
[instruments.b.channels.temperature]
unit = "°C"
[[instruments.b.poll]]
send = "#0A"
every = "20ms"
timeout = "200ms"
reply = [{ fields = ["temperature"], head = ">" }]
[instruments.b.commands.settings]
send = "$0A2"
reply = [{ pattern = '!0A(?P<settings>.*)' }]
"""


async def test_two_addressed_modules_on_one_bus(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    modules = simulators.DconModules(terminal, {0x01: 25.13, 0x0A: -7.5})
    async with running(tmp_path, DCON, terminal, notes) as it:
        await until(lambda: min(len(said(notes, "a")), len(said(notes, "b"))) > 5, "values of both")
        modules.modules[0x01] = 9999.0
        await until(lambda: said(notes, "a")[-1] == {"temperature": None}, "an overload")
        assert notes.readings["a"][-1].quality == {"temperature": "overload"}
        modules.modules[0x01] = 25.13
        modules.damages = 3
        await until(lambda: modules.damages == 0, "damaged answers")
        await until(lambda: said(notes, "a")[-1] == {"temperature": 25.13}, "values again")
    assert all(values["temperature"] in (25.13, None) for values in said(notes, "a"))
    assert all(values == {"temperature": -7.5} for values in said(notes, "b"))
    assert notes.readings["b"][0].units == {"temperature": "°C"}
    assert it.counters.wrong_checksums <= 3


async def test_nothing_but_wrong_checksums_is_an_error_that_says_so(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    modules = simulators.DconModules(terminal, {0x01: 25.13})
    modules.damages = 1_000_000
    text = DCON.split("[instruments.b]")[0].replace("bus = true", 'silent_after = "500ms"')
    async with running(tmp_path, text, terminal, notes):
        await until(lambda: notes.condition("a") == "error", "the state")
        assert "with a wrong checksum" in notes.reason("a")
    assert said(notes) == []


async def test_a_checksum_in_decimal(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    simulators.pfeiffer_gauge(terminal)
    text = """
[instruments.a]
port = "PORT"
terminator = "\\r"
checksum = { type = "sum8", form = "decimal" }
[instruments.a.channels.pressure]
unit = "hPa"
formula = "mantissa * 10 ** (exponent - 23)"
[[instruments.a.poll]]
send = "0010074002=?"
every = "20ms"
reply = [{ pattern = '0011074006(?P<mantissa>[0-9]{4})(?P<exponent>[0-9]{2})' }]
"""
    async with running(tmp_path, text, terminal, notes):
        await until(lambda: len(said(notes)) > 3, "values")
    assert said(notes)[0] == {"pressure": 1000.0}


async def test_an_nmea_stream(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    text = """
[instruments.a]
port = "PORT"
begin = "$"
checksum = { type = "nmea" }
[instruments.a.channels.temperature]
unit = "°C"
[instruments.a.channels.pressure]
unit = "bar"
[[instruments.a.stream]]
fields = ["", "temperature", "", "", "", "pressure", "..."]
head = "WIXDR,"
[[instruments.a.stream]]
pattern = '[A-Z]{5},.*'
"""

    def content(number: int) -> bytes:
        good = simulators.nmea(f"WIXDR,C,{number % 50}.5,C,AIR,P,1.0132,B,BARO") + simulators.nmea("GPZDA,1200,23,11")
        return good if number % 3 else b"noise" + good.replace(b".5,C", b".7,C")

    with simulators.streaming(terminal, content):
        async with running(tmp_path, text, terminal, notes) as it:
            await until(lambda: len(said(notes)) > 20, "values")
    assert all(values["temperature"] % 1 == 0.5 and values["pressure"] == 1.0132 for values in said(notes))
    assert it.counters.wrong_checksums > 3
    assert it.counters.rejected_lines == 0, "the other sentences are known"


async def test_a_stream_of_comma_separated_values(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    text = """
[instruments.a]
port = "PORT"
[instruments.a.channels.temperature]
no_value = { "***" = "no sensor" }
[instruments.a.channels.state]
type = "text"
values = { "0" = "off", "1" = "heating" }
[instruments.a.channels.load]
unit = "kg"
quality_group = "status"
quality_bits = { 0 = "unstable", 7 = "overload" }
quality_base = 16
[[instruments.a.stream]]
fields = ["", "temperature", "state", "load", "status"]
"""
    with simulators.streaming(
        terminal, lambda number: f'"12:00,{number}",{"***" if number % 2 else "23.4"},1,1.5,8{number % 2}\r\n'.encode()
    ):
        async with running(tmp_path, text, terminal, notes):
            await until(lambda: len(said(notes)) > 5, "values")
    for reading in notes.readings["a"]:
        is_odd = reading.values["temperature"] is None
        assert reading.values == {"temperature": None if is_odd else 23.4, "state": "heating", "load": 1.5}
        assert reading.quality == ({"temperature": "no sensor", "load": "unstable"} if is_odd else {"load": "overload"})


async def test_names_and_values_with_units_in_any_order(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    text = """
[instruments.a]
port = "PORT"
[instruments.a.channels.temperature]
with_unit = true
[instruments.a.channels.humidity]
with_unit = true
[[instruments.a.stream]]
pairs = { T = "temperature", RH = "humidity" }
"""
    lines = (b"T=23.4 C;RH=45 %;N=1\r\n", b"RH=45 %; T=23.4 C\r\n", b"T=23.4 C;T=45 %\r\n", b"T=4x3;RH=45 %\r\n")
    with simulators.streaming(terminal, lambda number: lines[number % len(lines)]):
        async with running(tmp_path, text, terminal, notes) as it:
            await until(lambda: len(said(notes)) > 5 and it.counters.rejected_lines > 2, "values")
    assert all(values == {"temperature": 23.4, "humidity": 45.0} for values in said(notes))
    assert notes.readings["a"][0].units == {"temperature": "C", "humidity": "%"}


async def test_a_balance_that_answers_in_two_lines(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    balance = simulators.TwoLineBalance(terminal)
    text = """
[instruments.a]
port = "PORT"
[instruments.a.channels.gross]
unit_group = "unit"
[instruments.a.channels.net]
unit_group = "unit"
[[instruments.a.poll]]
send = "P"
every = "20ms"
lines = 2
reply = [
{ pattern = 'G (?P<gross>[+-] *[0-9.]+) g\\nN (?P<net>[+-] *[0-9.]+) (?P<unit>g)' },
{ pattern = 'OL', quality = "overload" }]
[instruments.a.commands.print]
send = "P"
lines = 2
reply = [{ pattern = 'G (?P<gross>.*) g\\nN (?P<net>.*) (?P<unit>g)' }]
refuse = [{ pattern = 'ES', reason = "not understood" }]
[instruments.a.commands.wrong]
send = "X"
lines = 2
reply = [{ pattern = 'G.*\\nN.*' }]
refuse = [{ pattern = 'ES', reason = "not understood" }]
"""
    async with running(tmp_path, text, terminal, notes) as it:
        await until(lambda: len(said(notes)) > 5, "values")
        done = await it.execute(command("print"), timeout_s=5)
        assert (done.result, done.values, done.units["net"]) == ("done", {"gross": 112.5, "net": 100.25}, "g")
        refused = await it.execute(command("wrong"), timeout_s=5)
        assert (refused.result, refused.reason) == ("failed", "not understood")
        assert all(values == {"gross": 112.5, "net": 100.25} for values in said(notes))
        balance.is_overloaded = True
        await until(lambda: said(notes)[-1] == {"gross": None, "net": None}, "one line is enough to say so")
    assert it.counters.rejected_lines == 0
    assert it.counters.timeouts == 0


async def test_plain_questions_with_framed_answers(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    simulators.framed_answers(terminal)
    text = """
[instruments.a]
port = "PORT"
terminator = "\\r"
received_begin = "\\u0002"
checksum = { type = "sum8", mark = "\\u0003", covers_mark = true, sent = false }
[instruments.a.channels.temperature]
unit = "°C"
scale = 0.1
[[instruments.a.poll]]
send = "T01"
every = "20ms"
reply = [{ fields = ["temperature"], head = "T01" }]
"""
    async with running(tmp_path, text, terminal, notes) as it:
        await until(lambda: len(said(notes)) > 5, "values")
    assert all(values["temperature"] == pytest.approx(23.4) for values in said(notes))
    assert it.counters.bad() == 0


async def test_half_an_answer_of_two_lines_does_not_join_the_next(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    """Two bare numbers, which only their order tells apart: the second line is lost now and then."""
    answers = iter([b"1\r\n", b"1\r\n2\r\n", b"1\r\n", b"2\r\n1\r\n2\r\n", *[b"1\r\n2\r\n"] * 1000])
    simulators.Lines(terminal, b"\r\n", lambda line: next(answers))
    text = """
[instruments.a]
port = "PORT"
[instruments.a.channels.first]
[instruments.a.channels.second]
[[instruments.a.poll]]
send = "?"
every = "20ms"
timeout = "100ms"
lines = 2
reply = [{ fields = ["first", "second"] }]
"""
    async with running(tmp_path, text, terminal, notes) as it:
        await until(lambda: len(said(notes)) > 5 and it.counters.timeouts > 1, "values after losses")
    assert all(values == {"first": 1.0, "second": 2.0} for values in said(notes))


async def test_the_print_out_of_a_balance(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    text = """
[instruments.a]
port = "PORT"
[instruments.a.channels.net]
unit = "g"
[instruments.a.channels.sample]
type = "text"
[[instruments.a.stream]]
first = '-+'
until = '=+'
pattern = '(?s).*ID +(?P<sample>\\S+)\\nN +(?P<net>[+-] *[0-9.]+) g\\n.*'
"""
    with simulators.streaming(terminal, simulators.printed_protocol):
        async with running(tmp_path, text, terminal, notes) as it:
            await until(lambda: len(said(notes)) > 5, "values")
    assert all(values["sample"] == "SAMPLE" and values["net"] % 1 == 0.5 for values in said(notes))
    assert it.counters.rejected_lines <= 6, "of the first, which may be half a print-out"


async def test_an_instrument_that_echoes_and_writes_decimal_commas(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    meter = simulators.echoing_ph_meter(terminal)
    text = """
[instruments.a]
port = "PORT"
terminator = "\\r"
echo = true
decimal = ","
[instruments.a.channels.ph]
[[instruments.a.poll]]
send = "PH"
every = "20ms"
reply = [{ fields = ["ph"], separator = ";" }]
[instruments.a.commands.set]
send = "SET {ph:.2f}"
reply = [{ fields = ["ph"], head = "OK ", separator = ";" }]
[instruments.a.commands.set.arguments.ph]
type = "number"
[instruments.a.commands.beep]
send = "BEEP"
"""
    async with running(tmp_path, text, terminal, notes) as it:
        await until(lambda: len(said(notes)) > 5, "values")
        reply = await it.execute(command("set", ph=6.865), timeout_s=5)
        assert (reply.result, reply.values, reply.bytes_out) == ("done", {"ph": 6.87}, b"SET 6,87\r")
        assert (await it.execute(command("beep"), timeout_s=5)).bytes_in == b"BEEP\r"
        await until(lambda: meter.asked[-1] == b"PH", "polls go on")
    assert all(values == {"ph": 7.02} for values in said(notes))
    assert it.counters.rejected_lines == 0


async def test_an_instrument_with_a_prompt(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    simulators.prompting_thermometer(terminal)
    text = """
[instruments.a]
port = "PORT"
terminator = "\\r"
received_terminator = "\\r\\n> "
[instruments.a.channels.temperature]
[[instruments.a.poll]]
send = "TEMP"
every = "20ms"
reply = [{ fields = ["temperature"] }]
"""
    async with running(tmp_path, text, terminal, notes) as it:
        await until(lambda: len(said(notes)) > 5, "values")
    assert all(values == {"temperature": 23.4} for values in said(notes))
    assert it.counters.rejected_lines == 0


async def test_a_circulator_that_does_not_answer_what_sets_it(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    julabo = simulators.Julabo(terminal)
    text = """
[instruments.a]
port = "PORT"
terminator = "\\r"
gap = "20ms"
[instruments.a.channels.bath]
unit = "°C"
[instruments.a.channels.setpoint]
unit = "°C"
[[instruments.a.poll]]
send = "in_pv_00"
every = "50ms"
reply = [{ fields = ["bath"] }]
[[instruments.a.poll]]
send = "in_sp_00"
every = "100ms"
reply = [{ fields = ["setpoint"] }]
[instruments.a.commands.set]
send = "out_sp_00 {celsius:.2f}"
[instruments.a.commands.set.arguments.celsius]
type = "number"
"""
    async with running(tmp_path, text, terminal, notes) as it:
        await until(lambda: {"bath": 24.87} in said(notes) and {"setpoint": 20.0} in said(notes), "values")
        assert (await it.execute(command("set", celsius=25.0), timeout_s=5)).result == "done"
        await until(lambda: {"setpoint": 25.0} in said(notes), "it is set")
        assert julabo.setpoint == 25.0


async def test_a_transmitter_whose_line_has_words_between_the_values(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    text = """
[instruments.a]
port = "PORT"
[instruments.a.channels.humidity]
unit = "%RH"
no_value = { "*****" = "no sensor" }
[instruments.a.channels.temperature]
unit = "°C"
no_value = { "*****" = "no sensor" }
[[instruments.a.stream]]
pattern = "RH= *(?P<humidity>[-0-9.*]+) %RH T= *(?P<temperature>[-0-9.*]+) 'C *"
"""
    lines = (b"RH= 33.4 %RH T= 22.1 'C \r\n", b"RH=***** %RH T= 22.1 'C \r\n")
    with simulators.streaming(terminal, lambda number: lines[number % 2]):
        async with running(tmp_path, text, terminal, notes):
            await until(lambda: len(said(notes)) > 5, "values")
    assert {values["humidity"] for values in said(notes)} == {33.4, None}
    assert {values["temperature"] for values in said(notes)} == {22.1}


SCPI = """
[instruments.a]
driver = "scpi"
port = "PORT"
every = "20ms"
[instruments.a.channels.voltage]
query = "MEAS:VOLT:DC?"
unit = "V"
[instruments.a.channels.current]
query = "FETC?"
[instruments.a.channels.power]
query = "FETC?"
field = 2
[instruments.a.commands.range]
send = "VOLT:RANG {volts}"
[instruments.a.commands.range.arguments.volts]
type = "number"
[instruments.a.commands.ask_range]
send = "VOLT:RANG?"
reply = [{ fields = ["volts"] }]
[instruments.a.commands.wrong]
send = "NONSENSE?"
reply = [{ fields = ["it"] }]
"""


async def test_a_scpi_multimeter(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    meter = simulators.Multimeter(terminal)
    async with running(tmp_path, SCPI, terminal, notes) as it:
        await until(lambda: len(said(notes)) > 10, "values")
        assert meter.asked[0] == b"*IDN?"
        assert {"voltage": 1.23456789} in said(notes)
        assert {"current": 0.001, "power": None} in said(notes)
        [invalid] = {reading.quality["power"] for reading in notes.readings["a"] if "power" in reading.values}
        assert invalid == "invalid"
        meter.voltage = "+9.90000000E+37"
        await until(lambda: {"voltage": None} in said(notes), "an overload")
        assert "overload" in {reading.quality.get("voltage") for reading in notes.readings["a"]}
    assert it.counters.rejected_lines == 0
    assert it.counters.timeouts == 0


async def test_a_scpi_command_fails_in_the_instruments_own_words(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    meter = simulators.Multimeter(terminal)
    async with running(tmp_path, SCPI, terminal, notes) as it:
        await until(lambda: len(said(notes)) > 2, "values")
        meter.errors.append('-350,"Queue overflow"')  # from before
        done = await it.execute(command("range", volts=100), timeout_s=5)
        assert (done.result, done.reason, meter.range) == ("done", "", 100.0)
        failed = await it.execute(command("range", volts=5000), timeout_s=5)
        assert (failed.result, failed.reason) == ("failed", 'the instrument says: -222,"Data out of range"')
        asked = await it.execute(command("ask_range"), timeout_s=5)
        assert (asked.result, asked.values) == ("done", {"volts": 100.0})
        wrong = await it.execute(command("wrong"), timeout_s=5)
        assert (wrong.result, wrong.reason) == ("failed", 'the instrument says: -113,"Undefined header"')
        count = len(said(notes))
        await until(lambda: len(said(notes)) > count + 2, "polls go on")
    assert it.counters.rejected_lines == 0


# --- rubbish ----------------------------------------------------------------------------------------------------------

CHECKED = """
[instruments.a]
port = "PORT"
begin = "\\u0002"
received_terminator = "\\u0003"
checksum = { type = "crc16-modbus", form = "bytes", place = "after" }
silent_after = "300ms"
[instruments.a.channels.temperature]
[[instruments.a.stream]]
first = 'A.*'
until = 'Z.*'
pattern = '(?s).*(?P<temperature>[0-9]+).*'
"""


@pytest.mark.parametrize(
    ("content", "amount"),
    [
        (b"\x02" + b"A1" * 4000, 2_000_000),
        (b"A1\x03" * 4000, 2_000_000),
        (bytes(range(256)) * 100, 2_000_000),
        ((b"\x02" + b"A1" * 100 + b"\x03xx") * 100, 500_000),  # checking takes time, and the others have theirs
        (b"\x02" * 9000, 2_000_000),
    ],
    ids=["no end", "no begin", "all bytes", "wrong checksums", "begins only"],
)
async def test_rubbish_through_a_port_makes_no_value_and_holds_no_memory(
    tmp_path: Path, terminal: Pty, notes: Notes, content: bytes, amount: int
) -> None:
    """Ten megabytes go straight into the driver: unit/agent/drivers/test_text_fuzz.py."""
    async with running(tmp_path, CHECKED, terminal, notes):
        await until(lambda: "is open" in str(notes.states), "open")
        with terminal.flood(content) as sent:
            await until(lambda: sent[0] > 200_000, "some of it has passed")
            tracemalloc.start()
            until_sent = sent[0] + amount
            await until(lambda: sent[0] > until_sent, "much of it has passed", limit_s=100)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            await until(lambda: notes.condition("a") == "error", "the state says so")
    assert peak < amount / 2
    assert said(notes) == []
