"""The schedule of faults: the same seed the same faults, every kind, never two on one target."""

import itertools

import pytest

from tests.faults import schedule
from tests.faults.schedule import FAULTY_SHARE, KINDS, Kind

AGENTS = ("pi-1", "pi-2", "pi-3")
SEEDS = range(40)


def test_the_same_seed_gives_the_same_faults() -> None:
    assert schedule.plan(7, 120, AGENTS) == schedule.plan(7, 120, AGENTS)
    assert schedule.plan(7, 120, AGENTS) != schedule.plan(8, 120, AGENTS)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_minutes_hold_every_kind(seed: int) -> None:
    assert schedule.kinds_missing([fault.kind for fault in schedule.plan(seed, 120, AGENTS)]) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_overlap_but_not_on_the_same_target(seed: int) -> None:
    faults = schedule.plan(seed, 120, AGENTS)
    overlaps = 0
    for one, other in itertools.combinations(faults, 2):
        first, second = sorted((one, other), key=lambda fault: fault.at_s)
        if second.at_s < first.at_s + first.lasts_s:
            overlaps += 1
            assert first.target != second.target
    assert overlaps > 0


@pytest.mark.parametrize("duration_s", [10, 25, 120, 3600])
def test_the_last_fifth_of_the_time_has_no_fault(duration_s: float) -> None:
    faults = schedule.plan(3, duration_s, AGENTS)
    assert faults
    assert max(fault.at_s + fault.lasts_s for fault in faults) <= duration_s * FAULTY_SHARE + 0.01


def test_a_long_run_has_a_cut_that_outlasts_the_pings() -> None:
    cuts = [fault.lasts_s for fault in schedule.plan(3, 120, AGENTS) if fault.kind == schedule.CUT]
    assert cuts.count(schedule.LONG_CUT_S) == 1


def test_kinds_that_do_not_fit_are_told() -> None:
    happened = [fault.kind for fault in schedule.plan(3, 10, AGENTS)]
    assert set(schedule.kinds_missing(happened)) == {kind.name for kind in KINDS} - set(happened) != set()


def test_a_kind_that_never_fits_does_not_hold_up_the_others() -> None:
    kinds = (Kind("freeze broker", "broker", 50, 60), Kind("kill logger", "logger", 0.1, 0.2))
    assert {fault.kind for fault in schedule.plan(1, 20, AGENTS, kinds)} == {"kill logger"}
