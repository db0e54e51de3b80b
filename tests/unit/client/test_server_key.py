"""The server's key: its files, and that the program openssl verifies what it signs, as agents do."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kleinmaelzung import Error, SettingsError, server_key
from kleinmaelzung_wire import orders


def openssl(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)


def test_openssl_verifies_what_it_signs_and_nothing_else(tmp_path: Path) -> None:
    key = server_key.make(tmp_path / "key")
    order = b"an order"
    (tmp_path / "signature").write_bytes(key.sign(order))
    for name, content, code in (("right", orders.signed(order), 0), ("plain", order, 1), ("other", b"x", 1)):
        (tmp_path / name).write_bytes(content)
        files = ("-in", str(tmp_path / name), "-sigfile", str(tmp_path / "signature"))
        done = openssl("pkeyutl", "-verify", "-pubin", "-inkey", str(tmp_path / "key.pub"), "-rawin", *files)
        assert done.returncode == code, (name, done.stderr)


def test_a_key_is_its_owners_and_its_public_half_everybodys(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        key = server_key.make(tmp_path / "key")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"key": 0o400, "key.pub": 0o644}
    assert orders.read_pem((tmp_path / "key.pub").read_text()) == key.public
    again = server_key.open_key(tmp_path / "key")
    assert (again.public, again.fingerprint) == (key.public, orders.fingerprint(key.public))
    assert "_private" not in repr(again)


@pytest.mark.parametrize("there", ["key", "key.pub"])
def test_nothing_is_ever_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(Error, match=f"{there} exists already, and a key is never overwritten"):
        server_key.make(tmp_path / "key")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {there: "mine"}


def test_where_the_public_half_cannot_be_written_there_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(Error, match="cannot be written: No such file or directory"):
        server_key.make(tmp_path / "nowhere" / "key")
    assert list(tmp_path.iterdir()) == []


def test_a_key_by_openssl_is_one(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(openssl("genpkey", "-algorithm", "ed25519").stdout)
    (tmp_path / "key").chmod(0o400)
    public = openssl("pkey", "-in", str(tmp_path / "key"), "-pubout").stdout
    assert orders.pem(server_key.open_key(tmp_path / "key").public) == public


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    server_key.make(tmp_path / "key")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(SettingsError, match=rf"others can read .*, run: chmod 400 {tmp_path}/key"):
        server_key.open_key(tmp_path / "key")


@pytest.mark.parametrize(
    "made",
    [
        ("genpkey", "-algorithm", "x25519"),
        ("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        ("genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", "pass:secret"),
        ("rand", "-hex", "100"),
    ],
)
def test_what_is_no_such_key_is_said(tmp_path: Path, made: tuple[str, ...]) -> None:
    (tmp_path / "key").write_text(openssl(*made).stdout)
    (tmp_path / "key").chmod(0o400)
    with pytest.raises(SettingsError, match="is no server key: expected a file that `kleinmaelzung agent key` makes"):
        server_key.open_key(tmp_path / "key")


def test_a_key_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file or directory"):
        server_key.open_key(tmp_path / "key")


def test_without_cryptography_the_extra_is_named(tmp_path: Path) -> None:
    server_key.make(tmp_path / "key")
    for what in (f"open_key({str(tmp_path / 'key')!r})", f"make({str(tmp_path / 'other')!r})"):
        script = (
            f"import sys; sys.modules['cryptography'] = None\nfrom kleinmaelzung import server_key\nserver_key.{what}"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert "SettingsError: orders are signed by the package cryptography" in done.stderr
        assert done.stderr.endswith("pip install 'kleinmaelzung[signing]'\n")
