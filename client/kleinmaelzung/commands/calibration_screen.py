"""A terminal for a guided session: lines that stay above, a block that is drawn again and again below, keys in between.

keys --> Keys --> lines that were typed; what is said goes above the block; the block's last line is the prompt
"""

import asyncio
import codecs
import os
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TextIO

PROMPT: Final = "> "
LEAVE: Final = "q"  # what Ctrl-D at the beginning of a line means
_STYLES: Final = {
    "": "",
    "big": "\x1b[1;7m",
    "good": "\x1b[32m",
    "warn": "\x1b[33m",
    "bad": "\x1b[31m",
    "dim": "\x1b[2m",
}
_NORMAL: Final = "\x1b[0m"

# A line of the block: pieces of text, each with a style.
Line = Sequence[tuple[str, str]]


@dataclass
class Keys:
    """The line that is being typed. What a terminal sends for arrows and the like is left out."""

    typed: str = ""
    _escape: str = field(default="", repr=False)

    def feed(self, text: str) -> Iterator[str]:
        """Take keys; yields each line that was finished."""
        for key in text:
            if self._escape:
                self._in_escape(key)
            elif key in "\r\n":
                line, self.typed = self.typed, ""
                yield line
            elif key == "\x04":
                if not self.typed:
                    yield LEAVE
            else:
                self._edit(key)

    def _edit(self, key: str) -> None:
        if key in "\x7f\b":
            self.typed = self.typed[:-1]
        elif key == "\x15":  # Ctrl-U
            self.typed = ""
        elif key == "\x17":  # Ctrl-W
            self.typed = self.typed.rstrip().rpartition(" ")[0]
        elif key == "\x1b":
            self._escape = key
        elif key.isprintable():
            self.typed += key

    def _in_escape(self, key: str) -> None:
        self._escape += key
        is_open = self._escape in ("\x1b[", "\x1bO") or (
            self._escape.startswith("\x1b[") and not key.isalpha() and key != "~"
        )
        if not is_open:
            self._escape = ""


class Screen:
    """What is shown on a terminal whose cursor can be moved."""

    def __init__(self, out: TextIO, *, is_coloured: bool) -> None:
        self._out = out
        self._is_coloured = is_coloured
        self._drawn: list[str] = []

    def say(self, *lines: str) -> None:
        """Lines that stay."""
        self.clear()
        self._out.write("".join(f"{line}\n" for line in lines))
        self._out.flush()

    def draw(self, block: Sequence[Line], typed: str) -> None:
        """The block anew, where anything of it is different."""
        width = self._width()
        lines = [self._styled(line, width) for line in block]
        room = max(1, width - len(PROMPT) - 1)
        lines.append(f"{PROMPT}{typed[-room:]}")
        if lines == self._drawn:
            return
        # Each line is written over the old one, and only then is its rest taken away: nothing flickers.
        text = "\x1b[K\n".join(lines)
        self._out.write(f"{self._to_top()}{text}\x1b[J")
        self._out.flush()
        self._drawn = lines

    def clear(self) -> None:
        """Take the block away."""
        if self._drawn:
            self._out.write(f"{self._to_top()}\x1b[J")
            self._out.flush()
            self._drawn = []

    def _to_top(self) -> str:
        up = len(self._drawn) - 1
        return f"\x1b[{up}A\r" if up > 0 else "\r"

    def _styled(self, line: Line, width: int) -> str:
        """No longer than the terminal is wide, for a line that goes on in the next one cannot be written over."""
        shown, left = [], width - 1
        for text, style in line:
            cut = text[:left]
            left -= len(cut)
            code = _STYLES[style] if self._is_coloured else ""
            shown.append(f"{code}{cut}{_NORMAL}" if code and cut else cut)
        return "".join(shown)

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns or 80
        except OSError:
            return 80


def is_able(out: TextIO, keys: TextIO, term: str) -> bool:
    """Whether there is a terminal on both sides, on which a cursor can be moved."""
    return out.isatty() and keys.isatty() and term not in ("", "dumb")


def is_coloured(environment: dict[str, str]) -> bool:
    return not environment.get("NO_COLOR")


@contextmanager
def heard(keys: TextIO, line: Callable[[str], None], changed: Callable[[], None]) -> Iterator[Keys]:
    """Hear keys as they are pressed; `line` is told each line, `changed` that what is typed is another."""
    number, typed = keys.fileno(), Keys()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def read() -> None:
        try:
            found = os.read(number, 4096)
        except OSError:  # the terminal is gone
            found = b""
        if not found:
            loop.remove_reader(number)
            line(LEAVE)
        for one in typed.feed(decoder.decode(found)):
            line(one)
        changed()

    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)  # Ctrl-C goes on being a signal
    loop.add_reader(number, read)
    try:
        yield typed
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)
