"""What is sent when fuzzing: for each target its valid messages, and from these, seeded, any number of bad ones."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

import msgpack
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from kleinmaelzung_wire import codec, descriptions, frames, messages, requests, sockets
from kleinmaelzung_wire.codec import WireError
from tests.faults import mutate

T: Final = 1_764_000_000_000_000
LARGEST: Final = 60_000

Make = Callable[[Random], Any]  # one valid message, as a value
Pool = list[Any]  # values that hypothesis thought of


def pool(number: int, count: int) -> Pool:
    """Values of any shape, by hypothesis; the same number gives the same."""
    texts = st.text(max_size=40) | st.sampled_from(["v", "e", "n", "t", "c", "k", "r", "name", "id", "request"])
    integers = st.integers(-(2**63), 2**64 - 1)
    leaves = st.none() | st.booleans() | integers | st.floats() | texts | st.binary(max_size=40)
    anything = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=30)
    found: Pool = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(anything)
    def gather(value: Any) -> None:
        found.append(value)

    gather()
    return found


def pack(value: Any) -> bytes:
    """As msgpack, even what nobody could read."""
    packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    return packed


def to_json(value: Any) -> bytes:
    """As JSON, even where it is none."""
    try:
        return json.dumps(value, default=repr).encode()
    except TypeError:  # a key that JSON does not know
        return repr(value).encode(errors="replace")


def payloads(
    make: Make, count: int, chance: Random, thought_of: Pool, encode: Callable[[Any], bytes] = pack
) -> Iterator[bytes]:
    """`count` inputs near a valid message, and some far from any."""
    for _ in range(count):
        yield _payload(make, chance, thought_of, encode)[:LARGEST]


def _payload(make: Make, chance: Random, thought_of: Pool, encode: Callable[[Any], bytes]) -> bytes:
    kind = chance.random()
    if kind < 0.04:
        return encode(make(chance))
    if kind < 0.48:
        return encode(mutate.change_value(make(chance), chance))
    if kind < 0.84:
        return mutate.change_bytes(encode(make(chance)), chance)
    if kind < 0.95:
        return encode(chance.choice(thought_of))
    return mutate.random_bytes(chance)


def is_undecodable(path: str, received: bytes | str, subprotocol: str) -> bool:
    """Whether the gateway counts it as a message that could not be decoded: docs/protocol.md allows two of them."""
    try:
        kind, rest = sockets.decode(received, subprotocol)
        if path == sockets.CLIENT_PATH:
            sockets.check_id(rest[0] if rest else None)
            return False
    except WireError:
        return True
    return kind != "publish" or not (rest and isinstance(rest[0], str) and rest[0])


# Valid messages. Only these names are in them: what a changed one does must not hurt who watches.


def frame(chance: Random) -> Any:
    record = {"kind": chance.choice(("gap", "command", "clock")), "reason": "silent", "first": 1, "last": 3}
    count = chance.choice((1, 2, 5))
    made = frames.Frame(
        epoch=7,
        number=chance.randint(1, 10_000),
        times=tuple(T + 1000 * index for index in range(count)),
        channels={"temperature": [21.5] * count, "text": ["a"] * count},
        clock=frames.Clock(synchronised=True, error_us=chance.choice((None, 100))),
        units={"temperature": "°C"},
        quality={"temperature": ["suspect"] * count},
        records=[command_record(chance), record] if chance.random() < 0.5 else [],
        since_boot=frames.SinceBoot(5, 10**9),
    )
    return codec.unpack(frames.encode(made))


def backfill(chance: Random) -> Any:
    return [pack(frame(chance)) for _ in range(chance.choice((1, 2, 4)))]


def command_record(chance: Random) -> dict[str, Any]:
    return {
        "kind": "command",
        "id": f"{chance.getrandbits(48):x}",
        "name": "set",
        "user": "eva",
        "origin": "s1",
        "arguments": {"value": 1.5},
        "result": "done",
        "reason": "",
        "values": {"set": 1.5},
        "bytes_out": b"SET 1.50\r\n",
        "bytes_in": b"OK 1.50\r\n",
        "took_us": 1200,
        "received": T,
        "time": T + 5,
    }


def refused(chance: Random) -> Any:
    return {"v": 1, **command_record(chance), "instrument": "pi-9/balance"}


def commands(nonce: str) -> Make:
    """Commands for one connection of an agent."""

    def command(chance: Random) -> Any:
        name, arguments = chance.choice(_COMMANDS)
        own_id = f"{chance.getrandbits(48):x}"
        return {"v": 1, "id": own_id, "name": name, "arguments": arguments, "timeout_us": 50_000, "sent": T} | {
            "nonce": nonce
        }

    return command


_COMMANDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("set", {"value": 3.5}),
    ("_take", {"duration_s": 1, "force": True}),
    ("_extend", {"duration_s": 1}),
    ("_release", {}),
    ("_raw", {"bytes": b"T?\r\n", "timeout_s": 0.05}),
    ("_arm", {"name": "set"}),
)


def reply(chance: Random) -> Any:
    content = command_record(chance)
    names = ("id", "name", "user", "result", "reason", "values", "bytes_out", "bytes_in", "took_us", "time")
    return {"v": 1, **{name: content[name] for name in names}, "units": {"set": "°C"}}


def answer(chance: Random) -> Any:
    return codec.unpack(requests.Answer(ok=chance.random() < 0.5, content=[1], code="limit", sentence="no").encode())


def logged(chance: Random) -> Any:
    first = chance.randint(1, 10**6)
    return [["victim", chance.randint(1, 2**53), [[first, first + 5], [first + 9, first + 9]]]]


def agent_status(chance: Random) -> Any:
    status = messages.AgentStatus(online=chance.random() < 0.5, since=T, nonce="00ff", clock={"error_us": 5})
    return codec.unpack(status.encode())


def service_status(chance: Random) -> Any:
    well = chance.random() < 0.7
    status = messages.ServiceStatus(role="logger", online=well, healthy=well, since=T, figures={"frames": 1})
    return codec.unpack(status.encode())


def description(chance: Random) -> Any:
    argument = descriptions.Argument(name="value", type="number", unit="°C", minimum=0, maximum=10)
    made = descriptions.Description(
        channels=[descriptions.Channel(name="temperature", unit="°C")],
        commands=[descriptions.CommandDescription(name="set", arguments=[argument])],
        driver="text",
    )
    return codec.unpack(made.encode())


def state(chance: Random) -> Any:
    return codec.unpack(messages.State(state="connected", since=T, reason="").encode())


def control(chance: Random) -> Any:
    return codec.unpack(messages.Control(user="eva", session="s1", since=T, until=T + 10).encode())


def latest(chance: Random) -> Any:
    return {"temperature": {"value": 21.5, "unit": "°C", "quality": "good", "time": T}}


def rights(chance: Random) -> Any:
    return {"role": chance.choice(("observer", "operator")), "instruments": chance.choice((["+/+"], ["pi-9/+"]))}


def request(chance: Random) -> Any:
    return {"v": 1, "timeout_us": 500_000, **question(chance)}


def question(chance: Random) -> dict[str, Any]:
    when = {"from": T, "to": T + 10**9}
    return chance.choice(
        (
            {"request": "completeness", "instrument": "pi-9/+", **when},
            {"request": "ledger", "instrument": "pi-9/+", "user": "eva", "result": "done", "limit": 5, **when},
            {"request": "ledger-verify", "after": [1, "00" * 32], "head": [2, "ff" * 32]},
        )
    )


def publication(chance: Random) -> Any:
    """What an agent's socket says."""
    tail, make = chance.choice(_PUBLICATIONS)
    options = {"response": "_client/eva/s1/inbox", "correlation": b"k"}
    return ["publish", tail, pack(make(chance)), *([options] if chance.random() < 0.5 else [])]


_PUBLICATIONS: Final[tuple[tuple[str, Make], ...]] = (
    ("status", agent_status),
    ("balance/description", description),
    ("balance/state", state),
    ("balance/latest", latest),
    ("balance/data", frame),
    ("balance/backfill", backfill),
    ("balance/reply", reply),
    ("balance/control", control),
)


def asked(chance: Random) -> Any:
    """What a client's socket says."""
    number = chance.randint(1, 10**6)
    return chance.choice(
        (
            ["list", number, "pi-9/+"],
            ["watch", number, chance.choice(("pi-9/balance", "pi-9/+", "pi-9/status", "_service/logger/status"))],
            ["unwatch", number, "pi-9/+"],
            ["send", number, "pi-1/victim", "set", {"value": 2.5}, {"timeout": 0.1}],
            ["send", number, "pi-7/balance", "set", {}, {"timeout": 0.1, "id": "k1"}],
            ["request", number, "logger", question(chance), {"timeout": 0.5}],
            ["access", number, [{"command": "getClient", "username": "nobody"}]],
            ["rights", number, "nobody", rights(chance)],
        )
    )
