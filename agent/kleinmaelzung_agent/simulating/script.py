"""A profile's transcript as an instrument: what is sent to it in, what it answers out. Pure.

[[transcript]] --read()--> Entries          Script.answer(request, seconds) --> the text of each line, or None

An entry answers what is `send`, exactly, or what matches `match`, while its `when` holds. The numbers among the groups
of `match` become variables, and then those of `set`. `{load - tare:10.4f}` in a reply is a formula and its format.
A Language says what `send`, `match` and `reply` look like: here is that of texts, in binary.py that of bytes.
"""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import formula as formulas
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.simulating.variables import Variables

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_INTEGERS: Final = ("c", "d", "x", "X", "o", "b")


class Match(Protocol):
    """What an entry answers."""

    def taken(self, request: str) -> dict[str, float] | None:
        """The numbers that the request gives; None: it is another one."""
        ...


class Reply(Protocol):
    """What it says."""

    def fill(self, numbers: Mapping[str, float]) -> str: ...


class Language(Protocol):
    """How a transcript is written."""

    def names(self, match: object) -> list[str]:
        """The numbers that a `match` may take."""
        ...

    def match(self, table: Table) -> Match | None:
        """By `match` or `send`; None: it answers nothing."""
        ...

    def reply(self, table: Table, text: str, known: set[str]) -> Reply: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Text between formulas with their formats."""

    parts: tuple[tuple[str, Formula | None, str], ...]

    def fill(self, numbers: Mapping[str, float]) -> str:
        return "".join(text + (_shown(formula, spec, numbers) if formula else "") for text, formula, spec in self.parts)


def _shown(formula: Formula, spec: str, numbers: Mapping[str, float]) -> str:
    value = formulas.value(formula, numbers)
    if value is None:
        return ""
    number = round(value) if spec[-1:] in _INTEGERS else value + 0.0  # no -0.0
    return format(number, spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of the transcript. What is expected of it is for whoever tests."""

    send: str | None = None
    match: Match | None = None
    when: Formula | None = None
    sets: Mapping[str, Formula] = field(default_factory=dict)
    reply: tuple[Reply, ...] | None = None
    every_s: float = 0.0  # it is said without being asked
    given: Mapping[str, float] = field(default_factory=dict)
    registers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    command: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)  # values, units, quality, result, reason, identity


EXPECTED: Final = ("values", "units", "quality", "result", "reason", "identity")


def _entry(table: Table, known: set[str], language: Language) -> Entry:
    sets = table.table("set")
    entry = Entry(
        send=table.text("send") if "send" in table else None,
        match=language.match(table),
        when=read_formula(table, "when", table.text("when"), known) if "when" in table else None,
        sets={name: found for name in sets.values if (found := _set(sets, name, known))},
        reply=_reply(table, known, language),
        every_s=table.duration("every", 0.0, minimum=0.01),
        given=table.table("given").values,
        registers=table.table("registers").values,
        command=table.text("command", ""),
        arguments=table.table("arguments").values,
        expected={key: table.anything(key) for key in EXPECTED if key in table},
    )
    table.finish()
    return entry


def _set(table: Table, name: str, known: set[str]) -> Formula | None:
    value = table.anything(name)
    return read_formula(table, name, str(value), known)


def read_formula(table: Table, key: str, text: str, known: set[str]) -> Formula | None:
    try:
        return formulas.parse(text, known)
    except formulas.FormulaError as error:
        table.mistake(key, str(error))
        return None


def _reply(table: Table, known: set[str], language: Language) -> tuple[Reply, ...] | None:
    said = table.anything("reply")
    lines = [said] if isinstance(said, str) else said
    if lines is None:
        return None
    if not isinstance(lines, list) or any(not isinstance(line, str) for line in lines):
        table.mistake("reply", "expected a text, or a list of texts, one for each line")
        return None
    return tuple(language.reply(table, line, known) for line in lines)


# --- texts ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Exactly:
    text: str

    def taken(self, request: str) -> dict[str, float] | None:
        return {} if request == self.text else None


@dataclass(frozen=True, slots=True)
class _Pattern:
    pattern: re.Pattern[str]

    def taken(self, request: str) -> dict[str, float] | None:
        found = self.pattern.fullmatch(request)
        if not found:
            return None
        return {name: float(text) for name, text in found.groupdict().items() if text and _is_number(text)}


class _Texts:
    """`match` is a regular expression, a reply a text with formulas."""

    def names(self, match: object) -> list[str]:
        return re.findall(r"\(\?P<([a-z][a-z0-9_]*)>", match) if isinstance(match, str) else []

    def match(self, table: Table) -> Match | None:
        if "match" not in table:
            return _Exactly(table.text("send")) if "send" in table else None
        try:
            return _Pattern(re.compile(table.text("match")))
        except re.error as error:
            table.mistake("match", f"no regular expression: {error}")
            return None

    def reply(self, table: Table, text: str, known: set[str]) -> Reply:
        try:
            return Template(parts=tuple(_parts(table, text, known)))
        except ValueError as error:
            table.mistake("reply", f"expected text with {{formula:format}}, where a plain brace is doubled: {error}")
            return Template(parts=())


TEXT: Final[Language] = _Texts()


def read(tables: Sequence[Table], names: Sequence[str], language: Language = TEXT) -> tuple[Entry, ...]:
    """`names` are the variables; mistakes are collected by the tables."""
    known = {*names, *(name for table in tables for name in language.names(table.values.get("match")))}
    return tuple(_entry(table, known, language) for table in tables)


def _parts(table: Table, text: str, known: set[str]) -> Iterator[tuple[str, Formula | None, str]]:
    for before, inside, spec, _ in string.Formatter().parse(text):
        found = None if inside is None else read_formula(table, "reply", inside, known)
        format(1 if (spec or "")[-1:] in _INTEGERS else 1.0, spec or "")
        yield before, found, spec or ""


class Script:
    """One instrument that answers by its transcript."""

    def __init__(self, entries: Sequence[Entry], variables: Variables) -> None:
        self._entries, self.variables = entries, variables

    @property
    def unasked(self) -> list[Entry]:
        return [entry for entry in self._entries if entry.every_s]

    def answer(self, request: str, now_s: float) -> list[str] | None:
        """The lines; none where it understood and says nothing; None: it did not understand."""
        numbers = self.variables.at(now_s)
        for entry in self._entries:
            taken = entry.match.taken(request) if entry.match else None
            if taken is not None and _holds(entry, numbers | taken):
                return self._done(entry, numbers, taken)
        return None

    def say(self, entry: Entry, now_s: float) -> list[str]:
        """What it says unasked; nothing while its `when` does not hold."""
        numbers = self.variables.at(now_s)
        return [line.fill(numbers) for line in entry.reply or ()] if _holds(entry, numbers) else []

    def _done(self, entry: Entry, numbers: dict[str, float], taken: Mapping[str, float]) -> list[str]:
        for name, value in taken.items():
            self.variables.set(name, value)
        numbers |= taken
        for name, formula in entry.sets.items():
            if (result := formulas.value(formula, numbers)) is not None:
                self.variables.set(name, result)
                numbers[name] = result
        return [line.fill(numbers) for line in entry.reply or ()]


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < float("inf")
    except ValueError:
        return False


def _holds(entry: Entry, numbers: Mapping[str, float]) -> bool:
    return entry.when is None or bool(formulas.value(entry.when, numbers))
