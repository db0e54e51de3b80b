"""A damaged spool: kept, moved aside, and replaced by what could be read of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool import damage
from kleinmaelzung_agent.spool.spool_file import FILE_NAME, SpoolFile
from kleinmaelzung_agent.spool.spool_held import EPOCH, Change, Damage, Held, Limits, Stream
from kleinmaelzung_wire.gaps import Gap

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
ASIDE = "spool.corrupt-20261201T080000.000000Z.sqlite"
PAGE = 4096


def numbered(number: int) -> NumberedFrame:
    payload = bytes([number % 256]) * 500
    return NumberedFrame(instrument="balance", epoch=1, number=number, payload=payload, time_us=number)


def made(directory: Path) -> Path:
    """200 frames, and a loss that nobody has announced."""
    path = directory / FILE_NAME
    file = SpoolFile(path, Limits())
    frames = [numbered(number) for number in range(1, 201)]
    file.commit(Change(frames=frames, facts={EPOCH: 7}, lost=[("other", Gap(reason="spool full"))]))
    file.close()
    return path


def damaged(path: Path, first: int, last: int) -> bytes:
    """Overwrite pages; returns what the file is then."""
    contents = bytearray(path.read_bytes())
    contents[first * PAGE : last * PAGE] = b"\xa5" * ((last - first) * PAGE)
    path.write_bytes(contents)
    return bytes(contents)


def replaced(path: Path, held: dict[Stream, Held] | None = None, last_ids: tuple[int, int] = (0, 0)) -> Damage:
    return damage.replace(path, reason="a\nreason", now=NOW, held=held or {}, last_ids=last_ids, make_room=lambda: None)


def test_what_can_be_read_is_saved_and_what_cannot_is_named(tmp_path: Path) -> None:
    path = made(tmp_path)
    before = damaged(path, 10, 12)
    replacement = replaced(path)
    assert (tmp_path / ASIDE).read_bytes() == before
    file = SpoolFile(path, Limits())
    left = {entry.frame.number for entry in file.read(after=0, until=2**62, count=1000)[0]}
    losses = file.outcome().losses
    lost = {n for loss in losses for n in range(loss.gap.first or 0, (loss.gap.last or -1) + 1)}
    assert left | lost == set(range(1, 201))
    assert not left & lost
    assert len(lost) <= 16
    assert losses[0].gap == Gap(reason="spool full")
    assert file.facts() == {EPOCH: 7}
    assert replacement.are_numbers_known
    assert replacement.detail == (
        f"the spool was damaged (a reason) and was moved aside to {ASIDE};"
        f" {len(left)} frames were saved, {len(lost)} are lost"
    )
    file.close()


def test_ids_go_on_although_the_newest_frames_are_lost(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.write_bytes(b"\x55" * 9000)
    replacement = replaced(path, last_ids=(200, 5))
    assert (replacement.since_us, replacement.are_numbers_known) == (None, False)
    file = SpoolFile(path, Limits())
    outcome = file.commit(Change(frames=[numbered(201)], lost=[("balance", Gap(reason="spool full"))]))
    assert outcome.last_id == 201
    assert [loss.id for loss in outcome.losses] == [6]
    file.close()


def test_where_no_number_is_known_the_times_are(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.write_bytes(b"\x55" * 9000)
    replacement = replaced(path, held={("balance", 1): Held(count=200, since_us=1, until_us=200)})
    file = SpoolFile(path, Limits())
    (loss,) = file.outcome().losses
    assert (loss.instrument, loss.gap) == (
        "balance",
        Gap(reason="spool corrupt", since=1, until=200, detail=replacement.detail),
    )
    file.close()


def test_a_replacement_that_fails_leaves_the_damaged_file_in_its_place(tmp_path: Path) -> None:
    path = made(tmp_path)
    before = damaged(path, 10, 12)
    (tmp_path / "spool.new.sqlite").mkdir()
    with pytest.raises(OSError, match=r"[Dd]irectory"):
        replaced(path)
    assert path.read_bytes() == before
    assert not (tmp_path / ASIDE).exists()


def test_a_replacement_that_was_interrupted_is_completed(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.rename(tmp_path / "spool.new.sqlite")
    damage.complete(path, NOW)
    file = SpoolFile(path, Limits())
    assert file.outcome().count == 200
    file.close()


def test_a_log_without_its_file_is_never_taken_for_that_of_the_new_one(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.rename(tmp_path / "spool.new.sqlite")
    log = tmp_path / f"{FILE_NAME}-wal"
    log.write_bytes(b"of the damaged file")
    damage.complete(path, NOW)
    assert path.exists()
    assert not log.exists()
    assert (tmp_path / "spool.left-20261201T080000.000000Z.sqlite-wal").read_bytes() == b"of the damaged file"
