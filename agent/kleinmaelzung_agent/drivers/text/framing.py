"""What stands around the text of a line: begin, terminator, checksum. Pure.

text --wrap()--> bytes to send          a line's bytes --unwrap()--> its text's bytes, or None: the checksum is wrong
"""

from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.drivers.checksums import Checksum

MAX_LINE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSum:
    """The checksum of a line: what it covers and where it stands."""

    checksum: Checksum
    skip: int | None = None  # so many of the first bytes, the begin included, are not covered; None: the begin
    mark: bytes = b""  # stands before it
    covers_mark: bool = False
    start: bytes = b""  # what is sent is covered from behind it on, and has no checksum without it
    is_after: bool = False  # it follows the terminator, and covers it
    is_sent: bool = True
    is_received: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How lines of one port begin and end. Without `received_terminator` they end at CR, LF or both."""

    begin: bytes = b""
    received_begin: bytes = b""
    terminator: bytes = b"\r\n"
    received_terminator: bytes = b""
    encoding: str = "ascii"
    max_line: int = MAX_LINE
    line_sum: LineSum | None = None
    alone: bytes = b""  # characters that are a line each, without an end, where no other line has begun

    @property
    def trailer(self) -> int:
        """How many bytes follow the terminator of a line that comes."""
        found = self.line_sum
        return found.checksum.length if found and found.is_after and found.is_received else 0

    def wrap(self, text: str) -> bytes:
        """The line to send. Raises UnicodeEncodeError."""
        content, found = self.begin + text.encode(self.encoding), self.line_sum
        if found is None or not found.is_sent or found.start not in content:
            return content + self.terminator
        skip = content.index(found.start) + len(found.start) if found.start else found.skip
        if found.is_after:
            content += self.terminator
            return content + found.checksum.of(_covered(content, self.begin, skip))
        covered = content + found.mark if found.covers_mark else content
        return content + found.mark + found.checksum.of(_covered(covered, self.begin, skip)) + self.terminator

    def unwrap(self, line: bytes) -> bytes | None:
        """A line without its checksum. `line` is what followed the begin; it ends where the terminator began, or with
        the checksum that followed the terminator."""
        found = self.line_sum
        if found is None or not found.is_received:
            return line
        before, carried = line[: -found.checksum.length], line[-found.checksum.length :]
        ended = self.received_terminator if found.is_after else found.mark
        if not before.endswith(ended):
            return None
        content = before.removesuffix(ended)
        covered = before if found.is_after or found.covers_mark else content
        covered = _covered(self.received_begin + covered, self.received_begin, found.skip)
        return content if found.checksum.is_right(covered, carried) else None


def _covered(line: bytes, begin: bytes, skip: int | None) -> bytes:
    return line[len(begin) if skip is None else skip :]
