"""`kleinmaelzung-agent try` as a person meets it: a terminal that is typed at, and instruments on real lines."""

import asyncio
import itertools
import json
import os
import queue
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.trying import replay, scoring
from tests import driving
from tests.driving import Notes
from tests.fakes_instruments import Pty, mt_sics_balance
from tests.fakes_uart import UartPty, answering, uart_server
from tests.simulators_text import Multimeter, TwoLineBalance, echoing_ph_meter, prompting_thermometer, streaming
from tests.typists import typist
from tests.waiting import until

# The instruments that wait to be asked never speak by themselves.
QUICK = ("--listen", "0.3")
ONE = """
[instruments.it]
port = "PORT"
[instruments.it.channels.weight]
[[instruments.it.stream]]
pattern = '(?P<weight>[0-9.]+)'
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[UartPty]:
    with UartPty(tmp_path / "tty0", "4800 8N1") as one:
        one.plug()
        yield one


def balance() -> Callable[[bytes], bytes]:
    """Each fifth answer is unstable."""
    numbers = itertools.count()

    def answer(line: bytes) -> bytes:
        number = next(numbers)
        match line:
            case b"SI":
                return f"S {'SD'[number % 5 == 4]} {100 + number / 100:>10.2f} g\r\n".encode()
            case b"T":
                return b"T S       0.50 g\r\n"
        return b"ES\r\n"

    return answer


async def run(directory: Path, *typed: str) -> tuple[int, str, str]:
    """Exit code, output, error output of `try`."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kleinmaelzung_agent", "try", *typed),
        cwd=directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
    )
    async with asyncio.timeout(100):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def document(directory: Path, *typed: str) -> Any:
    code, out, err = await run(directory, *typed, "--json")
    assert code == 0, out + err
    return json.loads(out)


def is_right(path: Path) -> profile_files.Profile:
    """The profile as an agent reads it; its transcript means what it says."""
    profile = profile_files.read(path)
    settings, mistakes = replay.read(profile.settings, "/dev/x")
    entries = replay.exchanges(profile.transcript, settings)
    assert (mistakes, replay.differences(settings, entries)) == ([], [])
    assert entries
    return profile


# --- typed ------------------------------------------------------------------------------------------------------------


async def test_somebody_who_cannot_program_finds_out_how_a_balance_speaks(terminal: UartPty, tmp_path: Path) -> None:
    answering(terminal, b"\r\n", balance())
    async with typist(tmp_path, "try", "--port", terminal.port, *QUICK, "--wait", "0.1") as one:
        await one.sees("nothing is sent")
        await one.sees("May they be sent?")
        assert not terminal.all_heard
        await one.answers("May they be sent?", "y")
        await one.sees("4800 baud, 8 data bits, no parity, 1 stop bit")
        await one.answers("Take these?", "")
        await one.sees("ends with \\r\\n")
        await one.answers("> ", ".help")
        await one.sees("the profile")
        await one.answers("> ", "SI")
        await one.sees("0d 0a")
        await one.answers("> ", ".value")
        await one.answers("Which is the value?", "3")
        await one.answers("Its unit", "")
        await one.answers("A name for what it measures: [weight]", "")
        await one.answers("Another value?", "")
        await one.answers("Does a word say", "2")
        await one.answers("Which text there means", "S")
        await one.sees("6 of 6 answers")
        await one.answers("Enter to take it", "")
        await one.answers("How often", "500ms")
        await one.answers("> ", ".command tare T")
        await one.answers("the instrument may act. Send?", "y")
        await one.answers("Does this answer mean", "")
        await one.answers("> ", ".command wrong NO")
        await one.answers("may act. Send?", "n")
        await one.sees("Nothing was sent")
        await one.answers("> ", ".command wrong NO")
        await one.answers("may act. Send?", "y")
        await one.answers("Does this answer mean", "n")
        await one.sees("not kept")
        await one.answers("> ", ".done")
        await one.answers("A name for the instrument", "balance")
        await one.answers("What is it, for people?", "Balance, room 3")
        await one.answers("Save it as:", "")
        await one.sees("instrument balance: answers: weight 100")
        assert await one.ends() == 0
    profile = is_right(tmp_path / "balance.toml")
    assert (profile.label, profile.tested) == ("Balance, room 3", "device Balance, room 3")
    assert profile.settings["baudrate"] == 4800
    assert profile.settings["poll"][0]["every"] == "500ms"
    assert profile.settings["channels"]["weight"]["quality"] == {"S": "good", "D": "unstable"}
    assert {entry.get("quality", {}).get("weight") for entry in profile.transcript} == {None, "unstable"}
    assert profile.transcript[-1]["values"] == {"value": 0.5}
    assert list(profile.settings["commands"]) == ["tare"]
    assert bytes(terminal.all_heard).count(b"NO\r\n") == 1


