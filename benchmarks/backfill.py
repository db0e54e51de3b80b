"""`backfill`: how fast is logged what was kept while the logger was away, beside the rate at which more comes.

Everything is real and on this machine: instruments -> agents -> gateway -> Mosquitto -> logger -> PostgreSQL. As a
program it is the agents, which print what they have taken and what of it is not yet logged:

    {"at": seconds, "taken": frames, "unlogged": frames}     ten times a second
"""

import asyncio
import contextlib
import itertools
import json
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

import kleinmaelzung
from benchmarks.row import Row
from kleinmaelzung_agent import agent
from kleinmaelzung_agent.configuration.config import AgentConfig
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_local import system
from kleinmaelzung_local.children import Running
from kleinmaelzung_wire import access
from tests.fakes_agent import Counting

GOAL = 5.0
AGENTS = 2
INSTRUMENTS = 50  # of each agent
PERIOD_S = 0.1  # so 1000 frames/s, of one sample each
AWAY_S = 60.0
SETTLED_S = 5.0
REPORT_S = 0.1
CATCH_UP_S = 45.0  # the run fails where it takes longer


@dataclass(frozen=True, slots=True)
class Report:
    """What the agents said at one moment of the monotonic clock."""

    at: float
    taken: int
    unlogged: int

    @property
    def logged(self) -> int:
        return self.taken - self.unlogged


async def measure() -> list[Row]:
    """Take the logger away for a minute, and see how fast it catches up."""
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-bench-") as directory:
        data = Path(directory)
        async with running_system(data) as (planned, parts), running_agents(planned, data) as reports:
            await settled(reports)
            logger = parts["logger"]
            await logger.stop()
            away = len(reports)
            await asyncio.sleep(AWAY_S)
            back = len(reports)
            await logger.start()
            await wait_for(reports, lambda: is_caught_up(reports[back:]), CATCH_UP_S)
            said = list(reports)
        return [row(said[away:back], said[back:])]


async def settled(reports: list[Report]) -> None:
    """Wait until the agents have been logged for a while."""
    await wait_for(reports, lambda: len(reports) > SETTLED_S / REPORT_S and is_caught_up(reports), 30)


def is_caught_up(reports: Sequence[Report]) -> bool:
    """Less than a second's frames are not yet logged."""
    return bool(reports) and reports[-1].unlogged < AGENTS * INSTRUMENTS / PERIOD_S


def row(away: Sequence[Report], back: Sequence[Report]) -> Row:
    """What was logged while catching up, against what was taken while nothing could be logged."""
    live = (away[-1].taken - away[0].taken) / (away[-1].at - away[0].at)
    begin = next(before for before, after in itertools.pairwise(back) if after.logged > before.logged)
    end = next(report for report in back if report.at > begin.at and is_caught_up([report]))
    caught_up = (end.logged - begin.logged) / (end.at - begin.at)
    return Row(
        name="backfill",
        unit="frames/s logged, against taken",
        ours=caught_up,
        limit=live,
        ratio=caught_up / live,
        goal=f">= {GOAL:g}",
        met=caught_up / live >= GOAL,
        details={"backlog": begin.unlogged, "took_s": round(end.at - begin.at, 2)},
    )


@contextlib.asynccontextmanager
async def running_system(data: Path) -> AsyncIterator[tuple[system.Plan, dict[str, Running]]]:
    """All parts as `kleinmaelzung up` starts them, but none starts again by itself."""
    with system.locked(data):
        planned = system.plan(system.Choices(data=data, port=0))
        parts = {child.name: Running(child, data / f"{child.name}.log") for child in planned.children}
        async with contextlib.AsyncExitStack() as stack:
            for part in parts.values():
                await part.start()
                stack.push_async_callback(part.stop)
            yield planned, parts


@contextlib.asynccontextmanager
async def running_agents(planned: system.Plan, data: Path) -> AsyncIterator[list[Report]]:
    """The agents' process; what it says is added to the list. At the end all it took must be in the database."""
    secret = access.make_secret()
    names = [f"pi-{number}" for number in range(1, AGENTS + 1)]
    password = (data / "secrets" / "admin").read_text()
    async with kleinmaelzung.connect(planned.url, user="admin", password=password) as lab:
        for name in names:
            answers = await lab.access(access.add_agent(name, secret))
            assert not any("error" in answer for answer in answers), answers
    given = {"url": planned.url, "secret": secret, "data": str(data), "names": names}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.backfill", json.dumps(given)), stdout=asyncio.subprocess.PIPE
    )
    reports: list[Report] = []
    reading = asyncio.create_task(_read(process, reports), name="reports")
    try:
        yield reports
        process.send_signal(signal.SIGTERM)
        await reading
        await _check(planned.dsn, reports[-1])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def _read(process: asyncio.subprocess.Process, reports: list[Report]) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        reports.append(Report(**json.loads(line)))


async def _check(dsn: str, last: Report) -> None:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    found = await connection.fetchval("SELECT count(*) FROM frames")
    await connection.close(timeout=5)
    if not last.logged <= found <= last.taken:
        raise RuntimeError(f"backfill: {last.logged} frames are said to be logged, the database holds {found}")


async def wait_for(reports: Sequence[Report], is_so: Callable[[], bool], limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            while not is_so():
                await asyncio.sleep(REPORT_S)
    except TimeoutError:
        raise RuntimeError(f"backfill: not caught up within {limit_s:g} s: {reports[-1:]}") from None


# The agents


async def _main(given: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sinks: list[agent.Agent] = []

    def make(sink: Sink) -> dict[str, Instrument]:
        assert isinstance(sink, agent.Agent)
        sinks.append(sink)
        return {name: Counting(name, sink, PERIOD_S) for name in (f"i{number}" for number in range(INSTRUMENTS))}

    async with asyncio.TaskGroup() as group:
        reporting = group.create_task(_report_always(sinks))
        async with asyncio.TaskGroup() as running:
            for name in given["names"]:
                data = Path(given["data"]) / name
                config = AgentConfig(name=name, url=given["url"], secret=given["secret"], data=data)
                sampling = {f"i{number}": Sampling(frame_every_s=0.0) for number in range(INSTRUMENTS)}
                running.create_task(agent.run(config, make, sampling=sampling, stop=stop))
        reporting.cancel()
    _report(sinks)


async def _report_always(sinks: Sequence[agent.Agent]) -> None:
    while True:
        await asyncio.sleep(REPORT_S)
        _report(sinks)


def _report(sinks: Sequence[agent.Agent]) -> None:
    taken = sum(sink._numbering.taken for sink in sinks)
    unlogged = sum(sink._spool.unlogged for sink in sinks)
    print(json.dumps({"at": time.monotonic(), "taken": taken, "unlogged": unlogged}), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
