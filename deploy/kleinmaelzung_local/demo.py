"""`scripts/demo`: the whole system on one machine, with instruments that speak their real protocols over ptys.

With --for it stops by itself and judges what the agent took against what the database holds.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import asyncpg

import kleinmaelzung
from kleinmaelzung_local import ports, system
from kleinmaelzung_local.children import Child, ChildFailed, Running
from kleinmaelzung_local.mosquitto import MosquittoMissing, write_private
from kleinmaelzung_local.ports import PortTaken
from kleinmaelzung_local.postgres import PostgresMissing
from kleinmaelzung_wire import access, messages

AGENT = "demo"
INSTRUMENTS = ("balance", "thermometer")
USUAL_PORT = 8080
READY_S = 30.0
SHOW_FRAMES = 6  # of each instrument, then a line now and then
SHOW_EVERY_S = 5.0


@dataclass(slots=True)
class Verdict:
    """What the demo found. `ok` is whether all of it fits together."""

    ok: bool = False
    instruments: int = 0
    samples_taken: int = 0
    samples_logged: int = 0
    frames_taken: int = 0
    frames_logged: int = 0
    frames_missing: int = 0
    frames_watched: int = 0
    commands_ok: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


async def run(arguments: argparse.Namespace, directory: Path) -> Verdict:
    """Start everything, show it, and judge at the end."""
    verdict = Verdict()
    port = arguments.port if arguments.port is not None else USUAL_PORT if ports.is_free(USUAL_PORT) else 0
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    say(arguments, "starting broker, database, services and gateway ...")
    async with system.run(system.Choices(data=directory / "server", port=port)) as running:
        password = running.password_file.read_text()
        async with kleinmaelzung.connect(running.url, user="admin", password=password) as lab:
            agent, instruments = await start_agent(lab, running, directory)
            try:
                await ready(lab)
                say(arguments, f"\nOpen {running.login_link}   once, then {running.url}")
                say(arguments, f"user: admin   password: {password}\n")
                await watch_and_command(lab, arguments, stop, verdict)
            finally:
                await agent.stop()
                await instruments.stop()
            await judge(lab, running.dsn, verdict)
    return verdict


async def start_agent(lab: kleinmaelzung.Lab, running: system.System, directory: Path) -> tuple[Running, Running]:
    """Start the instruments and, with an account of its own, the agent that reads them."""
    secret = access.make_secret()
    await lab.access(access.add_agent(AGENT, secret))
    paths = directory / "instruments.log"
    instruments = Running(
        Child(
            name="instruments",
            command=[sys.executable, "-m", "kleinmaelzung_local.demo_instruments"],
            is_ready=lambda: _has_said_where(paths),
        ),
        paths,
    )
    await instruments.start()
    devices = json.loads(paths.read_text().splitlines()[0])
    text = Path(__file__).with_name("demo_agent.toml").read_text()
    filled = {"URL": running.url, "BALANCE": devices["balance"], "THERMOMETER": devices["thermometer"]}
    for name, value in filled.items():
        text = text.replace(f"{{{name}}}", value)
    write_private(directory / "agent.toml", text)
    write_private(directory / "demo.secret", secret)
    agent = Running(
        Child(
            name="agent",
            command=[sys.executable, "-m", "kleinmaelzung_agent", "--config", str(directory / "agent.toml")],
            is_ready=lambda: _is_online(lab),
        ),
        directory / "agent.log",
    )
    await agent.start()
    return agent, instruments


async def _has_said_where(path: Path) -> bool:
    said = await asyncio.to_thread(path.read_text)
    return said.startswith("{") and "\n" in said


async def _is_online(lab: kleinmaelzung.Lab) -> bool:
    return any(instrument.is_online for instrument in await lab.instruments(f"{AGENT}/+"))


async def ready(lab: kleinmaelzung.Lab) -> None:
    """Wait until both instruments are read."""
    live: set[str] = set()
    async with asyncio.timeout(READY_S):
        async for frame in lab.watch(f"{AGENT}/+"):
            live.add(frame.instrument)
            if len(live) == len(INSTRUMENTS):
                return


async def watch_and_command(
    lab: kleinmaelzung.Lab, arguments: argparse.Namespace, stop: asyncio.Event, verdict: Verdict
) -> None:
    """Show what comes and one command with its reply, until stopped or the time is over."""
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch(lab, arguments, verdict), name="watch")
        commanding = group.create_task(command(lab, arguments, verdict), name="command")
        try:
            async with asyncio.timeout(arguments.seconds):
                await stop.wait()
        except TimeoutError:
            await commanding
        watching.cancel()
        commanding.cancel()
    verdict.seconds = round(time.monotonic() - started, 1)


async def watch(lab: kleinmaelzung.Lab, arguments: argparse.Namespace, verdict: Verdict) -> None:
    shown: dict[str, int] = {}
    last: dict[str, float] = {}
    async for frame in lab.watch(f"{AGENT}/+"):
        verdict.frames_watched += 1
        name = frame.instrument
        if shown.get(name, 0) < SHOW_FRAMES or time.monotonic() - last[name] > SHOW_EVERY_S:
            shown[name], last[name] = shown.get(name, 0) + 1, time.monotonic()
            for sample in frame.samples():
                quality = "" if sample.quality == "good" else f"  ({sample.quality})"
                say(arguments, f"  {name:18} {sample.channel:12} {sample.value!s:>10} {sample.unit}{quality}")


async def command(lab: kleinmaelzung.Lab, arguments: argparse.Namespace, verdict: Verdict) -> None:
    for name, what in ((f"{AGENT}/balance", "tare_immediately"), (f"{AGENT}/thermometer", "identify")):
        reply = await lab.send(name, what)
        values = ", ".join(f"{key} {value} {reply.units.get(key, '')}".strip() for key, value in reply.values.items())
        took_ms = reply.took_us / 1000
        say(
            arguments,
            f"\n  command {what} -> {name}: {reply.result} ({values})  sent {reply.bytes_out!r},"
            f" received {reply.bytes_in!r}, {took_ms:.1f} ms\n",
        )
        if reply.result == "done":
            verdict.commands_ok += 1
        else:
            verdict.problems.append(f"command {what}: {reply.result}: {reply.reason}")


async def judge(lab: kleinmaelzung.Lab, dsn: str, verdict: Verdict) -> None:
    """Compare what the agent says it took with what the database holds."""
    status = await final_status(lab)
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=30)
    try:
        verdict.samples_logged = await connection.fetchval("SELECT count(*) FROM samples")
        verdict.frames_logged = await connection.fetchval("SELECT count(*) FROM frames")
        verdict.frames_missing = await connection.fetchval("SELECT coalesce(sum(missing), 0)::bigint FROM completeness")
        verdict.instruments = await connection.fetchval("SELECT count(DISTINCT (agent, instrument)) FROM readings")
    finally:
        await connection.close(timeout=5)
    verdict.frames_taken, verdict.samples_taken = status.taken, status.samples
    claims = {
        f"{verdict.instruments} instruments logged, expected {len(INSTRUMENTS)}": verdict.instruments
        == len(INSTRUMENTS),
        f"{verdict.samples_logged} of {verdict.samples_taken} samples logged": 0
        < verdict.samples_taken
        == verdict.samples_logged,
        f"{verdict.frames_logged} of {verdict.frames_taken} frames logged": verdict.frames_taken
        == verdict.frames_logged,
        f"{verdict.frames_missing} frames missing": verdict.frames_missing == 0,
        f"{verdict.commands_ok} of 2 commands done": verdict.commands_ok == 2,
        "nothing was watched": verdict.frames_watched > 0,
    }
    verdict.problems += [claim for claim, holds in claims.items() if not holds]
    verdict.ok = not verdict.problems


async def final_status(lab: kleinmaelzung.Lab) -> messages.AgentStatus:
    """The agent's last word, after its orderly end."""
    async with asyncio.timeout(READY_S):
        while True:
            for payload in (await lab.retained(f"{AGENT}/status")).values():
                status = messages.AgentStatus.decode(payload)
                if not status.online:
                    return status
            await asyncio.sleep(0.1)


def say(arguments: argparse.Namespace, text: str) -> None:
    """Tell people; with --json they read stderr."""
    print(text, file=sys.stderr if arguments.json else sys.stdout, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Everything, with simulated instruments.")
    parser.add_argument(
        "--for", dest="seconds", type=float, default=None, metavar="SECONDS", help="then stop and judge"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--port", type=int, default=None, metavar="N", help="of the page (8080, or a free one)")
    arguments = parser.parse_args()
    os.umask(0o077)
    try:
        with tempfile.TemporaryDirectory(prefix="kleinmaelzung-demo-") as directory:
            verdict = asyncio.run(run(arguments, Path(directory)))
    except (ChildFailed, MosquittoMissing, PostgresMissing, PortTaken, kleinmaelzung.Error, OSError) as error:
        print(f"scripts/demo: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(asdict(verdict)))
    else:
        print(f"{verdict.samples_logged} of {verdict.samples_taken} samples logged in {verdict.seconds:g} s")
    for problem in verdict.problems:
        print(f"scripts/demo: {problem}", file=sys.stderr)
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main())
