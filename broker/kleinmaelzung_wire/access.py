"""Who may publish and read what, as roles of Mosquitto's dynamic security plugin.

    user:NAME     one person: watches and commands where their rights say so, own inbox, own requests; admin: accounts
    user:public   whoever did not sign in, where there is a public view: watches
    agent:NAME    writes its own topics, reads its commands
    enrol:NAME    takes away the secret that waits for that agent, once (enrolment.py)
    service:NAME  what gateway, logger, history and batches need

Every account has one role, its own. A person's rights (role and patterns of instruments: rights.py) stand as JSON in
the account's text description, so that a later version can make the rules anew. An account's user name at the broker is
`anna`, `agent:pi-1` or `service:logger`: a person cannot take a machine's name. Everything not named here is refused.
Source of the format: mosquitto's plugins/dynamic-security, 2.0.11.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Any, Final

from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.rights import EVERYTHING, PUBLIC, ROLES, Rights, Role
from kleinmaelzung_wire.topics import ANY, CLIENT, ROOT

CONTROL_TOPIC: Final = "$CONTROL/dynamic-security/v1"
CONTROL_RESPONSE: Final = f"{CONTROL_TOPIC}/response"

# The plugin's own default. Random secrets of 256 bits need no slow hash; people's passwords are set through the
# plugin, which chooses.
ITERATIONS: Final = 101

_ANY_INSTRUMENT = f"{ROOT}/{ANY}/{ANY}"
_ANY_INBOX = f"{ROOT}/{CLIENT}/{ANY}/{ANY}/inbox"


def agent_user(name: str) -> str:
    return f"agent:{topics.check_name(name, 'agent')}"


def enrol_user(name: str) -> str:
    return f"enrol:{topics.check_name(name, 'agent')}"


def enrol_client(name: str) -> str:
    """The one client id that the account may connect with. Tools' ids are their user names, so only a gateway can."""
    return f"{enrol_user(name)}:gateway"


def service_user(name: str) -> str:
    return f"service:{topics.check_name(name, 'service')}"


def _publish(topic: str) -> dict[str, Any]:
    return {"acltype": "publishClientSend", "topic": topic, "allow": True}


def _subscribe(topic_filter: str) -> dict[str, Any]:
    return {"acltype": "subscribePattern", "topic": topic_filter, "allow": True}


def _watching(pattern: str) -> list[dict[str, Any]]:
    """Reading what may be watched of the instruments of one pattern, and whether their agent is there."""
    agent, _, _ = pattern.partition("/")
    kinds = (_subscribe(f"{ROOT}/{pattern}/{kind}") for kind in sorted(topics.WATCHABLE))
    return [*kinds, _subscribe(f"{ROOT}/{agent}/status")]


def _commanding(name: str, pattern: str, rights: Rights) -> list[dict[str, Any]]:
    kinds = ("command", "raw") if rights.role == "admin" else ("command",)
    return [_publish(f"{ROOT}/{pattern}/{kind}/{name}") for kind in kinds] if rights.may_command else []


def _managing() -> list[dict[str, Any]]:
    # The plugin's answers need the right to receive besides the one to subscribe.
    control = {"acltype": "publishClientReceive", "topic": "$CONTROL/dynamic-security/#", "allow": True}
    own = [_publish("$CONTROL/dynamic-security/#"), _subscribe("$CONTROL/dynamic-security/#"), control]
    told = [_publish(f"{ROOT}/{CLIENT}/{ANY}/rights"), _publish(topics.sealed(ANY))]
    return [*own, _subscribe("$SYS/#"), *told]


def user_rules(name: str, rights: Rights) -> list[dict[str, Any]]:
    """What one person may do.

    What a service does in which role is the service's to decide: the topic tells it who asks, and about what.
    """
    own = f"{ROOT}/{CLIENT}/{topics.check_name(name, 'user')}/{ANY}"
    inbox = f"{own}/inbox"
    if rights.role == PUBLIC:
        return [_subscribe(inbox), _publish(inbox), _subscribe(topics.rights(name)), *_public_watching()]
    rules = [_subscribe(inbox), _publish(inbox), _subscribe(topics.rights(name))]
    rules += [_publish(each) for each in topics.requests_by(name, rights.role, rights.instruments)]
    rules += [_publish(f"{own}/online"), _subscribe(topics.any_service_status())]
    for pattern in rights.instruments:
        rules += _watching(pattern)
        rules += _commanding(name, pattern, rights)
    if rights.role == "admin":
        rules += _managing()
    return _each_once(rules)


