"""The table at the top of topics.py as claims about accounts: who may publish and who may read each topic.

It is held against the rules (a model of the broker's plugin) and against a real broker.
"""

from dataclasses import dataclass
from typing import Final

from kleinmaelzung_wire import topics

PEOPLE: Final = frozenset({"otto", "anna", "admin"})  # observer, operator, admin
COMMANDING: Final = frozenset({"anna", "admin"})
OWN: Final = "agent:pi-1"
OTHER: Final = "agent:pi-2"
LOGGER: Final = "service:logger"
GATEWAY: Final = "service:gateway"
AGENTS: Final = frozenset({OWN, OTHER})
ACCOUNTS: Final = (*sorted(PEOPLE), OWN, OTHER, LOGGER, GATEWAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One topic, as one row of the table: `pattern` is how it is written there."""

    pattern: str
    topic: str
    qos: int
    retained: bool
    writers: frozenset[str]
    readers: frozenset[str]


def _instrument(kind: str, writers: frozenset[str], readers: frozenset[str]) -> Row:
    travels = topics.INSTRUMENT_KINDS[kind]
    return Row(
        pattern=f"<agent>/<instrument>/{kind}",
        topic=topics.instrument("pi-1", "balance", kind),
        qos=travels.qos,
        retained=travels.retained,
        writers=writers,
        readers=readers,
    )


_ME = frozenset({OWN})
_WATCHERS = PEOPLE | {LOGGER, GATEWAY}

TABLE: Final = [
    Row(
        pattern="<agent>/status",
        topic=topics.status("pi-1"),
        qos=topics.STATUS.qos,
        retained=topics.STATUS.retained,
        writers=_ME,
        readers=_WATCHERS,
    ),
    _instrument("description", _ME, _WATCHERS | _ME),
    _instrument("state", _ME, _WATCHERS),
    _instrument("latest", _ME, _WATCHERS),
    _instrument("data", _ME, _WATCHERS),
    _instrument("backfill", _ME, frozenset({LOGGER})),
    _instrument("command", COMMANDING, frozenset({OWN, LOGGER})),
    _instrument("reply", _ME, _WATCHERS),
    Row(
        pattern="<agent>/logged",
        topic=topics.logged("pi-1"),
        qos=topics.LOGGED.qos,
        retained=topics.LOGGED.retained,
        writers=frozenset({LOGGER}),
        readers=_ME,
    ),
    Row(
        pattern="_service/<name>/status",
        topic=topics.service_status("logger"),
        qos=1,
        retained=True,
        writers=frozenset({LOGGER}),
        readers=PEOPLE | AGENTS | {GATEWAY},
    ),
    Row(
        pattern="_service/<name>/request/<user>",
        topic=topics.service_request("logger", "anna"),
        qos=1,
        retained=False,
        writers=frozenset({"anna"}),
        readers=frozenset({LOGGER}),
    ),
    Row(
        pattern="_client/<user>/<session>/inbox",
        topic=topics.inbox("anna", "s1"),
        qos=1,
        retained=False,
        writers=AGENTS | {LOGGER, "anna"},
        readers=frozenset({"anna"}),
    ),
]

# Filters that go beyond one topic: nobody gets more by asking for more.
FILTERS: Final = {
    "#": frozenset[str](),
    "+/#": frozenset[str](),
    "kleinmaelzung/#": frozenset[str](),
    "kleinmaelzung/pi-1/#": frozenset[str](),
    "kleinmaelzung/pi-1/balance/#": frozenset[str](),
    "kleinmaelzung/+/+/+": frozenset[str](),
    "kleinmaelzung/+/+/data": _WATCHERS,
    "kleinmaelzung/+/balance/data": _WATCHERS,
    "kleinmaelzung/+/+/command": frozenset({LOGGER}),
    "kleinmaelzung/pi-1/+/command": frozenset({OWN, LOGGER}),
    "kleinmaelzung/+/status": _WATCHERS,
    "kleinmaelzung/+/logged": frozenset[str](),
    "kleinmaelzung/_service/+/status": PEOPLE | AGENTS | {GATEWAY},
    "kleinmaelzung/_service/logger/request/+": frozenset({LOGGER}),
    "kleinmaelzung/_service/gateway/request/gateway": frozenset({GATEWAY}),
    "kleinmaelzung/_service/+/request/+": frozenset[str](),
    "kleinmaelzung/_service/+/request/anna": frozenset[str](),
    "kleinmaelzung/_client/anna/+/inbox": frozenset({"anna"}),
    "kleinmaelzung/_client/+/s1/inbox": frozenset[str](),
    "kleinmaelzung/_client/#": frozenset[str](),
    "$SYS/broker/version": frozenset({"admin", GATEWAY}),
    "$CONTROL/dynamic-security/v1/response": frozenset({"admin"}),
}
