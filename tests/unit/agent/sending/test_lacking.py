"""Numbers as ranges, and what of them the server had and has not any more."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.recording import number_ranges
from kleinmaelzung_agent.sending import lacking
from kleinmaelzung_agent.sending.lacking import CONFIRM_S, Suspicion
from kleinmaelzung_wire.messages import LoggedRanges
from kleinmaelzung_wire.stored import Stored

BALANCE = ("balance", 7)
ranges = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))), max_size=8)


def numbers(found: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in found for number in range(first, last + 1)}


def is_tidy(found: list[tuple[int, int]]) -> bool:
    return all(one[1] + 1 < other[0] for one, other in itertools.pairwise(found))


@given(ranges, ranges)
def test_ranges_are_sets_of_numbers(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    assert numbers(number_ranges.joined(some)) == numbers(some)
    assert is_tidy(number_ranges.joined(some))
    assert numbers(number_ranges.without(some, others)) == numbers(some) - numbers(others)
    assert is_tidy(number_ranges.without(some, others))
    assert numbers(number_ranges.common(some, others)) == numbers(some) & numbers(others)
    assert number_ranges.count(number_ranges.joined(some)) == len(numbers(some))


def stored(*found: tuple[int, int], epoch: int = 7, part: int = 0, parts: int = 1) -> Stored:
    streams = [LoggedRanges(instrument="balance", epoch=epoch, ranges=list(found))] if found else []
    return Stored(part=part, parts=parts, streams=streams)


def test_what_is_neither_stored_nor_waiting_lacks() -> None:
    known = {BALANCE: [(1, 100)]}
    assert lacking.lacking(known, stored((1, 60)), {BALANCE: [(90, 100)]}) == {BALANCE: [(61, 89)]}
    assert lacking.lacking(known, stored((1, 100)), {}) == {}
    assert lacking.lacking(known, stored(), {}) == {BALANCE: [(1, 100)]}


def test_a_message_about_other_runs_says_nothing_of_this_one() -> None:
    assert lacking.lacking({BALANCE: [(1, 9)]}, stored(part=0, parts=2), {}) == {}
    assert lacking.lacking({BALANCE: [(1, 9)]}, stored(part=1, parts=2), {}) == {BALANCE: [(1, 9)]}


def test_numbers_count_from_one_whatever_is_kept() -> None:
    kept = {("balance", 5): [(40, 60)], BALANCE: [(1, 3)]}
    found = lacking.all_before(kept, {BALANCE: 9, ("kiln", 7): 0})
    assert found == {("balance", 5): [(1, 60)], BALANCE: [(1, 9)]}


def test_lost_is_what_lacks_twice() -> None:
    suspicion = Suspicion()
    assert suspicion.judge({BALANCE: [(5, 9)]}, stored(), 100.0) == {}
    assert suspicion.is_to_ask
    assert suspicion.judge({BALANCE: [(5, 9)]}, stored(), 100.0 + CONFIRM_S / 2) == {}, "too soon to say more"
    assert suspicion.judge({BALANCE: [(7, 12)]}, stored(), 100.0 + CONFIRM_S) == {BALANCE: [(7, 9)]}
    assert not suspicion.is_to_ask


def test_what_was_acknowledged_meanwhile_is_not_lost() -> None:
    suspicion = Suspicion()
    suspicion.judge({BALANCE: [(5, 9)]}, stored(), 0.0)
    assert suspicion.judge({}, stored(), CONFIRM_S) == {}
    assert not suspicion.is_to_ask


def test_what_is_told_is_not_told_again_while_the_record_is_on_its_way() -> None:
    suspicion = Suspicion()
    suspicion.tell(BALANCE, 5, 9, ("balance", 8, 3))
    assert suspicion.told(BALANCE, {("balance", 8): [(1, 4)]}) == [(5, 9)]
    assert suspicion.told(BALANCE, {("balance", 8): [(4, 9)]}) == []
    assert suspicion.told(("kiln", 7), {("balance", 8): [(1, 4)]}) == []
