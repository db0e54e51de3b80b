"""What numbers that instruments send stand for: a channel's keys `invalid`, `quality` and `quality_bits`. Pure."""

import contextlib
from typing import Any, Final, cast

from kleinmaelzung_agent.configuration.tables import Table, shown
from kleinmaelzung_wire import frames

INVALID: Final = "invalid"

Codes = tuple[tuple[float, str], ...]  # sent in place of a value, such as 0x7FFF; each with its quality

_EXPECTED: Final = 'expected a number, a list of numbers or a table such as { "0x7FFF" = "overrange" }'


def read(table: Table, *, is_number: bool) -> Codes:
    """`0x7FFF`, `[0x7FFF, 0x8000]`, or `{ "0x7FFF" = "overrange" }`."""
    found = table.anything("invalid")
    listed = list(found.items()) if isinstance(found, dict) else [(one, INVALID) for one in _listed(found)]
    codes = []
    for code, quality in listed:
        number = _number(code)
        is_word = isinstance(quality, str) and 0 < len(quality) <= frames.MAX_QUALITY
        if number is None or not is_word or not is_number:
            table.mistake("invalid", f"{_EXPECTED}, for a channel that is a number")
            return ()
        codes.append((number, quality))
    return tuple(codes)


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _number(code: Any) -> float | None:
    if type(code) in (int, float):
        return cast(float, code)
    if not isinstance(code, str):
        return None
    with contextlib.suppress(ValueError):
        return int(code, 0)
    with contextlib.suppress(ValueError):
        return float(code)
    return None


def qualities(table: Table) -> dict[int, str]:
    """`quality = { 0 = "unstable", 0x10 = "overload" }`; a key of TOML is a text."""
    return _numbered(table, "quality", "numbers and words for them")


def quality_bits(table: Table) -> dict[int, str]:
    """`quality_bits = { 0 = "unstable", 7 = "overload" }`."""
    return _numbered(table, "quality_bits", "numbers of bits from 0 to 63", range(64))


def _numbered(table: Table, key: str, expected: str, allowed: range | None = None) -> dict[int, str]:
    found = {}
    for text, word in table.texts(key).items():
        number = _whole(text)
        if number is None or (allowed and number not in allowed):
            table.mistake(key, f"expected {expected}, found {shown(text)}")
        else:
            found[number] = word
    return found


def _whole(text: str) -> int | None:
    try:
        return int(text, 10 if text.isdecimal() else 0)
    except ValueError:
        return None
