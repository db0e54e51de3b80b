"""The rules for the broker, held against the table at the top of topics.py by a model of the broker's plugin."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest

from kleinmaelzung_wire import access, codec, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.rights import MAX_PATTERNS, Rights
from kleinmaelzung_wire.topics import ROOT
from tests.access_table import ACCOUNTS, ENROL, FILTERS, OTHER, OWN, ROLES, TABLE, WRITTEN

Rules = list[dict[str, Any]]

RULES: dict[str, Rules] = {
    **{name: access.user_rules(name, rights) for name, rights in ROLES.items()},
    OWN: access.agent_rules("pi-1"),
    OTHER: access.agent_rules("pi-2"),
    ENROL: access.enrol_rules("pi-1"),
    "service:logger": access.service_rules("logger"),
    "service:history": access.service_rules("history"),
    "service:batches": access.service_rules("batches"),
    "service:calibration": access.service_rules("calibration"),
    "service:gateway": access.service_rules("gateway"),
}


def covers(rule: str, asked: str) -> bool:
    """Whether everything that a topic or filter can match falls under a rule's filter, as the plugin sees it."""
    if rule.startswith("$") != asked.startswith("$"):
        return False
    wanted, found = rule.split("/"), asked.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(found) or found[index] == "#" or (level != "+" and level != found[index]):
            return False
    return len(wanted) == len(found)


def may(rules: Rules, kind: str, asked: str) -> bool:
    return any(rule["acltype"] == kind and rule["allow"] and covers(rule["topic"], asked) for rule in rules)


@pytest.mark.parametrize(
    ("rule", "asked", "is_covered"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/+/c", True),
        ("a/+/c", "a/#", False),
        ("a/b/c", "a/+/c", False),
        ("a/#", "a/b/c", True),
        ("a/+", "a/b/c", False),
        ("a/+/c", "a/b", False),
        ("#", "$SYS/x", False),
    ],
)
def test_the_model_of_the_plugin(rule: str, asked: str, is_covered: bool) -> None:
    assert covers(rule, asked) is is_covered


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.pattern)
def test_only_who_the_table_names_may_publish_and_read(row: Any) -> None:
    assert {name for name in ACCOUNTS if may(RULES[name], "publishClientSend", row.topic)} == row.writers
    assert {name for name in ACCOUNTS if may(RULES[name], "subscribePattern", row.topic)} == row.readers


@pytest.mark.parametrize("topic", WRITTEN)
def test_only_who_may_command_an_instrument_may_write_there(topic: str) -> None:
    assert {name for name in ACCOUNTS if may(RULES[name], "publishClientSend", topic)} == WRITTEN[topic]


@pytest.mark.parametrize("topic_filter", FILTERS)
def test_nobody_gets_more_by_asking_for_more(topic_filter: str) -> None:
    allowed = {name for name in ACCOUNTS if may(RULES[name], "subscribePattern", topic_filter)}
    assert allowed == FILTERS[topic_filter]


def test_the_rows_are_those_of_the_contract() -> None:
    assert topics.__doc__ is not None
    rows = re.findall(r"^    (<the same>/\S+|\S+/\S+) .*?  ?([01])   (yes|no) ", topics.__doc__, re.MULTILINE)
    stems = ["", *(pattern for pattern, _, _ in rows)]
    written = [(row[0].replace("<the same>", stem), *row[1:]) for stem, row in zip(stems, rows, strict=False)]
    assert written == [(row.pattern, str(row.qos), "yes" if row.retained else "no") for row in TABLE]


def test_only_an_admin_reaches_the_accounts() -> None:
    reaching = {name for name in ACCOUNTS if may(RULES[name], "publishClientSend", access.CONTROL_TOPIC)}
    assert reaching == {"admin"}


