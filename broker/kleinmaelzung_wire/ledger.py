"""What became of each command, as the ledger keeps it: a record of kind "command".

An agent puts it into a numbered frame of the instrument, so it is logged exactly once. What no agent saw (offline, not
permitted by the broker) the gateway sends as the same record to `_service/gateway/refused`, with the `instrument`, and
again until a logger says at `_service/gateway/logged` that it is committed: a list of the payloads' digests. Another
attempt with the same id is another record, by its `received`.

    {kind: "command", id, name, user, origin, arguments, result, reason, values, bytes_out, bytes_in, took_us,
     received, time}                                       times in µs since 1970
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kleinmaelzung_wire import VERSION, codec, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US
from kleinmaelzung_wire.messages import Command, Reply

KIND: Final = "command"
DIGEST_BYTES: Final = 16


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
    wire.integer("received", minimum=MIN_TIME_US, maximum=MAX_TIME_US)  # tells one attempt from another
    instrument = wire.text("instrument")
    topics.split_full_name(instrument)
    return instrument, {key: value for key, value in content.items() if key not in ("v", "instrument")}


def digest(payload: bytes) -> bytes:
    """What a payload of `_service/gateway/refused` is called in the word that it is committed."""
    return hashlib.sha256(payload).digest()[:DIGEST_BYTES]


def encode_logged(digests: Iterable[bytes]) -> bytes:
    """The payload of `_service/gateway/logged`."""
    return codec.pack(list(digests))


def decode_logged(payload: bytes) -> list[bytes]:
    """Raises WireError."""
    found = codec.unpack(payload)
    if not isinstance(found, list) or not all(type(one) is bytes and len(one) == DIGEST_BYTES for one in found):
        raise WireError(f"logged is no list of digests of {DIGEST_BYTES} bytes")
    return found
