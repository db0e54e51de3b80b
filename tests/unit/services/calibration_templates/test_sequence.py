"""In which order the readings of a test are made."""

from collections import Counter
from typing import Any

import pytest

from kleinmaelzung_services.calibration.templates import sequence
from kleinmaelzung_services.calibration.templates.template import Eccentricity, Points, Repeatability


def points(order: Any, repeats: int = 1, seed: int | None = None) -> list[tuple[float, str]]:
    test = Points(measurand="mass", title="", points=(0, 10, 50), order=order, repeats=repeats, seed=seed)
    return [(point, direction) for point, direction, _, _ in sequence.slots(test)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("up", [(0, "up"), (10, "up"), (50, "up")]),
        ("down", [(50, "down"), (10, "down"), (0, "down")]),
        ("up-down", [(0, "up"), (10, "up"), (50, "up"), (50, "down"), (10, "down"), (0, "down")]),
    ],
)
def test_a_series_is_run_as_a_whole_and_then_repeated(order: str, expected: list[tuple[float, str]]) -> None:
    assert points(order) == expected
    assert points(order, repeats=3) == expected * 3


def test_a_random_order_is_the_same_for_the_same_seed_on_any_machine() -> None:
    test = Points(measurand="mass", title="", points=tuple(range(8)), order="random", repeats=2, seed=7)
    run = [int(point) for point, *_ in sequence.slots(test)]
    assert run == [0, 1, 2, 4, 3, 5, 7, 6, 4, 2, 1, 0, 5, 6, 7, 3]


def test_each_repeat_has_another_random_order_of_all_points() -> None:
    test = Points(measurand="mass", title="", points=tuple(range(20)), order="random", repeats=2, seed=1)
    run = [point for point, *_ in sequence.slots(test)]
    assert Counter(run[:20]) == Counter(run[20:]) == Counter(range(20))
    assert run[:20] != run[20:]
    assert run[:20] != sorted(run[:20])


def test_other_tests_are_run_as_they_are_listed() -> None:
    load = Repeatability(measurand="mass", title="", point=100, repeats=2)
    assert list(sequence.slots(load)) == [(100, "up", 1, ""), (100, "up", 2, "")]
    corners = Eccentricity(measurand="mass", title="", point=100, positions=("centre", "left"))
    assert list(sequence.slots(corners)) == [(100, "up", 1, "centre"), (100, "up", 1, "left")]
