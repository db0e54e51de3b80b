"""Messages in, entries for the database out: decoded, checked, in the order they came. Pure.

What can be stored becomes a FrameEntry, commands, states and the like a TrafficEntry, what became of a command that no
agent saw a RefusedEntry, everything else a QuarantineEntry: nothing vanishes. A message of several frames becomes an
entry for each. Times are µs since 1970.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from kleinmaelzung_wire import frames, ledger, messages, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import Frame

DAY_US: Final = 86_400_000_000
# Older or newer is a broken clock. In a hypertable each odd week would make a chunk of its own, and retention would
# delete the past at once.
OLDEST_US: Final = 400 * DAY_US
NEWEST_US: Final = DAY_US

FRAME_KINDS: Final = frozenset({"data", "backfill"})
MAX_DETAIL: Final = 500


_REFUSED: Final = topics.any_refused()
_parse = functools.lru_cache(maxsize=4096)(topics.parse)  # a few hundred topics, each thousands of times


class Arrival(NamedTuple):
    """One message as it came from the broker."""

    topic: str
    payload: bytes
    received_us: int
    retained: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None


class StreamKey(NamedTuple):
    """One instrument during one run of its agent: numbers are unique within it."""

    agent: str
    instrument: str
    epoch: int


class FrameEntry(NamedTuple):  # a frozen dataclass takes three times as long to make, and there are many of these
    arrival: Arrival
    payload: bytes  # this frame's; the arrival may have brought others with it
    stream: StreamKey
    number: int
    via: str
    frame: Frame


@dataclass(frozen=True, slots=True)
class TrafficEntry:
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """The record of a command that no agent saw, and the service that noted it."""

    arrival: Arrival
    agent: str
    instrument: str
    record: dict[str, Any]
    service: str


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """What cannot be stored. With a stream and a number it is acknowledged, or it would come back for ever."""

    arrival: Arrival
    payload: bytes
    reason: str
    detail: str
    stream: StreamKey | None = None
    number: int | None = None


Entry = FrameEntry | TrafficEntry | RefusedEntry | QuarantineEntry


def sort_arrivals(arrivals: Iterable[Arrival], now_us: int) -> Iterator[Entry]:
    """Decode and check; an entry for each frame and each other message, but for retained ones that only repeat."""
    newest: dict[str, bytes] = {}
    for arrival in arrivals:
        if topics.matches(_REFUSED, arrival.topic):
            yield _refused_entry(arrival)
            continue
        try:
            address = _parse(arrival.topic)
        except WireError as error:
            yield _undecodable(arrival, arrival.payload, error)
            continue
        if address.kind in FRAME_KINDS and address.instrument is not None:
            yield from _frame_entries(arrival, address.agent, address.instrument, address.kind, now_us)
        elif not (arrival.retained and newest.get(arrival.topic) == arrival.payload):
            newest[arrival.topic] = arrival.payload
            yield TrafficEntry(arrival)


def _refused_entry(arrival: Arrival) -> Entry:
    try:
        full_name, record = ledger.decode_refused(arrival.payload)
        agent, instrument = topics.split_full_name(full_name)
    except WireError as error:
        return _undecodable(arrival, arrival.payload, error)
    return RefusedEntry(arrival, agent, instrument, record, topics.tail(arrival.topic).split("/")[1])


def _frame_entries(arrival: Arrival, agent: str, instrument: str, via: str, now_us: int) -> Iterator[Entry]:
    try:
        payloads = frames.unpack_several(arrival.payload)
    except WireError as error:
        yield _undecodable(arrival, arrival.payload, error)
        return
    for payload in payloads:
        try:
            frame = frames.decode(payload)
        except WireError as error:
            yield _undecodable(arrival, payload, error, _read_name(payload, agent, instrument))
            continue
        stream = StreamKey(agent, instrument, frame.epoch)
        if detail := _far_off(frame.times, now_us):
            yield QuarantineEntry(arrival, payload, "time", detail, stream, frame.number)
        else:
            yield FrameEntry(arrival, payload, stream, frame.number, via, frame)


def _far_off(times: tuple[int, ...], now_us: int) -> str:
    first, last = (times[0], times[0]) if len(times) == 1 else (min(times), max(times))
    if now_us - OLDEST_US <= first and last <= now_us + NEWEST_US:
        return ""
    return f"times from {first} to {last} µs, the logger's clock says {now_us}"


def _read_name(payload: bytes, agent: str, instrument: str) -> tuple[StreamKey, int] | None:
    if name := frames.read_name(payload):
        epoch, number = name
        return StreamKey(agent, instrument, epoch), number
    return None


def _undecodable(
    arrival: Arrival, payload: bytes, error: WireError, name: tuple[StreamKey, int] | None = None
) -> QuarantineEntry:
    stream, number = name or (None, None)
    return QuarantineEntry(arrival, payload, "undecodable", _clean(str(error)), stream, number)


def refuse(entry: Entry, sentence: str) -> QuarantineEntry:
    """The entry as one for quarantine, because the database does not take it."""
    if isinstance(entry, FrameEntry):
        return QuarantineEntry(entry.arrival, entry.payload, "refused", _clean(sentence), entry.stream, entry.number)
    return QuarantineEntry(entry.arrival, entry.arrival.payload, "refused", _clean(sentence))


def conflict(entry: FrameEntry) -> QuarantineEntry:
    """The entry as one for quarantine, because its number is stored with other bytes. The first stays."""
    sentence = "the number is stored with other bytes"
    return QuarantineEntry(entry.arrival, entry.payload, "conflict", sentence, entry.stream, entry.number)


def _clean(sentence: str) -> str:
    return sentence.replace("\x00", "")[:MAX_DETAIL]  # PostgreSQL's text holds no NUL


def merge(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of numbers without a hole: [3, 1, 2, 7] -> [(1, 3), (7, 7)]."""
    found = sorted(set(numbers))
    if found and found[-1] - found[0] == len(found) - 1:  # mostly one run
        return [(found[0], found[-1])]
    runs: list[tuple[int, int]] = []
    for number in found:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def logged(numbered: Iterable[tuple[StreamKey, int]]) -> dict[str, list[messages.LoggedRanges]]:
    """What to tell each agent once the numbers are committed."""
    by_agent: dict[str, list[messages.LoggedRanges]] = {}
    for stream, numbers in group(numbered).items():
        ranges = messages.LoggedRanges(instrument=stream.instrument, epoch=stream.epoch, ranges=merge(numbers))
        by_agent.setdefault(stream.agent, []).append(ranges)
    return by_agent