def _public_watching() -> list[dict[str, Any]]:
    """What whoever did not sign in may watch: no replies, for they say who commanded what."""
    watching = [rule for rule in _watching(EVERYTHING) if not rule["topic"].endswith("/reply")]
    return [_subscribe(topics.any_service_status()), *watching]


def _each_once(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for index, rule in enumerate(rules) if rule not in rules[:index]]


def agent_rules(name: str) -> list[dict[str, Any]]:
    """What one agent may do: write its own topics, answer, read its commands and what is logged."""
    own = f"{ROOT}/{topics.check_name(name, 'agent')}"
    return [
        *(_publish(f"{own}/{ANY}/{kind}") for kind in sorted(topics.FROM_AGENT)),
        _publish(f"{own}/status"),
        _publish(_ANY_INBOX),
        *(_subscribe(topic_filter) for topic_filter in topics.commands(name)),
        _subscribe(f"{own}/{ANY}/description"),
        _subscribe(topics.calibrations(name)),
        _subscribe(f"{own}/logged"),
        _subscribe(topics.any_online()),
        _subscribe(topics.any_service_status()),
    ]


def enrol_rules(name: str) -> list[dict[str, Any]]:
    """What who has an agent's code may do: read what waits there, and take it away."""
    topic = topics.sealed(topics.check_name(name, "agent"))
    return [_subscribe(topic), _publish(topic)]


def service_rules(name: str) -> list[dict[str, Any]]:
    """What one of our services may do: `gateway`, whose account all gateways share, `logger`, `logger-2`, `history` ...

    The gateway reads, records what no agent saw, and says which session has ended: all else that is written goes
    through its users' sessions.
    """
    own = [_publish(topics.service_status(name)), *map(_subscribe, topics.service_requests(name))]
    match name.partition("-")[0]:
        case "gateway" if name == "gateway":
            # It asks itself to learn that everything retained has come.
            asks = [_publish(topics.service_mark(name)), _subscribe("$SYS/#")]
            records = [_publish(topics.refused(name)), _subscribe(topics.service_logged(name))]
            # A session's will takes back what it said, but not where its account was removed.
            ends = _publish(topics.any_online())
            return [*own, *_watching(EVERYTHING), _subscribe(topics.any_service_status()), *asks, *records, ends]
        case "logger":
            kinds = (*topics.INSTRUMENT_KINDS, *(f"{kind}/{ANY}" for kind in topics.USER_KINDS))
            every_kind = [_subscribe(f"{_ANY_INSTRUMENT}/{kind}") for kind in kinds] + [
                _subscribe(topics.any_refused())
            ]
            logged = [_publish(f"{ROOT}/{ANY}/logged"), _publish(topics.service_logged(ANY))]
            return [*own, *every_kind, _subscribe(topics.any_status()), *logged, _publish(_ANY_INBOX)]
        case "history" | "batches":  # they are asked, and answer
            return [*own, _publish(_ANY_INBOX)]
        case "calibration":
            # In a run it reads and holds instruments, under its own name, and says what holds of them.
            read = ("description", "state", "data", "control", "run")
            reads = [_subscribe(f"{_ANY_INSTRUMENT}/{kind}") for kind in read] + [_subscribe(topics.any_status())]
            says = [_publish(f"{_ANY_INSTRUMENT}/{kind}") for kind in sorted(topics.FROM_CALIBRATION)]
            session = f"{ROOT}/{CLIENT}/{name}/{ANY}"
            holds = [_publish(f"{_ANY_INSTRUMENT}/command/{name}"), _publish(f"{session}/online")]
            return [*own, *reads, *says, *holds, _subscribe(f"{session}/inbox"), _publish(_ANY_INBOX)]
    raise ValueError(f"no rules for service {name!r}")


SERVICES: Final = ("gateway", "logger", "history", "batches", "calibration")


def make_secret() -> str:
    """A random secret of 256 bits, as text without spaces."""
    return secrets.token_urlsafe(32)


