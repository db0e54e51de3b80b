"""Readings become frames: numbered without a hole, final, and none too large."""

import math
import random

from kleinmaelzung_agent.clock import Timeline
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_agent.recording.recorder import MAX_BYTES, MAX_SAMPLES, NumberedFrame, Pace, Recorder
from kleinmaelzung_wire import codec, frames
from kleinmaelzung_wire.frames import Clock, Frame, SinceBoot, Value

NOW = 1_800_000_000_000_000
MS = 1_000_000  # ns
CLOCK = Clock(synchronised=True, error_us=50)
BOOT = 4711
BOOTED_NS = 60_000 * MS  # so long before what the monotonic clock calls zero


def timeline() -> Timeline:
    made = Timeline()
    made.observe(wall_us=NOW, monotonic_ns=0, boottime_ns=BOOTED_NS, kernel=CLOCK)
    return made


def recorder(frame_every_s: float = 0.1) -> Recorder:
    return Recorder("balance", 77, BOOT, frame_every_s=frame_every_s)


def mass(at_ms: float, value: Value = 1.5, unit: str = "g", quality: str = "") -> Reading:
    marks = {"mass": quality} if quality else {}
    return Reading(values={"mass": value}, units={"mass": unit}, quality=marks, taken_ns=int(at_ms * MS))


def decoded(numbered: list[NumberedFrame]) -> list[Frame]:
    return [frames.decode(frame.payload) for frame in numbered]


def test_a_slow_instruments_samples_go_one_by_one_at_once() -> None:
    made = recorder()
    for index in range(20):
        (frame,) = decoded(made.take([mass(index * 200)], timeline()))
        assert (frame.epoch, frame.number, frame.times) == (77, index + 1, (NOW + index * 200_000,))
        assert frame.channels == {"mass": [1.5]}
        assert (frame.units, frame.quality, frame.clock) == ({"mass": "g"}, {}, CLOCK)
    assert made.due_ns is None


def test_the_bytes_of_a_frame_are_these() -> None:
    (frame,) = recorder().take([mass(0, 12.5)], timeline())
    wire = {"v": 1, "e": 77, "n": 1, "t": [NOW], "c": {"mass": [12.5]}, "k": [True, 50], "u": {"mass": "g"}}
    wire["b"] = [BOOT, 60_000_000]
    assert frame.payload == codec.pack(wire)
    assert frame.key == ("balance", 77, 1)


def test_a_fast_instruments_samples_are_gathered_for_the_frames_time() -> None:
    made, when = recorder(), timeline()
    numbered = made.take([mass(index) for index in range(1000)], when)
    assert made.due_ns is not None
    numbered += made.cut(CLOCK)
    found = decoded(numbered)
    assert [frame.number for frame in found] == list(range(1, len(found) + 1))
    assert sum(len(frame.times) for frame in found) == 1000
    assert [len(frame.times) for frame in found[-5:-1]] == [100] * 4
    assert [time for frame in found for time in frame.times] == [NOW + index * 1000 for index in range(1000)]


def test_whether_it_is_fast_has_two_thresholds() -> None:
    pace = Pace(100 * MS)
    at = 0

    def settle(apart_ms: int) -> bool:
        nonlocal at
        for _ in range(50):
            at += apart_ms * MS
            is_fast = pace.count(at)
        return is_fast

    assert not settle(100)
    assert not settle(90)
    assert settle(70)
    assert settle(100)
    assert settle(120)
    assert not settle(130)
    assert not settle(100)


def test_other_channels_or_units_begin_a_new_frame() -> None:
    made = recorder()
    numbered = made.take([mass(index) for index in range(50)], timeline())
    numbered += made.take([mass(51, unit="kg"), mass(52, unit="kg")], timeline())
    numbered += made.take([Reading(values={"mass": 1, "tare": 2}, taken_ns=53 * MS)], timeline())
    numbered += made.cut(CLOCK)
    *_, grams, kilograms, both = decoded(numbered)
    assert grams.units == {"mass": "g"}
    assert (kilograms.units, len(kilograms.times)) == ({"mass": "kg"}, 2)
    assert both.channels == {"mass": [1], "tare": [2]}


def test_a_frame_has_at_most_1000_samples_and_about_32_kib() -> None:
    made = recorder(frame_every_s=10)
    numbered = made.take([mass(index / 100) for index in range(5000)], timeline()) + made.cut(CLOCK)
    assert max(len(frame.times) for frame in decoded(numbered)) == MAX_SAMPLES
    texts = [mass(60 + index / 100, value=str(index) * 200, quality="unstable") for index in range(2000)]
    numbered = made.take(texts, timeline()) + made.cut(CLOCK)
    assert max(len(frame.payload) for frame in numbered) <= MAX_BYTES
    assert sum(len(frame.times) for frame in decoded(numbered)) == 2000


