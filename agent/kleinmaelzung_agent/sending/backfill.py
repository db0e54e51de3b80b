"""How fast frames are sent again: in bundles, within a window, with patience. Pure: time comes as an argument.

allowance(now) --> how many frames and bytes --choose()--> outstanding --acknowledged()--> the window opens again
                                                \\--not acknowledged for too long--> a single probe, ever rarer
passed(took) --> the window follows what the way to the gateway carries in a second
"""

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.recording.recorder import Key, NumberedFrame
from kleinmaelzung_agent.spool.spool_file import Spooled
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.messages import LoggedRanges

MAX_FRAMES: Final = 10_000
MAX_PAGE: Final = 2000  # frames taken from the spool at once: some ms of the event loop here, tens on a Pi
MAX_WINDOW: Final = 1024 * 1024
# A window that is handed over cannot be overtaken by a reply: 2 s at 64 kbit/s until the way is known, then 1 s.
START_WINDOW: Final = 16 * 1024
MIN_WINDOW: Final = 8 * 1024
WAY_S: Final = 1.0
BUSY_S: Final = 2.0  # a logger that needs longer has enough to do: with many agents the windows add up
MAX_BUNDLE: Final = 32 * 1024  # a quarter of what the wire takes in one message
PATIENCE_S: Final = 2.0
LONGEST_PATIENCE_S: Final = 60.0
_LONGEST_NS = int(LONGEST_PATIENCE_S * 1e9)
_BUNDLED_BYTES = 5  # before each frame in a bundle, at most