async def test_what_speaks_by_itself_is_marked_without_being_asked(tmp_path: Path) -> None:
    with UartPty(tmp_path / "tty0", "1200 8N1") as port:
        port.plug()
        answering(port, b"\r", lambda line: b"")
        with streaming(port, lambda number: f"{20 + number % 10 / 10:.1f};{40 + number % 7}\r\n".encode(), 0.1):
            async with typist(tmp_path, "try", "--port", port.port) as one:
                await one.sees("1200 baud")
                await one.answers("Take these?", "")
                await one.sees("speaks by itself")
                await one.answers("> ", ".value")
                await one.answers("Which is the value?", "1")
                await one.answers("Its unit", "°C")
                await one.answers("A name for what it measures: [temperature]", "")
                await one.answers("Another value?", "3")
                await one.answers("Its unit", "%RH")
                await one.answers("A name for what it measures: [humidity]", "")
                await one.answers("Another value?", "")
                await one.answers("Enter to take it", "(")
                await one.sees("no regular expression")
                await one.answers("Enter to take it", "")
                await one.answers("> ", ".done")
                await one.answers("A name for the instrument, such as balance: [thermometer]", "air")
                await one.answers("What is it", "")
                await one.answers("Save it as:", "/no/such/folder/air.toml")
                await one.answers("Save it as:", "air.txt")
                await one.answers("Save it as:", "air.toml")
                assert await one.ends() == 0
        assert not port.all_heard
    profile = is_right(tmp_path / "air.toml")
    assert set(profile.settings["channels"]) == {"temperature", "humidity"}


async def test_what_was_saved_runs_in_an_agent(terminal: UartPty, tmp_path: Path) -> None:
    answering(terminal, b"\r\n", balance())
    (tmp_path / "profiles").mkdir()
    save = ("--save", "profiles/scale.toml", "--name", "scale", "--quality", "2", "--command", "tare=T")
    line = ("--port", terminal.port, "--baudrate", "4800", "--framing", "8N1")
    found = await document(tmp_path, *line, *QUICK, *save)
    assert (found["ok"], found["live"]["state"], found["differences"]) == (True, "ok", [])
    profile = profile_files.read(tmp_path / "profiles/scale.toml")
    agent = tmp_path / "agent.toml"
    table = profile_files.merged(profile.settings, {"port": terminal.port})
    configured = replay.read(table, terminal.port)[0]
    notes = Notes()
    async with driving.running(notes, {"scale": configured}) as running:
        await until(lambda: notes.values("scale"), "a value")
        reply = await running["scale"].execute(driving.command("tare"), timeout_s=5)
    assert (reply.result, reply.values, reply.units) == ("done", {"value": 0.5}, {"value": "g"})
    assert not agent.exists()


