"""`kleinmaelzung calibration template` as people and programs run it."""

import json
import subprocess
import sys
from pathlib import Path

from kleinmaelzung_services.calibration.templates import shipped

BALANCE = next(one for one in shipped.templates() if one.name == "balance")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kleinmaelzung", "calibration", "template", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_what_is_listed_can_be_shown_and_is_in_order(tmp_path: Path) -> None:
    listed = json.loads(run("list", "--json").stdout)["templates"]
    assert [one["name"] for one in listed] == [one.name for one in shipped.templates()]
    shown = run("show", "balance")
    assert shown.stdout.encode() == BALANCE.content
    mine = tmp_path / "mine.toml"
    mine.write_text(shown.stdout)
    checked = run("check", mine)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == (
        f"{mine}: no mistake\nKM-BALANCE-200G version 1, Balance 0-200 g, d = 0.1 mg\n"
        f"mass in g; 3 tests, 9 components of uncertainty\nSHA-256 {BALANCE.template.sha256}\n"
    )


def test_the_table_has_a_line_for_each() -> None:
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "ID", "VERSION", "TITLE"]
    assert len(lines) == 1 + len(shipped.templates())


def test_all_mistakes_are_printed_with_their_lines_and_the_exit_code_says_so(tmp_path: Path) -> None:
    wrong = BALANCE.content.decode().replace('direction       = "error" ', "#").replace("d/2", "dd/2")
    file = tmp_path / "wrong.toml"
    file.write_text(wrong.replace("version         = 1", "version = 2"))
    checked = run("check", file)
    assert checked.returncode == 1
    first, *mistakes = checked.stdout.splitlines()
    assert first == f"{file}: 3 mistakes"
    assert mistakes[0].startswith("  line 1: direction: missing")
    assert all(': found "dd/2"; the name dd is not known here; did you mean "d"?' in line for line in mistakes[1:])


def test_an_edit_of_a_template_that_came_along_needs_a_new_version(tmp_path: Path) -> None:
    file = tmp_path / "edited.toml"
    file.write_bytes(BALANCE.content.replace(b"repeats        = 6", b"repeats        = 5"))
    document = json.loads(run("check", file, "--json").stdout)
    assert (document["ok"], document["template"]) == (False, None)
    (mistake,) = document["mistakes"]
    assert set(mistake) == {"line", "path", "found", "rule", "remedy", "sentence"}
    assert (mistake["path"], mistake["found"]) == ("version", "1")
    assert mistake["remedy"] == "write version = 2, or an id of your own"


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    for file in (tmp_path / "gone.toml", tmp_path):
        refused = run("check", file)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"kleinmaelzung: {file} cannot be read: ")
        assert refused.stderr.count("\n") == 1


def test_a_file_that_would_move_the_cursor_is_shown_harmless(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text('schema = "calibration-template/1"\ntitle = "\\u001b[2J"\n"k\\u001b[2Jey" = 1\n')
    assert "\x1b" not in run("check", file).stdout


def test_a_template_that_does_not_come_along_is_refused_with_those_that_do() -> None:
    refused = run("show", "scales")
    assert refused.returncode == 1
    assert refused.stderr == (
        'kleinmaelzung: no template "scales" comes along, there are: '
        "balance, climate-chamber, linear-sensor, ph-meter, pipette, thermometer\n"
    )


def test_without_an_action_it_is_wrong_usage() -> None:
    assert run().returncode == 2
    assert run("check").returncode == 2
