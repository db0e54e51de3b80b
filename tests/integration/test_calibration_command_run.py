"""`kleinmaelzung calibration run` at a terminal and by lines of JSON, before a service that keeps all in memory."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import struct
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes_calibration import RUN, FakeCalibration
from tests.fakes_client_gateway import FakeGateway
from tests.terminals import Terminal
from tests.typists import Typist
from tests.waiting import until

BEGIN = ("calibration", "run", "balance", "--instrument", "pi-1/balance", "--standard", "weights=WS-E2-01")


@pytest.fixture
def service(fake_gateway: FakeGateway) -> FakeCalibration:
    return FakeCalibration(fake_gateway)


@contextlib.asynccontextmanager
async def operator(terminal: Terminal, *typed: str) -> AsyncIterator[Typist]:
    """Somebody at a terminal of 110 columns."""
    outside, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 110, 0, 0))
    os.set_blocking(outside, False)
    before = termios.tcgetattr(inside)
    terminal.environment["TERM"] = "xterm"
    process = await terminal.start_on(inside, *typed)
    one = Typist(outside, process)
    try:
        yield one
        assert await one.ends() in (0, 1)
        assert termios.tcgetattr(inside) == before, "the terminal is not as it was"
    finally:
        one.close()
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(inside)
        os.close(outside)


async def prepare(one: Typist) -> None:
    await one.answers("levelled?", "")
    await one.answers("warmed up?", "")
    await one.answers("type it in mg", "0.1")
    await one.answers("Enter takes pi-1/balance for this run and begins", "")


async def test_a_whole_run_by_enter(service: FakeCalibration, terminal: Terminal) -> None:
    async with operator(terminal, *BEGIN) as one:
        await prepare(one)
        for step in range(1, 10):
            await one.answers(f"step {step} of 9: ", "")
        await one.answers("all is measured: Enter calculates", "")
        await one.sees("kleinmaelzung calibration review R-2026-0001 --approve")
        assert await one.ends() == 0
    assert "   9  100 g            100              +0.0005" in one.all
    assert "as found, mass: pass" in one.all
    assert service.guided.run.state == "calculated"
    created = service.asked[[body["request"] for body in service.asked].index("run-create")]
    assert (created["template"], created["instrument"], created["condition"]) == ("balance", "pi-1/balance", "")
    assert created["standards"] == [{"role": "weights", "name": "WS-E2-01", "position": ""}]


async def test_all_that_forbids_a_run_is_told(service: FakeCalibration, terminal: Terminal) -> None:
    service.mistakes = ["WS-E2-01 is overdue since 2026-01-01", "temperature: no sensor"]
    async with operator(terminal, *BEGIN) as one:
        assert await one.ends() == 1
    assert "kleinmaelzung: WS-E2-01 is overdue since 2026-01-01" in one.all
    assert "temperature: no sensor" in one.all


async def test_words_at_the_prompt(service: FakeCalibration, terminal: Terminal) -> None:
    service.is_quick = False
    async with operator(terminal, *BEGIN) as one:
        await prepare(one)
        await one.answers("step 1 of 9: take everything off", "?")
        await one.sees("q                leave; the run stays open")
        await one.answers("step 1 of 9", "c tare")
        await one.sees("tare is done")
        one.types("c fly\r")
        await one.sees("not done: the instrument has no command 'fly'; it has: tare, set-target")
        one.types("r nothing yet\r")
        await one.sees("not done: there is no reading yet to strike")
        one.types("\r")
        await one.sees("100.0001 g    unsteady")
        one.types("s no time\r")
        await one.sees("not done: step 1 waits until it is stable")
        await service.stable()
        await one.answers("step 2 of 9: put 100 g on", "")
        await one.sees("waiting until it is stable")
        await service.give_up("range 0.02 g, allowed is 0.0002 g")
        await one.sees("step 2 was not captured: range 0.02 g, allowed is 0.0002 g")
        await one.answers("step 2 of 9: put 100 g on", "t 100.0001 g no cable")
        await one.sees("typed: no cable")
        one.types("r it slipped\r")
        await one.sees("struck by anna: it slipped")
        await one.answers("step 1 of 9", "s no time")
        await one.sees("left out")
        one.types("p lunch\r")
        await one.answers("paused: Enter goes on", "q")
        await one.sees("R-2026-0001 stays open")
        assert await one.ends() == 0
    assert "go on: kleinmaelzung calibration run --resume R-2026-0001" in one.all
    assert service.guided.run.is_paused


async def test_ctrl_c_leaves_the_run_open_and_it_goes_on_where_it_was(
    service: FakeCalibration, terminal: Terminal
) -> None:
    service.is_quick = False
    async with operator(terminal, *BEGIN) as one:
        await prepare(one)
        await one.answers("step 1 of 9", "")
        await one.sees("unsteady")
        one.types("\x03")
        await one.sees("R-2026-0001 stays open; step 1 goes on waiting until it is stable")
        assert await one.ends() == 1
        assert "Traceback" not in one.all
    await service.stable()
    async with operator(terminal, "calibration", "run", "--resume", RUN) as one:
        await one.sees("   1  zero               0.0000005")
        await one.answers("step 2 of 9", "abort it fell down")
        await one.sees("it was aborted: there will be no certificate")
    assert service.guided.run.state == "aborted"


async def test_what_another_does_is_seen(service: FakeCalibration, terminal: Terminal) -> None:
    service.guided.begin()
    async with operator(terminal, "calibration", "run", "--resume", RUN) as one:
        await one.sees("step 1 of 9")
        service.guided.measure(3)
        await service.tell("idle")
        await one.sees("   2  100 g            100")
        await one.answers("step 3 of 9", "q")


async def test_a_service_that_is_away_is_asked_again_and_nothing_is_done_twice(
    service: FakeCalibration, terminal: Terminal
) -> None:
    service.guided.begin()
    async with operator(terminal, "calibration", "run", "--resume", RUN) as one:
        await one.sees("step 1 of 9")
        service.away = 1
        one.types("d no draught shield\r")
        await one.sees("the database cannot be read: connection lost")
        await one.sees("deviation: no draught shield")
        one.types("q\r")
    assert len(service.guided.run.deviations) == 1


async def test_a_connection_that_is_lost_comes_back(
    service: FakeCalibration, terminal: Terminal, fake_gateway: FakeGateway
) -> None:
    service.guided.begin()
    async with operator(terminal, "calibration", "run", "--resume", RUN) as one:
        await one.sees("step 1 of 9")
        await fake_gateway.drop()
        await until(lambda: fake_gateway.sessions, "a new connection")
        await one.answers("step 1 of 9", "")
        await one.answers("step 2 of 9", "q")


async def test_frames_that_are_not_logged_yet_are_waited_for(service: FakeCalibration, terminal: Terminal) -> None:
    service.guided.begin().measure()
    service.late = 1
    async with operator(terminal, "calibration", "run", "--resume", RUN) as one:
        await one.answers("all is measured", "")
        await one.sees("calculating, once the logger has stored what was captured last")
        await one.sees("result: pass")


# --- by lines of JSON -------------------------------------------------------------------------------------------------


async def scripted(
    terminal: Terminal, acts: list[dict[str, Any] | str], *typed: str
) -> tuple[int, list[dict[str, Any]], str]:
    process = await terminal.start(*(typed or BEGIN), "--json", stdin=asyncio.subprocess.PIPE)
    lines = "".join(f"{act if isinstance(act, str) else json.dumps(act)}\n" for act in acts)
    async with asyncio.timeout(30):
        out, err = await process.communicate(lines.encode())
    assert process.returncode is not None
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


PREPARE: list[dict[str, Any] | str] = [
    {"act": "tick", "check": "levelled"},
    {"act": "tick", "check": "warmed up"},
    {"act": "answer", "name": "convection", "value": 0.1, "unit": "mg"},
    {"act": "begin"},
]


async def test_a_script_drives_a_whole_run(service: FakeCalibration, terminal: Terminal) -> None:
    places: list[dict[str, Any] | str] = [{"act": "place", "step": step} for step in range(1, 10)]
    code, events, err = await scripted(terminal, [*PREPARE, *places, {"act": "calculate"}])
    assert (code, err) == (0, "")
    assert events[0]["event"] == "run"
    assert events[0]["run"]["run"] == RUN
    captured = [
        (one["step"], one["run"]["steps"][one["step"] - 1]["value"]) for one in events if one["event"] == "captured"
    ]
    assert [step for step, _ in captured] == [*range(1, 10)]
    assert captured[8][1] == pytest.approx(100.0)
    assert [one["act"] for one in events if one["event"] == "done"] == [
        *("tick", "tick", "answer", "begin"),
        *["place"] * 9,
        "calculate",
    ]
    assert events[-1]["run"]["results"]["verdict"] == "pass"


async def test_a_script_hears_of_the_stream_and_of_what_is_refused(
    service: FakeCalibration, terminal: Terminal
) -> None:
    service.is_quick = False
    process = await terminal.start(*BEGIN, "--json", stdin=asyncio.subprocess.PIPE)
    assert process.stdin
    assert process.stdout

    async def heard(event: str) -> dict[str, Any]:
        assert process.stdout
        async with asyncio.timeout(20):
            while line := await process.stdout.readline():
                found: dict[str, Any] = json.loads(line)
                if found["event"] == event:
                    return found
        raise AssertionError(f"it ended without {event}")

    for line in (*PREPARE, {"act": "place", "step": 1}, {"act": "calculate"}):
        process.stdin.write(f"{json.dumps(line)}\n".encode())
    unsteady = await heard("live")
    assert unsteady["status"] == "unsteady"
    assert (unsteady["step"], unsteady["value"], unsteady["unit"]) == (1, 100.0001, "g")
    process.stdin.write(b'{"act": "deviate", "text": "none"}\n')
    await service.give_up("range 0.02 g, allowed is 0.0002 g")
    assert (await heard("gave_up"))["reason"] == "range 0.02 g, allowed is 0.0002 g"
    assert "has open steps" in (await heard("refused"))["mistakes"][0]
    assert (await heard("done"))["act"] == "deviate"
    process.stdin.write(b'tare\n{"act": "fly"}\n')
    assert (await heard("refused"))["mistakes"] == ['tare is no act, expected one such as {"act": "begin"}']
    assert (await heard("refused"))["code"] == "bad-message"
    process.stdin.close()
    async with asyncio.timeout(20):
        assert await process.wait() == 1


async def test_a_script_that_is_interrupted_leaves_the_run_open(service: FakeCalibration, terminal: Terminal) -> None:
    process = await terminal.start(*BEGIN, "--json", stdin=asyncio.subprocess.PIPE)
    assert process.stdout
    async with asyncio.timeout(20):
        assert json.loads(await process.stdout.readline())["event"] == "run"
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 1
    assert service.guided.run.state == "created"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("balance",), "say by which TEMPLATE and of which --instrument"),
        (("balance", "--instrument", "balance"), "is not an instrument"),
        (("balance", "--resume", RUN), "goes on with a run as it was begun"),
        (("balance", "--instrument", "pi-1/balance"), "this is no terminal that can be written on"),
        (("--resume", "7"), "no number of a run, expected one such as R-2026-0001"),
        (("balance", "--standard", "weights"), "expected one such as weights=WS-E2-01"),
        (("balance", "--sensor", "temperature=21"), "expected one such as temperature=pi-1/room/temperature"),
        (("balance", "--place", "moon=x"), "expected one such as 'customer=Brewery X, Freising'"),
        (("balance", "--received", "today"), "expected one such as 2026-11-23"),
    ],
)
async def test_what_cannot_be_meant(terminal: Terminal, typed: tuple[str, ...], sentence: str) -> None:
    code, out, err = await terminal.run("calibration", "run", *typed)
    assert (code, out) == (2, "")
    assert sentence in err


async def test_a_template_of_ones_own_is_sent_whole(
    service: FakeCalibration, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("id = 1")
    typed = ("calibration", "run", str(file), "--instrument", "pi-1/balance")
    code, _, _ = await scripted(terminal, [], *typed)
    assert code == 0
    assert isinstance(service.asked[-1]["template"], bytes)
    code, _, err = await scripted(terminal, [], *typed[:2], str(tmp_path / "none.toml"), *typed[3:])
    assert (code, "No such file" in err) == (1, True)


# --- beside measuring -------------------------------------------------------------------------------------------------


async def test_runs_are_listed_shown_reviewed_and_aborted(service: FakeCalibration, terminal: Terminal) -> None:
    service.guided.begin().measure()
    _, out, _ = await terminal.run("calibration", "runs")
    assert "R-2026-0001  pi-1/balance  measuring as found  9 of 9" in out.replace("measured", "measuring")
    assert (await terminal.json("calibration", "runs", "--open"))["runs"][0]["captured"] == 9
    assert (await terminal.json("calibration", "show", RUN))["steps"][8]["point"] == 100
    service.guided.calculate()
    code, out, _ = await terminal.run("calibration", "review", RUN, "--return", "too warm")
    assert (code, out.splitlines()[0]) == (0, "R-2026-0001 is returned to the operator")
    service.guided.calculate()
    code, out, _ = await terminal.run("calibration", "review", RUN, "--approve")
    assert out == f"{RUN} is approved\nits certificate: kleinmaelzung calibration issue {RUN}\n"
    events = (await terminal.json("calibration", "events", RUN))["events"]
    assert [one["number"] for one in events] == [*range(1, len(events) + 1)]
    _, out, _ = await terminal.run("calibration", "events", RUN)
    assert f"hash of entry {len(events)}: " in out
    code, out, _ = await terminal.run("calibration", "abort", RUN, "wrong customer")
    assert (code, service.guided.run.state) == (0, "aborted")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("review", RUN), "one of the arguments --approve --return is required"),
        (("review", RUN, "--return", " "), "--return needs a text"),
        (("review", RUN, "--return", "x", "--text", "y"), "--text is for --approve"),
        (("show", "K-1"), "no number of a run"),
        (("issue", RUN, "--number", "K-1"), "only --language, --no-readings"),
        (("runs", "--instrument", "x"), "agent or instrument"),
        (("list", "--instrument", "x"), "agent or instrument"),
        (("withdraw", "K-1", "--reason", " "), "--reason is empty"),
        (("verify", "--trust", "x.pem"), "--trust is for a certificate's file"),
    ],
)
async def test_what_cannot_be_meant_beside(terminal: Terminal, typed: tuple[str, ...], sentence: str) -> None:
    code, out, err = await terminal.run("calibration", *typed)
    assert (code, out) == (2, "")
    assert sentence in err


async def test_an_unknown_run_is_a_sentence(service: FakeCalibration, terminal: Terminal) -> None:
    code, out, err = await terminal.run("calibration", "show", "R-2026-0009")
    assert (code, out, err) == (1, "", "kleinmaelzung: there is no run R-2026-0009\n")
