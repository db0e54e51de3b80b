"""Times never run backwards, and say how far they can be trusted."""

import itertools
from pathlib import Path

from kleinmaelzung_agent.clock import (
    DAY_US,
    EARLIEST_US,
    Timeline,
    boot_id,
    boottime_ns,
    kernel_clock,
    read_timex,
)
from kleinmaelzung_wire.frames import MAX_EPOCH, Clock

GOOD = Clock(synchronised=True, error_us=500)
BAD = Clock(synchronised=False)
NOW = 1_800_000_000_000_000
HOUR = 3_600_000_000
S = 1_000_000


def ns(us: int) -> int:
    return us * 1000


def test_a_synchronised_clock_is_taken_as_it_is() -> None:
    timeline = Timeline()
    assert not timeline.observe(wall_us=NOW, monotonic_ns=ns(7), boottime_ns=ns(7), kernel=GOOD)
    assert timeline.at(ns(7 + 25)) == NOW + 25
    assert timeline.at(ns(7 - 3)) == NOW - 3
    assert timeline.clock == GOOD


def test_a_clock_that_boots_in_the_past_goes_on_from_the_last_known_time() -> None:
    timeline = Timeline(last_known_us=NOW)
    timeline.observe(wall_us=0, monotonic_ns=0, boottime_ns=0, kernel=BAD)
    assert timeline.at(ns(5 * S)) == NOW + 5 * S
    assert timeline.clock == Clock(synchronised=False, error_us=None)


def test_an_unsynchronised_clock_that_is_later_than_the_last_known_time_is_used() -> None:
    timeline = Timeline(last_known_us=NOW)
    timeline.observe(wall_us=NOW + HOUR, monotonic_ns=0, boottime_ns=0, kernel=BAD)
    assert timeline.at(0) == NOW + HOUR


def test_a_new_machine_in_1970_still_gives_times_that_a_frame_can_hold() -> None:
    timeline = Timeline()
    timeline.observe(wall_us=0, monotonic_ns=0, boottime_ns=0, kernel=BAD)
    assert timeline.at(0) == EARLIEST_US


def test_synchronisation_forwards_is_followed_at_once() -> None:
    timeline = Timeline(last_known_us=NOW)
    timeline.observe(wall_us=0, monotonic_ns=0, boottime_ns=0, kernel=BAD)
    timeline.observe(wall_us=NOW + HOUR, monotonic_ns=ns(S), boottime_ns=ns(S), kernel=GOOD)
    assert timeline.at(ns(S)) == NOW + HOUR
    assert timeline.clock == GOOD


def test_a_clock_set_back_an_hour_is_waited_for_at_half_speed_and_marked() -> None:
    timeline = Timeline()
    timeline.observe(wall_us=NOW, monotonic_ns=0, boottime_ns=0, kernel=GOOD)
    times = []
    for second in range(1, 3 * 3600):
        timeline.observe(
            wall_us=NOW - HOUR + second * S, monotonic_ns=ns(second * S), boottime_ns=ns(second * S), kernel=GOOD
        )
        times += [timeline.at(ns(second * S)), timeline.at(ns(second * S + S // 2))]
        if second == 10:
            assert not timeline.clock.synchronised
            assert timeline.clock.error_us is not None
            assert timeline.clock.error_us > HOUR - 10 * S
    assert all(earlier < later for earlier, later in itertools.pairwise(times))
    assert times[-2] == NOW - HOUR + (3 * 3600 - 1) * S
    assert timeline.clock == GOOD


def test_a_step_back_of_a_millisecond_does_not_cost_the_mark() -> None:
    timeline = Timeline()
    timeline.observe(wall_us=NOW, monotonic_ns=0, boottime_ns=0, kernel=GOOD)
    timeline.observe(wall_us=NOW + S - 1000, monotonic_ns=ns(S), boottime_ns=ns(S), kernel=GOOD)
    assert timeline.clock == Clock(synchronised=True, error_us=1500)
    assert timeline.at(ns(S)) == NOW + S
    assert timeline.at(ns(2 * S)) == NOW + 2 * S - 1000


def test_a_year_too_late_is_put_right_and_reported() -> None:
    timeline = Timeline(last_known_us=NOW + 400 * DAY_US)
    assert timeline.observe(wall_us=NOW, monotonic_ns=0, boottime_ns=0, kernel=GOOD)
    assert timeline.at(0) == NOW


def test_the_kernels_answer_is_read_as_it_is_meant() -> None:
    assert read_timex(0, 0x2001, 120, 9000) == Clock(synchronised=True, error_us=120)
    assert read_timex(0, 0x2001, 0, 9000) == Clock(synchronised=True, error_us=9000)
    assert read_timex(5, 0x40, 16_000_000, 16_000_000) == Clock(synchronised=False)
    assert read_timex(0, 0x40, 0, 0) == Clock(synchronised=False)
    assert read_timex(-1, 0, 0, 0) == Clock(synchronised=False)


def test_the_kernel_can_be_asked() -> None:
    clock = kernel_clock()
    assert clock.error_us is None or 0 <= clock.error_us < 60_000_000


def test_the_clock_since_boot_counts_on_while_the_machine_is_suspended() -> None:
    timeline = Timeline()
    timeline.observe(wall_us=NOW, monotonic_ns=ns(S), boottime_ns=ns(3 * S), kernel=GOOD)
    assert timeline.since_boot_us(ns(S + 25)) == 3 * S + 25
    assert timeline.since_boot_us(ns(S - 25)) == 3 * S - 25
    timeline.observe(wall_us=NOW + HOUR, monotonic_ns=ns(2 * S), boottime_ns=ns(HOUR), kernel=GOOD)
    assert timeline.since_boot_us(ns(2 * S)) == HOUR


def test_the_moment_since_boot_stays_when_the_wall_clock_is_set() -> None:
    timeline = Timeline()
    timeline.observe(wall_us=NOW, monotonic_ns=ns(S), boottime_ns=ns(S), kernel=BAD)
    timeline.observe(wall_us=NOW - HOUR, monotonic_ns=ns(2 * S), boottime_ns=ns(2 * S), kernel=GOOD)
    assert timeline.since_boot_us(ns(5 * S)) == 5 * S


def test_a_moment_before_the_boot_is_the_boot() -> None:
    timeline = Timeline()
    timeline.observe(wall_us=NOW, monotonic_ns=ns(S), boottime_ns=ns(S), kernel=GOOD)
    assert timeline.since_boot_us(-1) == 0


def test_a_boot_has_one_number_which_a_frame_can_hold(tmp_path: Path) -> None:
    file = tmp_path / "boot_id"
    file.write_text("0b87b3b3-a6e9-4f4d-80b6-f7aec66d1c6f\n")
    other = tmp_path / "other"
    other.write_text("0b87b3b3-a6e9-4f4d-80b6-f7aec66d1c60\n")
    assert boot_id(file) == boot_id(file) != boot_id(other)
    assert 1 <= boot_id(file) <= MAX_EPOCH
    assert 1 <= boot_id() <= MAX_EPOCH


def test_without_a_boot_id_the_process_has_one(tmp_path: Path) -> None:
    missing = tmp_path / "no such file"
    assert boot_id(missing) == boot_id(missing)
    assert 1 <= boot_id(missing) <= MAX_EPOCH


def test_the_clock_since_boot_runs() -> None:
    earlier = boottime_ns()
    assert 0 < earlier <= boottime_ns()
