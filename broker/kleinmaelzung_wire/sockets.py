"""What the two WebSockets carry: every message is an array [kind, ...]. docs/protocol.md tells it with examples.

    client -> gateway                                  gateway -> client
    ["hello", {"user", "password"}]                    ["welcome", {"user", "session", "version", "time"}]
    ["hello", {"code"}]      ["hello", {}]             (by a one-time link; as whoever looks in)
    ["list", id, pattern]                              ["done", id, result]
    ["watch", id, pattern, {"since"}]                  ["refused", id, code, sentence]
    ["unwatch", id, pattern]
    ["send", id, instrument, command, arguments, {}]   ["reply", id, reply]
    ["request", id, service, {"request", ...}, {}]     ["message", topic below the root, payload]
    ["access", id, [command, ...]]                     ["missed", count]
    ["rights", id, user, rights or nil]
    ["enrol", id, agent, {"replace", "lifetime"}]
    agent -> gateway                                   gateway -> agent
    ["hello", {"agent", "secret"}]                     ["welcome", {"agent", "gateway", "version", "time"}]
    ["hello", {"enrol", "password"}]                   ["enrolled", {"agent", "sealed", "key"}], the end (enrolment.py)
    ["publish", tail, payload, options]                ["message", tail, payload, options]
                                                       ["refused", tail, code, sentence]

`id` is chosen by the client, a number or a short text, and comes back in the answer. `options` of an agent's
messages hold `response` and `correlation`, by which a reply finds its caller.
"""

from typing import Any, Final

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import WireError

MSGPACK: Final = "kleinmaelzung.v1+msgpack"
JSON: Final = "kleinmaelzung.v1+json"

AGENT_PATH: Final = "/agent"
CLIENT_PATH: Final = "/client"

HELLO_TIMEOUT_S: Final = 5.0  # who has not said who they are by then is disconnected

# WebSocket close codes of our own (RFC 6455 leaves 4000 to 4999 to applications)
NOT_LOGGED_IN: Final = 4401
TAKEN_OVER: Final = 4409  # the same agent connected again
BROKER_LOST: Final = 1012  # "service restart": come back
TOO_SLOW: Final = 1013

# Codes of "refused"
NOT_PERMITTED: Final = "not-permitted"
BAD_MESSAGE: Final = "bad-message"
LIMIT: Final = "limit"
UNAVAILABLE: Final = "unavailable"
UNKNOWN: Final = "unknown"  # what was named does not exist
CONFLICT: Final = "conflict"  # it contradicts what is there: a name that is taken, a batch that has ended
BUSY: Final = "busy"  # a service has too much to do; nothing was done
TIMEOUT: Final = "timeout"  # whether it was done is not known
FAILED: Final = "failed"  # by a mistake of ours

Id = int | str


def encode(message: list[Any], subprotocol: str) -> bytes | str:
    """The message as its subprotocol carries it: bytes, or text for JSON."""
    return codec.to_json(message) if subprotocol == JSON else codec.pack(message)


def decode(received: bytes | str, subprotocol: str) -> tuple[str, list[Any]]:
    """Kind and the rest of a received message. Raises WireError for anything that is no message."""
    if subprotocol == JSON:
        value = codec.from_json(received)
    elif isinstance(received, str):
        raise WireError(f"text received, {MSGPACK} is binary")
    else:
        value = codec.unpack(received)
    if not isinstance(value, list) or not value or not isinstance(value[0], str):
        raise WireError("a message is an array whose first element is its kind")
    return value[0], value[1:]


def check_id(value: Any) -> Id:
    """A client's id for its question: an integer or a text of at most 64 characters."""
    if (type(value) is int and abs(value) < 2**53) or (type(value) is str and len(value) <= 64 and _can_be_sent(value)):
        return value
    raise WireError("an id is an integer or a text of at most 64 characters")


def _can_be_sent(text: str) -> bool:
    # JSON can bring in half a surrogate pair, and no socket takes it back out.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def readable(payload: bytes, is_json: bool) -> Any:
    """A payload as the JSON subprotocol shows it: decoded, whatever format it had on the broker."""
    return codec.from_json(payload) if is_json else codec.unpack(payload)
