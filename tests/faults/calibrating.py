"""Kills parts of the system at every state of a calibration run, and sees that it goes on. Prints one JSON document.

    python -m tests.faults.calibrating [--runs 3] [--seed 1]

Each run is led to its certificate. At each of its steps chance decides what is killed -9 and when: the service of
calibrations (also at its failpoints), the gateway, the agent, the broker, the database, the logger. Judged by the log:
each step has exactly one window that counts, no entry is there twice, the chain holds, and so do all frames' hashes.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import kleinmaelzung
from kleinmaelzung_local import children
from kleinmaelzung_wire import failpoints, register, runs
from kleinmaelzung_wire.waits import Waits
from tests import calibrating
from tests.calibrating import ITEM, Bench, View

PARTS: Final = ("calibration", "gateway", "agent", "mosquitto", "postgres", "logger")
FAILPOINTS: Final = {
    "place": ("calibration.judged", "calibration.captured"),
    "command": ("calibration.commanded",),
    "calculate": ("calibration.calculated",),
    "issue": ("calibration.issued",),
}
PATIENCE_S: Final = 90.0  # for what several restarts, each after a growing wait, may take
SERVICE: Final = "calibration"
AT_ONCE: Final = Waits(first_s=0.2, longest_s=0.5)  # how soon what died is started again


class Breaking:
    """A bench whose parts are killed. Whatever is asked is asked again until there is an answer, with the same id."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.kills = Counter[str]()
        self._config = bench.whole.config.read_text()

    async def kill(self, part: str) -> None:
        """As by kill -9; all but the agent are started again by who watches them."""
        self.kills[part] += 1
        if part == "agent":
            await self.bench.whole.kill_agent()
            tables = self._config[self._config.index("[instruments") :]
            own = next(line for line in self._config.splitlines() if line.startswith("profiles"))
            await self._persistently(lambda: self.bench.whole.start_agent(tables, own=own))
            return
        pid = self.bench.whole.running.children[part].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    async def arm(self, failpoint: str) -> None:
        """Have the service die there, once: it is started anew, by a kill, to learn of it."""
        self.kills[failpoint] += 1
        child = self.bench.whole.running.children[SERVICE]
        before = child.restarts
        environment = child.child.environment
        assert environment is not None
        environment[failpoints.VARIABLE] = failpoint
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        await self._until(lambda: child.restarts > before, "the service is started again")
        del environment[failpoints.VARIABLE]

    async def until_died(self, before: int) -> None:
        child = self.bench.whole.running.children[SERVICE]
        await self._until(lambda: child.restarts > before, "the service died at its failpoint")

    @property
    def restarts(self) -> int:
        return self.bench.whole.running.children[SERVICE].restarts

    async def show(self, run: View) -> View:
        shown: View = await self._persistently(lambda: self.bench.show(run))
        return shown

    async def act(self, run: View, act: str, lab: kleinmaelzung.Lab | None = None, **arguments: Any) -> View:
        """Until it is done: what is refused because a part is away is asked anew, with another id."""
        deadline, id_ = time.monotonic() + PATIENCE_S, secrets.token_hex(8)
        while True:
            asked = {"id": id_, **arguments}
            answer = await self._persistently(lambda: self.bench.act_with(run, act, lab, **asked))  # noqa: B023
            if not answer["mistakes"]:
                view: View = answer["run"]
                return view
            assert time.monotonic() < deadline, (act, answer["mistakes"])
            await asyncio.sleep(0.3)

    async def until_over(self, run: View, step: int) -> View:
        """Until the step waits no more: captured, or given up."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            view = await self.show(run)
            if next(one for one in view["steps"] if one["step"] == step)["state"] != "waiting":
                return view
            assert time.monotonic() < deadline, view["missing"]
            await asyncio.sleep(0.1)

    async def capture(self, run: View, lab: kleinmaelzung.Lab, part: str = "") -> View:
        """The next step; a part is killed while it waits. Placed again where it was given up."""
        number = run["next"]
        step = next(one for one in run["steps"] if one["step"] == number)
        self.bench.put_for(step)
        self.bench.balance.variables.set("moving", 1)
        await self.act(run, "place", lab, step=number)
        if part:
            await self.kill(part)
        self.bench.balance.variables.set("moving", 0)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            run = await self.until_over(run, number)
            step = next(one for one in run["steps"] if one["step"] == number)
            if step["state"] == "captured":
                return run
            assert time.monotonic() < deadline, step
            await self.act(run, "place", lab, step=number)

    async def judge(self, run: View) -> dict[str, Any]:
        """What the log says of a run, and whether it holds."""
        events: list[dict[str, Any]] = []
        more = True
        while more:
            after = events[-1]["number"] if events else None
            asked = {"instrument": ITEM, "run": run["run"], "after": after}
            answer = await self._persistently(lambda: self.bench.ask(runs.EVENTS, **asked))  # noqa: B023
            events, more = events + answer["events"], answer["more"]
        captured = Counter(one["details"]["step"] for one in events if one["kind"] == "captured")
        ends = Counter(
            (one["details"]["step"], one["details"]["attempt"])
            for one in events
            if one["kind"] in ("captured", "gave_up")
        )
        chain = await self._persistently(lambda: self.bench.ask(register.LOG, after=None))
        issued = await self._persistently(lambda: self.bench.whole.ask("SELECT count(*) FROM certificate_register"))
        return {
            "run": run["run"],
            "state": run["state"],
            "captured": dict(sorted(captured.items())),
            "doubled": {str(key): count for key, count in ends.items() if count > 1},
            "wrong": chain["wrong"],
            "checked": chain["checked"],
            "certificates": issued,
            "commanded": sum(one["kind"] == "commanded" for one in events),
        }

    async def _persistently(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask again as long as somebody who has to answer is away."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await ask()
            except (kleinmaelzung.Error, OSError, TimeoutError) as error:
                if isinstance(error, kleinmaelzung.Refused) and error.code not in _AWAY:
                    raise
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)

    async def _until(self, is_so: Callable[[], bool], what: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                await asyncio.sleep(0.05)
        assert is_so(), what


_AWAY: Final = frozenset({"unavailable", "timeout", "busy", "failed", "unknown"})


async def lead(breaking: Breaking, chance: random.Random, density: float) -> View:
    """A run from its beginning to its certificate, with kills by chance between and within its steps."""
    bench = breaking.bench

    async def maybe() -> None:
        if chance.random() < density:
            await breaking.kill(chance.choice(PARTS))
            await asyncio.sleep(chance.uniform(0, 1))

    async with bench.person("anna") as anna, bench.person("berta") as berta:
        run = await bench.create(lab=anna)
        for check in run["checks"]:
            await maybe()
            run = await breaking.act(run, "tick", anna, check=check["check"])
        run = await breaking.act(run, "answer", anna, name="convection", value=0.1, unit="mg")
        run = await breaking.act(run, "begin", anna)
        while run["next"] is not None:
            if chance.random() < density / 2:
                await breaking.arm(chance.choice(FAILPOINTS["place"]))
            part = chance.choice(PARTS) if chance.random() < density else ""
            run = await breaking.capture(run, anna, part)
        for act, lab, arguments in (
            ("calculate", anna, {}),
            ("review", berta, {"approve": True}),
            ("issue", anna, {"readings": True}),
        ):
            await maybe()
            if act in FAILPOINTS and chance.random() < density:
                await breaking.arm(FAILPOINTS[act][0])
            run = await breaking.act(run, act, lab, **arguments)
        return run


async def measure(count: int, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    children.WAITS = AT_ONCE
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-faults-", ignore_cleanup_errors=True) as directory:
        async with calibrating.open_bench(Path(directory)) as bench:
            breaking = Breaking(bench)
            await bench.register()
            judged = []
            for _ in range(count):
                judged.append(await breaking.judge(await lead(breaking, chance, 0.6)))
                print(judged[-1], dict(breaking.kills), file=sys.stderr, flush=True)
    steps = dict.fromkeys(range(1, 10), 1)
    is_good = all(
        one["state"] == "issued"
        and not one["doubled"]
        and not one["wrong"]
        and one["captured"] == steps
        and one["certificates"] == place
        for place, one in enumerate(judged, start=1)
    )
    return {"ok": is_good, "runs": judged, "kills": dict(breaking.kills)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.calibrating", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    arguments = parser.parse_args()
    started = time.monotonic()
    outcome = asyncio.run(measure(arguments.runs, arguments.seed))
    print(json.dumps(outcome | {"seconds": round(time.monotonic() - started)}, indent=1))
    sys.exit(0 if outcome["ok"] else 1)