async def test_ctrl_c_at_any_question_leaves_nothing(terminal: UartPty, tmp_path: Path) -> None:
    answering(terminal, b"\r\n", balance())
    before = sorted(tmp_path.iterdir())
    options = ("--port", terminal.port, *QUICK, "--baudrate", "4800", "--framing", "8N1", "--send", "SI")
    questions = ["Take these?", "> ", "Which is the value?", "Its unit", "A name for what", "Another", "Does a word"]
    questions += ["Enter to take it", "How often", "> ", "A name for the instrument", "What is it", "Save it as:"]
    typed = {"> ": iter([".value", ".done"])}
    for count in (0, 1, 4, 7, 10, 12):
        for once in typed:
            typed[once] = iter([".value", ".done"])
        async with typist(tmp_path, "try", *options) as one:
            await one.answers("May they be sent?", "y")
            for question in questions[:count]:
                await one.answers(question, next(typed.get(question, iter([""]))))
            await one.sees(questions[count])
            one.types("\x03")
            await one.sees("Nothing was saved")
            assert await one.ends() == 130
        assert sorted(tmp_path.iterdir()) == before


async def test_a_no_sends_nothing(terminal: UartPty, tmp_path: Path) -> None:
    answering(terminal, b"\r\n", balance())
    async with typist(tmp_path, "try", "--port", terminal.port, *QUICK) as one:
        await one.answers("May they be sent?", "")
        await one.answers("Take these?", "7E9")
        await one.sees("'7E9' is no framing")
        await one.answers("Take these?", "4800")
        await one.answers("Take these?", "")
        await one.answers("> ", ".done")
        await one.sees("No value is marked yet")
        await one.answers("> ", ".nonsense")
        await one.sees("is not known here")
        assert not terminal.all_heard
        await one.answers("> ", "\\x53I")  # an escape
        await one.sees("53 20 53")
        await one.answers("> ", ".line 4800 7E1")  # a pseudo-terminal has no such thing
        await one.sees("cannot be opened")
        await one.answers("> ", ".line 2400")
        await one.sees("2400 baud, 8 data bits, no parity, 1 stop bit")
        await one.answers("> ", ".line 4800 8N1")
        await one.answers("> ", ".end \\n")
        await one.answers("> ", ".help")
        await one.sees("(\\n) is put behind it")
        await one.answers("> ", ".end \\r\\n")
        await one.answers("> ", ".hex 53 49 0d 0a")
        await one.sees("53 20 53")
        await one.answers("> ", ".hex 5")
        await one.sees("no text of hexadecimal digits")
        one.types("\x1b[A\x1b[A\r")  # the line before the last one
        await one.sees("53 20 53")
        await one.answers("> ", ".quit")
        assert await one.ends() == 130
    assert bytes(terminal.all_heard).count(b"SI\r\n") >= 2


# --- by options -------------------------------------------------------------------------------------------------------


async def test_a_balance_that_we_did_not_write(tmp_path: Path) -> None:
    (tmp_path / "ptys").mkdir()
    with mt_sics_balance(tmp_path / "ptys") as port:
        line = ("--port", port, "--baudrate", "9600", "--framing", "8N1")
        found = await document(tmp_path, *line, *QUICK, "--name", "balance")
    assert found["live"]["state"] == "ok"
    assert "weight" in found["instrument"]["channels"]
    is_right(tmp_path / "balance.toml")


async def test_a_thermometer_that_speaks_by_itself_is_heard_and_not_asked(tmp_path: Path) -> None:
    with UartPty(tmp_path / "tty0", "2400 8N1") as port:
        port.plug()
        answering(port, b"\r", lambda line: b"")
        with streaming(port, lambda number: f"T1= {20 + number % 10 / 10:5.1f} 'C\r\n".encode(), 0.1):
            found = await document(tmp_path, "--port", port.port, "--name", "bath")
        assert not port.all_heard
    assert found["instrument"]["baudrate"] == 2400
    assert found["instrument"]["channels"] == {"temperature": {"unit": "°C"}}
    profile = is_right(tmp_path / "bath.toml")
    assert profile.transcript[0]["every"] == "1s"


