"""Every MQTT topic of the system: this table is the contract, and nothing else builds a topic.

    topic (below the root `kleinmaelzung`)  from -> to              QoS retained payload
    <agent>/status                          agent's session, will   1   yes      messages.AgentStatus
    <agent>/<instrument>/description        agent                   1   yes      descriptions.Description
    <agent>/<instrument>/state              agent                   1   yes      messages.State
    <agent>/<instrument>/latest             agent, at most 1 Hz     0   yes      JSON, messages.latest()
    <agent>/<instrument>/data               agent, live             0   no       frames.Frame
    <agent>/<instrument>/backfill           agent, until logged     0   no       the same bytes, one or several of them
    <agent>/<instrument>/command/<user>     that user               1   no       messages.Command
    <agent>/<instrument>/raw/<user>         that user, if admin     1   no       messages.Command named `_raw`
    <agent>/<instrument>/reply              agent                   1   no       messages.Reply
    <agent>/<instrument>/control            agent                   1   yes      messages.Control: who holds it
    <agent>/<instrument>/alarm              agent                   1   yes      alarms.ActiveAlarms: what is wrong now
    <agent>/<instrument>/calibration        calibration             1   yes      calibrations.Calibration, in force
    <agent>/<instrument>/run                calibration, <= 4 Hz    0   yes      runs.Live: a calibration under way
    <agent>/logged                          logger                  0   no       messages.Logged
    _service/<name>/status                  service, its will       1   yes      messages.ServiceStatus
    _service/<name>/request/<user>/<role>   that user, in that role 1   no       requests.Request
    <the same>/<agent>/<instrument>         that user, in that role 1   no       requests.Request about instruments
    _service/<name>/refused                 gateway                 1   no       ledger.Entry of what no agent saw
    _service/<name>/logged                  logger                  0   no       ledger: which of those are committed
    _client/<user>/<session>/inbox          agents, services        1   no       replies to one client session
    _client/<user>/<session>/online         that user, gateway      1   yes      not empty while it holds an instrument
    _client/<user>/rights                   admins                  1   yes      JSON, rights.Rights: what a user may
    _enrol/<agent>/sealed                   admins; who takes it    1   yes      enrolment: a secret, a key, until taken

An empty retained payload means: it is gone. An agent reads its own descriptions to find what it no longer has.

In a request's topic `_any` stands for any agent or instrument, for a topic that is written to has no `+`.

A name matches [a-z0-9][a-z0-9_-]{0,31}, so nothing that is special to MQTT or SQL can get into a topic.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_wire.codec import WireError

ROOT: Final = "kleinmaelzung"
SERVICE: Final = "_service"
CLIENT: Final = "_client"
ENROL: Final = "_enrol"
ANY: Final = "+"
ANY_NAME: Final = "_any"  # no name, so nobody's

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one kind of message travels."""

    qos: int
    retained: bool
    json: bool = False


