"""How fast frames are sent again: a window of outstanding ones, and patience. Pure: time comes as an argument.

allowance(now) --> how many frames and bytes --sent()--> outstanding --acknowledged()--> the window opens again
                                                \\--not acknowledged for too long--> a single probe, ever rarer
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.recorder import Key
from kleinmaelzung_agent.spool_file import Spooled
from kleinmaelzung_wire.messages import LoggedRanges

MAX_FRAMES: Final = 200
MAX_BYTES: Final = 256 * 1024
PATIENCE_S: Final = 2.0
LONGEST_PATIENCE_S: Final = 60.0
_LONGEST_NS = int(LONGEST_PATIENCE_S * 1e9)


@dataclass(frozen=True, slots=True)
class _Sent:
    id: int
    size: int
    sent_ns: int


class Schedule:
    """What is under way, and what may follow. `cursor` is the place in the spool up to which all is sent."""

    def __init__(
        self, *, patience_s: float = PATIENCE_S, jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2)
    ) -> None:
        self.cursor = 0
        self._shortest_ns = int(patience_s * 1e9)
        self._jitter = jitter
        self._outstanding: dict[Key, _Sent] = {}
        self._doubtful: set[Key] = set()  # no longer waited for, though an answer may still come
        self.reset()

    def reset(self) -> None:
        """Begin at the oldest again, with the window open: after a reconnect, or when a logger comes back."""
        self.cursor = 0
        self._outstanding.clear()
        self._doubtful.clear()
        self._is_probing = False
        self._patience_ns = self._shortest_ns
        self._progress_ns = 0

    @property
    def is_probing(self) -> bool:
        return self._is_probing

    @property
    def outstanding(self) -> int:
        return len(self._outstanding)

    def allowance(self, now_ns: int) -> tuple[int, int]:
        """How many frames and bytes may be sent now."""
        if self._outstanding and now_ns - self._progress_ns >= self._patience_ns:
            self._stall()
        self._give_up_old(now_ns)
        if self._is_probing:
            return (0, 0) if self._outstanding else (1, MAX_BYTES)
        size = sum(sent.size for sent in self._outstanding.values())
        return max(0, MAX_FRAMES - len(self._outstanding)), max(0, MAX_BYTES - size)

    def choose(self, spooled: Sequence[Spooled], now_ns: int) -> list[Spooled]:
        """From the oldest behind the cursor, take what may be sent now, and count it as sent."""
        count, room = self.allowance(now_ns)
        chosen: list[Spooled] = []
        for entry in spooled:
            size = len(entry.frame.payload)
            if entry.frame.key not in self._outstanding:
                # A single large frame goes when nothing else is under way, or it would wait for ever.
                if len(chosen) >= count or (size > room and (chosen or self._outstanding)):
                    break
                room -= size
                chosen.append(entry)
                self._send(entry, size, now_ns)
            self.cursor = max(self.cursor, entry.id)
        return chosen

    def acknowledged(self, logged: Sequence[LoggedRanges], now_ns: int) -> bool:
        """Take off what is logged; returns whether that was anything of what was sent again."""
        in_time = [key for key in self._outstanding if _names(logged, key)]
        late = {key for key in self._doubtful if _names(logged, key)}
        self._doubtful -= late
        took_ns = max((now_ns - self._outstanding.pop(key).sent_ns for key in in_time), default=0)
        if not in_time and not late:
            return False
        self._is_probing, self._progress_ns = False, now_ns
        if in_time:
            # Four times what it took, so that a slow way is not taken for a dead one.
            self._patience_ns = min(_LONGEST_NS, max(self._shortest_ns, 4 * took_ns))
        return True

    def _send(self, entry: Spooled, size: int, now_ns: int) -> None:
        if not self._outstanding:
            self._progress_ns = now_ns
        self._doubtful.discard(entry.frame.key)
        self._outstanding[entry.frame.key] = _Sent(entry.id, size, now_ns)

    def _stall(self) -> None:
        # Nothing was acknowledged for a while. Sending the window again and again would only fill the queues between.
        self._doubtful |= self._outstanding.keys()
        self._outstanding.clear()
        self.cursor = 0
        self._patience_ns = min(_LONGEST_NS, int(2 * self._patience_ns * self._jitter()))
        self._is_probing = True

    def _give_up_old(self, now_ns: int) -> None:
        """While others come through, one that did not is sent again."""
        old = [key for key, sent in self._outstanding.items() if now_ns - sent.sent_ns >= 2 * self._patience_ns]
        for key in old:
            sent = self._outstanding.pop(key)
            self.cursor = min(self.cursor, sent.id - 1)


def _names(logged: Sequence[LoggedRanges], key: Key) -> bool:
    instrument, epoch, number = key
    return any(
        entry.instrument == instrument
        and entry.epoch == epoch
        and any(first <= number <= last for first, last in entry.ranges)
        for entry in logged
    )