async def test_a_thermometer_at_2400_7e1_behind_a_serial_server(tmp_path: Path) -> None:
    said: queue.Queue[bytes] = queue.Queue()
    heard = bytearray()

    async def speak() -> None:
        for number in itertools.count():
            if said.empty():
                said.put(f"+{20 + number % 10 / 10:.1f} C\r\n".encode())
            await asyncio.sleep(0.1)

    speaking = asyncio.create_task(speak())
    with uart_server("2400 7E1", said, heard.extend) as url:
        found = await document(tmp_path, "--port", url, "--baudrate", "9600", "2400", "--name", "probe")
    speaking.cancel()
    keys = found["instrument"]
    assert (keys["baudrate"], keys["bytesize"], keys["parity"]) == (2400, 7, "even")
    assert found["live"]["found"].startswith("answers: temperature 2")
    assert not heard


async def test_modbus_is_no_text_and_the_person_is_told_what_to_do(tmp_path: Path) -> None:
    with UartPty(tmp_path / "tty0", "19200 8N1") as port:
        port.plug()
        answer = bytes.fromhex("01 03 02 00 eb")
        frame = answer + scoring.modbus_question()[-2:]
        frame = answer + scoring.crc(answer)

        def hear(chunk: bytes) -> None:
            if chunk == scoring.modbus_question():
                port.say(frame)

        port.listen(hear)
        code, out, _ = await run(tmp_path, "--port", port.port, *QUICK, "--framing", "8N1", "--wait", "0.1", "--yes")
    assert code == 1
    assert "unit 1 answers in Modbus RTU at 19200 8N1" in out
    shown = out[out.index("[instruments.NAME]") :]
    assert tomllib.loads(shown)["instruments"]["NAME"] | {"channels": 0} == {
        "driver": "modbus",
        "port": port.port,
        "baudrate": 19200,
        "parity": "none",
        "unit": 1,
        "channels": 0,
    }
    agent = '[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n'
    assert config.read(agent + shown.replace("NAME", "it"), _private(tmp_path)).instruments["it"].driver == "modbus"
    assert not list(tmp_path.glob("*.toml.new"))


def _private(directory: Path) -> Path:
    path = directory / "agent.toml"
    path.touch(mode=0o600)
    return path


@pytest.mark.parametrize(
    ("make", "options", "keys", "value"),
    [
        (echoing_ph_meter, ("--send", "PH", "--terminator", "\\r"), {"echo": True, "decimal": ","}, {"ph": 7.02}),
        (
            prompting_thermometer,
            ("--send", "TEMP", "--terminator", "\\r", "--unit", "°C", "--seen", "23,4"),
            {"received_terminator": "\r\n> "},
            {"temperature": 23.4},
        ),
        (
            Multimeter,
            ("--send", "MEAS:VOLT:DC?", "--terminator", "\\n", "--unit", "V"),
            {"terminator": "\n"},
            {"voltage": 1.23456789},
        ),
        (TwoLineBalance, ("--send", "P", "--terminator", "\\r\\n", "--value", "6"), {"decimal": "."}, {"net": 100.25}),
    ],
)
async def test_echo_prompt_comma_and_exponent_are_seen(
    make: Callable[[Pty], Any], options: tuple[str, ...], keys: dict[str, Any], value: dict[str, float], tmp_path: Path
) -> None:
    with Pty(tmp_path / "tty0") as port:
        port.plug()
        instrument = make(port)
        channel = ("--channel", next(iter(value)), "--name", "it")
        line = (*QUICK, "--baudrate", "9600", "--framing", "8N1", "--wait", "0.1")
        found = await document(tmp_path, "--port", port.port, *options, *channel, *line)
    assert instrument
    assert {"decimal": "."} | found["instrument"] | keys == {"decimal": "."} | found["instrument"]
    assert is_right(tmp_path / "it.toml").transcript[0]["values"] == value


