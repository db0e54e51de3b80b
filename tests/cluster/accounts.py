"""The accounts of the table (tests/access_table.py) as RabbitMQ's definitions."""

import re
from typing import Any

from kleinmaelzung_rabbitmq import definitions
from kleinmaelzung_wire import access
from tests.access_table import ROLES
from tests.brokers import AGENT_SECRET, PASSWORD

SERVICE_PASSWORD = "a-services-password"


def password(name: str) -> str:
    kind = name.partition(":")[0]
    return {"agent": AGENT_SECRET, "service": SERVICE_PASSWORD}.get(kind, PASSWORD)


def definition(name: str) -> dict[str, Any]:
    """`anna`, `agent:pi-1` or `service:logger`."""
    kind, _, own = name.partition(":")
    match kind:
        case "agent":
            return definitions.agent(own, password(name))
        case "service":
            return definitions.service(own, password(name))
        case "enrol":  # nobody is enrolled at a RabbitMQ, but the table has the account
            return definitions.account(name, password(name), access.enrol_rules(own), re.escape(name))
    return definitions.user(name, password(name), ROLES[name])


def client_id(name: str) -> str:
    """One that the account may use."""
    match name.partition(":"):
        case ["service", _, "gateway"]:
            return "service:gateway:1764000000000000"
        case ["service", _, own]:
            return f"{own}-0123abcd"
    return name
