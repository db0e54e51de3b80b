"""How far a transfer has come, on one line of a terminal that is written again and again."""

import time
from typing import Final, TextIO

EVERY_S: Final = 0.2
_STEPS: Final = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "B"))


class Progress:
    """Shows progress where the output is a terminal, otherwise nothing."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_shown = out.isatty()
        self._began = time.monotonic()
        self._next = self._began + EVERY_S
        self._width = 0

    def show(self, what: str, done: int, expected: int, size: int) -> None:
        now = time.monotonic()
        if self._is_shown and now >= self._next:
            self._next = now + EVERY_S
            self._write(line(what, done, expected, size, now - self._began))

    def clear(self) -> None:
        """Take the line away, before anything else is printed."""
        if self._width:
            self._write("")
            self._out.write("\r")
            self._out.flush()

    def _write(self, text: str) -> None:
        self._out.write(f"\r{text.ljust(self._width)}")
        self._out.flush()
        self._width = len(text)


def line(what: str, done: int, expected: int, size: int, seconds: float) -> str:
    """`pi-1/balance   42 %  12.3 MB  3.1 MB/s`; `expected` is an estimate, so it may be passed."""
    share = f"{min(100 * done // expected, 100):3} %  " if expected else ""
    return f"{what}  {share}{amount(size)}  {amount(size / seconds if seconds else 0)}/s"


def amount(size: float) -> str:
    """`12.3 MB`"""
    length, unit = next((step for step in _STEPS if size >= step[0]), _STEPS[-1])
    return f"{size / length:.1f} {unit}" if length > 1 else f"{size:.0f} B"
