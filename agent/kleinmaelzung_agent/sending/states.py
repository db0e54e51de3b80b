"""The retained state of each instrument: what its driver says, or that it rests while the spool is full.

What holds of it by its certificate is said with it (in_force.py).
"""

from collections.abc import Callable
from typing import Any, Final

from kleinmaelzung_agent.recording import outages
from kleinmaelzung_agent.sending.outbox import Outbox
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.messages import Condition, State

_KINDS: Final = ("description", "state", "latest", "control", "alarm")


class States:
    """Of all instruments of an agent."""

    def __init__(self, outbox: Outbox, now_us: Callable[[], int], calibration: Callable[[str], dict[str, Any]]) -> None:
        self._outbox, self._now_us, self._calibration = outbox, now_us, calibration
        self._said: dict[str, tuple[Condition, str]] = {}  # by the drivers
        self._resting: set[str] = set()  # readings of these are not taken, since the spool is full
        self._known: dict[str, State] = {}

    def say(self, instrument: str, condition: Condition, reason: str) -> None:
        """Publish what a driver says where it is new."""
        self._said[instrument] = condition, reason
        self._show(instrument)

    def rest(self, instrument: str) -> None:
        self._resting.add(instrument)
        self._show(instrument)

    def resume(self, instrument: str) -> None:
        if instrument in self._resting:
            self._resting.discard(instrument)
            self._show(instrument)

    def resume_all(self) -> None:
        for instrument in tuple(self._resting):
            self.resume(instrument)

    def show_again(self, instrument: str) -> None:
        """Something else is to be said with it."""
        if instrument in self._known:
            self._show(instrument)

    def renew(self, instrument: str) -> None:
        """It has another driver, which will say how it is."""
        self._resting.discard(instrument)
        self._said.pop(instrument, None)

    def forget(self, instrument: str) -> None:
        """It is removed: nothing of it is left with the broker."""
        self.renew(instrument)
        self._known.pop(instrument, None)
        for kind in _KINDS:
            self._outbox.retain(f"{instrument}/{kind}", b"")

    def _show(self, instrument: str) -> None:
        condition, reason = self._said.get(instrument, ("connected", ""))
        if instrument in self._resting:
            condition, reason = "error", outages.FULL
        known = self._known.get(instrument)
        since = known.since if known and known.state == condition else self._now_us()
        state = State(
            state=condition,
            since=since,
            reason=reason[: messages.MAX_SENTENCE],
            calibration=self._calibration(instrument),
        )
        if state != known:
            self._known[instrument] = state
            self._outbox.retain(f"{instrument}/state", state.encode())
