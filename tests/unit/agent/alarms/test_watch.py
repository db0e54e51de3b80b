"""One channel against its limits: hysteresis, delay both ways, rates, and what is not known counts as the worst."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.alarms.limits import Limits, Rate
from kleinmaelzung_agent.alarms.watch import STEPS, Comparator, Extreme, watches

S = 1_000_000_000

Readings = list[tuple[int, float | None]]


def timed(steps: list[tuple[int, float | None]]) -> Readings:
    times = itertools.accumulate(step for step, _ in steps)
    return [(time, value) for time, (_, value) in zip(times, steps, strict=True)]


values = st.one_of(st.none(), st.integers(0, 10).map(float))
readings = st.lists(st.tuples(st.integers(1, 5), values), max_size=40).map(timed)


def reference(found: Readings, limit: float, hysteresis: float, delay: int) -> list[bool]:
    """After each reading whether it is on, by looking at all that came before."""
    is_on, changed, states = False, -1, list[bool]()
    for index, (now, _) in enumerate(found):
        if not is_on:
            starts = [
                at
                for at, value in found[: index + 1]
                if at > changed and value is not None and value > limit and at + delay <= now
                and not any(at <= other < at + delay and y is not None and y <= limit for other, y in found)
            ]  # fmt: skip
            if starts:
                is_on, changed = True, min(starts) + delay
        if is_on:
            for first in range(index + 1):
                run = [value for at, value in found[first : index + 1] if at >= changed]
                is_over = len(run) == index + 1 - first and all(v is not None and v <= limit - hysteresis for v in run)
                if is_over and now - found[first][0] >= delay:
                    is_on, changed = False, now
                    break
        states.append(is_on)
    return states


@given(found=readings, hysteresis=st.integers(0, 3).map(float), delay=st.integers(0, 12))
def test_a_comparator_is_on_as_one_that_looks_at_the_whole_past_says(
    found: Readings, hysteresis: float, delay: int
) -> None:
    comparator = Comparator(5.0, hysteresis=hysteresis, delay_ns=delay)
    states = []
    for now, value in found:
        if value is None:
            comparator.miss(now)
        else:
            comparator.take(value, now)
        states.append(comparator.is_on)
    assert states == reference(found, 5.0, hysteresis, delay)


@given(found=readings, delay=st.integers(0, 12), ticks=st.sets(st.integers(0, 200)))
def test_how_often_the_time_is_looked_at_changes_nothing(found: Readings, delay: int, ticks: set[int]) -> None:
    plain, ticked = (Comparator(5.0, hysteresis=1.0, delay_ns=delay) for _ in range(2))
    before = 0
    for now, value in found:
        for tick in sorted(tick for tick in ticks if before <= tick < now):
            ticked.wait(tick)
        before = now
        for one in (plain, ticked):
            if value is None:
                one.miss(now)
            else:
                one.take(value, now)
        assert ticked.is_on == plain.is_on


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 200) | st.sampled_from([128, 256, STEPS]), st.floats(-1e6, 1e6)),
        min_size=1,
        max_size=300,
    ),
)
def test_the_least_within_a_span_is_the_least(steps: list[tuple[int, float]]) -> None:
    span = STEPS
    extreme, taken, now = Extreme(span), list[tuple[int, float]](), 0
    for step, value in steps:
        now += step
        taken.append((now, value))
        assert extreme.take(value, now) == min(v for at, v in taken if now - at <= span)


def test_a_rise_without_end_needs_no_more_memory_than_the_steps_of_a_span() -> None:
    extreme = Extreme(60 * S)
    for index in range(20_000):
        extreme.take(float(index), index * S // 100)
    assert len(extreme._rising) <= STEPS + 1


def levels(limits: Limits, found: list[tuple[float, float]]) -> list[str]:
    """The first kind's level after each (time in s, value)."""
    watch, said = watches(limits)[0], list[str]()
    for at_s, value in found:
        watch.take(value, round(at_s * S))
        said.append(watch.found.level or "")
    return said


def test_a_value_goes_through_warning_and_alarm_and_comes_back_by_the_hysteresis() -> None:
    limits = Limits(high_warning=70.0, high_alarm=80.0, hysteresis=2.0)
    found = [(0, 70.0), (1, 70.1), (2, 80.0), (3, 80.1), (4, 78.5), (5, 78.0), (6, 68.1), (7, 68.0)]
    expected = ["", "warning", "warning", "alarm", "alarm", "warning", "warning", ""]
    assert levels(limits, [(float(at), value) for at, value in found]) == expected


def test_low_limits_are_the_mirror() -> None:
    limits = Limits(low_warning=5.0, low_alarm=0.0, hysteresis=1.0)
    found = [(0.0, 5.0), (1.0, 4.9), (2.0, -0.1), (3.0, 0.9), (4.0, 1.0), (5.0, 5.9), (6.0, 6.0)]
    assert levels(limits, found) == ["", "warning", "alarm", "alarm", "warning", "warning", ""]
    [watch] = watches(limits)
    watch.take(-3.0, 0)
    assert watch.found.limit == 0.0


@pytest.mark.parametrize(("kind", "sign"), [("rise", 1.0), ("fall", -1.0)])
def test_a_rate_is_what_changed_within_its_span(kind: str, sign: float) -> None:
    rate = Rate(limit=5.0, span_s=60.0, level="warning")
    limits = Limits(rise=rate) if kind == "rise" else Limits(fall=rate)
    found = [(0.0, 20.0), (30.0, 20.0 + sign * 5.0), (59.0, 20.0 + sign * 5.1), (100.0, 20.0 + sign * 5.2)]
    assert levels(limits, found) == ["", "", "warning", ""]
    assert levels(limits, [(at, 20.0 - sign * at) for at in range(60)]) == [""] * 60


def test_a_delay_that_would_raise_goes_on_without_values_and_one_that_would_clear_does_not() -> None:
    comparator = Comparator(5.0, hysteresis=0.0, delay_ns=10)
    comparator.take(6.0, 0)
    comparator.wait(9)
    assert not comparator.is_on
    comparator.wait(10)
    assert comparator.is_on
    comparator.take(4.0, 20)
    comparator.wait(1000)
    assert comparator.is_on, "nobody has seen that it is well"
    comparator.miss(1001)
    comparator.take(4.0, 1002)
    assert comparator.is_on, "what came between is not known"
    comparator.take(4.0, 1012)
    assert not comparator.is_on
