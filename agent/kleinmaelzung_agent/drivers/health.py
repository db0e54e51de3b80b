"""Whether an instrument can be read: what was seen on its port to a condition and a reason. Pure, time comes in.

searching  the port is not there or just opened          connected  a valid line came within silent_after
silent     open, and nothing comes                       error      something comes, but nothing valid, or an error
"""

import math
from dataclasses import dataclass

from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_wire.messages import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    condition: Condition
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How the state speaks of what comes."""

    message: str = "line"
    expected: str = "what the patterns expect"
    unfinished: str = "bytes without a line end"
    check: str = "baudrate and patterns"


class Health:
    """Follows one instrument. `at` is monotonic seconds everywhere."""

    def __init__(self, port: str, silent_after_s: float, counters: Counters, words: Words | None = None) -> None:
        self._port = port
        self._silent_after_s = silent_after_s
        self._counters = counters
        self._words = words or Words()
        self._troubles: dict[int, str] = {}  # of polls that were answered with an error
        self._searching = f"opening {port}"
        self._wrong = ""  # which other instrument answers
        self._is_open = False
        self._since = 0.0  # the last valid line, or the opening
        self._is_valid = False  # whether a valid line came since the opening
        self._bad_at = -math.inf
        self._bad_before = self._bad()

    def opened(self, at: float, port: str = "") -> None:
        self._port = port or self._port
        self._searching = f"{self._port} is open, nothing has come yet"
        self._is_open, self._is_valid = True, False
        self._troubles.clear()
        self._restart(at)

    def closed(self, reason: str) -> None:
        self._searching = reason
        self._is_open = False
        self._wrong = ""

    def wrong(self, sentence: str) -> None:
        """Note that another instrument answers; this stands until the next opening has shown something else."""
        self._is_open = False
        self._wrong = sentence

    def valid(self, at: float) -> None:
        """Note a line that was expected."""
        self._is_valid = True
        self._wrong = ""
        self._restart(at)

    def troubled(self, poll: int, sentence: str) -> None:
        """Note that a poll was answered with an error; an empty sentence: that it is well."""
        if sentence:
            self._troubles[poll] = sentence
        else:
            self._troubles.pop(poll, None)

    def bad(self, at: float) -> None:
        """Note that something came which is not valid."""
        self._bad_at = at

    def is_unheard(self, now: float) -> bool:
        """Whether nothing valid has come for so long that it may be another instrument now."""
        return self._is_open and now - self._since >= self._silent_after_s

    @property
    def is_waiting(self) -> bool:
        """Whether the port was opened and nothing valid has come yet."""
        return self._is_open and not self._is_valid

    def verdict(self, now: float) -> Verdict:
        is_recent = now - self._since < self._silent_after_s
        if self._wrong and (is_recent or not self._is_open):
            return Verdict(condition="error", reason=self._wrong)
        if not self._is_open or (is_recent and not self._is_valid):
            return Verdict(condition="searching", reason=self._searching)
        if is_recent:
            return _troubled(self._troubles) or Verdict(condition="connected")
        if self._bad_at >= self._since and now - self._bad_at < self._silent_after_s:
            return Verdict(condition="error", reason=self._complaint())
        silent_after = durations.show(self._silent_after_s)
        return Verdict(condition="silent", reason=f"no valid {self._words.message} for {silent_after}")

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
            "with a wrong checksum": counters.wrong_checksums,
            "too late": counters.late,
        }

    def _complaint(self) -> str:
        before = self._bad_before
        counted = [f"{count - before[kind]} {kind}" for kind, count in self._bad().items() if count > before[kind]]
        words = self._words
        found = f"{words.message}s: {', '.join(counted)}" if counted else words.unfinished
        advice = "timeout" if counted and all("too late" in count for count in counted) else words.check
        return f"what arrives is not {words.expected} ({found}); check {advice}"


def _troubled(troubles: dict[int, str]) -> Verdict | None:
    if not troubles:
        return None
    more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
    return Verdict(condition="error", reason=f"{next(iter(troubles.values()))}{more}")
