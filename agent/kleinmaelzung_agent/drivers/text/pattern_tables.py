"""Tables that say how lines look to patterns: `{ pattern }`, `{ fields }` or `{ pairs }`, and of how many lines.

Mistakes are collected by the tables.
"""

import re
from collections.abc import Collection
from typing import Final

from kleinmaelzung_agent.configuration.tables import REQUIRED, Table, hint, shown
from kleinmaelzung_agent.drivers.text import blocks, patterns
from kleinmaelzung_agent.drivers.text.blocks import Extent
from kleinmaelzung_agent.drivers.text.forms import REST, Fields, Form, Pairs, Regex
from kleinmaelzung_agent.drivers.text.patterns import Pattern
from kleinmaelzung_wire import frames

_FORMS: Final = ("pattern", "fields", "pairs")


def regex(table: Table, key: str) -> re.Pattern[str]:
    """A regular expression; one that matches nothing but an empty line where it is wrong."""
    text = table.text(key, longest=4096)
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        table.mistake(key, f"not a regular expression: {error}")
        return re.compile("")


def pattern(table: Table, known: Collection[str], decimal: str) -> Pattern:
    """What a poll's reply or a stream says; `known` are the names that mean something."""
    found = Pattern(
        form=_form(table, known, decimal),
        quality=table.text("quality", patterns.GOOD, longest=frames.MAX_QUALITY),
    )
    table.finish()
    return found


def answer(table: Table, decimal: str) -> Pattern:
    """What a command's reply says; all names are welcome."""
    found = Pattern(form=_form(table, None, decimal))
    table.finish()
    return found


def refusal(table: Table, decimal: str) -> Pattern:
    """A command's reply that says no."""
    found = Pattern(form=_form(table, None, decimal), reason=table.text("reason", REQUIRED, longest=200))
    table.finish()
    return found


def _form(table: Table, known: Collection[str] | None, decimal: str) -> Form:
    given = [key for key in _FORMS if key in table]
    if len(given) > 1:
        table.mistake(given[1], f"expected one of pattern, fields, pairs, found {' and '.join(given)}")
    if not given:
        table.mistake("pattern", "missing, expected a text; or fields, or pairs")
    form = (
        {"fields": _fields, "pairs": _pairs}.get(given[0], _regex)(table, decimal) if given else Regex(re.compile(""))
    )
    for key in given[1:]:  # said above
        table.anything(key)
    _check_names(table, given[0] if given else "pattern", form.names, known)
    return form


def _check_names(table: Table, key: str, names: tuple[str, ...], known: Collection[str] | None) -> None:
    what = "group" if key == "pattern" else "name"
    for name in names:
        if known is not None and name not in known:
            table.mistake(key, f'{what} "{name}" is no channel and no unit_group or quality_group{hint(name, known)}')
        if known is None and not name.isidentifier():
            table.mistake(key, f"expected names such as temperature_1, found {shown(name)}")
        if names.count(name) > 1 and name != "":
            table.mistake(key, f'{what} "{name}" is there {names.count(name)} times')
            return


def _regex(table: Table, decimal: str) -> Form:
    return Regex(regex(table, "pattern"))


def _fields(table: Table, decimal: str) -> Form:
    fields = table.text_list("fields")
    if not any(name not in ("", REST) for name in fields):
        table.mistake("fields", "expected at least one name")
    if REST in fields[:-1]:
        table.mistake("fields", f'"{REST}" means that more may follow: expected at the end')
    return Fields(
        fields=tuple(fields) or ("",),
        separator=_separator(table, ",", decimal),
        head=table.text("head", "", longest=256),
    )


def _pairs(table: Table, decimal: str) -> Form:
    below = table.table("pairs")
    pairs = {name.strip(): below.text(name, longest=32) for name in below.values}
    if not pairs:
        table.mistake("pairs", 'expected a table such as { T = "temperature" }')
    separator, assign = _separator(table, ";", decimal), table.text("assign", "=", longest=8)
    if not assign or assign == separator or (not separator and assign.isspace()):
        table.mistake("assign", f"expected what stands between name and value, found {shown(assign)}")
    return Pairs(pairs=pairs, separator=separator, assign=assign, head=table.text("head", "", longest=256))


def _separator(table: Table, default: str, decimal: str) -> str:
    separator = table.text("separator", default, longest=8)
    if separator == decimal:
        table.mistake("separator", f"{shown(separator)} is also the decimal mark of this instrument")
    if separator and separator in '"\r\n':
        table.mistake(
            "separator", f'expected what stands between columns, "" is any white space, found {shown(separator)}'
        )
    return separator


def extent(table: Table, *, comes_unasked: bool = False) -> Extent:
    """The keys `lines`, `until`, `first` of a poll, a command or a stream."""
    found = Extent(
        lines=table.integer("lines", 1, minimum=1, maximum=blocks.MAX_LINES),
        until=regex(table, "until") if "until" in table else None,
        first=regex(table, "first") if "first" in table else None,
    )
    if "lines" in table and "until" in table:
        table.mistake("until", "expected either lines or until, found both")
    if found.is_one_line and found.first:
        table.mistake("first", "expected lines or until beside it")
    if comes_unasked and not found.is_one_line and found.first is None:
        table.mistake(
            "first", "missing, expected how the first of several lines looks: nobody asked, so they begin there"
        )
    return found
