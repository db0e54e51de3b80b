"""Frames that show by their content where they begin and end, found in a stream of bytes. Pure.

    chunk --FrameSplitter--> every whole frame in the stream that its Framing takes for right

Each place where a frame may begin is followed until its end. So noise before a frame or in another costs it nothing,
and how the bytes are cut changes nothing. Memory is bounded by the longest frame.
"""

import re
from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar

from kleinmaelzung_agent.drivers.counters import Counters

PIECE: Final = 512
# Checksums are looked at for so many bytes in one piece: a babbling line may look like frames that begin everywhere.
BUDGET: Final = 8 * PIECE

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)


class Framing(Protocol[M_co]):
    """What a frame looks like."""

    @property
    def starts(self) -> re.Pattern[bytes]:
        """Where a frame may begin, as far as it has come."""
        ...

    def size(self, pending: bytearray, start: int) -> int | None:
        """How long the frame is that begins there: None where that is not known yet, 0 where it is none."""
        ...

    def open(self, frame: bytes) -> M_co | None:
        """What a whole frame says; None where it is not right."""
        ...


class FrameSplitter(Generic[M]):
    """A conversation.Splitter. A frame within a frame is given as well."""

    def __init__(self, framing: Framing[M], counters: Counters) -> None:
        self.counters = counters
        self._framing = framing
        self._pending = bytearray()
        self._checked = 0  # frames that end until here have been looked at
        self._good = 0  # until here it was frames
        self._is_noise = False  # and counted

    @property
    def held(self) -> int:
        """How many bytes of unfinished frames are held."""
        return len(self._pending)

    @property
    def is_inside(self) -> bool:
        return len(self._pending) > self._good

    def begin(self) -> None:
        """Each frame shows by its content where it begins."""

    def distrust(self) -> None:
        self.counters.half_lines += self.is_inside
        self._pending.clear()
        self._checked = self._good = 0
        self._is_noise = False

    def feed(self, chunk: bytes) -> Sequence[M]:
        found: list[M] = []
        for at in range(0, len(chunk), PIECE):
            self._pending += chunk[at : at + PIECE]
            found += self._take()
        return found

    def _take(self) -> list[M]:
        ends, keep = self._places()
        found = []
        for end, start in sorted(ends):
            answer = self._framing.open(bytes(self._pending[start:end]))
            if answer:
                found.append(answer)
                self.counters.lines += 1
                self._note_noise(until=start)
                self._good, self._is_noise = max(self._good, end), False
        self._note_noise(until=keep)
        del self._pending[:keep]
        self._checked, self._good = len(self._pending), max(self._good - keep, 0)
        return found

    def _places(self) -> tuple[list[tuple[int, int]], int]:
        """Ends and starts of what may be whole frames, and where the first begins that is not whole yet."""
        pending, ends, keep, budget = self._pending, [], len(self._pending), BUDGET
        for place in self._framing.starts.finditer(pending):
            start = place.start()
            size = self._framing.size(pending, start)
            if size is None or start + size > len(pending):
                keep = min(keep, start)
            elif start + size > self._checked and 0 < size <= budget:
                ends.append((start + size, start))
                budget -= size
        return ends, keep

    def _note_noise(self, until: int) -> None:
        if until > self._good and not self._is_noise:
            self.counters.undecodable += 1
            self._is_noise = True
