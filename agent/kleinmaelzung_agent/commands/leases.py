"""Who holds which instrument: takes, ends and their time, and word of sessions in; retained words and ends out.

    _take, _release --> Leases --publish(instrument, Control)--> everybody
    a session's end, the gateway's absence, time --> Leases --gone(instrument, why)--> the safe command

A lease ends with its holder's connection as far as the broker tells it, else by its own time. It outlives the agent:
the next run goes on with it, and ends it as if it had been away from the gateway meanwhile.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Never

from kleinmaelzung_agent.commands import lease
from kleinmaelzung_agent.commands.guards import UNGUARDED, Guarding
from kleinmaelzung_agent.commands.lease import Lease
from kleinmaelzung_agent.commands.presence import Presence, Session
from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_wire.messages import Control

LOOK_S: Final = 0.2
# At least so long somebody holds an instrument after a restart: until it is known whether that session is still there.
RESUMED_S: Final = 60.0

Publish = Callable[[str, Control], None]
Gone = Callable[[str, str], None]  # an instrument and why nobody holds it any more


class Leases:
    """Of all instruments. `gone` is called where a holder went away, `expired` where only the time was up."""

    def __init__(
        self,
        instruments: Iterable[str],
        guarding: Mapping[str, Guarding],
        *,
        publish: Publish,
        gone: Gone,
        expired: Gone,
        now_us: Callable[[], int],
    ) -> None:
        self._leases = {name: Lease() for name in instruments}
        self._guarding, self._publish, self._now_us = guarding, publish, now_us
        self._gone, self._expired = gone, expired
        self._presence = Presence()
        self._away_since_s: float | None = None

    def open(self, kept: Mapping[str, Control]) -> None:
        """Go on with what an earlier run gave, and say who holds each instrument: that run's word is still there."""
        self._away_since_s = now_s = time.monotonic()
        for name, held in self._leases.items():
            least_s = RESUMED_S + self._guarding.get(name, UNGUARDED).safe_after_s
            held.resume(kept.get(name, lease.FREE), least_s, now_s=now_s, now_us=self._now_us())
            control = held.control(now_s)
            if control.user:
                self._presence.came((control.user, control.session))
            self._publish(name, control)

    def take(self, instrument: str, who: Session, arguments: dict[str, Any]) -> tuple[str, Control]:
        """From whom it was taken over, and what holds now. Raises lease.LeaseError."""
        now_s = time.monotonic()
        before = self._leases[instrument].take(*who, lease.asked(arguments), now_s=now_s, now_us=self._now_us())
        control = self._leases[instrument].control(now_s)
        self._publish(instrument, control)
        return before, control

    def release(self, instrument: str, who: Session, arguments: dict[str, Any]) -> None:
        """Raises lease.LeaseError."""
        any_session = lease.asked_for_any_session(arguments)
        self._leases[instrument].release(*who, now_s=time.monotonic(), any_session=any_session)
        self._publish(instrument, lease.FREE)

    def refusal(self, instrument: str, who: Session) -> str:
        """Why somebody may not command an instrument now; empty where they may."""
        return self._lease(instrument).refusal(*who, now_s=time.monotonic())

    def is_held_by(self, instrument: str, who: Session) -> bool:
        return self._lease(instrument).is_held_by(*who, now_s=time.monotonic())

    def is_held(self, instrument: str) -> bool:
        return bool(self.holder(instrument))

    def holder(self, instrument: str) -> str:
        """Which user holds it; empty where nobody does."""
        return self._lease(instrument).control(time.monotonic()).user

    def renew(self, instruments: Iterable[str], guarding: Mapping[str, Guarding]) -> None:
        """Go on with these instruments: who holds one that stays goes on holding it."""
        before, self._guarding = self._leases, guarding
        self._leases = {name: before.get(name, Lease()) for name in instruments}
        for name in self._leases.keys() - before.keys():
            self._publish(name, lease.FREE)

    def end(self, instrument: str) -> None:
        """Nobody holds it any more, without a word to who did."""
        self._lease(instrument).end()
        self._publish(instrument, lease.FREE)

    def session(self, who: Session, *, is_there: bool) -> None:
        """Take the broker's word on a client session."""
        if is_there:
            self._presence.came(who)
        else:
            self._presence.went(who)
            self._went(who)

    def connected(self) -> None:
        self._away_since_s = None
        self._presence.connected(time.monotonic())

    def disconnected(self) -> None:
        if self._away_since_s is None:
            self._away_since_s = time.monotonic()

    def _lease(self, instrument: str) -> Lease:
        # A command may end after its instrument was removed, and the agent itself is held by nobody.
        return self._leases.get(instrument) or Lease()

    async def run(self) -> Never:
        """Notice what only time tells."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look(time.monotonic())

    def look(self, now_s: float) -> None:
        for name, held in self._leases.items():
            due_s, control = held.due_s(), held.control(now_s)
            if due_s is not None and not control.user:
                self._end(name, self._expired, "the time was up")
        for who in self._presence.missing(now_s):
            self._went(who)
        if self._away_since_s is not None:
            self._look_without_gateway(now_s, now_s - self._away_since_s)

    def _look_without_gateway(self, now_s: float, away_s: float) -> None:
        for name, held in self._leases.items():
            safe_after_s = self._guarding.get(name, UNGUARDED).safe_after_s
            if away_s >= safe_after_s and (user := held.control(now_s).user):
                why = f"{user} held it, and the gateway was away for {durations.show(safe_after_s)}"
                self._end(name, self._gone, why)

    def _went(self, who: Session) -> None:
        for name, held in self._leases.items():
            if held.is_held_by(*who, now_s=time.monotonic()):
                self._end(name, self._gone, f"the connection of {who[0]}, who held it, ended")

    def _end(self, name: str, tell: Gone, why: str) -> None:
        self._leases[name].end()
        self._publish(name, lease.FREE)
        tell(name, why)
