"""What all questions to services share: how they are asked, known again, and what is said of an answer that is none."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from kleinmaelzung.errors import Error
from kleinmaelzung_wire.codec import WireError

Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]  # a request's name and its arguments, of one service


def make_id() -> str:
    """By which a request that is sent again is known."""
    return secrets.token_hex(16)


def unreadable(of: str, error: WireError) -> Error:
    """What to raise for an answer that is none."""
    return Error(f"the answer {of} is not readable ({error}): is it of another version?")
