"""What the logger stored, for a run: frames of captured windows compared with their hash, and the room over a time.

In: what a run captured. Out: sentences about what does not agree, and what a sensor showed. By the logger's own tables,
read in one moment of the database.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates.store import PACKAGE
from kleinmaelzung_services.calibration.records.record import FrameRange
from kleinmaelzung_services.calibration.runs import environment
from kleinmaelzung_services.calibration.runs import samples as capturable
from kleinmaelzung_services.calibration.runs.environment import Logged as Sample
from kleinmaelzung_services.calibration.runs.environment import Shown
from kleinmaelzung_services.calibration.runs.events import RoomSensor, Signal
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.writing import Unavailable
from kleinmaelzung_wire import frames, topics

QUERIES: Final = "logged.sql"
DAY_US: Final = 86_400_000_000  # no frame spans more
MAX_SAMPLES: Final = 200_000  # of a sensor in a run: beyond it extremes are enough


class Logged:
    """The logger's tables in one database. Everything raises Unavailable where it does not answer."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queries = lookup.read_queries(PACKAGE, QUERIES)

    async def disagreements(self, captured: Iterable[tuple[str, Signal]]) -> list[str]:
        """A sentence for each captured signal, with its step, whose frames are not there or are not those captured."""
        found = list[str]()
        async with self._lookup() as opened:
            for step, signal in captured:
                if why := await _disagreement(opened, signal):
                    found.append(f"{step}: {why}")
        return found

    async def shown(self, sensor: RoomSensor, since_us: int, until_us: int) -> Shown | None:
        """What a sensor showed over a time; None where nothing of it is logged."""
        stream = *topics.split_full_name(sensor.instrument), sensor.channel
        span = *stream, lookup.to_datetime(since_us), lookup.to_datetime(until_us)
        async with self._lookup() as opened:
            [counted] = await opened.fetch("count_samples", *span)
            rows = await opened.fetch("find_extremes" if counted["samples"] > MAX_SAMPLES else "find_samples", *span)
        return await asyncio.to_thread(_shown, rows, since_us, until_us)

    @asynccontextmanager
    async def _lookup(self) -> AsyncIterator[Lookup]:
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                yield opened
        except LookupFailed as error:
            raise Unavailable(f"database: {error}") from error


def _shown(rows: Sequence[Any], since_us: int, until_us: int) -> Shown | None:
    found = (
        Sample(
            time_us=lookup.to_time_us(row["time"]),
            value=row["value"],
            unit=row["unit"],
            quality=row["quality"] or capturable.GOOD,
        )
        for row in rows
    )
    return environment.shown(found, since_us, until_us)


async def _disagreement(opened: Lookup, signal: Signal) -> str:
    payloads = list[bytes]()
    for part in signal.frames:
        there = await _frames(opened, part, signal)
        wanted = part.last - part.first + 1
        if len(there) < wanted:
            frames_ = f"{wanted - len(there)} of its {wanted} frames ({told(part)})"
            return f"{frames_} are not in the log yet: is the logger running? Wait a moment, and try again"
        payloads += there
    if hash_of(payloads) != signal.sha256:
        return (
            f"the frames in the log ({', '.join(map(told, signal.frames))}) are not those that were captured, by their"
            " hash: the log was changed. Find out who did that, and measure the point again"
        )
    if not _holds(payloads, signal):
        return "its values are not those of its frames in the log: strike it, and measure the point again"
    return ""


async def _frames(opened: Lookup, part: FrameRange, signal: Signal) -> list[bytes]:
    agent, name = topics.split_full_name(part.instrument)
    since, until = min(signal.times_us) - DAY_US, max(signal.times_us) + DAY_US
    edges = lookup.to_datetime(since), lookup.to_datetime(until)
    rows = await opened.fetch("find_frames", agent, name, part.epoch, part.first, part.last, *edges)
    return [bytes(row["payload"]) for row in rows]


def _holds(payloads: Sequence[bytes], signal: Signal) -> bool:
    """Whether each captured value stands in the frames, at its time."""
    found = set[tuple[int, float]]()
    for payload in payloads:
        frame = frames.decode(payload)
        track = capturable.take(frame, signal.channel, 0)
        found |= {(one.time_us, one.value) for one in track.samples if one.value is not None}
    return found >= set(zip(signal.times_us, signal.values, strict=True))


def hash_of(payloads: Iterable[bytes]) -> str:
    """Of frames' bytes, one after the other, as hexadecimal digits."""
    return hashlib.sha256(b"".join(payloads)).hexdigest()


def told(part: FrameRange) -> str:
    return f"{part.instrument}, frames {part.first} to {part.last} of epoch {part.epoch}"
