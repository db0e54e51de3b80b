"""Whether an instrument can be read: what was seen on its port to a condition and a reason. Pure, time comes in.

searching  the port is not there or just opened          connected  a valid line came within silent_after
silent     open, and nothing comes                       error      something comes, but nothing valid
"""

import math
from dataclasses import dataclass

from kleinmaelzung_agent import durations
from kleinmaelzung_agent.counters import Counters
from kleinmaelzung_wire.messages import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    condition: Condition
    reason: str = ""


class Health:
    """Follows one instrument. `at` is monotonic seconds everywhere."""

    def __init__(self, port: str, silent_after_s: float, counters: Counters) -> None:
        self._port = port
        self._silent_after_s = silent_after_s
        self._counters = counters
        self._searching = f"opening {port}"
        self._is_open = False
        self._since = 0.0  # the last valid line, or the opening
        self._is_valid = False  # whether a valid line came since the opening
        self._bad_at = -math.inf
        self._bad_before = self._bad()

    def opened(self, at: float) -> None:
        self._searching = f"{self._port} is open, nothing has come yet"
        self._is_open, self._is_valid = True, False
        self._restart(at)

    def closed(self, reason: str) -> None:
        self._searching = reason
        self._is_open = False

    def valid(self, at: float) -> None:
        """Note a line that was expected."""
        self._is_valid = True
        self._restart(at)

    def bad(self, at: float) -> None:
        """Note that something came which is not valid."""
        self._bad_at = at

    @property
    def is_waiting(self) -> bool:
        """Whether the port was opened and nothing valid has come yet."""
        return self._is_open and not self._is_valid

    def verdict(self, now: float) -> Verdict:
        is_recent = now - self._since < self._silent_after_s
        if not self._is_open or (is_recent and not self._is_valid):
            return Verdict(condition="searching", reason=self._searching)
        if is_recent:
            return Verdict(condition="connected")
        if self._bad_at >= self._since and now - self._bad_at < self._silent_after_s:
            return Verdict(condition="error", reason=self._complaint())
        return Verdict(condition="silent", reason=f"no valid line for {durations.show(self._silent_after_s)}")

    def next_change(self, now: float) -> float:
        """How long the verdict stands if nothing comes."""
        ends = (self._since + self._silent_after_s, self._bad_at + self._silent_after_s)
        return min((end - now for end in ends if end > now), default=self._silent_after_s)

    def _restart(self, at: float) -> None:
        self._since = at
        self._bad_at = -math.inf
        self._bad_before = self._bad()

    def _bad(self) -> dict[str, int]:
        counters = self._counters
        return {
            "rejected": counters.rejected_lines,
            "too long": counters.too_long,
            "undecodable": counters.undecodable,
            "too late": counters.late,
        }

    def _complaint(self) -> str:
        before = self._bad_before
        counted = [f"{count - before[kind]} {kind}" for kind, count in self._bad().items() if count > before[kind]]
        found = f"lines: {', '.join(counted)}" if counted else "bytes without a line end"
        advice = "timeout" if counted and all("too late" in count for count in counted) else "baudrate and patterns"
        return f"what arrives is not what the patterns expect ({found}); check {advice}"