def test_a_person_cannot_take_a_machines_name() -> None:
    for name in ("agent:pi-1", "service:logger", "user:anna", "+", "#", "a/b", ""):
        for make in (
            lambda name=name: access.add_user(name, "x", "admin"),
            lambda name=name: access.add_agent(name, "x"),
            lambda name=name: access.agent_rules(name),
            lambda name=name: access.user_rules(name, Rights(role="admin")),
            lambda name=name: access.change_user(name, Rights(role="admin")),
            lambda name=name: access.service_user(name),
        ):
            with pytest.raises(WireError, match="is not a name"):
                make()


@pytest.mark.parametrize("name", [*access.SERVICES, "calibration-2", "logger-2"])
def test_a_person_cannot_take_the_name_that_a_service_holds_instruments_by(name: str) -> None:
    with pytest.raises(WireError, match="is the name of a service: choose another"):
        access.add_user(name, "x", "operator")
    assert access.add_user(f"my-{name}", "x", "operator")


@pytest.mark.parametrize("name", ["alarms", "gateway-2", "loggers"])
def test_a_service_without_rules_is_a_mistake(name: str) -> None:
    with pytest.raises(ValueError, match=f"no rules for service '{name}'"):
        access.service_rules(name)


def test_the_first_state_names_every_account_once_and_hides_its_passwords() -> None:
    state = access.first_state(admin_password="top", service_passwords={"gateway": "gate", "logger": "log"})
    assert [client["username"] for client in state["clients"]] == ["admin", "service:gateway", "service:logger"]
    roles = {role["rolename"] for role in state["roles"]}
    assert roles == {"user:admin", "service:gateway", "service:logger"}
    assert all(role["rolename"] in roles for client in state["clients"] for role in client["roles"])
    assert state["defaultACLAccess"]["publishClientSend"] is False
    assert state["defaultACLAccess"]["subscribe"] is False
    assert not {"top", "gate", "log"} & set(json.dumps(state).split('"'))
    admin = state["clients"][0]
    assert access.rights_of(admin) == Rights(role="admin")
    digest = hashlib.pbkdf2_hmac("sha512", b"top", base64.b64decode(admin["salt"]), admin["iterations"])
    assert base64.b64decode(admin["password"]) == digest
    assert len({client["salt"] for client in state["clients"]}) == 3


def test_an_account_is_added_with_a_role_of_its_own_and_removed_with_it() -> None:
    made, mended, client = access.add_user("nele", "pw", "operator", ("pi-1/balance",))
    assert (made["command"], mended["command"]) == ("createRole", "modifyRole")
    assert made["rolename"] == mended["rolename"] == "user:nele"
    assert made["acls"] == mended["acls"] == access.user_rules("nele", access.rights_of(client) or Rights(role="admin"))
    assert client["roles"] == [{"rolename": "user:nele"}]
    assert json.loads(client["textdescription"]) == {"role": "operator", "instruments": ["pi-1/balance"]}
    assert access.add_agent("pi-1", "s")[-1]["username"] == "agent:pi-1"
    removed = [
        {"command": "deleteClient", "username": "anna"},
        {"command": "deleteRole", "rolename": "user:anna"},
    ]
    assert access.remove_account("anna") == removed
    assert access.remove_account("agent:pi-1")[1]["rolename"] == "agent:pi-1"


def test_changing_rights_replaces_all_of_them_and_then_ends_the_sessions() -> None:
    rights = Rights(role="observer", instruments=("pi-2/+",))
    role, client = access.change_user("nele", rights)
    assert (role["command"], role["acls"]) == ("modifyRole", access.user_rules("nele", rights))
    assert (client["command"], access.rights_of(client)) == ("modifyClient", rights)


def test_the_rules_of_many_grants_go_into_one_message() -> None:
    patterns = tuple(f"{'a' * 31}{index:x}/{'b' * 32}" for index in range(16, 16 + MAX_PATTERNS))
    patterns = tuple(pattern.replace("a", "", 1) for pattern in patterns)
    commands = access.add_user("n" * 32, "p" * 64, "calibrator", patterns)
    assert len(codec.to_json(["access", 1, commands])) < codec.MAX_BYTES