# What follows <agent>/<instrument>/
INSTRUMENT_KINDS: Final = {
    "description": Kind(qos=1, retained=True),
    "state": Kind(qos=1, retained=True),
    "latest": Kind(qos=0, retained=True, json=True),
    "data": Kind(qos=0, retained=False),
    "backfill": Kind(qos=0, retained=False),
    "reply": Kind(qos=1, retained=False),
    "control": Kind(qos=1, retained=True),
    "alarm": Kind(qos=1, retained=True),
    "calibration": Kind(qos=1, retained=True),
    "run": Kind(qos=0, retained=True),
}
# What follows <agent>/<instrument>/ and is followed by the user who sends it: the broker lets nobody else write there.
USER_KINDS: Final = {
    "command": Kind(qos=1, retained=False),
    "raw": Kind(qos=1, retained=False),
}
REFUSED: Final = Kind(qos=1, retained=False)
ONLINE: Final = Kind(qos=1, retained=True)
RIGHTS: Final = Kind(qos=1, retained=True, json=True)
STATUS: Final = Kind(qos=1, retained=True)
SEALED: Final = Kind(qos=1, retained=True)
LOGGED: Final = Kind(qos=0, retained=False)
FROM_AGENT: Final = frozenset({"description", "state", "latest", "data", "backfill", "reply", "control", "alarm"})
# What the service of calibrations says of an instrument.
FROM_CALIBRATION: Final = frozenset({"calibration", "run"})
# What people may watch; `backfill` is for loggers, `command` and `raw` for the agent.
WATCHABLE: Final = frozenset({"description", "state", "latest", "data", "reply", "control", "alarm"}) | FROM_CALIBRATION


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed topic of an agent: `instrument` is None for the agent's own topics, `user` but for commands."""

    agent: str
    instrument: str | None
    kind: str
    user: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.agent}/{self.instrument}" if self.instrument else self.agent


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks a service, in which role, about which instruments (a pattern such as `pi-1/+`; None: about none)."""

    user: str
    role: str
    instrument: str | None = None


def check_name(name: str, what: str = "name") -> str:
    """Return the name, or raise WireError saying what a name looks like."""
    if not isinstance(name, str) or not NAME.match(name):
        raise WireError(f"{what} {name!r:.60} is not a name: 1 to 32 of a-z 0-9 _ -, starting with a letter or digit")
    return name


def split_full_name(full_name: str) -> tuple[str, str]:
    """`"pi-1/balance"` -> `("pi-1", "balance")`; raises WireError for anything else."""
    agent, slash, instrument = full_name.partition("/")
    if not slash:
        raise WireError(f"{full_name!r:.60} is not an instrument: expected <agent>/<instrument>")
    return check_name(agent, "agent"), check_name(instrument, "instrument")


def split_pattern(pattern: str) -> tuple[str, str]:
    """`"pi-1/+"` -> `("pi-1", "+")`; raises WireError for what is no pattern of instruments."""
    agent, slash, name = pattern.partition("/")
    if not slash:
        raise WireError(f"{pattern!r:.60} is no instrument: expected <agent>/<instrument>, + stands for any name")
    return _name_or_any(agent, "agent"), _name_or_any(name, "instrument")


def instrument(agent: str, instrument: str, kind: str) -> str:
    """The topic of one kind of message of one instrument."""
    if kind not in INSTRUMENT_KINDS:
        raise WireError(f"{kind!r:.60} is no kind of topic, expected one of {', '.join(INSTRUMENT_KINDS)}")
    return f"{ROOT}/{check_name(agent, 'agent')}/{check_name(instrument, 'instrument')}/{kind}"


def status(agent: str) -> str:
    return f"{ROOT}/{check_name(agent, 'agent')}/status"


def status_filter(agent: str) -> str:
    """The filter of one agent's status, or with `+` of every agent's."""
    return f"{ROOT}/{_name_or_any(agent, 'agent')}/status"


def any_status() -> str:
    return status_filter(ANY)


def logged(agent: str) -> str:
    return f"{ROOT}/{check_name(agent, 'agent')}/logged"


def command(agent: str, instrument: str, user: str, kind: str = "command") -> str:
    """Where one user commands an instrument. The broker lets nobody else write there, so it says who commands."""
    if kind not in USER_KINDS:
        raise WireError(f"{kind!r:.60} is no kind of command, expected one of {', '.join(USER_KINDS)}")
    stem = f"{ROOT}/{check_name(agent, 'agent')}/{check_name(instrument, 'instrument')}"
    return f"{stem}/{kind}/{check_name(user, 'user')}"


def commands(agent: str) -> list[str]:
    """The filters of everybody's commands to one agent."""
    return [f"{ROOT}/{check_name(agent, 'agent')}/{ANY}/{kind}/{ANY}" for kind in USER_KINDS]


def commanded(tail: str) -> tuple[str, str, str] | None:
    """Instrument, kind and user of what an agent receives as `<instrument>/command/<user>`; None for anything else."""
    match tail.split("/"):
        case [name, kind, user] if kind in USER_KINDS and NAME.match(name) and NAME.match(user):
            return name, kind, user
    return None


def descriptions(agent: str) -> str:
    """The filter of all descriptions of one agent's instruments."""
    return f"{ROOT}/{check_name(agent, 'agent')}/{ANY}/description"


