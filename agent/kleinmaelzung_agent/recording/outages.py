"""When an instrument gives nothing, and why: its conditions and samples in, gaps to be recorded out. Pure.

    said(condition) --> Gap without an end --taken(first sample after)--> the same Gap with its end
    refused(readings while the spool is full) --> likewise

A gap is told when it begins, so that it is on record even if the agent dies. It keeps its first reason until samples
come again: an instrument that is off for a week makes two records, however often its port comes and goes meanwhile.
"""

from dataclasses import replace
from typing import Final

from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import Condition

# A serial adapter needs a second or two, an instrument as long to answer: a start is not a gap each time.
SEARCH_S: Final = 5.0
# The driver's own verdict comes after its `silent_after`; a little later it is clear that it comes no more.
GRACE_S: Final = 1.0
FULL: Final = "the spool is full and this instrument is set to stop"

_REASONS: Final[dict[Condition, str]] = {
    "searching": gaps.PORT_LOST,
    "silent": gaps.SILENT,
    "error": gaps.UNREADABLE,
}


class Outages:
    """Follows one instrument from the agent's start. Times are µs since 1970, but for waits, which are monotonic ns."""

    def __init__(self, started_us: int, *, silent_after_s: float = 0.0) -> None:
        self.due_ns: int | None = None  # when `waited` must be called
        self._search_ns = _search_ns(silent_after_s)
        self._last_us = started_us  # of the newest sample
        self._has_sampled = False
        self._reason = ""
        self._gap: Gap | None = None  # the one that lasts
        self._refused = 0

    def said(self, condition: Condition, reason: str, now_ns: int) -> list[Gap]:
        """Note what the driver says of the instrument."""
        self._reason = reason
        if condition == "connected":
            self.due_ns = None
        elif self._gap is None and (condition != "searching" or self._has_sampled):
            return [self._open(_REASONS[condition], self._last_us, reason)]
        elif self._gap is None and self.due_ns is None:
            self.due_ns = now_ns + self._search_ns
        return []

    def waited(self, now_ns: int) -> list[Gap]:
        """Note that time passes: a search at the start that lasts too long is a gap too."""
        if self.due_ns is None or now_ns < self.due_ns:
            return []
        return [self._open(gaps.PORT_LOST, self._last_us, self._reason)]

    def taken(self, first_us: int, last_us: int) -> list[Gap]:
        """Note samples by the times of the first and the last."""
        ended = self._end(first_us)
        self._has_sampled, self._last_us = True, max(self._last_us, last_us)
        return ended

    def refused(self, first_us: int, count: int) -> list[Gap]:
        """Note readings that were not taken because the spool is full."""
        self._refused += count
        if self._gap and self._gap.reason == gaps.SPOOL_FULL:
            return []
        ended = self._end(first_us)  # it is there again: from now on it is the spool's fault
        since_us = ended[0].until if ended and ended[0].until else self._last_us
        return [*ended, self._open(gaps.SPOOL_FULL, since_us, FULL)]

    def renewed(self, now_us: int, *, silent_after_s: float) -> list[Gap]:
        """Note that the instrument was stopped, and is started with another configuration."""
        self._search_ns, self.due_ns = _search_ns(silent_after_s), None
        if self._gap or not self._has_sampled:
            return []
        return [self._open(gaps.RECONFIGURED, max(self._last_us, now_us), "")]

    def ended(self, now_us: int) -> list[Gap]:
        """Note that the instrument is not read any more, which is no gap."""
        return self._end(now_us)

    def _open(self, reason: str, since_us: int, detail: str) -> Gap:
        self.due_ns = None
        self._gap = Gap(reason=reason, since=since_us, detail=detail)
        return self._gap

    def _end(self, until_us: int) -> list[Gap]:
        self.due_ns = None
        if self._gap is None:
            return []
        gap, self._gap = self._gap, None
        detail = gap.detail
        if gap.reason == gaps.SPOOL_FULL:
            detail = f"{FULL}; readings not taken: {self._refused}"
            self._refused = 0
        return [replace(gap, until=max(until_us, gap.since or 0), detail=detail)]


def _search_ns(silent_after_s: float) -> int:
    return int(max(SEARCH_S, silent_after_s + GRACE_S) * 1e9)
