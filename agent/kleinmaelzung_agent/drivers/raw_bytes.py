"""What `_raw` is to send: `bytes` as they are, `text` with escapes, or `hex`. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_BYTES: Final = 1024
WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0

_ESCAPES: Final = {"r": 13, "n": 10, "t": 9, "0": 0, "e": 27, "\\": 92}
_PART = re.compile(r"\\x([0-9a-fA-F]{2})|\\([rnt0e\\])|([^\\])")


class RawError(ValueError):
    """This cannot be sent; the text says why."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes to send, and how long to wait for the first that comes back."""

    outgoing: bytes
    wait_s: float


def read(arguments: Mapping[str, Any], encoding: str) -> Raw:
    """Raises RawError."""
    expected = ("bytes", "text", "hex", "wait_s")
    if unknown := next((name for name in arguments if name not in expected), None):
        raise RawError(f"unknown argument {unknown!r:.40}, expected {', '.join(expected)}")
    given = [name for name in expected[:3] if arguments.get(name) is not None]
    if len(given) != 1:
        raise RawError(f"expected one of bytes, text, hex, found {' and '.join(given) or 'none'}")
    outgoing = _outgoing(given[0], arguments[given[0]], encoding)
    if not 0 < len(outgoing) <= MAX_BYTES:
        raise RawError(f"expected 1 to {MAX_BYTES} bytes, found {len(outgoing)}")
    return Raw(outgoing, _wait_s(arguments.get("wait_s")))


def unescape(text: str, encoding: str) -> bytes:
    r"""`"T?\\r\\n"` as bytes: \\r \\n \\t \\0 \\e \\\\ \\xNN. Raises RawError."""
    found, at = bytearray(), 0
    while at < len(text):
        part = _PART.match(text, at)
        if not part:
            raise RawError(f"{text[at : at + 4]!r} is no escape, expected \\r \\n \\t \\0 \\e \\\\ or \\xNN")
        digits, letter, plain = part.groups()
        if digits:
            found.append(int(digits, 16))
        elif letter:
            found.append(_ESCAPES[letter])
        else:
            found += _encoded(plain, encoding)
        at = part.end()
    return bytes(found)


def _encoded(character: str, encoding: str) -> bytes:
    if not character.isprintable():
        raise RawError(f"{character!r} is a control character, write it as an escape")
    try:
        return character.encode(encoding)
    except UnicodeEncodeError as error:
        raise RawError(f"{character!r} cannot be sent in {encoding}") from error


def _outgoing(name: str, value: Any, encoding: str) -> bytes:
    match name, value:
        case "bytes", bytes():
            return value
        case "text", str():
            return unescape(value[: 4 * MAX_BYTES + 1], encoding)
        case "hex", str():
            try:
                return bytes.fromhex(value)
            except ValueError as error:
                raise RawError(f"{value!r:.60} is no text of hexadecimal digits") from error
    raise RawError(f'argument "{name}" is {value!r:.60}, expected {"bytes" if name == "bytes" else "a text"}')


def _wait_s(value: Any) -> float:
    if value is None:
        return WAIT_S
    if type(value) not in (int, float) or not 0 <= value <= LONGEST_WAIT_S:
        raise RawError(f'argument "wait_s" is {value!r:.60}, expected 0 to {LONGEST_WAIT_S:g} seconds')
    return float(value)
