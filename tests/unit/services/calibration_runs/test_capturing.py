"""A step is captured from its streams: all of them together, with the frames that they came in and their hash."""

import hashlib
import math
from dataclasses import replace

import pytest

from kleinmaelzung_services.calibration.records import record_check
from kleinmaelzung_services.calibration.records.record import FrameRange
from kleinmaelzung_services.calibration.runs import acting, capturing, recording
from kleinmaelzung_services.calibration.runs.capturing import FrameMissing, Look, Stream
from kleinmaelzung_services.calibration.runs.events import Captured
from kleinmaelzung_services.calibration.runs.run import StepRun
from kleinmaelzung_services.calibration.templates.template import Points, Template
from kleinmaelzung_wire.runs import LiveSignal
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs.streamed import Measured

BALANCE, THERMOMETER = TEMPLATES["balance"], TEMPLATES["thermometer"]


def value_of(stream: Stream, step: StepRun, place: int) -> float:
    """What simulated.record() has: small errors everywhere, another quantity at its usual value, and a little noise."""
    one, source = step.step, stream.source
    shown = 0.0 if one.what == "zero" else one.point
    noise = 1e-5 * math.sin(3.7 * (place + 10 * one.number)) * math.sin(0.3 * place + one.number)
    if source.what == "raw":
        return float(simulated.RAW[source.unit.symbol](shown)) + noise
    if source.what == "standard" and not source.is_judged:
        return (0.997 * shown if source.unit.symbol == "mg" else 25.0) + noise
    return shown + noise


def tolerant(template: Template, tolerance: float) -> Template:
    tests = tuple(replace(one, tolerance=tolerance) if isinstance(one, Points) else one for one in template.tests)
    return replace(template, tests=tests)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_run_captured_from_its_streams_makes_a_record_without_a_mistake(name: str) -> None:
    template = TEMPLATES[name]
    made = Measured(template).begin().measure(value_of)
    room = simulated.record(template).environment
    record = recording.record(made.run, room)
    assert made.run.state == "measured"
    assert record_check.check(template, record) == []


def test_the_signal_has_the_samples_of_its_window_and_the_hash_of_their_frames() -> None:
    made = Measured(BALANCE).begin()
    made.capture(value_of)
    what = made.events[-1].what
    assert isinstance(what, Captured)
    [signal] = what.signals
    streaming = made.streaming["pi-1/item", "mass"]
    window = [one for one in streaming.track.samples() if one.time_us in signal.times_us]
    assert (signal.what, signal.instrument, signal.channel, signal.unit) == ("indication", "pi-1/item", "mass", "g")
    assert signal.values == tuple(one.value for one in window)
    first, last = window[0].number, window[-1].number
    assert signal.frames == (FrameRange(instrument="pi-1/item", epoch=7, first=first, last=last),)
    payloads = b"".join(streaming.payloads[7, number] for number in range(first, last + 1))
    assert signal.sha256 == hashlib.sha256(payloads).hexdigest()


def stable(made: Measured, seconds: float = 20.0) -> Look:
    return next(one for one in made.feed(value_of, seconds, 0.25) if one.is_stable)


def test_frames_of_two_runs_of_the_agent_are_two_ranges_hashed_in_their_order() -> None:
    made = Measured(BALANCE).begin()
    made.place()
    *_, before = made.feed(value_of, 5, 0.25)
    streaming = made.streaming["pi-1/item", "mass"]
    last, streaming.epoch, streaming.number = streaming.number, 3, 0
    assert not before.is_stable
    [seen] = stable(made).seen
    first = last - 7
    signal = capturing.signal(seen, streaming.payloads)
    assert signal.frames == (
        FrameRange(instrument="pi-1/item", epoch=7, first=first, last=last),
        FrameRange(instrument="pi-1/item", epoch=3, first=1, last=8),
    )
    keys = [*((7, number) for number in range(first, last + 1)), *((3, number) for number in range(1, 9))]
    assert signal.sha256 == hashlib.sha256(b"".join(streaming.payloads[key] for key in keys)).hexdigest()
    with pytest.raises(FrameMissing, match="pi-1/item, run 3, frame 8"):
        capturing.signal(seen, {key: one for key, one in streaming.payloads.items() if key != (3, 8)})


def test_what_the_stream_does_is_told_of_each_while_it_waits() -> None:
    made = Measured(THERMOMETER).begin()
    made.place()
    assert [(one.stream.role, one.judged.status) for one in made.look().seen] == [
        ("", "refused"),
        ("reference", "refused"),
    ]
    *_, look = made.feed(value_of, 40, 5)
    shown, reference = (one.live() for one in look.seen)
    assert isinstance(shown, LiveSignal)
    assert (shown.role, shown.instrument, shown.channel, shown.unit) == ("", "pi-1/item", "temperature", "degC")
    assert (reference.role, reference.status, reference.samples) == ("reference", "settling", shown.samples)
    assert shown.window_s == THERMOMETER.measurands[0].stability.window_s
    assert look.reason == f"{shown.reason}; reference: {reference.reason}"


