"""One order on its way to one agent: announced, sent in pieces, and gone on with after each lost connection.

    Order, signature, content --deliver()--> commands `order` and `piece` of <agent>/agent --> its last answer

The agent says how much it has, so nothing is sent twice but a piece whose answer was lost. Where the last answer was
lost, the agent's status tells what became of the order.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung.agent_link import ANSWER_S, AgentLink, Interrupted
from kleinmaelzung.errors import Error, Refused
from kleinmaelzung.orders import DONE, UNDER_WAY, OrderOutcome, last_of
from kleinmaelzung_wire import orders
from kleinmaelzung_wire.orders import Order

PATIENCE_S: Final = 120.0  # for an agent or a server that went away: as long as a machine needs to start
AGAIN_S: Final = 0.5
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Delivery:
    """What is sent, and how far it has come."""

    link: AgentLink
    order: Order
    signature: bytes
    content: bytes
    progress: Progress
    sent: int = 0
    until: float = 0.0  # by time.monotonic(): when nothing went on for so long, it is given up

    async def run(self) -> dict[str, Any]:
        """The agent's last answer; empty where only its status told that it was carried out. Raises Refused, Error."""
        self.until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await self._attempt()
            except Interrupted as interrupted:
                await self._until_there_again(interrupted)
                if (outcome := await self._outcome()) is not None:
                    return _told(outcome)
            except Refused:
                # One whose carrying out was not answered is refused when it comes again.
                if (outcome := await self._outcome()) is None or not _is_taken(outcome):
                    raise
                return {}

    async def _attempt(self) -> dict[str, Any]:
        announced = {"order": self.order.encode(), "signature": self.signature}
        answer = await self.link.ask(self.order.agent, "order", announced)
        offset = _offset(answer, self.order.size)
        self._note(offset)
        while offset < self.order.size:
            piece = self.content[offset : offset + orders.PIECE]
            question = {"sha256": self.order.sha256, "offset": offset, "content": piece}
            answer = await self.link.ask(self.order.agent, "piece", question)
            offset += len(piece)
            self._note(offset)
        return answer

    def _note(self, offset: int) -> None:
        if offset > self.sent:
            self.sent = offset
            self.until = time.monotonic() + PATIENCE_S
        self.progress(offset, self.order.size)

    async def _until_there_again(self, interrupted: Interrupted) -> None:
        left_s = self.until - time.monotonic()
        try:
            await asyncio.sleep(AGAIN_S)
            await self.link.until(self.order.agent, lambda status: status.online or None, max(0.0, left_s))
        except TimeoutError:
            sent = f"{self.sent} of {self.order.size} bytes were sent"
            again = "the same command goes on there once it is back"
            raise Error(f"agent {self.order.agent}: {interrupted}; {sent}, {again}") from interrupted

    async def _outcome(self) -> OrderOutcome | None:
        """What the agent's status says of this order, where that is its last one."""
        try:
            status = await self.link.until(self.order.agent, lambda status: status, ANSWER_S)
        except TimeoutError:
            return None
        last = last_of(self.order.agent, status)
        return last if last is not None and last.issued == self.order.issued else None


def _offset(answer: dict[str, Any], size: int) -> int:
    offset = answer.get("offset")
    if type(offset) is not int or not 0 <= offset <= size:
        raise Error(f"the agent's answer is not readable (offset {offset!r:.40}): is it of another version?")
    return offset


def _is_taken(outcome: OrderOutcome) -> bool:
    return outcome.result in (DONE, UNDER_WAY)


def _told(outcome: OrderOutcome) -> dict[str, Any]:
    if _is_taken(outcome):
        return {}
    raise Refused(f"agent {outcome.agent} says: {outcome.result}: {outcome.reason}", "refused")
