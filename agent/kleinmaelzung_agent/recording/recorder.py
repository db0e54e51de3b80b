"""Readings in, numbered frames out: what makes every sample nameable. Pure.

    readings of one instrument --take()--> open frame --when full, due or different--> NumberedFrame (final bytes)

A slow instrument's samples go out one by one, at once. A fast one's are gathered for `frame_every_s`. Which it is
follows from the rate. The number is used up only when the bytes exist, so there is no hole.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kleinmaelzung_agent.clock import DAY_US, Timeline
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire import frames, messages
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import Clock, Frame, SinceBoot, Value

MAX_SAMPLES: Final = 1000
MAX_BYTES: Final = 32 * 1024  # a quarter of what the wire takes: the estimate below need not be exact
LATEST_EVERY_NS: Final = 1_000_000_000

_SAMPLE_BYTES = 9  # the longest number in msgpack; also more than a time's offset takes
_INT64 = 2**63

Key = tuple[str, int, int]  # instrument, epoch, number: the name of a frame
Latest = Mapping[str, dict[str, Any]]  # by channel, as messages.latest() says


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedFrame:
    """A frame whose bytes will never change."""

    instrument: str
    epoch: int
    number: int
    payload: bytes
    time_us: int = 0  # of its last sample
    is_record: bool = False  # it says what happened to other frames, so it is the last to be given up

    @property
    def key(self) -> Key:
        return self.instrument, self.epoch, self.number


@dataclass(slots=True)
class _Open:
    """The frame that is being filled."""

    units: dict[str, str]
    due_ns: int
    since_boot: SinceBoot
    channels: dict[str, list[Value]]
    times: list[int] = field(default_factory=list)
    quality: dict[str, list[str | None]] = field(default_factory=dict)
    size: int = 100  # the keys around the columns

    def append(self, time_us: int, values: dict[str, Value], quality: dict[str, str]) -> None:
        for name, column in self.channels.items():
            column.append(values[name])
        for name in quality.keys() - self.quality.keys():
            self.quality[name] = [None] * len(self.times)
        for name, words in self.quality.items():
            words.append(quality.get(name))
        self.times.append(time_us)


class Recorder:
    """Numbers the frames of one instrument within one epoch, on the machine's boot `boot`."""

    def __init__(self, instrument: str, epoch: int, boot: int, *, frame_every_s: float) -> None:
        self.taken = 0  # frames
        self.samples = 0  # values of one channel at one time
        self._instrument, self._epoch, self._boot = instrument, epoch, boot
        self._frame_every_ns = int(frame_every_s * 1e9)
        self._pace = Pace(self._frame_every_ns)
        self._open: _Open | None = None
        self._last_us = 0
        self._latest: dict[str, dict[str, Any]] = {}
        self._latest_changed = False
        self._latest_sent_ns: int | None = None

    def take(self, readings: Iterable[Reading], timeline: Timeline) -> list[NumberedFrame]:
        """Take readings in the order in which they were taken; returns the frames that are complete by that."""
        done: list[NumberedFrame] = []
        for reading in readings:
            done += self._take_one(reading, timeline)
        return done

    def renew(self, frame_every_s: float) -> None:
        """Go on with another configuration: numbers go on, the newest values are those of its channels."""
        self._frame_every_ns = int(frame_every_s * 1e9)
        self._pace = Pace(self._frame_every_ns)
        self._latest, self._latest_changed = {}, False

    @property
    def due_ns(self) -> int | None:
        """When `cut` must be called, by the monotonic clock; None where nothing waits."""
        return self._open.due_ns if self._open else None

    def cut(self, clock: Clock) -> list[NumberedFrame]:
        """Complete the open frame, if there is one."""
        if self._open is None:
            return []
        opened, self._open = self._open, None
        times, since_boot = tuple(opened.times), opened.since_boot
        try:
            return [self._number(times, opened.channels, clock, since_boot, units=opened.units, quality=opened.quality)]
        except WireError as error:
            # What no frame can hold must not vanish without a trace: its place is taken by a record.
            lost = {"kind": "refused", "samples": len(times), "reason": str(error)[: messages.MAX_SENTENCE]}
            return [self._number(times[:1], {}, clock, since_boot, records=[lost])]

    def record(self, record: dict[str, Any], timeline: Timeline, now_ns: int) -> list[NumberedFrame]:
        """Number a record of what happened instead of samples; what is open goes before it."""
        before = self.cut(timeline.clock)
        times, since_boot = (self._not_before(timeline.at(now_ns)),), self._since_boot(timeline, now_ns)
        return [*before, self._number(times, {}, timeline.clock, since_boot, records=[record])]

    def latest(self, now_ns: int) -> Latest | None:
        """The newest value of each channel, where it changed and the last time it was asked is a second ago."""
        if not self._latest_changed or now_ns < self.latest_due_ns:
            return None
        self._latest_changed, self._latest_sent_ns = False, now_ns
        return self._latest

    def show_again(self) -> None:
        """The newest values are to be told once more, for something else is to be said of them."""
        self._latest_changed = bool(self._latest)

    @property
    def latest_due_ns(self) -> int:
        return 0 if self._latest_sent_ns is None else self._latest_sent_ns + LATEST_EVERY_NS

    @property
    def has_new_latest(self) -> bool:
        return self._latest_changed

    def _take_one(self, reading: Reading, timeline: Timeline) -> list[NumberedFrame]:
        values, quality, size = _clean(reading)
        units = {name: unit[: frames.MAX_UNIT] for name, unit in reading.units.items() if unit and name in values}
        is_fast = self._pace.count(reading.taken_ns)
        done: list[NumberedFrame] = []
        if self._open and not self._fits(self._open, values, units, size, reading.taken_ns):
            done += self.cut(timeline.clock)
        if self._open is None:
            self._open = _Open(
                units=units,
                due_ns=reading.taken_ns + self._frame_every_ns,
                since_boot=self._since_boot(timeline, reading.taken_ns),
                channels={name: [] for name in values},
            )
        self._open.size += size
        self._open.append(self._not_before(timeline.at(reading.taken_ns)), values, quality)
        return done if is_fast else done + self.cut(timeline.clock)

    def _fits(self, opened: _Open, values: dict[str, Value], units: dict[str, str], size: int, taken_ns: int) -> bool:
        return (
            opened.channels.keys() == values.keys()
            and opened.units == units
            and len(opened.times) < MAX_SAMPLES
            and opened.size + size <= MAX_BYTES
            and taken_ns < opened.due_ns
        )

    def _not_before(self, time_us: int) -> int:
        # The timeline may bend between two readings that are handed over late; an instrument's times never go back,
        # unless a wrong year was put right.
        if not 0 < self._last_us - time_us < DAY_US:
            self._last_us = time_us
        return self._last_us

    def _since_boot(self, timeline: Timeline, monotonic_ns: int) -> SinceBoot:
        return SinceBoot(self._boot, timeline.since_boot_us(monotonic_ns))

    def _number(
        self,
        times: tuple[int, ...],
        channels: dict[str, list[Value]],
        clock: Clock,
        since_boot: SinceBoot,
        *,
        units: dict[str, str] | None = None,
        quality: dict[str, list[str | None]] | None = None,
        records: list[dict[str, Any]] | None = None,
    ) -> NumberedFrame:
        frame = Frame(
            epoch=self._epoch,
            number=self.taken + 1,
            times=times,
            channels=channels,
            clock=clock,
            units=units or {},
            quality=quality or {},
            records=records or [],
            since_boot=since_boot,
        )
        payload = frames.encode(frame)
        self.taken += 1
        if channels:
            self.samples += len(times) * len(channels)
            self._latest |= messages.latest(frame)
            self._latest_changed = True
        return NumberedFrame(
            instrument=self._instrument,
            epoch=self._epoch,
            number=self.taken,
            payload=payload,
            time_us=times[-1],
            is_record=bool(records),
        )


