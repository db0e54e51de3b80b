"""The forms that a line may have: a regular expression, columns, pairs of name and value. Pure.

A form gives a line's groups, names with their texts, or None where the line does not have that form.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

Groups = Mapping[str, str | None]

REST: Final = "..."  # more columns may follow


class Form(Protocol):
    @property
    def names(self) -> tuple[str, ...]:
        """Of its groups."""
        ...

    def groups(self, text: str) -> Groups | None:
        """What the text says; a group that is empty or missing is None."""
        ...


@dataclass(frozen=True, slots=True)
class Regex:
    """The whole text must match; Python's syntax."""

    expression: re.Pattern[str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.expression.groupindex)

    def groups(self, text: str) -> Groups | None:
        found = self.expression.fullmatch(text)
        return found.groupdict() if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Columns, exactly as many as are named; an empty name skips one, and REST at the end leaves the number open."""

    fields: tuple[str, ...]
    separator: str = ","
    head: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in self.fields if name not in ("", REST))

    def groups(self, text: str) -> Groups | None:
        columns = _columns(text[len(self.head) :], self.separator) if text.startswith(self.head) else None
        if columns is None:
            return None
        wanted = self.fields[:-1] if self.fields[-1] == REST else self.fields
        if len(columns) < len(wanted) or (len(columns) > len(wanted) and wanted == self.fields):
            return None
        return {name: column.strip() or None for name, column in zip(wanted, columns, strict=False) if name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Names with values in any order, `pairs` is names to groups. Others are left out; one at least must be there."""

    pairs: Mapping[str, str]
    separator: str = ";"
    assign: str = "="
    head: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.pairs.values())

    def groups(self, text: str) -> Groups | None:
        if not text.startswith(self.head):
            return None
        found: dict[str, str | None] = {}
        for column in _columns(text[len(self.head) :], self.separator) or ():
            name, assign, value = column.partition(self.assign)
            group = self.pairs.get(name.strip())
            if not assign or group is None:
                continue
            if group in found:  # two lines that ran into one
                return None
            found[group] = value.strip() or None
        return found or None


def _columns(text: str, separator: str) -> list[str] | None:
    """Of all lines of the text; None where its quotes are wrong."""
    if not separator:
        return text.split()
    if len(separator) > 1:
        return [column for line in text.split("\n") for column in line.split(separator)]
    try:
        # CR may stand within a line that ends otherwise; for csv it would end the row.
        rows = list(csv.reader(text.replace("\r", " ").split("\n"), delimiter=separator, strict=True))
    except csv.Error:
        return None
    return [column for row in rows for column in row]
