"""What answers one question: lines in, at last what they say. Pure but for what it collects.

First the echo, where the instrument echoes; then a block of lines; MORE after each line but the last.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from kleinmaelzung_agent.drivers import driver
from kleinmaelzung_agent.drivers.conversation import MORE
from kleinmaelzung_agent.drivers.text.blocks import ONE_LINE, Block, Extent, TooLongError
from kleinmaelzung_agent.drivers.text.patterns import Match
from kleinmaelzung_wire.messages import Command, Reply

T = TypeVar("T")
Says = Callable[[str, int], T | None]  # a text and when its last line came


def nothing(text: str, taken_ns: int) -> None:
    """No line alone says anything."""


class Answer(Generic[T]):
    """The match of one question. `alone` says it where `says` does not, such as a refusal; also by the first line of
    a block.

    What comes before the echo is no answer: it may be a late one to the question before. A second answer may follow,
    when the first was a late one, with its own echo.
    """

    def __init__(self, says: Says[T], *, extent: Extent = ONE_LINE, alone: Says[T] = nothing, echo: str = "") -> None:
        self._says, self._alone = says, alone
        self._block, self._is_one_line = Block(extent), extent.is_one_line
        self._echo = echo
        self._is_echoed = not echo

    def __call__(self, line: str, taken_ns: int) -> Any:
        if not self._is_echoed:
            if not line.startswith(self._echo):
                return None
            self._is_echoed = True
            line = line.removeprefix(self._echo).lstrip("\r\n")
            if not line:
                return MORE
        answer = self._read(line, taken_ns)
        if answer is not None and answer is not MORE:
            self._is_echoed = not self._echo
        return answer

    def _read(self, line: str, taken_ns: int) -> Any:
        if not self._block.is_inside and not self._is_one_line:
            answer = self._alone(line, taken_ns)
            if answer is not None or not self._block.can_begin(line):
                return answer
        try:
            text = self._block.take(line)
        except TooLongError:
            return None
        if text is None:
            return MORE
        answer = self._says(text, taken_ns)
        return self._alone(text, taken_ns) if answer is None else answer


def echoed(says: T, echo: str) -> Callable[[str, int], T | None]:
    """The match of a question that is answered by its echo alone."""

    def match(line: str, taken_ns: int) -> T | None:
        return says if line == echo else None

    return match


class Checked:
    """The match of a command after which the instrument is asked for its errors: replies, then the error's line."""

    def __init__(self, command: Command, reads: Callable[[str], Match | None] | None, none: re.Pattern[str],
                 some: re.Pattern[str]) -> None:  # fmt: skip
        self._command, self._reads = command, reads
        self._none, self._some = none, some
        self._found: Match | None = None

    def __call__(self, line: str, taken_ns: int) -> Any:
        if self._none.fullmatch(line):
            return self._done()
        if error := self._some.fullmatch(line):
            self._found = None
            return driver.reply(
                self._command, "failed", f"the instrument says: {error.groupdict().get('reason', line)}"
            )
        self._found = self._reads(line) if self._reads else None
        return None if self._found is None else MORE

    def _done(self) -> Reply:
        found, self._found = self._found, None
        if self._reads is None:
            return driver.reply(self._command, "done")
        if found is None:
            return driver.reply(self._command, "failed", "the instrument reports no error, but its answer is missing")
        return replace(driver.reply(self._command, "done"), values=found.values, units=found.units)