class Pace:
    """Whether samples come so fast that gathering them pays: more than one in the time of a frame."""

    def __init__(self, frame_every_ns: int) -> None:
        # Apart, so that an instrument at just this rate does not change its mind all the time.
        self._fast_below_ns, self._slow_above_ns = frame_every_ns / 1.2, frame_every_ns / 0.8
        self._longest_ns = 10 * frame_every_ns  # a pause of a day counts no more than this
        self._mean_ns = float(self._longest_ns)
        self._last_ns: int | None = None
        self._is_fast = False

    def count(self, taken_ns: int) -> bool:
        """Count one sample; returns whether samples come fast now."""
        if self._last_ns is not None:
            apart_ns = min(max(0, taken_ns - self._last_ns), self._longest_ns)
            self._mean_ns += 0.2 * (apart_ns - self._mean_ns)
            self._is_fast = self._mean_ns < (self._slow_above_ns if self._is_fast else self._fast_below_ns)
        self._last_ns = taken_ns
        return self._is_fast


def _clean(reading: Reading) -> tuple[dict[str, Value], dict[str, str], int]:
    values: dict[str, Value] = {}
    quality = {name: word[: frames.MAX_QUALITY] for name, word in reading.quality.items() if name in reading.values}
    size = _SAMPLE_BYTES
    for name, value in reading.values.items():
        clean, why = _clean_value(value)
        values[name] = clean
        if why:
            quality.setdefault(name, why)
        size += (3 + len(clean.encode()) if isinstance(clean, str) else _SAMPLE_BYTES) + len(quality.get(name, ""))
    return values, quality, size


def _clean_value(value: Value) -> tuple[Value, str]:
    """A value that a frame can hold, and the quality to give it where it had to be changed."""
    if isinstance(value, float) and not math.isfinite(value):
        return None, "nan" if math.isnan(value) else "inf"
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return None, "range"
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\ufffd")[: frames.MAX_VALUE_TEXT]
        return text, "" if text == value else "changed"
    return value, ""
