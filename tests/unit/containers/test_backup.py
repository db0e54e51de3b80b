"""A backup's file: whole, or refused."""

import json
import os
from pathlib import Path

import pytest

from kleinmaelzung_containers import backup, restore
from kleinmaelzung_containers.place import Refused

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file root's")


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    parts = tmp_path / "parts"
    parts.mkdir()
    for name in backup.PARTS:
        (parts / name).write_bytes(name.encode() * 1000)
    manifest = {"kleinmaelzung": "1.2.3", "made": "2026-11-23T08:00:00+00:00", "sha256": backup.digests(parts)}
    (parts / "manifest.json").write_text(json.dumps(manifest))
    return backup.pack(parts, tmp_path / f"one{backup.SUFFIX}")


def test_what_was_packed_comes_back(packed: Path, tmp_path: Path) -> None:
    assert packed.stat().st_mode & 0o777 == 0o600
    target = tmp_path / "unpacked"
    assert backup.unpack(packed, target) == {"kleinmaelzung": "1.2.3", "made": "2026-11-23T08:00:00+00:00"}
    assert {name: (target / name).read_bytes() for name in backup.PARTS} == {
        name: name.encode() * 1000 for name in backup.PARTS
    }


@pytest.mark.parametrize("part", backup.PARTS)
def test_a_part_that_was_changed_is_named(packed: Path, tmp_path: Path, part: str) -> None:
    content = packed.read_bytes()
    where = content.index(part.encode() * 500)
    packed.write_bytes(content[:where] + b"#" + content[where + 1 :])
    with pytest.raises(Refused, match=f"is damaged: {part} is not what was put into it"):
        backup.unpack(packed, tmp_path / "unpacked")


@pytest.mark.parametrize("content", [b"", b"no archive", b"\0" * 10240])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(Refused, match="is no whole backup"):
        backup.unpack(file, tmp_path / "unpacked")


def test_half_a_backup_is_refused(packed: Path, tmp_path: Path) -> None:
    content = packed.read_bytes()
    packed.write_bytes(content[: len(content) // 2])
    with pytest.raises(Refused, match="is no whole backup"):
        backup.unpack(packed, tmp_path / "unpacked")


def named(*days: int) -> list[Path]:
    return [Path(f"/backups/kleinmaelzung-202611{day:02}T030000Z{backup.SUFFIX}") for day in days]


def test_the_oldest_beyond_the_number_go() -> None:
    found = named(4, 2, 1, 3)
    [made] = named(4)
    assert backup.beyond(found, made, 3) == named(1)
    assert backup.beyond(found, made, 1) == named(1, 2, 3)
    assert backup.beyond(found, made, 4) == backup.beyond(found, made, 9) == []
    assert backup.beyond(found, made, None) == []


def test_the_one_just_made_stays_whatever_the_clock_said() -> None:
    [made] = named(1)
    assert backup.beyond(named(1, 2, 3), made, 1) == named(2, 3)
    assert backup.beyond(named(1, 2, 3), made, 2) == named(2)


def test_what_a_person_named_is_not_counted_and_stays() -> None:
    others = [Path(f"/backups/{name}") for name in ("before-the-move.backup.tar", "notes.txt", ".unfinished-x")]
    [made] = named(9)
    assert backup.beyond([*others, *named(8, 9)], made, 1) == named(8)


def test_an_archive_that_cannot_be_read_back_gets_no_name(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    for name in backup.PARTS:
        (parts / name).write_bytes(b"content")
    manifest = {"kleinmaelzung": "1.2.3", "made": "", "sha256": backup.digests(parts)}
    (parts / "manifest.json").write_text(json.dumps(manifest))
    (parts / "roles").write_bytes(b"as a disk that fails gives it back")
    with pytest.raises(Refused, match="roles is not what was put into it"):
        backup.pack(parts, tmp_path / f"one{backup.SUFFIX}")
    assert not (tmp_path / f"one{backup.SUFFIX}").exists()


def test_versions_are_compared_as_numbers() -> None:
    assert restore.numbers("0.10.0") > restore.numbers("0.9.1")
