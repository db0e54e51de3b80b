"""What a record in the ledger can hold of a command, whatever a caller put into it. Pure.

A command that was refused may hold anything: what is too long is cut, what a database cannot take is written out.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kleinmaelzung_agent.commands.remembered import Begun
from kleinmaelzung_wire import codec, ledger
from kleinmaelzung_wire.messages import Reply
from kleinmaelzung_wire.orders import ITSELF

MAX_ARGUMENTS: Final = 32
MAX_TEXT: Final = 1024
MAX_RAW: Final = 4096
MAX_DIGEST: Final = 512  # bytes of an order, its signature or a digest: a longer one is a piece of a file
MAX_BYTES: Final = 16 * 1024  # of all arguments: beside them a frame holds what was sent and what came


def of(begun: Begun, reply: Reply) -> dict[str, Any]:
    """The record of one command."""
    command = replace(begun.command, id=_plain(begun.id), name=_plain(begun.name), arguments=bounded(begun.arguments))
    reply = replace(kept(reply), reason=_plain(reply.reason))
    return ledger.record(command, reply, origin=_plain(begun.origin), received=begun.received)


def kept(reply: Reply) -> Reply:
    """A reply as it is remembered and recorded: without the bytes among its values, which only the caller needs."""
    values = {name: value for name, value in reply.values.items() if not isinstance(value, bytes)}
    return replace(reply, values=values) if len(values) < len(reply.values) else reply


def without_contents(instrument: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked of an agent itself, without the pieces of files that came with it."""
    if instrument != ITSELF:
        return dict(arguments)
    return {
        name: f"{len(value)} bytes" if isinstance(value, bytes) and len(value) > MAX_DIGEST else value
        for name, value in arguments.items()
    }


def bounded(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that are few, short and flat."""
    kept = _few(arguments)
    size = len(codec.pack(kept))
    return kept if size <= MAX_BYTES else {"...": f"{size} bytes, too many to be recorded"}


def _few(arguments: Mapping[str, Any]) -> dict[str, Any]:
    kept = {_plain(name): _bounded(value) for name, value in list(arguments.items())[:MAX_ARGUMENTS]}
    left_out = len(arguments) - MAX_ARGUMENTS
    return kept | ({"...": f"{left_out} more"} if left_out > 0 else {})


def _bounded(value: Any) -> Any:
    match value:
        case bytes():
            return value[:MAX_RAW]
        case str():
            return _plain(value)
        case bool() | float() | None:
            return value
        case int() if abs(value) < 2**63:
            return value
        case dict() if len(value) <= MAX_ARGUMENTS and not any(isinstance(v, (dict, list)) for v in value.values()):
            return _few(value)  # of a command that is armed
    return _plain(repr(value))


def _plain(text: str) -> str:
    return text.replace("\x00", "\\x00")[:MAX_TEXT]
