"""One run on a site: kill parts while values flow and commands are given, then compare everything with the truth."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import kleinmaelzung
from tests.cluster.site import Site, Size, open_site
from tests.faults import commanding, experiment, instruments, judgement, ledger, obedience, truth
from tests.faults.judgement import Finding
from tests.faults.ledger import Claims
from tests.faults.obedience import Obedience

BEGIN_S: Final = 60.0
RECOVER_S: Final = 90.0
DRAIN_S: Final = 90.0
SETTLE_S: Final = 30.0
LOOK_EVERY_S: Final = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill -9. `logged_again_s`: until later values of every instrument were in the database."""

    part: str
    at_s: float
    logged_again_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One run. `longest_pause_s`: of any instrument, for somebody who watched all of them by the balancer."""

    kind: str
    took_s: float
    taken: int
    logged: int
    missing: int
    duplicated: int
    invented: int
    disordered: int
    repeated_frames: int
    unexplained_holes: int
    quarantined: dict[str, int]
    kills: list[Kill]
    longest_pause_s: float
    not_sent: int
    commands: Obedience
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        wrong = (self.missing, self.duplicated, self.invented, self.disordered, self.repeated_frames)
        return not (any(wrong) or self.unexplained_holes or self.quarantined or self.commands.findings or self.problems)

    def to_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


async def run(size: Size, parts: Sequence[str], *, commands: int, down_s: float, every_s: float, say: Say) -> Found:
    """Kill these parts, one after the other. Leaves nothing behind, but for the files of a run that failed."""
    with tempfile.TemporaryDirectory(prefix="kmz-site-", ignore_cleanup_errors=True) as name:
        say("starting ...")
        async with open_site(Path(name), size) as site:
            try:
                found = await _run_in(site, parts, commands, down_s, every_s, say)
            except BaseException:
                say(f"the files of this run are kept in {_keep(site)}")
                raise
            if not found.ok:
                say(f"the files of this run are kept in {_keep(site)}")
            return found


async def _run_in(site: Site, parts: Sequence[str], commands: int, down_s: float, every_s: float, say: Say) -> Found:
    kills: list[Kill] = []
    seconds = (down_s + every_s) * len(parts)
    async with experiment.watching(site.dsn) as watcher, site.client() as lab:
        async with asyncio.timeout(BEGIN_S):
            await watcher.until_beyond(dict.fromkeys(site.size.load.rates_hz(), 0))
        say("all instruments are logged")
        began = time.monotonic()
        async with pausing(site) as pauses, asyncio.TaskGroup() as group:
            callers = commanding.Callers(lab, commands, seconds, seed=1)
            group.create_task(callers.run(), name="callers")
            for part in parts:
                await asyncio.sleep(every_s)
                at_s = time.monotonic() - began
                await site.parts[part].kill()
                killed_ns = time.monotonic_ns()
                counts = await site.counts()
                async with asyncio.timeout(RECOVER_S):
                    again_s = (await watcher.until_beyond(counts) - killed_ns) / 1e9
                say(f"{at_s:6.1f} s  killed {part}, values are logged again after {again_s:.2f} s")
                kills.append(Kill(part=part, at_s=round(at_s, 1), logged_again_s=round(again_s, 2)))
                await asyncio.sleep(max(0.0, down_s - again_s))
                await site.parts[part].start()
    await site.halt()
    problems = await _drain(site)
    commanded = await _settled(site, callers, commands)
    findings, claims = await _compare(site)
    return _found(site, time.monotonic() - began, findings, claims, commanded, callers, kills, pauses, problems)


def _found(
    site: Site,
    took_s: float,
    findings: Sequence[Finding],
    claims: Claims,
    commanded: Obedience,
    callers: commanding.Callers,
    kills: list[Kill],
    pauses: dict[str, float],
    problems: list[str],
) -> Found:
    total = {
        name: sum(getattr(finding, name) for finding in findings)
        for name in ("taken", "logged", "missing", "duplicated", "invented", "disordered")
    }
    examples = [example for finding in findings for example in finding.examples]
    idle = [finding.instrument for finding in findings if not finding.taken]
    return Found(
        kind=site.size.kind,
        took_s=round(took_s, 1),
        **total,
        repeated_frames=claims.repeated_frames,
        unexplained_holes=claims.unexplained_holes,
        quarantined=dict(claims.quarantined),
        kills=kills,
        longest_pause_s=round(max(pauses.values(), default=0.0), 2),
        not_sent=callers.not_sent,
        commands=commanded,
        problems=[*problems, *site.findings(), *examples, *(f"nothing was taken from {name}" for name in idle)],
    )


@asynccontextmanager
async def pausing(site: Site) -> AsyncIterator[dict[str, float]]:
    """Watch everything live; gives the longest pause of each instrument's frames."""
    longest: dict[str, float] = {}
    seen: dict[str, float] = {}

    async def watch() -> None:
        while True:
            with contextlib.suppress(kleinmaelzung.Error):
                async with site.client() as lab:
                    async for frame in lab.watch("+/+"):
                        now = time.monotonic()
                        since = now - seen.get(frame.instrument, now)
                        longest[frame.instrument] = max(longest.get(frame.instrument, 0.0), since)
                        seen[frame.instrument] = now
            await asyncio.sleep(0.1)

    task = asyncio.create_task(watch(), name="watching")
    try:
        yield longest
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _drain(site: Site) -> list[str]:
    """Wait until every agent says that it holds nothing; a problem where one still does, or says nothing."""
    wanted = dict.fromkeys(site.agents, 0)
    unlogged: dict[str, int] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while unlogged != wanted:
                with contextlib.suppress(kleinmaelzung.Error):
                    unlogged = await site.unlogged()
                await asyncio.sleep(LOOK_EVERY_S)
    return [] if unlogged == wanted else [f"not all is logged after {DRAIN_S:g} s: agents hold {unlogged}"]


async def _compare(site: Site) -> tuple[list[Finding], Claims]:
    truths, endings = await _truths(site), site.endings()
    async with ledger.open_ledger(site.dsn) as opened:
        names = sorted(site.size.load.rates_hz())
        return [
            judgement.judge(name, truths.get(name, truth.Truth()), await opened.rows(name), endings) for name in names
        ], await opened.claims()


async def _truths(site: Site) -> dict[str, truth.Truth]:
    await site.counts()  # brings the end of the truth into its log
    with (site.directory / instruments.LOG).open() as log:
        return truth.read(log)


async def _settled(site: Site, callers: commanding.Callers, commands: int) -> Obedience:
    """The judgement, once nothing is wrong any more or has stayed wrong for long: the ledger is written behind."""
    until = time.monotonic() + SETTLE_S
    while True:
        executed: Counter[int] = sum((one.executed for one in (await _truths(site)).values()), Counter())
        found = obedience.judge(executed, callers.answers, await commanding.entries(site.dsn), commands)
        if not found.findings or time.monotonic() > until:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


def _keep(site: Site) -> Path:
    keep = Path(tempfile.mkdtemp(prefix="kleinmaelzung-site-"))
    shutil.copytree(site.log, keep / "log", dirs_exist_ok=True)
    for name in site.agents:
        shutil.copytree(site.directory / name, keep / name, dirs_exist_ok=True)
    if (site.directory / instruments.LOG).exists():
        shutil.copy(site.directory / instruments.LOG, keep)
    return keep
