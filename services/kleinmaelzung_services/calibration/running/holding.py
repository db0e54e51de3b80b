"""The instruments of runs that are measured, held: who is to be held in; leases taken, renewed and let go, out.

A lease lasts LEASE_S and is renewed long before. Nothing is sent when this service ends, so that the next one goes on
with the same lease. Held by somebody else an instrument stays theirs: it is never taken by force.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from kleinmaelzung_services.calibration.running.bench import Bench
from kleinmaelzung_services.calibration.running.commanding import SESSION, Commanding
from kleinmaelzung_wire.messages import Reply

logger = logging.getLogger(__name__)

LEASE_S: Final = 120.0
RENEW_S: Final = 30.0
AGAIN_S: Final = 1.0  # after it was not given
UNUSED_S: Final = 10.0  # one that was taken for what then did not begin
ANSWER_S: Final = 5.0


@dataclass(slots=True)
class _Lease:
    tried_s: float = 0.0  # monotonic
    taken_s: float = 0.0
    is_wanted: bool = False
    refusal: str = ""


class Holding:
    """`keep()` is called again and again with what is to be held now."""

    def __init__(self, bench: Bench, commanding: Commanding) -> None:
        self._bench, self._commanding = bench, commanding
        self._leases: dict[str, _Lease] = {}

    def is_held(self, instrument: str) -> bool:
        """Whether its agent says that it is held by this service."""
        stream = self._bench.streams.get(instrument)
        control = stream.control if stream else None
        return control is not None and (control.user, control.session) == (self._commanding.user, SESSION)

    def why_not(self, instrument: str) -> str:
        """Why an instrument is not held; empty where it is."""
        if self.is_held(instrument):
            return ""
        lease = self._leases.get(instrument)
        return self._by_another(instrument) or (lease.refusal if lease else "") or f"{instrument} is not held yet"

    async def take(self, instrument: str) -> str:
        """Take or extend it now. Why it cannot be; empty where it is held."""
        lease = self._leases.setdefault(instrument, _Lease())
        lease.tried_s = time.monotonic()
        await self._commanding.be_online(True)
        reply = await self._send(instrument, "_take", duration_s=LEASE_S)
        if reply.result == "done":
            lease.taken_s, lease.refusal = time.monotonic(), ""
        else:
            lease.refusal = _why(instrument, reply, self._by_another(instrument))
        return lease.refusal

    async def keep(self, wanted: Iterable[str]) -> None:
        """Renew what is due, take what is not held, let go of what is wanted no more."""
        names = set(wanted)
        for name in names:
            self._leases.setdefault(name, _Lease()).is_wanted = True
        for name, lease in list(self._leases.items()):
            if name in names:
                if self._is_due(name):
                    await self.take(name)
            elif lease.is_wanted or time.monotonic() - lease.tried_s > UNUSED_S:
                await self.release(name)
        await self._commanding.be_online(bool(self._leases))

    async def release(self, instrument: str) -> None:
        """Let go of it; where that does not arrive its time ends it."""
        if self._leases.pop(instrument, None) and self.is_held(instrument):
            reply = await self._send(instrument, "_release")
            if reply.result != "done":
                logger.info("%s is not let go: %s", instrument, reply.reason)

    def _is_due(self, instrument: str) -> bool:
        lease, now_s = self._leases[instrument], time.monotonic()
        status = self._bench.status(instrument)
        if status is None or not status.online or now_s - lease.tried_s < AGAIN_S:
            return False
        return not self.is_held(instrument) or now_s - lease.taken_s >= RENEW_S

    def _by_another(self, instrument: str) -> str:
        stream = self._bench.streams.get(instrument)
        control = stream.control if stream else None
        if control is None or not control.user or self.is_held(instrument):
            return ""
        until = f"{datetime.fromtimestamp(control.until / 1e6, UTC):%H:%M:%S} UTC"
        rule = "nobody else may command it in a calibration"
        return f"{instrument} is held by {control.user} until {until}: {rule}; ask them to let go of it"

    async def _send(self, instrument: str, name: str, **arguments: float) -> Reply:
        status = self._bench.status(instrument)
        return await self._commanding.send(instrument, name, arguments, status=status, timeout_s=ANSWER_S)


def _why(instrument: str, reply: Reply, by_another: str) -> str:
    if reply.result == "offline":
        return f"{instrument}: its agent is not connected; check its network and power"
    return by_another or f"{instrument} cannot be held: {reply.reason}"
