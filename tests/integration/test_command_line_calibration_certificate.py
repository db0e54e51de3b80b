"""`kleinmaelzung calibration record check` and `calibration certificate` as people and programs run them."""

import functools
import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from kleinmaelzung.__main__ import main
from kleinmaelzung_services.calibration.documents import key_making
from kleinmaelzung_services.calibration.templates import shipped
from tests.unit.services.calibration_documents import pages

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "calibration"
BALANCE, THERMOMETER = EXAMPLES / "balance.json", EXAMPLES / "thermometer.json"
ISSUED = ("--issued-at", "2026-03-12T08:00:00+00:00")
NUMBER = ("--number", "K-2026-0007")


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line within this process: numpy and fpdf2 are imported once for all tests."""

    def done(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["kleinmaelzung", "calibration", *map(str, arguments)])
        try:
            code = main()
        except SystemExit as ending:  # of argparse
            code = int(ending.code or 0)
        return Done(code, *capsys.readouterr())

    return done


@pytest.fixture
def certificate(run: Run) -> Run:
    return functools.partial(run, "certificate")


def process(*arguments: str | Path, zone: str) -> subprocess.CompletedProcess[str]:
    """The same by a process of its own, in a time zone."""
    command = [sys.executable, "-m", "kleinmaelzung", "calibration", "certificate", *map(str, arguments)]
    environment = {**os.environ, "TZ": zone}
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, env=environment)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def changed(folder: Path, **changes: Any) -> Path:
    file = folder / "record.json"
    file.write_text(json.dumps({**json.loads(BALANCE.read_text()), **changes}))
    return file


def test_a_record_becomes_a_certificate(certificate: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    done = certificate(BALANCE, *NUMBER, *ISSUED, "-o", out, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    pdf = out.read_bytes()
    with pages.opened(pdf) as opened:
        attached = {name: opened.attachments[name].get_file().read_bytes() for name in opened.attachments}
        assert told.pop("pages") == len(opened.pages)
    assert told == {
        "number": "K-2026-0007",
        "revision": 1,
        "file": str(out),
        "sha256": sha256(pdf),
        "data_sha256": sha256(BALANCE.read_bytes()),
        "verdict": "pass",
        "is_specimen": True,
        "signed": None,
    }
    assert attached["record.json"] == BALANCE.read_bytes()
    balance = next(one for one in shipped.templates() if one.name == "balance")
    assert attached["template.toml"] == balance.content
    assert [file.name for file in tmp_path.iterdir()] == ["out.pdf"]


def test_the_same_moment_makes_the_same_bytes_in_every_time_zone(tmp_path: Path) -> None:
    first, second = tmp_path / "first.pdf", tmp_path / "second.pdf"
    one = process(THERMOMETER, *NUMBER, *ISSUED, "-o", first, "--language", "de", zone="America/New_York")
    same = ("--issued-at", "2026-03-12T13:45:00.250+05:45")
    other = process(THERMOMETER, *NUMBER, *same, "-o", second, "--language", "de", zone="Asia/Kathmandu")
    assert (one.returncode, other.returncode) == (0, 0), one.stderr + other.stderr
    assert sha256(first.read_bytes()) == sha256(second.read_bytes())
    assert one.stdout.splitlines()[1:] == other.stdout.splitlines()[1:]
    assert "Kalibrierschein" in pages.texts(first.read_bytes())


def test_without_the_readings_there_is_no_annex(certificate: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    assert certificate(BALANCE, *NUMBER, *ISSUED, "-o", out, "--no-readings").returncode == 0
    found = pages.texts(out.read_bytes())
    assert "Calibration certificate" in found
    assert "Annex: readings" not in found


def test_a_revision_says_what_it_replaces(certificate: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    amended = ("--revision", "2", "--replaces", "K-2026-0007/1", "--reason", "the inventory number was wrong")
    change = ("--change", "Asset number", "KM-071", "KM-017")
    done = certificate(BALANCE, *NUMBER, *ISSUED, "-o", out, *amended, *change, "--no-readings")
    assert done.returncode == 0, done.stderr
    assert f"{out}: K-2026-0007 revision 2, " in done.stdout
    assert "theinventorynumberwaswrong" in pages.whole(out.read_bytes())


def test_all_mistakes_are_told_at_once_and_nothing_is_written(certificate: Run, tmp_path: Path) -> None:
    record = changed(tmp_path, people=json.loads(BALANCE.read_text())["people"][:1])
    out = tmp_path / "out.pdf"
    done = certificate(record, "--number", "K 7", "-o", out, *ISSUED, "--reason", "none", "--reviewed", "00")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{record}: 5 mistakes\n" in done.stderr
    for path in (
        "issue.number: found",
        "issue.reason: found",
        "nobody is the reviewer",
        "nobody is the approver",
        "reviewed: ",
    ):
        assert path in done.stderr
    assert not out.exists()


def test_a_record_that_is_wrong_is_told_with_its_places(certificate: Run, tmp_path: Path) -> None:
    record, out = changed(tmp_path, item={}, colour="red"), tmp_path / "out.pdf"
    done = certificate(record, *NUMBER, "-o", out)
    assert done.returncode == 1
    assert "colour: unknown key" in done.stderr
    assert "item.serial: missing" in done.stderr
    assert not out.exists()


READINGS = json.loads(BALANCE.read_text())["as_found"]["tests"][2]["readings"]
POINTS: tuple[str | int, ...] = ("as_found", "tests", 2, "readings")


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (POINTS, [], "as_found.tests[2].readings: 12 of 12 are missing"),
        (POINTS, READINGS[:1], "as_found.tests[2].readings: 11 of 12 are missing"),
        (POINTS, [*READINGS, READINGS[0]], 'as_found.tests[2].readings[12]: found "0 up no. 1"; there is one like it'),
        ((*POINTS, 1, "indication", "values", 3), math.nan, "NaN is no number"),
        ((*POINTS, 1, "indication", "values"), [10.0], 'readings[1].indication.values: found "16 times, 1 values"'),
        (("standards", 0, "certified", 0, "U"), -1e-5, "standards[0].certified[0].U: found -1e-05"),
    ],
    ids=["no points", "one point", "a point twice", "no number", "one sample", "a negative uncertainty"],
)
def test_what_cannot_be_calculated_is_no_certificate(
    certificate: Run, tmp_path: Path, path: tuple[str | int, ...], value: object, told: str
) -> None:
    values: Any = json.loads(BALANCE.read_text())
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    out = tmp_path / "out.pdf"
    done = certificate(changed(tmp_path, **values), *NUMBER, *ISSUED, "-o", out)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert not out.exists()


def test_nothing_is_issued_in_the_future_or_before_the_end(certificate: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    early = certificate(BALANCE, *NUMBER, "-o", out, "--issued-at", "2026-03-10T09:30:00Z")
    late = certificate(BALANCE, *NUMBER, "-o", out, "--issued-at", "2286-01-01T00:00:00Z")
    assert "the last entry of the record (people[2].at)" in early.stderr
    assert "is in the future" in late.stderr
    assert (early.returncode, late.returncode, out.exists()) == (1, 1, False)


def test_what_was_reviewed_is_what_is_issued(certificate: Run, tmp_path: Path) -> None:
    out, seen = tmp_path / "out.pdf", sha256(BALANCE.read_bytes())
    refused = certificate(changed(tmp_path, id="R-2"), *NUMBER, *ISSUED, "-o", out, "--reviewed", seen)
    assert refused.returncode == 1
    assert "the record was changed after its review" in refused.stderr
    done = certificate(BALANCE, *NUMBER, *ISSUED, "-o", out, "--reviewed", seen, "--no-readings")
    assert done.returncode == 0, done.stderr


def test_another_template_is_refused(certificate: Run, tmp_path: Path) -> None:
    template, out = tmp_path / "mine.toml", tmp_path / "out.pdf"
    template.write_bytes(next(one for one in shipped.templates() if one.name == "thermometer").content)
    done = certificate(BALANCE, *NUMBER, "-o", out, "--template", template)
    assert done.returncode == 1
    assert 'template.id: found "KM-BALANCE-200G"; the template given has KM-THERMOMETER-BATH' in done.stderr


def test_a_template_of_ones_own_is_named(certificate: Run, tmp_path: Path) -> None:
    values = json.loads(BALANCE.read_text())
    text = next(one for one in shipped.templates() if one.name == "balance").content.decode()
    template = tmp_path / "mine.toml"
    template.write_text(text.replace('"KM-BALANCE-200G"', '"MINE"'))
    named = {"id": "MINE", "version": values["template"]["version"], "sha256": sha256(template.read_bytes())}
    record, out = changed(tmp_path, template=named), tmp_path / "out.pdf"
    without = certificate(record, *NUMBER, *ISSUED, "-o", out)
    assert 'template.id: found "MINE"; no template that comes along has this id; name its file' in without.stderr
    done = certificate(record, *NUMBER, *ISSUED, "-o", out, "--template", template, "--no-readings")
    assert done.returncode == 0, done.stderr


def test_a_file_that_exists_is_replaced_only_by_force(certificate: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    out.write_text("mine")
    refused = certificate(BALANCE, *NUMBER, *ISSUED, "-o", out)
    assert refused.returncode == 1
    assert f"{out} exists already: name another file with -o, or replace it with --force" in refused.stderr
    assert out.read_text() == "mine"
    assert certificate(BALANCE, *NUMBER, *ISSUED, "-o", out, "--force", "--no-readings").returncode == 0
    assert out.read_bytes().startswith(b"%PDF")
    assert [file.name for file in tmp_path.iterdir()] == ["out.pdf"]


def test_the_record_itself_is_never_replaced(certificate: Run, tmp_path: Path) -> None:
    record = changed(tmp_path)
    before = record.read_bytes()
    refused = certificate(record, *NUMBER, *ISSUED, "-o", record, "--force")
    assert refused.returncode == 1
    assert "is the record itself" in refused.stderr
    assert record.read_bytes() == before


@pytest.mark.parametrize(("revision", "code"), [("0", 2), ("-1", 2), ("two", 2), ("1000", 1)])
def test_a_revision_is_a_number(certificate: Run, tmp_path: Path, revision: str, code: int) -> None:
    done = certificate(BALANCE, *NUMBER, *ISSUED, "-o", tmp_path / "out.pdf", f"--revision={revision}")
    assert done.returncode == code
    assert "revision" in done.stderr


@pytest.fixture
def key(tmp_path: Path) -> dict[str, Path]:
    made = key_making.make("Example Laboratory", b"a passphrase", at=datetime.now(UTC), kind="ec")
    files = {"key": tmp_path / "lab.p12", "right": tmp_path / "right", "wrong": tmp_path / "wrong"}
    files["key"].write_bytes(made.p12)
    files["right"].write_bytes(b"a passphrase\n")
    files["wrong"].write_bytes(b"another\n")
    for file in files.values():
        file.chmod(0o600)
    return files


def test_a_key_signs_it(certificate: Run, tmp_path: Path, key: dict[str, Path]) -> None:
    out = tmp_path / "out.pdf"
    signing = ("--sign-with", key["key"], "--passphrase-file")
    wrong = certificate(BALANCE, *NUMBER, *ISSUED, "-o", out, *signing, key["wrong"])
    assert (wrong.returncode, out.exists()) == (1, False)
    assert "the passphrase does not open it" in wrong.stderr
    done = certificate(BALANCE, *NUMBER, *ISSUED, "-o", out, *signing, key["right"], "--no-readings", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["signed"]) == 64
    assert told["sha256"] == sha256(out.read_bytes())
    with pikepdf.open(out) as opened:
        assert opened.Root.AcroForm.Fields[0].V.SubFilter == "/ETSI.CAdES.detached"
    assert "ExampleLaboratory" in pages.whole(out.read_bytes())


@pytest.mark.parametrize(("record", "name"), [(BALANCE, "mass"), (THERMOMETER, "temperature")])
def test_a_record_without_mistakes_tells_what_was_found(run: Run, record: Path, name: str) -> None:
    done = run("record", "check", record)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{record}: no mistake\nSIM-2026-000")
    assert f"\nas found, {name}: pass; " in done.stdout
    assert done.stdout.endswith(f"\nSHA-256 {sha256(record.read_bytes())}\n")


def test_a_record_with_mistakes_tells_all_of_them(run: Run, tmp_path: Path) -> None:
    record = changed(tmp_path, people=[], environment=[])
    done = run("record", "check", record)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{record}: ")
    assert "  people: nobody is the operator" in done.stdout
    assert "  environment: there is no temperature" in done.stdout
    document = json.loads(run("record", "check", record, "--json").stdout)
    assert (document["ok"], document["found"]) == (False, None)
    assert document["mistakes"][0].keys() == {"path", "found", "rule", "remedy", "sentence"}


def test_a_record_that_is_not_there_is_said(run: Run, tmp_path: Path) -> None:
    done = run("record", "check", tmp_path / "no.json")
    assert done.returncode == 1
    assert "no.json cannot be read: No such file or directory" in done.stderr
