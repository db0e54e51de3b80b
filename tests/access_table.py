"""The table at the top of topics.py as claims about accounts: who may publish and who may read each topic.

It is held against the rules (a model of the broker's plugin) and against a real broker.
"""

from dataclasses import dataclass
from typing import Final

from kleinmaelzung_wire import topics
from kleinmaelzung_wire.rights import Rights
from kleinmaelzung_wire.topics import Asker

ROLES: Final[dict[str, Rights]] = {
    "otto": Rights(role="observer"),
    "anna": Rights(role="operator"),
    "carl": Rights(role="calibrator"),
    "admin": Rights(role="admin"),
    "nele": Rights(role="operator", instruments=("pi-1/balance", "pi-2/+")),
    "nils": Rights(role="observer", instruments=("pi-2/+",)),
    "public": Rights(role="public"),
}
PEOPLE: Final = frozenset({"otto", "anna", "carl", "admin"})  # they may watch every instrument
OWN: Final = "agent:pi-1"
OTHER: Final = "agent:pi-2"
LOGGER: Final = "service:logger"
GATEWAY: Final = "service:gateway"
HISTORY: Final = "service:history"
BATCHES: Final = "service:batches"
CALIBRATION: Final = "service:calibration"
ENROL: Final = "enrol:pi-1"
AGENTS: Final = frozenset({OWN, OTHER})
ACCOUNTS: Final = (*sorted(ROLES), OWN, OTHER, LOGGER, GATEWAY, HISTORY, BATCHES, CALIBRATION, ENROL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One topic, as one row of the table: `pattern` is how it is written there."""

    pattern: str
    topic: str
    qos: int
    retained: bool
    writers: frozenset[str]
    readers: frozenset[str]


def _by_user(kind: str, user: str, writers: frozenset[str]) -> Row:
    travels = topics.USER_KINDS[kind]
    return Row(
        pattern=f"<agent>/<instrument>/{kind}/<user>",
        topic=topics.command("pi-1", "balance", user, kind),
        qos=travels.qos,
        retained=travels.retained,
        writers=writers,
        readers=frozenset({OWN, LOGGER}),
    )


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
_NELE = frozenset({"nele"})
_ANYBODY = frozenset(ROLES)
_SIGNED_IN = PEOPLE | {LOGGER, GATEWAY}
_EVERYTHING = _SIGNED_IN | {"public"}
_WATCHERS = _EVERYTHING | _NELE  # of pi-1/balance
_CALIBRATES = frozenset({CALIBRATION})

TABLE: Final = [
    Row(
        pattern="<agent>/status",
        topic=topics.status("pi-1"),
        qos=topics.STATUS.qos,
        retained=topics.STATUS.retained,
        writers=_ME,
        readers=_WATCHERS | _CALIBRATES,
    ),
    _instrument("description", _ME, _WATCHERS | _ME | _CALIBRATES),
    _instrument("state", _ME, _WATCHERS | _CALIBRATES),
    _instrument("latest", _ME, _WATCHERS),
    _instrument("data", _ME, _WATCHERS | _CALIBRATES),
    _instrument("backfill", _ME, frozenset({LOGGER})),
    _by_user("command", "anna", frozenset({"anna"})),
    _by_user("raw", "admin", frozenset({"admin"})),
    _instrument("reply", _ME, _SIGNED_IN | _NELE),  # it says who commanded what
    _instrument("control", _ME, _WATCHERS | _CALIBRATES),
    _instrument("alarm", _ME, _WATCHERS),
    _instrument("calibration", _CALIBRATES, _WATCHERS | _ME),
    _instrument("run", _CALIBRATES, _WATCHERS | _CALIBRATES),
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
        readers=_ANYBODY | AGENTS | {GATEWAY},
    ),
    Row(
        pattern="_service/<name>/request/<user>/<role>",
        topic=topics.service_request("logger", Asker("anna", "operator")),
        qos=1,
        retained=False,
        writers=frozenset({"anna"}),
        readers=frozenset({LOGGER}),
    ),
    Row(
        pattern="_service/<name>/request/<user>/<role>/<agent>/<instrument>",
        topic=topics.service_request("logger", Asker("anna", "operator", "pi-1/balance")),
        qos=1,
        retained=False,
        writers=frozenset({"anna"}),
        readers=frozenset({LOGGER}),
    ),
    Row(
        pattern="_service/<name>/refused",
        topic=topics.refused("gateway"),
        qos=topics.REFUSED.qos,
        retained=topics.REFUSED.retained,
        writers=frozenset({GATEWAY}),
        readers=frozenset({LOGGER}),
    ),
    Row(
        pattern="_service/<name>/logged",
        topic=topics.service_logged("gateway"),
        qos=0,
        retained=False,
        writers=frozenset({LOGGER}),
        readers=frozenset({GATEWAY}),
    ),
    Row(
        pattern="_client/<user>/<session>/inbox",
        topic=topics.inbox("anna", "s1"),
        qos=1,
        retained=False,
        writers=AGENTS | {LOGGER, HISTORY, BATCHES, CALIBRATION, "anna"},
        readers=frozenset({"anna"}),
    ),
    Row(
        pattern="_client/<user>/<session>/online",
        topic=topics.online("anna", "s1"),
        qos=topics.ONLINE.qos,
        retained=topics.ONLINE.retained,
        writers=frozenset({"anna", GATEWAY}),  # the broker takes no will from an account that was removed
        readers=AGENTS,
    ),
    Row(
        pattern="_client/<user>/rights",
        topic=topics.rights("anna"),
        qos=topics.RIGHTS.qos,
        retained=topics.RIGHTS.retained,
        writers=frozenset({"admin"}),
        readers=frozenset({"anna"}),
    ),
    Row(
        pattern="_enrol/<agent>/sealed",
        topic=topics.sealed("pi-1"),
        qos=topics.SEALED.qos,
        retained=topics.SEALED.retained,
        writers=frozenset({"admin", ENROL}),
        readers=frozenset({ENROL}),
    ),
]

# More topics that somebody might write to: whose, or for which instrument, decides.
WRITTEN: Final = {
    topics.command("pi-1", "balance", "otto"): frozenset[str](),  # observes
    topics.command("pi-1", "balance", "carl"): frozenset({"carl"}),
    topics.command("pi-1", "balance", "admin"): frozenset({"admin"}),
    topics.command("pi-1", "balance", "nele"): frozenset({"nele"}),
    topics.command("pi-1", "oven", "nele"): frozenset[str](),  # not granted
    topics.command("pi-2", "oven", "nele"): frozenset({"nele"}),
    topics.command("pi-2", "oven", "nils"): frozenset[str](),
    topics.command("pi-1", "balance", "anna", "raw"): frozenset[str](),
    topics.command("pi-1", "balance", "carl", "raw"): frozenset[str](),
    topics.command("pi-2", "oven", "nele", "raw"): frozenset[str](),
    **{
        topics.service_request("logger", Asker(user, role, about)): frozenset[str]({user} if may else ())
        for user, role, about, may in [
            ("anna", "admin", None, False),  # another role than one's own
            ("anna", "calibrator", "pi-1/balance", False),
            ("otto", "observer", "+/+", True),
            ("otto", "operator", None, False),
            ("nele", "operator", None, True),
            ("nele", "operator", "pi-1/balance", True),
            ("nele", "operator", "pi-1/oven", False),  # not granted
            ("nele", "operator", "pi-1/+", False),  # wider than what is granted
            ("nele", "operator", "+/+", False),
            ("nele", "operator", "pi-2/+", True),
            ("nils", "observer", "pi-2/oven", True),
            ("nils", "observer", "+/oven", False),
        ]
    },
    topics.service_status("history"): frozenset({HISTORY}),
    topics.service_status("batches"): frozenset({BATCHES}),
    topics.service_status("calibration"): _CALIBRATES,
    topics.command("pi-1", "balance", "calibration"): _CALIBRATES,
    topics.command("pi-1", "balance", "calibration", "raw"): frozenset[str](),
    topics.online("calibration", "runs"): frozenset({CALIBRATION, GATEWAY}),
    topics.rights("calibration"): frozenset({"admin"}),
    topics.service_request("history", Asker("nele", "operator", "pi-1/balance")): frozenset({"nele"}),
    topics.service_request("history", Asker("nele", "operator", "pi-1/oven")): frozenset[str](),
    "kleinmaelzung/_service/logger/request/anna": frozenset[str](),
    "kleinmaelzung/_service/logger/request/anna/operator/pi-1": frozenset[str](),
    "kleinmaelzung/pi-1/balance/command": frozenset[str](),
    "kleinmaelzung/pi-1/balance/command/anna/x": frozenset[str](),
}

# Filters that go beyond one topic: nobody gets more by asking for more.
FILTERS: Final = {
    "#": frozenset[str](),
    "+/#": frozenset[str](),
    "kleinmaelzung/#": frozenset[str](),
    "kleinmaelzung/pi-1/#": frozenset[str](),
    "kleinmaelzung/pi-1/balance/#": frozenset[str](),
    "kleinmaelzung/+/+/+": frozenset[str](),
    "kleinmaelzung/+/+/data": _EVERYTHING | _CALIBRATES,
    "kleinmaelzung/+/balance/data": _EVERYTHING | _CALIBRATES,
    "kleinmaelzung/pi-1/+/data": _EVERYTHING | _CALIBRATES,
    "kleinmaelzung/pi-1/oven/data": _EVERYTHING | _CALIBRATES,
    "kleinmaelzung/pi-2/+/data": _EVERYTHING | {CALIBRATION, "nele", "nils"},
    "kleinmaelzung/pi-2/oven/data": _EVERYTHING | {CALIBRATION, "nele", "nils"},
    "kleinmaelzung/pi-2/status": _EVERYTHING | {CALIBRATION, "nele", "nils"},
    "kleinmaelzung/+/+/command/+": frozenset({LOGGER}),
    "kleinmaelzung/+/+/command/anna": frozenset({LOGGER}),
    "kleinmaelzung/pi-1/+/command/+": frozenset({OWN, LOGGER}),
    "kleinmaelzung/pi-1/+/raw/+": frozenset({OWN, LOGGER}),
    "kleinmaelzung/+/status": _EVERYTHING | _CALIBRATES,
    "kleinmaelzung/+/logged": frozenset[str](),
    "kleinmaelzung/_service/+/status": _ANYBODY | AGENTS | {GATEWAY},
    "kleinmaelzung/_service/+/refused": frozenset({LOGGER}),
    "kleinmaelzung/_service/+/logged": frozenset[str](),
    "kleinmaelzung/_service/logger/request/+/+": frozenset({LOGGER}),
    "kleinmaelzung/_service/logger/request/+/+/+/+": frozenset({LOGGER}),
    "kleinmaelzung/_service/history/request/+/+": frozenset({HISTORY}),
    "kleinmaelzung/_service/batches/request/+/+": frozenset({BATCHES}),
    "kleinmaelzung/_service/batches/request/+/+/+/+": frozenset({BATCHES}),
    "kleinmaelzung/_service/history/request/+/+/+/+": frozenset({HISTORY}),
    "kleinmaelzung/_service/gateway/request/gateway/service": frozenset({GATEWAY}),
    "kleinmaelzung/_service/+/request/+/+": frozenset[str](),
    "kleinmaelzung/_service/+/request/+/+/+/+": frozenset[str](),
    "kleinmaelzung/_service/+/request/anna/operator": frozenset[str](),
    "kleinmaelzung/_client/anna/+/inbox": frozenset({"anna"}),
    "kleinmaelzung/_client/calibration/runs/inbox": _CALIBRATES,
    "kleinmaelzung/+/+/calibration": _EVERYTHING,
    "kleinmaelzung/pi-1/+/calibration": _EVERYTHING | {OWN},
    "kleinmaelzung/+/+/run": _EVERYTHING | _CALIBRATES,
    "kleinmaelzung/_client/+/s1/inbox": frozenset[str](),
    "kleinmaelzung/_client/#": frozenset[str](),
    "kleinmaelzung/_client/+/+/online": AGENTS,
    "kleinmaelzung/_client/+/rights": frozenset[str](),
    "kleinmaelzung/_enrol/+/sealed": frozenset[str](),
    "kleinmaelzung/_enrol/pi-2/sealed": frozenset[str](),
    "kleinmaelzung/_enrol/#": frozenset[str](),
    "$SYS/broker/version": frozenset({"admin", GATEWAY}),
    "$CONTROL/dynamic-security/v1/response": frozenset({"admin"}),
}