def calibrations(agent: str) -> str:
    """The filter of what holds of one agent's instruments by their certificates."""
    return f"{ROOT}/{check_name(agent, 'agent')}/{ANY}/calibration"


def service_status(name: str) -> str:
    return f"{ROOT}/{SERVICE}/{check_name(name, 'service')}/status"


def service_request(name: str, asker: Asker) -> str:
    """Where one user asks a service. The broker lets nobody else write there, so it says who asks, and may ask."""
    stem = f"{ROOT}/{SERVICE}/{check_name(name, 'service')}/request"
    stem += f"/{check_name(asker.user, 'user')}/{check_name(asker.role, 'role')}"
    if asker.instrument is None:
        return stem
    levels = split_pattern(asker.instrument)
    return "/".join([stem, *(ANY_NAME if level == ANY else level for level in levels)])


def service_mark(name: str) -> str:
    """Where a service writes to itself, to learn that all that was sent before has come."""
    return service_request(name, Asker(name, "service"))


def service_requests(name: str) -> list[str]:
    """The filters of everybody's requests to one service."""
    stem = f"{ROOT}/{SERVICE}/{check_name(name, 'service')}/request/{ANY}/{ANY}"
    return [stem, f"{stem}/{ANY}/{ANY}"]


def requests_by(user: str, role: str, patterns: Iterable[str]) -> list[str]:
    """The filters of one user's requests to every service: about no instrument, and about those of each pattern."""
    stem = f"{ROOT}/{SERVICE}/{ANY}/request/{check_name(user, 'user')}/{check_name(role, 'role')}"
    return [stem, *(f"{stem}/{'/'.join(split_pattern(pattern))}" for pattern in patterns)]


def refused(service: str) -> str:
    """Where the gateway records the commands that no agent saw."""
    return f"{ROOT}/{SERVICE}/{check_name(service, 'service')}/refused"


def any_refused() -> str:
    return f"{ROOT}/{SERVICE}/{ANY}/refused"


def refused_by(topic: str) -> str | None:
    """Which service records a command by a topic of refused(); None for any other topic."""
    match topic.split("/"):
        case [root, service, name, "refused"] if (root, service) == (ROOT, SERVICE):
            return name if NAME.match(name) else None
    return None


def service_logged(service: str) -> str:
    """Where loggers say which of a service's records are committed; the filter for every service's with `+`."""
    return f"{ROOT}/{SERVICE}/{_name_or_any(service, 'service')}/logged"


def asker(topic: str) -> Asker | None:
    """Who asks by a topic of service_request(); None for any other topic."""
    match topic.split("/"):
        case [root, service, name, "request", user, role, *about] if (root, service) == (ROOT, SERVICE):
            if not all(map(NAME.match, (name, user, role))) or len(about) not in (0, 2):
                return None
            if not all(level == ANY_NAME or NAME.match(level) for level in about):
                return None
            return Asker(user, role, "/".join(about).replace(ANY_NAME, ANY) or None)
    return None


def any_service_status() -> str:
    return f"{ROOT}/{SERVICE}/{ANY}/status"


def inbox(user: str, session: str) -> str:
    return f"{ROOT}/{CLIENT}/{check_name(user, 'user')}/{check_name(session, 'session')}/inbox"


def rights(user: str) -> str:
    return f"{ROOT}/{CLIENT}/{check_name(user, 'user')}/rights"


def sealed(agent: str) -> str:
    """Where the secret of an agent that is to be waits for it; the filter of all of them with `+`."""
    return f"{ROOT}/{ENROL}/{_name_or_any(agent, 'agent')}/sealed"


def online(user: str, session: str) -> str:
    """Where a session that holds an instrument says that it is there; its will takes that away."""
    return f"{ROOT}/{CLIENT}/{check_name(user, 'user')}/{check_name(session, 'session')}/online"


def any_online() -> str:
    return f"{ROOT}/{CLIENT}/{ANY}/{ANY}/online"


