"""`instruments`: 40 instruments of all kinds on one agent, each ten times a second: what it costs, how late it asks.

    python -m benchmarks.instruments [SECONDS]     prints one JSON document

Everything is real and on this machine: instruments on pseudo-terminals (a process of their own) -> one agent, as it is
installed -> gateway -> Mosquitto -> logger -> PostgreSQL. Before and after it the same bytes go through the same ports
by asyncio and nothing else. At the end each number that an instrument said must be in the database once.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg

import kleinmaelzung
from benchmarks import backfill, processes, simulated
from benchmarks.row import Row
from kleinmaelzung_local import system
from kleinmaelzung_wire import access

SECONDS: Final = 60.0
BARE_S: Final = 15.0
SETTLE_S: Final = 5.0  # all are connected, and what was loaded lazily is there
END_S: Final = 30.0
PERIOD_MS: Final = simulated.PERIOD_S * 1000

_AGENT: Final = '[agent]\nname = "pi-1"\nurl = "{url}"\nsecret = "{secret}"\ndata = "{data}"\n'


async def measure(seconds: float = SECONDS) -> list[Row]:
    """Two rows, of CPU time and of lateness."""
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-bench-") as directory:
        data = Path(directory)
        before = await _bare(data / "before")
        async with backfill.running_system(data) as (planned, _):
            ours = await _ours(planned, data, seconds)
        after = await _bare(data / "after")
    bare = {name: (before[name] + after[name]) / 2 for name in ("cpu_s_per_s", "p99_ms")}
    details = {"bare_before": before, "bare_after": after}
    return [_cpu(ours, bare, details), _late(ours, details)]


def _cpu(ours: Mapping[str, Any], bare: Mapping[str, float], details: dict[str, Any]) -> Row:
    ratio = ours["cpu_s_per_s"] / bare["cpu_s_per_s"]
    return Row(
        name="instruments",
        unit="CPU s per s, 40 at 10 Hz, beside bare asyncio",
        ours=ours["cpu_s_per_s"],
        limit=bare["cpu_s_per_s"],
        ratio=ratio,
        goal="-",
        met=True,
        details={**ours, **details},
    )


def _late(ours: Mapping[str, Any], details: dict[str, Any]) -> Row:
    ratio = ours["p99_ms"] / PERIOD_MS
    return Row(
        name="instruments-late",
        unit="ms, p99 of polls, of their period",
        ours=ours["p99_ms"],
        limit=PERIOD_MS,
        ratio=ratio,
        goal="<= 1",
        met=ratio <= 1,
        details={**ours, **details},
    )


async def _bare(directory: Path) -> dict[str, Any]:
    directory.mkdir()
    async with _simulators(directory) as instruments, _running("bare_ports", directory) as process:
        await asyncio.sleep(SETTLE_S)
        found = await _observed(process, instruments, BARE_S)
    del found["said"]
    return found


async def _ours(planned: system.Plan, data: Path, seconds: float) -> dict[str, Any]:
    directory = data / "ports"
    directory.mkdir()
    async with _simulators(directory) as instruments, _agent(planned, data, directory) as process:
        await asyncio.sleep(SETTLE_S)
        found = await _observed(process, instruments, seconds)
    said = found.pop("said")
    return {**found, "unrecorded": await _unrecorded(planned.dsn, said)}


async def _observed(process: Process, instruments: Process, seconds: float) -> dict[str, Any]:
    """What a process used meanwhile, and how late it asked."""
    begin, cpu_s = time.monotonic(), processes.cpu_s(process.pid)
    await asyncio.sleep(seconds)
    end, used_s = time.monotonic(), processes.cpu_s(process.pid) - cpu_s
    memory_mib = processes.resident_mib(process.pid)
    told = await _told(instruments, begin, end)
    if told["unexpected"]:
        raise RuntimeError(f"instruments: {told['unexpected']} questions were not understood")
    return {"cpu_s_per_s": round(used_s / (end - begin), 4), "memory_mib": round(memory_mib, 1), **told}


async def _told(instruments: Process, begin: float, end: float) -> dict[str, Any]:
    async with asyncio.timeout(END_S):
        printed, _ = await instruments.communicate(json.dumps([begin, end]).encode() + b"\n")
    told: dict[str, Any] = json.loads(printed)
    return told


@contextlib.asynccontextmanager
async def _simulators(directory: Path) -> AsyncIterator[Process]:
    async with _running("simulated", directory) as process:
        assert process.stdout is not None
        async with asyncio.timeout(END_S):
            await process.stdout.readline()
        yield process


@contextlib.asynccontextmanager
async def _running(module: str, directory: Path) -> AsyncIterator[Process]:
    given = json.dumps({"directory": str(directory)})
    command = (sys.executable, "-m", f"benchmarks.{module}", given)
    async with processes.running(*command, stdin=PIPE, stdout=PIPE) as process:
        yield process


@contextlib.asynccontextmanager
async def _agent(planned: system.Plan, data: Path, directory: Path) -> AsyncIterator[Process]:
    secret = access.make_secret()
    password = (data / "secrets" / "admin").read_text()
    async with kleinmaelzung.connect(planned.url, user="admin", password=password) as lab:
        answers = await lab.access(access.add_agent("pi-1", secret))
        assert not any("error" in answer for answer in answers), answers
    configuration = data / "agent.toml"
    configuration.touch(mode=0o600)
    head = _AGENT.format(url=planned.url.replace("http", "ws"), secret=secret, data=data / "spool")
    configuration.write_text(head + simulated.configuration(directory))
    command = (sys.executable, "-m", "kleinmaelzung_agent", "--config", str(configuration), "--log-level", "error")
    async with processes.running(*command) as process:
        yield process
        process.terminate()
        async with asyncio.timeout(END_S):
            await process.wait()


_COUNTED: Final = """
SELECT instrument, min(value)::bigint AS first, max(value)::bigint AS last, count(*) AS samples,
    count(DISTINCT value) AS numbers
FROM readings WHERE channel = 'count' GROUP BY instrument
"""


async def _unrecorded(dsn: str, said: Mapping[str, int]) -> int:
    """How many answers were given up as late. Raises where a frame is missing, or a number is there that was not said.

    What was said before the first opening and just before the end counts for nothing.
    """
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        rows = {row["instrument"]: dict(row) for row in await connection.fetch(_COUNTED)}
        missing = await connection.fetchval("SELECT coalesce(sum(missing), 0)::bigint FROM completeness")
    finally:
        await connection.close(timeout=5)
    wrong = {name: (last, rows.get(name)) for name, last in said.items() if not _is_true(rows.get(name), last)}
    if missing or wrong:
        raise RuntimeError(f"instruments: {missing} frames are missing; said, and found: {wrong}")
    return sum(row["last"] - row["first"] + 1 - row["samples"] for row in rows.values())


def _is_true(row: Mapping[str, int] | None, said: int) -> bool:
    return row is not None and row["samples"] == row["numbers"] and row["last"] <= said


if __name__ == "__main__":
    given = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    print(json.dumps([found.to_map() for found in asyncio.run(measure(given))], indent=1))