def test_secrets_are_long_and_never_the_same() -> None:
    made = {access.make_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in made)


def test_each_person_asks_every_service_in_their_own_name_only() -> None:
    for user in ROLES:
        for service in ("logger", "logger-2", "history", "batches"):
            asking = {
                name
                for name in ACCOUNTS
                if may(RULES[name], "publishClientSend", f"{ROOT}/_service/{service}/request/{user}/{ROLES[user].role}")
            }
            assert asking == ({user} if user != "public" else set())


def test_a_second_logger_has_its_own_topics_and_not_the_firsts() -> None:
    rules = access.service_rules("logger-2")
    assert may(rules, "publishClientSend", topics.service_status("logger-2"))
    assert all(may(rules, "subscribePattern", each) for each in topics.service_requests("logger-2"))
    assert not may(rules, "publishClientSend", topics.service_status("logger"))
    assert not any(may(rules, "subscribePattern", each) for each in topics.service_requests("logger"))
    role, _, client = access.add_service("logger-2", "s")
    assert (role["rolename"], role["acls"], client["username"]) == ("service:logger-2", rules, "service:logger-2")


def test_what_an_earlier_version_wrote_gets_the_rules_of_this_one() -> None:
    state = access.first_state(admin_password="top", service_passwords={"gateway": "gate", "logger": "log"})
    nele = ROLES["nele"]
    account = {"username": "nele", "textdescription": nele.to_json(), "roles": [{"rolename": "user:nele"}]}
    own = {"rolename": "user:nele", "acls": access.user_rules("nele", nele)}
    agent = {"rolename": "agent:pi-1", "acls": access.agent_rules("pi-1")}
    foreign = {"rolename": "service:alarms", "acls": [{"acltype": "x"}], "textname": "made by hand"}
    now = {
        **state,
        "clients": [*state["clients"], account],
        "groups": ["kept"],
        "roles": [*state["roles"], own, agent, foreign],
    }
    before = [{**role, "acls": [], "textname": "t"} if role is not foreign else role for role in now["roles"]]
    updated = access.updated_state({**now, "groups": [{"groupname": "kept"}], "roles": before})
    assert updated == {
        **now,
        "groups": [{"groupname": "kept"}],
        "roles": [{**role, "textname": "t"} if role is not foreign else role for role in now["roles"]],
    }
    assert access.updated_state(updated) == updated


def test_people_of_an_earlier_version_keep_what_their_shared_role_meant() -> None:
    def account(name: str, *roles: str) -> dict[str, Any]:
        return {"username": name, "password": "p", "roles": [{"rolename": role} for role in roles]}

    shared = [{"rolename": role, "acls": [{"acltype": "old"}]} for role in ("observer", "operator", "admin")]
    own = [{"rolename": f"user:{name}", "acls": []} for name in ("otto", "anna", "admin")]
    stranger = account("tool", "observer")
    people = [account("otto", "observer", "user:otto"), account("anna", "operator", "user:anna")]
    state = {"clients": [*people, account("admin", "admin", "user:admin"), stranger], "roles": [*shared, *own]}
    updated = access.updated_state({**state, "groups": [{"roles": [{"rolename": "observer"}]}]})
    assert {role["rolename"]: role["acls"] for role in updated["roles"]} == {
        "observer": [{"acltype": "old"}],
        **{f"user:{name}": access.user_rules(name, ROLES[name]) for name in ("otto", "anna", "admin")},
    }
    assert updated["clients"][3] == stranger
    for account_now in updated["clients"][:3]:
        name = account_now["username"]
        assert account_now["roles"] == [{"rolename": f"user:{name}"}]
        assert (account_now["password"], access.rights_of(account_now)) == ("p", ROLES[name])
