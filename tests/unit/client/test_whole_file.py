"""A document is there whole or not at all, and takes nobody's place."""

from pathlib import Path

import pytest

from kleinmaelzung import Error
from kleinmaelzung.commands import whole_file


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("force", [True, False])
def test_it_is_written_and_nothing_stays_beside_it(tmp_path: Path, force: bool) -> None:
    whole_file.write(tmp_path / "out.pdf", b"all of it", force=force)
    assert (tmp_path / "out.pdf").read_bytes() == b"all of it"
    assert names(tmp_path) == ["out.pdf"]


def test_what_came_meanwhile_stays(tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    whole_file.check(out, {}, force=False)
    out.write_text("of somebody else")
    with pytest.raises(Error, match="exists already"):
        whole_file.write(out, b"mine", force=False)
    assert out.read_text() == "of somebody else"
    assert names(tmp_path) == ["out.pdf"]


def test_force_replaces_a_file_but_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out.pdf").write_text("old")
    whole_file.write(tmp_path / "out.pdf", b"new", force=True)
    assert (tmp_path / "out.pdf").read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    with pytest.raises(Error, match="folder cannot be written: Is a directory"):
        whole_file.write(tmp_path / "folder", b"new", force=True)
    assert names(tmp_path) == ["folder", "out.pdf"]


def test_what_is_there_is_told_before_anything_is_made(tmp_path: Path) -> None:
    source, link = tmp_path / "record.json", tmp_path / "link"
    source.write_text("{}")
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(Error, match=r"record\.json exists already: name another file with -o"):
        whole_file.check(source, {}, force=False)
    with pytest.raises(Error, match="link exists already"):
        whole_file.check(link, {}, force=False)
    with pytest.raises(Error, match=r"record\.json is the record itself"):
        whole_file.check(source, {"the record": source, "the template": None}, force=True)
    whole_file.check(tmp_path / "out.pdf", {"the record": source, "the key": tmp_path / "no"}, force=False)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Error, match="cannot be written: No such file or directory"):
        whole_file.write(tmp_path / "no" / "out.pdf", b"x", force=False)
