"""Ports that come and go, hang and babble, under other names and in the hands of others: nobody restarts anything."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kleinmaelzung_agent import making
from kleinmaelzung_agent.drivers import driven
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_wire.descriptions import Description
from tests import driving, running_agent
from tests.driving import Notes, command
from tests.fakes_gateway import FakeGateway
from tests.fakes_instruments import Pty, Thermometer
from tests.waiting import until

LOST_S, BACK_S = 1.0, 5.0  # what is promised
BUSY_S = 10.0  # longer on a machine that does other work beside: it need not be the agent that is late

POLLED = """
[instruments.NAME]
port = "PORT"
silent_after = "300ms"
[instruments.NAME.channels.temperature]
[[instruments.NAME.poll]]
send = "T?"
every = "10ms"
timeout = "100ms"
reply = [{ pattern = '(?P<temperature>[+-][0-9.]+) C' }]
[instruments.NAME.commands.set]
send = "SET {value:.1f}"
reply = [{ pattern = 'OK (?P<value>[0-9.]+)' }]
arguments.value = { type = "number" }
"""
IDENTITY = """
[instruments.NAME.identity]
send = "ID?"
pattern = 'THERMO (?P<serial>.+)'
serial = "1"
timeout = "200ms"
"""


def polled(name: str, port: Path | str) -> str:
    return POLLED.replace("NAME", name).replace("PORT", str(port))


def patient(name: str, port: Path | str) -> str:
    """One that waits long for its instrument, which is a part of the test and may be slow on a loaded machine."""
    return polled(name, port).replace('"100ms"', '"5s"').replace('"300ms"', '"10s"')


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


# --- unplugged and plugged in -----------------------------------------------------------------------------------------


async def test_after_a_long_absence_it_is_back_as_fast_as_after_a_short_one(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    Thermometer(terminal).start()
    async with driving.running(notes, driving.load(tmp_path, polled("it", terminal.port))) as instruments:
        await until(lambda: instruments["it"].counters.reconnects >= 5, "the waits have become as long as they get")
        terminal.plug()
        await until(lambda: notes.values("it"), "it is read", limit_s=BACK_S + BUSY_S)
        terminal.unplug()
        await until(lambda: notes.condition("it") == "searching", "it is lost", limit_s=LOST_S + BUSY_S)
        assert notes.reason("it").startswith(f"{terminal.port} was disconnected")
        states = len(notes.states["it"])
        tries = instruments["it"].counters.reconnects
        await until(lambda: instruments["it"].counters.reconnects >= tries + 4, "it is tried for a while")
        assert len(notes.states["it"]) <= states + 1, "the state says once that it is not there"


def test_no_wait_is_so_long_that_the_promise_is_broken() -> None:
    # Beside the wait: opening, the second of quiet before a stream, the first question.
    assert max(driven.WAITS.after(failures) for failures in (1, 5, 100, 100_000)) <= BACK_S - 2
    assert driven.WRONG_AGAIN_S <= BACK_S - 2


async def test_a_line_that_the_plug_has_cut_is_not_joined_with_what_comes_after(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    text = polled("it", terminal.port).partition("[[instruments.it.poll]]")[0]
    text += "[[instruments.it.stream]]\npattern = '(?P<temperature>[+-]?[0-9.]+) C'\n"
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, text)):
        for round_ in range(1, 4):
            await until(lambda: "is open" in notes.reason("it"), "open")
            for number in range(200):
                terminal.say(b"+23.45 C\r\n")
                await asyncio.sleep(0.005)
                if number > 3 and notes.condition("it") == "connected":
                    break
            assert notes.condition("it") == "connected"
            terminal.say(b"+23.4")
            terminal.unplug()
            await until(lambda: notes.condition("it") == "searching", "lost", limit_s=LOST_S + BUSY_S)
            terminal.plug()
            terminal.say(b"5 C\r\n3.45 C\r\n"[: round_ * 4])  # the rest of a line, or of one that nobody saw begin
    assert set(notes.values("it")) == {23.45}


async def test_plugged_in_under_another_name_it_is_found_without_a_restart(
    tmp_path: Path, terminal: Pty, other: Pty, notes: Notes
) -> None:
    Thermometer(terminal).start()
    Thermometer(other).start()
    text = polled("it", terminal.port).replace("silent_after", f'search = ["{tmp_path}/tty*"]\nsilent_after')
    terminal.plug()
    async with driving.running(notes, driving.load(tmp_path, text + IDENTITY.replace("NAME", "it"))) as instruments:
        for there, gone in ((other, terminal), (terminal, other), (other, terminal)):
            await until(lambda: notes.condition("it") == "connected", "it is read", limit_s=BACK_S + BUSY_S)
            gone.unplug()
            await until(lambda: notes.condition("it") == "searching", "lost", limit_s=LOST_S + BUSY_S)
            there.plug()
        await until(lambda: notes.condition("it") == "connected", "it is read", limit_s=BACK_S + BUSY_S)
        assert instruments["it"].description().port == other.port
        await until(lambda: notes.values("it"), "a value; before, it may have gone too soon for one")
    assert set(notes.values("it")) == {23.45}


async def test_the_others_do_not_notice_that_one_comes_and_goes(
    tmp_path: Path, terminal: Pty, other: Pty, notes: Notes
) -> None:
    Thermometer(terminal).start()
    Thermometer(other).start()
    other.plug()
    wanted = driving.load(tmp_path, polled("it", terminal.port) + patient("other", other.port))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.values("other"), "the other is read")
        for _ in range(10):
            terminal.plug()
            await until(lambda: notes.condition("it") == "connected", "it is read", limit_s=BACK_S + BUSY_S)
            terminal.unplug()
            await until(lambda: notes.condition("it") == "searching", "lost", limit_s=LOST_S + BUSY_S)
        assert instruments["other"].counters.timeouts == 0
    assert [condition for condition, _ in notes.states["other"]].count("connected") == 1


async def test_who_it_is_reaches_the_server_and_stays_there_while_it_is_away(tmp_path: Path, terminal: Pty) -> None:
    Thermometer(terminal).start()
    terminal.plug()
    text = polled("it", terminal.port) + IDENTITY.replace("NAME", "it")
    wanted = driving.load(tmp_path, text)["it"]

    def make(sink: Sink) -> dict[str, Instrument]:
        return {"it": making.make("it", wanted, sink, Places())}

    async with FakeGateway() as gateway, running_agent.running(gateway.url, tmp_path, names=(), others=make):

        def described() -> list[Description]:
            return [Description.decode(payload) for payload in gateway.published.get("it/description", [])]

        await until(lambda: described() and described()[-1].identity == {"serial": "1"}, "who it is")
        terminal.unplug()
        await until(lambda: b"was disconnected" in gateway.published["it/state"][-1], "it is away")
        count = len(described())
        terminal.plug()
        await until(lambda: b"connected" in gateway.published["it/state"][-1][:40], "it is back")
        assert len(described()) == count, "the same is not said again"
        assert described()[-1].identity == {"serial": "1"}


# --- reliability.md, 5a: 8 to 10 --------------------------------------------------------------------------------------


async def test_one_that_neither_answers_nor_reads_holds_up_nobody(
    tmp_path: Path, terminal: Pty, other: Pty, notes: Notes
) -> None:
    terminal.plug()  # and nobody reads its master
    Thermometer(other).start()
    other.plug()
    hanging = polled("it", terminal.port).replace('"T?"', f'"{"T" * 1000}"')
    wanted = driving.load(tmp_path, hanging + patient("other", other.port))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.condition("other") == "connected", "the other is read")
        before = len(notes.values("other"))
        await until(lambda: instruments["it"].counters.timeouts >= 4, "it has been asked some times")
        assert len(notes.values("other")) - before > 20, "of 100 a second; where one waits for the other, 4"
        assert instruments["other"].counters.timeouts == 0
        reply = await instruments["it"].execute(command("set", value=1), timeout_s=2)
        assert reply.result in ("timeout", "expired")
        ending = time.monotonic()
    assert time.monotonic() - ending < 5, "it closes all the same"


async def test_one_that_babbles_is_an_error_and_holds_up_nobody(
    tmp_path: Path, terminal: Pty, other: Pty, notes: Notes
) -> None:
    terminal.plug()
    Thermometer(other).start()
    other.plug()
    wanted = driving.load(tmp_path, polled("it", terminal.port) + patient("other", other.port))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.condition("other") == "connected", "the other is read")

        def count() -> int:
            return len(notes.values("other"))

        undisturbed = await driving.rate(count, lambda: count() > 100, "100 readings")
        with terminal.flood(random.Random(8).randbytes(65536)) as sent:
            rate = await driving.rate(count, lambda: sent[0] > 2_000_000, "two megabytes have passed")
            await until(lambda: notes.condition("it") == "error", "the state says so")
        assert rate > undisturbed / 4, "the thread that floods has a share of the interpreter too"
        assert "check baudrate and patterns" in notes.reason("it")
        assert instruments["it"].counters.bad() > 100
        assert notes.values("it") == []
        assert notes.condition("other") == "connected"
        Thermometer(terminal).start()
        await until(lambda: notes.condition("it") == "connected", "it is read when the noise has ended")
    assert set(notes.values("it")) == {23.45}


async def test_a_second_agent_on_the_same_port_refuses_and_says_who_has_it(
    tmp_path: Path, terminal: Pty, notes: Notes
) -> None:
    Thermometer(terminal).start()
    terminal.plug()
    wanted = driving.load(tmp_path, polled("it", terminal.port))
    async with driving.running(notes, wanted) as instruments:
        await until(lambda: notes.condition("it") == "connected", "the first has it")
        check = (sys.executable, "-m", "kleinmaelzung_agent", "--config", str(tmp_path / "agent.toml"))
        second = await asyncio.create_subprocess_exec(
            *check, "--check", "--json", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            out, _ = await second.communicate()
        found = [one for one in json.loads(out)["checks"] if one["id"] == "instrument"]
        assert second.returncode == 1
        assert f"{terminal.port} is used by another program" in str(found)
        assert "it is open in " in str(found)
        count = len(notes.values("it"))
        await until(lambda: len(notes.values("it")) > count, "the first goes on")
        assert instruments["it"].counters.rejected_lines == 0
        async with driving.running(notes, {"second": wanted["it"]}):
            said = "the second agent says it"
            await until(lambda: f"{terminal.port} is used by another program" in notes.reason("second"), said)
            assert notes.values("second") == []
