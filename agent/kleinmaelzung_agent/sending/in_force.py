"""What certificates say of the instruments: from the gateway in, into `latest` and `state` out.

`<instrument>/calibration` --take()--> kept in memory --latest(), state()--> what is added there

Nothing is asked for: the gateway tells it after each connection, and when it changes. What it has not told again some
time after a connection is gone, for nobody says what was taken back meanwhile. An older gateway tells nothing.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_wire import calibrations
from kleinmaelzung_wire.calibrations import Calibration, Corrected
from kleinmaelzung_wire.codec import WireError

logger = logging.getLogger(__name__)

MAX_HELD: Final = 1000
# A slow line may bring it late; then it is only missing for a moment.
TOLD_AGAIN_NS: Final = 10_000_000_000

Channels = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Now:
    """The agent's time, and whether a date can be judged by it."""

    time_us: int
    is_known: bool


class InForce:
    """Of all instruments of one agent."""

    def __init__(self, now: Callable[[], Now]) -> None:
        self._now = now
        self._held: dict[str, Calibration] = {}
        self._untold: set[str] = set()  # since the last connection
        self._untold_until_ns = 0
        self._judged: tuple[str, bool] | None = None

    def take(self, instrument: str, payload: bytes) -> bool:
        """Keep what holds of an instrument from now on; returns whether that is new."""
        self._untold.discard(instrument)
        before, found = self._held.pop(instrument, None), _decoded(instrument, payload)
        if found is not None and len(self._held) < MAX_HELD:
            self._held[instrument] = found
        return self._held.get(instrument) != before

    def connected(self, now_ns: int) -> None:
        """A gateway tells all again."""
        self._untold, self._untold_until_ns = set(self._held), now_ns + TOLD_AGAIN_NS

    def changed(self, now_ns: int) -> list[str]:
        """The instruments of which something else is to be said since the last time: look about once a second."""
        gone: list[str] = []
        if self._untold and now_ns >= self._untold_until_ns:
            gone = [name for name in self._untold if self._held.pop(name, None)]
            self._untold.clear()
        now = self._now()
        judged, self._judged = self._judged, (calibrations.day(now.time_us), now.is_known)
        if judged in (self._judged, None):
            return gone
        return [*gone, *(name for name, found in self._held.items() if found.due)]

    def state(self, instrument: str) -> dict[str, Any]:
        """What `state` says of it: empty where nothing holds."""
        found = self._held.get(instrument)
        return {} if found is None else self._named(found)

    def latest(self, instrument: str, channels: Channels) -> Channels:
        """The newest values, and of each that was calibrated what it is by the certificate."""
        found = self._held.get(instrument)
        if found is None:
            return channels
        named = self._named(found)
        return {name: entry | _corrected(found, named, name, entry) for name, entry in channels.items()}

    def _named(self, found: Calibration) -> dict[str, Any]:
        now = self._now()
        overdue = {"overdue": found.is_overdue(now.time_us)} if now.is_known else {}
        return {"certificate": found.certificate, "due": found.due, **overdue}


def _decoded(instrument: str, payload: bytes) -> Calibration | None:
    """None where nothing holds, or something that this version cannot read: then the one before does not either."""
    try:
        return Calibration.decode(payload) if payload else None
    except WireError as error:
        logger.warning("%s: what its certificate says is not readable: %s", instrument, error)
        return None


def _corrected(found: Calibration, named: Mapping[str, Any], channel: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    measurand = found.measurand_of(channel)
    if measurand is None:
        return {}
    match calibrations.corrected(measurand, entry["value"], entry["unit"], entry["quality"]):
        case Corrected() as one:
            return {"calibration": {**named, "corrected": one.value, "U": one.U, "k": one.k}}
        case why:
            return {"calibration": {**named, "outside": why}}
