"""agent.toml in its two parts, as text: the [agent] table, which is this machine's own, and the rest. Pure.

    text --rest()--> what may be read and replaced from afar      own text and another rest --joined()--> text

Both keep every comment. The own part begins with the comment lines directly above `[agent]` and ends at the first empty
line after its last key, or where the next table begins. What cannot be parted so that both parts mean what they meant
in the whole is refused.
"""

import re
import tomllib
from typing import Any, Final

from kleinmaelzung_agent.configuration.agent_file import NotChanged

AGENT: Final = "agent"
_HEADER = re.compile(r"[ \t]*\[[ \t]*agent[ \t]*\][ \t]*(#.*)?\r?\Z")
_ANY_HEADER = re.compile(r"[ \t]*\[")
_COMMENT = re.compile(r"[ \t]*#")
_PLAIN = "begin its table [agent] with a line that says [agent], and each other table with a line of its own"


def rest(text: str) -> str:
    """The file without its [agent] table. Raises NotChanged."""
    before, _, after = _parted(text)
    return before + after


def joined(text: str, new_rest: str) -> str:
    """A file with the [agent] table of `text`, and of another file the rest. Raises NotChanged."""
    if AGENT in _read(new_rest, "the new configuration"):
        raise NotChanged("the new configuration has a table [agent]: that one is the machine's own, leave it out")
    _, own, _ = _parted(text)
    own = own.rstrip() + "\n"
    # At the end where the rest begins with keys of no table, which would become keys of this one.
    for candidate in (f"{own}\n{new_rest}", f"{new_rest}{own}"):
        if _is_right(candidate, text, new_rest):
            return candidate
    raise NotChanged(f"the new configuration cannot be put together with this machine's [agent]: {_PLAIN}")


def _is_right(candidate: str, text: str, new_rest: str) -> bool:
    try:
        found = tomllib.loads(candidate)
        return (
            found.pop(AGENT, None) == tomllib.loads(text)[AGENT]
            and found == tomllib.loads(new_rest)
            and rest(candidate) == new_rest
        )
    except (tomllib.TOMLDecodeError, NotChanged):
        return False


def _parted(text: str) -> tuple[str, str, str]:
    """What stands before the own part, it itself, and what stands behind it."""
    whole, lines = _read(text, "it"), _lines(text)
    header = next((number for number, line in enumerate(lines) if _HEADER.match(line.rstrip("\n"))), None)
    if header is None:
        raise NotChanged(f"it cannot be read in parts: {_PLAIN}")
    begin, end = _begin(lines, header), _end(lines, header)
    before, own, after = ("".join(part) for part in (lines[:begin], lines[begin:end], lines[end:]))
    try:
        is_right = tomllib.loads(own) == {AGENT: whole.pop(AGENT)} and tomllib.loads(before + after) == whole
    except (tomllib.TOMLDecodeError, KeyError):
        is_right = False
    if not is_right:
        raise NotChanged(f"it cannot be read in parts: {_PLAIN}")
    return before, own, after


def _begin(lines: list[str], header: int) -> int:
    while header and _COMMENT.match(lines[header - 1]):
        header -= 1
    return header


def _end(lines: list[str], header: int) -> int:
    behind = next((n for n in range(header + 1, len(lines)) if _ANY_HEADER.match(lines[n])), len(lines))
    # What follows the last key without an empty line between stays here: it may be a key that is commented out.
    last = max(n for n in range(header, behind) if lines[n].strip() and not _COMMENT.match(lines[n]))
    return next((n + 1 for n in range(last + 1, behind) if not lines[n].strip()), behind)


def _lines(text: str) -> list[str]:
    # Not splitlines(): it also parts at characters that may stand within a text.
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _read(text: str, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotChanged(f"{what} is not TOML: {error}") from error
