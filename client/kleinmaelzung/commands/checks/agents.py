"""What agents, the broker in their name, and the gateway say of them: whether they are there, their clock, their spool.

Pure: retained statuses in, findings out.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kleinmaelzung import orders
from kleinmaelzung.commands import texts
from kleinmaelzung_wire import findings, gaps
from kleinmaelzung_wire.findings import Finding
from kleinmaelzung_wire.messages import AgentStatus
from kleinmaelzung_wire.orders import Kind

CLOCK_US: Final = 5_000_000  # a slow line's delay is no fault of a clock
NEARLY_FULL: Final = 0.8
LITTLE_ROOM: Final = 200_000_000  # bytes
MANY: Final = 5000  # frames: more than a second of what a busy agent takes
CHECK: Final = "kleinmaelzung-agent --config agent.toml --check"
_ON_IT: Final = f"on it run `{CHECK}`, which says what is wrong there"
_ORDER: Final[dict[Kind, str]] = {
    "configuration": "it runs the one before, which `kleinmaelzung agent config {name}` shows: correct yours, then"
    " kleinmaelzung agent configure {name} FILE",
    "program": "it runs the version before; on it `journalctl -u kleinmaelzung-agent-update` says more; then:"
    " kleinmaelzung agent update {name}",
}
# As the gateway tells them (knocks.py).
_WRONG_SECRET: Final = "wrong secret"  # noqa: S105 (a reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """An agent that a gateway does not let in, or that pushes another one out."""

    reason: str
    time_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is known of agents: `accounts` may connect, None: this user may not know; `heard_us` is by agent."""

    statuses: Mapping[str, AgentStatus] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    accounts: Collection[str] | None = None
    knocks: Mapping[str, Knock] = field(default_factory=dict)
    heard_us: Mapping[str, int] = field(default_factory=dict)
    is_logged: bool = True  # whether a logger is there and well

    def may_connect(self, name: str) -> bool:
        return name in (self.statuses if self.accounts is None else self.accounts)


def knocks(figures: Iterable[Mapping[str, Any]]) -> dict[str, Knock]:
    """From the figures of all gateways."""
    found = {}
    for one in figures:
        told = one.get("knocks")
        for agent, knock in (told if isinstance(told, dict) else {}).items():
            match knock:
                case {"reason": str(reason), "time": int(time_us)}:
                    found[str(agent)] = Knock(reason=reason, time_us=time_us)
    return found


def agents(seen: Seen, now_us: int) -> Iterator[Finding]:
    names = {*seen.statuses, *seen.unreadable, *(seen.accounts or ()), *seen.knocks}
    if not names:
        yield findings.ok("agent", "none yet: `kleinmaelzung agent add NAME` lets one connect")
    for name in sorted(names):
        yield from _agent(name, seen, now_us)


def _agent(name: str, seen: Seen, now_us: int) -> Iterator[Finding]:
    status, knock = seen.statuses.get(name), seen.knocks.get(name)
    if name in seen.unreadable:
        remedy = "install the same version there as on the server"
        yield findings.broken("agent", f"what it says cannot be read: {seen.unreadable[name]}", remedy, of=name)
    elif knock and seen.may_connect(name):
        yield _knocking(name, knock, now_us)
    elif knock:
        found = f"knocks and may not connect, last {texts.age(now_us - knock.time_us)} ago"
        remedy = f"if it is yours: kleinmaelzung agent add {name}, or switch it off; else look whose it is"
        yield findings.warning("agent", found, remedy, of=name)
    elif not seen.may_connect(name):
        yield findings.ok("agent", "was removed: it may not connect any more", of=name)
    elif status is None:
        yield findings.warning("agent", "may connect, and never has", f"start it; {_ON_IT}", of=name)
    elif not status.online:
        yield _offline(name, status, seen.heard_us.get(name), now_us)
    else:
        yield findings.ok("agent", f"online for {texts.age(now_us - status.since)}, version {status.version}", of=name)
    if status is not None and status.online:
        yield _clock(name, status.clock)
        yield _spool(name, status, is_logged=seen.is_logged)
        yield from _order(name, status, now_us)


