"""What `kleinmaelzung-agent try` offers beside the value: the identity, numbers as arguments, and how it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kleinmaelzung_agent.configuration import config
from tests import driving, transcripts
from tests.driving import Notes, command
from tests.fakes_uart import UartPty, answering
from tests.integration.test_try import document, is_right, run
from tests.typists import typist
from tests.waiting import until

LINE = ("--baudrate", "9600", "--framing", "8N1", "--listen", "0.1")


class Controller:
    """`PV` +23.40 C, `ID?`, `SV 45.0` OK, all else ERR and a number."""

    def __init__(self, terminal: UartPty) -> None:
        self.heard: list[str] = []
        self.serial = "LCB0741"
        self.setpoint = "20.0"
        answering(terminal, b"\r\n", self._answer)

    def _answer(self, line: bytes) -> bytes:
        self.heard.append(line.decode())
        match line.decode().split():
            case ["PV"]:
                return b"PV +23.40 C\r\n"
            case ["ID?"]:
                return f'BATH "ECO 20", V1.20 SN {self.serial}\r\n'.encode()
            case ["SV", number] if float(number) <= 200:
                self.setpoint = number
                return b"OK\r\n"
            case ["SV", _]:
                return b"ERR 7\r\n"
            case ["NOW?"]:
                return f"AT {len(self.heard)}\r\n".encode()
        return b"ERR 3\r\n"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[UartPty]:
    with UartPty(tmp_path / "tty0", "9600 8N1") as one:
        one.plug()
        yield one


async def test_identity_argument_and_refusal_are_offered_and_kept(terminal: UartPty, tmp_path: Path) -> None:
    controller = Controller(terminal)
    async with typist(tmp_path, "try", "--port", terminal.port, *LINE, "--send", "PV") as one:
        await one.answers("May they be sent?", "y")
        await one.answers("Take these?", "")
        await one.answers("> ", ".value")
        for question in ("Which is the value?", "Its unit", "A name for what", "Another", "Does a word"):
            await one.answers(question, "")
        await one.answers("Enter to take it", "")
        await one.answers("How often", "50ms")
        await one.answers("> ", "ID?")
        await one.answers("> ", "SV 450")
        await one.answers("> ", ".command set SV 45.0")
        await one.answers("the instrument may act. Send?", "y")
        await one.answers("Does this answer mean", "")
        await one.answers("Shall 45.0 be given each time?", "Set Point")
        await one.sees("cannot be its name")
        await one.answers("Shall 45.0 be given each time?", "setpoint")
        await one.answers("Its unit", "°C")
        await one.answers("The least it may be", "low")
        await one.sees("'low' is no number")
        await one.answers("The least it may be", "-20")
        await one.answers("The most it may be", "-30")
        await one.sees("This is less than -20")
        await one.answers("The most it may be", "180")
        await one.sees("Command set is kept")
        await one.answers("To SV 450 it answered ERR 7: does it refuse like this?", "")
        await one.answers("What does it mean", "the bath does not take this")
        await one.answers("> ", ".done")
        await one.sees('To ID? it answered BATH "ECO 20", V1.20 SN LCB0741')
        await one.answers("Shall the agent ask this first", "")
        await one.answers("Which is its serial number?", "LCB0742")
        await one.sees("neither one of 1 to 6")
        await one.answers("Which is its serial number?", "")
        await one.answers("Enter to take it", "(")
        await one.sees("no regular expression")
        await one.answers("Enter to take it", "BATH")
        await one.sees("does not match the answer")
        await one.answers("Enter to take it", "")
        await one.answers("A name for the instrument", "bath")
        await one.answers("What is it", "")
        await one.answers("Save it as:", "")
        await one.sees("instrument bath: answers: temperature 23.4")
        await one.sees('serial = "LCB0741"')
        assert await one.ends() == 0
    profile = is_right(tmp_path / "bath.toml")
    assert profile.settings["identity"]["send"] == "ID?"
    [set_] = profile.settings["commands"].values()
    assert set_["send"] == "SV {setpoint:.1f}"
    assert set_["arguments"] == {"setpoint": {"type": "number", "unit": "°C", "minimum": -20, "maximum": 180}}
    assert set_["refuse"][0]["reason"] == "the bath does not take this"
    told = [(entry.get("result"), entry.get("arguments"), entry.get("identity")) for entry in profile.transcript]
    assert told[-3:] == [
        ("failed", {"setpoint": 45.0}, None),
        ("done", {"setpoint": 45.0}, None),
        (None, None, {"serial": "LCB0741"}),
    ]
    await runs_in_an_agent(tmp_path, terminal, controller)
    await is_simulated(tmp_path)


async def runs_in_an_agent(directory: Path, terminal: UartPty, controller: Controller) -> None:
    own = f'[instruments.bath]\nprofile = "bath"\nport = "{terminal.port}"\nidentity = {{ serial = "LCB0741" }}\n'
    path = directory / "agent.toml"
    path.write_text(f'{driving.AGENT}profiles = "{directory}"\n{own}')
    path.chmod(0o600)
    notes = Notes()
    async with driving.running(notes, config.load(path).instruments) as running:
        await until(lambda: notes.values("bath"), "a value")
        done = await running["bath"].execute(command("set", setpoint=99.9), timeout_s=20)
        assert (done.result, done.reason, controller.setpoint) == ("done", "", "99.9")
        high = await running["bath"].execute(command("set", setpoint=181), timeout_s=20)
        assert (high.result, "expected -20 to 180 °C" in high.reason) == ("refused", True)
    controller.serial = "LCB0742"
    async with driving.running(notes, config.load(path).instruments):
        await until(lambda: "another instrument answers here: serial LCB0742" in notes.reason("bath"), "it is noticed")


async def is_simulated(directory: Path) -> None:
    """Its simulator says what the transcript says, and the driver understands it."""
    async with transcripts.live(directory, "bath", [directory]) as live:
        for entry in live.entries:
            await live.holds(entry)


async def test_what_is_offered_can_be_declined_and_called_for(terminal: UartPty, tmp_path: Path) -> None:
    Controller(terminal)
    async with typist(tmp_path, "try", "--port", terminal.port, *LINE, "--send", "PV") as one:
        await one.answers("May they be sent?", "y")
        await one.answers("Take these?", "")
        await one.answers("> ", ".value")
        for question in ("Which is the value?", "Its unit", "A name for what", "Another", "Does a word"):
            await one.answers(question, "")
        await one.answers("Enter to take it", "")
        await one.answers("How often", "")
        await one.answers("> ", "NO")
        await one.answers("> ", ".refuse")
        await one.answers("What does it mean", "")
        await one.answers("> ", "NOW?")
        await one.answers("> ", ".identity")
        await one.sees("did not say the same again")
        await one.answers("> ", "PV")
        await one.answers("> ", ".identity")
        await one.sees("no answer to a question of its own")
        await one.answers("> ", "ID?")
        await one.answers("> ", ".command set SV 45.0")
        await one.answers("the instrument may act. Send?", "y")
        await one.answers("Does this answer mean", "")
        await one.answers("Shall 45.0 be given each time?", "")
        await one.sees("Command set is kept")
        await one.answers("> ", ".done")
        await one.answers("Shall the agent ask this first", "n")
        await one.answers("A name for the instrument", "bath")
        await one.answers("What is it", "")
        await one.answers("Save it as:", "")
        assert await one.ends() == 0
    profile = is_right(tmp_path / "bath.toml")
    assert "identity" not in profile.settings
    assert profile.settings["commands"]["set"]["send"] == "SV 45.0"
    assert "arguments" not in profile.settings["commands"]["set"]


async def test_all_of_it_can_be_given_as_options(terminal: UartPty, tmp_path: Path) -> None:
    controller = Controller(terminal)
    what = (
        "--identity",
        "ID?",
        "--command",
        "set=SV 45.0",
        "--argument",
        "set=setpoint,°C,-20,180",
        "--refuse",
        "ERR 3",
    )
    found = await document(tmp_path, "--port", terminal.port, *LINE, "--send", "PV", "--name", "bath", *what)
    assert (found["ok"], found["differences"]) == (True, [])
    assert controller.heard.count("SV 45.0") == 1
    profile = is_right(tmp_path / "bath.toml")
    assert {"serial": "LCB0741"} in [entry.get("identity") for entry in profile.transcript]
    [refusal] = profile.settings["commands"]["set"]["refuse"]
    assert refusal["reason"] == "the instrument refused it: ERR 3"
    await is_simulated(tmp_path)


async def test_a_command_that_is_refused_is_not_kept_with_nobody_there(terminal: UartPty, tmp_path: Path) -> None:
    Controller(terminal)
    commands = ("--command", "set=SV 45.0", "--command", "wrong=NONSENSE")
    await document(tmp_path, "--port", terminal.port, *LINE, "--send", "PV", "--name", "bath", *commands)
    assert list(is_right(tmp_path / "bath.toml").settings["commands"]) == ["set"]


async def test_an_identity_that_changes_is_no_profile_with_nobody_there(terminal: UartPty, tmp_path: Path) -> None:
    Controller(terminal)
    code, out, _ = await run(tmp_path, "--port", terminal.port, *LINE, "--send", "PV", "--identity", "NOW?", "--yes")
    assert (code, "NOW? was not answered with the same twice" in out) == (1, True)
    assert not list(tmp_path.glob("*.toml"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--argument", "set=x"), "expected NAME=ARG,UNIT,MIN,MAX with the NAME of a --command"),
        (("--command", "set=SV 1", "--argument", "set=,°C"), "expected NAME=ARG,UNIT,MIN,MAX"),
    ],
)
async def test_a_wrong_argument_says_what_is_expected(options: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, "--port", "/dev/ttyNONE", *options)
    assert (code, sentence in err) == (2, True), err
