"""The server's key of a data directory: made once, its public half whenever it is missing."""

from pathlib import Path

import pytest

from kleinmaelzung import Error, server_key
from kleinmaelzung_local import order_key
from kleinmaelzung_wire import orders


def test_it_is_made_once(tmp_path: Path) -> None:
    key = order_key.find(tmp_path)
    assert key == tmp_path / "server-key"
    before = key.read_bytes()
    assert order_key.find(tmp_path) == key
    assert key.read_bytes() == before


def test_a_public_half_that_is_gone_is_made_of_the_key(tmp_path: Path) -> None:
    key = order_key.find(tmp_path)
    assert key is not None
    server_key.public_file(key).unlink()
    order_key.find(tmp_path)
    assert server_key.public_file(key).read_text() == orders.pem(server_key.open_key(key).public)


def test_a_public_half_that_was_left_alone_goes_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "server-key.pub").write_text("of a key that was lost")
    key = order_key.find(tmp_path)
    assert key is not None
    assert orders.read_pem((tmp_path / "server-key.pub").read_text()) == server_key.open_key(key).public


def test_a_key_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "server-key").write_text("no key")
    (tmp_path / "server-key").chmod(0o400)
    with pytest.raises(Error, match="is no server key"):
        order_key.find(tmp_path)
