"""The rules for the broker, held against the table at the top of topics.py by a model of the broker's plugin."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest

from kleinmaelzung_wire import access, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.topics import ROOT
from tests.access_table import ACCOUNTS, FILTERS, OTHER, OWN, TABLE

Rules = list[dict[str, Any]]

RULES: dict[str, Rules] = {
    "otto": [*access.role_rules("observer"), *access.user_rules("otto")],
    "anna": [*access.role_rules("operator"), *access.user_rules("anna")],
    "admin": [*access.role_rules("admin"), *access.user_rules("admin")],
    OWN: access.agent_rules("pi-1"),
    OTHER: access.agent_rules("pi-2"),
    "service:logger": access.service_rules("logger"),
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


@pytest.mark.parametrize("topic_filter", FILTERS)
def test_nobody_gets_more_by_asking_for_more(topic_filter: str) -> None:
    allowed = {name for name in ACCOUNTS if may(RULES[name], "subscribePattern", topic_filter)}
    assert allowed == FILTERS[topic_filter]


def test_the_rows_are_those_of_the_contract() -> None:
    assert topics.__doc__ is not None
    written = re.findall(r"^    (\S+/\S+) .*?  ([01])   (yes|no) ", topics.__doc__, re.MULTILINE)
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
            lambda name=name: access.user_rules(name),
            lambda name=name: access.service_user(name),
        ):
            with pytest.raises(WireError, match="is not a name"):
                make()


@pytest.mark.parametrize("name", ["alarms", "gateway-2", "loggers"])
def test_a_service_without_rules_is_a_mistake(name: str) -> None:
    with pytest.raises(ValueError, match=f"no rules for service '{name}'"):
        access.service_rules(name)


def test_the_first_state_names_every_account_once_and_hides_its_passwords() -> None:
    state = access.first_state(admin_password="top", service_passwords={"gateway": "gate", "logger": "log"})
    assert [client["username"] for client in state["clients"]] == ["admin", "service:gateway", "service:logger"]
    roles = {role["rolename"] for role in state["roles"]}
    assert roles == {"observer", "operator", "admin", "user:admin", "service:gateway", "service:logger"}
    assert all(role["rolename"] in roles for client in state["clients"] for role in client["roles"])
    assert state["defaultACLAccess"]["publishClientSend"] is False
    assert state["defaultACLAccess"]["subscribe"] is False
    assert not {"top", "gate", "log"} & set(json.dumps(state).split('"'))
    admin = state["clients"][0]
    digest = hashlib.pbkdf2_hmac("sha512", b"top", base64.b64decode(admin["salt"]), admin["iterations"])
    assert base64.b64decode(admin["password"]) == digest
    assert len({client["salt"] for client in state["clients"]}) == 3


def test_an_account_is_added_with_a_role_of_its_own_and_removed_with_it() -> None:
    role, client = access.add_user("anna", "pw", "operator")
    assert (role["command"], role["rolename"]) == ("createRole", "user:anna")
    assert client["roles"] == [{"rolename": "operator"}, {"rolename": "user:anna"}]
    assert access.add_agent("pi-1", "s")[1]["username"] == "agent:pi-1"
    removed = [
        {"command": "deleteClient", "username": "anna"},
        {"command": "deleteRole", "rolename": "user:anna"},
    ]
    assert access.remove_account("anna") == removed
    assert access.remove_account("agent:pi-1")[1]["rolename"] == "agent:pi-1"


def test_secrets_are_long_and_never_the_same() -> None:
    made = {access.make_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in made)


def test_each_person_asks_every_service_in_their_own_name_only() -> None:
    for user in ("otto", "anna", "admin"):
        for service in ("logger", "logger-2", "history"):
            asking = {
                name
                for name in ACCOUNTS
                if may(RULES[name], "publishClientSend", f"{ROOT}/_service/{service}/request/{user}")
            }
            assert asking == {user}


def test_a_second_logger_has_its_own_topics_and_not_the_firsts() -> None:
    rules = access.service_rules("logger-2")
    assert may(rules, "publishClientSend", topics.service_status("logger-2"))
    assert may(rules, "subscribePattern", topics.service_requests("logger-2"))
    assert not may(rules, "publishClientSend", topics.service_status("logger"))
    assert not may(rules, "subscribePattern", topics.service_requests("logger"))
    role, client = access.add_service("logger-2", "s")
    assert (role["rolename"], role["acls"], client["username"]) == ("service:logger-2", rules, "service:logger-2")


def test_what_an_earlier_version_wrote_gets_the_rules_of_this_one() -> None:
    state = access.first_state(admin_password="top", service_passwords={"gateway": "gate", "logger": "log"})
    own = {"rolename": "user:anna", "acls": access.user_rules("anna")}
    agent = {"rolename": "agent:pi-1", "acls": access.agent_rules("pi-1")}
    foreign = {"rolename": "service:alarms", "acls": [{"acltype": "x"}], "textname": "made by hand"}
    now = {**state, "groups": ["kept"], "roles": [*state["roles"], own, agent, foreign]}
    before = [{**role, "acls": [], "textname": "t"} if role is not foreign else role for role in now["roles"]]
    updated = access.updated_state({**now, "roles": before})
    assert updated == {
        **now,
        "roles": [{**role, "textname": "t"} if role is not foreign else role for role in now["roles"]],
    }
    assert access.updated_state(now) == now
