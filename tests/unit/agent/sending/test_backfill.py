"""How fast frames are sent again: bounded, patient, in bundles, and fast again after the first answer."""

import pytest

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.sending.backfill import (
    LONGEST_PATIENCE_S,
    MAX_BUNDLE,
    MAX_FRAMES,
    MAX_PAGE,
    MAX_WINDOW,
    MIN_WINDOW,
    START_WINDOW,
    Schedule,
    bundle,
)
from kleinmaelzung_agent.spool.spool_file import Spooled
from kleinmaelzung_wire import codec, frames
from kleinmaelzung_wire.messages import LoggedRanges

S = 1_000_000_000


def schedule() -> Schedule:
    return Schedule(jitter=lambda: 1.0)


def wide_open() -> Schedule:
    """A schedule that has found the way to be fast."""
    made = schedule()
    while made.window < MAX_WINDOW:
        fill(made)
        made.passed(0.01)
        made.acknowledged(logged(1, made.cursor), 0)
    made.cursor = 0
    return made


def fill(made: Schedule, size: int = 100) -> None:
    while choose(made, spooled(MAX_PAGE, size, made.cursor + 1), 0):
        assert made.outstanding <= MAX_FRAMES
        assert made.outstanding_bytes <= made.window


def spooled(count: int, size: int = 100, first: int = 1) -> list[Spooled]:
    return [Spooled(n, frame(n, size)) for n in range(first, first + count)]


def frame(number: int, size: int, instrument: str = "balance") -> NumberedFrame:
    return NumberedFrame(instrument=instrument, epoch=1, number=number, payload=b"x" * size)


def logged(first: int, last: int, epoch: int = 1) -> list[LoggedRanges]:
    return [LoggedRanges(instrument="balance", epoch=epoch, ranges=[(first, last)])]


def choose(made: Schedule, found: list[Spooled], now_ns: int) -> list[Spooled]:
    """As the uplink does: ask, read, choose."""
    made.allowance(now_ns)
    return made.choose(found, now_ns, after=made.cursor)


def ids(chosen: list[Spooled]) -> list[int]:
    return [entry.id for entry in chosen]


def test_it_begins_with_what_a_slow_line_carries_in_two_seconds() -> None:
    made = schedule()
    fill(made)
    assert START_WINDOW / 2 < made.outstanding_bytes <= START_WINDOW
    assert made.allowance(0) == (0, 0)
    assert made.cursor == made.outstanding


def test_at_most_a_mebibyte_is_under_way() -> None:
    made = wide_open()
    assert made.window == MAX_WINDOW
    fill(made, size=1000)
    assert made.outstanding_bytes > MAX_WINDOW / 2


def test_at_most_ten_thousand_frames_are_under_way() -> None:
    made = wide_open()
    fill(made, size=1)
    assert made.outstanding > MAX_FRAMES / 2


