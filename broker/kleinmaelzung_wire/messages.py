"""What is sent besides frames and descriptions: frozen dataclasses with encode() and decode().

Times are integer µs since 1970 UTC. Each message is a msgpack map with `v: 1`; an unknown key is ignored, so an
older part understands a newer one.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from kleinmaelzung_wire import codec, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import Frame, Value

Condition = Literal["connected", "searching", "silent", "error"]
Result = Literal["done", "refused", "failed", "timeout", "offline", "expired", "not-permitted", "lost"]

MAX_SENTENCE = 500
MAX_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Whether an instrument can be read: `<agent>/<instrument>/state`.

    `calibration` is `{certificate, due, overdue}` where one holds of it (calibrations.py); `overdue` is only there
    while the agent's clock is synchronised.
    """

    state: Condition
    since: int
    reason: str = ""
    calibration: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        content = asdict(self)
        if not self.calibration:
            del content["calibration"]
        return codec.pack_versioned(content)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "state")
        return cls(
            state=codec.one_of(wire.text("state"), Condition, "state.state"),
            since=wire.integer("since"),
            reason=wire.text("reason", default="", longest=MAX_SENTENCE),
            calibration=wire.map("calibration", default={}),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatus:
    """Whether an agent is there: `<agent>/status`. The broker sends `OFFLINE` when its connection dies.

    `nonce` is drawn at each connection: a command that was made for another one is too late. `taken` counts frames
    numbered since the start, `samples` the values in them, `unlogged` the frames not yet known to be in the database.
    `clock` is `{synchronised, error_us, ahead_us}`, the last by the gateway's clock when it was connected to it;
    `spool` `{bytes, limit, free, keep_s, asked, previous}`: what it holds, how much it may, what its disk has left, for
    how long it keeps what is logged, how often it asked what is stored (stored.py), and its run before this one.
    `orders` is `{configuration, key, last: {kind, issued, sha256, result, reason, time}}`: the SHA-256 of its
    configuration, the fingerprint of the server key it trusts, what became of its last order (orders.py).
    """

    online: bool
    since: int = 0
    version: str = ""
    gateway: str = ""
    epoch: int = 0
    clock: dict[str, Any] = field(default_factory=dict)
    taken: int = 0
    samples: int = 0
    unlogged: int = 0
    reason: str = ""
    nonce: str = ""
    spool: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        return codec.pack_versioned(asdict(self))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "status")
        return cls(
            orders=wire.map("orders", default={}),
            spool=wire.map("spool", default={}),
            nonce=wire.text("nonce", default="", longest=MAX_ID),
            online=wire.boolean("online"),
            since=wire.integer("since", default=0),
            version=wire.text("version", default=""),
            gateway=wire.text("gateway", default=""),
            epoch=wire.integer("epoch", default=0),
            clock=wire.map("clock", default={}),
            taken=wire.integer("taken", default=0),
            samples=wire.integer("samples", default=0),
            unlogged=wire.integer("unlogged", default=0),
            reason=wire.text("reason", default="", longest=MAX_SENTENCE),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """Whether a service is there and well: `_service/<name>/status`. `role` is what it does, such as `logger`."""

    role: str
    online: bool
    healthy: bool
    since: int = 0
    version: str = ""
    reason: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        return codec.pack_versioned(asdict(self))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "status")
        return cls(
            role=wire.text("role"),
            online=wire.boolean("online"),
            healthy=wire.boolean("healthy"),
            since=wire.integer("since", default=0),
            version=wire.text("version", default=""),
            reason=wire.text("reason", default="", longest=MAX_SENTENCE),
            figures=wire.map("figures", default={}),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command to an instrument: `<agent>/<instrument>/command/<user>`. Its message expires after `timeout_us`.

    `user` is not on the wire: whoever receives it takes the user from the topic, which is the broker's word. `nonce`
    is the agent's connection that it was made for, `beat` what the agent's clock had last told its gateway (ms, 0 where
    that is not known): so the agent sees how long a command was under way. Names that begin with `_` are the agent's
    own: `_take`, `_raw` ...
    """

    id: str
    name: str
    user: str
    arguments: dict[str, Any] = field(default_factory=dict)  # Values; `_raw` has bytes
    timeout_us: int
    sent: int
    nonce: str = ""
    beat: int = 0

    def encode(self) -> bytes:
        content = asdict(self)
        del content["user"]
        return codec.pack_versioned(content)

    @classmethod
    def decode(cls, payload: bytes, *, user: str) -> Self:
        wire = Fields.versioned(payload, "command")
        return cls(
            id=wire.text("id", longest=MAX_ID),
            name=check_command(wire.text("name")),
            user=user,
            arguments=wire.map("arguments", default={}),
            timeout_us=wire.integer("timeout_us", minimum=1_000, maximum=3_600_000_000),
            sent=wire.integer("sent"),
            nonce=wire.text("nonce", default="", longest=MAX_ID),
            beat=wire.integer("beat", minimum=0, default=0),
        )


def check_command(name: str) -> str:
    """Return a command's name, which may begin with `_`, or raise WireError."""
    topics.check_name(name.removeprefix("_"), "command")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of a command: `<agent>/<instrument>/reply`, and to the caller's inbox.

    `done`: the instrument answered as expected; `refused`: nothing was sent to it; `failed`: it answered, but not
    as expected; `timeout`: it did not answer in time; `offline`: the agent is not there; `expired`: it came too late,
    or was made for an earlier connection, so nothing was sent; `not-permitted`: the broker did not take it from this
    user; `lost`: the connection to the agent was lost meanwhile, so whether it was executed is not known. `bytes_out`
    and `bytes_in` are what went through the port, `took_us` is measured at the agent. `recorded` is false where the
    agent has left no record of it: whoever sent it does that.
    """

    id: str
    name: str
    user: str
    result: Result
    reason: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    bytes_out: bytes = b""
    bytes_in: bytes = b""
    took_us: int = 0
    time: int = 0
    recorded: bool = True

    def encode(self) -> bytes:
        return codec.pack_versioned(asdict(self))

    def to_map(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        return cls._from_fields(Fields.versioned(payload, "reply"))

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From the map of a socket's ["reply", id, map]."""
        return cls._from_fields(Fields(value, "reply"))

    @classmethod
    def _from_fields(cls, wire: Fields) -> Self:
        return cls(
            id=wire.text("id", longest=MAX_ID),
            name=wire.text("name", longest=MAX_ID),
            user=wire.text("user", longest=MAX_ID),
            result=codec.one_of(wire.text("result"), Result, "reply.result"),
            reason=wire.text("reason", default="", longest=MAX_SENTENCE),
            values=wire.map("values", default={}),
            units=wire.map("units", default={}),
            bytes_out=wire.binary("bytes_out", default=b""),
            bytes_in=wire.binary("bytes_in", default=b""),
            took_us=wire.integer("took_us", default=0),
            time=wire.integer("time", default=0),
            recorded=wire.boolean("recorded", default=True),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Who alone may command an instrument until when: `<agent>/<instrument>/control`. No user: nobody holds it."""

    user: str = ""
    session: str = ""
    since: int = 0
    until: int = 0

    def encode(self) -> bytes:
        return codec.pack_versioned(asdict(self))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "control")
        return cls(
            user=wire.text("user", default="", longest=MAX_ID),
            session=wire.text("session", default="", longest=MAX_ID),
            since=wire.integer("since", default=0),
            until=wire.integer("until", default=0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRanges:
    """The frames of one instrument's epoch that are committed: first and last number of each run."""

    instrument: str
    epoch: int
    ranges: list[tuple[int, int]]


def encode_logged(logged: list[LoggedRanges]) -> bytes:
    """The payload of `<agent>/logged`: `[[instrument, epoch, [[first, last], ...]], ...]`."""
    return codec.pack([[entry.instrument, entry.epoch, entry.ranges] for entry in logged])


def decode_logged(payload: bytes) -> list[LoggedRanges]:
    value = codec.unpack(payload)
    if not isinstance(value, list):
        raise WireError("logged is not a list")
    return [decode_logged_entry(entry) for entry in value]


def decode_logged_entry(entry: Any) -> LoggedRanges:
    """One of its entries. Raises WireError."""
    match entry:
        case [str(instrument), int(epoch), list(ranges)]:
            return LoggedRanges(
                instrument=topics.check_name(instrument, "instrument"),
                epoch=epoch,
                ranges=[_decode_range(pair) for pair in ranges],
            )
    raise WireError("logged holds something else than [instrument, epoch, ranges]")


def _decode_range(pair: Any) -> tuple[int, int]:
    match pair:
        case [int(first), int(last)] if 1 <= first <= last:
            return first, last
    raise WireError(f"logged range {pair!r:.60} is not [first, last]")


def latest(frame: Frame) -> dict[str, dict[str, Any]]:
    """The newest value of each channel of a frame: `{channel: {value, unit, quality, time}}`."""
    last = len(frame.times) - 1
    return {
        name: {
            "value": column[last],
            "unit": frame.units.get(name, ""),
            "quality": frame.quality_of(name, last),
            "time": frame.times[last],
        }
        for name, column in frame.channels.items()
    }


def encode_latest(channels: dict[str, dict[str, Any]]) -> bytes:
    """The payload of `<agent>/<instrument>/latest`: JSON, for any MQTT tool."""
    return json.dumps(channels, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
