"""Makes bad inputs out of good ones: a seeded source of chance and a valid message in, something near it out. Pure."""

import struct
from collections.abc import Callable
from random import Random
from typing import Any, Final

MAX_BYTES: Final = 8192  # of a mutated message; what is too large has tests of its own

NUMBERS: Final = (0, -1, 1, 2**31, 2**53, 2**63 - 1, -(2**63), 2**64 - 1, 0.0, -0.0, 1e308, 5e-324)
NOT_FINITE: Final = (float("nan"), float("inf"), float("-inf"))
TEXTS: Final = (
    *("", "+", "#", "/", "$SYS", "..", "a" * 33, "a" * 5000, "\x00", "\r\n;", "=1+1", "'; DROP TABLE frames; --"),
    *("\ud800x", "\uffff", "\ufeff", "\u0440\u0430", "\U0001f600" * 9, "\u202e", "NaN"),
    *("true", "_take", "{0.__class__}", "%s%n"),
)
# Headers of msgpack that promise more than follows, extensions, and the byte that means nothing.
HEADERS: Final = tuple(
    [struct.pack("!BI", kind, 2**32 - 1) for kind in (0xC6, 0xC9, 0xDB, 0xDD, 0xDF)]
    + [struct.pack("!BH", kind, 2**16 - 1) for kind in (0xC5, 0xDA, 0xDC, 0xDE)]
    + [b"\xc1", b"\xd4\x01", b"\xd6\xff\x00", b"\xcf" + b"\xff" * 8, b"\xcb\x7f\xf8" + bytes(6)]
)
INVALID_UTF8: Final = (b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xa3\xff\xff\xff")

Change = Callable[[bytes, Random], bytes]


def change_bytes(data: bytes, chance: Random) -> bytes:
    """One to three changes to the bytes of a message."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(_CHANGES)(data, chance)
    return data[:MAX_BYTES]


def random_bytes(chance: Random) -> bytes:
    """Bytes that mean nothing, mostly few."""
    return chance.randbytes(chance.choice((0, 1, 2, 3, 8, 40, 300)))


def change_value(value: Any, chance: Random) -> Any:
    """The same structure but for one to three places."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        value = _changed(value, chance)
    return value


def any_value(chance: Random, *, depth: int = 3) -> Any:
    """A value of any type a message could hold, or should not."""
    kind = chance.randrange(9 if depth else 7)
    match kind:
        case 0:
            return chance.choice((None, True, False))
        case 1 | 2:
            return chance.choice(NUMBERS)
        case 3 | 4:
            return chance.choice(TEXTS)
        case 5:
            return chance.choice(NOT_FINITE)
        case 6:
            return random_bytes(chance)
        case 7:
            return [any_value(chance, depth=depth - 1) for _ in range(chance.choice((0, 1, 3)))]
        case _:
            return {chance.choice(TEXTS): any_value(chance, depth=depth - 1) for _ in range(chance.choice((0, 1, 3)))}


def deep(chance: Random) -> Any:
    """A list within a list, and so on: up to and beyond what is allowed."""
    value: Any = []
    for _ in range(chance.choice((8, 11, 12, 13, 60))):
        value = [value] if chance.random() < 0.5 else {"a": value}
    return value


def _changed(value: Any, chance: Random) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.85:
        return _changed_map(value, chance)
    if isinstance(value, (list, tuple)) and value and chance.random() < 0.85:
        return _changed_list(list(value), chance)
    if isinstance(value, bytes) and chance.random() < 0.6:
        return change_bytes(value, chance)
    if isinstance(value, str) and chance.random() < 0.4:
        return _changed_text(value, chance)
    return deep(chance) if chance.random() < 0.05 else any_value(chance)


def _changed_map(value: dict[Any, Any], chance: Random) -> dict[Any, Any]:
    key = chance.choice(list(value))
    match chance.randrange(8):
        case 0:
            return {other: inner for other, inner in value.items() if other != key}
        case 1:
            return {**value, chance.choice(TEXTS): any_value(chance)}
        case 2:
            return {chance.choice((1, b"k", "x")) if other == key else other: inner for other, inner in value.items()}
        case _:
            return {**value, key: _changed(value[key], chance)}


def _changed_list(value: list[Any], chance: Random) -> list[Any]:
    at = chance.randrange(len(value))
    match chance.randrange(8):
        case 0:
            return value[:at] + value[at + 1 :]
        case 1:
            return (value[:at] + [value[at]] * chance.choice((2, 70, 300)) + value[at:])[:400]
        case 2:
            return [*value[:at], any_value(chance), *value[at:]]
        case _:
            return [*value[:at], _changed(value[at], chance), *value[at + 1 :]]


def _changed_text(text: str, chance: Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(TEXTS) + text[at + chance.randrange(3) :]


def _flip(data: bytes, chance: Random) -> bytes:
    if not data:
        return b"\x00"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _take_out(data: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + data[at + chance.choice((1, 2, 8)) :]


def _double(data: bytes, chance: Random) -> bytes:
    first, last = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    return data[:last] + data[first:last] * chance.choice((1, 2, 50)) + data[last:]


def _put_in(data: bytes, chance: Random) -> bytes:
    what = chance.choice((*HEADERS, *INVALID_UTF8, b"\x91" * 1000, b"\x81\xa1a" * 600, b"[" * 1000, b'{"a":' * 300))
    at = chance.randint(0, len(data))
    return data[:at] + what + data[at + chance.choice((0, 1, len(what))) :]


def _overwrite(data: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(data))
    noise = chance.randbytes(chance.choice((1, 2, 4, 16)))
    return data[:at] + noise + data[at + len(noise) :]


_CHANGES: Final[tuple[Change, ...]] = (_flip, _flip, _cut, _take_out, _double, _put_in, _overwrite)
