"""The broker's accounts of a deployment in containers: made once, kept up to date, with a link for the first login."""

import io
import json
import sys
from pathlib import Path

import pytest

from kleinmaelzung_gateway.login_link import Link
from kleinmaelzung_local import accounts
from kleinmaelzung_wire import access

PASSWORDS = {name: f"the-password-of-{name}" for name in ("admin", *access.SERVICES)}
NOW = 1_795_424_808_000_000


def test_the_first_time_accounts_and_a_link_are_made(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    assert accounts.outcome(file, PASSWORDS, NOW, write=False) == {"accounts": "made"}
    assert not file.exists()
    done = accounts.outcome(file, PASSWORDS, NOW, write=True)
    assert done["accounts"] == "made"
    Link.from_json(done["link"]).check(done["code"], NOW)
    assert Link.from_json(done["link"]).password == PASSWORDS["admin"]
    users = {account["username"] for account in json.loads(file.read_text())["clients"]}
    assert users == {"admin", *map(access.service_user, access.SERVICES)}


def test_the_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    accounts.outcome(file, PASSWORDS, NOW, write=True)
    before = file.read_bytes()
    for write in (False, True):
        assert accounts.outcome(file, PASSWORDS, NOW, write=write) == {"accounts": "unchanged"}
    assert file.read_bytes() == before


def test_the_account_of_the_public_view_is_there_while_its_password_is_given(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    accounts.outcome(file, PASSWORDS, NOW, write=True)
    for password, done in (("first", "updated"), ("first", "unchanged"), ("second", "updated"), (None, "updated")):
        given = PASSWORDS if password is None else {**PASSWORDS, "public": password}
        assert accounts.outcome(file, given, NOW, write=False) == {"accounts": done}
        assert accounts.outcome(file, given, NOW, write=True) == {"accounts": done}
        users = [account["username"] for account in json.loads(file.read_text())["clients"]]
        assert users.count("public") == (password is not None)
    assert accounts.outcome(file, PASSWORDS, NOW, write=True) == {"accounts": "unchanged"}


def test_who_lost_admins_password_gets_another_and_a_link(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    accounts.outcome(file, PASSWORDS, NOW, write=True)
    before = json.loads(file.read_text())
    another = {**PASSWORDS, "admin": "another"}
    done = accounts.new_admin(file, another, NOW)
    link = Link.from_json(done["link"])
    link.check(done["code"], NOW)
    assert (link.user, link.password) == ("admin", "another")
    after = json.loads(file.read_text())
    assert [account for account in after["clients"] if account["username"] != "admin"] == before["clients"][1:]
    assert sorted(after["roles"], key=str) == sorted(before["roles"], key=str)
    assert accounts.outcome(file, another, NOW, write=True) == {"accounts": "unchanged"}


def test_how_the_plugin_writes_the_same_is_no_change(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    accounts.outcome(file, PASSWORDS, NOW, write=True)
    state = json.loads(file.read_text())
    for role in state["roles"]:
        role["acls"] = [{**rule, "priority": 0} for rule in reversed(role["acls"])]
    state["roles"].reverse()
    state["clients"].reverse()
    file.write_text(json.dumps(state))
    assert accounts.outcome(file, PASSWORDS, NOW, write=True) == {"accounts": "unchanged"}


def test_a_right_that_an_earlier_version_did_not_know_is_added(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    accounts.outcome(file, PASSWORDS, NOW, write=True)
    state = json.loads(file.read_text())
    [role] = [role for role in state["roles"] if role["rolename"] == "service:logger"]
    removed = role["acls"].pop()
    file.write_text(json.dumps(state))
    assert accounts.outcome(file, PASSWORDS, NOW, write=False) == {"accounts": "updated"}
    assert accounts.outcome(file, PASSWORDS, NOW, write=True) == {"accounts": "updated"}
    [role] = [role for role in json.loads(file.read_text())["roles"] if role["rolename"] == "service:logger"]
    assert removed in role["acls"]


def test_an_account_without_a_password_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"admin": "x"})))
    monkeypatch.setattr(sys, "argv", ["accounts", "write", str(tmp_path / "accounts.json")])
    assert accounts.main() == 1
    assert "no password for gateway, logger" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
