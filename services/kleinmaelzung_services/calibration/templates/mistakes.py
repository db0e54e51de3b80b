"""What is wrong in a template, and how it is said: where, what was found, the rule, what to do. Pure."""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_services.calibration.templates.lines import Path, line_of

LONGEST_KEY: Final = 64
# Far beyond any instrument, and still far from where a float loses its digits or overflows when squared.
LARGEST: Final = 1e15

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mistake:
    """One thing that is wrong: where, what was found (empty: nothing), the rule that it breaks, and what to do."""

    line: int
    path: str
    found: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        found = f"found {self.found}; " if self.found else ""
        return f"line {self.line}: {self.path or 'the file'}: {found}{self.rule}; {self.remedy}"


class Notes:
    """The mistakes of one file, and the lines of its keys."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self.mistakes: list[Mistake] = []
        self._lines = lines

    def is_there(self, path: Path) -> bool:
        """Whether the file has this key."""
        return path in self._lines

    def add(self, path: Path, rule: str, remedy: str, *, found: Any = None) -> None:
        if path[-1:] == ("point",) and not self.is_there(path) and self.is_there((*path[:-1], "load")):
            path = (*path[:-1], "load")  # the same, as they say of balances
        told = "" if found is None else shown(found)
        where = line_of(self._lines, path)
        self.mistakes.append(Mistake(line=where, path=show_path(path), found=told, rule=rule, remedy=remedy))


def each_once(found: Iterable[tuple[Path, str]], notes: Notes, rule: str) -> None:
    """Report what comes a second time."""
    seen: set[str] = set()
    for path, value in found:
        if value and value in seen:
            notes.add(path, rule, "give each its own", found=value)
        seen.add(value)


def hint(found: str, expected: Iterable[str], *, cutoff: float = 0.6) -> str:
    """`did you mean "name"?`, or nothing where nothing is similar."""
    if len(found) > LONGEST_KEY:
        return ""
    similar = difflib.get_close_matches(found, list(expected), n=1, cutoff=cutoff)
    return f'did you mean "{similar[0]}"?' if similar else ""


def shown(value: Any) -> str:
    """A value as TOML would write it, short enough for a sentence."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    if type(value) is int and abs(value) > LARGEST:
        return "a very large number"  # Python refuses to write out thousands of digits
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value).removesuffix(".0")
    return text if len(text) <= 60 else f"{text[:57]}..."


def show_path(path: Path) -> str:
    """`test[2].points[3]`; lists are counted from 0."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            short = key if len(key) <= LONGEST_KEY else f"{key[: LONGEST_KEY - 3]}..."
            plain = short if _PLAIN_KEY.fullmatch(key) else json.dumps(short, ensure_ascii=False)
            text += f".{plain}" if text else plain
    return text
