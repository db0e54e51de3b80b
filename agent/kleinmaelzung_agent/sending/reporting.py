"""The agent's status: what everybody is told of it as a whole, when it is new and at each connection.

counts, spool, clock, gateway, orders --> AgentStatus --> outbox, retained
"""

import asyncio
import functools
import importlib.metadata
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final, Never

from kleinmaelzung_agent.clock import Timeline
from kleinmaelzung_agent.configuration.config import AgentConfig
from kleinmaelzung_agent.recording.numbering import Numbering
from kleinmaelzung_agent.sending.outbox import Outbox
from kleinmaelzung_agent.spool import disk
from kleinmaelzung_agent.spool.spool import Spool
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.messages import AgentStatus

STATUS_EVERY_S: Final = 10.0


class Reporting:
    """Of one run. `nonce` and `orders` are asked each time."""

    def __init__(
        self,
        config: AgentConfig,
        *,
        epoch: int,
        since_us: int,
        timeline: Timeline,
        numbering: Numbering,
        spool: Spool,
        outbox: Outbox,
        nonce: Callable[[], str],
        orders: Callable[[], dict[str, Any]],
    ) -> None:
        self._config, self._epoch, self._since_us = config, epoch, since_us
        self._timeline, self._numbering, self._spool, self._outbox = timeline, numbering, spool, outbox
        self._nonce, self._orders = nonce, orders
        self._gateway = ""
        self._ahead_us: int | None = None  # of the gateway's clock, when the agent was connected to it
        self._asked = 0
        self._status: AgentStatus | None = None

    async def run(self) -> Never:
        while True:
            self.tell()
            await asyncio.sleep(STATUS_EVERY_S)

    def welcome(self, gateway: str, ahead_us: int | None) -> None:
        self._gateway, self._ahead_us = gateway, ahead_us
        self.tell(is_due=True)

    def ask_what_is_stored(self) -> None:
        self._asked += 1
        self.tell(is_due=True)

    def tell(self, *, is_due: bool = False, online: bool = True) -> None:
        """Publish it where it is new, or due."""
        judged = self._timeline.clock
        status = AgentStatus(
            online=online,
            nonce=self._nonce() if online else "",
            since=self._since_us,
            version=_version(),
            gateway=self._gateway,
            epoch=self._epoch,
            clock={"synchronised": judged.synchronised},
            taken=self._numbering.taken,
            samples=self._numbering.samples,
            unlogged=self._spool.unlogged,
            reason=self._spool.trouble[: messages.MAX_SENTENCE] if online else "stopped",
            orders=self._orders(),
        )
        if is_due or status != self._status:
            self._status = status
            # The clock's error grows all the time, and others use the disk too, which alone is no news.
            told = replace(status, clock=asdict(judged) | {"ahead_us": self._ahead_us}, spool=self._of_spool())
            self._outbox.retain("status", told.encode())

    def _of_spool(self) -> dict[str, Any]:
        previous = self._spool.previous.epoch if self._spool.previous else 0
        keeps = {"keep_s": int(self._config.spool.keep_s), "asked": self._asked, "previous": previous}
        return {**self._spool.figures(), "free": disk.free_bytes(self._config.data), **keeps}


@functools.cache
def _version() -> str:
    return importlib.metadata.version("kleinmaelzung")
