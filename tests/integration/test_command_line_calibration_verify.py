"""`kleinmaelzung calibration verify` and `calibration key make` as people and programs run them."""

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kleinmaelzung_services.calibration.documents import signing
from tests.unit.services.calibration_documents import certificates, signing_keys
from tests.unit.services.calibration_documents.signing_keys import PASSPHRASE

WITHOUT_PYHANKO = """
import sys
sys.modules["pyhanko"] = None
sys.modules["cryptography"] = None
from kleinmaelzung.__main__ import main
sys.exit(main())
"""
NOWHERE = {"KLEINMAELZUNG_URL": "", "HOME": "/nonexistent"}


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kleinmaelzung", "calibration", *map(str, arguments)]
    variables = {**os.environ, **NOWHERE, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=variables)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed certificate, an unsigned copy, and the laboratory's certificate."""
    made = tmp_path_factory.mktemp("verify")
    (made / "signed.pdf").write_bytes(certificates.signed())
    (made / "copy.pdf").write_bytes(certificates.drawn(certificates.UNSIGNED))
    (made / "lab.pem").write_bytes(certificates.LAB.pem)
    return made


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    return signing_keys.written(tmp_path, PASSPHRASE + b"\n", "passphrase")


def test_a_signed_certificate_of_a_trusted_key_is_well(folder: Path) -> None:
    done = run("verify", folder / "signed.pdf", "--trust", folder / "lab.pem", "--json")
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert [(one["check"], one["state"]) for one in document["findings"]] == [
        ("signature", "ok"), ("key", "ok"), ("signer", "ok"), ("complete", "ok"), ("data", "ok"), ("specimen", "open"),
        ("numbers", "ok"), ("pages", "ok"), ("known", "open"),
    ]  # fmt: skip
    assert (document["ok"], document["number"]) == (True, "K-2026-0007")
    assert document["findings"][-1]["sentence"] == "not asked: no server named (--url)"
    assert done.returncode == 0


def test_each_finding_is_a_line_and_an_unsigned_copy_is_not_well(folder: Path) -> None:
    done = run("verify", folder / "copy.pdf")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "WRONG  signature  unsigned copy: nothing proves who issued it, or that it was not changed"
    assert [line[:5].strip() for line in lines] == ["WRONG", "ok", "ok", "-", "ok", "ok", "-"]
    assert done.stderr == ""


def test_a_key_nobody_named_is_unknown(folder: Path) -> None:
    done = run("verify", folder / "signed.pdf")
    assert done.returncode == 1
    fingerprint = certificates.LAB.signer.fingerprint
    assert f"key unknown: Labor Grün (1), issuer Common Name: Labor Grün (1), fingerprint {fingerprint}" in done.stdout
    assert done.stderr == ""


def test_a_server_that_is_named_and_does_not_answer_is_said(folder: Path, passphrase_file: Path) -> None:
    login = ("--url", "http://127.0.0.1:1", "--user", "anna", "--password-file", passphrase_file)
    done = run("verify", folder / "signed.pdf", "--trust", folder / "lab.pem", *login)
    assert done.returncode == 1
    assert "WRONG  known      the server cannot be asked: " in done.stdout
    assert run("verify", folder / "signed.pdf", "--url", "http://127.0.0.1:1").returncode == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "WRONG  file   the file is empty"),
        (b"<html>", "WRONG  file   this is no PDF"),
        (b"%PDF-1.7\n\x1b[2J\n" + b"[" * 100_000, "WRONG  file   the file cannot be read as a PDF"),
    ],
)
def test_a_strange_file_is_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "strange.pdf"
    file.write_bytes(content)
    done = run("verify", file)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(sentence)
    assert "\x1b" not in done.stdout


def test_a_gigabyte_a_folder_a_pipe_and_nothing_are_refused_unread(tmp_path: Path) -> None:
    huge, pipe = tmp_path / "huge.pdf", tmp_path / "pipe.pdf"
    huge.touch()
    os.truncate(huge, 2**30)
    os.mkfifo(pipe)
    for file, sentence in (
        (huge, "has 1073741824 bytes, a certificate has 67108864 at most: it was not read"),
        (pipe, "cannot be read: it is no plain file"),
        (tmp_path, "cannot be read: it is no plain file"),
        (tmp_path / "no.pdf", "cannot be read: there is no such file"),
    ):
        done = run("verify", file)
        assert done.returncode == 1
        assert done.stderr == f"kleinmaelzung: {file} {sentence}\n"


def test_what_is_no_certificate_is_not_trusted(folder: Path) -> None:
    done = run("verify", folder / "signed.pdf", "--trust", folder / "copy.pdf")
    assert done.returncode == 1
    assert done.stderr == f"kleinmaelzung: --trust {folder / 'copy.pdf'}: this is no certificate, expected PEM or DER\n"


