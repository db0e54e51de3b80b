"""The capture of a step: a run and the tracks of its streams in; what each does, and in the end the signals, out. Pure.

    run, step --streams()--> what is read        look() --> Seen of each stream        signal() --> events.Signal

Instrument and standards are judged together, and captured together or not at all. A signal keeps which frames its
samples came in, and the SHA-256 of their bytes.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.engine import window
from kleinmaelzung_services.calibration.records import record_standards, window_rules
from kleinmaelzung_services.calibration.records.record import FrameRange, UnitText
from kleinmaelzung_services.calibration.records.window_rules import OF_A_CAPTURE
from kleinmaelzung_services.calibration.runs import judging, steps
from kleinmaelzung_services.calibration.runs.events import RunStandard, Signal
from kleinmaelzung_services.calibration.runs.judging import Before, Judged, Wanted
from kleinmaelzung_services.calibration.runs.run import Run, StepRun
from kleinmaelzung_services.calibration.runs.samples import Sample, Track
from kleinmaelzung_services.calibration.runs.steps import Source, Step
from kleinmaelzung_services.calibration.templates.template import Points, Template, Uniformity
from kleinmaelzung_wire.messages import MAX_SENTENCE
from kleinmaelzung_wire.runs import LiveSignal

_MARGIN_S: Final = 10.0
_NEARLY: Final = 1e-9  # of a limit: calculation rounds otherwise, and must not refuse what was captured
_EMPTY: Final = Track()


class FrameMissing(LookupError):
    """The bytes of a frame from which a window was taken are not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Which channel a source of the step is read from."""

    source: Source
    instrument: str
    channel: str

    @property
    def role(self) -> str:
        return self.source.role


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A stream, and what it does now."""

    stream: Stream
    judged: Judged

    def live(self) -> LiveSignal:
        found = self.judged
        return LiveSignal(
            role=self.stream.role,
            instrument=self.stream.instrument,
            channel=self.stream.channel,
            value=found.value,
            unit=found.unit,
            time=found.time_us,
            status=found.status,
            reason=found.reason[:MAX_SENTENCE],
            samples=len(found.window),
            length_s=found.length_s,
            window_s=found.window_s,
            spread=found.spread,
            slope=found.slope,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All streams of a step, now. It may be captured when each of them is stable."""

    seen: tuple[Seen, ...]

    @property
    def is_stable(self) -> bool:
        return bool(self.seen) and all(one.judged.is_stable for one in self.seen)

    @property
    def reason(self) -> str:
        """Why it is not captured: of each stream that is not stable, by its role where it is a standard's."""
        waits = [one for one in self.seen if one.judged.reason]
        return "; ".join(f"{one.stream.role}: {one.judged.reason}".removeprefix(": ") for one in waits)


def keep_s(template: Template) -> float:
    """How long a track must be for every window that this template asks for."""
    lengths = [one.record_s for one in template.tests if isinstance(one, Uniformity)]
    for measurand in template.measurands:
        wanted = measurand.stability
        lengths += [wanted.window_s + wanted.max_age_s, wanted.min_samples * wanted.max_age_s]
    return max(lengths) + _MARGIN_S


def streams(run: Run, step: StepRun) -> tuple[Stream, ...]:
    """The streams that are still to be captured at a step; a standard is the one at its position."""
    found = []
    for source in step.wanted:
        instrument, channel = run.instrument, run.created.what.channel(source.channel)
        if source.what == "standard":  # one that nothing reads is a stream that never comes, and says so
            standard = _standard(run, step.step, source)
            instrument, channel = (standard.instrument, standard.channel) if standard else ("", "")
            channel = channel or source.channel
        found.append(Stream(source=source, instrument=instrument, channel=channel))
    return tuple(found)


def look(run: Run, step: StepRun, tracks: Mapping[tuple[str, str], Track], now_us: int) -> Look:
    """Judge the streams of a step by their tracks, (instrument, channel) each.

    Where it does not wait, only what is wrong with them is said.
    """
    since_us = run.waiting.since_us if run.waiting and run.waiting.step == step.step.number else None
    mine = [
        (one, _wanted(run, step.step, one), tracks.get((one.instrument, one.channel), _EMPTY))
        for one in streams(run, step)
    ]
    seen = [
        Seen(stream=one, judged=judging.judge(wanted, track, now_us, since_us=since_us)) for one, wanted, track in mine
    ]
    if since_us is None or not all(one.judged.is_stable for one in seen):
        return Look(seen=tuple(seen))
    until_us = min(one.judged.window[-1].time_us for one in seen)  # so that the windows end together
    again = [
        Seen(stream=one, judged=judging.judge(wanted, track, now_us, since_us=since_us, until_us=until_us))
        for one, wanted, track in mine
    ]
    return Look(seen=tuple(_agreeing(run, step.step, again)))


def ranges(seen: Seen) -> tuple[FrameRange, ...]:
    """The frames that the window of a stream was taken from, in their order."""
    found = []
    for epoch, mine in groupby(seen.judged.window, key=lambda sample: sample.epoch):
        numbers = [sample.number for sample in mine]
        found.append(FrameRange(instrument=seen.stream.instrument, epoch=epoch, first=numbers[0], last=numbers[-1]))
    return tuple(found)


def sha256(frames: Sequence[FrameRange], payloads: Mapping[tuple[int, int], bytes]) -> str:
    """Over the bytes of frames, (epoch, number) each. Raises FrameMissing."""
    found = hashlib.sha256()
    for one in frames:
        for number in range(one.first, one.last + 1):
            if (payload := payloads.get((one.epoch, number))) is None:
                raise FrameMissing(f"{one.instrument}, run {one.epoch}, frame {number}")
            found.update(payload)
    return found.hexdigest()


def signal(seen: Seen, payloads: Mapping[tuple[int, int], bytes]) -> Signal:
    """What is captured of a stable stream; `payloads` are the frames of its instrument. Raises FrameMissing."""
    samples, source, frames = seen.judged.window, seen.stream.source, ranges(seen)
    return Signal(
        what=source.what,
        role=source.role,
        instrument=seen.stream.instrument,
        channel=seen.stream.channel,
        unit=UnitText(judging.unit_of(source.unit, samples[0]).symbol),
        times_us=tuple(one.time_us for one in samples),
        values=judging.values(samples),
        frames=frames,
        sha256=sha256(frames, payloads),
    )


def _standard(run: Run, step: Step, source: Source) -> RunStandard | None:
    """Which of several has the role at this position; the first where the test has none."""
    mine = [one for one in run.created.what.standards if one.used.role == source.role]
    if len(mine) > 1 and step.position:
        mine = [one for one in mine if one.used.position == step.position]
    return mine[0] if mine else None


def _wanted(run: Run, step: Step, stream: Stream) -> Wanted:
    source, measurand = stream.source, steps.measurand_of(run.template, step)
    earlier = tuple(_earlier(run, step, stream))
    others = (
        Before(point=one.point, values=signal.values)
        for one, signal in earlier
        if abs(one.point - step.point) > measurand.display.resolution and _may_freeze(run.template, one)
    )
    return Wanted(
        stability=measurand.stability,
        unit=source.unit,
        needed_s=measurand.stability.window_s if step.record_s is None else step.record_s,
        is_judged=source.is_judged,
        is_recorded=step.record_s is not None,
        display=measurand.display if source.what == "indication" else None,
        usual=earlier[0][1].unit if earlier else "",
        after_us=max((signal.times_us[-1] for _, signal in earlier), default=0),
        before=tuple(others) if source.is_judged and _may_freeze(run.template, step) else (),
    )


def _earlier(run: Run, step: Step, stream: Stream) -> Iterator[tuple[Step, Signal]]:
    """What counts of this stream in the series so far: of one measurand, for a standard at one position."""
    for one in run.series.steps if run.series else ():
        is_there = stream.source.what != "standard" or one.step.position == step.position
        if one.reading is None or one.step.measurand != step.measurand or not is_there:
            continue
        for signal in one.reading.signals:
            if (signal.what, signal.role) == (stream.source.what, stream.source.role):
                yield one.step, signal


def _may_freeze(template: Template, step: Step) -> bool:
    """A series of points shows it: elsewhere the same load is put on again and again."""
    return step.what == "reading" and isinstance(template.tests[step.test], Points)


def _agreeing(run: Run, step: Step, seen: Sequence[Seen]) -> Iterator[Seen]:
    """Each again, with what is wrong with it beside the others: not at the same time, or not at the point."""
    shown = next((one.judged.window for one in seen if one.stream.source.what != "standard"), ())
    for one in seen:
        reason = ""
        if one.judged.is_stable and one.stream.source.what == "standard":
            reason = _apart(run, step, one.judged.window, shown) or _away(run, step, one)
        yield replace(one, judged=replace(one.judged, status="unsteady", reason=reason)) if reason else one


def _apart(run: Run, step: Step, samples: Sequence[Sample], shown: Sequence[Sample]) -> str:
    if not shown:
        return ""
    times, others = ([each.time_us - shown[0].time_us for each in one] for one in (samples, shown))
    wanted = steps.measurand_of(run.template, step).stability
    return window_rules.apart([each / 1e6 for each in times], [each / 1e6 for each in others], wanted, OF_A_CAPTURE)


def _away(run: Run, step: Step, seen: Seen) -> str:
    """The reference is near the point, where the template says how near, and its certificate covers what it reads."""
    standard, source = _standard(run, step, seen.stream.source), seen.stream.source
    if standard is None or not source.is_judged or standard.used.unit is None:
        return ""
    samples, own = seen.judged.window, units.find(standard.used.unit)
    read = window.statistics(judging.times_s(samples), judging.values(samples)).mean
    value = units.convert(read, judging.unit_of(source.unit, samples[0]), own)
    certified = record_standards.certified_at(standard.used, value)
    if certified is None:
        return f"it reads {value:.6g} {own.symbol}, which its certificate does not cover: choose another standard"
    return _far(run, step, units.convert(value + certified.correction, own, source.unit), source)


def _far(run: Run, step: Step, value: float, source: Source) -> str:
    test, measurand = run.template.tests[step.test], steps.measurand_of(run.template, step)
    if not isinstance(test, Points) or test.tolerance is None or measurand.reference is not None:
        return ""
    found, unit = units.convert(value, source.unit, measurand.unit), measurand.unit.symbol
    if abs(found - step.point) <= test.tolerance * (1 - _NEARLY):
        return ""
    rule = f"{test.tolerance:g} {unit} are permitted"
    return f"the reference is {found:.6g} {unit}, the point {step.point:g} {unit}, {rule}: set the point again"