def _account(user: str, password: str, role: str, description: str = "") -> dict[str, Any]:
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return {
        "username": user,
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": ITERATIONS,
        "roles": [{"rolename": role}],
        **({"textdescription": description} if description else {}),
    }


def _has_password(account: dict[str, Any], password: str) -> bool:
    """Whether it is that account's; False where the plugin keeps passwords in another way than we do."""
    try:
        salt, digest = (base64.b64decode(account[key]) for key in ("salt", "password"))
        found = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, account["iterations"])
    except (KeyError, ValueError, TypeError):
        return False
    return hmac.compare_digest(found, digest)


def first_state(*, admin_password: str, service_passwords: dict[str, str]) -> dict[str, Any]:
    """The plugin's file at the first start: roles, the services' accounts, `admin`. Later the broker keeps it.

    A later version of this software brings the rules in it up to date by updated_state().
    """
    rights = Rights(role="admin")
    roles: dict[str, list[dict[str, Any]]] = {"user:admin": user_rules("admin", rights)}
    accounts = [_account("admin", admin_password, "user:admin", rights.to_json())]
    for name, password in service_passwords.items():
        roles[service_user(name)] = service_rules(name)
        accounts.append(_service_account(name, password))
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

    Passwords, groups, and roles and accounts that are none of ours stay as they are. People once had the shared roles
    `observer`, `operator` and `admin`: what these meant goes into the own role of each.
    """
    if not state.get("roles"):
        return state
    accounts = [_updated_account(account) for account in state.get("clients", [])]
    rights = {account["username"]: found for account in accounts if (found := rights_of(account)) is not None}
    roles = [
        {**role, "acls": rules_of(role["rolename"], rights) or role.get("acls", [])}
        for role in state["roles"]
        if role["rolename"] not in ROLES or _is_in_a_group(role["rolename"], state)
    ]
    return {**state, "clients": accounts, "roles": roles}


def with_services(state: dict[str, Any], passwords: dict[str, str]) -> dict[str, Any]:
    """The plugin's file with an account for each of our services; an earlier version had fewer. Those there stay."""
    known = {account["username"] for account in state.get("clients", [])}
    missing = [name for name in SERVICES if service_user(name) not in known]
    if not state.get("roles") or not missing:
        return state
    own = {service_user(name) for name in missing}
    roles = [role for role in state["roles"] if role["rolename"] not in own]
    return {
        **state,
        "clients": [*state["clients"], *(_service_account(name, passwords[name]) for name in missing)],
        "roles": [*roles, *({"rolename": service_user(name), "acls": service_rules(name)} for name in missing)],
    }


def _service_account(name: str, password: str) -> dict[str, Any]:
    return _account(service_user(name), password, service_user(name))


def with_public_view(state: dict[str, Any], password: str | None) -> dict[str, Any]:
    """The plugin's file with the account of the public view; without it where there is no password."""
    rights = Rights(role=PUBLIC)
    found = next((account for account in state.get("clients", []) if rights_of(account) == rights), None)
    is_as_wanted = found is None if password is None else found is not None and _has_password(found, password)
    if not state.get("roles") or is_as_wanted:
        return state
    return _with_person(state, PUBLIC, password, rights)


def with_admin(state: dict[str, Any], password: str) -> dict[str, Any]:
    """The plugin's file with `admin` as in the first one, for who lost that password."""
    return _with_person(state, "admin", password, Rights(role="admin"))


def _with_person(state: dict[str, Any], name: str, password: str | None, rights: Rights) -> dict[str, Any]:
    own = _own_role(name)
    accounts = [account for account in state["clients"] if account["username"] != name]
    roles = [role for role in state["roles"] if role["rolename"] != own]
    if password is not None:
        accounts.append(_account(name, password, own, rights.to_json()))
        roles.append({"rolename": own, "acls": user_rules(name, rights)})
    return {**state, "clients": accounts, "roles": roles}


def _updated_account(account: dict[str, Any]) -> dict[str, Any]:
    rights = rights_of(account)
    if rights is None:
        return account
    own = [role for role in account.get("roles", []) if role["rolename"] not in ROLES]
    return {**account, "textdescription": rights.to_json(), "roles": own}


