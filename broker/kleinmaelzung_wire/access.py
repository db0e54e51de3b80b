"""Who may publish and read what, as roles of Mosquitto's dynamic security plugin.

    observer   watches                       agent:NAME    writes its own topics, reads its commands
    operator   watches and commands          service:NAME  what gateway and logger need
    admin      that, and manages accounts    user:NAME     each person's own inbox and own requests

An account's user name at the broker is `anna`, `agent:pi-1` or `service:logger`: a person cannot take a machine's name.
Everything not named here is refused. Source of the format: mosquitto's plugins/dynamic-security, 2.0.11.
"""

import base64
import hashlib
import secrets
from typing import Any, Final, Literal

from kleinmaelzung_wire import topics
from kleinmaelzung_wire.topics import ANY, CLIENT, ROOT

Role = Literal["observer", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = ("observer", "operator", "admin")
CONTROL_TOPIC: Final = "$CONTROL/dynamic-security/v1"
CONTROL_RESPONSE: Final = f"{CONTROL_TOPIC}/response"

# The plugin's own default. Random secrets of 256 bits need no slow hash; people's passwords are set through the
# plugin, which chooses.
ITERATIONS: Final = 101

_ANY_INSTRUMENT = f"{ROOT}/{ANY}/{ANY}"
_ANY_INBOX = f"{ROOT}/{CLIENT}/{ANY}/{ANY}/inbox"


def agent_user(name: str) -> str:
    return f"agent:{topics.check_name(name, 'agent')}"


def service_user(name: str) -> str:
    return f"service:{topics.check_name(name, 'service')}"


def _publish(topic: str) -> dict[str, Any]:
    return {"acltype": "publishClientSend", "topic": topic, "allow": True}


def _subscribe(topic_filter: str) -> dict[str, Any]:
    return {"acltype": "subscribePattern", "topic": topic_filter, "allow": True}


def _watching() -> list[dict[str, Any]]:
    return [
        *(_subscribe(f"{_ANY_INSTRUMENT}/{kind}") for kind in sorted(topics.WATCHABLE)),
        _subscribe(topics.any_status()),
        _subscribe(topics.any_service_status()),
    ]


def role_rules(role: Role) -> list[dict[str, Any]]:
    """What people in a role may do."""
    rules = _watching()
    if role in ("operator", "admin"):
        rules.append(_publish(f"{_ANY_INSTRUMENT}/command"))
    if role == "admin":
        # The plugin's answers need the right to receive besides the one to subscribe.
        control = {"acltype": "publishClientReceive", "topic": "$CONTROL/dynamic-security/#", "allow": True}
        rules += [_publish("$CONTROL/dynamic-security/#"), _subscribe("$CONTROL/dynamic-security/#"), control]
        rules.append(_subscribe("$SYS/#"))
    return rules


def user_rules(name: str) -> list[dict[str, Any]]:
    """What one person may do beside their role: read and write their own sessions' inboxes, ask services as themselves.

    What a service tells or does for whom is the service's to decide: the topic tells it who asks.
    """
    own = f"{ROOT}/{CLIENT}/{topics.check_name(name, 'user')}/{ANY}/inbox"
    return [_subscribe(own), _publish(own), _publish(topics.requests_by(name))]


def agent_rules(name: str) -> list[dict[str, Any]]:
    """What one agent may do: write its own topics, answer, read its commands and what is logged."""
    own = f"{ROOT}/{topics.check_name(name, 'agent')}"
    return [
        *(_publish(f"{own}/{ANY}/{kind}") for kind in sorted(topics.FROM_AGENT)),
        _publish(f"{own}/status"),
        _publish(_ANY_INBOX),
        _subscribe(f"{own}/{ANY}/command"),
        _subscribe(f"{own}/{ANY}/description"),
        _subscribe(f"{own}/logged"),
        _subscribe(topics.any_service_status()),
    ]


def service_rules(name: str) -> list[dict[str, Any]]:
    """What one of our services may do: `gateway`, whose account all gateways share, and `logger`, `logger-2` ...

    The gateway only reads: everything written goes through its users' sessions.
    """
    own = [_publish(topics.service_status(name)), _subscribe(topics.service_requests(name))]
    match name.partition("-")[0]:
        case "gateway" if name == "gateway":
            # It asks itself to learn that everything retained has come.
            return [*own, *_watching(), _publish(topics.service_request(name, name)), _subscribe("$SYS/#")]
        case "logger":
            every_kind = (_subscribe(f"{_ANY_INSTRUMENT}/{kind}") for kind in topics.INSTRUMENT_KINDS)
            logged = _publish(f"{ROOT}/{ANY}/logged")
            return [*own, *every_kind, _subscribe(topics.any_status()), logged, _publish(_ANY_INBOX)]
    raise ValueError(f"no rules for service {name!r}")


SERVICES: Final = ("gateway", "logger")


def make_secret() -> str:
    """A random secret of 256 bits, as text without spaces."""
    return secrets.token_urlsafe(32)


def _account(user: str, password: str, roles: list[str]) -> dict[str, Any]:
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return {
        "username": user,
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": ITERATIONS,
        "roles": [{"rolename": role} for role in roles],
    }


def first_state(*, admin_password: str, service_passwords: dict[str, str]) -> dict[str, Any]:
    """The plugin's file at the first start: roles, the services' accounts, `admin`. Later the broker keeps it.

    A later version of this software brings the rules in it up to date by updated_state().
    """
    roles: dict[str, list[dict[str, Any]]] = {role: role_rules(role) for role in ROLES}
    roles["user:admin"] = user_rules("admin")
    accounts = [_account("admin", admin_password, ["admin", "user:admin"])]
    for name, password in service_passwords.items():
        roles[service_user(name)] = service_rules(name)
        accounts.append(_account(service_user(name), password, [service_user(name)]))
    return {
        "clients": accounts,
        "roles": [{"rolename": name, "acls": rules} for name, rules in roles.items()],
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": True,  # what may be read is decided at SUBSCRIBE
            "subscribe": False,
            "unsubscribe": True,
        },
    }


