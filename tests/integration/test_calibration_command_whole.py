"""`kleinmaelzung calibration` on the whole system: a simulated balance, the register, a certificate; what docs show."""

import asyncio
import contextlib
import fcntl
import json
import os
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_wire.codec import from_json
from tests import calibrating
from tests.calibrating import SENSORS, TEMPLATE, Bench
from tests.terminals import Terminal
from tests.typists import Typist

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples/calibration"
DOCS = ROOT / "docs/calibration-runs.md"
RUN, CERTIFICATE = "R-2026-0001", "K-2026-0001"
LOADS = (0, 100, 0, 100, 50, 50, 0, 50, 100)  # of the template's steps


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with calibrating.open_bench(tmp_path) as running:
        yield running


@pytest.fixture
def terminal(bench: Bench, tmp_path: Path) -> Terminal:
    """At which admin sits."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "template.toml").write_text(TEMPLATE)
    (home / "certificate.pdf").write_bytes(b"%PDF-1.7 of the weights")
    return Terminal(bench.whole.running.url, bench.whole.running.password_file.read_text().strip(), home)


async def register(terminal: Terminal, home: Path) -> None:
    """The files that the docs show are good as they stand."""
    entered = [
        ("laboratory", "set", "--from", str(EXAMPLES / "laboratory.toml")),
        (
            "standard",
            "add",
            "WS-E2-01",
            "--from",
            str(EXAMPLES / "standard.toml"),
            "--certificate",
            str(home / "certificate.pdf"),
        ),
        ("item", "set", "pi-1/balance", "--from", str(EXAMPLES / "item.toml")),
    ]
    for typed in entered:
        code, _, err = await terminal.run("calibration", *typed)
        assert (code, err) == (0, "")


def begin(home: Path) -> tuple[str, ...]:
    sensors = [part for name, channel in SENSORS.items() for part in ("--sensor", f"{name}={channel}")]
    instrument = ("--instrument", "pi-1/balance", "--standard", "weights=WS-E2-01", "--channel", "weight=weight")
    return ("calibration", "run", str(home / "template.toml"), *instrument, *sensors, "--condition", "clean")


@contextlib.asynccontextmanager
async def operator(terminal: Terminal, *typed: str) -> AsyncIterator[Typist]:
    outside, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 130, 0, 0))
    os.set_blocking(outside, False)
    terminal.environment["TERM"] = "xterm"
    process = await terminal.start_on(inside, *typed)
    os.close(inside)
    one = Typist(outside, process)
    try:
        yield one
    finally:
        one.close()
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(outside)


async def approve(bench: Bench, run: str) -> None:
    async with bench.person("berta") as berta:
        await berta.runs.on(run).review(approve=True, text="looks well")


async def test_from_the_register_to_a_certificate_at_a_terminal(
    bench: Bench, terminal: Terminal, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    await register(terminal, home)
    async with operator(terminal, *begin(home)) as one:
        await one.answers("levelled?", "")
        await one.answers("warmed up?", "")
        await one.answers("type it in mg", "0.1")
        await one.answers("Enter takes pi-1/balance for this run and begins", "")
        await one.answers("step 1 of 9: take everything off, then Enter", "c tare")
        await one.sees("tare is done")
        for step, load in enumerate(LOADS, 1):
            await one.sees(f"step {step} of 9: ")
            bench.put(load, load * 2e-6)
            bench.balance.variables.set("moving", int(step == 5))
            one.shown = ""
            one.types("\r")
            if step == 5:
                await one.sees('unsteady ············ 0.0 of 0.4 s   the instrument says "unstable"')
                bench.balance.variables.set("moving", 0)
        await one.sees("all is measured: Enter calculates")
        one.types("\r")
        await one.sees("result: pass")
        assert await one.ends() == 0
    [last] = re.findall(r"   9  100 g .*", one.all)
    assert last.split()[3:5] == ["100.0002", "+0.23"]
    code, _, err = await terminal.run("calibration", "review", RUN, "--approve")
    assert (code, "let another person sign in and review it" in err) == (1, True)
    await approve(bench, RUN)
    assert (await terminal.json("calibration", "issue", RUN))["certificate"] == CERTIFICATE
    await _look_at_the_certificate(terminal, home)
    await _verify_an_edited_log(bench, terminal)


async def _look_at_the_certificate(terminal: Terminal, home: Path) -> None:
    for kind, begins in (("pdf", b"%PDF-"), ("xml", b"<?xml"), ("json", b"{")):
        file = home / f"out.{kind}"
        code, _, err = await terminal.run("calibration", kind, CERTIFICATE, "-o", str(file))
        assert (code, err) == (0, "")
        assert file.read_bytes().startswith(begins)
    record = json.loads((home / "out.json").read_bytes())
    assert record["item"]["serial"] == "B021002593"
    shown = (await terminal.json("calibration", "list", "EX-200", "--instrument", "pi-1/balance"))["certificates"]
    assert [(one["number"], one["state"], one["run"]) for one in shown] == [(CERTIFICATE, "valid", RUN)]
    assert (await terminal.json("calibration", "list", "no such thing"))["certificates"] == []
    used = (await terminal.json("calibration", "standard", "impact", "WS-E2-01"))["results"]
    assert [(one["run"], one["certificate"], one["verdict"]) for one in used] == [(RUN, CERTIFICATE, "pass")]
    withdrawn = await terminal.json("calibration", "withdraw", CERTIFICATE, "--reason", "wrong weights")
    assert (withdrawn["state"], withdrawn["withdrawn"]["reason"]) == ("withdrawn", "wrong weights")
    _, out, _ = await terminal.run("calibration", "list")
    assert "by admin: wrong weights" in out


async def _verify_an_edited_log(bench: Bench, terminal: Terminal) -> None:
    whole = await terminal.json("calibration", "verify")
    assert whole["ok"]
    assert whole["checked"] > 20
    await bench.whole.ask("ALTER TABLE calibration_log DISABLE TRIGGER USER")
    await bench.whole.ask("UPDATE calibration_log SET username = 'nobody' WHERE number = 7")
    code, out, err = await terminal.run("calibration", "verify")
    assert (code, err) == (1, "")
    assert out.startswith("first wrong entry 7: ")
    assert "6 entries before good; compare with a backup" in out


async def test_the_register_by_files(bench: Bench, terminal: Terminal, tmp_path: Path) -> None:
    home = tmp_path / "home"
    await register(terminal, home)
    _, out, _ = await terminal.run("calibration", "standard", "list")
    assert out.splitlines()[1].startswith("WS-E2-01  Weights, 1 g to 200 g  E2     4711    D-K-12345    2028-06-02")
    changed = home / "standard.json"
    content = (await terminal.json("calibration", "standard", "show", "WS-E2-01"))["entry"]["content"]
    changed.write_text(json.dumps({**content, "location": "Safe"}))
    add = ("calibration", "standard", "add", "WS-E2-01", "--from", str(changed))
    code, _, err = await terminal.run(*add)
    assert (code, err) == (1, "kleinmaelzung: reason: missing; an entry that is there is changed: say why\n")
    code, _, _ = await terminal.run(*add, "--reason", "moved")
    assert code == 0
    _, out, _ = await terminal.run("calibration", "standard", "show", "WS-E2-01")
    assert "put by admin: moved\n  location: Room 1.12 -> Safe\n" in out
    changed.write_text(json.dumps({"kind": "weight_set", "weight": 1}))
    code, _, err = await terminal.run(*add)
    assert code == 1
    assert "weight" in err
    assert "serial" in err
    code, _, _ = await terminal.run("calibration", "standard", "retire", "WS-E2-01", "dropped")
    assert code == 0
    assert (await terminal.json("calibration", "standard", "list"))["standards"][0]["is_retired"]
    code, _, err = await terminal.run(*begin(home), "--json")
    assert (code, "retired" in err) == (1, True)
    code, _, err = await terminal.run("calibration", "item", "show", "pi-1/other")
    assert (code, err) == (1, "kleinmaelzung: the register has no item pi-1/other: is the name right?\n")


async def test_a_script_measures_as_found_and_as_left(bench: Bench, terminal: Terminal, tmp_path: Path) -> None:
    home = tmp_path / "home"
    await register(terminal, home)
    process = await terminal.start(*begin(home), "--json", stdin=asyncio.subprocess.PIPE)
    assert process.stdin
    assert process.stdout

    def act(name: str, /, **arguments: Any) -> None:
        assert process.stdin
        process.stdin.write(f"{json.dumps({'act': name, **arguments})}\n".encode())

    async def heard(event: str) -> dict[str, Any]:
        assert process.stdout
        async with asyncio.timeout(40):
            while line := await process.stdout.readline():
                found: dict[str, Any] = from_json(line)
                assert found["event"] not in ({"refused", "gave_up"} - {event}), found
                if found["event"] == event:
                    return found
        raise AssertionError(f"it ended without {event}")

    for check in ("levelled", "warmed up"):
        act("tick", check=check)
    act("answer", name="convection", value=0.1, unit="mg")
    act("begin")
    for step, load in [*enumerate(LOADS, 1), (0, 0), *enumerate(LOADS, 1)]:
        if step == 0:
            act("adjust", text="span with 100 g", before="+0.2 mg", after="0.0 mg")
            act("begin")
            continue
        bench.put(load)
        act("place", step=step)
        captured = await heard("captured")
        assert captured["run"]["steps"][step - 1]["value"] == pytest.approx(load, abs=1e-6)
    act("calculate")
    process.stdin.close()
    while (done := await heard("done"))["act"] != "calculate":
        pass
    assert (done["run"]["phase"], len(done["run"]["as_found"])) == ("as_left", 9)
    assert done["run"]["results"]["as_left"]["verdict"] == "pass"
    async with asyncio.timeout(20):
        assert await process.wait() == 0


# --- what the docs show -----------------------------------------------------------------------------------------------


async def test_the_program_in_the_docs_measures_a_run(bench: Bench, terminal: Terminal, tmp_path: Path) -> None:
    home = tmp_path / "home"
    await register(terminal, home)
    [program] = re.findall(r"(?ms)^```python\n(.*?)^```$", DOCS.read_text())
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        stdin=pipe,
        stdout=pipe,
        stderr=asyncio.subprocess.STDOUT,
        env=terminal.environment | {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
        cwd=home,
    )
    try:
        shown = await _answered(bench, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, shown.endswith("pass\n")) == (0, True), shown
    view = await bench.show(RUN)
    assert (view["state"], view["captured"]) == ("calculated", 9)


async def _answered(bench: Bench, process: asyncio.subprocess.Process) -> str:
    """What the program showed: its questions are answered, and what it asks for is put on."""
    assert process.stdin
    assert process.stdout
    shown = b""
    for step, load in enumerate((0, *LOADS)):  # before the steps comes a question
        question = f"step {step}: ".encode() if step else b"convection in mg: "
        async with asyncio.timeout(40):
            while question not in shown:
                piece = await process.stdout.read(1000)
                assert piece, shown.decode()
                shown += piece
        bench.put(load)
        process.stdin.write(b"\n" if step else b"0.1\n")
    async with asyncio.timeout(40):
        rest, _ = await process.communicate()
    return (shown + rest).decode()
