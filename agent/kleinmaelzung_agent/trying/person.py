"""The person at the terminal: sentences out, answers in. With --yes all that is asked has its default as the answer.

Lines that are typed are kept by readline: the arrow keys bring them back.
"""

import contextlib
import sys
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

T = TypeVar("T")
_YES: Final = ("y", "yes", "j", "ja")
_NO: Final = ("n", "no", "nein")


class Person(Protocol):
    def say(self, text: str = "") -> None: ...

    def ask(self, question: str, default: str = "") -> str:
        """What was typed; the default for nothing. Raises EOFError where nobody answers any more."""
        ...

    @property
    def is_there(self) -> bool:
        """Whether somebody answers; else defaults do."""
        ...


class Typing:
    """Somebody who types."""

    is_there: Final = True

    def __init__(self) -> None:
        with contextlib.suppress(ImportError):
            import readline

            readline.parse_and_bind("tab: self-insert")  # a tabulator may be part of what is sent

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def ask(self, question: str, default: str = "") -> str:
        shown = f"{question} [{default}] " if default else f"{question} "
        return input(shown).strip() or default


class Yes:
    """Nobody: defaults. What is said goes to the error output where the document goes to the output."""

    is_there: Final = False

    def __init__(self, *, is_document_wanted: bool) -> None:
        self._file = sys.stderr if is_document_wanted else sys.stdout

    def say(self, text: str = "") -> None:
        print(text, file=self._file, flush=True)

    def ask(self, question: str, default: str = "") -> str:
        return default


def agrees(person: Person, question: str, *, default: bool = False) -> bool:
    """Yes or no; with nobody there, yes."""
    if not person.is_there:
        return True
    while True:
        answer = person.ask(question, "Y/n" if default else "y/N").lower()
        if answer in ("y/n",):
            return default
        if answer in (*_YES, *_NO):
            return answer in _YES
        person.say("Please type y for yes or n for no.")


def until_right(person: Person, question: str, default: str, read: Callable[[str], T]) -> T:
    """Ask until `read` raises no ValueError; with nobody there the error is the end."""
    while True:
        try:
            return read(person.ask(question, default))
        except ValueError as error:
            if not person.is_there:
                raise
            person.say(f"{error}. Please try again.")
