"""The spool's file: whole, bounded, and honest about what it lost."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kleinmaelzung_agent.recorder import NumberedFrame
from kleinmaelzung_agent.spool_file import FILE_NAME, Change, Gap, SpoolError, SpoolFile, lock, merged

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)


def numbered(number: int, size: int = 10, epoch: int = 1, *, is_record: bool = False) -> NumberedFrame:
    payload = bytes([number % 256]) * size
    return NumberedFrame(instrument="balance", epoch=epoch, number=number, payload=payload, is_record=is_record)


def opened(directory: Path, limit_bytes: int = 10**9) -> SpoolFile:
    return SpoolFile(directory / FILE_NAME, limit_bytes=limit_bytes, now=NOW)


def held(file: SpoolFile) -> list[int]:
    found, _ = file.read(after=0, until=2**62, count=10_000)
    return [spooled.frame.number for spooled in found]


def test_frames_come_back_as_they_were_after_a_restart(tmp_path: Path) -> None:
    file = opened(tmp_path)
    frames = [numbered(number) for number in range(1, 6)]
    outcome = file.commit(Change(frames=frames))
    assert (outcome.count, outcome.last_id, outcome.streams) == (5, 5, frozenset({("balance", 1)}))
    file.close()
    file = opened(tmp_path)
    found, damaged = file.read(after=0, until=100, count=100)
    assert [spooled.frame for spooled in found] == frames
    assert damaged is None
    assert file.outcome([]).count == 5
    file.close()


def test_exactly_what_is_logged_goes(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(frames=[numbered(n) for n in range(1, 11)] + [numbered(3, epoch=2)]))
    outcome = file.commit(Change(logged=[("balance", 1, 2, 4), ("balance", 1, 9, 200), ("other", 1, 1, 9)]))
    assert held(file) == [1, 5, 6, 7, 8, 3]
    assert outcome.count == 6
    file.close()


def test_an_id_is_never_used_again(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(frames=[numbered(1), numbered(2)]))
    file.commit(Change(logged=[("balance", 1, 1, 2)]))
    file.close()
    file = opened(tmp_path)
    assert file.commit(Change(frames=[numbered(1, epoch=2)])).last_id == 3
    file.close()


def test_a_repeated_commit_changes_nothing(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(frames=[numbered(1)]))
    assert file.commit(Change(frames=[numbered(1), numbered(2)])).count == 2
    file.close()


def test_a_full_spool_gives_up_its_oldest_and_says_which(tmp_path: Path) -> None:
    file = opened(tmp_path, limit_bytes=20_000)
    file.commit(Change(frames=[numbered(1, is_record=True)] + [numbered(n, size=900) for n in range(2, 20)]))
    outcome = file.commit(Change(frames=[numbered(n, size=900) for n in range(20, 25)]))
    (gap,) = outcome.gaps
    assert (gap.first, gap.reason) == (2, "spool full")
    assert held(file) == [1, *range(gap.last + 1, 25)]
    assert outcome.count == len(held(file))
    assert file.gaps() == [gap]
    file.close()


def test_a_gap_is_remembered_until_it_is_announced(tmp_path: Path) -> None:
    file = opened(tmp_path, limit_bytes=1500)
    (gap,) = file.commit(Change(frames=[numbered(n, size=900) for n in (1, 2)])).gaps
    file.close()
    file = opened(tmp_path)
    assert file.gaps() == [Gap(id=gap.id, instrument="balance", epoch=1, first=1, last=1, reason="spool full")]
    file.commit(Change(announced=[gap.id]))
    assert file.gaps() == []
    file.close()


def test_a_failed_commit_leaves_everything_as_it_was(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(frames=[numbered(1), numbered(2)]))
    bad = NumberedFrame(instrument="balance", epoch=2**70, number=1, payload=b"")
    with pytest.raises(OverflowError):
        file.commit(Change(logged=[("balance", 1, 1, 1)], frames=[bad]))
    assert held(file) == [1, 2]
    file.close()


def test_a_damaged_file_is_moved_aside_and_reported(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(frames=[numbered(n, size=500) for n in range(1, 200)]))
    file.close()
    path = tmp_path / FILE_NAME
    damaged = bytearray(path.read_bytes())
    damaged[4096:40960] = b"\xa5" * 36864
    path.write_bytes(damaged)
    file = opened(tmp_path)
    assert "moved aside to spool.corrupt-20261201T080000.000000Z.sqlite" in file.trouble
    assert (tmp_path / "spool.corrupt-20261201T080000.000000Z.sqlite").read_bytes() == damaged
    assert held(file) == []
    file.close()


@pytest.mark.parametrize("contents", [b"no database at all, but long enough to look at", b"\0" * 5000])
def test_a_file_that_is_no_database_is_moved_aside(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(contents)
    file = opened(tmp_path)
    assert "damaged" in file.trouble
    file.close()


def test_a_frame_with_a_flipped_bit_is_set_aside_with_a_gap(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(frames=[numbered(n) for n in (1, 2, 3)]))
    file.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        other.execute("UPDATE frames SET payload = x'00' WHERE number = 2")
    other.close()
    file = opened(tmp_path)
    found, outcome = file.read(after=0, until=9, count=9)
    assert [spooled.frame.number for spooled in found] == [1, 3]
    assert outcome is not None
    assert [(gap.first, gap.last, gap.reason) for gap in outcome.gaps] == [(2, 2, "spool corrupt")]
    assert outcome.count == 2
    file.close()


def test_a_prefix_of_the_log_file_is_a_prefix_of_the_commits(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    file = opened(tmp_path / "made")
    for number in range(1, 41):
        file.commit(Change(frames=[numbered(number)]))
    main = (tmp_path / "made" / FILE_NAME).read_bytes()
    log = (tmp_path / "made" / f"{FILE_NAME}-wal").read_bytes()
    file.close()
    for part in range(0, len(log), len(log) // 50):
        directory = tmp_path / f"cut-{part}"
        directory.mkdir()
        (directory / FILE_NAME).write_bytes(main)
        (directory / f"{FILE_NAME}-wal").write_bytes(log[:part])
        cut = opened(directory)
        assert held(cut) == list(range(1, len(held(cut)) + 1))
        assert not cut.trouble
        cut.close()


def test_a_second_agent_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with (
        lock(tmp_path / "data"),
        pytest.raises(SpoolError, match=r"data directory .* in use by another agent \(process \d+\)"),
        lock(tmp_path / "data"),
    ):
        pass
    with lock(tmp_path / "data"):
        pass


def test_numbers_become_ranges() -> None:
    names = [("b", 1, 2), ("a", 1, 1), ("a", 1, 2), ("a", 2, 3), ("a", 1, 4)]
    assert merged(names) == [("a", 1, 1, 2), ("a", 1, 4, 4), ("a", 2, 3, 3), ("b", 1, 2, 2)]
