"""Ranges of numbers behave as a set of numbers does, and stay small."""

from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import numbers
from kleinmaelzung_wire.numbers import Epochs, Numbers

small = st.integers(1, 40)
ranges = st.tuples(small, st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(ranges))
def test_what_was_added_is_in_it_and_nothing_else(added: list[tuple[int, int]]) -> None:
    found, expected = Numbers(), set[int]()
    for first, last in added:
        new = set(range(first, last + 1))
        assert found.add_range(first, last) == bool(new - expected)
        expected |= new
    assert {number for number in range(1, 60) if number in found} == expected
    assert (found.first, found.last) == (min(expected, default=0), max(expected, default=0))
    holes = {number for first, last in found.holes() for number in range(first, last + 1)}
    assert holes == set(range(found.first, found.last + 1)) - expected - {0}
    assert all(first <= last for first, last in found.holes())


@given(st.lists(ranges), ranges)
def test_what_of_a_range_is_missing_is_said(added: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    found, expected = Numbers(), set(range(asked[0], asked[1] + 1))
    for first, last in added:
        found.add_range(first, last)
        expected -= set(range(first, last + 1))
    missing = found.missing(*asked)
    assert [number for first, last in missing for number in range(first, last + 1)] == sorted(expected)
    assert all(first <= last for first, last in missing)


def test_every_second_number_for_ever_does_not_fill_the_memory() -> None:
    found = Numbers()
    for number in range(1, 6 * numbers.MAX_HOLES, 2):
        assert found.add(number)
    assert len(found.holes()) < numbers.MAX_HOLES
    assert found.holes()[-1] == (found.last - 1, found.last - 1)


def test_epochs_are_told_apart_and_what_will_not_come_is_no_hole() -> None:
    known = Epochs()
    assert [known.add(7, 1), known.add(7, 4), known.add(8, 1), known.add(7, 4)] == [True, True, True, False]
    assert (7, 2) not in known
    assert known.holes() == [(7, 2, 3)]
    known.skip(7, 2, 2)
    assert (7, 2) in known
    assert known.holes() == [(7, 3, 3)]
    assert (known.newest, known.of(7).last, known.of(9).last) == (8, 4, 0)
