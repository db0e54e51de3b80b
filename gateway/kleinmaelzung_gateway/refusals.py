"""Records of commands that no agent saw, kept until a logger says that they are committed.

In: what the clients' sockets answered themselves. Out: records at QoS 1 to `_service/gateway/refused`, in order, and
again while none of `_service/gateway/logged` names them. In memory only: a gateway that is killed takes them with it.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from kleinmaelzung_bus.session import Session
from kleinmaelzung_gateway.metrics import Metrics
from kleinmaelzung_wire import ledger, topics
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 1000  # beyond it the oldest is given up, and counted
MAX_BYTES: Final = 8 * 1024 * 1024
RETRY_S: Final = 1.0  # while nobody logs, or has not yet said that it has
MAX_UNDER_WAY: Final = 100  # sent and not confirmed: as many go again to a logger whose database is away
AGAIN: Final = Waits(first_s=5.0, longest_s=60.0)  # a commit takes 0.1 s or so
SAY_AGAIN_S: Final = 60.0


class Refusals:
    """A bounded queue, oldest first."""

    def __init__(self, metrics: Metrics) -> None:
        self.none_left = asyncio.Event()
        self.none_left.set()
        self._metrics = metrics
        self._waiting: dict[bytes, bytes] = {}  # by their digests
        self._bytes = 0
        self._under_way: set[bytes] = set()
        self._again_s = 0.0  # when they go again, monotonic
        self._rounds = 0  # without any that was confirmed
        self._said_s = float("-inf")

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, instrument: str, record: Mapping[str, Any]) -> None:
        payload = ledger.encode_refused(instrument, record)
        digest = ledger.digest(payload)
        if digest in self._waiting:
            return
        self._waiting[digest] = payload
        self._bytes += len(payload)
        self._metrics.refused_commands += 1
        self.none_left.clear()
        while len(self._waiting) > MAX_WAITING or self._bytes > MAX_BYTES:
            self._forget(next(iter(self._waiting)))
            self._metrics.unrecorded += 1
            self._say_given_up()

    def logged(self, payload: bytes) -> bool:
        """Forget what a logger has committed; whether any of it is ours. Raises WireError."""
        ours = [digest for digest in ledger.decode_logged(payload) if digest in self._waiting]
        for digest in ours:
            self._forget(digest)
        if ours:
            self._rounds = 0
        if not self._waiting:
            self.none_left.set()
        return bool(ours)

    def connected(self) -> None:
        """There is a new session: what was sent by the earlier one may not have come."""
        self._under_way.clear()
        self._rounds = 0

    async def send(self, session: Session) -> None:
        """Send what waits, as long as somebody takes it. Raises BusError."""
        if self._under_way and time.monotonic() >= self._again_s:
            self._under_way.clear()
        for digest in self._next():
            if digest not in self._waiting:  # confirmed by another logger, or given up meanwhile
                continue
            if not await session.publish(topics.refused("gateway"), self._waiting[digest]):
                return
            if not self._under_way:
                self._rounds += 1
                self._again_s = time.monotonic() + AGAIN.after(self._rounds)
            if digest in self._waiting:
                self._under_way.add(digest)

    def _next(self) -> list[bytes]:
        room = MAX_UNDER_WAY - len(self._under_way)
        return list(itertools.islice((one for one in self._waiting if one not in self._under_way), max(room, 0)))

    def _forget(self, digest: bytes) -> None:
        self._bytes -= len(self._waiting.pop(digest))
        self._under_way.discard(digest)

    def _say_given_up(self) -> None:
        if time.monotonic() - self._said_s >= SAY_AGAIN_S:
            self._said_s = time.monotonic()
            logger.warning(
                "%d records of refused commands are not in the ledger: more than %d wait for a logger",
                self._metrics.unrecorded,
                min(len(self._waiting), MAX_WAITING),
            )