Bundle = tuple[str, bytes]  # instrument, payload


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
        self._outstanding: dict[Key, _Sent] = {}  # in the order in which they were sent
        self._bytes = 0  # of those outstanding
        self._doubtful: set[Key] = set()  # no longer waited for, though an answer may still come
        self._mean_size = 1000.0
        self.reset()

    def reset(self) -> None:
        """Begin at the oldest again, with the window open: after a reconnect, or when a logger comes back."""
        self.cursor = 0
        self._outstanding.clear()
        self._bytes = 0
        self._doubtful.clear()
        self._window = START_WINDOW
        self._was_full = False
        self._is_logger_busy = False
        self._is_probing = False
        self._patience_ns = self._shortest_ns
        self._progress_ns = 0

    @property
    def is_probing(self) -> bool:
        return self._is_probing

    @property
    def outstanding(self) -> int:
        return len(self._outstanding)

    @property
    def outstanding_bytes(self) -> int:
        return self._bytes

    @property
    def window(self) -> int:
        """How many bytes may be outstanding."""
        return self._window

    @property
    def bundle_bytes(self) -> int:
        """How large a bundle may be."""
        return min(MAX_BUNDLE, self._window // 4)

    def allowance(self, now_ns: int) -> tuple[int, int]:
        """How many frames and bytes may be sent now."""
        if self._outstanding and now_ns - self._progress_ns >= self._patience_ns:
            self._stall()
        self._give_up_old(now_ns)
        if self._is_probing:
            return (0, 0) if self._outstanding else (1, self._window)
        count, room = MAX_FRAMES - len(self._outstanding), self._window - self._bytes
        # Room for half a window is waited for: a few frames at a time would make no bundles.
        if count < MAX_FRAMES / 2 or (self._outstanding and room < self._window / 2):
            self._was_full = True
            return 0, 0
        return min(count, MAX_PAGE, 1 + int(room / self._mean_size)), room

    def choose(self, spooled: Sequence[Spooled], now_ns: int, *, after: int) -> list[Spooled]:
        """From the oldest behind `after`, take what may be sent now, and count it as sent."""
        count, room = self.allowance(now_ns)
        chosen: list[Spooled] = []
        if self.cursor != after:  # it went back while these were read: what lies before them goes first
            return chosen
        for entry in spooled:
            size = len(entry.frame.payload)
            if entry.frame.key not in self._outstanding:
                # A single large frame goes when nothing else is under way, or it would wait for ever.
                if len(chosen) >= count or (size > room and (chosen or self._outstanding)):
                    self._was_full = True
                    break
                room -= size
                chosen.append(entry)
                self._send(entry, size, now_ns)
            self.cursor = max(self.cursor, entry.id)
        if chosen:
            self._mean_size = max(1.0, sum(len(entry.frame.payload) for entry in chosen) / len(chosen))
        return chosen

    def acknowledged(self, logged: Sequence[LoggedRanges], now_ns: int) -> bool:
        """Take off what is logged; returns whether that was anything of what was sent again."""
        late = _named(logged, self._doubtful)
        self._doubtful.difference_update(late)
        in_time = [self._take_off(key) for key in _named(logged, self._outstanding)]
        if not in_time and not late:
            return False
        self._is_probing, self._progress_ns = False, now_ns
        if in_time:
            took_ns = max(now_ns - sent.sent_ns for sent in in_time)
            self._is_logger_busy = took_ns > BUSY_S * 1e9
            # Four times what it took, so that a slow way is not taken for a dead one.
            self._patience_ns = min(_LONGEST_NS, max(self._shortest_ns, 4 * took_ns))
        return True

    def passed(self, took_s: float) -> None:
        """What was handed over needed so long to the gateway: let the window be what passes in a second."""
        factor = min(2.0, max(0.5, WAY_S / max(took_s, 0.001)))
        # A window that was not needed has not been tried.
        if factor < 1 or (self._was_full and not self._is_logger_busy):
            self._window = min(MAX_WINDOW, max(MIN_WINDOW, int(self._window * factor)))
        self._was_full = False

    def _send(self, entry: Spooled, size: int, now_ns: int) -> None:
        if not self._outstanding:
            self._progress_ns = now_ns
        self._doubtful.discard(entry.frame.key)
        self._outstanding[entry.frame.key] = _Sent(entry.id, size, now_ns)
        self._bytes += size

    def _take_off(self, key: Key) -> _Sent:
        sent = self._outstanding.pop(key)
        self._bytes -= sent.size
        return sent

    def _stall(self) -> None:
        # Nothing was acknowledged for a while. Sending the window again and again would only fill the queues between.
        self._doubtful |= self._outstanding.keys()
        self._outstanding.clear()
        self._bytes = 0
        self.cursor = 0
        self._patience_ns = min(_LONGEST_NS, int(2 * self._patience_ns * self._jitter()))
        self._is_probing = True

    def _give_up_old(self, now_ns: int) -> None:
        """While others come through, one that did not is sent again."""
        while self._outstanding:
            key, sent = next(iter(self._outstanding.items()))
            if now_ns - sent.sent_ns < 2 * self._patience_ns:
                break
            self._take_off(key)
            self.cursor = min(self.cursor, max(0, sent.id - 1))


def bundle(chosen: Iterable[NumberedFrame], max_bytes: int) -> list[Bundle]:
    """Frames as messages: several of one instrument together, in their order, and a large one by itself."""
    done: list[list[NumberedFrame]] = []
    filling: dict[str, tuple[list[NumberedFrame], int]] = {}
    for frame in chosen:
        size = _BUNDLED_BYTES + len(frame.payload)
        together, filled = filling.get(frame.instrument, ([], 0))
        if not together or filled + size > max_bytes:
            together, filled = [], 0
            done.append(together)
        together.append(frame)
        filling[frame.instrument] = together, filled + size
    return [(together[0].instrument, _pack([frame.payload for frame in together])) for together in done]


def _pack(payloads: list[bytes]) -> bytes:
    return payloads[0] if len(payloads) == 1 else frames.pack_several(payloads)


def _named(logged: Sequence[LoggedRanges], keys: Collection[Key]) -> list[Key]:
    """Those of the keys that are logged; as cheap as the shorter of the two."""
    found: list[Key] = []
    for entry in logged:
        stream = entry.instrument, entry.epoch
        for first, last in entry.ranges:
            if last - first < len(keys):
                found += [key for number in range(first, last + 1) if (key := (*stream, number)) in keys]
            else:
                found += [key for key in keys if key[:2] == stream and first <= key[2] <= last]
    return found
