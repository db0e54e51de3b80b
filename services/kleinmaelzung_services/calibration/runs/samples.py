"""The samples of one channel as they come: decoded frames in, a track of the newest out. Pure.

    frame --take()--> Taken --add()--> Track

A track has every frame of its instrument, also those without the channel: so it shows which numbers are missing. What
is no number stays in it and says so.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration.templates.mistakes import LARGEST
from kleinmaelzung_wire.frames import Frame, Value

GOOD: Final = "good"
NOT_A_NUMBER: Final = "not a number"
MOST: Final = 100_000  # samples of a track: a window of more would make a record of tens of megabytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`value` is None where the stream has no number; `quality` then says so, if the stream says nothing itself."""

    time_us: int
    received_us: int
    value: float | None
    unit: str
    quality: str
    epoch: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a frame has of one channel, maybe nothing.

    `lost` are samples that its agent had to give up. `set_us` is what the agent's clock, which can be set, was ahead of
    the one that counts since the machine's `boot`.
    """

    epoch: int
    number: int
    received_us: int
    samples: tuple[Sample, ...]
    lost: int = 0
    boot: int | None = None
    set_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The newest frames of a stream in their order, each once; `count` samples in all."""

    frames: tuple[Taken, ...] = ()
    count: int = 0

    @property
    def newest(self) -> Sample | None:
        return next((one.samples[-1] for one in reversed(self.frames) if one.samples), None)

    def samples(self) -> Iterator[Sample]:
        return (sample for one in self.frames for sample in one.samples)


def take(frame: Frame, channel: str, received_us: int) -> Taken:
    boot = frame.since_boot
    return Taken(
        epoch=frame.epoch,
        number=frame.number,
        received_us=received_us,
        samples=tuple(_samples(frame, channel, received_us)),
        lost=sum(_lost(one.get("samples")) for one in frame.records if one.get("kind") == "refused"),
        boot=boot.boot if boot else None,
        set_us=frame.times[0] - boot.time_us if boot else 0,
    )


def add(track: Track, taken: Taken, keep_s: float) -> Track:
    """The track with one more frame; what came `keep_s` before the newest leaves it, and so does what is too much.

    A frame that comes again is the same frame. One that comes late takes its place.
    """
    place = _place(track.frames, taken)
    if place is None:
        return track
    frames = (*track.frames[:place], taken, *track.frames[place:])
    return _cut(frames, track.count + len(taken.samples), keep_s)


def _samples(frame: Frame, channel: str, received_us: int) -> Iterator[Sample]:
    unit = frame.units.get(channel, "")
    for index, found in enumerate(frame.channels.get(channel, ())):
        value, quality = _number(found), frame.quality_of(channel, index)
        yield Sample(
            time_us=frame.times[index],
            received_us=received_us,
            value=value,
            unit=unit,
            quality=NOT_A_NUMBER if value is None and quality == GOOD else quality,
            epoch=frame.epoch,
            number=frame.number,
        )


def _number(value: Value) -> float | None:
    """What a record can hold as a number."""
    if type(value) not in (int, float) or value is None or isinstance(value, str):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= LARGEST else None


def _lost(samples: object) -> int:
    return samples if isinstance(samples, int) and samples > 0 else 1


def _place(frames: tuple[Taken, ...], new: Taken) -> int | None:
    """Where a frame belongs: by its number within its epoch; a new epoch follows. None: it is there."""
    first = None
    for place in range(len(frames) - 1, -1, -1):
        one = frames[place]
        if one.epoch != new.epoch:
            if first is not None:
                break
            continue
        if one.number == new.number:
            return None
        if one.number < new.number:
            return place + 1
        first = place
    return len(frames) if first is None else first


def _cut(frames: tuple[Taken, ...], count: int, keep_s: float) -> Track:
    oldest, drop = max(one.received_us for one in frames[-2:]) - int(keep_s * 1e6), 0
    while drop < len(frames) - 1 and (frames[drop].received_us < oldest or count > MOST):
        count -= len(frames[drop].samples)
        drop += 1
    return Track(frames=frames[drop:], count=count)