def test_a_step_that_does_not_wait_is_looked_at_too() -> None:
    made = Measured(BALANCE).begin()
    streaming = made.stream(capturing.streams(made.run, made.step)[0])
    streaming.tell(made.now_us, 12.5)
    look = made.look()
    assert [(one.judged.status, one.judged.value) for one in look.seen] == [("idle", 12.5)]
    assert not look.is_stable
    assert not Look(seen=()).is_stable


def test_all_streams_are_captured_together_or_none_is() -> None:
    made = Measured(THERMOMETER).begin()
    made.place()
    for look in made.feed(lambda stream, step, place: place * (stream.role == "reference"), 600, 5):
        assert not look.is_stable
    shown, reference = look.seen
    assert shown.judged.is_stable
    assert reference.judged.status == "unsteady"
    assert look.reason.startswith("reference: not stable: it spans ")


def pairs(period_s: float, last_s: float) -> Look:
    """The instrument each 5 s; the reference so often, its newest sample so long before the instrument's."""
    made = Measured(THERMOMETER).begin()
    made.place()
    shown, reference = capturing.streams(made.run, made.step)
    made.now_us += 500_000_000
    for stream, every_s, end_us in (
        (shown, 5.0, made.now_us),
        (reference, period_s, made.now_us - round(last_s * 1e6)),
    ):
        values = [value_of(stream, made.step, place) for place in range(40)]
        made.stream(stream).run(end_us - round(39 * every_s * 1e6), values, every_s)
    return made.look()


def test_instrument_and_reference_are_paired_by_the_middles_of_their_windows() -> None:
    assert THERMOMETER.measurands[0].stability.pair_max_skew_s == 2.0
    assert pairs(5.0, 0.0).is_stable
    both = pairs(5.0, 4.0)  # the instrument's window ends before, with the reference's
    assert both.is_stable
    ends = [one.judged.window[-1].time_us for one in both.seen]
    assert ends[1] - ends[0] == 1_000_000
    apart = pairs(5.0, 0.5)
    assert apart.reason == "reference: is 4.5 s away from the instrument's window, the template permits 2 s"
    assert not apart.is_stable


def test_the_reference_is_near_the_point_and_within_its_certificate() -> None:
    template = tolerant(THERMOMETER, 0.5)
    first = template.tests[0]
    assert isinstance(first, Points)

    def off(by: float) -> Look:
        made = Measured(template).begin()
        made.place()
        return list(made.feed(lambda stream, step, place: value_of(stream, step, place) + by, 600, 5))[-1]

    assert off(0.4).is_stable
    far = off(0.8)
    assert not far.is_stable
    point = f"{first.points[0]:g}"
    assert far.reason == (
        f"reference: the reference is {first.points[0] + 0.8:.6g} degC, the point {point} degC, 0.5 degC are permitted:"
        " set the point again"
    )


def test_a_reference_beyond_its_certificate_is_refused() -> None:
    made = Measured(THERMOMETER).begin()
    standards = made.run.created.what.standards
    narrow = tuple(
        replace(one, used=replace(one.used, certified=(replace(one.used.certified[0], low=50, high=100),)))
        for one in standards
    )
    what = replace(made.run.created.what, standards=narrow)
    made.place()
    made.run = replace(made.run, created=replace(made.run.created, what=what))
    look = list(made.feed(value_of, 600, 5))[-1]
    assert "degC, which its certificate does not cover: choose another standard" in look.reason


def test_a_standard_that_nothing_reads_never_becomes_stable() -> None:
    made = Measured(THERMOMETER).begin()
    standards = tuple(replace(one, instrument="") for one in made.run.created.what.standards)
    made.place()
    made.run = replace(
        made.run, created=replace(made.run.created, what=replace(made.run.created.what, standards=standards))
    )
    reference = capturing.streams(made.run, made.step)[1]
    assert reference.instrument == ""
    assert made.look().reason.endswith("reference: nothing has come yet: check that it is connected and measures")


def at_points(template: Template = BALANCE) -> Measured:
    """Up to the second point of the series."""
    series = next(index for index, one in enumerate(template.tests) if isinstance(one, Points))
    made = Measured(template).begin()
    first = (
        next(one.step.number for one in made.run.as_found.steps if one.step.test == series) if made.run.as_found else 0
    )
    return made.measure(value_of, first + 1)


