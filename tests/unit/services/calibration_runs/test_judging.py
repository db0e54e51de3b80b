# ruff: noqa: E501 - a refusal is one line, however long
"""A stream is judged: what is stable, and a sentence for each thing that keeps a window from being captured."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records import record_json, record_windows
from kleinmaelzung_services.calibration.records.record import UnitText, Window
from kleinmaelzung_services.calibration.runs import judging, samples
from kleinmaelzung_services.calibration.runs.judging import Before, Judged, Wanted
from kleinmaelzung_services.calibration.runs.samples import MOST, Taken
from kleinmaelzung_services.calibration.templates.template import Display, Stability
from kleinmaelzung_wire.frames import SinceBoot, Value
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs.streamed import START_US as AT
from tests.unit.services.calibration_runs.streamed import Streaming

GRAM = units.find("g")
STABILITY = Stability(
    window_s=4.0,
    min_samples=8,
    unit=GRAM,
    max_range=0.0002,
    max_slope_per_s=0.00005,
    settle_s=3.0,
    timeout_s=60.0,
    max_age_s=2.0,
)
WANTED = Wanted(stability=STABILITY, unit=GRAM, needed_s=4.0, display=Display(low=0.0, high=200.0, resolution=0.0001))
# Samples each 0.25 s: one when it is placed, the last of the settling after 12 more, and a window of 16.
WHOLE = 1 + 12 + 16
STEADY: list[Value] = [100.0003, 100.0003, 100.0002, 100.0003] * 12


def s(seconds: float) -> int:
    return AT + round(seconds * 1e6)


def stream(*values: Value, every_s: float = 0.25, **other: Any) -> Streaming:
    """One frame for each value, the first when it is placed."""
    found = Streaming()
    found.run(AT, values, every_s, **other)
    return found


def judge(found: Streaming, wanted: Wanted = WANTED, *, late_s: float = 0.0, **other: Any) -> Judged:
    """As it is when the newest sample has come, or some time later."""
    newest = found.track.newest
    assert newest is not None
    return judging.judge(wanted, found.track, newest.received_us + round(late_s * 1e6), **{"since_us": AT, **other})


def said(found: Judged) -> tuple[str, str]:
    return found.status, found.reason


def steady(count: int = WHOLE, **other: Any) -> Streaming:
    return stream(*STEADY[:count], **other)


def test_a_window_is_stable_as_soon_as_it_is_long_enough_after_settling() -> None:
    found = judge(steady())
    assert said(found) == ("stable", "")
    assert len(found.window) == 16
    assert [one.time_us for one in found.window] == [s(3.25 + 0.25 * place) for place in range(16)]
    assert (found.value, found.unit, found.time_us) == (100.0003, "g", s(7.0))
    assert (found.length_s, found.window_s) == (4.0, 4.0)
    assert found.spread == pytest.approx(0.0001, abs=1e-9)
    assert found.slope == pytest.approx(0.0, abs=1e-5)
    assert not judge(steady(WHOLE - 1)).is_stable


def test_it_settles_and_then_the_window_fills() -> None:
    assert said(judge(steady(6))) == ("settling", "still settling, 1.2 of 3 s")
    found = judge(steady(13 + 8))
    assert said(found) == ("settling", "window 2.0 of 4 s")
    assert (len(found.window), found.length_s, found.spread, found.slope) == (8, 2.0, None, None)


def test_a_slow_stream_waits_for_as_many_samples_as_the_template_asks_for() -> None:
    slow = stream(*STEADY[:9], every_s=1.0)
    assert said(judge(slow)) == ("settling", "5 of 8 samples")
    assert judge(stream(*STEADY[:12], every_s=1.0)).is_stable


def test_samples_that_were_taken_or_received_before_do_not_count() -> None:
    late = Streaming()
    for place in range(60):  # in frames of a second: what was placed in the middle of one counts from then on
        late.tell(s(-10 + place / 4), *STEADY[:1])
    assert said(judge(late)) == ("settling", "window 1.8 of 4 s")
    assert said(judge(late, since_us=s(-7.5))) == ("stable", "")
    early = Streaming()
    early.tell(s(3.2), *STEADY[:40], every_s=0.1, late_s=-4.0)  # its clock is ahead: taken before it had settled
    assert judge(early, late_s=1.0, since_us=s(0.1)).window == ()
    after = replace(WANTED, after_us=s(5.0))
    assert said(judge(steady(), after)) == ("settling", "window 2.0 of 4 s")


REFUSED: list[tuple[Streaming, dict[str, Any], tuple[str, str]]] = [
    # not there, stale, by another clock
    (steady(), {"late_s": 5.2}, ("refused", "stale: the newest sample came 5.2 s ago, 2 s are permitted: check the instrument and its connection")),
    (steady(late_s=40.0), {}, ("refused", "its times are 40.0 s behind the server's clock: wait until its agent has caught up, or set the agent's clock")),
    (steady(late_s=-40.0), {}, ("refused", "its times are 40.0 s ahead of the server's clock: set the clock of its agent")),
    # not good
    (steady(quality="unstable"), {}, ("unsteady", 'the instrument says "unstable": wait until it is good')),
    (steady(quality="overload"), {}, ("refused", 'the instrument says "overload": look at the instrument')),
    (stream(*STEADY[:28], None), {}, ("refused", "what it sends is not a number: check the instrument and its channel")),
    (stream(*STEADY[:28], "12.5"), {}, ("refused", "what it sends is not a number: check the instrument and its channel")),
    (stream(*STEADY[:28], 430.0), {}, ("refused", "it shows 430 g, that is no value of an instrument for 0 to 200 g: look for its overload or error sign")),
    # not steady
    (stream(*STEADY[:20], 100.0008, *STEADY[:8]), {}, ("unsteady", "not stable: it spans 0.0006 g, the template permits 0.0002")),
    (stream(*(100 + 0.0000125 * place + 0.001 for place in range(WHOLE))), {"max_slope_per_s": 0.00002}, ("unsteady", "not stable: it moves by 5e-05 g/s, the template permits 2e-05")),
]  # fmt: skip


@pytest.mark.parametrize(("found", "how", "wanted"), REFUSED, ids=lambda each: None)
def test_what_cannot_be_captured_says_why(found: Streaming, how: dict[str, Any], wanted: tuple[str, str]) -> None:
    stability = replace(STABILITY, max_slope_per_s=how.pop("max_slope_per_s", 0.00005))
    assert said(judge(found, replace(WANTED, stability=stability), **how)) == wanted


def units_of(*names: str) -> Streaming:
    """Frames of a window of each unit, one after the other; the last is that long."""
    found, at = Streaming(), AT
    for name in names:
        found.unit = name
        at = found.run(at, STEADY[: WHOLE if name == names[-1] else 16]) + 250_000
    return found


def test_another_unit_is_refused_where_it_is_none_or_cannot_be_converted_or_was_another_before() -> None:
    assert said(judge(units_of("oz"))) == ("refused", '"oz" is no unit that is known here: set the instrument to g')
    rule = 'its unit "mm" cannot be converted to "g": set the instrument to g'
    assert said(judge(units_of("mm"))) == ("refused", rule)
    usual = 'the readings before have the unit "g", now it is "kg": set it back'
    wide = replace(WANTED, usual="g", display=None)
    assert said(judge(units_of("kg"), replace(wide, stability=replace(STABILITY, max_range=1, max_slope_per_s=1)))) == (
        "refused",
        usual,
    )
    assert judge(units_of("g"), wide).is_stable


def test_a_stream_without_a_unit_has_the_templates() -> None:
    found = judge(units_of(""), replace(WANTED, usual="g"))
    assert (said(found), found.unit) == (("stable", ""), "g")


def test_what_is_shown_is_in_the_templates_unit() -> None:
    found = judge(stream(*[0.1000003] * WHOLE), replace(WANTED, unit=units.find("mg"), display=None))
    assert found.value == pytest.approx(100.0003)
    assert found.unit == "mg"
    assert (found.spread, found.slope) == (0.0, 0.0)


def broken(*, at: int = 20, **how: Any) -> Streaming:
    """A steady stream with something between its samples before and after `at`."""
    found = stream(*STEADY[:at])
    found.number += how.pop("lost", 0)
    found.boot_us += how.pop("set_us", 0)
    found.unit = how.pop("unit", "g")
    if "epoch" in how:
        found.epoch, found.number = how.pop("epoch"), how.pop("number", 0)
    found.run(s(at / 4 + how.pop("silence", 0)), STEADY[:8], **how)
    return found


BROKEN: list[tuple[Streaming, str]] = [
    (broken(lost=12), "window 2.0 of 4 s, since 12 of its frames were lost"),
    (broken(silence=3), "window 2.0 of 4 s, since it was silent for 3.25 s"),
    (broken(silence=-1), "window 2.0 of 4 s, since its times went back"),
    (broken(unit="mg"), 'window 2.0 of 4 s, since its unit changed from "g" to "mg"'),
    (broken(set_us=1_200_000), "window 2.0 of 4 s, since the clock of its agent was set by +1.2 s"),
    (broken(epoch=8, number=3), "window 2.0 of 4 s, since 3 of its frames were lost"),
]


@pytest.mark.parametrize(("found", "wanted"), BROKEN, ids=lambda each: None)
def test_a_window_begins_anew_behind_a_break(found: Streaming, wanted: str) -> None:
    wide = replace(WANTED, stability=replace(STABILITY, max_range=1e6, max_slope_per_s=None))
    assert said(judge(found, wide)) == ("settling", wanted)


def test_a_bad_sample_begins_it_anew_too() -> None:
    bad = steady(20)
    bad.tell(s(5), 100.0003, quality="unstable")
    bad.run(s(5.25), STEADY[:8])
    assert said(judge(bad)) == ("settling", 'window 2.0 of 4 s, since the instrument says "unstable"')
    spike = stream(*STEADY[:20], 9999.0, *STEADY[:8])
    found = replace(WANTED, is_recorded=True)
    assert said(judge(spike, found))[1].startswith("it shows 9999 g, that is no value")


def test_samples_that_the_agent_gave_up_are_a_break() -> None:
    found = steady(20)
    found.tell(s(4.9), 0, channels={}, units={}, records=[{"kind": "refused", "samples": 2}])
    found.run(s(5), STEADY[:8])
    assert said(judge(found)) == ("settling", "window 2.0 of 4 s, since 2 of its samples were lost")


def test_another_run_of_the_agent_from_its_first_frame_on_is_no_break() -> None:
    found = judge(broken(epoch=8, at=21))
    assert found.is_stable
    assert {one.epoch for one in found.window} == {7, 8}


def test_frames_of_other_channels_between_them_are_no_break() -> None:
    found = Streaming()
    for place, value in enumerate(STEADY[:WHOLE]):
        found.tell(s(place / 4), value)
        found.tell(s(place / 4 + 0.1), 1.0, channels={"other": [1.0]}, units={})
    assert judge(found).is_stable


def test_a_clock_that_is_only_slewed_is_no_break() -> None:
    assert judge(broken(set_us=2_000, at=21)).is_stable
    found = steady(21)
    for place in range(8):  # of another boot nothing is known
        found.tell(s(5.25 + place / 4), STEADY[place], since_boot=SinceBoot(12, 1 + 250_000 * place))
    assert judge(found).is_stable


def test_the_same_samples_as_at_another_point_are_frozen() -> None:
    window = judging.values(judge(steady()).window)
    again = replace(WANTED, before=(Before(point=50.0, values=window),))
    frozen = "frozen: the same samples came at the point 50: check the instrument and its connection"
    assert said(judge(steady(), again)) == ("refused", frozen)
    still = replace(WANTED, before=(Before(point=10.0, values=(1.0, 2.0)), Before(point=50.0, values=(100.0,) * 9)))
    said_still = "frozen: every sample is the same as at the point 50: check the instrument and its connection"
    assert said(judge(stream(*[100.0] * WHOLE), still)) == ("refused", said_still)
    assert judge(stream(*[100.0] * WHOLE), replace(still, before=still.before[:1])).is_stable
    assert judge(stream(*[100.0] * WHOLE)).is_stable  # a display that stands still at one point


def test_where_nothing_waits_only_what_is_wrong_is_said() -> None:
    found = judge(steady(), since_us=None)
    assert (found.status, found.reason, found.value) == ("idle", "", 100.0003)
    wrong = judge(stream(None, quality="overload"), since_us=None)
    assert (said(wrong), wrong.value) == (("idle", 'the instrument says "overload": look at the instrument'), None)
    nothing = judging.judge(WANTED, samples.Track(), AT, since_us=None)
    assert said(nothing) == ("idle", "nothing has come yet: check that it is connected and measures")
    assert judging.judge(WANTED, samples.Track(), AT, since_us=AT).status == "refused"


def test_what_is_recorded_may_move_and_what_is_not_judged_too() -> None:
    moving = stream(*(100 + 0.01 * math.sin(place) for place in range(WHOLE)))
    assert judge(moving).status == "unsteady"
    assert judge(moving, replace(WANTED, is_recorded=True)).is_stable
    slow = stream(*(100 + place for place in range(5)), every_s=2.0)
    assert said(judge(slow)) == ("settling", "3 of 8 samples")
    found = judge(slow, replace(WANTED, is_judged=False, display=None))
    assert (found.is_stable, len(found.window)) == (True, 2)


def test_a_window_may_end_where_another_stream_ends() -> None:
    found = judge(steady(WHOLE + 8), until_us=s(7.1))
    assert found.window[-1].time_us == s(7.0)
    assert found.is_stable
    assert not judge(steady(WHOLE + 8), until_us=s(6.9)).is_stable


def test_a_stream_that_is_too_fast_for_a_record_says_so() -> None:
    found = Streaming()
    for place in range(30):
        found.tell(s(1 + place * 4), *[100.0] * 4000, every_s=0.001)
    assert MOST == 100_000
    reason = "the window has more than 100000 samples: have the instrument asked less often"
    assert said(judge(found, replace(WANTED, needed_s=600.0))) == ("settling", reason)


# --- against the rules of a record, which are written for whatever a record may hold -----------------------------------

BALANCE = TEMPLATES["balance"]
RULES = BALANCE.measurands[0].stability
RECORD = simulated.record(BALANCE)


def mistakes(window: Window) -> list[record_json.Mistake]:
    """What record_windows says of one window of the balance, at the point 50."""
    run = RECORD.as_found.tests[2]
    readings = run.readings[1], replace(run.readings[2], indication=window)
    series = replace(RECORD.as_found, tests=(replace(run, readings=readings),))
    notes = record_json.Notes()
    record_windows.check(BALANCE, RECORD, series, ("as_found",), notes)
    return notes.mistakes


def as_window(found: Judged, shift_us: int) -> Window:
    """As a record has it: times count from another moment, such as a reading that comes after its zero."""
    first = found.window[0].time_us + shift_us
    times = tuple((one.time_us - first) / 1e6 for one in found.window)
    return Window(device="item-1", unit=UnitText("g"), times_s=times, values=judging.values(found.window))


@some.composite
def streams(draw: some.DrawFn) -> tuple[list[tuple[float, Value, str | None, int]], float]:
    """Steps in time, values around 50 g, a quality seldom, lost frames seldom; and how wide the values may be."""
    width = draw(some.sampled_from([0.00005, 0.0001, 0.00011, 0.0002, 0.001]))
    period = draw(some.sampled_from([0.1, 0.25, 0.25, 0.5, 1.0]))
    rare = some.integers(0, 60)
    told = []
    for _ in range(draw(some.integers(20, 60))):
        jitter = draw(some.floats(-0.3, 0.3)) * period
        step = draw(some.sampled_from([3.0, -0.5, 0.0])) if draw(rare) == 0 else period + jitter
        value: Value = 50 + draw(some.floats(-1, 1)) * width
        if draw(rare) == 0:
            value = draw(some.sampled_from([None, 700.0, "?", 51.0]))
        quality = "unstable" if draw(rare) == 0 else None
        told.append((step, value, quality, 2 if draw(rare) == 0 else 0))
    return told, width


def flaws(found: Judged, taken: Sequence[Taken]) -> list[str]:
    """What must never be in a captured window, looked for the plain way."""
    window = found.window
    place = {(one.epoch, one.number): index for index, one in enumerate(taken)}
    used = taken[place[window[0].epoch, window[0].number] : place[window[-1].epoch, window[-1].number] + 1]
    flaws = ["quality" for one in window if one.quality != "good" or one.value is None]
    flaws += ["early" for one in window if min(one.time_us, one.received_us) <= AT + RULES.settle_s * 1e6]
    flaws += ["hole" for one, other in pairwise(used) if other.number != one.number + 1]
    flaws += ["order" for one, other in pairwise(window) if other.time_us <= one.time_us]
    flaws += ["gap" for one in used for sample in one.samples if sample not in window]
    return flaws


@settings(max_examples=60, deadline=None)
@given(made=streams(), shift=some.integers(-10_000_000, 10_000_000))
def test_what_is_stable_passes_the_rules_of_a_record_and_has_no_flaw(
    made: tuple[list[tuple[float, Value, str | None, int]], float], shift: int
) -> None:
    told, _ = made
    display = BALANCE.measurands[0].display
    wanted = Wanted(stability=RULES, unit=GRAM, needed_s=RULES.window_s, display=display)
    found, at = Streaming(), AT
    for step, value, quality, lost in told:
        at += round(step * 1e6)
        found.number += lost
        found.tell(at, value, quality=quality)
        judged = judge(found, wanted)
        if judged.is_stable:
            assert flaws(judged, found.track.frames) == []
            assert mistakes(as_window(judged, shift)) == []


@settings(max_examples=50, deadline=None)
@given(some.lists(some.floats(-1, 1), min_size=17, max_size=17), some.floats(0.1, 0.5))
def test_what_is_good_and_steady_for_long_enough_is_always_stable(noise: list[float], period: float) -> None:
    wanted = Wanted(stability=replace(RULES, max_slope_per_s=None), unit=GRAM, needed_s=16 * period)
    found = Streaming()
    before = math.ceil(RULES.settle_s / period) * period
    found.run(AT - 1_000_000, [7.0] * round(before / period + 1 + 1 / period), period)
    newest = found.track.newest
    assert newest is not None
    found.run(newest.time_us + round(period * 1e6), [50 + 0.0001 * one for one in noise], period)
    assert said(judge(found, wanted)) == ("stable", "")
