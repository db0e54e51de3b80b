"""How fast frames are sent again: bounded, patient, and fast again after the first answer."""

from kleinmaelzung_agent.backfill import MAX_BYTES, MAX_FRAMES, Schedule
from kleinmaelzung_agent.recorder import NumberedFrame
from kleinmaelzung_agent.spool_file import Spooled
from kleinmaelzung_wire.messages import LoggedRanges

S = 1_000_000_000


def schedule() -> Schedule:
    return Schedule(jitter=lambda: 1.0)


def spooled(count: int, size: int = 100, first: int = 1) -> list[Spooled]:
    return [Spooled(n, frame(n, size)) for n in range(first, first + count)]


def frame(number: int, size: int) -> NumberedFrame:
    return NumberedFrame(instrument="balance", epoch=1, number=number, payload=b"x" * size)


def logged(first: int, last: int, epoch: int = 1) -> list[LoggedRanges]:
    return [LoggedRanges(instrument="balance", epoch=epoch, ranges=[(first, last)])]


def ids(chosen: list[Spooled]) -> list[int]:
    return [entry.id for entry in chosen]


def test_at_most_200_frames_are_under_way() -> None:
    made = schedule()
    assert made.allowance(0) == (MAX_FRAMES, MAX_BYTES)
    assert ids(made.choose(spooled(500), 0)) == list(range(1, 201))
    assert made.allowance(0)[0] == 0
    assert made.cursor == 200


def test_at_most_256_kib_are_under_way() -> None:
    made = schedule()
    assert len(made.choose(spooled(100, size=30_000), 0)) == 8
    assert made.choose(spooled(100, size=30_000, first=9), 0) == []


def test_a_frame_larger_than_the_window_goes_alone() -> None:
    made = schedule()
    assert ids(made.choose(spooled(2, size=MAX_BYTES + 1), 0)) == [1]


def test_each_acknowledgement_makes_room_at_once() -> None:
    made = schedule()
    made.choose(spooled(500), 0)
    assert made.acknowledged(logged(1, 50), S // 100)
    assert ids(made.choose(spooled(300, first=201), S // 100)) == list(range(201, 251))


def test_other_frames_acknowledgement_is_none_of_ours() -> None:
    made = schedule()
    made.choose(spooled(10), 0)
    assert not made.acknowledged(logged(1, 10, epoch=2), 1)
    assert not made.acknowledged(logged(11, 500), 1)
    assert made.outstanding == 10


def test_silence_leads_to_single_probes_ever_rarer() -> None:
    made = schedule()
    made.choose(spooled(500), 0)
    probes = []
    for tenth in range(1, 6000):
        now = tenth * S // 10
        chosen = made.choose(spooled(500), now) if made.allowance(now)[0] else []
        if chosen:
            assert ids(chosen) == [1]
            probes.append(tenth / 10)
    waits = [later - earlier for earlier, later in zip([0, *probes], probes, strict=False)]
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60]


def test_the_first_answer_to_a_probe_opens_the_window() -> None:
    made = schedule()
    made.choose(spooled(500), 0)
    assert ids(made.choose(spooled(500), 2 * S)) == [1]
    assert made.is_probing
    assert made.acknowledged(logged(1, 1), 2 * S + 1000)
    assert not made.is_probing
    assert len(made.choose(spooled(500, first=2), 2 * S + 1000)) == MAX_FRAMES


def test_a_late_answer_counts_and_makes_more_patient() -> None:
    made = schedule()
    made.choose(spooled(10), 0)
    assert ids(made.choose(spooled(10), 2 * S)) == [1]
    assert made.acknowledged(logged(1, 10), 5 * S)
    made.choose(spooled(10, first=11), 5 * S)
    assert made.allowance(10 * S)[0] == MAX_FRAMES - 10
    assert not made.is_probing


def test_one_that_got_lost_among_others_is_sent_again() -> None:
    made = schedule()
    made.choose(spooled(2), 0)
    made.acknowledged(logged(2, 2), S // 100)
    for second in range(1, 4):
        made.choose(spooled(1, first=10 + second), second * S)
        made.acknowledged(logged(10 + second, 10 + second), second * S + S // 100)
    assert made.allowance(4 * S)[0] == MAX_FRAMES
    assert made.cursor == 0
    assert ids(made.choose(spooled(1), 4 * S)) == [1]


def test_what_is_under_way_is_not_sent_twice_after_going_back() -> None:
    made = schedule()
    made.choose(spooled(3), 0)
    made.cursor = 0
    assert ids(made.choose(spooled(5), 1)) == [4, 5]
    assert made.cursor == 5


def test_a_logger_that_comes_back_starts_afresh() -> None:
    made = schedule()
    made.choose(spooled(10), 0)
    made.choose(spooled(10), 2 * S)
    made.choose(spooled(10), 6 * S)
    made.reset()
    assert (made.cursor, made.is_probing) == (0, False)
    assert len(made.choose(spooled(10), 7 * S)) == 10
