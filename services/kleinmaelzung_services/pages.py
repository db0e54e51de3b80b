"""Answers that are told in pages: all that was found in, what goes into one message out. Pure."""

from typing import Any, Final

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.requests import MAX_ANSWER

_ROOM: Final = MAX_ANSWER - 100  # what the answer has around it


def page(head: dict[str, Any], name: str, found: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """As many as one answer has room for, at most `limit`; one always has."""
    room = _ROOM - len(codec.pack(head))
    kept: list[dict[str, Any]] = []
    for one in found[:limit]:
        room -= len(codec.pack(one))
        if room < 0 and kept:
            break
        kept.append(one)
    return {**head, name: kept, "more": len(kept) < len(found)}
