"""The program `openssl` looks whether the server's key signed an order."""

from pathlib import Path

import pytest

from kleinmaelzung_agent.orders import signature
from kleinmaelzung_agent.orders.signature import SignatureError
from kleinmaelzung_wire import orders
from tests.orders import ServerKey


@pytest.fixture
def key(tmp_path: Path) -> ServerKey:
    made = ServerKey()
    made.write(tmp_path / "server.pub")
    return made


def test_what_the_key_signed_is_right_and_anything_else_is_not(key: ServerKey, tmp_path: Path) -> None:
    file, signed = tmp_path / "server.pub", key.sign(b"order")
    signature.verify(file, b"order", signed)
    for order, wrong in ((b"Order", signed), (b"", signed), (b"order", bytes(64)), (b"order", ServerKey().sign(b"o"))):
        with pytest.raises(SignatureError, match="was not signed by the server key"):
            signature.verify(file, order, wrong)
    with pytest.raises(SignatureError, match="64 bytes, found 3"):
        signature.verify(file, b"order", b"abc")


def test_a_signature_of_the_same_key_for_something_else_does_not_count(key: ServerKey, tmp_path: Path) -> None:
    plain = key._private.sign(b"order")  # without what tells an order from all else that the key may sign
    with pytest.raises(SignatureError, match="was not signed"):
        signature.verify(tmp_path / "server.pub", b"order", plain)


def test_without_openssl_the_sentence_says_what_to_do(
    key: ServerKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SignatureError, match="apt install openssl"):
        signature.verify(tmp_path / "server.pub", b"order", key.sign(b"order"))


def test_an_openssl_that_cannot_do_it_is_told_from_a_wrong_signature(
    key: ServerKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "openssl"
    fake.write_text("#!/bin/sh\necho 'pkeyutl: Unknown option: -rawin' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(SignatureError, match="could not look at the signature: pkeyutl: Unknown option"):
        signature.verify(tmp_path / "server.pub", b"order", key.sign(b"order"))


def test_a_key_is_told_by_its_fingerprint_and_a_wrong_file_by_its_fault(key: ServerKey, tmp_path: Path) -> None:
    assert signature.fingerprint(tmp_path / "server.pub") == orders.fingerprint(key.public)
    assert signature.fingerprint(None) == signature.fingerprint(tmp_path / "none") == ""
    (tmp_path / "server.pub").write_bytes(b"\xff")
    with pytest.raises(SignatureError, match=r"server\.pub is not the server's key"):
        signature.read_key(tmp_path / "server.pub")
