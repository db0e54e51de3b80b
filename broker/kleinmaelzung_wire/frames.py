"""A frame: samples of one instrument sent together. Its bytes are final once it has its number.

On the wire a msgpack map:

    v  1
    e  epoch: random, drawn at each start of the agent; 1 to 2^53-1, so that JavaScript keeps it
    n  number: 1, 2, 3 ... per instrument within the epoch, without a hole
    t  times in µs since 1970 UTC: [first], [first, step] for equal steps, or [first, offset, offset, ...]
    c  {channel: [value, ...]}: columns of equal length; number, text, bool or nil
    u  {channel: unit}: the unit of each value, where it has one (docs/decisions/0001)
    q  {channel: [quality or nil, ...]}: absent means good
    k  [synchronised, estimated error in µs or nil]: the clock when the samples were taken
    b  [boot, µs since that boot at the first time]: what corrects the times afterwards; boot is 1 to 2^53-1
    r  [record, ...]: what happened to the instrument instead of samples, for example a gap; absent mostly

An unknown key is kept in the bytes and otherwise ignored.

Several frames of one instrument can travel as one message: a msgpack list of their bytes (pack_several). So a backlog
costs the gateway and the broker little, and each frame keeps its bytes.
"""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kleinmaelzung_wire import VERSION, codec, topics
from kleinmaelzung_wire.codec import WireError

Value = float | int | str | bool | None

MAX_SAMPLES = 4096
MAX_CHANNELS = 64
MAX_EPOCH = 2**53 - 1
MAX_NUMBER = 2**53 - 1
MAX_VALUE_TEXT = 1024
MAX_UNIT = 32
MAX_QUALITY = 32
# Years 2001 to 2286; what lies outside is no time of measurement but a wrong unit.
MIN_TIME_US = 10**15
MAX_TIME_US = 10**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How far the agent's clock could be trusted when the samples were taken."""

    synchronised: bool
    error_us: int | None = None  # estimated; None where nothing is known


@dataclass(frozen=True, slots=True)
class SinceBoot:
    """The same moment on the clock that nobody sets: µs since the machine's boot, and which boot that was."""

    boot: int
    time_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Samples of one instrument: `times[i]` (µs since 1970 UTC) belongs to `channels[name][i]`.

    `units` names the unit of each channel that has one, `quality` holds text per sample where it is not good.
    """

    epoch: int
    number: int
    times: tuple[int, ...]
    channels: dict[str, list[Value]]
    clock: Clock
    units: dict[str, str] = field(default_factory=dict)
    quality: dict[str, list[str | None]] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    since_boot: SinceBoot | None = None  # of times[0]

    def quality_of(self, channel: str, index: int) -> str:
        column = self.quality.get(channel)
        return (column[index] if column else None) or "good"


def encode(frame: Frame) -> bytes:
    """The frame's bytes. Raises WireError for what a frame cannot hold, so that nothing wrong gets a number."""
    if not frame.times:
        raise WireError("frame has no time")
    wire: dict[str, Any] = {
        "v": VERSION,
        "e": frame.epoch,
        "n": frame.number,
        "t": _pack_times(frame.times),
        "c": frame.channels,
        "k": [frame.clock.synchronised, frame.clock.error_us],
    }
    if frame.units:
        wire["u"] = frame.units
    if any(quality for column in frame.quality.values() for quality in column):
        wire["q"] = frame.quality
    if frame.records:
        wire["r"] = frame.records
    if frame.since_boot:
        wire["b"] = [frame.since_boot.boot, frame.since_boot.time_us]
    payload = codec.pack(wire)
    decode(payload)  # what the other side would refuse is refused here, before the number is used
    return payload


def decode(payload: bytes) -> Frame:
    """Decode and check one frame. Raises WireError naming the field."""
    wire = codec.Fields(codec.unpack(payload), "frame")
    if wire.integer("v") != VERSION:
        raise WireError(f"frame has version {wire.get('v')}, expected {VERSION}")
    channels = wire.map("c")
    times = _unpack_times(wire.list("t"), channels)
    _check_columns(channels, len(times))
    return Frame(
        epoch=wire.integer("e", minimum=1, maximum=MAX_EPOCH),
        number=wire.integer("n", minimum=1, maximum=MAX_NUMBER),
        times=times,
        channels=channels,
        clock=_decode_clock(wire.list("k")),
        units=_decode_units(wire.map("u", default={}), channels),
        quality=_decode_quality(wire.map("q", default={}), channels, len(times)),
        records=_decode_records(wire.list("r", default=[])),
        since_boot=_decode_since_boot(wire.get("b")),
    )


def read_name(payload: bytes) -> tuple[int, int] | None:
    """Epoch and number of a frame that may be malformed otherwise, so that it can be named in quarantine."""
    try:
        wire = codec.Fields(codec.unpack(payload), "frame")
        return wire.integer("e", minimum=1, maximum=MAX_EPOCH), wire.integer("n", minimum=1, maximum=MAX_NUMBER)
    except WireError:
        return None


def pack_several(payloads: Iterable[bytes]) -> bytes:
    """Several frames of one instrument as one message."""
    return codec.pack(list(payloads))