async def test_silence_says_what_to_look_at(tmp_path: Path) -> None:
    with Pty(tmp_path / "tty0") as port:
        port.plug()
        line = (*QUICK, "--baudrate", "9600", "--framing", "8N1", "--wait", "0.05")
        code, out, _ = await run(tmp_path, "--port", port.port, *line, "--yes")
        assert (code, "Is it the right cable?" in out) == (1, True)
        code, out, _ = await run(tmp_path, "--port", port.port, *line, "--json")
    assert (code, json.loads(out)["ok"]) == (1, False)


async def test_settings_that_a_port_does_not_have_are_left_out(terminal: UartPty, tmp_path: Path) -> None:
    answering(terminal, b"\r\n", balance())
    options = (*QUICK, "--baudrate", "2400", "4800", "--framing", "8O1", "7E1", "8N1", "--wait", "0.1", "--name", "it")
    found = await document(tmp_path, "--port", terminal.port, *options)
    assert found["instrument"]["baudrate"] == 4800


async def test_a_port_that_is_used_or_not_there_is_named(tmp_path: Path) -> None:
    code, out, _ = await run(tmp_path, "--port", str(tmp_path / "none"), "--yes")
    assert (code, "is not there" in out, "->" in out) == (1, True, True)
    with Pty(tmp_path / "tty0") as port:
        port.plug()
        async with typist(tmp_path, "try", "--port", port.port, *QUICK) as one:
            await one.sees("May they be sent?")
            code, out, _ = await run(tmp_path, "--port", port.port, "--yes")
            assert (code, "used by another program" in out, "process " in out) == (1, True, True)
            one.process.send_signal(signal.SIGTERM)


async def test_a_profile_that_is_there_stays(terminal: UartPty, tmp_path: Path) -> None:
    answering(terminal, b"\r\n", balance())
    (tmp_path / "mine.toml").write_text("kept")
    line = (*QUICK, "--baudrate", "4800", "--framing", "8N1")
    code, out, _ = await run(tmp_path, "--port", terminal.port, *line, "--yes", "--save", "mine.toml")
    assert (code, "mine.toml is there already" in out) == (1, True)
    assert (tmp_path / "mine.toml").read_text() == "kept"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--framing", "9X1"), "no framing"),
        (("--baudrate", "3"), "3 is no rate, expected 50 to 12000000 baud"),
        (("--command", "tare"), "expected NAME=TEXT"),
        (("--profile", "mt-sicss"), "there is no profile"),
    ],
)
async def test_wrong_options_say_what_is_expected(option: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, "--port", "/dev/ttyNONE", *option)
    assert (code, sentence in err) == (2, True), err


# --- ports and check --------------------------------------------------------------------------------------------------


async def agent(*typed: str) -> tuple[int, str, str]:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "kleinmaelzung_agent", *typed)
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_ports_shows_a_configured_port_and_who_has_it(tmp_path: Path) -> None:
    with Pty(tmp_path / "tty0") as port:
        port.plug()
        driving.load(tmp_path, ONE.replace("PORT", port.port))
        code, out, _ = await agent("ports", "--config", str(tmp_path / "agent.toml"), "--json")
        device = os.path.realpath(port.port)
    found = {one["device"]: one for one in json.loads(out)["serial"]}
    assert code == 0
    assert found[device]["instruments"] == ["it"]
    assert any(str(os.getpid()) in who for who in found[device]["used_by"])
    assert (await agent("ports"))[0] == 0
    code, _, err = await agent("ports", "--config", str(tmp_path / "none.toml"))
    assert (code, "cannot be read" in err) == (2, True)


async def test_check_is_also_a_word_of_its_own(tmp_path: Path) -> None:
    driving.load(tmp_path, ONE.replace("PORT", "/dev/ttyNONE"))
    code, out, _ = await agent("check", "--config", str(tmp_path / "agent.toml"), "--json")
    checks = {one["id"]: one for one in json.loads(out)["checks"]}
    assert (code, checks["config"]["state"]) == (1, "ok")
    assert "/dev/ttyNONE is not there" in checks["instrument"]["found"]