def _is_in_a_group(rolename: str, state: dict[str, Any]) -> bool:
    return any(role.get("rolename") == rolename for group in state.get("groups", []) for role in group.get("roles", []))


def rights_of(account: dict[str, Any]) -> Rights | None:
    """A person's rights, as the plugin tells an account; None for a machine's, or one that somebody else made."""
    name = account.get("username", "")
    roles = [role.get("rolename") for role in account.get("roles", [])]
    if f"user:{name}" not in roles:
        return None
    try:
        return Rights.from_json(account.get("textdescription", ""))
    except WireError:
        pass
    shared = [role for role in reversed(ROLES) if role in roles]  # the most it may
    return Rights(role=shared[0]) if shared else None


def rules_of(rolename: str, rights: dict[str, Rights]) -> list[dict[str, Any]] | None:
    """What a role of ours allows; None for a role that somebody else made."""
    kind, _, name = rolename.partition(":")
    try:
        match kind:
            case "user" if name in rights:
                return user_rules(name, rights[name])
            case "agent":
                return agent_rules(name)
            case "enrol":
                return enrol_rules(name)
            case "service":
                return service_rules(name)
    except ValueError:  # a name that we would not give
        pass
    return None


def is_allowed(rules: list[dict[str, Any]], kind: str, topic: str) -> bool:
    """Whether one of our rules allows a topic or filter: what the broker would say, for who must not ask in vain."""
    return any(rule["acltype"] == kind and topics.matches(rule["topic"], topic) for rule in rules)


def add_account(user: str, password: str, rules: list[dict[str, Any]], description: str = "") -> list[dict[str, Any]]:
    """The plugin's commands that make an account with a role of its own, named like it."""
    own = _own_role(user)
    return [
        {"command": "createRole", "rolename": own, "acls": rules},
        # One that was left over when an earlier attempt was interrupted may have other rules.
        {"command": "modifyRole", "rolename": own, "acls": rules},
        {
            "command": "createClient",
            "username": user,
            "password": password,
            "textdescription": description,
            "roles": [{"rolename": own}],
        },
    ]


def _own_role(user: str) -> str:
    return user if ":" in user else f"user:{user}"


def add_agent(name: str, secret: str) -> list[dict[str, Any]]:
    return add_account(agent_user(name), secret, agent_rules(name))


def set_secret(user: str, secret: str) -> list[dict[str, Any]]:
    """Gives an account another secret; the broker ends its sessions at once."""
    return [{"command": "setClientPassword", "username": user, "password": secret}]


def add_enrolment(agent: str, password: str) -> list[dict[str, Any]]:
    """The account by which an agent fetches its secret, in place of an earlier one."""
    user = enrol_user(agent)
    *roles, account = add_account(user, password, enrol_rules(agent))
    return [*remove_account(user), *roles, {**account, "clientid": enrol_client(agent)}]


def add_service(name: str, secret: str) -> list[dict[str, Any]]:
    """One more service, such as `logger-2`."""
    return add_account(service_user(name), secret, service_rules(name))


def add_user(
    name: str, password: str, role: Role, instruments: tuple[str, ...] = (EVERYTHING,)
) -> list[dict[str, Any]]:
    rights = Rights(role=role, instruments=instruments)
    return add_account(_check_person(name), password, user_rules(name, rights), rights.to_json())


def _check_person(name: str) -> str:
    """Raises WireError, also for the name of a service: one that holds instruments does so as a user of this name."""
    topics.check_name(name, "user")
    try:
        service_rules(name)
    except ValueError:
        return name
    raise WireError(f"user {name!r} is the name of a service: choose another")


def change_user(name: str, rights: Rights) -> list[dict[str, Any]]:
    """Gives a person other rights; the broker ends their sessions at once."""
    own = _own_role(topics.check_name(name, "user"))
    return [
        {"command": "modifyRole", "rolename": own, "acls": user_rules(name, rights)},
        {
            "command": "modifyClient",
            "username": name,
            "textdescription": rights.to_json(),
            "roles": [{"rolename": own}],
        },
    ]


def remove_account(user: str) -> list[dict[str, Any]]:
    """Removes account and own role; the broker ends its sessions at once."""
    return [{"command": "deleteClient", "username": user}, {"command": "deleteRole", "rolename": _own_role(user)}]
