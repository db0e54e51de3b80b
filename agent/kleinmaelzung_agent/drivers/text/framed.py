"""Bytes of an instrument to whole lines that begin with a mark, such as STX. Pure, bounded like lines.py.

The mark shows where a line begins, so none is given up after the opening. A mark within a line begins another one:
the line before it has lost its end. What stands between the lines is discarded; it is counted where it is more than
white space.
"""

import re

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text import lines
from kleinmaelzung_agent.drivers.text.framing import Framing


class FramedSplitter:
    """Collects chunks and gives whole lines without their begin, terminator and checksum."""

    def __init__(self, *, counters: Counters, framing: Framing) -> None:
        self.counters = counters
        self._framing = framing
        self._begin = framing.received_begin
        self._ends = lines.line_ends(framing)
        ended = len(framing.received_terminator or b"\r") + framing.trailer
        self._longest = framing.max_line + (ended if framing.trailer else 0)  # of what _cut() gives
        self._most = len(self._begin) + framing.max_line + ended
        self._pending = bytearray()
        self._is_between = False  # within what is discarded and was counted

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished line are held."""
        return len(self._pending)

    @property
    def is_inside(self) -> bool:
        return bool(self._pending) or self._is_between

    def begin(self) -> None:
        """Nothing to do: a line shows its beginning itself."""

    def distrust(self) -> None:
        """Discard the line that has begun."""
        if self._pending:
            self.counters.half_lines += 1
        self._pending.clear()
        self._is_between = False

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that this chunk completes."""
        self._pending += chunk
        found = self._take_alone()
        while (line := self._cut()) is not None:
            text = self._read(line)
            if text is not None:
                found.append(text)
            found += self._take_alone()
        return found

    def _take_alone(self) -> list[str]:
        """Characters that are a line each, where nothing has begun."""
        found = []
        while not self._is_between and self._pending and self._pending[0] in self._framing.alone:
            self.counters.lines += 1
            found.append(chr(self._pending.pop(0)))
        return found

    def _read(self, line: bytes) -> str | None:
        self._is_between = False
        if len(line) > self._longest:
            self.counters.too_long += 1
            return None
        return lines.decode(line, self._framing, self.counters) if line else None

    def _cut(self) -> bytes | None:
        """The next whole line, without its begin; None where there is none yet."""
        self._discard_between()
        # A begin within the line is looked for only up to the line's end: bytes of a checksum may look like one.
        end = self._ends.search(self._pending, len(self._begin))
        last = self._pending.rfind(self._begin, len(self._begin), end.start() if end else len(self._pending))
        if last >= 0:
            self.counters.half_lines += 1
            del self._pending[:last]
            return self._cut_at(self._ends.search(self._pending, len(self._begin)))
        return self._cut_at(end)

    def _cut_at(self, end: re.Match[bytes] | None) -> bytes | None:
        size = end.end() + self._framing.trailer if end else self._most + 1
        if len(self._pending) < size:
            return None
        if end is None:
            self._give_up()
            return None
        line = bytes(self._pending[len(self._begin) : size if self._framing.trailer else end.start()])
        del self._pending[:size]
        return line

    def _give_up(self) -> None:
        """The line has no end: what follows is discarded up to the next begin."""
        self.counters.too_long += 1
        self._is_between = True
        self._pending.clear()

    def _discard_between(self) -> None:
        found = self._pending.find(self._begin)
        thrown = found if found >= 0 else len(self._pending) - self._half_begin()
        if self._pending[:thrown].strip() and not self._is_between:
            self.counters.half_lines += 1
            self._is_between = True
        del self._pending[:thrown]

    def _half_begin(self) -> int:
        """How many of the last bytes may be the first of a begin."""
        sizes = range(min(len(self._begin) - 1, len(self._pending)), 0, -1)
        return next((size for size in sizes if self._pending.endswith(self._begin[:size])), 0)
