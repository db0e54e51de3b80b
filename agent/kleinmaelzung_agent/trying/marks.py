"""What stands around the text of answers, as one can see it: line ends, a prompt, STX and ETX, an echo. Pure.

A question and its answers as bytes in; out: keys of an instrument's table, and lines of text as its driver reads them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

ENCODINGS: Final = ("ascii", "utf-8", "latin-1")
_TAIL = re.compile(rb"(?:\r\n|\r|\n)([^\r\n]{1,4})\Z")
_END = re.compile(rb"(\r\n|\r|\n)[^\r\n]*\Z")


def encoding(heard: Sequence[bytes]) -> str:
    """The first in which all of it is text: each byte is a letter of latin-1."""
    return next((one for one in ENCODINGS if all(_is_in(content, one) for content in heard)), "latin-1")


def _is_in(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def keys(sent: bytes, answers: Sequence[bytes]) -> dict[str, Any]:
    """`received_terminator`, `received_begin`, `echo`, `encoding`: only what is not the default."""
    found: dict[str, Any] = {}
    if (name := encoding(answers)) != "ascii":
        found["encoding"] = name
    if answers and all(_is_echoed(sent.strip(b"\r\n"), one) for one in answers):
        found["echo"] = True
    if answers and all(b"\x02" in one and b"\x03" in one for one in answers):
        return found | {"received_begin": "\x02", "received_terminator": "\x03"}
    if prompt := _prompt(answers):
        found["received_terminator"] = prompt
    return found


def _is_echoed(asked: bytes, answer: bytes) -> bool:
    """Whether a line of its own says the same, and something follows: `T S 1.00 g` is no echo of T."""
    said, _, rest = answer.lstrip(b"\r\n").replace(b"\n", b"\r").partition(b"\r")
    return asked != b"" and said == asked and rest.strip() != b""


def _prompt(answers: Sequence[bytes]) -> str:
    """The end of a line with what follows it each time, such as `"\\r\\n> "`."""
    ends = {found[0] for found in map(_TAIL.search, answers) if found}
    if len(ends) != 1 or not all(map(_TAIL.search, answers)):
        return ""
    end = ends.pop()
    return "" if any(byte in b"0123456789" or byte >= 0x80 for byte in end) else end.decode("ascii")


def terminator(heard: bytes) -> str:
    """What ends its last line."""
    found = _END.search(heard)
    return found[1].decode("ascii") if found else ""


def lines(content: bytes, found: Mapping[str, Any], sent: bytes = b"") -> list[str]:
    """The lines of an answer without its echo, as the text driver reads them with these keys."""
    name = found.get("encoding", "ascii")
    end = found.get("received_terminator", "").encode("ascii")
    parts = content.split(end) if end else re.split(rb"[\r\n]+", content)
    texts = []
    for part in parts:
        begin = part.rfind(b"\x02") + 1 if found.get("received_begin") else 0
        if text := part[begin:].strip(b"\r\n").decode(name, "replace"):
            texts.append(text)
    if found.get("echo") and texts and sent:
        asked = sent.strip(b"\r\n").decode(name, "replace")
        texts[0] = texts[0].removeprefix(asked).lstrip("\r\n")
    return [text for text in texts if text]
