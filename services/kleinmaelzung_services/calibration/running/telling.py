"""What everybody sees of open runs: runs.Live in, retained messages out; one of a run that is over is taken away.

Told where something changed, and again on each new session. A service that was killed may have left one behind: what is
retained is looked through once on each session.
"""

import logging
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.runs import Live

logger = logging.getLogger(__name__)

LEAST_S: Final = 0.2  # between two, unless something happened
_ANY: Final = f"{topics.ROOT}/{topics.ANY}/{topics.ANY}/run"


class Telling:
    """`tell()` is called as often as one likes."""

    def __init__(self) -> None:
        self._session: bus.Session | None = None
        self._told: dict[str, tuple[Live, float]] = {}  # by instrument
        self._there = set[str]()  # instruments of which something is retained

    async def serve(self, session: bus.Session) -> None:
        """Use a new session. Raises BusError."""
        self._told.clear()
        try:
            await session.subscribe(_ANY)
            await session.unsubscribe(_ANY)
        except bus.NotPermitted as error:
            logger.warning(
                "what runs left behind is not seen: %s; its account has the rights of an earlier version", error
            )
        self._session = session

    def take(self, message: bus.Message) -> bool:
        """Whether a message tells of a run."""
        try:
            address = topics.parse(message.topic)
        except WireError:
            return False
        if address.kind != "run":
            return False
        if message.retained and message.payload:
            self._there.add(address.full_name)
        return True

    def tell(self, live: Live, instrument: str) -> None:
        """Tell it if it says something new, and not too often."""
        before, at_s = self._told.get(instrument, (None, 0.0))
        now_s = time.monotonic()
        if before is not None:
            if replace(live, time=0) == replace(before, time=0):
                return
            if (live.head, live.state) == (before.head, before.state) and now_s - at_s < LEAST_S:
                return
        if self._publish(instrument, live.encode()):
            self._told[instrument] = live, now_s
            self._there.add(instrument)

    def clear(self, still: Collection[str]) -> None:
        """Take away what is told of instruments without an open run."""
        for name in self._there - set(still):
            if self._publish(name, b""):
                self._there.discard(name)
                self._told.pop(name, None)

    def _publish(self, instrument: str, payload: bytes) -> bool:
        if self._session is None:
            return False
        topic = topics.instrument(*topics.split_full_name(instrument), "run")
        try:
            return self._session.publish_soon(topic, payload, retained=True)
        except bus.BusError as error:
            logger.debug("not told: %s", error)
            return False