def test_what_is_no_number_becomes_nil_and_says_so() -> None:
    made = recorder()
    values: list[Value] = [math.nan, math.inf, -math.inf, 2**63, "a\x00b", "\udc80", "x" * 2000, 3.0, True, None]
    found = decoded(
        [frame for i, value in enumerate(values) for frame in made.take([mass(i * 200, value)], timeline())]
    )
    assert [frame.channels["mass"][0] for frame in found] == [
        None, None, None, None, "a\ufffdb", "\\udc80", "x" * 1024, 3.0, True, None,
    ]  # fmt: skip
    marks = [frame.quality_of("mass", 0) for frame in found]
    assert marks == ["nan", "inf", "inf", "range", "changed", "changed", "changed", "good", "good", "good"]


def test_the_drivers_own_quality_goes_before_ours() -> None:
    (frame,) = decoded(recorder().take([mass(0, math.nan, quality="overload")], timeline()))
    assert frame.quality == {"mass": ["overload"]}


def test_quality_in_the_middle_of_a_frame_stands_at_its_sample() -> None:
    made = recorder()
    made.take([mass(index) for index in range(50)], timeline())
    made.cut(CLOCK)
    made.take([mass(60), mass(61, quality="unstable"), mass(62)], timeline())
    (frame,) = decoded(made.cut(CLOCK))
    assert frame.quality == {"mass": [None, "unstable", None]}


def test_what_no_frame_can_hold_leaves_a_record_and_no_hole() -> None:
    made = recorder()
    wide = Reading(values={f"c{index}": 1 for index in range(65)}, taken_ns=0)
    numbered = made.take([wide], timeline()) + made.take([mass(200)], timeline())
    refused, good = decoded(numbered)
    assert (refused.number, good.number) == (1, 2)
    assert refused.records[0]["kind"] == "refused"
    assert "65 channels" in refused.records[0]["reason"]


def test_a_record_is_a_numbered_frame_behind_what_was_open() -> None:
    made = recorder()
    first = made.take([mass(index) for index in range(30)], timeline())
    gap = {"kind": "gap", "epoch": 5, "first": 2, "last": 9, "reason": "spool full"}
    last, record = made.record(gap, timeline(), 60 * MS)
    assert (last.number, record.number) == (len(first) + 1, len(first) + 2)
    assert record.is_record
    (frame,) = decoded([record])
    assert (frame.records, frame.channels, frame.times) == ([gap], {}, (NOW + 60_000,))
    assert frame.since_boot == SinceBoot(BOOT, 60_060_000)


def test_each_frame_says_when_since_boot_its_first_sample_was() -> None:
    made = recorder()
    numbered = made.take([mass(index) for index in range(1000)], timeline()) + made.cut(CLOCK)
    found = decoded(numbered)
    assert len(found[-2].times) > 1
    assert [frame.since_boot for frame in found] == [
        SinceBoot(BOOT, 60_000_000 + frame.times[0] - NOW) for frame in found
    ]


def test_what_no_frame_can_hold_says_its_moment_too() -> None:
    wide = Reading(values={f"c{index}": 1 for index in range(65)}, taken_ns=5 * MS)
    (refused,) = decoded(recorder().take([wide], timeline()))
    assert (refused.times, refused.since_boot) == ((NOW + 5000,), SinceBoot(BOOT, 60_005_000))


def test_times_of_an_instrument_never_go_back() -> None:
    made, when = recorder(), timeline()
    dice = random.Random(3)
    times: list[int] = []
    for second in range(1, 60):
        wall = NOW + second * 1_000_000 + dice.randint(-400_000, 400_000)
        at_ns = second * 1000 * MS
        when.observe(wall_us=wall, monotonic_ns=at_ns, boottime_ns=at_ns, kernel=CLOCK)
        late = [mass(second * 1000 - 5), mass(second * 1000 + 5)]
        times += [time for frame in decoded(made.take(late, when) + made.cut(CLOCK)) for time in frame.times]
    assert times == sorted(times)


def test_latest_comes_once_a_second_and_the_last_value_gets_out() -> None:
    made = recorder()
    published = []
    for index in range(25):
        made.take([mass(index * 100, value=index)], timeline())
        payload = made.latest(index * 100 * MS)
        if payload is not None:
            published.append(payload["mass"]["value"])
    assert published == [0, 10, 20]
    assert made.has_new_latest
    assert made.latest(made.latest_due_ns - 1) is None
    payload = made.latest(made.latest_due_ns)
    assert payload is not None
    assert payload == {"mass": {"value": 24, "unit": "g", "quality": "good", "time": NOW + 2_400_000}}
    assert made.latest(made.latest_due_ns + 5000 * MS) is None


def test_latest_remembers_channels_that_come_in_turns() -> None:
    made = recorder()
    made.take([mass(0)], timeline())
    made.take([Reading(values={"temperature": 21}, taken_ns=300 * MS)], timeline())
    payload = made.latest(0)
    assert payload is not None
    assert set(payload) == {"mass", "temperature"}