def noted(entries: Iterable[Entry]) -> dict[str, list[bytes]]:
    """What to tell each service once its records are committed, also those that went to quarantine."""
    by_service: dict[str, list[bytes]] = {}
    for entry in entries:
        if not isinstance(entry, FrameEntry) and (service := topics.refused_by(entry.arrival.topic)):
            by_service.setdefault(service, []).append(ledger.digest(entry.arrival.payload))
    return by_service


def samples(entry: Entry) -> int:
    """How many rows of samples it makes."""
    return len(entry.frame.channels) * len(entry.frame.times) if type(entry) is FrameEntry else 0


def numbered(entries: Iterable[Entry]) -> list[tuple[StreamKey, int]]:
    """The streams and numbers of those that have one."""
    return [
        (entry.stream, entry.number)
        for entry in entries
        if isinstance(entry, FrameEntry | QuarantineEntry) and entry.stream is not None and entry.number is not None
    ]


def group(numbered: Iterable[tuple[StreamKey, int]]) -> dict[StreamKey, list[int]]:
    by_stream: defaultdict[StreamKey, list[int]] = defaultdict(list)
    for stream, number in numbered:
        by_stream[stream].append(number)
    return by_stream


def halves(entries: Sequence[Entry]) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Both halves of more than one entry, to find the one the database does not take."""
    middle = len(entries) // 2
    return entries[:middle], entries[middle:]
