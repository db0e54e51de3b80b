"""The spool's smaller parts: its lock, its reserve, and what it has in memory."""

import os
from pathlib import Path

import pytest

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool.lock import SIGN, DirectoryLock, SpoolError
from kleinmaelzung_agent.spool.reserve import SIZE, Reserve
from kleinmaelzung_agent.spool.spool_held import Held, Limits, Loss, Outcome
from kleinmaelzung_agent.spool.window import PIECE_BYTES, Deletions, Fullness, Losses, Window, pieces
from kleinmaelzung_wire.gaps import NOT_WRITABLE, Gap


def numbered(number: int, size: int = 10, name: str = "balance", *, is_record: bool = False) -> NumberedFrame:
    return NumberedFrame(instrument=name, epoch=1, number=number, payload=b"x" * size, is_record=is_record)


def test_a_second_agent_is_refused_with_a_sentence_until_the_first_is_gone(tmp_path: Path) -> None:
    first, second = DirectoryLock(tmp_path / "data"), DirectoryLock(tmp_path / "data")
    first.take()
    first.take()
    with pytest.raises(SpoolError, match=rf"data directory .* in use by another agent \(process {os.getpid()}\)"):
        second.take()
    first.release()
    second.take()
    with pytest.raises(SpoolError):
        first.take()
    second.release()


def test_a_lock_whose_holder_cannot_be_named_is_a_lock(tmp_path: Path) -> None:
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    first.take()
    (tmp_path / SIGN).unlink()
    with pytest.raises(SpoolError, match="process unknown"):
        second.take()
    first.release()


def test_a_reserve_is_really_allocated_and_gives_its_room_back(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    reserve = Reserve(path)
    reserve.make()
    assert path.stat().st_size == SIZE
    assert path.stat().st_blocks * 512 >= SIZE
    reserve.give_up()
    assert path.stat().st_size == path.stat().st_blocks == 0
    reserve.make()
    assert path.stat().st_blocks * 512 >= SIZE


def test_a_reserve_without_a_directory_is_an_error_and_giving_it_up_is_none(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "none" / "reserve")
    with pytest.raises(OSError, match="No such file"):
        reserve.make()
    reserve.give_up()


def test_memory_gives_up_the_oldest_but_no_record_and_nothing_that_must_be_kept() -> None:
    window = Window()
    for number in range(1, 11):
        window.add(numbered(number, 100, is_record=number == 1), 0)
        window.add(numbered(number, 100, "dear"), 0)
    assert window.shed(2000, frozenset({"dear"})) == []
    assert window.shed(1999, frozenset({"dear"})) == [("balance", 1, 2), ("balance", 1, 3), ("balance", 1, 4)]
    assert window.bytes == 1700
    assert len(window.shed(0, frozenset({"dear"}))) == 6
    assert len(window) == 11


def test_a_long_range_names_what_is_there_and_a_short_one_each_number() -> None:
    window = Window()
    for number in range(1, 6):
        window.add(numbered(number), number)
    assert window.named("balance", 1, 4, 2**53) == [("balance", 1, 4), ("balance", 1, 5)]
    assert window.named("balance", 1, 4, 6) == [("balance", 1, 4), ("balance", 1, 5), ("balance", 1, 6)]
    assert [frame.number for frame in window.older_than(3)] == [1, 2, 3]


def test_deletions_of_several_instruments_grow_no_longer_than_their_holes() -> None:
    deletions = Deletions()
    for number in range(1, 1001):
        deletions.add("balance", 1, number, number)
        deletions.add("other", 2, number, number)
    assert ("balance", 1, 1000) in deletions
    assert ("balance", 2, 1000) not in deletions
    taken = deletions.take()
    assert taken == [("balance", 1, 1, 1000), ("other", 2, 1, 1000)]
    assert not deletions
    deletions.add("balance", 1, 1001, 1002)
    deletions.put_back(taken)
    assert deletions.take() == [("balance", 1, 1, 1002), ("other", 2, 1, 1000)]


def test_a_loss_is_announced_once_and_deleted_when_its_record_is_safe() -> None:
    losses = Losses()
    loss = Loss(3, "balance", Gap(reason=NOT_WRITABLE))
    losses.take_in([loss])
    losses.take_in([loss])
    assert losses.take() == [loss]
    record = numbered(7, is_record=True)
    losses.recorded(loss, record.key)
    losses.take_in([loss])
    assert losses.take() == []
    told = losses.told_by([numbered(6), record])
    assert told == [3]
    losses.written([record], told)
    assert losses.told_by([record]) == []
    losses.recorded(loss, record.key)
    losses.logged(record.key)
    assert losses.told == [3]


def test_what_is_full_is_full_until_a_tenth_is_free() -> None:
    fullness = Fullness(Limits(bytes=1000, memory_bytes=100))
    seen = []
    for held, memory in [(900, 99), (900, 100), (950, 0), (900, 0), (899, 0)]:
        fullness.judge(Outcome(bytes=held), memory, is_unwritable=False)
        seen.append(fullness.is_full)
    assert seen == [False, True, True, True, False]
    fullness.judge(Outcome(), 100, is_unwritable=True)
    assert fullness.is_full
    fullness.judge(Outcome(), 100, is_unwritable=False)
    assert not fullness.is_full
    fullness.judge(Outcome(was_full=True), 0, is_unwritable=False)
    assert fullness.is_full


def test_what_is_written_comes_in_pieces_in_its_order() -> None:
    frames = [numbered(number, PIECE_BYTES // 2) for number in range(1, 6)]
    assert [[frame.number for frame in piece] for piece in pieces(frames)] == [[1, 2], [3, 4], [5]]
    assert list(pieces([])) == [[]]
    assert len(list(pieces(frames[:4]))) == 2


def test_what_is_held_of_a_stream_knows_its_times() -> None:
    held = Held().with_frame(10, is_kept=False, time_us=0).with_frame(20, is_kept=True, time_us=7)
    assert held == Held(count=2, bytes=30, kept_bytes=20, since_us=7, until_us=7)
    held = held.with_frame(5, is_kept=False, time_us=5)
    assert (held.since_us, held.until_us) == (5, 7)
    assert held.without_frame(20, is_kept=True) == Held(count=2, bytes=15, kept_bytes=0, since_us=5, until_us=7)
