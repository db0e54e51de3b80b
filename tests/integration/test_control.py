"""Sole control from a program and from the command line: real broker, gateway and agent."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import kleinmaelzung
from kleinmaelzung import Control, ControlLost, Lab, Refused
from kleinmaelzung_wire import access
from tests import fakes_client_gateway as fakes
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.fakes_client_gateway import FakeGateway
from tests.running_agent import Running, running
from tests.waiting import until

BALANCE = "pi-1/balance"


@pytest.fixture
async def agent(broker: TestBroker, gateway_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    await broker.manage(access.add_user("bob", PASSWORD, "operator"))
    async with running(gateway_url, tmp_path / "spool", secret=AGENT_SECRET, period_s=0.5) as made:
        async with connected(gateway_url, "anna") as lab, asyncio.timeout(20):
            while (found := await lab.instruments(BALANCE)) == [] or not found[0].is_live:
                await asyncio.sleep(0.02)
        yield made


@pytest.fixture
async def anna(agent: Running, gateway_url: str) -> AsyncIterator[Lab]:
    async with connected(gateway_url, "anna") as lab:
        yield lab


@pytest.fixture
async def bob(agent: Running, gateway_url: str) -> AsyncIterator[Lab]:
    async with connected(gateway_url, "bob") as lab:
        yield lab


@asynccontextmanager
async def connected(url: str, user: str) -> AsyncIterator[Lab]:
    async with kleinmaelzung.connect(url, user=user, password=PASSWORD) as lab:
        yield lab


async def shown(lab: Lab) -> Control | None:
    (instrument,) = await lab.instruments(BALANCE)
    return instrument.control


async def until_held_by(lab: Lab, user: str) -> None:
    async with asyncio.timeout(20):
        while getattr(await shown(lab), "user", "") != user:
            await asyncio.sleep(0.02)


async def test_while_one_holds_it_others_are_refused_and_see_who_does(anna: Lab, bob: Lab) -> None:
    async with anna.control(BALANCE) as held:
        assert (await anna.send(BALANCE, "tare")).result == "done"
        assert (await bob.send(BALANCE, "tare")).reason.startswith("held by anna until ")
        await until_held_by(bob, "anna")
        control = await shown(bob)
        assert control is not None
        assert control.until == held.until
    await until_held_by(bob, "")
    assert (await bob.send(BALANCE, "tare")).result == "done"


async def test_who_holds_it_is_named_to_whom_it_is_not_given(anna: Lab, bob: Lab) -> None:
    async with anna.control(BALANCE):
        with pytest.raises(Refused, match=r"control of pi-1/balance was not given: held by anna until "):
            async with bob.control(BALANCE):
                pytest.fail("given to two")
        with pytest.raises(Refused, match="held by anna until "):
            await bob.release(BALANCE)
        assert (await anna.send(BALANCE, "tare")).result == "done"


async def test_it_is_extended_before_it_ends(anna: Lab, bob: Lab) -> None:
    async with anna.control(BALANCE, duration_s=2) as held:
        first = held.until
        await until(lambda: held.until >= first + 4_000_000, "extended beyond twice its time")
        assert held.lost == ""
        assert "held by anna" in (await bob.send(BALANCE, "tare")).reason


async def test_not_extended_it_ends_with_its_time(anna: Lab, bob: Lab) -> None:
    with pytest.raises(ControlLost, match="time was up"):
        async with anna.control(BALANCE, duration_s=1, extend=False) as held:
            assert "time was up" in await held.ended()
    await until_held_by(bob, "")


async def test_taken_over_by_another_its_holder_hears_of_it(anna: Lab, bob: Lab) -> None:
    with pytest.raises(ControlLost, match="was lost before the end: bob took it over"):  # noqa: PT012
        async with anna.control(BALANCE) as held:
            await until_held_by(anna, "anna")
            async with bob.control(BALANCE, force=True) as taken:
                assert await held.ended() == "bob took it over"
                assert "held by bob" in (await anna.send(BALANCE, "tare")).reason
            assert taken.lost == ""


async def test_another_session_of_the_same_user_gives_it_back(anna: Lab, gateway_url: str) -> None:
    with pytest.raises(ControlLost, match="was lost before the end"):  # noqa: PT012 (where it is lost)
        async with anna.control(BALANCE) as held:
            await until_held_by(anna, "anna")
            async with connected(gateway_url, "anna") as elsewhere:
                assert "in another session" in (await elsewhere.send(BALANCE, "tare")).reason
                await elsewhere.release(BALANCE)
                assert await held.ended()
                await until_held_by(elsewhere, "")
                await elsewhere.release(BALANCE)  # of what nobody holds, nothing happens


async def test_what_the_block_raises_comes_out_of_it_and_it_is_given_back(anna: Lab, bob: Lab) -> None:
    with pytest.raises(ZeroDivisionError):
        async with anna.control(BALANCE):
            raise ZeroDivisionError
    assert (await bob.send(BALANCE, "tare")).result == "done"


async def test_an_observer_is_not_permitted(agent: Running, gateway_url: str) -> None:
    async with connected(gateway_url, "otto") as otto:
        with pytest.raises(Refused, match="otto may not") as refused:
            async with otto.control(BALANCE):
                pytest.fail("given to an observer")
        assert refused.value.code == "not-permitted"


async def test_a_command_of_the_same_id_is_executed_once(agent: Running, anna: Lab) -> None:
    first = await anna.send(BALANCE, "tare", id="my-own")
    assert (first.id, first.result) == ("my-own", "done")
    assert await anna.send(BALANCE, "tare", id="my-own") == first
    assert agent.balance.executed == ["my-own"]


async def test_with_the_connection_it_is_lost() -> None:
    async with (
        fakes.running(FakeGateway()) as gateway,
        kleinmaelzung.connect(gateway.url, user="anna", password="barley") as lab,
    ):
        with pytest.raises(ControlLost, match="the connection was lost"):  # noqa: PT012 (where it is lost)
            async with lab.control(BALANCE) as held:
                await gateway.drop()
                assert "the connection was lost" in await held.ended()
        async with asyncio.timeout(20):
            await lab.retained(f"{BALANCE}/control")
        assert [question[3] for question in gateway.questions if question[0] == "send"] == ["_take"], "not taken again"


# The command line.


class Terminal:
    """`kleinmaelzung` as a process of its own."""

    def __init__(self, url: str, home: Path) -> None:
        (home / "password").write_text(PASSWORD)
        self._environment = {
            "HOME": str(home),
            "TZ": "UTC",
            "KLEINMAELZUNG_URL": url,
            "KLEINMAELZUNG_PASSWORD_FILE": str(home / "password"),
        }
        self.started: list[asyncio.subprocess.Process] = []

    async def start(self, *typed: str, user: str = "anna") -> asyncio.subprocess.Process:
        environment = self._environment | {"KLEINMAELZUNG_USER": user}
        pipe, command = asyncio.subprocess.PIPE, (sys.executable, "-m", "kleinmaelzung", *typed)
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
        self.started.append(process)
        return process

    async def run(self, *typed: str, user: str = "anna") -> tuple[int | None, str, str]:
        """Exit code, output, error output."""
        return await ended(await self.start(*typed, user=user))

    async def take(self, *options: str) -> asyncio.subprocess.Process:
        """Take the balance; returns once it said so."""
        process = await self.start("control", "take", BALANCE, *options)
        assert process.stdout is not None
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("you alone may command pi-1/balance until 2"), line
        assert line.endswith(". Ctrl-C gives it back\n")
        return process


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def terminal(agent: Running, gateway_url: str, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(gateway_url, tmp_path)
    yield terminal
    for process in terminal.started:
        if process.returncode is None:
            process.kill()


async def test_control_take_keeps_it_until_ctrl_c(terminal: Terminal, bob: Lab) -> None:
    process = await terminal.take()
    await until_held_by(bob, "anna")
    _, out, _ = await terminal.run("instruments", user="bob")
    assert "  held by anna until 2" in out
    _, out, _ = await terminal.run("instruments", "--json", user="bob")
    assert json.loads(out)[0]["control"]["user"] == "anna"
    code, out, err = await terminal.run("control", "take", BALANCE, user="bob")
    assert (code, out) == (1, "")
    assert "was not given: held by anna until" in err
    assert err.endswith("; `kleinmaelzung control take pi-1/balance --force` takes it over\n")
    process.send_signal(signal.SIGINT)
    assert await ended(process) == (0, "", "pi-1/balance was given back\n")
    assert (await bob.send(BALANCE, "tare")).result == "done"


async def test_control_take_for_a_while_ends_by_itself(terminal: Terminal, bob: Lab) -> None:
    process = await terminal.take("--for", "1s")
    assert await ended(process) == (0, "", "the time is up: nobody holds pi-1/balance now\n")
    await until_held_by(bob, "")


async def test_control_release_gives_back_what_another_terminal_holds(terminal: Terminal, bob: Lab) -> None:
    process = await terminal.take()
    await until_held_by(bob, "anna")
    code, _, err = await terminal.run("control", "release", BALANCE, user="bob")
    assert code == 1
    assert "was not released: held by anna until" in err
    assert await terminal.run("control", "release", BALANCE) == (0, "nobody holds pi-1/balance now\n", "")
    code, _, err = await ended(process)
    assert code == 1
    assert err.startswith("kleinmaelzung: control of pi-1/balance was lost before the end: ")


async def test_control_knows_what_makes_no_sense(terminal: Terminal) -> None:
    code, _, err = await terminal.run("control", "take", BALANCE, "--for", "5 days")
    assert code == 2
    assert "is no duration from 1 s to 3600 s such as 5min" in err
    code, _, _ = await terminal.run("control", "take", "balance")
    assert code == 2
