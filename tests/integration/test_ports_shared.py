"""Several text instruments on one port: a pseudo-terminal behind which units answer to their addresses."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers.registry import Places
from tests import driving
from tests.driving import Notes, command
from tests.fakes_bus import Bus, Unit
from tests.fakes_instruments import Pty
from tests.waiting import until

UNIT = """
[instruments.NAME]
port = "PORT"
bus = true
silent_after = "400ms"
[instruments.NAME.channels.temperature]
unit = "°C"
[[instruments.NAME.poll]]
send = "ADDRESS T?"
every = "20ms"
timeout = "TIMEOUT"
reply = [{ pattern = 'ADDRESS (?P<temperature>[+-][0-9.]+) C' }]
[instruments.NAME.commands.set]
send = "ADDRESS SET {value:.1f}"
reply = [{ pattern = 'ADDRESS OK (?P<value>[0-9.]+)' }]
arguments.value = { type = "number" }
"""


def units(port: str, *names: str, timeout: str = "100ms", says_address: bool = True) -> str:
    """Configurations of units 01, 02 and so on."""
    text = "".join(
        UNIT.replace("NAME", name).replace("ADDRESS", f"{number:02}") for number, name in enumerate(names, start=1)
    )
    if not says_address:
        for number in range(1, len(names) + 1):
            text = text.replace(f"'{number:02} ", "'")
    return text.replace("PORT", port).replace("TIMEOUT", timeout)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Pty]:
    with Pty(tmp_path / "tty") as terminal:
        yield terminal


@pytest.fixture
def bus(terminal: Pty) -> Bus:
    return Bus(terminal, {f"{number:02}": Unit(number + 0.25) for number in (1, 2, 3)})


async def test_three_instruments_on_one_port_each_get_their_own_values(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.start()
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, units(terminal.port, "a", "b", "c"))) as instruments:
        await until(lambda: all(len(notes.values(name)) > 50 for name in "abc"), "readings of all")
        assert [set(notes.values(name)) for name in "abc"] == [{1.25}, {2.25}, {3.25}]
        counts = [len(notes.values(name)) for name in "abc"]
        assert max(counts) < 2 * min(counts), "they take turns"
        assert [one.counters.rejected_lines for one in instruments.values()] == [0, 0, 0]


async def test_commands_go_between_the_polls_of_the_others(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.start()
    terminal.plug()
    wanted = driving.load(tmp_path, units(terminal.port, "a", "b", timeout="5s"))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.values("a") and notes.values("b"), "both are read")
        orders = [(name, number) for number in range(40) for name in "ab"]
        replies = await asyncio.gather(
            *(instruments[name].execute(command("set", value=number), timeout_s=20) for name, number in orders)
        )
        assert [reply.values["value"] for reply in replies] == [float(number) for _, number in orders]
        assert [reply.bytes_in.split()[0] for reply in replies] == [
            {"a": b"01", "b": b"02"}[name] for name, _ in orders
        ]
        assert (instruments["a"].counters.commands, instruments["b"].counters.commands) == (40, 40)
        assert [set(notes.values(name)) for name in "ab"] == [{1.25}, {2.25}]
        assert not any("SET" in asked and "?" in asked for unit in bus.units.values() for asked in unit.asked)


async def test_one_that_is_off_costs_the_others_its_timeouts_and_no_more(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    """After a timeout the next question waits up to a second for the late answer: not that of another instrument."""
    bus.start()
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, units(terminal.port, "a", "b", "c"))) as instruments:
        await until(lambda: all(len(notes.values(name)) > 5 for name in "abc"), "all are read")
        bus.units["02"].is_off = True
        await until(lambda: notes.condition("b") == "silent", "it is off")
        asked, before = len(bus.units["02"].asked), len(notes.values("a"))
        await until(lambda: len(bus.units["02"].asked) > asked + 4, "it is asked all the same")
        assert len(notes.values("a")) - before > 50, "of about 200 in five seconds, less four timeouts"
        assert notes.condition("a") == notes.condition("c") == "connected"
        assert [instruments[name].counters.timeouts for name in "ac"] == [0, 0]
        assert instruments["b"].counters.timeouts >= 4
        bus.units["02"].is_off = False
        await until(lambda: notes.condition("b") == "connected", "it is on again")


@pytest.mark.parametrize("says_address", [True, False], ids=["addressed", "nameless"])
async def test_a_late_answer_of_one_instrument_never_answers_another(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes, says_address: bool
) -> None:
    bus.says_address = says_address
    bus.start()
    terminal.plug()
    text, name, other = units(terminal.port, "a", "b", says_address=says_address).partition("[instruments.b]")
    # Also on a loaded machine, where the bus itself is slow, nothing of the other is late.
    wanted = driving.load(tmp_path, text + name + other.replace('"100ms"', '"10s"'))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.values("a") and notes.values("b"), "both are read")
        for late_s in (0.15, 0.3, 0.5):  # far within the second that it is waited for
            before, late = len(notes.values("b")), instruments["a"].counters.late
            bus.units["02"].delays = [0.08] * 20  # so that a question of the other is under way when it comes
            bus.units["01"].delays = [late_s]
            await until(lambda: instruments["a"].counters.late > late, "the late answer came")  # noqa: B023
            await until(lambda: len(notes.values("b")) > before + 3, "the other is read")  # noqa: B023
        assert [set(notes.values(name)) for name in "ab"] == [{1.25}, {2.25}]
        assert instruments["a"].counters.timeouts >= instruments["a"].counters.late >= 3
        assert (instruments["b"].counters.late, instruments["b"].counters.rejected_lines) == (0, 0)


# The command's pattern would take anything.
TAKES_ANYTHING = ("'02 OK (?P<value>[0-9.]+)'", "'(?P<value>.+)'")


async def test_a_late_answer_answers_no_command_of_another_and_makes_none_late(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.start()
    terminal.plug()
    text = units(terminal.port, "a", "b").replace(*TAKES_ANYTHING)
    async with driving.running(notes, driving.load(tmp_path, text)) as instruments:
        await until(lambda: notes.values("a") and notes.values("b"), "both are read")
        bus.units["01"].delays = [0.4]
        await until(lambda: instruments["a"].counters.timeouts, "a question of the other has timed out")
        bus.units["02"].delays = [0.3] * 3
        reply = await instruments["b"].execute(command("set", value=5), timeout_s=20)
        assert (reply.result, reply.values) == ("done", {"value": "02 OK 5.0"})


async def test_a_command_that_may_wait_for_less_than_a_late_answer_takes_expires_and_is_not_sent(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.start()
    terminal.plug()
    text = units(terminal.port, "a", "b").replace(*TAKES_ANYTHING)
    async with driving.running(notes, driving.load(tmp_path, text)) as instruments:
        await until(lambda: notes.values("a") and notes.values("b"), "both are read")
        bus.units["01"].is_off = True  # its answer is waited for in vain, for 1.1 s
        asked = len(bus.units["01"].asked)
        await until(lambda: len(bus.units["01"].asked) > asked, "a question of the other is under way")
        reply = await instruments["b"].execute(command("set", value=5), timeout_s=0.2)
        assert (reply.result, reply.values) == ("expired", {})
        assert "SET 5.0" not in bus.units["02"].asked


async def test_all_are_lost_together_and_come_back_together(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.start()
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, units(terminal.port, "a", "b", "c"))):
        for _ in range(3):
            await until(lambda: all(notes.condition(name) == "connected" for name in "abc"), "all are read")
            terminal.unplug()
            await until(lambda: all(notes.condition(name) == "searching" for name in "abc"), "all are lost")
            counts = {name: len(notes.values(name)) for name in "abc"}
            terminal.plug()
            await until(lambda: all(len(notes.values(name)) > counts[name] for name in "abc"), "all are back")  # noqa: B023
    assert [set(notes.values(name)) for name in "abc"] == [{1.25}, {2.25}, {3.25}]


async def test_one_is_taken_away_and_added_again_while_the_other_goes_on(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.start()
    terminal.plug()
    wanted, places = driving.load(tmp_path, units(terminal.port, "a", "b")), Places()
    async with driving.one(notes, "b", wanted["b"], places) as other:
        for _ in range(4):  # the first opens the port, then goes at any moment
            async with driving.one(notes, "a", wanted["a"], places):
                count = len(notes.values("a"))
                await until(lambda: len(notes.values("a")) > count + 5, "it is read")  # noqa: B023
            states, count = len(notes.states["a"]), len(notes.values("b"))
            await until(lambda: len(notes.values("b")) > count + 5, "the other is read")  # noqa: B023
            assert len(notes.states["a"]) == states, "nothing is said of what is not there any more"
        assert other.counters.timeouts == 0
    assert [condition for condition, _ in notes.states["b"]].count("connected") == 1


async def test_who_opened_the_port_may_leave_at_any_moment(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.start()
    terminal.plug()
    wanted, places = driving.load(tmp_path, units(terminal.port, "a", "b")), Places()
    for turns in (0, 1, 2, 3, 5, 8, 40, 400):
        async with AsyncExitStack() as stack:
            async with driving.one(notes, "a", wanted["a"], places):
                await stack.enter_async_context(driving.one(notes, "b", wanted["b"], places))
                for _ in range(turns):
                    await asyncio.sleep(0)
            count = len(notes.values("b"))
            await until(lambda: len(notes.values("b")) > count, f"the other is read, after {turns} turns")  # noqa: B023


async def test_an_instrument_goes_while_its_question_is_under_way_and_its_answer_is_nobodys(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.says_address = False
    bus.start()
    terminal.plug()
    wanted = driving.load(tmp_path, units(terminal.port, "a", "b", timeout="2s", says_address=False))
    places = Places()
    async with driving.one(notes, "b", wanted["b"], places) as other:
        async with driving.one(notes, "a", wanted["a"], places):
            await until(lambda: notes.values("a") and notes.values("b"), "both are read")
            bus.units["01"].delays, bus.units["02"].delays = [0.3], [0.2] * 5
            asked = len(bus.units["01"].asked)
            await until(lambda: len(bus.units["01"].asked) > asked, "it is asked")
        count = len(notes.values("b"))
        await until(lambda: len(notes.values("b")) > count + 5, "the other is read")
    assert set(notes.values("b")) == {2.25}
    assert other.counters.rejected_lines == 0


async def test_a_command_that_waits_for_its_turn_is_refused_when_the_port_is_lost(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    bus.start()
    terminal.plug()
    wanted = driving.load(tmp_path, units(terminal.port, "a", "b", timeout="3s"))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.values("a") and notes.values("b"), "both are read")
        bus.units["01"].is_off = True
        asked = len(bus.units["01"].asked)
        await until(lambda: len(bus.units["01"].asked) > asked, "a question is under way")
        waiting = [asyncio.create_task(instruments["b"].execute(command("set", value=1), timeout_s=5)) for _ in "123"]
        await asyncio.sleep(0)
        terminal.unplug()
        replies = await asyncio.gather(*waiting)
        assert [reply.result for reply in replies] == ["refused"] * 3
        assert all(reply.reason.startswith("the instrument is not connected") for reply in replies)
        assert not any(asked.startswith("SET") for asked in bus.units["02"].asked)


async def test_two_names_of_one_port_are_one_port(tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes) -> None:
    bus.start()
    terminal.plug()
    (tmp_path / "by-id").symlink_to(terminal.link)
    text = units(terminal.port, "a", "b").replace(f'"{terminal.port}"', f'"{tmp_path / "by-id"}"', 1)
    async with driving.running(notes, driving.load(tmp_path, text)):
        await until(lambda: notes.values("a") and notes.values("b"), "both are read")


async def test_two_that_may_not_share_do_not_even_where_the_configuration_could_not_know(
    tmp_path: Path, terminal: Pty, bus: Bus, notes: Notes
) -> None:
    text = units(terminal.port, "a", "b").replace("bus = true", "bus = false")
    text = text.replace(f'"{terminal.port}"', f'"{tmp_path / "by-id"}"', 1)
    wanted = driving.load(tmp_path, text)  # nothing is there yet, so these are two ports
    bus.start()
    terminal.plug()
    (tmp_path / "by-id").symlink_to(terminal.link)
    async with driving.running(notes, wanted):
        await until(lambda: "is used by another instrument of this agent" in str(notes.states), "the second says so")
        await until(lambda: notes.values("a") or notes.values("b"), "the first is read")
        assert not (notes.values("a") and notes.values("b"))


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (("bus = true", "bus = true\nbaudrate = 19200"), "is shared with instrument a: expected the same driver and"),
        (("bus = true", "bus = true\nparity = 'even'"), "is shared with instrument a: expected the same driver and"),
        (("bus = true", "bus = true\nencoding = 'latin-1'"), "is shared with instrument a: expected the same driver"),
        (("bus = true", ""), "is the port of instrument a already"),
    ],
)
def test_settings_that_differ_on_one_port_are_refused(tmp_path: Path, change: tuple[str, str], mistake: str) -> None:
    first, second = units("/dev/ttyUSB0", "a"), units("/dev/ttyUSB0", "b").replace(*change)
    with pytest.raises(config.ConfigError) as raised:
        driving.load(tmp_path, first + second)
    assert f'instruments.b.port: "/dev/ttyUSB0" {mistake}' in str(raised.value)


def test_instruments_of_one_bus_are_described_each_with_its_port(tmp_path: Path, notes: Notes) -> None:
    wanted = driving.load(tmp_path, units("/dev/ttyUSB0", "a", "b"))
    places = Places()
    described = [making.make(name, one, notes, places).description().port for name, one in wanted.items()]
    assert described == ["/dev/ttyUSB0", "/dev/ttyUSB0"]