def test_a_stream_that_shows_the_same_at_the_next_point_is_frozen() -> None:
    made = at_points()
    assert made.step.step.point == 10
    before = made.run.as_found.steps[made.step.step.number - 2].reading if made.run.as_found else None
    assert before
    again = before.signals[0].values
    made.place()
    looks = list(made.feed(lambda stream, step, place: again[(place - 12) % len(again)], 12, 0.2))
    frozen = {one.reason for one in looks if "frozen" in one.reason}
    assert frozen == {"frozen: the same samples came at the point 0: check the instrument and its connection"}


def test_the_same_load_again_is_not_frozen_and_a_struck_reading_is_not_compared() -> None:
    made = Measured(BALANCE).begin()
    for _ in range(6):  # zero and load of three placements
        made.capture(lambda stream, step, place: 0.0 if step.step.what == "zero" else 100.0)
    made = at_points()
    struck = made.step.step.number - 1
    again = made.run.as_found.steps[struck - 1].reading if made.run.as_found else None
    assert again
    made.act("strike", step=struck, reason="the door was open")
    made.capture(lambda stream, step, place: again.signals[0].values[0])


def test_only_the_points_of_a_series_are_compared() -> None:
    """As a record is checked: elsewhere the same load is put on again, and its point may be another."""

    def still(stream: Stream, step: StepRun, place: int) -> float:
        return 100.0 if step.step.what == "reading" else 0.0

    made = Measured(BALANCE).begin()
    series = next(index for index, one in enumerate(BALANCE.tests) if isinstance(one, Points))
    while made.step.step.test != series:  # 100 g in each of these tests
        made.capture(still)
    assert made.step.step.point == 0
    made.capture(still)
    made = Measured(THERMOMETER).begin()
    while isinstance(THERMOMETER.tests[made.step.step.test], Points):
        made.capture(lambda stream, step, place: step.step.point)
    assert made.step.step.point == 0  # the check point
    made.capture(lambda stream, step, place: 25.0)


def test_samples_count_only_after_those_that_were_captured_before() -> None:
    """Else a reading would begin before its zero, and no record may."""
    [measurand] = BALANCE.measurands
    at_once = replace(measurand, stability=replace(measurand.stability, settle_s=0.0))
    made = Measured(replace(BALANCE, measurands=(at_once,))).begin()
    made.place()
    [stream] = capturing.streams(made.run, made.step)
    streaming, at = made.stream(stream), made.now_us
    made.now_us = streaming.run(at + 3_000_000, [0.0001] * 40, 0.2, late_s=-2.5) - 2_500_000  # its clock is ahead
    [zero] = made.look().seen
    end_us = zero.judged.window[-1].time_us
    signals = [capturing.signal(zero, streaming.payloads)]
    made.append(acting.captured(made.run, 1, 1, signals), "anna")
    made.place()
    made.now_us = streaming.run(made.now_us + 100_000, [100.0003] * 28, 0.2)  # it was set
    [seen] = made.look().seen
    assert end_us > made.now_us - 28 * 200_000
    assert seen.judged.window
    assert all(one.time_us > end_us for one in seen.judged.window)


def test_another_unit_than_before_is_refused() -> None:
    made = Measured(BALANCE).begin()
    made.capture(value_of)
    made.streaming["pi-1/item", "mass"].unit = "mg"
    made.place()
    *_, look = made.feed(lambda stream, step, place: 100_000.0 + 0.01 * (place % 3), 20, 0.25)
    assert look.reason == 'the readings before have the unit "g", now it is "mg": set it back'


def test_where_the_indication_is_typed_only_the_standards_are_captured() -> None:
    made = Measured(THERMOMETER).begin()
    made.type("0.02")
    assert [one.role for one in capturing.streams(made.run, made.step)] == ["reference"]
    made.capture(value_of)
    assert made.step.step.number == 2


def test_of_several_standards_that_of_the_position_is_read() -> None:
    made = Measured(TEMPLATES["climate-chamber"]).begin()
    series = made.run.as_found
    assert series
    standards = {one.instrument: one.used for one in made.run.created.what.standards}
    places = {one.step.position for one in series.steps if one.step.position}
    assert len(places) > 2
    for one in series.steps:
        found = [standards[each.instrument] for each in capturing.streams(made.run, one) if each.role]
        assert found  # a step without a position reads the first, as the calculation does
        if not one.step.position:
            continue
        assert all(each.position in ("", one.step.position) for each in found)


def test_a_track_is_kept_for_the_longest_window() -> None:
    assert capturing.keep_s(BALANCE) > BALANCE.measurands[0].stability.window_s
    chamber = TEMPLATES["climate-chamber"]
    longest = max(one.record_s for one in chamber.tests if hasattr(one, "record_s"))
    assert capturing.keep_s(chamber) > longest
