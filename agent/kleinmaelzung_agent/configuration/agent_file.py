"""The [agent] table of an agent.toml, written or changed as text: everything else stays as somebody wrote it.

The file's text and what the table is to say in, text out.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Final

HEAD: Final = """\
# The agent's configuration, begun by `kleinmaelzung-agent enrol`. Instruments are added below; agent.example.toml shows
# how. After a change: kleinmaelzung-agent --config {path} --check
[agent]
"""
_HEADER = re.compile(r"\s*\[\s*agent\s*\]\s*(#.*)?\Z")
_ANY_HEADER = re.compile(r"\s*\[")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


class NotChanged(Exception):
    """The file is written in a way that this cannot change; the text is a sentence."""


def first(path: str, values: Mapping[str, str]) -> str:
    """A new file that says this and nothing else."""
    return HEAD.format(path=path) + "".join(_line(key, value) for key, value in values.items())


def says(text: str, key: str) -> bool:
    """Whether the [agent] table has this key; what is no TOML says nothing."""
    try:
        table = tomllib.loads(text).get("agent", {})
    except tomllib.TOMLDecodeError:
        return False
    return isinstance(table, dict) and key in table


def changed(text: str, values: Mapping[str, str], without: frozenset[str] = frozenset()) -> str:
    """The file with these values in its [agent] table, and without these keys. Raises NotChanged."""
    lines = text.splitlines(keepends=True)
    begin = next((number for number, line in enumerate(lines) if _HEADER.match(line.rstrip("\r\n"))), None)
    if begin is None:
        # At the end: what stands before the first table would become part of this one.
        return _checked(
            "".join([text.rstrip("\n"), "\n\n[agent]\n", *(_line(*each) for each in values.items())]), values
        )
    rest = range(begin + 1, len(lines))
    end = next((number for number in rest if _ANY_HEADER.match(lines[number])), len(lines))
    kept = [line for line in lines[begin + 1 : end] if _key(line) not in values.keys() | without]
    new = [_line(key, value) for key, value in values.items()]
    return _checked("".join([*lines[: begin + 1], *new, *kept, *lines[end:]]), values)


def _checked(text: str, values: Mapping[str, str]) -> str:
    try:
        table = tomllib.loads(text).get("agent", {})
    except tomllib.TOMLDecodeError as error:
        raise NotChanged(f"it cannot be changed here, for it is not plain TOML: {error}") from error
    if any(table.get(key) != value for key, value in values.items()):
        raise NotChanged("its table [agent] cannot be changed here: begin it with a line that says [agent]")
    return text


def _key(line: str) -> str:
    found = _KEY.match(line)
    return found.group(1) if found else ""


def _line(key: str, value: str) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