def updated_state(state: dict[str, Any]) -> dict[str, Any]:
    """The plugin's file as an earlier version of this software left it, with the rules of this one in our roles.

    Accounts, passwords, groups, and roles that are none of ours stay as they are.
    """
    roles = [{**role, "acls": rules_of(role["rolename"]) or role.get("acls", [])} for role in state.get("roles", [])]
    return {**state, "roles": roles} if roles else state


def rules_of(rolename: str) -> list[dict[str, Any]] | None:
    """What a role of ours allows; None for a role that somebody else made."""
    kind, _, name = rolename.partition(":")
    try:
        match kind:
            case "observer" | "operator" | "admin" if not name:
                return role_rules(kind)
            case "user":
                return user_rules(name)
            case "agent":
                return agent_rules(name)
            case "service":
                return service_rules(name)
    except ValueError:  # a name that we would not give
        pass
    return None


def add_account(user: str, password: str, rules: list[dict[str, Any]], roles: list[str]) -> list[dict[str, Any]]:
    """The plugin's commands that make an account with a role of its own, named like it, and shared roles."""
    own = user if ":" in user else f"user:{user}"
    return [
        {"command": "createRole", "rolename": own, "acls": rules},
        {
            "command": "createClient",
            "username": user,
            "password": password,
            "roles": [{"rolename": role} for role in [*roles, own]],
        },
    ]


def add_agent(name: str, secret: str) -> list[dict[str, Any]]:
    return add_account(agent_user(name), secret, agent_rules(name), [])


def add_service(name: str, secret: str) -> list[dict[str, Any]]:
    """One more service, such as `logger-2`."""
    return add_account(service_user(name), secret, service_rules(name), [])


def add_user(name: str, password: str, role: Role) -> list[dict[str, Any]]:
    return add_account(topics.check_name(name, "user"), password, user_rules(name), [role])


def remove_account(user: str) -> list[dict[str, Any]]:
    """Removes account and own role; the broker ends its sessions at once."""
    own = user if ":" in user else f"user:{user}"
    return [{"command": "deleteClient", "username": user}, {"command": "deleteRole", "rolename": own}]
