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


def test_the_oldest_beyond_the_number_go() -> None:
    found = [Path(name) for name in "abcd"]
    assert backup.older(found, 3) == [Path("a")]
    assert backup.older(found, 9) == []
    assert backup.older(found, None) == []


def test_versions_are_compared_as_numbers() -> None:
    assert restore.numbers("0.10.0") > restore.numbers("0.9.1")
