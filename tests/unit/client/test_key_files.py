"""The two files of a key: both or neither, with their modes, and never over another file."""

import os
import stat
from pathlib import Path

import pytest

from kleinmaelzung import Error, key_files


@pytest.mark.parametrize("umask", [0, 0o077])
@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_the_private_one_is_its_owners_and_the_other_everybodys_whatever_is_usual_here(
    tmp_path: Path, mode: int, umask: int
) -> None:
    private, public = tmp_path / "lab.p12", tmp_path / "lab.pem"
    before = os.umask(umask)
    try:
        key_files.write_both(private, b"secret", mode, public, b"shown")
    finally:
        os.umask(before)
    assert {path.name: (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in tmp_path.iterdir()} == {
        "lab.p12": (b"secret", mode),
        "lab.pem": (b"shown", 0o644),
    }


@pytest.mark.parametrize("there", ["lab.p12", "lab.pem"])
def test_what_is_there_stays_as_it_is_and_alone(tmp_path: Path, there: str) -> None:
    private, public = tmp_path / "lab.p12", tmp_path / "lab.pem"
    (tmp_path / there).write_bytes(b"mine")
    said = f"{tmp_path / there} exists already, and a key is never overwritten: name another file"
    with pytest.raises(Error, match=said):
        key_files.check_free(private, public)
    with pytest.raises(Error, match=said):
        key_files.write_both(private, b"secret", 0o400, public, b"shown")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {there: b"mine"}


def test_a_link_to_nowhere_is_a_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "lab.p12").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Error, match="exists already"):
        key_files.check_free(tmp_path / "lab.p12")
