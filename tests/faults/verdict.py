"""The outcome of a run: findings and faults in, a Verdict out, as JSON for programs and as a table for people. Pure."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults import schedule
from tests.faults.breaking import Happened
from tests.faults.judgement import AT_RISK_MS, SHOWN, UNREAD_MS, Finding
from tests.faults.ledger import Claims

WRONG: Final = ("missing", "duplicated", "invented", "disordered")
FIGURES: Final = ("taken", "logged", *WRONG, "lost_in_window", "unread_at_stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReport:
    """One fault. `recovery_s`: from its end until later values of every instrument were in the database.

    `meanwhile` names the faults that went on during that time, which then belongs to them as well.
    """

    kind: str
    target: str
    at_s: float
    lasted_s: float
    recovery_s: float | None
    meanwhile: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run found. `ok` is whether nothing was wrong and every kind of fault occurred (or may be missing)."""

    ok: bool
    seed: int
    seconds: float
    trust_broker: bool
    agents: int
    instruments: int
    taken: int
    logged: int
    missing: int
    duplicated: int
    invented: int
    disordered: int
    lost_in_window: int
    longest_window_ms: float
    unread_at_stop: int
    repeated_frames: int
    unexplained_holes: int
    untold_losses: int
    quarantined: dict[str, int]
    gaps: dict[str, int]
    faults: list[FaultReport]
    kinds_missing: list[str]
    problems: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def give(
    findings: Sequence[Finding],
    claims: Claims,
    happened: Sequence[Happened],
    *,
    seed: int,
    started_ns: int,
    ended_ns: int,
    trust_broker: bool,
    problems: Sequence[str],
    may_miss_kinds: bool,
) -> Verdict:
    """Sum up. Every figure that must be 0 and is not becomes a problem, in words."""
    faults = [report(one, happened, started_ns) for one in happened]
    kinds_missing = schedule.kinds_missing([one.kind for one in faults])
    figures = {name: sum(getattr(finding, name) for finding in findings) for name in FIGURES}
    must_be_0 = {name: figures[name] for name in WRONG} | {
        "frames stored twice": claims.repeated_frames,
        "numbers missing without a reason": claims.unexplained_holes,
        "losses at a kill that no gap tells": untold_losses(findings, claims),
        "quarantined": sum(claims.quarantined.values()),
        "faults without a recovery": sum(one.recovery_s is None for one in faults),
        "kinds of fault that did not occur": 0 if may_miss_kinds else len(kinds_missing),
    }
    found = [f"{count} {what}" for what, count in must_be_0.items() if count]
    idle = [finding.instrument for finding in findings if not finding.taken]
    found += [f"nothing was taken from {', '.join(idle)}"] if idle or not findings else []
    return Verdict(
        ok=not found and not problems,
        seed=seed,
        seconds=round((ended_ns - started_ns) / 1e9, 1),
        trust_broker=trust_broker,
        agents=len({finding.instrument.partition("/")[0] for finding in findings}),
        instruments=len(findings),
        **figures,
        longest_window_ms=max((finding.longest_window_ms for finding in findings), default=0.0),
        repeated_frames=claims.repeated_frames,
        unexplained_holes=claims.unexplained_holes,
        untold_losses=untold_losses(findings, claims),
        quarantined=dict(claims.quarantined),
        gaps=dict(claims.gaps),
        faults=faults,
        kinds_missing=kinds_missing,
        problems=[*found, *problems],
        examples=[example for finding in findings for example in finding.examples][:SHOWN],
    )


def untold_losses(findings: Sequence[Finding], claims: Claims) -> int:
    """Kills at which an instrument lost what was in memory, and after which no gap says so."""
    return sum(max(0, len(one.kills_with_loss) - claims.deaths[one.instrument]) for one in findings)


def report(one: Happened, happened: Sequence[Happened], started_ns: int) -> FaultReport:
    """One fault as figures."""
    until_ns = one.recovered_ns
    recovery_s = None if until_ns is None else round((until_ns - one.ended_ns) / 1e9, 2)
    return FaultReport(
        kind=one.fault.kind,
        target=one.fault.target,
        at_s=round((one.begun_ns - started_ns) / 1e9, 2),
        lasted_s=round((one.ended_ns - one.begun_ns) / 1e9, 2),
        recovery_s=recovery_s,
        meanwhile=[
            other.fault.kind
            for other in happened
            if other is not one and (until_ns is None or other.begun_ns < until_ns) and other.ended_ns > one.ended_ns
        ],
    )


def to_text(verdict: Verdict) -> str:
    """The same for people."""
    lines = [f"{'fault':17} {'target':9} {'at':>7} {'lasted':>8} {'recovery':>9}   meanwhile"]
    for fault in verdict.faults:
        recovery = "never" if fault.recovery_s is None else f"{fault.recovery_s:.2f} s"
        meanwhile = ", ".join(fault.meanwhile)
        times = f"{fault.at_s:5.1f} s {fault.lasted_s:6.1f} s {recovery:>9}"
        lines.append(f"{fault.kind:17} {fault.target:9} {times}   {meanwhile}".rstrip())
    figures = {
        "taken": f"by {verdict.instruments} instruments of {verdict.agents} agents in {verdict.seconds:.0f} s",
        "logged": "",
        "missing": "",
        "duplicated": "",
        "invented": "",
        "disordered": "time or count runs backwards",
        "lost_in_window": f"in memory when their agent was killed: up to {verdict.longest_window_ms:.0f} ms before it,"
        f" allowed are {AT_RISK_MS} ms",
        "unread_at_stop": f"in the port when their agent was stopped, at most {UNREAD_MS} ms before it closed the port",
    }
    lines += ["", *(f"{name:15} {getattr(verdict, name):>8}  {note}".rstrip() for name, note in figures.items())]
    lines += [f"gaps recorded   {count:>8}  {reason}" for reason, count in sorted(verdict.gaps.items())]
    lines += [f"did not occur            {', '.join(verdict.kinds_missing)}"] if verdict.kinds_missing else []
    lines += ["", *verdict.examples] if verdict.examples else []
    lines += ["", *(f"PROBLEM: {problem}" for problem in verdict.problems)] if verdict.problems else []
    return "\n".join([*lines, "", f"seed {verdict.seed}: {'ok' if verdict.ok else 'NOT OK'}"])