def online_session(tail: str) -> tuple[str, str] | None:
    """User and session of what an agent receives as `_client/<user>/<session>/online`; None for anything else."""
    match tail.split("/"):
        case [client, user, session, "online"] if client == CLIENT and NAME.match(user) and NAME.match(session):
            return user, session
    return None


def is_inbox(topic: str) -> bool:
    """Whether an answer may be sent there: only a client session's inbox takes answers."""
    return inbox_owner(topic) is not None


def inbox_session(topic: str) -> str | None:
    """Which client session's inbox it is; None for any other topic."""
    return topic.split("/")[3] if is_inbox(topic) else None


def inbox_owner(topic: str) -> str | None:
    """Whose inbox it is; None for any other topic."""
    match topic.split("/"):
        case [root, client, user, session, "inbox"] if (root, client) == (ROOT, CLIENT):
            return user if NAME.match(user) and NAME.match(session) else None
    return None


def tail(topic: str) -> str:
    """The topic without the root, as sockets carry it."""
    root, _, rest = topic.partition("/")
    if root != ROOT or not rest:
        raise WireError(f"topic {topic!r:.100} is not below {ROOT}/")
    return rest


def parse(topic: str) -> Address:
    """Parse a topic of an agent or one of its instruments; raises WireError for any other."""
    parts = tail(topic).split("/")
    if len(parts) == 2 and parts[1] in ("status", "logged"):
        return Address(check_name(parts[0], "agent"), None, parts[1])
    if len(parts) == 3 and parts[2] in INSTRUMENT_KINDS:
        return Address(check_name(parts[0], "agent"), check_name(parts[1], "instrument"), parts[2])
    if len(parts) == 4 and parts[2] in USER_KINDS:
        agent, name, kind, user = parts
        return Address(check_name(agent, "agent"), check_name(name, "instrument"), kind, check_name(user, "user"))
    raise WireError(f"topic {topic!r:.100} is none of the contract's")


def from_agent(agent: str, tail: str) -> tuple[str, Kind]:
    """The topic and kind for what an agent's socket publishes as `status` or `<instrument>/<kind>`.

    Raises WireError for anything an agent does not send, so another agent's topic cannot even be named.
    """
    if tail == "status":
        return status(agent), STATUS
    name, slash, kind = tail.partition("/")
    if not slash or kind not in FROM_AGENT:
        raise WireError(f"an agent does not publish {tail!r:.60}, expected status or <instrument>/<kind>")
    return instrument(agent, name, kind), INSTRUMENT_KINDS[kind]


DEFAULT_WATCH: Final = ("description", "state", "data")


def watch_filters(pattern: str) -> list[str]:
    """The subscription filters for what a client asks to watch.

    `"pi-1/balance"`, `"pi-1/+"` and `"+/+"` mean description, state and data of these instruments;
    `"pi-1/balance/latest"` means that kind alone; `"pi-1/status"` the agent, `"_service/logger/status"` a service.
    """
    parts = pattern.split("/")
    if len(parts) == 2 and parts[1] == "status":
        return [status_filter(parts[0])]
    if len(parts) == 3 and parts[0] == SERVICE and parts[2] == "status":
        return [f"{ROOT}/{SERVICE}/{_name_or_any(parts[1], 'service')}/status"]
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] not in WATCHABLE):
        raise WireError(
            f"{pattern!r:.60} cannot be watched: expected <agent>/<instrument> or <agent>/<instrument>/<kind>"
            f" with a kind of {', '.join(sorted(WATCHABLE))}; + stands for any"
        )
    stem = f"{ROOT}/{_name_or_any(parts[0], 'agent')}/{_name_or_any(parts[1], 'instrument')}"
    return [f"{stem}/{kind}" for kind in (parts[2:] or DEFAULT_WATCH)]


def _name_or_any(name: str, what: str) -> str:
    return name if name == ANY else check_name(name, what)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic falls under a filter with `+` (this contract never needs `#`)."""
    wanted, found = topic_filter.split("/"), topic.split("/")
    return len(wanted) == len(found) and all(want in (ANY, got) for want, got in zip(wanted, found, strict=True))
