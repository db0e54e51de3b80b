"""Streams without instruments: frames as an agent makes them in; tracks, and a run measured from them, out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kleinmaelzung_services.calibration.records.record import Item
from kleinmaelzung_services.calibration.runs import acting, capturing, events, folding, samples, steps
from kleinmaelzung_services.calibration.runs.acting import NOTHING, Found
from kleinmaelzung_services.calibration.runs.capturing import Look, Stream
from kleinmaelzung_services.calibration.runs.events import Event, What
from kleinmaelzung_services.calibration.runs.permitting import Who
from kleinmaelzung_services.calibration.runs.run import Run, StepRun
from kleinmaelzung_services.calibration.runs.samples import Track
from kleinmaelzung_services.calibration.templates.template import Template
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.codec import Fields
from kleinmaelzung_wire.frames import Clock, Frame, SinceBoot, Value
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_runs import guided

START_US = round(simulated.START.timestamp() * 1e6)
KEEP_S = 3600.0
EPOCH = 7
Shown = Callable[[Stream, StepRun, int], float]  # of a stream at a step, its sample with this place


@dataclass(kw_only=True)
class Streaming:
    """One instrument: each `tell` is a frame, whose bytes are decoded as they come."""

    channel: str = "mass"
    unit: str = "g"
    epoch: int = EPOCH
    number: int = 0
    boot_us: int = START_US - 1_000_000_000  # when the machine was started

    def __post_init__(self) -> None:
        self.track = Track()
        self.payloads: dict[tuple[int, int], bytes] = {}

    def tell(self, time_us: int, *values: Value, late_s: float = 0.0, every_s: float = 0.0, **other: Any) -> None:
        """A frame of samples that were taken from `time_us` on, received `late_s` after the last of them."""
        self.number = other.pop("number", self.number + 1)
        times = tuple(time_us + round(every_s * 1e6 * place) for place in range(len(values)))
        quality = other.pop("quality", None)
        frame = Frame(
            epoch=self.epoch,
            number=self.number,
            times=times,
            channels={self.channel: list(values)},
            clock=Clock(synchronised=True),
            units={self.channel: self.unit} if self.unit else {},
            quality={self.channel: [quality] * len(values)} if quality else {},
            since_boot=SinceBoot(11, time_us - self.boot_us),
        )
        self.take(replace(frame, **other), times[-1] + round(late_s * 1e6))

    def take(self, frame: Frame, received_us: int) -> None:
        payload = frames.encode(frame)
        self.payloads[frame.epoch, frame.number] = payload
        taken = samples.take(frames.decode(payload), self.channel, received_us)
        self.track = samples.add(self.track, taken, KEEP_S)

    def run(self, time_us: int, values: Sequence[Value], every_s: float = 0.25, **other: Any) -> int:
        """A frame for each value; returns when the last was taken."""
        times = [time_us + round(every_s * 1e6 * place) for place in range(len(values))]
        for time, value in zip(times, values, strict=True):
            self.tell(time, value, **other)
        return times[-1]


class Measured:
    """A run whose steps are captured from streams: what is placed waits until its look is stable."""

    def __init__(self, template: Template, *, reviewer: Any = "another", item: Item | None = None) -> None:
        self.template = template
        self.now_us = START_US
        self.events = list[Event[What]]()
        self.streaming = dict[tuple[str, str], Streaming]()
        made = guided.created(template, reviewer)
        standards = tuple(
            replace(one, instrument=f"pi-1/standard-{place}" if one.instrument else "")
            for place, one in enumerate(made.standards)
        )
        made = replace(made, item=item or replace(made.item, id="pi-1/item"), standards=standards)
        self.append([made], "anna")

    @property
    def step(self) -> StepRun:
        found = self.run.next
        assert found
        return found

    def append(self, whats: Sequence[What], user: str) -> None:
        for what in whats:
            read = events.decode(*events.encode(what))
            self.events.append(Event(number=len(self.events) + 1, time_us=self.now_us, user=user, what=read))
        self.run: Run = folding.fold("R-2026-0001", self.template, self.events)

    def act(self, act: str, by: str = "anna", *, found: Found = NOTHING, **arguments: Any) -> None:
        self.now_us += 100_000
        who = Who(user=by, role="calibrator")
        self.append(acting.decide(self.run, act, Fields(arguments, "act"), who, found), by)

    def begin(self) -> "Measured":
        """Tick and answer what is not yet, and begin."""
        for check in steps.checks(self.template) if self.run.state == "created" else ():
            self.act("tick", check=check)
        answered = {one.what.name for one in self.run.answers}
        for one in steps.questions(self.template):
            if one.name in answered:
                continue
            value = one.low if one.low is not None else 0.0
            self.act("answer", name=one.name, value=value, unit=one.unit.symbol)
        self.act("begin")
        return self

    def place(self) -> StepRun:
        self.act("place", step=self.step.step.number)
        return self.step

    def stream(self, one: Stream) -> Streaming:
        made = Streaming(channel=one.channel, unit=one.source.unit.symbol)
        return self.streaming.setdefault((one.instrument, one.channel), made)

    def look(self) -> Look:
        tracks: Mapping[tuple[str, str], Track] = {key: one.track for key, one in self.streaming.items()}
        return capturing.look(self.run, self.step, tracks, self.now_us)

    def feed(self, shown: Shown, seconds: float, every_s: float, from_s: float = 0.0) -> Iterator[Look]:
        """Let all streams of the step flow; a look after each sample, if it is after `from_s`."""
        step, which = self.step, capturing.streams(self.run, self.step)
        for place in range(round(seconds / every_s)):
            self.now_us += round(every_s * 1e6)
            for one in which:
                self.stream(one).tell(self.now_us, shown(one, step, place))
            if place * every_s >= from_s:
                yield self.look()

    def capture(self, shown: Shown, by: str = "anna") -> None:
        """Place the next step, and let the streams flow until it is captured."""
        wanted = steps.measurand_of(self.template, self.step.step).stability
        length = (self.step.step.record_s or wanted.window_s) + wanted.settle_s
        every_s = min(wanted.max_age_s / 2, (self.step.step.record_s or wanted.window_s) / max(wanted.min_samples, 20))
        self.act("place", by, step=self.step.step.number)
        look = next((one for one in self.feed(shown, 2 * length + 10, every_s, 0.9 * length) if one.is_stable), None)
        assert look is not None, self.look().reason
        waiting = self.run.waiting
        assert waiting is not None
        signals = [capturing.signal(one, self.streaming[_key(one.stream)].payloads) for one in look.seen]
        self.append(acting.captured(self.run, waiting.step, waiting.attempt, signals), by)

    def type(self, value: str, by: str = "anna") -> None:
        step = self.step.step
        self.act("type", by, step=step.number, value=value, unit=step.unit.symbol, reason="the cable is broken")

    def measure(self, shown: Shown, upto: int | None = None) -> "Measured":
        """Every step, or those before a number."""
        while (step := self.run.next) is not None and (upto is None or step.step.number < upto):
            if step.is_typing_wanted:
                self.type(f"{step.step.point:g}")
            if step.wanted:
                self.capture(shown)
        return self


def _key(stream: Stream) -> tuple[str, str]:
    return stream.instrument, stream.channel
