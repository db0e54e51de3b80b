"""A command as it came to the agent: by whom, how its answer finds the way back, how long it was under way. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kleinmaelzung_agent.commands.remembered import Begun
from kleinmaelzung_wire import codec, messages, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import Command


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it came: who, by which session, and whether on the topic for raw bytes."""

    begun: Begun
    command: Command
    is_raw: bool

    @property
    def who(self) -> tuple[str, str]:
        return self.begun.user, self.begun.origin


def way_back(user: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """How the answer finds the caller, and which session asks: only an inbox of the same user counts."""
    response = options.get("response")
    if not isinstance(response, str) or topics.inbox_owner(response) != user:
        return {}, ""
    back = {key: options[key] for key in ("response", "correlation") if key in options}
    return back, topics.inbox_session(response) or ""


def under_way_s(command: Command, boottime_ns: int) -> float:
    """How long ago we told the beat that it carries, and so at least as long as it was under way; 0: not known."""
    return boottime_ns / 1e9 - command.beat / 1e3 if command.beat else 0.0


def texts(payload: bytes) -> dict[str, str]:
    """What is text of reasonable length in a command that is otherwise wrong."""
    try:
        fields = codec.unpack(payload)
    except WireError:
        return {}
    if not isinstance(fields, dict):
        return {}
    return {key: value for key, value in fields.items() if isinstance(value, str) and len(value) <= messages.MAX_ID}
