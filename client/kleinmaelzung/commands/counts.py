"""How many: a whole number as an option of a command, and what is said below a list that was cut there."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Sized


def count(of: str, most: int) -> Callable[[str], int]:
    """The type of an option that takes 1 to `most`."""

    def counted(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and 0 < int(text) <= most):
            raise ArgumentTypeError(f"{text!r:.20} is no number of {of}, expected 1 to {most}")
        return int(text)

    return counted


def rest(found: Sized, limit: int) -> str:
    """The line below a list that shows only the newest; nothing below a whole one."""
    return f"\nthe newest {limit}; --limit N shows more" if len(found) == limit else ""
