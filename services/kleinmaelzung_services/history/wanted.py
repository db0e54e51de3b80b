"""What is asked: a request's arguments in, checked, or a sentence that says what is wrong. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import MAX_CHANNELS, MAX_EPOCH, MAX_NUMBER, MAX_TIME_US, MIN_TIME_US
from kleinmaelzung_wire.requests import Request

MIN_POINTS: Final = 10
MAX_POINTS: Final = 20_000
MAX_RANGES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A time of one instrument: from `since` (None: the first sample) up to, not including, `until`.

    With `points` at most so many buckets, or the samples themselves where these are few and nobody asked for
    `always_buckets`. `with_records`: also the frames that hold nothing but records.
    """

    agent: str
    name: str
    since: int | None
    until: int
    channels: tuple[str, ...] | None = None
    points: int | None = None
    always_buckets: bool = False
    is_plain: bool = False
    with_records: bool = False

    @classmethod
    def parse(cls, request: Request, now_us: int) -> Self:
        """From a request. Raises WireError."""
        wire = request.fields()
        agent, name = one_instrument(request)
        since, until = _time(wire, "from"), _time(wire, "to")
        if until is None:
            until = max(now_us, MIN_TIME_US)
        if since is not None and since >= until:
            raise WireError(f"from {_shown(since)} is not before to {_shown(until)}")
        return cls(
            agent=agent,
            name=name,
            since=since,
            until=until,
            channels=_channels(wire),
            points=_points(wire),
            always_buckets=wire.boolean("buckets", default=False),
            is_plain=wire.boolean("plain", default=False),
            with_records=wire.boolean("records", default=False),
        )

    @property
    def full_name(self) -> str:
        return f"{self.agent}/{self.name}"


def one_instrument(request: Request) -> tuple[str, str]:
    """Agent and instrument that a request is about: exactly one. Raises WireError."""
    pattern = request.instrument
    if pattern is None or topics.ANY in pattern.split("/"):
        raise WireError(f"{request.name} is about one instrument: name it, as in pi-1/balance")
    return topics.split_full_name(pattern)


def stream_id(request: Request) -> str | None:
    """What the asker wants a stream to be called, if there is one. Raises WireError."""
    wire = request.fields()
    return None if wire.get("stream") is None else topics.check_name(wire.text("stream"), "stream")


def ranges(request: Request) -> list[tuple[int, int, int]]:
    """Epoch, first and last number of each range of frames. Raises WireError."""
    found = request.fields().list("ranges")
    if not 1 <= len(found) <= MAX_RANGES:
        raise WireError(f"{request.name}.ranges has {len(found)} ranges, expected 1 to {MAX_RANGES}")
    return [_range(one) for one in found]


def choose(known: Sequence[str], asked: Sequence[str] | None, instrument: str) -> set[str]:
    """The channels that are meant: those asked for, or all. Raises WireError for one that the instrument never had."""
    for name in asked or ():
        if name not in known:
            told = ", ".join(sorted(set(known))[:MAX_CHANNELS]) or "none"
            raise WireError(f"{instrument} has no channel {name!r:.40}: it has {told}")
    return set(known if asked is None else asked)


def _range(value: Any) -> tuple[int, int, int]:
    match value:
        case [int(epoch), int(first), int(last)] if 1 <= epoch <= MAX_EPOCH and 1 <= first <= last <= MAX_NUMBER:
            return epoch, first, last
    raise WireError(f"{value!r:.60} is no range of frames, expected [epoch, first, last]")


def _time(wire: Fields, key: str) -> int | None:
    value = wire.get(key)
    if value is None:
        return None
    if type(value) is int and not MIN_TIME_US <= value <= MAX_TIME_US:
        raise WireError(f"{key} is {value}, expected µs since 1970 UTC, in the years 2001 to 2286")
    return wire.integer(key)


def _channels(wire: Fields) -> tuple[str, ...] | None:
    if wire.get("channels") is None:
        return None
    names = wire.list("channels")
    if not 1 <= len(names) <= MAX_CHANNELS:
        raise WireError(f"{len(names)} channels are asked for, expected 1 to {MAX_CHANNELS}, or none named for all")
    return tuple(dict.fromkeys(topics.check_name(name, "channel") for name in names))


def _points(wire: Fields) -> int | None:
    if wire.get("points") is None:
        return None
    points = wire.integer("points")
    if not MIN_POINTS <= points <= MAX_POINTS:
        raise WireError(f"points is {points}, expected {MIN_POINTS} to {MAX_POINTS}, or none for every sample")
    return points


def _shown(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
