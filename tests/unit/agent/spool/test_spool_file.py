"""The spool's file: whole, bounded, and honest about what it lost."""

import sqlite3
from pathlib import Path

import pytest

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool.schema import DamagedError
from kleinmaelzung_agent.spool.spool_file import FILE_NAME, SpoolFile
from kleinmaelzung_agent.spool.spool_held import ENDED, EPOCH, SINCE, Change, Limits, Loss, PreviousRun, merged
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap

NOW_US = 1_800_000_000_000_000
FIRST_VERSION = """
CREATE TABLE IF NOT EXISTS frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instrument TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    payload BLOB NOT NULL,
    size INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    is_record INTEGER NOT NULL,
    UNIQUE (instrument, epoch, number)
);
CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instrument TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


def numbered(
    number: int, size: int = 10, epoch: int = 1, *, is_record: bool = False, name: str = "balance", time_us: int = 0
) -> NumberedFrame:
    payload = bytes([number % 256]) * size
    return NumberedFrame(
        instrument=name, epoch=epoch, number=number, payload=payload, is_record=is_record, time_us=time_us
    )


def opened(
    directory: Path, limit_bytes: int = 10**9, *, age_s: float = 10**9, keep_all: frozenset[str] = frozenset()
) -> SpoolFile:
    return SpoolFile(directory / FILE_NAME, Limits(bytes=limit_bytes, age_s=age_s), keep_all)


def changed(directory: Path, statement: str) -> None:
    other = sqlite3.connect(directory / FILE_NAME, isolation_level=None)
    other.execute(statement)
    other.close()


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
    assert file.outcome().count == 5
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
    (loss,) = outcome.losses
    assert (loss.gap.epoch, loss.gap.first, loss.gap.reason) == (1, 2, "spool full")
    assert loss.gap.last is not None
    assert held(file) == [1, *range(loss.gap.last + 1, 25)]
    assert outcome.count == len(held(file))
    assert outcome.was_full
    assert outcome.bytes <= 20_000
    file.close()


def test_of_some_instruments_nothing_is_given_up_and_others_make_room(tmp_path: Path) -> None:
    file = opened(tmp_path, limit_bytes=20_000, keep_all=frozenset({"dear"}), age_s=60)
    dear = [numbered(n, size=900, name="dear", time_us=NOW_US) for n in range(1, 11)]
    file.commit(Change(frames=dear + [numbered(n, size=900, time_us=NOW_US) for n in range(1, 11)]))
    more = [numbered(n, size=900, name="dear", time_us=NOW_US) for n in range(11, 31)]
    outcome = file.commit(Change(frames=more, now_us=NOW_US + 61_000_000))
    assert {(loss.instrument, loss.gap.first, loss.gap.last) for loss in outcome.losses} == {("balance", 1, 10)}
    assert held(file) == list(range(1, 31))
    assert outcome.bytes >= 20_000
    file.close()


def test_what_is_too_old_goes_and_is_named(tmp_path: Path) -> None:
    file = opened(tmp_path, age_s=60)
    old = [numbered(n, time_us=NOW_US - 61_000_000) for n in (2, 3)]
    file.commit(Change(frames=[numbered(1), *old, numbered(4, time_us=NOW_US - 59_000_000)]))
    outcome = file.commit(Change(frames=[numbered(5, time_us=NOW_US)], now_us=NOW_US))
    (loss,) = outcome.losses
    assert (loss.instrument, loss.gap) == ("balance", Gap(reason="spool too old", epoch=1, first=2, last=3))
    assert held(file) == [1, 4, 5]
    file.close()


def test_a_loss_is_remembered_until_it_is_announced(tmp_path: Path) -> None:
    file = opened(tmp_path, limit_bytes=1500)
    (loss,) = file.commit(Change(frames=[numbered(n, size=900) for n in (1, 2)])).losses
    assert file.outcome().losses == []
    file.close()
    file = opened(tmp_path)
    assert loss == Loss(1, "balance", Gap(reason=gaps.SPOOL_FULL, epoch=1, first=1, last=1))
    assert file.outcome().losses == [loss]
    file.commit(Change(announced=[loss.id]))
    file.close()
    file = opened(tmp_path)
    assert file.outcome().losses == []
    file.close()


def test_a_loss_without_numbers_has_its_times(tmp_path: Path) -> None:
    gap = Gap(reason=gaps.SPOOL_CORRUPT, since=5, until=6, detail="why")
    file = opened(tmp_path)
    file.commit(Change(lost=[("balance", gap)]))
    file.close()
    file = opened(tmp_path)
    assert [loss.gap for loss in file.outcome().losses] == [gap]
    file.close()


def test_the_run_before_is_known_by_its_end(tmp_path: Path) -> None:
    file = opened(tmp_path)
    assert file.previous() is None
    file.commit(Change(facts={EPOCH: 7, SINCE: 100, ENDED: 0}))
    assert file.previous() == PreviousRun(epoch=7, since_us=100, last_known_us=100, is_clean=False)
    file.commit(Change(frames=[numbered(1, epoch=7, time_us=160), numbered(1, epoch=6, time_us=170)]))
    assert file.previous() == PreviousRun(epoch=7, since_us=100, last_known_us=160, is_clean=False)
    file.commit(Change(facts={ENDED: 150}))
    assert file.previous() == PreviousRun(epoch=7, since_us=100, last_known_us=150, is_clean=True)
    file.close()


def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.executescript(FIRST_VERSION)
    connection.execute("INSERT INTO frames VALUES (5, 'balance', 1, 2, x'78', 101, 2363233923, 0)")
    connection.execute("INSERT INTO gaps VALUES (3, 'balance', 1, 1, 1, 'spool full')")
    connection.execute("INSERT INTO facts VALUES ('ended_us', 42)")
    connection.commit()
    connection.close()
    file = opened(tmp_path, age_s=60)
    outcome = file.commit(Change(now_us=NOW_US))
    assert outcome.losses == [Loss(3, "balance", Gap(reason="spool full", epoch=1, first=1, last=1))]
    assert held(file) == [2]
    assert file.facts() == {ENDED: 42}
    file.close()
    file = opened(tmp_path)
    assert held(file) == [2]
    file.close()


def test_a_failed_commit_leaves_everything_as_it_was(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(frames=[numbered(1), numbered(2)]))
    bad = NumberedFrame(instrument="balance", epoch=2**70, number=1, payload=b"")
    with pytest.raises(OverflowError):
        file.commit(Change(logged=[("balance", 1, 1, 1)], frames=[bad]))
    assert held(file) == [1, 2]
    file.close()


def test_a_frame_with_a_flipped_bit_is_set_aside_with_a_gap(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(frames=[numbered(n) for n in (1, 2, 3)]))
    file.close()
    changed(tmp_path, "UPDATE frames SET payload = x'00' WHERE number = 2")
    file = opened(tmp_path)
    found, outcome = file.read(after=0, until=9, count=9)
    assert [spooled.frame.number for spooled in found] == [1, 3]
    assert outcome is not None
    assert [loss.gap for loss in outcome.losses] == [Gap(reason="spool corrupt", epoch=1, first=2, last=2)]
    assert outcome.count == 2
    file.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("SELECT id, payload FROM damaged").fetchall() == [(2, b"\0")]
    connection.close()


def test_a_time_that_changed_does_not_make_a_frame_old(tmp_path: Path) -> None:
    file = opened(tmp_path, age_s=60)
    file.commit(Change(frames=[numbered(n, time_us=NOW_US) for n in (1, 2)]))
    file.close()
    changed(tmp_path, "UPDATE frames SET time_us = 1 WHERE number = 1")
    file = opened(tmp_path, age_s=60)
    (loss,) = file.commit(Change(now_us=NOW_US)).losses
    assert loss.gap == Gap(reason="spool corrupt", epoch=1, first=1, last=1)
    file.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE gaps",
        "ALTER TABLE frames RENAME COLUMN number TO numbed",
        "ALTER TABLE facts RENAME TO fects",
        "PRAGMA user_version = 3",
    ],
)
def test_tables_that_are_not_as_they_were_made_are_damage(tmp_path: Path, statement: str) -> None:
    opened(tmp_path).close()
    changed(tmp_path, statement)
    with pytest.raises(DamagedError):
        opened(tmp_path)


def test_a_fact_that_changed_is_damage(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.commit(Change(facts={EPOCH: 7}))
    changed(tmp_path, "UPDATE facts SET value = 8")
    with pytest.raises(DamagedError):
        file.previous()
    file.close()


def test_numbers_become_ranges() -> None:
    names = [("b", 1, 2), ("a", 1, 1), ("a", 1, 2), ("a", 2, 3), ("a", 1, 4)]
    assert merged(names) == [("a", 1, 1, 2), ("a", 1, 4, 4), ("a", 2, 3, 3), ("b", 1, 2, 2)]