def _knocking(name: str, knock: Knock, now_us: int) -> Finding:
    ago = f"last {texts.age(now_us - knock.time_us)} ago"
    if knock.reason == _WRONG_SECRET:
        remedy = (
            "put the secret that `kleinmaelzung agent add` printed into its agent.toml;"
            f" if it is lost: kleinmaelzung agent remove {name}, and agent add {name}"
        )
        return findings.broken("agent", f"is not let in: its name or secret is wrong, {ago}", remedy, of=name)
    remedy = "give each machine an agent of its own: kleinmaelzung agent add NAME"
    return findings.broken("agent", f"two agents use this name and push each other out, {ago}", remedy, of=name)


def _offline(name: str, status: AgentStatus, heard_us: int | None, now_us: int) -> Finding:
    reason = f" ({status.reason})" if status.reason else ""
    heard = f", its newest value is {texts.age(now_us - heard_us)} old" if heard_us else ""
    if status.reason == "stopped":
        return findings.broken("agent", f"was stopped{heard}", "start kleinmaelzung-agent there again", of=name)
    remedy = f"look whether it has power and network; {_ON_IT}"
    return findings.broken("agent", f"offline{reason}{heard}", remedy, of=name)


def _clock(name: str, clock: Mapping[str, Any]) -> Finding:
    ahead_us = clock.get("ahead_us")
    remedy = "have it synchronised: `timedatectl` there, and a time server that it reaches"
    if type(ahead_us) is int and abs(ahead_us) > CLOCK_US:
        way = "ahead of" if ahead_us > 0 else "behind"
        found = f"{texts.span(abs(ahead_us) / 1e6)} {way} the server: its samples have wrong times"
        return findings.broken("agent-clock", found, remedy, of=name)
    if clock.get("synchronised") is not True:
        found = "not synchronised: its samples are marked so"
        return findings.warning("agent-clock", found, remedy, of=name)
    return findings.ok("agent-clock", "synchronised", of=name)


def _spool(name: str, status: AgentStatus, *, is_logged: bool) -> Finding:
    held, limit, free = (_count(status.spool.get(key)) for key in ("bytes", "limit", "free"))
    if status.reason.startswith(gaps.NOT_WRITABLE):
        found = f"{status.reason}; new frames wait in memory"
        remedy = "make room on its disk or repair it (df -h, dmesg); it is tried again every 5 s"
        return findings.broken("agent-spool", found, remedy, of=name)
    share = held / limit if held is not None and limit else 0.0
    filled = f"{share:.0%} full, {status.unlogged} frames wait to be recorded"
    if share >= NEARLY_FULL:
        remedy = "see to the logger first; [spool] bytes in agent.toml allows more; when it is full, the oldest go"
        make = findings.broken if share >= 1 else findings.warning
        return make("agent-spool", filled, remedy, of=name)
    if free is not None and free < LITTLE_ROOM:
        found = f"its disk has {texts.size(free)} left"
        return findings.warning("agent-spool", found, "make room on its disk (df -h there)", of=name)
    if status.reason:
        return findings.warning("agent-spool", status.reason, "look at its disk; keep or delete that file", of=name)
    if status.unlogged >= MANY and is_logged:
        remedy = (
            "wait: what was kept is being sent; if this does not fall, look at the logger and the line to the agent"
        )
        return findings.warning("agent-spool", filled, remedy, of=name)
    waiting = f"{status.unlogged} frames wait to be recorded" if status.unlogged else "empty: all is recorded"
    return findings.ok("agent-spool", waiting, of=name)


def _order(name: str, status: AgentStatus, now_us: int) -> Iterator[Finding]:
    """Only where its last order was not carried out, or was given up again."""
    last = orders.last_of(name, status)
    if last is None or last.result not in (orders.REFUSED, orders.ROLLED_BACK):
        return
    found = f"its last {last.kind} was {last.result} {texts.age(now_us - last.time)} ago: {last.reason}"
    yield findings.warning("agent-orders", found, _ORDER[last.kind].format(name=name), of=name)


def _count(value: Any) -> int | None:
    return value if type(value) is int else None
