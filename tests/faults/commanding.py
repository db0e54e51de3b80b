"""Commands while agents, gateway and broker are killed: executed at most once, and was every caller told the truth?

    python -m tests.faults.commanding [--commands 10000] [--for 600] [--seed 1]

Prints one JSON document; progress goes to stderr. Exit codes: 0 nothing was wrong, 1 something was.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

import kleinmaelzung
from kleinmaelzung_local.children import ChildFailed
from kleinmaelzung_local.mosquitto import MosquittoMissing
from kleinmaelzung_local.postgres import PostgresMissing
from tests.faults import breaking, experiment, instruments, obedience, truth
from tests.faults.experiment import Say, Settings
from tests.faults.field import FieldError
from tests.faults.laboratory import Laboratory, Load, open_laboratory
from tests.faults.obedience import Answer, Entry, Obedience
from tests.faults.schedule import Fault

LOAD: Final = Load(agents=2, streams=0, polled=0, polled_hz=5.0, commanded=2)
CALLERS: Final = 12  # fewer than an instrument lets wait
TIMEOUT_S: Final = 5.0
NO_ANSWER_S: Final = 30.0  # far beyond what the client waits
AGAIN_S: Final = 0.1
LOOK_EVERY_S: Final = 1.0
BEGIN_S: Final = 60.0
SETTLE_S: Final = 30.0  # for what the gateway noted
KILL_EVERY_S: Final = 8.0

_ENTRIES: Final = """
SELECT (arguments ->> 'number')::bigint, CASE noted_by WHEN 'agent' THEN 'agent' ELSE 'service' END, result
FROM ledger WHERE name = 'set'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One run. `not_sent` is how often a caller was told that nothing was sent, and tried again."""

    seed: int
    took_s: float
    killed: dict[str, int]
    not_sent: int
    answer_ms: dict[str, float]
    obedience: Obedience
    ledger_is_whole: bool
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.ledger_is_whole and not self.obedience.findings and not self.problems

    def to_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


class Callers:
    """Several at once, each with one command at a time; `answers` holds what each got, by the command's number.

    The command's one argument is its number, by which the instrument, the answer and the ledger name it.
    """

    def __init__(self, lab: kleinmaelzung.Lab, commands: int, seconds: float, seed: int) -> None:
        self.answers: defaultdict[int, list[Answer]] = defaultdict(list)
        self.took_s: list[float] = []
        self.not_sent = 0
        self._lab = lab
        self._every_s = seconds / commands
        self._numbers = iter(range(1, commands + 1))
        self._random = random.Random(f"instruments {seed}")
        self._began = time.monotonic()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(self._call(self._numbers), name=f"caller {number}")

    async def _call(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            await asyncio.sleep(self._began + number * self._every_s - time.monotonic())
            instrument = self._random.choice(sorted(LOAD.rates_hz()))
            begun = time.monotonic()
            answer = await self._until_sent(instrument, number)
            self.answers[number].append(answer)
            if answer.result == obedience.DONE:
                self.took_s.append(time.monotonic() - begun)

    async def _until_sent(self, instrument: str, number: int) -> Answer:
        while True:
            try:
                async with asyncio.timeout(NO_ANSWER_S):
                    return await self._send(instrument, number)
            except kleinmaelzung.NotReachable:  # says that nothing was sent: if that is false, it is executed twice
                self.not_sent += 1
                await asyncio.sleep(AGAIN_S)
            except TimeoutError:
                return Answer("no answer")
            except kleinmaelzung.Error as error:
                return Answer(type(error).__name__, str(error))

    async def _send(self, instrument: str, number: int) -> Answer:
        try:
            reply = await self._lab.send(instrument, "set", number=number, timeout=TIMEOUT_S)
        except kleinmaelzung.ConnectionLost as error:
            return Answer(obedience.CONNECTION_LOST, str(error))
        except kleinmaelzung.Refused as error:
            return Answer(f"{obedience.SAID_NO}{error.code}", str(error))
        told = reply.values.get("number")
        return Answer(reply.result, reply.reason, None if told is None else int(told))


def plan(seed: int, seconds: float) -> list[Fault]:
    """Who is killed when: agent, gateway and broker in turn, in an order that changes; the last tenth is left out."""
    choose = random.Random(f"kills {seed}")
    every_s = min(KILL_EVERY_S, seconds / 4)
    targets: list[str] = []
    faults = []
    for number in range(int(0.9 * seconds / every_s)):
        targets = targets or choose.sample(["agent", "gateway", "broker"], 3)
        role = targets.pop()
        target = choose.choice(LOAD.agent_names) if role == "agent" else role
        at_s = every_s * (number + choose.uniform(0.2, 0.8))
        faults.append(Fault(kind=f"kill {role}", target=target, at_s=at_s, lasts_s=choose.uniform(0.2, 2.0)))
    return faults


async def run(commands: int, seconds: float, seed: int, say: Say) -> Found:
    """Make one run. Leaves nothing behind, but for the files of a run that failed."""
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-commanding-", ignore_cleanup_errors=True) as directory:
        async with open_laboratory(Path(directory), LOAD) as laboratory:
            await laboratory.start(trust_broker=False)
            await _begin(laboratory)
            say(f"running; {commands} commands in {seconds:g} s")
            found = await _run_in(laboratory, commands, seconds, seed, say)
            if not found.ok:
                settings = Settings(seed=seed, seconds=seconds, faults=[])
                say(f"the files of this run are kept in {experiment.keep(laboratory, settings)}")
            return found


async def _begin(laboratory: Laboratory) -> None:
    async with experiment.watching(laboratory.dsn) as watcher, asyncio.timeout(BEGIN_S):
        await watcher.until_beyond(dict.fromkeys(LOAD.rates_hz(), 0))


async def _run_in(laboratory: Laboratory, commands: int, seconds: float, seed: int, say: Say) -> Found:
    faults, began = plan(seed, seconds), time.monotonic()
    async with laboratory.client() as lab:
        callers = Callers(lab, commands, seconds, seed)
        async with asyncio.TaskGroup() as group:
            group.create_task(callers.run(), name="callers")
            group.create_task(_kill(laboratory, faults, say), name="kills")
    took_s = time.monotonic() - began
    await laboratory.halt()
    problems = await experiment.drain(laboratory)
    found = await _settled(laboratory, callers, commands)
    async with laboratory.client() as lab:
        check = await lab.verify_ledger()
    return Found(
        seed=seed,
        took_s=round(took_s, 1),
        killed=dict(Counter(fault.kind for fault in faults)),
        not_sent=callers.not_sent,
        answer_ms=_percentiles(callers.took_s),
        obedience=found,
        ledger_is_whole=check.is_whole,
        problems=[*problems, *laboratory.findings(), *([check.why] if check.why else [])],
    )


async def _kill(laboratory: Laboratory, faults: list[Fault], say: Say) -> None:
    began = time.monotonic()
    for fault in faults:
        await asyncio.sleep(began + fault.at_s - time.monotonic())
        say(f"{fault.at_s:6.1f} s  {fault.name} for {fault.lasts_s:.1f} s")
        await breaking.happen(laboratory, fault)


async def _settled(laboratory: Laboratory, callers: Callers, commands: int) -> Obedience:
    """The judgement, once nothing is wrong any more or has stayed wrong for long: the ledger is written behind."""
    until = time.monotonic() + SETTLE_S
    while True:
        found = await _judge(laboratory, callers, commands)
        if not found.findings or time.monotonic() > until:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


async def _judge(laboratory: Laboratory, callers: Callers, commands: int) -> Obedience:
    await laboratory.counts()  # brings the end of the truth into its log
    with (laboratory.directory / instruments.LOG).open() as log:
        executed: Counter[int] = sum((one.executed for one in truth.read(log).values()), Counter())
    return obedience.judge(executed, callers.answers, await entries(laboratory.dsn), commands)


async def entries(dsn: str) -> list[Entry]:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        return [Entry(*row) for row in await connection.fetch(_ENTRIES)]
    finally:
        await connection.close(timeout=10)


def _percentiles(took_s: list[float]) -> dict[str, float]:
    ordered = sorted(took_s)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "longest": 1.0}
    return {
        name: round(1000 * ordered[int(share * (len(ordered) - 1))], 1) for name, share in shares.items() if ordered
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.commanding")
    parser.add_argument("--commands", type=int, default=10_000, metavar="N")
    parser.add_argument("--for", dest="seconds", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed, the same kills (1)")
    arguments = parser.parse_args()
    if arguments.commands < 1 or not 10 <= arguments.seconds <= 24 * 3600:
        parser.error("expected at least 1 command, and 10 seconds to a day")
    try:
        found = asyncio.run(_until_told(arguments))
    except (ChildFailed, MosquittoMissing, PostgresMissing, FieldError, TimeoutError, OSError) as error:
        sys.exit(f"the harness cannot run: {error or type(error).__name__}")
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.exit("stopped; nothing was judged")
    print(json.dumps(found.to_json(), indent=2), flush=True)
    sys.exit(0 if found.ok else 1)


async def _until_told(arguments: argparse.Namespace) -> Found:
    """Run; SIGTERM and Ctrl-C end it with everything taken away."""
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    return await run(arguments.commands, arguments.seconds, arguments.seed, _say)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
