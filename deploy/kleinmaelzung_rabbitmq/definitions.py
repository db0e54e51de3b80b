"""Our accounts as RabbitMQ's: rules of access.py in, definitions for `rabbitmqctl import_definitions` out.

    rule                                                       regular expression, asked of a routing key
    publishClientSend kleinmaelzung/pi-1/+/data                write ^kleinmaelzung\\.pi-1\\.[^.#]+\\.data$
    subscribePattern  kleinmaelzung/+/+/data                   read  ^kleinmaelzung\\.[^.#]+\\.[^.#]+\\.data$

RabbitMQ makes a routing key of topic or filter, `/` becomes `.` and `+` becomes `*`, and asks the regular expression of
that. So `[^.#]+` stands for a name and for `*`: a filter is granted that is no wider than the rule. What begins with
`$` has no counterpart there. Pure.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Any, Final

from kleinmaelzung_wire import access, topics
from kleinmaelzung_wire.rights import Rights
from kleinmaelzung_wire.topics import ANY

VHOST: Final = "/"
EXCHANGE: Final = "amq.topic"  # where the MQTT plugin publishes
HASHING: Final = "rabbit_password_hashing_sha512"
PROBE: Final = "probe"
NOTHING: Final = "(?!)"  # an empty expression would match everything

_LEVEL: Final = "[^.#]+"


def agent(name: str, secret: str) -> dict[str, Any]:
    user = access.agent_user(name)
    return account(user, secret, access.agent_rules(name), re.escape(user))


def service(name: str, secret: str) -> dict[str, Any]:
    """One of our services: `gateway`, `logger`, `logger-2` ..."""
    user = access.service_user(name)
    # Their client ids: the gateway's user and when it began, a service's name and a random number.
    client = f"{re.escape(user)}:[0-9]+" if name == "gateway" else f"{re.escape(name)}-[0-9a-f]{{8}}"
    return account(user, secret, [*access.service_rules(name), *_shelf_rules(name)], client)


def _shelf_rules(name: str) -> list[dict[str, Any]]:
    """Gateways keep what is retained, and give it to those whom the broker grants the filter."""
    return [{"acltype": "subscribePattern", "topic": topics.any_online()}] if name == "gateway" else []


def user(name: str, password: str, rights: Rights) -> dict[str, Any]:
    # A tool's client id is the user's name, a session's at a gateway has more after a colon.
    return account(name, password, access.user_rules(name, rights), f"{re.escape(name)}(:.+)?")


def probe(password: str) -> dict[str, Any]:
    """For a balancer that looks whether a node answers: it may log in, and nothing else."""
    return account(PROBE, password, (), re.escape(PROBE))


def probe_packet(password: str) -> bytes:
    """What a balancer sends to look, a CONNECT of MQTT 3.1.1 with no client id; 20 02 00 00 is the answer of a node."""
    body = b"\x00\x04MQTT\x04\xc2\x00\x0a" + b"".join(
        len(text).to_bytes(2, "big") + text for text in (b"", PROBE.encode(), password.encode())
    )
    return bytes((0x10, len(body))) + body


def account(user: str, password: str, rules: Iterable[dict[str, Any]], client: str) -> dict[str, Any]:
    """Definitions of one account. `client` matches its client ids: the queues of no other are its own."""
    rules = list(rules)
    queues = f"mqtt-(subscription-{client}qos[01]|will-{client})"
    exchange_or_queue = f"^({re.escape(EXCHANGE)}|{queues})$"
    return {
        "users": [{"name": user, "password_hash": _hash(password), "hashing_algorithm": HASHING, "tags": []}],
        "permissions": [
            {
                "user": user,
                "vhost": VHOST,
                "configure": f"^{queues}$",
                "write": exchange_or_queue,
                "read": exchange_or_queue,
            }
        ],
        "topic_permissions": [
            {
                "user": user,
                "vhost": VHOST,
                "exchange": EXCHANGE,
                "write": _expression(rules, "publishClientSend"),
                "read": _expression(rules, "subscribePattern"),
            }
        ],
    }


def together(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Definitions of several accounts, and the virtual host they are in: what a new cluster begins with."""
    found: dict[str, Any] = {"vhosts": [{"name": VHOST}], "users": [], "permissions": [], "topic_permissions": []}
    for part in parts:
        for kind, entries in part.items():
            found[kind] += entries
    return found


def _expression(rules: Iterable[dict[str, Any]], kind: str) -> str:
    named = [rule["topic"] for rule in rules if rule["acltype"] == kind and not rule["topic"].startswith("$")]
    return f"^({'|'.join(map(_routing_key, named))})$" if named else NOTHING


def _routing_key(topic: str) -> str:
    return r"\.".join(_LEVEL if level == ANY else re.escape(level) for level in topic.split("/"))


def _hash(password: str) -> str:
    salt = secrets.token_bytes(4)  # RabbitMQ's own length
    return base64.b64encode(salt + hashlib.sha512(salt + password.encode()).digest()).decode()
