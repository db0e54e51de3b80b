"""Frames become samples of a channel: nothing is lost in silence, each frame once, and only so much is kept."""

import math
from typing import Any

import pytest

from kleinmaelzung_services.calibration.runs import samples
from kleinmaelzung_services.calibration.runs.samples import MOST, NOT_A_NUMBER, Sample, Taken, Track
from kleinmaelzung_wire.frames import Clock, Frame, SinceBoot, Value

AT = 1_800_000_000_000_000


def frame(*values: Value, number: int = 1, epoch: int = 7, **other: Any) -> Frame:
    return Frame(
        epoch=epoch,
        number=number,
        times=tuple(AT + 1000 * place for place in range(len(values))),
        channels={"mass": list(values)},
        clock=Clock(synchronised=True),
        units={"mass": "g"},
        **other,
    )


def taken(number: int, *, epoch: int = 7, received_s: float = 0.0, count: int = 1) -> Taken:
    received_us = AT + round(received_s * 1e6)
    one = Sample(
        time_us=received_us, received_us=received_us, value=1.0, unit="g", quality="good", epoch=epoch, number=number
    )
    return Taken(epoch=epoch, number=number, received_us=received_us, samples=(one,) * count)


def track(*frames: Taken, keep_s: float = 60.0) -> Track:
    found = Track()
    for one in frames:
        found = samples.add(found, one, keep_s)
    return found


def numbers(found: Track) -> list[tuple[int, int]]:
    return [(one.epoch, one.number) for one in found.frames]


def test_a_sample_knows_its_time_unit_and_frame() -> None:
    first, second = samples.take(frame(1, 2.5, number=9), "mass", AT + 5).samples
    assert first == Sample(time_us=AT, received_us=AT + 5, value=1.0, unit="g", quality="good", epoch=7, number=9)
    assert (second.time_us, second.value) == (AT + 1000, 2.5)
    assert type(first.value) is float


@pytest.mark.parametrize("value", [None, "12.5", True, False, 10**18, math.inf, -math.inf, math.nan])
def test_what_is_no_number_stays_and_says_so(value: Value) -> None:
    [found] = samples.take(frame(value), "mass", AT).samples
    assert (found.value, found.quality) == (None, NOT_A_NUMBER)


def test_what_the_stream_says_itself_is_kept() -> None:
    overload, unstable = samples.take(frame(None, 12.5, quality={"mass": ["overload", "unstable"]}), "mass", AT).samples
    assert (overload.value, overload.quality) == (None, "overload")
    assert (unstable.value, unstable.quality) == (12.5, "unstable")


def test_a_frame_without_the_channel_is_there_without_samples() -> None:
    found = track(samples.take(frame(1.0, number=4), "other", AT))
    assert (numbers(found), found.count, found.newest) == ([(7, 4)], 0, None)


def test_samples_that_the_agent_gave_up_are_counted() -> None:
    lost = Frame(
        epoch=7,
        number=1,
        times=(AT,),
        channels={},
        clock=Clock(synchronised=True),
        records=[{"kind": "refused", "samples": 12}, {"kind": "gap"}, {"kind": "refused", "samples": "many"}],
    )
    assert samples.take(lost, "mass", AT).lost == 13


def test_what_the_agents_clock_was_set_to_is_known_by_the_one_that_nobody_sets() -> None:
    found = samples.take(frame(1.0, since_boot=SinceBoot(11, 5_000)), "mass", AT)
    assert (found.boot, found.set_us) == (11, AT - 5_000)


def test_frames_stand_in_the_order_of_their_numbers_each_once() -> None:
    found = track(taken(1), taken(2), taken(4), taken(2), taken(3), taken(4))
    assert numbers(found) == [(7, 1), (7, 2), (7, 3), (7, 4)]
    assert found.count == 4


def test_another_run_of_the_agent_follows_and_what_comes_late_of_the_first_goes_before_it() -> None:
    found = track(taken(8), taken(1, epoch=3), taken(9), taken(2, epoch=3), taken(7), taken(1, epoch=3))
    assert numbers(found) == [(7, 7), (7, 8), (7, 9), (3, 1), (3, 2)]


def test_what_is_older_than_asked_for_leaves() -> None:
    found = track(*(taken(number, received_s=number) for number in range(1, 11)), keep_s=3)
    assert numbers(found) == [(7, number) for number in range(7, 11)]
    assert found.count == 4


def test_more_samples_than_a_record_can_hold_leave() -> None:
    found = track(*(taken(number, count=MOST // 4) for number in range(1, 6)))
    assert numbers(found) == [(7, number) for number in range(2, 6)]
    assert found.count == MOST
