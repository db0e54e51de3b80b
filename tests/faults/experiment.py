"""One run: start the laboratory, let the faults happen, let it heal, halt, and compare. Settings in, Verdict out."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import kleinmaelzung
from tests.faults import breaking, instruments, judgement, ledger, truth, verdict
from tests.faults.breaking import Happened
from tests.faults.judgement import Finding
from tests.faults.laboratory import Laboratory, Load, Serve, in_processes, open_laboratory
from tests.faults.ledger import Claims
from tests.faults.recovery import Watcher
from tests.faults.schedule import Fault
from tests.faults.verdict import Verdict

BEGIN_S: Final = 60.0
RECOVER_S: Final = 120.0
DRAIN_S: Final = 120.0
LOOK_EVERY_S: Final = 1.0

Say = Callable[[str], None]


class NotWorking(Exception):
    """The system does not run even without a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run. `keep` is where files are kept if it fails; without it, a directory for temporary files."""

    seed: int
    seconds: float
    faults: Sequence[Fault]
    load: Load = field(default_factory=Load)
    trust_broker: bool = False
    may_miss_kinds: bool = False
    keep: Path | None = None


async def run(settings: Settings, say: Say, serve: Serve = in_processes) -> Verdict:
    """Make one run. Leaves nothing behind, but for the files of a run that failed."""
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-faults-", ignore_cleanup_errors=True) as directory:
        async with open_laboratory(Path(directory), settings.load, serve) as laboratory:
            try:
                found = await _run_in(laboratory, settings, say)
            except BaseException:
                say(f"the files of this run are kept in {keep(laboratory, settings)}")
                raise
            if not found.ok and not settings.trust_broker:
                say(f"the files of this run are kept in {keep(laboratory, settings)}")
            return found


async def _run_in(laboratory: Laboratory, settings: Settings, say: Say) -> Verdict:
    say("starting broker, database, logger, gateway, instruments and agents ...")
    await laboratory.start(trust_broker=settings.trust_broker)
    problems: list[str] = []
    async with watching(laboratory.server.find_dsn) as watcher:
        await _begin(laboratory, watcher)
        say(f"{len(watcher.newest)} instruments are logged; {len(settings.faults)} faults to come")
        started_ns = time.monotonic_ns()
        happened = await _break(laboratory, watcher, settings, started_ns, say)
    await laboratory.halt()
    ended_ns = time.monotonic_ns()
    say("the instruments have been halted; waiting until the agents hold nothing")
    problems += await drain(laboratory)
    await laboratory.stop()
    findings, claims = await compare(laboratory)
    return verdict.give(
        findings,
        claims,
        happened,
        seed=settings.seed,
        started_ns=started_ns,
        ended_ns=ended_ns,
        trust_broker=settings.trust_broker,
        problems=[*problems, *laboratory.findings()],
        may_miss_kinds=settings.may_miss_kinds,
    )


async def _begin(laboratory: Laboratory, watcher: Watcher) -> None:
    """Wait until every instrument is logged: what does not work whole need not be broken."""
    zeros = dict.fromkeys(laboratory.load.rates_hz(), 0)
    try:
        async with asyncio.timeout(BEGIN_S):
            await watcher.until_beyond(zeros)
    except TimeoutError:
        silent = sorted(zeros.keys() - watcher.newest.keys())
        why = "; ".join(laboratory.findings()) or "no process ended by itself"
        raise NotWorking(f"after {BEGIN_S:g} s without any fault {', '.join(silent)} are not logged: {why}") from None


@asynccontextmanager
async def watching(dsn: str | Callable[[], str]) -> AsyncIterator[Watcher]:
    """Look at the database as long as the context lasts; a function where its address may change."""
    watcher = Watcher((lambda: dsn) if isinstance(dsn, str) else dsn)
    task = asyncio.create_task(watcher.run(), name="watch the database")
    try:
        yield watcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _break(
    laboratory: Laboratory, watcher: Watcher, settings: Settings, started_ns: int, say: Say
) -> list[Happened]:
    """Let every fault happen at its time, and see how each is recovered from; lasts as long as the run."""
    happened: list[Happened] = []
    targets = {fault.target: asyncio.Lock() for fault in settings.faults}

    async def one(fault: Fault) -> None:
        await asyncio.sleep(fault.at_s - (time.monotonic_ns() - started_ns) / 1e9)
        async with targets[fault.target]:  # a fault that ends late must not meet the next
            say(f"{_since(started_ns)}  {fault.name} for {fault.lasts_s:.1f} s")
            over = await breaking.happen(laboratory, fault)
        happened.append(over)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECOVER_S):
                over.recovered_ns = await watcher.until_beyond(await laboratory.counts())
        took = "NO" if over.recovered_ns is None else f"{(over.recovered_ns - over.ended_ns) / 1e9:.2f} s"
        say(f"{_since(started_ns)}  {fault.name}: over; recovery {took}")

    async with asyncio.TaskGroup() as group:
        for fault in settings.faults:
            group.create_task(one(fault), name=f"{fault.kind} at {fault.at_s}")
        group.create_task(asyncio.sleep(settings.seconds), name="the run")
    return sorted(happened, key=lambda over: over.begun_ns)


async def drain(laboratory: Laboratory) -> list[str]:
    """Wait until every agent says that it holds nothing; a problem where one still does, or says nothing."""
    unlogged: dict[str, int] = {}
    trouble = ""
    wanted = dict.fromkeys(laboratory.agents, 0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while True:
                try:
                    unlogged = await laboratory.unlogged()
                except (kleinmaelzung.Error, TimeoutError) as error:
                    trouble = f" ({error or 'the gateway does not answer'})"
                if unlogged == wanted:
                    return []
                await asyncio.sleep(LOOK_EVERY_S)
    return [f"not all is logged {DRAIN_S:g} s after the last value: agents hold {unlogged}{trouble}"]


async def compare(laboratory: Laboratory) -> tuple[list[Finding], Claims]:
    """What the instruments sent against what the database holds."""
    await laboratory.counts()  # brings the ends of the connections into the log
    with (laboratory.directory / instruments.LOG).open() as log:
        truths = truth.read(log)
    endings = laboratory.endings()
    async with ledger.open_ledger(laboratory.dsn) as opened:
        names = sorted(laboratory.load.rates_hz())
        findings = [
            judgement.judge(name, truths.get(name, truth.Truth()), await opened.rows(name), endings) for name in names
        ]
        return findings, await opened.claims()


def keep(laboratory: Laboratory, settings: Settings) -> Path:
    """Copy what tells what happened: logs, the instruments' truth, configurations, spools."""
    keep = settings.keep or Path(tempfile.mkdtemp(prefix=f"kleinmaelzung-chaos-seed-{settings.seed}-"))
    keep.mkdir(parents=True, exist_ok=True)
    for name in ("log", instruments.LOG, *laboratory.agents):
        source, copy = laboratory.directory / name, keep / name
        if source.is_dir():
            shutil.copytree(source, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ballast"))
        elif source.exists():
            shutil.copy(source, copy)
    return keep


def _since(started_ns: int) -> str:
    return f"{(time.monotonic_ns() - started_ns) / 1e9:6.1f} s"