def test_no_more_is_asked_of_the_spool_than_fits() -> None:
    made = schedule()
    choose(made, spooled(1, size=4000), 0)
    count, room = made.allowance(0)
    assert (count, room) == (1 + room // 4000, START_WINDOW - 4000)
    assert wide_open().allowance(0)[0] <= MAX_PAGE


def test_a_frame_larger_than_the_window_goes_alone() -> None:
    made = schedule()
    assert ids(choose(made, spooled(2, size=MAX_WINDOW + 1), 0)) == [1]
    assert choose(made, spooled(1, first=2), 0) == []


def test_room_for_half_a_window_is_waited_for_so_that_bundles_are_worth_it() -> None:
    made = schedule()
    assert ids(choose(made, spooled(8, size=2000), 0)) == list(range(1, 9))
    made.acknowledged(logged(1, 3), S // 100)
    assert made.allowance(S // 100) == (0, 0)
    made.acknowledged(logged(4, 4), S // 100)
    assert ids(choose(made, spooled(9, size=2000, first=9), S // 100)) == [9, 10, 11, 12]


def test_the_window_doubles_while_the_way_is_fast_and_full() -> None:
    made = schedule()
    fill(made)
    made.passed(0.01)
    assert made.window == 2 * START_WINDOW
    assert wide_open().window == MAX_WINDOW


def test_a_window_that_was_not_needed_does_not_grow() -> None:
    made = schedule()
    choose(made, spooled(3), 0)
    made.passed(0.01)
    assert made.window == START_WINDOW


def test_the_window_does_not_grow_while_the_logger_has_enough_to_do() -> None:
    made = schedule()
    fill(made)
    made.acknowledged(logged(1, made.cursor), 3 * S)
    fill(made)
    made.passed(0.01)
    assert made.window == START_WINDOW
    made.acknowledged(logged(1, made.cursor), S // 10)
    fill(made)
    made.passed(0.01)
    assert made.window == 2 * START_WINDOW


@pytest.mark.parametrize("rate", [12_000, 30_000, 100_000])
def test_the_window_becomes_what_passes_in_a_second(rate: int) -> None:
    made = wide_open()
    for _ in range(30):
        fill(made)
        made.passed(made.window / rate)
        made.acknowledged(logged(1, made.cursor), 0)
    assert made.window == pytest.approx(rate, rel=0.01)


def test_even_the_slowest_way_gets_a_little() -> None:
    made = schedule()
    for _ in range(10):
        made.passed(9.0)
    assert made.window == MIN_WINDOW
    assert made.bundle_bytes == MIN_WINDOW // 4


def test_bundles_grow_with_the_window_up_to_a_bound() -> None:
    assert schedule().bundle_bytes == START_WINDOW // 4
    assert wide_open().bundle_bytes == MAX_BUNDLE


def test_other_frames_acknowledgement_is_none_of_ours() -> None:
    made = schedule()
    choose(made, spooled(10), 0)
    assert not made.acknowledged(logged(1, 10, epoch=2), 1)
    assert not made.acknowledged(logged(11, 500), 1)
    assert (made.outstanding, made.outstanding_bytes) == (10, 1000)


def test_a_range_may_be_longer_than_what_is_under_way() -> None:
    made = schedule()
    choose(made, spooled(10, first=5), 0)
    assert made.acknowledged(logged(8, 10**15), 1)
    assert (made.outstanding, made.outstanding_bytes) == (3, 300)


def test_silence_leads_to_single_probes_ever_rarer() -> None:
    made = wide_open()
    choose(made, spooled(500), 0)
    probes = []
    for tenth in range(20, 6000):
        now = tenth * S // 10
        chosen = choose(made, spooled(500), now) if made.allowance(now)[0] else []
        if chosen:
            assert ids(chosen) == [1]
            probes.append(tenth / 10)
    waits = [later - earlier for earlier, later in zip([0, *probes], probes, strict=False)]
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60]


def test_waits_are_jittered_so_that_not_all_agents_probe_at_once() -> None:
    waits = set()
    for _ in range(50):
        made = Schedule()
        choose(made, spooled(10), 0)
        assert ids(choose(made, spooled(10), 2 * S)) == [1]
        tenth = 0
        while not made.allowance(2 * S + tenth * S // 10)[0]:
            tenth += 1
        assert 32 <= tenth <= 48
        waits.add(tenth)
    assert len(waits) > 1


def test_even_jittered_no_wait_is_longer_than_a_minute() -> None:
    made = Schedule(jitter=lambda: 1.2)
    now = 0
    for _ in range(20):
        choose(made, spooled(10), now)
        now += int(LONGEST_PATIENCE_S * S)
        assert made.allowance(now)[0] == 1


def test_the_first_answer_to_a_probe_opens_the_window_as_it_was() -> None:
    made = wide_open()
    choose(made, spooled(500), 0)
    assert ids(choose(made, spooled(500), 2 * S)) == [1]
    assert made.is_probing
    assert made.allowance(2 * S) == (0, 0)
    assert made.acknowledged(logged(1, 1), 2 * S + 1000)
    assert not made.is_probing
    assert len(choose(made, spooled(MAX_PAGE, first=2), 2 * S + 1000)) == MAX_PAGE


def test_a_late_answer_counts_and_makes_more_patient() -> None:
    made = schedule()
    choose(made, spooled(10), 0)
    assert ids(choose(made, spooled(10), 2 * S)) == [1]
    assert made.acknowledged(logged(1, 10), 5 * S)
    choose(made, spooled(10, first=11), 5 * S)
    assert made.allowance(10 * S)[0] > 0
    assert made.outstanding == 10
    assert not made.is_probing


def test_those_that_got_lost_among_others_are_sent_again_and_only_they() -> None:
    made = schedule()
    choose(made, spooled(10), 0)
    made.acknowledged(logged(1, 3), S // 100)
    made.acknowledged(logged(6, 10), S // 100)
    for second in (1, 2, 3):
        choose(made, spooled(1, first=10 + second), second * S)
        made.acknowledged(logged(10 + second, 10 + second), second * S + S // 100)
    choose(made, spooled(1, first=14), 3 * S)
    assert made.cursor == 14
    assert made.allowance(4 * S)[0] > 0
    assert made.cursor == 3
    held = [*spooled(2, first=4), *spooled(2, first=14)]
    assert ids(choose(made, held, 4 * S)) == [4, 5, 15]
    assert made.cursor == 15


def test_what_is_under_way_is_not_sent_twice_after_going_back() -> None:
    made = schedule()
    choose(made, spooled(3), 0)
    made.cursor = 0
    assert ids(choose(made, spooled(5), 1)) == [4, 5]
    assert made.cursor == 5


@pytest.mark.parametrize("what", ["the logger came back", "nothing is acknowledged"])
def test_what_was_read_before_going_back_does_not_go_before_the_oldest(what: str) -> None:
    made = schedule()
    choose(made, spooled(10), 0)
    if what == "the logger came back":
        made.reset()
        now = S
    else:
        now = 3 * S
    assert made.choose(spooled(10, first=11), now, after=10) == []
    assert made.cursor == 0
    assert ids(choose(made, spooled(20), now))[0] == 1


def test_a_logger_that_comes_back_starts_afresh() -> None:
    made = schedule()
    choose(made, spooled(10), 0)
    choose(made, spooled(10), 2 * S)
    choose(made, spooled(10), 6 * S)
    made.reset()
    assert (made.cursor, made.is_probing, made.outstanding_bytes) == (0, False, 0)
    assert len(choose(made, spooled(10), 7 * S)) == 10


def test_a_bundle_holds_one_instruments_frames_in_their_order() -> None:
    chosen = [frame(1, 10), frame(1, 20, "oven"), frame(2, 11), frame(2, 21, "oven"), frame(3, 12)]
    balance, oven = bundle(chosen, 1000)
    assert (balance[0], [len(one) for one in frames.unpack_several(balance[1])]) == ("balance", [10, 11, 12])
    assert (oven[0], [len(one) for one in frames.unpack_several(oven[1])]) == ("oven", [20, 21])


def test_no_bundle_is_larger_than_it_may_be() -> None:
    bundles = bundle((frame(number, 100) for number in range(1, 1001)), 4096)
    assert max(len(payload) for _, payload in bundles) <= 4096
    assert len(bundles) == 1000 // (4096 // 105) + 1
    assert max(len(payload) for _, payload in bundle((frame(1, 100) for _ in range(9999)), MAX_BUNDLE)) < (
        codec.MAX_BYTES / 2
    )


def test_a_frame_by_itself_is_no_list() -> None:
    assert bundle([frame(1, 10)], 4096) == [("balance", b"x" * 10)]
    large = bundle([frame(1, 10), frame(2, 9000), frame(3, 10)], 4096)
    assert [len(payload) for _, payload in large] == [10, 9000, 10]
    assert bundle([], 4096) == []
