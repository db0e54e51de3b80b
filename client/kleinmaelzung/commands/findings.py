"""What `kleinmaelzung doctor` makes of what it saw: plain functions, each from facts to findings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kleinmaelzung import Instrument
from kleinmaelzung.commands import texts
from kleinmaelzung_wire.messages import AgentStatus, ServiceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what was found in plain words and, where it is broken, what to do."""

    check: str
    ok: bool
    found: str
    remedy: str = ""


def gateway(health: dict[str, Any]) -> Iterator[Finding]:
    """From the answer of /healthz."""
    version = health.get("version", "of unknown version")
    counts = f"{health.get('agents', '?')} agents, {health.get('clients', '?')} clients connected"
    yield Finding(check="gateway", ok=True, found=f"running, {texts.plain(str(version))}, {counts}")
    state = health.get("broker")
    yield Finding(
        check="broker",
        ok=state == "connected",
        found="connected" if state == "connected" else f"the gateway's connection is {texts.plain(str(state))}",
        remedy="look whether Mosquitto is running and what the gateway's log says about it",
    )


def loggers(services: dict[str, ServiceStatus]) -> Iterator[Finding]:
    """One finding for each logger; none at all is a fault: nothing is being recorded."""
    found = {name: status for name, status in services.items() if status.role == "logger"}
    if not found:
        yield Finding(
            check="logger",
            ok=False,
            found="there is no logger, so nothing is recorded",
            remedy="start kleinmaelzung-logger; agents keep what is not recorded until then",
        )
    for name, status in sorted(found.items()):
        yield _logger(name, status)


def _logger(name: str, status: ServiceStatus) -> Finding:
    reason = f": {texts.plain(status.reason)}" if status.reason else ""
    if not status.online:
        return Finding(check=name, ok=False, found=f"not running{reason}", remedy="start it; agents keep their data")
    if not status.healthy:
        remedy = "look whether the database is running and has room; agents keep their data until then"
        return Finding(check=name, ok=False, found=f"cannot record{reason}", remedy=remedy)
    return Finding(check=name, ok=True, found="recording, the database answers")


def histories(services: dict[str, ServiceStatus]) -> Iterator[Finding]:
    """One finding for each history service; without one nobody can look back."""
    nobody = "there is no history service, so nobody can ask for what is recorded"
    yield from _answering(services, "history", nobody)


def batches(services: dict[str, ServiceStatus]) -> Iterator[Finding]:
    """One finding for each service of batches."""
    yield from _answering(services, "batches", "there is no service of batches, so none can be begun or ended")


def _answering(services: dict[str, ServiceStatus], role: str, nobody: str) -> Iterator[Finding]:
    found = {name: status for name, status in services.items() if status.role == role}
    if not found:
        remedy = f"start kleinmaelzung-{role}; recording goes on without it"
        yield Finding(check=role, ok=False, found=nobody, remedy=remedy)
    for name, status in sorted(found.items()):
        yield _answers(name, status)


def _answers(name: str, status: ServiceStatus) -> Finding:
    reason = f": {texts.plain(status.reason)}" if status.reason else ""
    if not status.online:
        remedy = "start it; recording goes on without it"
        return Finding(check=name, ok=False, found=f"not running{reason}", remedy=remedy)
    if not status.healthy:
        remedy = "look whether the database is running"
        return Finding(check=name, ok=False, found=f"cannot read{reason}", remedy=remedy)
    return Finding(check=name, ok=True, found="answering, the database answers")


def agents(statuses: dict[str, AgentStatus], now_us: int) -> Iterator[Finding]:
    if not statuses:
        yield Finding(check="agents", ok=True, found="none yet: `kleinmaelzung agent add NAME` lets one connect")
    for name, status in sorted(statuses.items()):
        yield _agent(name, status, now_us)


def _agent(name: str, status: AgentStatus, now_us: int) -> Finding:
    check = f"agent {name}"
    if not status.online:
        reason = f" ({texts.plain(status.reason)})" if status.reason else ""
        remedy = "look whether it has power and network and whether kleinmaelzung-agent runs there"
        return Finding(check=check, ok=False, found=f"offline{reason}", remedy=remedy)
    waiting = f", {status.unlogged} frames not recorded yet" if status.unlogged else ""
    return Finding(check=check, ok=True, found=f"online since {texts.age(now_us - status.since)}{waiting}")


_REMEDIES = {
    "offline": "see to its agent first",
    "searching": "look whether the port is there: plugged in, and named rightly in agent.toml",
    "silent": "look whether it is switched on, and whether baud rate and cable are right",
    "error": "see the reason, and the agent's log",
    "unknown": "its agent has said nothing about it: look at the agent's log",
}


def instrument(found: Instrument, now_us: int) -> Finding:
    newest = max((sample.time for sample in found.latest.values()), default=None)
    value = f"newest value {texts.age(now_us - newest)} old" if newest else "no value yet"
    state = found.state
    reason = f" ({texts.plain(state.reason)})" if state and state.reason and found.is_online else ""
    return Finding(
        check=found.name,
        ok=found.is_live,
        found=f"{found.condition}{reason}, {value}",
        remedy=_REMEDIES.get(found.condition, ""),
    )


def report(findings: list[Finding]) -> str:
    """A line for each check, and below what is broken what to do."""
    width = max(len(finding.check) for finding in findings)
    return "\n".join(line for finding in findings for line in _lines(finding, width))


def _lines(finding: Finding, width: int) -> Iterator[str]:
    yield f"{'ok    ' if finding.ok else 'BROKEN'}  {finding.check:<{width}}  {finding.found}"
    if not finding.ok and finding.remedy:
        yield f"{'':<{width + 8}}  -> {finding.remedy}"
