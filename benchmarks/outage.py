"""`python -m benchmarks.outage [SECONDS]`: the database is away for long, at 1000 frames/s. Prints one JSON document.

Said are the memory of logger and gateway before, during and after (resident, in MiB), what a live watcher saw
meanwhile, and how fast was caught up against the live rate. It ends with an error where a frame is missing or twice.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

import kleinmaelzung
from benchmarks import backfill, processes
from kleinmaelzung_local import system
from kleinmaelzung_local.children import Running

AWAY_S = 600.0
WATCHED = "pi-1/i0"
CATCH_UP_S = 300.0  # the run fails where it takes longer


@dataclass
class Memory:
    """Resident memory of some processes, looked at once a second, in MiB."""

    parts: list[Running]
    seen: dict[str, list[float]] = field(default_factory=dict)

    async def look_always(self) -> None:
        while True:
            for part in self.parts:
                with contextlib.suppress(OSError):
                    self.seen.setdefault(part.child.name, []).append(round(processes.resident_mib(part.pid), 1))
            await asyncio.sleep(1)

    def take(self) -> dict[str, dict[str, float]]:
        """The least and the most since the last time."""
        seen, self.seen = self.seen, {}
        return {name: {"least": min(values), "most": max(values)} for name, values in seen.items() if values}


@dataclass
class Watcher:
    """What came live of one instrument."""

    numbers: list[int] = field(default_factory=list)
    longest_pause_s: float = 0.0
    _last: float = 0.0

    async def watch(self, lab: kleinmaelzung.Lab) -> None:
        async for frame in lab.watch(WATCHED):
            now = time.monotonic()
            self.longest_pause_s = max(self.longest_pause_s, now - (self._last or now))
            self._last = now
            self.numbers.append(frame.number)

    def take(self) -> dict[str, Any]:
        """What was seen since the last time."""
        numbers, pause_s = self.numbers, self.longest_pause_s
        self.numbers, self.longest_pause_s = numbers[-1:], 0.0
        missed = numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else None
        return {"frames": len(numbers), "missed": missed, "longest_pause_s": round(pause_s, 3)}


async def measure(away_s: float) -> dict[str, Any]:
    """Take the database away, bring it back, and see what that did."""
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-bench-") as directory:
        data = Path(directory)
        async with (
            backfill.running_system(data) as (planned, parts),
            backfill.running_agents(planned, data) as reports,
            _looking(planned, data, parts) as (memory, watcher),
        ):
            await backfill.settled(reports)
            before = {"memory_mib": memory.take(), "watcher": watcher.take()}
            await parts["postgres"].stop()
            gone = len(reports)
            await asyncio.sleep(away_s)
            back = len(reports)
            away = {"memory_mib": memory.take(), "watcher": watcher.take(), "unlogged": reports[-1].unlogged}
            await parts["postgres"].start()
            await backfill.wait_for(reports, lambda: backfill.is_caught_up(reports[back:]), CATCH_UP_S)
            after = {"memory_mib": memory.take(), "watcher": watcher.take()}
            found = backfill.row(reports[gone:back], reports[back:])
            await backfill.wait_for(reports, lambda: reports[-1].unlogged < 500, CATCH_UP_S)
            holes = await _holes(planned.dsn)
    if holes != (0, 0):
        raise RuntimeError(f"outage: {holes[0]} frames are missing below the last one, {holes[1]} are there twice")
    return {"away_s": away_s, "before": before, "away": away, "catching_up": after, "row": found.to_map()}


@asynccontextmanager
async def _looking(
    planned: system.Plan, data: Path, parts: dict[str, Running]
) -> AsyncIterator[tuple[Memory, Watcher]]:
    memory, watcher = Memory([parts["logger"], parts["gateway"], parts["mosquitto"]]), Watcher()
    password = (data / "secrets" / "admin").read_text()
    async with kleinmaelzung.connect(planned.url, user="admin", password=password) as lab:
        tasks = [asyncio.create_task(memory.look_always()), asyncio.create_task(watcher.watch(lab))]
        try:
            yield memory, watcher
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _holes(dsn: str) -> tuple[int, int]:
    """Frames that are missing below the last one of their stream a while later, and frames that are there twice."""
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=120)
    try:
        deadline = time.monotonic() + 60
        while (missing := await connection.fetchval("SELECT sum(missing)::bigint FROM completeness")) and (
            time.monotonic() < deadline
        ):
            await asyncio.sleep(0.2)
        twice = await connection.fetchval("SELECT count(*) - count(DISTINCT (stream, number)) FROM frames")
        return missing, twice
    finally:
        await connection.close(timeout=5)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else AWAY_S)), indent=1))