def unpack_several(payload: bytes) -> list[bytes]:
    """The frames of one message, be it one frame or a list of them. Raises WireError."""
    if payload[:1] and (payload[0] & 0xF0 == 0x80 or payload[0] in (0xDE, 0xDF)):  # a map: one frame by itself
        return [payload]
    several = codec.unpack(payload)
    if type(several) is not list or not several or not all(type(one) is bytes for one in several):
        raise WireError("neither a frame nor a list of frames' bytes")
    return several


def _pack_times(times: tuple[int, ...]) -> list[int]:
    first = times[0]
    if len(times) > 2:
        step = times[1] - first
        if _are_even(times, step):
            return [first, step]
    return [first, *[time - first for time in times[1:]]]


def _are_even(times: tuple[int, ...], step: int) -> bool:
    if step == 0:
        return times.count(times[0]) == len(times)
    return times == tuple(range(times[0], times[0] + step * len(times), step))


def _unpack_times(packed: list[Any], channels: dict[str, Any]) -> tuple[int, ...]:
    if not packed or not _INTEGER.issuperset(map(type, packed)):
        raise WireError("frame.t is not a list of integers")
    first = packed[0]
    if not MIN_TIME_US <= first <= MAX_TIME_US:
        raise WireError(f"frame.t starts at {first}, expected µs since 1970 UTC")
    length = max([len(column) for column in channels.values() if type(column) is list], default=1)
    if not 1 <= length <= MAX_SAMPLES:
        raise WireError(f"frame has {length} samples, expected 1 to {MAX_SAMPLES}")
    if len(packed) == 2 and length > 2:
        step = packed[1]
        times = (first, *[first + step * index for index in range(1, length)])
    elif len(packed) != length:
        raise WireError(f"frame.t has {len(packed)} times for {length} samples")
    else:
        times = (first, *[first + offset for offset in packed[1:]])
    if min(times) < MIN_TIME_US or max(times) > MAX_TIME_US:
        raise WireError("frame.t leaves the range of times")
    return times


def _check_columns(channels: dict[str, Any], length: int) -> None:
    if len(channels) > MAX_CHANNELS:
        raise WireError(f"frame has {len(channels)} channels, allowed are {MAX_CHANNELS}")
    for name, column in channels.items():
        _check_name(name, "channel")
        if not isinstance(column, list) or len(column) != length:
            raise WireError(f"frame.c.{name} is not a list of {length} values, one for each time")
        if not _are_values(column):
            wrong = next(value for value in column if not _is_value(value))
            raise WireError(f"frame.c.{name} holds {wrong!r:.40}, expected number, text, bool or nil")


_check_name = functools.lru_cache(maxsize=4096)(topics.check_name)  # a few hundred channels, each thousands of times

_INTEGER = frozenset([int])
_FLOAT = frozenset([float])
_PLAIN = frozenset([int, bool, type(None)])


def _are_values(column: list[Any]) -> bool:
    # Nearly every column holds numbers of one type: asked at once, not one by one.
    kinds = frozenset(map(type, column))
    if kinds == _FLOAT:
        return all(map(math.isfinite, column))
    return kinds <= _PLAIN or all(map(_is_value, column))


def _is_value(value: Any) -> bool:
    kind = type(value)
    if kind is float:
        return math.isfinite(value)
    if kind is str:
        return len(value) <= MAX_VALUE_TEXT and "\x00" not in value  # PostgreSQL's text holds no NUL
    return kind in _PLAIN


def _decode_clock(clock: list[Any]) -> Clock:
    if len(clock) != 2 or type(clock[0]) is not bool or type(clock[1]) not in (int, type(None)):
        raise WireError("frame.k is not [synchronised, error in µs or nil]")
    return Clock(synchronised=clock[0], error_us=clock[1])


def _decode_since_boot(value: Any) -> SinceBoot | None:
    match value:
        case None:
            return None
        case [int(boot), int(time_us)] if 1 <= boot <= MAX_EPOCH and 0 <= time_us <= MAX_TIME_US:
            return SinceBoot(boot, time_us)
    raise WireError("frame.b is not [boot, µs since it]")


def _decode_units(units: dict[str, Any], channels: dict[str, Any]) -> dict[str, str]:
    for name, unit in units.items():
        if name not in channels or type(unit) is not str or len(unit) > MAX_UNIT or "\x00" in unit:
            raise WireError(f"frame.u.{name:.40} is not the unit of a channel")
    return units


def _decode_quality(quality: dict[str, Any], channels: dict[str, Any], length: int) -> dict[str, list[str | None]]:
    for name, column in quality.items():
        if name not in channels or type(column) is not list or len(column) != length:
            raise WireError(f"frame.q.{name:.40} is not a list of {length} qualities of a channel")
        if any(
            word is not None and (type(word) is not str or len(word) > MAX_QUALITY or "\x00" in word) for word in column
        ):
            raise WireError(f"frame.q.{name} holds something else than text or nil")
    return quality


def _decode_records(records: list[Any]) -> list[dict[str, Any]]:
    for record in records:
        if type(record) is not dict or type(record.get("kind")) is not str:
            raise WireError("frame.r holds something else than maps with a kind")
    return records
