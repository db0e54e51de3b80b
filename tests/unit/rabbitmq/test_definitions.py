"""RabbitMQ's definitions against the table of who may what: its regular expressions are asked as RabbitMQ asks them."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_rabbitmq import definitions
from kleinmaelzung_rabbitmq.__main__ import main
from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import Rights
from tests.access_table import ACCOUNTS, FILTERS, ROLES, TABLE, WRITTEN
from tests.cluster.accounts import definition


def allows(account: dict[str, Any], what: str, topic: str) -> bool:
    """As RabbitMQ does: the topic as a routing key, the expression anywhere in it."""
    [permission] = account["topic_permissions"]
    return re.search(permission[what], topic.replace("/", ".").replace("+", "*")) is not None


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.pattern)
def test_each_row_of_the_table_is_granted_to_whom_it_says(row: Any) -> None:
    readers = {name for name in ACCOUNTS if allows(definition(name), "read", row.topic)}
    writers = {name for name in ACCOUNTS if allows(definition(name), "write", row.topic)}
    online = "_client/<user>/<session>/online"  # beside the table: gateways keep what is retained themselves
    assert readers - ({"service:gateway"} if row.pattern == online else set()) == row.readers
    assert writers == row.writers


@pytest.mark.parametrize("topic", WRITTEN)
def test_what_is_written_elsewhere_is_granted_to_whom_it_says(topic: str) -> None:
    assert {name for name in ACCOUNTS if allows(definition(name), "write", topic)} == WRITTEN[topic]


@pytest.mark.parametrize("topic_filter", [each for each in FILTERS if not each.startswith("$")])
def test_a_wider_filter_gets_nobody_more(topic_filter: str) -> None:
    readers = {name for name in ACCOUNTS if allows(definition(name), "read", topic_filter)}
    assert readers - ({"service:gateway"} if topic_filter.endswith("/online") else set()) == FILTERS[topic_filter]


@pytest.mark.parametrize(
    "topic", ["$SYS/broker/version", "$CONTROL/dynamic-security/v1", "a\nkleinmaelzung/pi-1/status"]
)
def test_nobody_gets_what_has_no_counterpart(topic: str) -> None:
    assert not any(allows(definition(name), what, topic) for name in ACCOUNTS for what in ("read", "write"))


def test_who_has_no_rule_may_nothing() -> None:
    nobody = definitions.account("nobody", "secret", (), "nobody")
    assert not any(allows(nobody, what, topic) for what in ("read", "write") for topic in ("", "a", "kleinmaelzung/x"))


@pytest.mark.parametrize(
    ("name", "queue", "is_own"),
    [
        ("anna", "mqtt-subscription-annaqos0", True),
        ("anna", "mqtt-subscription-anna:0123abcdqos1", True),
        ("anna", "mqtt-will-anna:0123abcd", True),
        ("anna", "mqtt-subscription-anna-2qos0", False),
        ("anna", "mqtt-subscription-agent:pi-1qos1", False),
        ("agent:pi-1", "mqtt-subscription-agent:pi-1qos1", True),
        ("agent:pi-1", "mqtt-subscription-agent:pi-10qos1", False),
        ("service:logger", "mqtt-subscription-logger-0123abcdqos1", True),
        ("service:logger", "mqtt-subscription-logger-2-0123abcdqos1", False),
        ("service:gateway", "mqtt-subscription-service:gateway:1764000000000000qos0", True),
    ],
)
def test_the_queues_of_others_are_out_of_reach(name: str, queue: str, is_own: bool) -> None:
    [permission] = definition(name)["permissions"]
    assert {bool(re.search(permission[what], queue)) for what in ("configure", "write", "read")} == {is_own}
    assert {what for what in ("configure", "write", "read") if re.search(permission[what], "amq.topic")} == {
        "write",
        "read",
    }


def test_a_password_is_kept_as_rabbitmq_keeps_it() -> None:
    [user] = definitions.user("anna", "Größe", Rights(role="operator"))["users"]
    kept = base64.b64decode(user["password_hash"])
    assert kept[4:] == hashlib.sha512(kept[:4] + "Größe".encode()).digest()
    assert user["tags"] == []  # no right to the management


def test_several_accounts_go_into_one_file() -> None:
    both = definitions.together(definition(name) for name in ("anna", "agent:pi-1"))
    assert [user["name"] for user in both["users"]] == ["anna", "agent:pi-1"]
    assert both["vhosts"] == [{"name": "/"}]
    assert len(both["topic_permissions"]) == len(both["permissions"]) == 2
    assert set(ROLES) > {"anna"}


def test_a_balancer_looks_by_a_login_that_may_nothing_else() -> None:
    password = "x" * 43
    packet = definitions.probe_packet(password)
    assert packet[:2] == bytes((0x10, len(packet) - 2))
    assert packet[2:].startswith(b"\0\x04MQTT\x04\xc2\0\x0a\0\0\0\x05probe\0\x2b")
    assert packet.endswith(password.encode())
    probe = definitions.probe(password)
    assert not any(allows(probe, what, "kleinmaelzung/pi-1/status") for what in ("read", "write"))


def test_what_a_cluster_begins_with_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    assert main(["first", str(tmp_path / "accounts")]) == 0
    written = {path.name: path for path in (tmp_path / "accounts").iterdir()}
    assert written.keys() == {"definitions.json", "haproxy-check", "admin", *access.SERVICES}
    assert {path.stat().st_mode & 0o777 for path in written.values()} == {0o600}
    users = {user["name"] for user in json.loads(written["definitions.json"].read_text())["users"]}
    assert users == {"admin", "probe", *map(access.service_user, access.SERVICES)}
    assert written["haproxy-check"].read_text().startswith("tcp-check send-binary 10")


def test_who_is_not_told_to_the_nodes_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--control", "true", "user", "anna", "--role", "operator"]) == 1
    assert "anna: done at the broker; name each --node" in capsys.readouterr().err
    assert main(["--control", "false", "agent", "pi-1"]) == 1
    assert capsys.readouterr().err.startswith("false --quiet import_definitions")