@pytest.mark.parametrize("arguments", [["verify", "signed.pdf"], ["key", "make", "-o", "x.p12", "--name", "Lab"]])
def test_without_the_extra_it_says_how_to_get_it(folder: Path, passphrase_file: Path, arguments: list[str]) -> None:
    if arguments[0] == "key":
        arguments = [*arguments, "--passphrase-file", str(passphrase_file)]
    command = [sys.executable, "-c", WITHOUT_PYHANKO, "calibration", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder)
    assert done.returncode == 1
    assert "which is not installed: pip install 'kleinmaelzung[signing]'\n" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (folder / "x.p12").exists()


def test_a_key_is_made_that_signs_and_is_never_overwritten(tmp_path: Path, passphrase_file: Path) -> None:
    file = tmp_path / "lab.p12"
    arguments = ("key", "make", "-o", file, "--name", "Prüflabor", "--kind", "ec", "--passphrase-file", passphrase_file)
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    key = signing.open_key(file, PASSPHRASE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"SHA-256 fingerprint {key.signer.fingerprint}" in done.stdout
    assert "proves that nothing was changed, not who signed" in done.stdout
    assert b"BEGIN CERTIFICATE" in (tmp_path / "lab.pem").read_bytes()
    before = file.read_bytes()
    again = run(*arguments)
    assert again.returncode == 1
    assert again.stderr == f"kleinmaelzung: {file} exists already, and a key is never overwritten: name another file\n"
    file.rename(tmp_path / "kept.p12")
    assert f"{tmp_path / 'lab.pem'} exists already" in run(*arguments).stderr
    assert (tmp_path / "kept.p12").read_bytes() == before
    assert not file.exists()


def test_what_is_made_and_signed_at_the_command_line_verifies(tmp_path: Path, passphrase_file: Path) -> None:
    record, key, out = tmp_path / "record.json", tmp_path / "lab.p12", tmp_path / "certificate.pdf"
    record.write_bytes(certificates.RECORD)
    opening = ("--passphrase-file", passphrase_file)
    assert run("key", "make", "-o", key, "--name", "Lab", "--kind", "ec", *opening).returncode == 0
    made = run("certificate", record, "--number", "K-1", "-o", out, "--no-readings", "--sign-with", key, *opening)
    assert (made.returncode, made.stderr) == (0, "")
    done = run("verify", out, "--trust", key.with_suffix(".pem"))
    assert done.returncode == 0, done.stdout
    assert "drawn again from its data: the same bytes" in done.stdout


def test_a_passphrase_that_others_can_read_or_that_is_empty_is_refused(tmp_path: Path, passphrase_file: Path) -> None:
    arguments = ("key", "make", "-o", tmp_path / "lab.p12", "--name", "Lab", "--passphrase-file", passphrase_file)
    passphrase_file.chmod(0o644)
    refused = run(*arguments)
    assert refused.returncode == 2
    assert f"others can read the passphrase file {passphrase_file} (mode 0644), run: chmod 600" in refused.stderr
    passphrase_file.chmod(0o600)
    passphrase_file.write_bytes(b"\nsecond line\n")
    assert "is empty, or its first line is" in run(*arguments).stderr
    passphrase_file.unlink()
    assert "cannot be read: No such file or directory" in run(*arguments).stderr
    assert not (tmp_path / "lab.p12").exists()


def test_without_a_terminal_the_passphrase_comes_from_a_file(tmp_path: Path) -> None:
    refused = run("key", "make", "-o", tmp_path / "lab.p12", "--name", "Lab")
    assert refused.returncode == 2
    assert "no terminal to ask for the passphrase: give --passphrase-file" in refused.stderr


@pytest.mark.parametrize("second", ["correct horse", "another"])
def test_at_a_terminal_the_passphrase_is_asked_for_twice(tmp_path: Path, second: str) -> None:
    ours, theirs = pty.openpty()
    file = tmp_path / "lab.p12"
    command = [sys.executable, "-m", "kleinmaelzung", "calibration", "key", "make", "--kind", "ec", "--name", "Lab"]
    with subprocess.Popen(
        [*command, "-o", str(file)], stdin=theirs, stderr=theirs, stdout=theirs, start_new_session=True
    ) as made:
        os.close(theirs)
        shown = b""
        for prompt, answer in ((b"New passphrase", "correct horse"), (b"Once more", second)):
            while prompt not in shown or not shown.endswith(b": "):
                shown += os.read(ours, 1000)
            os.write(ours, f"{answer}\n".encode())
        code = made.wait(timeout=120)
    os.close(ours)
    assert b"correct horse" not in shown
    assert (code == 0, file.exists()) == ((True, True) if second == "correct horse" else (False, False))
