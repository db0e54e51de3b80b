"""Which fault happens when: a seed and a duration in, a list of Faults out. Pure: the same seed, the same schedule.

Two lanes of faults run beside each other, so that faults overlap, but never on the same target. Each kind comes once
before any comes twice; the last fifth of the time is left to recover in.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["agent", "gateway", "broker", "logger", "database", "network"]

FAULTY_SHARE: Final = 0.8
LANES: Final = 2
PAUSE_S: Final = (0.5, 3.0)
WAIT_S: Final = 0.5  # where every possible target is busy, or the fault too long for what is left
CUT: Final = "cut network"
# Longer than the 20 s after which both ends of a silent WebSocket give it up; only where the run has room for it.
LONG_CUT_S: Final = 24.0
LONG_RUN_S: Final = 110.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What can go wrong with whom, and how long it lasts. For `rest_s` afterwards nothing else befalls the target."""

    name: str
    role: Role
    shortest_s: float
    longest_s: float
    rest_s: float = 0.5
    needs_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: it begins `at_s` after the start and lasts `lasts_s`."""

    kind: str
    target: str
    at_s: float
    lasts_s: float

    @property
    def name(self) -> str:
        return self.kind if self.kind.endswith(self.target) else f"{self.kind} {self.target}"


_PARTS: Final[tuple[Role, ...]] = ("agent", "gateway", "broker", "logger", "database")

KINDS: Final[tuple[Kind, ...]] = (
    *(Kind(f"kill {role}", role, 0.2, 2.0) for role in _PARTS),  # kill -9, started again after that time
    *(Kind(f"freeze {role}", role, 1.0, 6.0) for role in _PARTS),  # SIGSTOP, SIGCONT
    *(Kind(f"stop {role}", role, 1.0, 4.0) for role in _PARTS),  # ended in order, started again
    Kind("forget broker", "broker", 0.2, 1.0),  # killed, and its persistence file is gone
    Kind(CUT, "network", 1.0, 6.0, needs_root=True),  # every packet vanishes
    Kind("reset network", "network", 1.0, 6.0, needs_root=True),  # every packet is answered by a TCP reset
    # While the disk is full the agent keeps frames in memory only, and looks again every 5 s: a kill would lose them.
    Kind("fill disk", "agent", 6.0, 12.0, rest_s=8.0, needs_root=True),
    Kind("clock forward", "agent", 2.0, 5.0),  # an hour, and back
    Kind("clock back", "agent", 2.0, 5.0),
)


def plan(seed: int, duration_s: float, agents: Sequence[str], kinds: Sequence[Kind] = KINDS) -> list[Fault]:
    """The faults of a run, by time. As many kinds as fit: `kinds_missing` tells which did not."""
    chance = random.Random(seed)
    until_s = duration_s * FAULTY_SHARE
    rounds = _rounds(chance, kinds)
    waiting: list[Kind] = []
    lanes = [chance.uniform(*PAUSE_S) for _ in range(LANES)]
    free_at_s: dict[str, float] = {}
    faults: list[Fault] = []
    while (at_s := min(lanes)) < until_s:
        lane = lanes.index(at_s)
        waiting = waiting or next(rounds)
        kind, target = _first_that_can(waiting, at_s, agents, free_at_s, chance)
        if kind is None:
            lanes[lane] += WAIT_S
            continue
        waiting.remove(kind)
        is_long = kind.name == CUT and duration_s >= LONG_RUN_S and all(fault.kind != CUT for fault in faults)
        lasts_s = LONG_CUT_S if is_long else round(chance.uniform(kind.shortest_s, kind.longest_s), 2)
        if at_s + lasts_s <= until_s:
            faults.append(Fault(kind=kind.name, target=target, at_s=round(at_s, 2), lasts_s=lasts_s))
            free_at_s[target] = at_s + lasts_s + kind.rest_s
            lanes[lane] = at_s + lasts_s + chance.uniform(*PAUSE_S)
        else:
            lanes[lane] += WAIT_S
    return faults


def kinds_missing(happened: Sequence[str]) -> list[str]:
    """The kinds that did not come, in their usual order."""
    return [kind.name for kind in KINDS if kind.name not in happened]


def _rounds(chance: random.Random, kinds: Sequence[Kind]) -> Iterator[list[Kind]]:
    while True:
        yield chance.sample(kinds, len(kinds))


def _first_that_can(
    waiting: Sequence[Kind], at_s: float, agents: Sequence[str], free_at_s: dict[str, float], chance: random.Random
) -> tuple[Kind | None, str]:
    for kind in waiting:
        targets = [name for name in _targets(kind, agents) if free_at_s.get(name, 0.0) <= at_s]
        if targets:
            return kind, chance.choice(targets)
    return None, ""


def _targets(kind: Kind, agents: Sequence[str]) -> Sequence[str]:
    return agents if kind.role == "agent" else [kind.role]
