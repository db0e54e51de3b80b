"""What became of each command, as the ledger keeps it: a record of kind "command".

An agent puts it into a numbered frame of the instrument, so it is logged exactly once. What no agent saw (offline, not
permitted by the broker) the gateway sends as the same record to `_service/gateway/refused`, with the `instrument`.

    {kind: "command", id, name, user, origin, arguments, result, reason, values, bytes_out, bytes_in, took_us,
     received, time}                                       times in µs since 1970
"""

from collections.abc import Mapping
from typing import Any, Final

from kleinmaelzung_wire import VERSION, codec, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import Command, Reply

KIND: Final = "command"


def record(command: Command, reply: Reply, *, origin: str, received: int) -> dict[str, Any]:
    """One command and what became of it. `origin` is the client session that sent it, where it is known."""
    return {
        "kind": KIND,
        "id": command.id,
        "name": command.name,
        "user": command.user,
        "origin": origin,
        "arguments": dict(command.arguments),
        "result": reply.result,
        "reason": reply.reason,
        "values": dict(reply.values),
        "bytes_out": reply.bytes_out,
        "bytes_in": reply.bytes_in,
        "took_us": reply.took_us,
        "received": received,
        "time": reply.time,
    }


def encode_refused(instrument: str, content: Mapping[str, Any]) -> bytes:
    """The payload of `_service/gateway/refused`: a record and the full name of its instrument."""
    return codec.pack({"v": VERSION, **content, "instrument": instrument})


def decode_refused(payload: bytes) -> tuple[str, dict[str, Any]]:
    """Full name of the instrument and the record. Raises WireError."""
    content = codec.unpack(payload)
    wire = Fields(content, "refused")
    if wire.integer("v") != VERSION or wire.text("kind") != KIND:
        raise WireError("refused is no record of a command in version 1")
    instrument = wire.text("instrument")
    topics.split_full_name(instrument)
    return instrument, {key: value for key, value in content.items() if key not in ("v", "instrument")}
