"""Kill an agent -9 again and again at random moments, and see what each kill cost. Prints one JSON document.

    python -m tests.faults.kills [--times 100] [--seed 1]

Before half of the kills the logger is away for longer than the window, so that the spool is at work; before the others
it was in reach. By the instruments' own counters a value is lost if it was sent and is not in the database.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults import experiment, instruments, judgement, ledger, truth
from tests.faults.judgement import AT_RISK_MS, WINDOW_MS
from tests.faults.laboratory import Laboratory, Load, open_laboratory
from tests.faults.recovery import Watcher

LOAD: Final = Load(agents=1, streams=2, polled=4, polled_hz=8.0)  # slower than 10 Hz: each sample is sent at once
AGENT: Final = "pi-1"
AWAY_S: Final = (0.5, 2.0)  # how long the logger has been away at a kill
RUN_S: Final = (0.0, 1.0)  # how long all has been well, and how much longer the agent runs than that


@dataclass(slots=True)
class Kill:
    """One kill, and how long before it the values that it cost were sent, in ms."""

    at_ns: int
    in_reach: bool
    lost_ms: dict[str, list[float]] = field(default_factory=dict)  # by instrument


async def measure(times: int, seed: int) -> dict[str, Any]:
    """Kill so often; what it cost, and whether numbers and values are each there once."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-faults-", ignore_cleanup_errors=True) as directory:
        async with open_laboratory(Path(directory), LOAD) as laboratory:
            await laboratory.start(trust_broker=False)
            async with experiment.watching(laboratory.dsn) as watcher:
                kills = [await _kill(laboratory, watcher, chance, index % 2 == 0) for index in range(times)]
                await watcher.until_beyond(await laboratory.counts())
            await laboratory.halt()
            problems = await experiment.drain(laboratory)
            await laboratory.stop()
            return await _judge(laboratory, kills, problems + laboratory.findings())


async def _kill(laboratory: Laboratory, watcher: Watcher, chance: random.Random, in_reach: bool) -> Kill:
    agent, logger = laboratory.agents[AGENT], laboratory.parts["logger"]
    async with asyncio.timeout(experiment.RECOVER_S):
        await watcher.until_beyond(await laboratory.counts())
    await asyncio.sleep(chance.uniform(*RUN_S))
    if in_reach:
        await agent.kill()
    else:
        await logger.stop()
        await asyncio.sleep(chance.uniform(*AWAY_S))
        await agent.kill()
        await logger.start_again()
    print(f"kill {len(agent.endings)}", file=sys.stderr, flush=True)
    await agent.start_again()
    return Kill(agent.endings[-1].at_ns, in_reach)


async def _judge(laboratory: Laboratory, kills: list[Kill], problems: list[str]) -> dict[str, Any]:
    with (laboratory.directory / instruments.LOG).open() as log:
        truths = truth.read(log)
    endings, by_time = laboratory.endings(), {kill.at_ns: kill for kill in kills}
    async with ledger.open_ledger(laboratory.dsn) as opened:
        rows = {name: await opened.rows(name) for name in truths}
        claims = await opened.claims()
    findings = [judgement.judge(name, truths[name], rows[name], endings) for name in sorted(truths)]
    for name, one in truths.items():
        for count in one.sent.keys() - {row.value for row in rows[name]}:
            ending = judgement.ending_of(one.connections[one.sent[count].connection], endings)
            if ending and ending.at_ns in by_time:
                early_ms = round((ending.at_ns - one.sent[count].at_ns) / 1e6, 1)
                by_time[ending.at_ns].lost_ms.setdefault(name, []).append(early_ms)
    wrong = {
        "missing": sum(finding.missing for finding in findings),
        "duplicated": sum(finding.duplicated for finding in findings),
        "invented": sum(finding.invented for finding in findings),
        "disordered": sum(finding.disordered for finding in findings),
        "numbers_used_twice": claims.repeated_frames,
        "holes_inside_an_epoch": claims.unexplained_holes,
        "quarantined": sum(claims.quarantined.values()),
    }
    return {
        "ok": not any(wrong.values()) and not problems,
        "kills": len(kills),
        "epochs": len({row.stream for found in rows.values() for row in found}) // len(rows),
        "taken": sum(len(one.sent) for one in truths.values()),
        **wrong,
        "logger_in_reach": _cost([kill for kill in kills if kill.in_reach]),
        "logger_away": _cost([kill for kill in kills if not kill.in_reach]),
        "window_ms": WINDOW_MS,
        "allowed_ms": AT_RISK_MS,
        "problems": problems,
    }


def _cost(kills: list[Kill]) -> dict[str, Any]:
    """How much these kills lost, of the streams (gathered into frames) and of the instruments that are polled."""
    found: dict[str, Any] = {"kills": len(kills)}
    for kind in ("stream", "polled"):
        lost = [
            early_ms
            for kill in kills
            for name, early in kill.lost_ms.items()
            if name.partition("/")[2].startswith(kind)
            for early_ms in early
        ]
        found[kind] = {"lost": len(lost), "earliest_ms_before": max(lost, default=0.0)}
        found[kind]["lost_before_the_window"] = sum(early_ms > WINDOW_MS for early_ms in lost)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description="Kills an agent, and counts.")
    parser.add_argument("--times", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    arguments = parser.parse_args()
    started = time.monotonic()
    outcome = asyncio.run(measure(arguments.times, arguments.seed))
    print(json.dumps(outcome | {"seconds": round(time.monotonic() - started)}, indent=1))
    sys.exit(0 if outcome["ok"] else 1)
