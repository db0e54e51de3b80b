"""Agents that knock and are not let in, or push each other out: what only a gateway sees, for who looks for faults.

refused(agent), taken_over(agent), came(agent) --> told(): {agent: {"reason", "time"}}
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

WRONG_SECRET: Final = "wrong secret"  # noqa: S105 (a reason)
TAKEN_OVER: Final = "connected again elsewhere"
LONGEST: Final = 32  # names come from strangers: with more the oldest gives way
LASTS_S: Final = 3600.0
# Once is an agent that comes back before its dead connection was noticed. Two with one name do it every 3 s.
FIGHT_COUNT: Final = 3
FIGHT_PAUSE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class _Knock:
    reason: str
    time_s: float
    count: int = 1

    @property
    def is_told(self) -> bool:
        return self.reason == WRONG_SECRET or self.count >= FIGHT_COUNT


class Knocks:
    """`changed` is set when there is something new to tell."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._known: dict[str, _Knock] = {}  # by agent, the oldest first

    def refused(self, agent: str) -> None:
        self._note(agent, _Knock(WRONG_SECRET, time.time()))

    def taken_over(self, agent: str) -> None:
        before, now_s = self._known.get(agent), time.time()
        goes_on = before and before.reason == TAKEN_OVER and now_s - before.time_s < FIGHT_PAUSE_S
        self._note(agent, _Knock(TAKEN_OVER, now_s, before.count + 1 if before and goes_on else 1))

    def came(self, agent: str) -> None:
        """It was let in, so its secret is right; that it pushed another one out is no end of that."""
        known = self._known.get(agent)
        if known and known.reason == WRONG_SECRET:
            del self._known[agent]
            self.changed.set()

    def told(self) -> dict[str, dict[str, Any]]:
        """What was noted within the last hour; times in µs since 1970 UTC."""
        earliest_s = time.time() - LASTS_S
        return {
            agent: {"reason": knock.reason, "time": round(knock.time_s * 1e6)}
            for agent, knock in self._known.items()
            if knock.is_told and knock.time_s >= earliest_s
        }

    def _note(self, agent: str, knock: _Knock) -> None:
        self._known.pop(agent, None)
        self._known[agent] = knock
        while len(self._known) > LONGEST:
            del self._known[next(iter(self._known))]
        if knock.is_told:
            self.changed.set()
