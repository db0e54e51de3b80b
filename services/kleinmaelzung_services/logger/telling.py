"""When which agent is told what the database has of it: agents' status in, those to tell out. Pure.

An agent that can compare says so in its status (`keep_s` in `spool`). It is told when it comes (a new nonce), when it
asks, when the database was connected anew, and every EVERY_S.
"""

import logging
from dataclasses import dataclass
from typing import Final, Self

from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import MAX_EPOCH
from kleinmaelzung_wire.messages import AgentStatus

logger = logging.getLogger(__name__)

EVERY_S: Final = 600.0
AT_ONCE: Final = 10  # agents told between two batches
MARGIN_S: Final = 86_400.0  # beyond what an agent keeps: when something came is not when it was taken
MAX_KEEP_S: Final = 400 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """An agent that is there."""

    agent: str
    nonce: str
    asked: int
    epochs: tuple[int, int]  # this run and the one before
    keep_s: float

    @classmethod
    def of_status(cls, agent: str, status: AgentStatus) -> Self | None:
        """None where it is not there, or of an earlier version."""
        keep_s, asked = status.spool.get("keep_s"), status.spool.get("asked")
        if not status.online or type(keep_s) is not int or type(asked) is not int:
            return None
        keep_s = min(max(0, keep_s), MAX_KEEP_S)
        previous = status.spool.get("previous")
        epochs = status.epoch, previous if type(previous) is int and 0 < previous <= MAX_EPOCH else 0
        return cls(agent=agent, nonce=status.nonce, asked=asked, epochs=epochs, keep_s=keep_s)

    @property
    def reaches_s(self) -> float:
        """How far back runs may have been heard of last that it is to be told of."""
        return 2 * self.keep_s + MARGIN_S if self.keep_s else 0.0


class Telling:
    """Who is there, and who was told when."""

    def __init__(self) -> None:
        self._present: dict[str, Present] = {}
        self._told: dict[str, tuple[str, int, float]] = {}  # by agent: nonce, asked, when

    def see(self, topic: str, payload: bytes) -> None:
        """Take a message of an agent's status; anything else is ignored."""
        try:
            address = topics.parse(topic)
            present = Present.of_status(address.agent, AgentStatus.decode(payload)) if payload else None
        except WireError:  # it goes to quarantine, or to nobody
            return
        if address.kind != "status":
            return
        if present is None:
            self._present.pop(address.agent, None)
        else:
            self._present[address.agent] = present

    def begin(self) -> None:
        """The database was connected anew: whether it is the same is not known."""
        self._told.clear()

    def due(self, now_s: float) -> list[Present]:
        """Who is to be told now; counted as told."""
        found = [one for one in self._present.values() if self._is_due(one, now_s)][:AT_ONCE]
        self._told |= {one.agent: (one.nonce, one.asked, now_s) for one in found}
        return found

    def _is_due(self, present: Present, now_s: float) -> bool:
        nonce, asked, told_s = self._told.get(present.agent, ("", -1, 0.0))
        return (nonce, asked) != (present.nonce, present.asked) or now_s - told_s >= EVERY_S
