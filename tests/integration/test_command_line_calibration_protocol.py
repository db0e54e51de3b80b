"""`kleinmaelzung calibration protocol` as people and programs run it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from kleinmaelzung_services.calibration.templates import shipped

BALANCE = next(one for one in shipped.templates() if one.name == "balance")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kleinmaelzung", "calibration", "protocol", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_bytes(BALANCE.content)
    return file


def test_a_form_is_made_and_described(template: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    done = run(template, "-o", out, "--language", "de", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert out.read_bytes().startswith(b"%PDF-1.7")
    assert json.loads(done.stdout) == {
        "file": str(out),
        "language": "de",
        "pages": 5,
        "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "template": {"id": "KM-BALANCE-200G", "version": 1, "sha256": BALANCE.template.sha256},
    }
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.toml", "out.pdf"]


def test_a_file_that_exists_is_replaced_only_by_force(template: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    out.write_text("mine")
    refused = run(template, "-o", out)
    assert refused.returncode == 1
    assert f"{out} exists already: name another file with -o, or replace it with --force" in refused.stderr
    assert out.read_text() == "mine"
    done = run(template, "-o", out, "--force")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}: 5 pages, KM-BALANCE-200G version 1\nSHA-256 ")
    assert out.read_bytes().startswith(b"%PDF")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.toml", "out.pdf"]


def test_the_template_itself_is_never_replaced(template: Path) -> None:
    refused = run(template, "-o", template, "--force")
    assert refused.returncode == 1
    assert "is the template itself" in refused.stderr
    assert template.read_bytes() == BALANCE.content


def test_mistakes_in_the_template_are_all_listed_and_nothing_is_written(template: Path, tmp_path: Path) -> None:
    text = BALANCE.content.decode().replace("version         = 1", "version = 2")
    template.write_text(text.replace("d/2", "dd/2"))
    out = tmp_path / "out.pdf"
    refused = run(template, "-o", out)
    assert refused.returncode == 1
    assert "2 mistakes" in refused.stderr
    assert refused.stderr.count("the name dd is not known here") == 2
    assert not out.exists()


def test_a_character_without_a_picture_is_refused_with_its_place(template: Path, tmp_path: Path) -> None:
    text = BALANCE.content.decode().replace("version         = 1", "version = 2")
    template.write_text(text.replace('"levelled"', '"水平"'))
    out = tmp_path / "out.pdf"
    refused = run(template, "-o", out)
    assert refused.returncode == 1
    assert 'prepare.checks, row 2, column 2 is "水平", but' in refused.stderr
    assert not out.exists()


def test_a_folder_that_is_not_there_is_said(template: Path, tmp_path: Path) -> None:
    refused = run(template, "-o", tmp_path / "no" / "out.pdf")
    assert refused.returncode == 1
    assert "cannot be written: No such file or directory" in refused.stderr
