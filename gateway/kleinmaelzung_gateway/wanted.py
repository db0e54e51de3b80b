"""A file that a GET asks for, whatever it is of: what such a path becomes, and what is wrong with others. Pure.

path --history.wanted(), calibration_file.wanted()--> Wanted --files.py--> one body
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from kleinmaelzung_gateway.personal import Personal
from kleinmaelzung_wire.codec import Fields

MAX_PARAMETERS = 20


class NoFile(Exception):
    """The path names no file; the sentence says what one looks like."""


class Mistakes(Exception):
    """The query is wrong; a sentence for each mistake."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))


class TooLarge(Exception):
    """More than one answer may have; the sentence names what gets it."""


# A service's answer. `tries` is how often it is asked where no answer comes. Raises asking.Refused, WireError and
# BusError.
Request = Callable[[str, dict[str, Any], str | None, int], Awaitable[Fields]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a file's pieces are asked for: a service of the role, by the user's own session."""

    personal: Personal
    request: Request
    tell: Callable[[str, dict[str, Any]], Awaitable[None]]  # and wait for no answer


class Wanted(Protocol):
    """What a path names. `about` is whose it is, `name` and `media_type` go into headers: nothing unchecked in them."""

    @property
    def role(self) -> str: ...

    @property
    def about(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def media_type(self) -> str: ...

    @property
    def instead(self) -> str:
        """What else to do where it does not come in time."""
        ...

    async def pieces(self, desk: Desk, limit: int) -> Sequence[bytes]:
        """All of it. Raises TooLarge above the limit, Refused, WireError, BusError."""
        ...


def parameters(query: str, names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """What is given of these, and a sentence for each that is not one of them or comes twice."""
    expected = ", ".join(names)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return {}, [f"more than {MAX_PARAMETERS} parameters, expected {expected}"]
    keys = [key for key, _ in pairs]
    mistakes = [
        f"unknown parameter {key!r:.40}, expected {expected}" for key in dict.fromkeys(keys) if key not in names
    ]
    mistakes += [f"{key} is given more than once" for key in names if keys.count(key) > 1]
    return dict(pairs), mistakes
