"""Bytes of an instrument to whole lines of text. Pure: chunks in, lines out, memory bounded by the longest line.

A half line must never become a value: "23.45" that lost its first byte is a plausible 3.45. So a line counts only
when its beginning was seen, that is after a terminator, or after a silence in which nothing was pending. Everything
else is discarded up to the next terminator, and counted.
"""

import re

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text.framing import Framing

_ANY_LINE_END = re.compile(rb"[\r\n]")


def line_ends(framing: Framing) -> re.Pattern[bytes]:
    """What ends a line that comes."""
    terminator = framing.received_terminator
    return re.compile(re.escape(terminator)) if terminator else _ANY_LINE_END


def decode(line: bytes, framing: Framing, counters: Counters) -> str | None:
    """The text of a line; None, and counted, where it has none that is right."""
    content = framing.unwrap(line)
    if content is None:
        counters.wrong_checksums += 1
        return None
    try:
        if 0 not in content:
            text = content.decode(framing.encoding)
            counters.lines += 1
            return text
    except UnicodeDecodeError:
        pass
    counters.undecodable += 1
    return None


class LineSplitter:
    """Collects chunks and gives whole lines.

    Without a terminator of its own a line ends at CR, at LF or at both; empty lines are skipped. A terminator such
    as `"\\r\\n>"` also serves instruments that send a prompt.
    """

    def __init__(self, *, counters: Counters, framing: Framing) -> None:
        self.counters = counters
        self._framing = framing
        self._ends = line_ends(framing)
        self._overlap = max(len(framing.received_terminator) - 1, 0)  # a terminator may arrive in two chunks
        self._max_line = framing.max_line
        self._alone = framing.alone
        self._pending = bytearray()
        self._discarding = True  # nobody has seen the beginning of the first line
        self._is_inside = False  # whether anything of what is discarded has arrived
        self._is_counted = False
        self._thrown = 0  # bytes of the line that is discarded

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished line are held."""
        return len(self._pending)

    @property
    def is_inside(self) -> bool:
        return bool(self._pending) or (self._discarding and self._is_inside)

    def begin(self) -> None:
        """Take what comes next as the beginning of a line: nothing has come for a while. No-op inside a line."""
        if not self.is_inside:
            self._discarding = False

    def distrust(self) -> None:
        """Discard the line that has begun, up to its end."""
        if self._pending and not self._discarding:
            self._discard()

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that this chunk completes."""
        lines: list[str] = []
        start = 0
        held = len(self._pending)
        self._pending += chunk
        if not held and not self._discarding:
            start = self._take_alone(start, lines)
        for end in self._ends.finditer(self._pending, max(held - self._overlap, 0)):
            line = self._finish(bytes(self._pending[start : end.start()]))
            if line is not None:
                lines.append(line)
            start = self._take_alone(end.end(), lines)
        del self._pending[:start]
        self._bound()
        return lines

    def _take_alone(self, start: int, lines: list[str]) -> int:
        """Where the next line begins, behind characters that are one each."""
        while start < len(self._pending) and self._pending[start] in self._alone:
            self.counters.lines += 1
            lines.append(chr(self._pending[start]))
            start += 1
        return start

    def _finish(self, line: bytes) -> str | None:
        if self._discarding:
            if (self._is_inside or line) and not self._is_counted:
                self.counters.half_lines += 1
            self._discarding = self._is_inside = self._is_counted = False
            self._thrown = 0
            return None
        if len(line) > self._max_line:
            self.counters.too_long += 1
            return None
        return decode(line, self._framing, self.counters) if line else None

    def _bound(self) -> None:
        is_long = len(self._pending) + self._thrown > self._max_line
        if is_long and not self._is_counted:
            self.counters.too_long += 1
        if self._pending and (is_long or self._discarding):
            self._discard()
            self._is_counted = is_long

    def _discard(self) -> None:
        # What may be the first half of a terminator must stay, or the next line would go as well.
        thrown = max(len(self._pending) - self._overlap, 0)
        del self._pending[:thrown]
        self._thrown += thrown
        self._discarding = self._is_inside = True
