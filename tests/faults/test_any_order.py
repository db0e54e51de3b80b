"""Everything is told to end at nearly the same time, in any order, and started again: nothing lost, nothing killed."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from tests.faults import experiment, verdict
from tests.faults.laboratory import Laboratory, Load, open_laboratory
from tests.faults.parts import Breakable

pytestmark = pytest.mark.timeout(400)
LOAD = Load(agents=2, streams=1, polled=2)
ORDERS = 6
SEED = 1
MOMENT_S = 0.3  # at most, between two that are told


async def test_whatever_ends_first_everything_is_logged_once(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    started_ns = time.monotonic_ns()
    async with open_laboratory(tmp_path, LOAD) as laboratory:
        await laboratory.start(trust_broker=False)
        async with experiment.watching(laboratory.dsn) as watcher:
            for _ in range(ORDERS):
                async with asyncio.timeout(60):
                    await watcher.until_beyond(await laboratory.counts())
                await end_in_any_order(laboratory, chance)
            async with asyncio.timeout(60):
                await watcher.until_beyond(await laboratory.counts())
        await laboratory.halt()
        problems = await experiment.drain(laboratory)
        await laboratory.stop()
        findings, claims = await experiment.compare(laboratory)
        found = verdict.give(
            findings,
            claims,
            [],
            seed=SEED,
            started_ns=started_ns,
            ended_ns=time.monotonic_ns(),
            trust_broker=False,
            problems=[*problems, *laboratory.findings()],  # one says whoever did not end by itself
            may_miss_kinds=True,
        )
    assert found.ok, verdict.to_text(found)
    assert found.lost_in_window == 0


async def end_in_any_order(laboratory: Laboratory, chance: random.Random) -> None:
    """Tell each part to end a moment after the other; when all have ended, start them in another order."""
    parts: list[Breakable] = [*laboratory.parts.values(), *laboratory.agents.values()]
    async with asyncio.TaskGroup() as group:
        for part in chance.sample(parts, len(parts)):
            group.create_task(part.stop())
            await asyncio.sleep(chance.uniform(0, MOMENT_S))
    for part in chance.sample(parts, len(parts)):
        await part.start_again()
