"""What the services say of themselves, and whether they answer: retained statuses in, findings out. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_wire import findings
from kleinmaelzung_wire.findings import Finding
from kleinmaelzung_wire.messages import ServiceStatus

# What is lost without it, for people.
ROLES: Final = {
    "logger": "nothing is recorded; agents keep their data",
    "history": "nobody can look back; recording goes on",
    "batches": "no batch can be begun or ended; recording goes on",
    "calibration": "no certificate can be issued; recording goes on",
}
BEHIND: Final = 5000  # messages; as many go into one transaction
_DATABASE: Final = "database: "
_LATE: Final = "has taken more than"

# What a database says -> what to do. The first that is found in it.
_REMEDIES: Final = (
    ("disk is full", "make room on the database's disk (df -h there); the log goes on by itself then"),
    ("No space left", "make room on the database's disk (df -h there); the log goes on by itself then"),
    ("schema version", "start the same version of all services: this one is older than the tables"),
    ("written by another build", "start the version that made these tables, or use another database"),
    ("tables cannot be made", "give the services a database of their own, and the right to create tables in it"),
    ("cannot be made", "give the services a database of their own, and the right to create tables in it"),
    ("needed is 15 or newer", "use PostgreSQL 15 or newer"),
    ("password authentication failed", "correct user and password in KLEINMAELZUNG_DSN"),
    ("does not exist", "correct the database's and the user's name in KLEINMAELZUNG_DSN, or make them"),
    ("no pg_hba.conf entry", "let this user in from this machine: pg_hba.conf"),
    ("too many clients", "raise max_connections of the database, or end what else uses it"),
    ("read-only", "the address leads to a standby: name the primary in KLEINMAELZUNG_DSN"),
    (_LATE, "look what else keeps the database and its disk busy"),
    ("does not answer", "look whether the database is frozen or overloaded, and at the network to it"),
    ("", "look whether the database is running, and at its address in KLEINMAELZUNG_DSN"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: what it said, and why it did not answer when it was asked; empty where it did."""

    name: str
    status: ServiceStatus
    silence: str = ""

    @property
    def is_well(self) -> bool:
        return self.status.online and self.status.healthy and not self.silence


def of_role(role: str, services: Mapping[str, Service]) -> Iterator[Finding]:
    """One finding for each service that has this role; none at all is a fault."""
    found = [service for _, service in sorted(services.items()) if service.status.role == role]
    if not found:
        remedy = f"start kleinmaelzung-{role}"
        yield findings.broken(role, f"there is none, so {ROLES[role]}", remedy, of=role)
    well = [service.name for service in found if service.is_well]
    for service in found:
        yield _well(service) if service.is_well else _ill(service, well)


def _ill(service: Service, others: list[str]) -> Finding:
    """Broken where no other does its work."""
    role, status = service.status.role, service.status
    make = findings.warning if others else findings.broken
    lost = f"{', '.join(others)} does all the work" if others else ROLES[role]
    if status.online and status.healthy:
        remedy = "look at its log; where it hangs, start it again: nothing is lost by that"
        return make(role, f"says that it is well, but {service.silence}", remedy, of=service.name)
    if status.online:
        return make(role, f"running, but {lost}: see database", "see database", of=service.name)
    if status.reason:
        remedy = f"{remedy_for(status.reason)}; then start kleinmaelzung-{role}"
        return make(role, f"ended, so {lost}: {status.reason}", remedy, of=service.name)
    return make(role, f"not running, so {lost}", f"start kleinmaelzung-{role}, and look at its log", of=service.name)


def _well(service: Service) -> Finding:
    role, queue = service.status.role, service.status.figures.get("queue")
    if role != "logger":
        return findings.ok(role, "running, and answers", of=service.name)
    if type(queue) is int and queue >= BEHIND:
        remedy = "look what keeps the database's machine busy; agents keep what is not recorded yet"
        return findings.warning(role, f"behind: {queue} messages wait to be recorded", remedy, of=service.name)
    return findings.ok(role, "recording", of=service.name)


def databases(services: Mapping[str, Service]) -> Iterator[Finding]:
    """What the services say of their database: each sentence once, with who says it."""
    asked = [service for service in services.values() if service.status.role in ROLES and service.status.online]
    reasons: dict[str, list[str]] = {}
    for service in asked:
        if not service.status.healthy:
            reasons.setdefault(service.status.reason or "no reason is told", []).append(service.name)
    if not asked:
        yield findings.unchecked("database", "no service is there that knows it")
    elif not reasons:
        yield findings.ok("database", "answers")
    for reason, names in sorted(reasons.items()):
        found = f"{', '.join(sorted(names))}: {reason.removeprefix(_DATABASE)}"
        yield findings.broken("database", found, remedy_for(reason))


def remedy_for(reason: str) -> str:
    """What to do about what a database said."""
    return next(remedy for fragment, remedy in _REMEDIES if fragment in reason)
