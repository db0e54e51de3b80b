"""The right instrument: asked who it is before anything else, refused if it is another, found at another port."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.instruments import Instrument
from kleinmaelzung_wire import descriptions
from tests import driving
from tests.driving import Notes, command
from tests.fakes_bus import Bus, Unit
from tests.fakes_instruments import Pty, Thermometer
from tests.waiting import until

INSTRUMENT = """
[instruments.NAME]
port = "PORT"
silent_after = "400ms"
[instruments.NAME.identity]
send = "ID?"
pattern = 'ID (?P<model>\\S+) SN (?P<serial>\\S+) FW (?P<firmware>\\S+)'
serial = "SERIAL"
timeout = "100ms"
[instruments.NAME.channels.temperature]
[[instruments.NAME.start]]
send = "SET 1"
expect = "OK 1"
[[instruments.NAME.poll]]
send = "T?"
every = "20ms"
timeout = "100ms"
reply = [{ pattern = '(?P<temperature>[+-][0-9.]+) C' }]
[instruments.NAME.commands.set]
send = "SET {value:.1f}"
reply = [{ pattern = 'OK (?P<value>[0-9.]+)' }]
arguments.value = { type = "number" }
"""
WRONG = "another instrument answers here: serial 4712, expected 4711"


@dataclass
class Numbered(Thermometer):
    """A thermometer that says its serial number."""

    serial: str = "4711"

    def answer(self, query: str) -> str:
        return f"ID T100 SN {self.serial} FW 1.2" if query == "ID?" else super().answer(query)


def instrument(port: Path | str, name: str = "it", serial: str = "4711", search: str = "") -> str:
    text = INSTRUMENT.replace("NAME", name).replace("SERIAL", serial)
    searched = f'search = ["{search}"]\n' if search else ""
    return text.replace('port = "PORT"\n', (f'port = "{port}"\n' if port else "") + searched)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Pty]:
    with Pty(tmp_path / "tty0") as terminal:
        yield terminal


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Pty]:
    with Pty(tmp_path / "tty1") as terminal:
        yield terminal


@pytest.fixture
def third(tmp_path: Path) -> Iterator[Pty]:
    with Pty(tmp_path / "tty2") as terminal:
        yield terminal


def said_of(one: Instrument) -> dict[str, str]:
    return descriptions.Description.decode(one.description().encode()).identity


# --- at its port ------------------------------------------------------------------------------------------------------


async def test_it_is_asked_first_and_what_it_says_is_described(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    thermometer = Numbered(terminal).start()
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, instrument(terminal.port))) as instruments:
        assert said_of(instruments["it"]) == {}
        await until(lambda: notes.values("it"), "it is read")
        assert thermometer.asked[:3] == ["ID?", "SET 1", "T?"]
        said = {"model": "T100", "serial": "4711", "firmware": "1.2"}
        assert said_of(instruments["it"]) == said
        terminal.unplug()
        await until(lambda: notes.condition("it") == "searching", "it is away")
        assert said_of(instruments["it"]) == said, "that is known all the same"
        thermometer.asked.clear()
        terminal.plug()
        await until(lambda: notes.condition("it") == "connected", "it is back")
        assert thermometer.asked[0] == "ID?"


async def test_a_wrong_instrument_is_neither_polled_nor_commanded(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    wrong = Numbered(terminal, serial="4712").start()
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, instrument(terminal.port))) as instruments:
        await until(lambda: notes.condition("it") == "error", "it is found out")
        assert notes.reason("it") == WRONG
        reply = await instruments["it"].execute(command("set", value=1), timeout_s=1)
        assert (reply.result, reply.reason) == ("refused", WRONG)
        raw = await instruments["it"].execute(command("_raw", text="ERASE"), timeout_s=1)
        assert (raw.result, raw.reason) == ("refused", WRONG)
        await until(lambda: len(wrong.asked) >= 2, "it is asked again")
        assert set(wrong.asked) == {"ID?"}
        assert notes.values("it") == []
        states = [condition for condition, _ in notes.states["it"]]
        assert states.index("error") == len(states) - 1, "the state does not flicker"
        assert said_of(instruments["it"]) == {}
        wrong.serial = "4711"  # somebody plugs the right one into the same adapter
        await until(lambda: notes.condition("it") == "connected", "it is the right one now")
        assert (await instruments["it"].execute(command("set", value=1), timeout_s=1)).result == "done"


async def test_what_a_wrong_instrument_sends_by_itself_is_not_recorded(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    wrong = Numbered(terminal, serial="4712").start()
    terminal.plug()
    stream = "[[instruments.it.stream]]\npattern = '(?P<temperature>[+-][0-9.]+) F'\n"
    async with driving.running(notes, driving.load(tmp_path, instrument(terminal.port) + stream)) as instruments:
        counters = instruments["it"].counters
        for _ in range(300):
            terminal.say(b"+99.99 F\r\n")
            await asyncio.sleep(0.01)
            if counters.unidentified > 20 and notes.condition("it") == "error":
                break
        assert (notes.condition("it"), notes.reason("it")) == ("error", WRONG)
        assert counters.unidentified > 20
        assert set(wrong.asked) == {"ID?"}
    assert notes.values("it") == []


async def test_one_that_is_exchanged_without_unplugging_is_found_out_after_the_silence(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    thermometer = Numbered(terminal).start()
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, instrument(terminal.port))) as instruments:
        await until(lambda: notes.values("it"), "it is read")
        thermometer.is_silent = True
        await until(lambda: notes.condition("it") == "silent", "its cable is out")
        reply = await instruments["it"].execute(command("set", value=1), timeout_s=1)
        assert (reply.result, "the right one" in reply.reason) == ("refused", True)
        thermometer.serial, thermometer.temperature, thermometer.is_silent = "4712", "+99.99", False
        thermometer.asked.clear()
        await until(lambda: notes.condition("it") == "error", "it is found out")
        assert notes.reason("it") == WRONG
        assert "T?" not in thermometer.asked[2:]  # a question may have been under way
    assert set(notes.values("it")) == {23.45}


async def test_a_wrong_instrument_that_is_plugged_in_is_found_out_and_the_right_one_after_it_too(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    thermometer = Numbered(terminal).start()
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, instrument(terminal.port))):
        for serial, condition in (("4711", "connected"), ("4712", "error"), ("4711", "connected")):
            thermometer.serial = serial
            await until(lambda: notes.condition("it") == condition, condition)  # noqa: B023
            terminal.unplug()
            await until(lambda: notes.condition("it") == "searching", "lost")
            terminal.plug()


async def test_what_does_not_say_who_it_is_is_not_read(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    mute = Thermometer(terminal).start()  # it says "THERMO 1" when it is asked
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, instrument(terminal.port))):
        await until(lambda: notes.condition("it") == "error", "something answers, but not so")
        assert "what arrives is not what the patterns expect" in notes.reason("it")
        assert set(mute.asked) == {"ID?"}
        assert notes.values("it") == []


# --- at another port --------------------------------------------------------------------------------------------------


async def test_it_is_found_at_another_port_and_again_at_a_third(
    tmp_path: Path, terminal: Pty, other: Pty, third: Pty, notes: Notes
) -> None:
    stranger = Numbered(terminal, serial="4712").start()
    terminal.plug()
    Numbered(other).start()
    other.plug()
    wanted = driving.load(tmp_path, instrument(terminal.port, search=f"{tmp_path}/tty*"))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.values("it"), "it is found")
        assert instruments["it"].description().port == other.port
        assert f"looking for serial 4711: asking at {terminal.port}" in str(notes.states)
        assert set(stranger.asked) == {"ID?"}
        other.unplug()
        await until(lambda: notes.condition("it") == "searching", "it is away")
        await until(lambda: notes.reason("it").startswith("looking for serial 4711"), "it is looked for")
        assert f"{terminal.port}: another instrument answers: serial 4712, expected 4711" in notes.reason("it")
        reply = await instruments["it"].execute(command("set", value=1), timeout_s=1)
        assert reply.result == "refused"
        Numbered(third).start()
        third.plug()
        await until(lambda: notes.condition("it") == "connected", "it is found again")
        assert instruments["it"].description().port == third.port
        assert said_of(instruments["it"])["serial"] == "4711"


async def test_a_port_may_be_left_out(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    wanted = driving.load(tmp_path, instrument("", search=f"{tmp_path}/tty*"))
    async with driving.running(notes, wanted) as instruments:
        nowhere = f"looking for serial 4711: no port is there of {tmp_path}/tty*"
        await until(lambda: notes.reason("it") == nowhere, "it says where it looks")
        assert instruments["it"].description().port == f"{tmp_path}/tty*"
        Numbered(terminal).start()
        terminal.plug()
        await until(lambda: notes.condition("it") == "connected", "it is found")


async def test_one_that_goes_silent_is_looked_for_elsewhere(
    tmp_path: Path, terminal: Pty, other: Pty, notes: Notes
) -> None:
    """Its cable was put into another adapter: no port has gone."""
    first, second = Numbered(terminal).start(), Numbered(other).start()
    second.is_silent = True
    terminal.plug()
    other.plug()
    wanted = driving.load(tmp_path, instrument(terminal.port, search=f"{tmp_path}/tty*"))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.values("it"), "it is read")
        first.is_silent, second.is_silent = True, False
        await until(lambda: instruments["it"].description().port == other.port, "it is found")
        await until(lambda: notes.condition("it") == "connected", "and read")


async def test_only_ports_that_are_given_or_match_are_asked_and_none_of_another_instrument(
    tmp_path: Path, terminal: Pty, other: Pty, third: Pty, notes: Notes
) -> None:
    """`tty0` is the port of an instrument that cannot say who it is, `tty1` is free, `usb` matches nothing."""
    neighbour, stranger = Thermometer(terminal).start(), Numbered(other, serial="4712").start()
    neighbour.is_silent = True
    with Pty(tmp_path / "usb") as elsewhere:
        outside = Numbered(elsewhere).start()
        for pty in (terminal, other, elsewhere):
            pty.plug()
        fixed = instrument(terminal.port, "fixed").replace("[instruments.fixed.identity]", "[instruments.fixed.X]")
        fixed = fixed.partition("[instruments.fixed.X]")[0] + fixed[fixed.index("[instruments.fixed.channels") :]
        wanted = driving.load(tmp_path, fixed + instrument("", search=f"{tmp_path}/tty*"))
        async with driving.running(notes, wanted):
            await until(lambda: "serial 4712, expected 4711" in notes.reason("it"), "all were asked that may be")
            terminal.unplug()
            await until(lambda: notes.condition("fixed") == "searching", "the neighbour's port is free")
            terminal.plug()
            Numbered(third).start()
            third.plug()
            await until(lambda: notes.condition("it") == "connected", "it is found")
        assert "ID?" not in neighbour.asked
        assert stranger.asked == ["ID?"], "and not again and again"
        assert outside.asked == []


async def test_a_pattern_that_matches_other_devices_opens_none_of_them(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    pipe = tmp_path / "tty-a-pipe"
    pipe.symlink_to("/dev/full")
    (tmp_path / "tty-b-file").write_text("")
    wanted = driving.load(tmp_path, instrument("", search=f"{tmp_path}/tty*"))
    async with driving.running(notes, wanted):
        await until(lambda: "no port is there" in notes.reason("it"), "it says so")
        Numbered(terminal).start()
        terminal.plug()
        await until(lambda: notes.condition("it") == "connected", "it is found")
    assert not any(name in str(notes.states) for name in ("a-pipe", "b-file"))
    assert (tmp_path / "tty-b-file").read_bytes() == b""


async def test_two_whose_cables_were_exchanged_find_their_instruments_and_never_share_a_port(
    tmp_path: Path, terminal: Pty, other: Pty, notes: Notes
) -> None:
    first, second = Numbered(terminal, serial="2", temperature="+2.00").start(), Numbered(other, serial="1").start()
    terminal.plug()
    other.plug()
    text = instrument(terminal.port, "a", "1", f"{tmp_path}/tty*") + instrument(
        other.port, "b", "2", f"{tmp_path}/tty*"
    )
    async with driving.running(notes, driving.load(tmp_path, text)) as instruments:
        await until(lambda: notes.values("a") and notes.values("b"), "both are found")
        assert [instruments[name].description().port for name in "ab"] == [other.port, terminal.port]
    assert (set(notes.values("a")), set(notes.values("b"))) == ({23.45}, {2.0})
    assert "used by another program" not in str(notes.states), "never opened twice"
    for asked in (first.asked, second.asked):
        assert asked.index("SET 1") < asked.index("T?")


async def test_instruments_of_one_bus_are_found_together(tmp_path: Path, other: Pty, notes: Notes) -> None:
    bus = Bus(other, {"01": Unit(1.25), "02": Unit(2.25)}).start()
    other.plug()
    text = "".join(
        instrument(tmp_path / "gone", name, f"+{number}.25", f"{tmp_path}/tty*")
        .replace('"ID?"', f'"{number:02} T?"')
        .replace("ID (?P<model>\\S+) SN (?P<serial>\\S+) FW (?P<firmware>\\S+)", f"{number:02} (?P<serial>\\S+) C")
        .replace('"T?"', f'"{number:02} T?"')
        .replace("'(?P<temp", f"'{number:02} (?P<temp")
        .replace("silent_after", "bus = true\nsilent_after")
        .replace('"SET 1"', f'"{number:02} SET 1"')
        .replace('"OK 1"', f'"{number:02} OK 1"')
        for number, name in enumerate("ab", start=1)
    )
    async with driving.running(notes, driving.load(tmp_path, text)) as instruments:
        await until(lambda: notes.values("a") and notes.values("b"), "both are found")
        assert {instruments[name].description().port for name in "ab"} == {other.port}
        await until(lambda: len(notes.values("a")) > 20 and len(notes.values("b")) > 20, "and go on")
    assert [set(notes.values(name)) for name in "ab"] == [{1.25}, {2.25}]
    assert all(unit.asked[0] == "T?" for unit in bus.units.values())


# --- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (('serial = "4711"', 'serail = "4711"'), 'identity.serail: the instrument does not say it, did you mean "ser'),
        (('serial = "4711"', "serial = 4711"), "it.identity.serial: expected a text, found 4711"),
        (('serial = "4711"', 'serial = ""'), 'it.identity.serial: expected what the instrument says, found ""'),
        (('send = "ID?"\n', ""), "it.identity.send: missing, expected a text"),
        (("pattern = 'ID ", "pattern = 'ID ("), "it.identity.pattern: not a regular expression"),
        (('send = "ID?"', 'send = "ID\N{DEGREE SIGN}"'), "it.identity.send: \"ID\N{DEGREE SIGN}\" cannot be sent"),
        (('port = "/dev/x"', 'search = ["ttyUSB*"]'), 'it.search: expected patterns of devices such as "/dev/ttyUSB*"'),
        (('port = "/dev/x"', 'search = ["/dev/**"]'), 'it.search: expected patterns of devices such as "/dev/ttyUSB*"'),
        (('port = "/dev/x"', "search = []\nport = ''"), 'it.port: expected a device such as "/dev/ttyUSB0"'),
        (('port = "/dev/x"', "search = []"), "it.port: missing"),
        (("[instruments.it.identity]", "[instruments.it.who]"), "it.who: unknown key"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], mistake: str) -> None:
    text = instrument("/dev/x")
    assert change[0] in text
    with pytest.raises(config.ConfigError) as raised:
        driving.load(tmp_path, text.replace(*change))
    assert mistake in str(raised.value)


def test_who_cannot_be_recognised_cannot_be_searched(tmp_path: Path) -> None:
    text = instrument("/dev/x", search="/dev/ttyUSB*")
    without = text[: text.index("[instruments.it.identity]")] + text[text.index("[instruments.it.channels") :]
    with pytest.raises(config.ConfigError) as raised:
        driving.load(tmp_path, without)
    assert "it.search: expected an identity beside it" in str(raised.value)
