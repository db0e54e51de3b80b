"""The text driver on real ports: pseudo-terminals, a TCP server, an RFC 2217 server, a balance we did not write."""

import asyncio
import contextlib
import random
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument, Reading
from kleinmaelzung_wire import descriptions, messages
from kleinmaelzung_wire.frames import Value
from tests import driving
from tests.fakes_instruments import Pty, Thermometer, mt_sics_balance, rfc2217_server
from tests.waiting import until

THERMOMETER = """
[instruments.it]
port = "PORT"
silent_after = "300ms"
[instruments.it.channels.temperature]
unit = "°C"
[[instruments.it.poll]]
send = "T?"
every = "EVERY"
timeout = "100ms"
reply = [{ pattern = '(?P<temperature>[+-][0-9.]+) C' }]
[instruments.it.commands.set]
send = "SET {value:.3f}"
timeout = "2s"
reply = [{ pattern = 'OK (?P<value>[0-9.]+)' }]
refuse = [{ pattern = 'ERR', reason = "the thermometer did not understand" }]
[instruments.it.commands.set.arguments.value]
type = "number"
minimum = 0
maximum = 1000000
[instruments.it.commands.nonsense]
send = "NONSENSE"
reply = [{ pattern = 'OK' }]
refuse = [{ pattern = 'ERR', reason = "the thermometer did not understand" }]
[instruments.it.commands.beep]
send = "BEEP"
"""
STREAM = """
[instruments.it]
port = "PORT"
silent_after = "300ms"
[instruments.it.channels.temperature]
[[instruments.it.stream]]
pattern = '(?P<temperature>[+-]?[0-9.]+) C'
"""
BALANCE = """
[instruments.it]
port = "PORT"
[instruments.it.channels.weight]
unit_group = "unit"
quality_group = "stable"
quality = { S = "good", D = "unstable" }
[[instruments.it.start]]
send = "@"
expect = 'I4 A ".*"'
[[instruments.it.poll]]
send = "SI"
every = "50ms"
reply = [{ pattern = 'SI? (?P<stable>[SD]) +(?P<weight>-?[0-9.]+) (?P<unit>\\S+)' }]
[instruments.it.commands.tare]
send = "TI"
reply = [{ pattern = 'TI (?P<state>[SD]) +(?P<tare>-?[0-9.]+) (?P<unit>\\S+)' }]
"""


@dataclass
class Notes:
    """The Sink: everything that was handed over."""

    readings: dict[str, list[Reading]] = field(default_factory=dict)
    states: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def samples(self, instrument: str, readings: Sequence[Reading]) -> None:
        self.readings.setdefault(instrument, []).extend(readings)

    def state(self, instrument: str, condition: messages.Condition, reason: str) -> None:
        self.states.setdefault(instrument, []).append((condition, reason))

    def values(self, name: str = "it", channel: str = "temperature") -> list[Value]:
        return [reading.values[channel] for reading in self.readings.get(name, [])]

    def condition(self, name: str = "it") -> str:
        return self.states[name][-1][0] if self.states.get(name) else ""

    def reason(self, name: str = "it") -> str:
        return self.states[name][-1][1]

    def conditions(self, name: str = "it") -> list[str]:
        return [condition for condition, _ in self.states.get(name, [])]


def read(directory: Path, text: str, port: str, every: str = "20ms") -> InstrumentConfig:
    agent = '[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n'
    path = directory / "agent.toml"
    text = text.replace('"300ms"', '"3h"') if every == "1h" else text
    path.write_text(agent + text.replace("PORT", port).replace("EVERY", every))
    path.chmod(0o600)
    return config.load(path).instruments["it"]


