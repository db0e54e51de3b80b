"""The broker's configuration and accounts, and what is said where the broker is missing."""

import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from kleinmaelzung_local import mosquitto as module
from kleinmaelzung_local.mosquitto import Mosquitto, MosquittoMissing
from kleinmaelzung_wire import access

PASSWORDS = {name: f"{name}-secret" for name in ("admin", *access.SERVICES)}


def mosquitto(directory: Path) -> Mosquitto:
    return Mosquitto(directory=directory, host="127.0.0.1", port=2883, internal_port=2884, passwords=PASSWORDS)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_complete_and_private(tmp_path: Path) -> None:
    directory = tmp_path / "with a space" / "mosquitto"
    mosquitto(directory).write()
    text = (directory / "mosquitto.conf").read_text()
    settings = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert not [line for line in settings if "{" in line]
    assert "listener 2884 127.0.0.1" in settings
    assert "listener 2883 127.0.0.1" in settings
    assert "allow_anonymous false" in settings
    assert f"persistence_location {directory}/" in settings
    assert mode(directory) == 0o700
    assert [mode(path) for path in directory.iterdir()] == [0o600, 0o600]
    assert not [secret for secret in PASSWORDS.values() for path in directory.iterdir() if secret in path.read_text()]
    assert "secret" not in repr(mosquitto(directory))


def test_the_accounts_are_written_once_because_the_broker_keeps_them(tmp_path: Path) -> None:
    mosquitto(tmp_path).write()
    accounts = tmp_path / "dynamic-security.json"
    accounts.write_text(json.dumps({"kept": True}))
    (tmp_path / "mosquitto.conf").write_text("old")
    mosquitto(tmp_path).write()
    assert json.loads(accounts.read_text()) == {"kept": True}
    assert (tmp_path / "mosquitto.conf").read_text() != "old"


def test_services_connect_inside_with_their_own_names(tmp_path: Path) -> None:
    broker = mosquitto(tmp_path).broker("logger")
    assert (broker.port, broker.user, broker.password) == (2884, "service:logger", "logger-secret")
    assert mosquitto(tmp_path).broker("admin").user == "admin"


def test_a_missing_broker_is_said_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(MosquittoMissing, match=r"Mosquitto is not on this machine.*apt-get install mosquitto"):
        mosquitto(tmp_path).command()


def test_a_missing_plugin_is_said_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLUGIN_DIRECTORIES", (str(tmp_path),))
    with pytest.raises(MosquittoMissing, match=r"mosquitto_dynamic_security.so is not on this machine.*apt-get"):
        mosquitto(tmp_path / "m").write()
    plugin = tmp_path / "x86_64-linux-gnu" / module.PLUGIN_NAME
    plugin.parent.mkdir()
    plugin.touch()
    assert module.find_plugin() == str(plugin)


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old and readable by all")
    (tmp_path / "secret.new").write_text("half of an earlier attempt")
    module.write_private(path, "new")
    assert path.read_text() == "new"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_installation_of_an_earlier_version_gets_the_rights_of_this_one(tmp_path: Path) -> None:
    mosquitto(tmp_path).write()
    accounts = tmp_path / "dynamic-security.json"
    fresh = json.loads(accounts.read_text())
    old = {**fresh, "roles": [{**role, "acls": role["acls"][:1]} for role in fresh["roles"]]}
    accounts.write_text(json.dumps(old))
    mosquitto(tmp_path).write()
    assert json.loads(accounts.read_text()) == fresh
    assert mode(accounts) == 0o600


def test_an_installation_of_an_earlier_version_gets_the_services_of_this_one(tmp_path: Path) -> None:
    mosquitto(tmp_path).write()
    accounts = tmp_path / "dynamic-security.json"
    fresh = json.loads(accounts.read_text())
    old = {
        **fresh,
        "clients": [account for account in fresh["clients"] if account["username"] != "service:history"],
        "roles": [role for role in fresh["roles"] if role["rolename"] != "service:history"],
    }
    accounts.write_text(json.dumps(old))
    mosquitto(tmp_path).write()
    state = json.loads(accounts.read_text())
    assert sorted(state["roles"], key=str) == sorted(fresh["roles"], key=str)
    names, expected = ({account["username"] for account in each["clients"]} for each in (state, fresh))
    assert names == expected
    assert all(account in state["clients"] for account in old["clients"])
    mosquitto(tmp_path).write()
    assert json.loads(accounts.read_text()) == state


def test_the_account_of_the_public_view_comes_and_goes_and_nothing_else_changes(tmp_path: Path) -> None:
    accounts = tmp_path / "dynamic-security.json"
    mosquitto(tmp_path).write()
    without = json.loads(accounts.read_text())
    for password in ("first", "second"):
        replace(mosquitto(tmp_path), public_password=password).write()
        state = json.loads(accounts.read_text())
        assert [account["username"] for account in state["clients"]].count("public") == 1
        assert [role["rolename"] for role in state["roles"]].count("user:public") == 1
        assert password not in accounts.read_text()
    assert mode(accounts) == 0o600
    mosquitto(tmp_path).write()
    assert json.loads(accounts.read_text()) == without
    replace(mosquitto(tmp_path / "new"), public_password="first").write()
    state = json.loads((tmp_path / "new" / "dynamic-security.json").read_text())
    assert "public" in [account["username"] for account in state["clients"]]


def test_accounts_that_cannot_be_read_are_left_to_the_broker(tmp_path: Path) -> None:
    mosquitto(tmp_path).write()
    accounts = tmp_path / "dynamic-security.json"
    accounts.write_text('{"roles": [')
    mosquitto(tmp_path).write()
    assert accounts.read_text() == '{"roles": ['
