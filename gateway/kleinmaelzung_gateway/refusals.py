"""Records of commands that no agent saw, kept until somebody who logs them takes them.

In: what the clients' sockets answered themselves. Out: records at QoS 1 to `_service/gateway/refused`, in order.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from kleinmaelzung_bus.session import Session
from kleinmaelzung_gateway.metrics import Metrics
from kleinmaelzung_wire import ledger, topics

MAX_WAITING: Final = 1000  # beyond it the oldest is given up, and counted
MAX_BYTES: Final = 8 * 1024 * 1024
RETRY_S: Final = 5.0  # while nobody logs


class Refusals:
    """A bounded queue, oldest first."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waiting: deque[bytes] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, instrument: str, record: Mapping[str, Any]) -> None:
        payload = ledger.encode_refused(instrument, record)
        self._waiting.append(payload)
        self._bytes += len(payload)
        self._metrics.refused_commands += 1
        while len(self._waiting) > MAX_WAITING or self._bytes > MAX_BYTES:
            self._bytes -= len(self._waiting.popleft())
            self._metrics.unrecorded += 1

    async def send(self, session: Session) -> None:
        """Send what waits, as long as somebody takes it. Raises BusError."""
        while self._waiting:
            payload = self._waiting[0]
            if not await session.publish(topics.refused("gateway"), payload):
                return
            if self._waiting and self._waiting[0] is payload:  # not given up meanwhile
                self._waiting.popleft()
                self._bytes -= len(payload)
