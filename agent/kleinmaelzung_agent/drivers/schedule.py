"""When to ask next: several periods, no drift, no bursts to catch up. Pure, time comes in as seconds."""

import math
from collections.abc import Sequence


class Schedule:
    """The due times of several queries; each keeps to its own grid that starts at `start`."""

    def __init__(self, periods: Sequence[float], start: float) -> None:
        self._periods = list(periods)
        self._due = [start] * len(self._periods)

    def next(self) -> tuple[int, float]:
        """Which query is due first, and when."""
        index = min(range(len(self._due)), key=self._due.__getitem__)
        return index, self._due[index]

    def done(self, index: int, now: float) -> None:
        """Move a query to its next time after now; times that have passed meanwhile are left out."""
        period, due = self._periods[index], self._due[index]
        missed = math.floor((now - due) / period) if period and now > due else 0
        self._due[index] = due + (missed + 1) * period if period else now