@asynccontextmanager
async def running(notes: Notes, settings: InstrumentConfig, name: str = "it") -> AsyncIterator[Instrument]:
    instrument = making.make(name, settings, notes)
    task = asyncio.create_task(instrument.run())
    try:
        yield instrument
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def command(name: str, **arguments: Value) -> messages.Command:
    return messages.Command(
        id=f"{name}-1", name=name, user="ada", arguments=arguments, timeout_us=5_000_000, sent=time.time_ns() // 1000
    )


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Pty]:
    with Pty(tmp_path / "tty") as terminal:
        yield terminal


# --- coming and going ---------------------------------------------------------------------------------------


async def test_an_instrument_that_is_off_at_the_start_is_read_when_it_comes(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    thermometer = Thermometer(terminal).start()
    thermometer.is_silent = True
    async with running(notes, read(tmp_path, THERMOMETER, terminal.port)):
        await until(lambda: f"{terminal.port} is not there" in str(notes.states), "the port is searched")
        terminal.plug()
        await until(lambda: notes.condition() == "silent", "the port is there, the instrument is off")
        assert notes.reason() == "no valid line for 300ms"
        thermometer.is_silent = False
        await until(lambda: len(notes.values()) > 3, "readings")
        assert notes.condition() == "connected"
        assert set(notes.values()) == {23.45}
        assert notes.readings["it"][0].units == {"temperature": "°C"}


async def test_unplugged_and_plugged_again_it_says_so_and_resumes(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    Thermometer(terminal).start()
    terminal.plug()
    async with running(notes, read(tmp_path, THERMOMETER, terminal.port, every="0ms")):
        for _ in range(3):
            await until(lambda: notes.condition() == "connected", "connected")
            terminal.unplug()
            await until(lambda: notes.condition() == "searching", "the loss is noticed")
            count = len(notes.values())
            terminal.plug()
            await until(lambda: len(notes.values()) > count, "readings resume")  # noqa: B023
    assert notes.conditions().count("connected") == 4
    assert set(notes.values()) == {23.45}


async def test_an_instrument_that_goes_silent_is_started_again(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    thermometer = Thermometer(terminal).start()
    terminal.plug()
    text = THERMOMETER + '[[instruments.it.start]]\nsend = "ID?"\nexpect = "THERMO .*"\ntimeout = "50ms"\n'
    async with running(notes, read(tmp_path, text, terminal.port)):
        await until(lambda: notes.condition() == "connected", "connected")
        assert thermometer.asked[0] == "ID?"
        thermometer.is_silent = True
        await until(lambda: notes.condition() == "silent", "silent")
        thermometer.is_silent = False
        thermometer.asked.clear()
        await until(lambda: notes.condition() == "connected", "connected again")
        await until(lambda: {"T?", "ID?"} <= set(thermometer.asked), "started and polled again")  # in either order


async def test_a_port_in_use_is_said_plainly(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    Thermometer(terminal).start()
    terminal.plug()
    settings = read(tmp_path, THERMOMETER, terminal.port)
    async with running(notes, settings, "first"):
        await until(lambda: notes.condition("first") == "connected", "the first has it")
        async with running(notes, settings, "second"):
            await until(lambda: "is used by another program" in str(notes.states.get("second")), "the second says so")
        assert notes.conditions("first")[-1] == "connected"


# --- lines --------------------------------------------------------------------------------------------------


async def test_no_half_line_of_a_stream_becomes_a_value(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    terminal.plug()
    async with running(notes, read(tmp_path, STREAM, terminal.port)) as instrument:
        await until(lambda: "is open" in str(notes.states), "open")
        for piece in (b"3.45 C\r\n", b"+12.", b"34", b" C\r", b"\n+12.34 C\r\n"):
            terminal.say(piece)
            await asyncio.sleep(0)
        await until(lambda: len(notes.values()) == 2, "two whole lines")
        terminal.say(b"+12.3")  # and the plug is pulled within the line
        terminal.unplug()
        await until(lambda: notes.condition() == "searching", "lost")
        terminal.plug()
        await until(lambda: "is open" in notes.reason(), "open again")
        terminal.say(b"4 C\r\n+12.34 C\r\n")
        await until(lambda: len(notes.values()) == 3, "the stream resumes")
        assert set(notes.values()) == {12.34}
        assert instrument.counters.half_lines == 2


async def test_half_an_answer_does_not_join_the_next(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    asked = 0

    def heard(chunk: bytes) -> None:
        nonlocal asked
        asked += chunk.count(b"\n")
        # every third answer breaks off; joined with the next it would read +23.4+23.45 or, without sign, worse
        terminal.say(b"+23.4" if asked % 3 == 0 else b"+23.45 C\r\n")

    terminal.listen(heard)
    terminal.plug()
    text = THERMOMETER.replace("[+-][0-9.]+", "[+0-9.]+").replace('timeout = "100ms"', 'timeout = "20ms"')
    async with running(notes, read(tmp_path, text, terminal.port, every="0ms")) as instrument:
        await until(lambda: instrument.counters.half_lines > 2, "broken answers")
    assert set(notes.values()) == {23.45}


async def test_lines_that_come_unasked_are_read_between_the_answers(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    Thermometer(terminal).start()
    terminal.plug()
    text = THERMOMETER + "[[instruments.it.stream]]\npattern = 'DOOR (?P<door>open|shut)'\n"
    text = text.replace(
        "[[instruments.it.poll]]", '[instruments.it.channels.door]\ntype = "text"\n[[instruments.it.poll]]'
    )
    async with running(notes, read(tmp_path, text, terminal.port, every="0ms")) as instrument:
        await until(lambda: notes.condition() == "connected", "connected")
        for _ in range(20):
            terminal.say(b"DOOR open\r\n")
            await asyncio.sleep(0.003)
        await until(lambda: sum("door" in reading.values for reading in notes.readings["it"]) == 20, "all of them")
        assert instrument.counters.rejected_lines == 0


# --- rubbish ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "counted", "enough"),
    [
        (random.Random(1).randbytes(65536), "undecodable", 1_200_000),
        (b"x" * 65536, "too_long", 1_200_000),
        (b"\0" * 65536, "too_long", 1_200_000),
        (b"T=\0\0\r\n" * 1000, "undecodable", 400_000),
        (b"~}?xx\r\n" * 9000, "rejected_lines", 400_000),
    ],
    ids=["wrong baud", "no line end", "NUL", "NUL in lines", "wrong patterns"],
)
async def test_rubbish_is_counted_and_costs_no_memory_and_no_neighbour(
    tmp_path: Path, terminal: Pty, notes: Notes, content: bytes, counted: str, enough: int
) -> None:
    terminal.plug()
    with Pty(tmp_path / "other") as other:
        other.plug()
        Thermometer(other).start()
        patient = THERMOMETER.replace('"300ms"', '"10s"').replace(
            '"100ms"', '"5s"'
        )  # its instrument is in this process
        neighbour = read(tmp_path, patient, other.port, every="10ms")
        async with running(notes, neighbour, "other"), running(notes, read(tmp_path, THERMOMETER, terminal.port)) as it:
            await until(lambda: notes.condition("other") == "connected", "the neighbour is read")

            def count() -> int:
                return len(notes.readings["other"])

            undisturbed = await driving.rate(count, lambda: count() > 50, "50 readings")
            with terminal.flood(content) as sent:
                await until(lambda: sent[0] > enough / 10, "some of it has passed")
                rate = await driving.rate(count, lambda: sent[0] > enough / 2, "more has passed")
                tracemalloc.start()
                await until(lambda: sent[0] > enough, "all of it has passed")
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                await until(lambda: notes.condition() == "error", "the state says so")
            assert peak < 1_000_000
            assert rate > undisturbed / 4, "the thread that floods has a share of the interpreter too"
            assert getattr(it.counters, counted) > 0
            assert "check baudrate and patterns" in notes.reason()
            assert notes.values("it") == []
            assert notes.conditions("other")[-1] == "connected"


async def test_after_the_rubbish_the_instrument_is_read_again(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    Thermometer(terminal).start()
    terminal.plug()
    async with running(notes, read(tmp_path, THERMOMETER, terminal.port)):
        await until(lambda: notes.condition() == "connected", "connected")
        with terminal.flood(b"\xff\x00garbage" * 500):
            await until(lambda: notes.condition() == "error", "error")
        await until(lambda: notes.condition() == "connected", "connected again")
        assert set(notes.values()) == {23.45}


async def test_a_device_that_stops_reading_blocks_nobody(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    terminal.plug()  # and nobody reads its master
    async with running(notes, read(tmp_path, THERMOMETER.replace("T?", "T" * 1000), terminal.port)) as instrument:
        stall = 0.0
        begun = time.monotonic()
        while instrument.counters.timeouts < 6:
            last = time.monotonic()
            await asyncio.sleep(0.005)
            stall = max(stall, time.monotonic() - last)
            assert last - begun < 30
        begun = time.monotonic()
    assert time.monotonic() - begun < 3, "it closes"
    assert stall < 0.5


# --- commands -----------------------------------------------------------------------------------------------


async def test_500_commands_while_polling_at_the_highest_rate_each_get_their_own_reply(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    thermometer = Thermometer(terminal).start()
    thermometer.delay_s = lambda: random.random() * 0.004
    terminal.plug()
    async with running(
        notes, read(tmp_path, THERMOMETER.replace('"100ms"', '"2s"'), terminal.port, every="0ms")
    ) as instrument:
        await until(lambda: notes.condition() == "connected", "connected")
        for number in range(500):
            reply = await instrument.execute(command("set", value=number + 0.5), timeout_s=5)
            assert (reply.result, reply.values) == ("done", {"value": number + 0.5})
            assert reply.bytes_out == b"SET %.3f\r\n" % (number + 0.5)
            assert reply.bytes_in == b"OK %.3f\r\n" % (number + 0.5)
        assert len(notes.values()) > 250, "polling went on"
        assert set(notes.values()) == {23.45}
        assert instrument.counters.rejected_lines == 0
        assert instrument.counters.timeouts == 0


async def test_commands_at_the_same_time_do_not_mix_either(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    thermometer = Thermometer(terminal).start()
    thermometer.delay_s = lambda: random.random() * 0.002
    terminal.plug()
    async with running(
        notes, read(tmp_path, THERMOMETER.replace('"100ms"', '"2s"'), terminal.port, every="0ms")
    ) as instrument:
        await until(lambda: notes.condition() == "connected", "connected")
        replies = await asyncio.gather(
            *(instrument.execute(command("set", value=number), timeout_s=10) for number in range(50))
        )
    assert [reply.values for reply in replies] == [{"value": float(number)} for number in range(50)]


@pytest.mark.parametrize("late_s", [0.02, 0.15, 0.4, 0.9])
async def test_a_late_answer_never_answers_the_next_command(
    tmp_path: Path, terminal: Pty, notes: Notes, late_s: float
) -> None:
    thermometer = Thermometer(terminal).start()
    terminal.plug()
    text = THERMOMETER.replace('"2s"', '"100ms"')
    async with running(notes, read(tmp_path, text, terminal.port, every="1h")) as instrument:
        await until(lambda: notes.condition() == "connected", "connected")
        for number in range(0, 6, 2):
            thermometer.delays = [late_s]
            late = await instrument.execute(command("set", value=number), timeout_s=5)
            assert late.result == ("timeout" if late_s > 0.1 else "done")
            following = await instrument.execute(command("set", value=number + 1), timeout_s=5)
            assert (following.result, following.values) == ("done", {"value": number + 1.0})


async def test_answers_that_pile_up_do_not_answer_the_last_command(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    """The instrument freezes for several commands and then answers them all at once."""
    thermometer = Thermometer(terminal).start()
    terminal.plug()
    text = THERMOMETER.replace('"2s"', '"100ms"')
    async with running(notes, read(tmp_path, text, terminal.port, every="1h")) as instrument:
        await until(lambda: notes.condition() == "connected", "connected")
        # It works in order, so the next ones wait behind; the answers come while the third command waits for its own.
        thermometer.delays = [2.3]
        replies = [await instrument.execute(command("set", value=number), timeout_s=5) for number in range(4)]
    for number, reply in enumerate(replies):
        assert reply.values in ({}, {"value": float(number)})
    assert replies[-1].result == "done"


async def test_a_command_that_is_refused_is_not_sent(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    thermometer = Thermometer(terminal).start()
    settings = read(tmp_path, THERMOMETER, terminal.port, every="1h")
    async with running(notes, settings) as instrument:
        reply = await instrument.execute(command("set", value=1), timeout_s=1)
        assert (reply.result, reply.reason) == ("refused", "the instrument is not connected")
        terminal.plug()
        await until(lambda: notes.condition() == "connected", "connected")
        thermometer.asked.clear()
        for wrong, sentence in [
            (command("sett", value=1), "unknown command 'sett', expected set, nonsense, beep"),
            (command("set", value=-1), 'argument "value" is -1.0, expected 0 to 1e+06'),
            (command("set", value="1\r\nERASE"), "expected a number"),
            (command("set"), 'argument "value" is missing'),
            (command("beep", loud=True), "unknown argument 'loud', expected none"),
        ]:
            reply = await instrument.execute(wrong, timeout_s=1)
            assert reply.result == "refused"
            assert sentence in reply.reason
        assert thermometer.asked == []
        reply = await instrument.execute(command("nonsense"), timeout_s=1)
        assert (reply.result, reply.reason) == ("failed", "the thermometer did not understand")
        assert (await instrument.execute(command("beep"), timeout_s=1)).result == "done"


async def test_a_text_that_would_end_the_command_is_not_sent(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    thermometer = Thermometer(terminal).start()
    terminal.plug()
    text = THERMOMETER.replace('port = "PORT"', 'port = "PORT"\nterminator = ";"').replace('"BEEP"', '"BEEP {song}"')
    text += '[instruments.it.commands.beep.arguments.song]\ntype = "text"\n'
    async with running(notes, read(tmp_path, text, terminal.port)) as instrument:
        await until(lambda: "is open" in str(notes.states), "open")
        wrong = command("beep", song="a;ERASE")
        sentence = "argument \"song\" is 'a;ERASE', what ends a command is not allowed in it"
        assert instrument.check(wrong) == sentence
        assert instrument.check(command("beep", song="a,b")) == ""
        reply = await instrument.execute(wrong, timeout_s=1)
        assert (reply.result, reply.reason, reply.bytes_out) == ("refused", sentence, b"")
        assert "ERASE" not in str(thermometer.asked)


async def test_a_gate_that_closes_while_the_port_was_busy_keeps_a_command_back(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    thermometer = Thermometer(terminal).start()
    terminal.plug()
    async with running(notes, read(tmp_path, THERMOMETER, terminal.port)) as instrument:
        await until(lambda: notes.condition() == "connected", "connected")
        reply = await instrument.execute(command("set", value=1), timeout_s=5, gate=lambda: "it is too hot now")
        assert (reply.result, reply.reason, reply.bytes_out) == ("refused", "it is too hot now", b"")
        assert not any(query.startswith("SET") for query in thermometer.asked)


async def test_a_command_that_waited_too_long_is_not_sent(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    thermometer = Thermometer(terminal).start()
    terminal.plug()
    settings = read(tmp_path, THERMOMETER.replace('"100ms"', '"9s"'), terminal.port, every="0ms")
    async with running(notes, settings) as instrument:
        await until(lambda: notes.condition() == "connected", "connected")
        thermometer.is_silent = True
        thermometer.asked.clear()
        await until(lambda: thermometer.asked, "a poll is waiting for its answer")
        reply = await instrument.execute(command("set", value=1), timeout_s=0.1)
        assert reply.result == "expired"
        assert "nothing was sent" in reply.reason
        assert not any(query.startswith("SET") for query in thermometer.asked)


async def test_a_command_whose_port_is_lost_says_that_nobody_knows(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    thermometer = Thermometer(terminal).start()
    terminal.plug()
    async with running(notes, read(tmp_path, THERMOMETER, terminal.port, every="1h")) as instrument:
        await until(lambda: notes.condition() == "connected", "connected")
        thermometer.is_silent = True
        execution = asyncio.create_task(instrument.execute(command("set", value=1), timeout_s=5))
        await until(lambda: "SET 1.000" in thermometer.asked, "it was sent")
        terminal.unplug()
        reply = await execution
        assert reply.result == "lost"
        assert reply.reason.startswith("whether it was executed is not known")


# --- other ports --------------------------------------------------------------------------------------------


async def test_a_balance_that_we_did_not_write_is_read_and_tared(tmp_path: Path, notes: Notes) -> None:
    with mt_sics_balance(tmp_path) as port:
        async with running(notes, read(tmp_path, BALANCE, port)) as instrument:
            await until(lambda: len(notes.values(channel="weight")) > 5, "weights")
            assert notes.readings["it"][0].units["weight"] in ("kg", "g", "lb")
            reply = await instrument.execute(command("tare"), timeout_s=5)
            assert reply.result == "done", reply
            assert set(reply.values) == {"state", "tare"}
            assert reply.units["tare"]


async def test_a_serial_server_in_the_network_is_read_and_found_again(tmp_path: Path, notes: Notes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for query in reader:
            writer.write(b"+23.45 C\r\n" if query == b"T?\r\n" else b"OK 1.000\r\n")
            if query == b"BEEP\r\n":
                break
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with running(notes, read(tmp_path, THERMOMETER, f"socket://127.0.0.1:{port}", every="0ms")) as instrument:
            await until(lambda: len(notes.values()) > 100, "readings")
            assert (await instrument.execute(command("set", value=1), timeout_s=5)).values == {"value": 1.0}
            await instrument.execute(command("beep"), timeout_s=5)
            await until(lambda: notes.condition() == "searching", "the end is noticed")
            await until(lambda: notes.condition() == "connected", "connected again")


async def test_a_serial_server_that_refuses_is_said_plainly(tmp_path: Path, notes: Notes) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with running(notes, read(tmp_path, THERMOMETER, f"socket://127.0.0.1:{port}")):
        await until(lambda: "Connection refused" in str(notes.states), "a reason")


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial 3.5's, in rfc2217.py
async def test_an_rfc2217_server_is_read_and_its_end_noticed(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    Thermometer(terminal).start()
    terminal.plug()
    with rfc2217_server(terminal.port) as url:
        async with running(notes, read(tmp_path, THERMOMETER, url, every="0ms")) as instrument:
            await until(lambda: len(notes.values()) > 5, "readings")
            reply = await instrument.execute(command("set", value=1), timeout_s=5)
            assert reply.values == {"value": 1.0}
            terminal.unplug()  # the server ends with its device
            await until(lambda: notes.condition() == "searching", "the end is noticed")


def test_the_description_says_what_it_measures_and_takes(tmp_path: Path, notes: Notes) -> None:
    description = making.make("it", read(tmp_path, THERMOMETER, "/dev/ttyX"), notes).description()
    assert descriptions.Description.decode(description.encode()) == description
    assert [channel.name for channel in description.channels] == ["temperature"]
    assert [known.name for known in description.commands] == ["set", "nonsense", "beep"]
    assert description.commands[0].arguments[0].maximum == 1_000_000
