"""`kleinmaelzung agent` and `user`: what they tell the broker, and what they tell people."""

from pathlib import Path

import pytest

from tests.fakes_client_gateway import NOW_US, FakeGateway
from tests.terminals import Terminal

BALANCE = "pi-1/balance"


async def test_an_agent_is_added_listed_and_removed(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    code, out, _ = await terminal.run("agent", "add", "pi-1")
    assert code == 0
    assert f'[agent]\nname = "pi-1"\nurl = "ws://127.0.0.1:{fake_gateway.port}"\nsecret = "' in out
    assert fake_gateway.passwords["agent:pi-1"] in out
    assert await terminal.json("agent", "list") == [
        {"agent": "pi-1", "online": True, "since": NOW_US, "version": "0.1.0", "last_order": None}
    ]
    code, _, err = await terminal.run("agent", "add", "pi-1")
    assert (code, err.split(":")[:2]) == (1, ["kleinmaelzung", " agent pi-1 exists already"])
    assert await terminal.json("agent", "remove", "pi-1") == {"agent": "pi-1", "removed": True}
    code, _, err = await terminal.run("agent", "remove", "pi-1")
    assert (code, "does not exist" in err) == (1, True)


async def test_a_user_is_added_and_gets_another_password(
    fake_gateway: FakeGateway, terminal: Terminal, tmp_path: Path
) -> None:
    added = await terminal.json("user", "add", "otto", "--role", "operator")
    assert fake_gateway.accounts["otto"] == ["user:otto"]
    rights = {"role": "operator", "instruments": ["+/+"]}
    assert added == {"user": "otto", "password": fake_gateway.passwords["otto"], **rights}
    assert fake_gateway.rights == {"otto": rights}
    (tmp_path / "new").write_text("hops\n")
    assert await terminal.json("user", "password", "otto", "--new-password-file", str(tmp_path / "new")) == {
        "user": "otto"
    }
    assert fake_gateway.passwords["otto"] == "hops"
    assert await terminal.json("user", "list") == [{"user": "otto", **rights}]
    await terminal.json("user", "remove", "otto")
    assert (fake_gateway.accounts, fake_gateway.rights) == ({}, {"otto": None})


async def test_a_user_is_kept_to_instruments_and_changed(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    typed = ("--role", "operator", "--instrument", "pi-1/balance", "--instrument", "pi-2/+")
    added = await terminal.json("user", "add", "nele", *typed)
    assert added["instruments"] == ["pi-1/balance", "pi-2/+"]
    _, out, _ = await terminal.run("user", "list")
    assert out == "nele  operator of pi-1/balance, pi-2/+\n"
    changed = await terminal.json("user", "change", "nele", "--role", "observer")
    assert changed == {"user": "nele", "role": "observer", "instruments": ["pi-1/balance", "pi-2/+"]}
    _, out, _ = await terminal.run("user", "change", "nele", "--instrument", "+/+")
    assert out == "user nele is now observer; open sessions have ended\n"
    assert fake_gateway.rights["nele"] == {"role": "observer", "instruments": ["+/+"]}


@pytest.mark.parametrize(
    ("typed", "code", "sentence"),
    [
        (("add", "x", "--role", "observer", "--instrument", "pi-1"), 2, "is no pattern of instruments"),
        (("add", "x", "--role", "admin", "--instrument", "pi-1/+"), 2, "an admin manages all accounts"),
        (("change", "x"), 2, "say what is to change"),
        (("add", "public", "--role", "observer"), 2, "public is no person's name"),
        (("password", "public"), 2, "public is no person's name"),
        (("change", "public", "--role", "operator"), 2, "public is no person's name"),
        (("change", "x", "--role", "observer"), 1, "does not exist"),
        (("change", "admin", "--role", "observer"), 1, "nobody changes their own rights"),
    ],
)
async def test_rights_that_cannot_be_are_told(
    terminal: Terminal, typed: tuple[str, ...], code: int, sentence: str
) -> None:
    ended, out, err = await terminal.run("user", *typed)
    assert (ended, out) == (code, "")
    assert sentence in err


async def test_many_accounts_are_listed_in_pages(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    fake_gateway.accounts = {f"agent:pi-{number}": [] for number in range(120)}
    assert len(await terminal.json("agent", "list")) == 120


async def test_accounts_are_for_admins(fake_gateway: FakeGateway, terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("barley")
    code, out, err = await terminal.run("user", "list", "--user", "anna")
    assert (code, out, err) == (1, "", "kleinmaelzung: anna is not permitted to manage accounts\n")
