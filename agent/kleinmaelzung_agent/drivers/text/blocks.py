"""Several lines that belong together: lines in, one text out, joined by line feeds. Pure, memory is bounded."""

import re
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.drivers.conversation import Splitter
from kleinmaelzung_agent.drivers.counters import Counters

MAX_LINES: Final = 256
MAX_BLOCK: Final = 16_384  # characters


class TooLongError(Exception):
    """A block is longer than MAX_BLOCK or MAX_LINES, and forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Where a block begins and ends: after so many lines, or with a line; `first` is how its first line must look."""

    lines: int = 1
    until: re.Pattern[str] | None = None
    first: re.Pattern[str] | None = None

    @property
    def is_one_line(self) -> bool:
        return self.lines == 1 and self.until is None


ONE_LINE: Final = Extent()


class Block:
    """One block after the other."""

    def __init__(self, extent: Extent) -> None:
        self._extent = extent
        self._lines: list[str] = []
        self._size = 0

    @property
    def is_inside(self) -> bool:
        return bool(self._lines)

    def can_begin(self, line: str) -> bool:
        first = self._extent.first
        return first is None or bool(first.fullmatch(line))

    def clear(self) -> None:
        self._lines, self._size = [], 0

    def take(self, line: str) -> str | None:
        """The whole text where this line is its last. Raises TooLongError."""
        self._lines.append(line)
        self._size += len(line) + 1
        if self._size > MAX_BLOCK or len(self._lines) > MAX_LINES:
            self.clear()
            raise TooLongError
        if not self._is_last(line):
            return None
        text = "\n".join(self._lines)
        self.clear()
        return text

    def _is_last(self, line: str) -> bool:
        until = self._extent.until
        return bool(until.fullmatch(line)) if until else len(self._lines) >= self._extent.lines


class BlockSplitter:
    """A Splitter of lines, which puts together those that come unasked and belong together; others pass."""

    def __init__(self, lines: Splitter, extents: tuple[Extent, ...]) -> None:
        self._splitter = lines
        self._blocks = [Block(extent) for extent in extents]

    @property
    def counters(self) -> Counters:
        return self._splitter.counters

    @counters.setter
    def counters(self, counters: Counters) -> None:
        self._splitter.counters = counters

    @property
    def is_inside(self) -> bool:
        return self._splitter.is_inside or any(block.is_inside for block in self._blocks)

    def begin(self) -> None:
        self._splitter.begin()

    def distrust(self) -> None:
        for block in self._blocks:
            self.counters.half_lines += block.is_inside
            block.clear()
        self._splitter.distrust()

    def feed(self, chunk: bytes) -> list[str]:
        taken = (self._take(line) for line in self._splitter.feed(chunk))
        return [text for text in taken if text is not None]

    def _take(self, line: str) -> str | None:
        block = next((block for block in self._blocks if block.is_inside), None)
        block = block or next((block for block in self._blocks if block.can_begin(line)), None)
        if block is None:
            return line
        try:
            return block.take(line)
        except TooLongError:
            self.counters.too_long += 1
            return None
