"""What is found out by who is logged in: rights, services and their database, agents, instruments, versions.

Lab --> retained messages, and a few questions to services --> findings of the modules beside this
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Final

from kleinmaelzung import Error, Instrument, Lab, Refused, Sample
from kleinmaelzung.commands import accounts
from kleinmaelzung.commands.agent_statuses import PREFIX
from kleinmaelzung.commands.checks import agents, instruments, services, storage, versions
from kleinmaelzung.commands.checks.reaching import Reached
from kleinmaelzung.commands.checks.services import ROLES, Service
from kleinmaelzung.settings import Login
from kleinmaelzung_wire import findings, sockets
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.findings import Finding
from kleinmaelzung_wire.messages import AgentStatus, ServiceStatus

PING_S: Final = 3.0
STORAGE_S: Final = 20.0
UNITS_S: Final = 10.0


@dataclass(slots=True)
class Inside:
    """What is seen by who is logged in."""

    lab: Lab
    login: Login
    reached: Reached
    services: dict[str, Service] = field(default_factory=dict)
    gateways: list[ServiceStatus] = field(default_factory=list)
    not_permitted: str = ""
    versions: dict[str, str] = field(default_factory=lambda: {"this command": metadata.version("kleinmaelzung")})

    async def examine(self) -> list[Finding]:
        seen = await self._part((*ROLES, "database"), self._services)
        seen += await self._part(("storage",), self._storage)
        seen += await self._part(("agent", "instrument", "unit"), self._agents_and_instruments)
        gateway = str(self.reached.health.get("version", "?"))
        rights = await self._part(("rights",), self._rights)
        return [*rights, *seen, versions.versions(gateway, self.versions)]

    async def _part(self, ids: Iterable[str], look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
        try:
            return await look()
        except (Error, WireError) as error:
            if isinstance(error, Refused) and error.code == sockets.NOT_PERMITTED:
                self.not_permitted = str(error)
            return findings.all_unchecked(ids, str(error))

    async def _rights(self) -> list[Finding]:
        """After all else, for then it is known what this user may not even look at."""
        if self.not_permitted:
            user = self.login.user
            remedy = f"an admin grants more: kleinmaelzung user change {user} --instrument '+/+', or user add anew"
            return [findings.broken("rights", self.not_permitted, remedy)]
        told = await self.lab.rights()
        if told is None:
            return [findings.ok("rights", "nobody told which: the broker decides")]
        found = f"{told.role} of {', '.join(told.instruments)}"
        rest = "" if "+/+" in told.instruments else "; what is outside is not seen here"
        return [findings.ok("rights", found + rest)]

    async def _services(self) -> list[Finding]:
        found = await self.lab.retained("_service/+/status")
        statuses, unreadable = _decoded({topic.split("/")[1]: one for topic, one in found.items()}, ServiceStatus)
        self.gateways = [status for status in statuses.values() if status.role == "gateway"]
        asked = {name: status for name, status in statuses.items() if status.role in ROLES}
        silences = await asyncio.gather(*(self._silence(name, status) for name, status in asked.items()))
        self.services = {
            name: Service(name=name, status=status, silence=silence)
            for (name, status), silence in zip(asked.items(), silences, strict=True)
        }
        self.versions |= {name: status.version for name, status in asked.items() if status.online}
        remedy = "install the same version of all services"
        return [
            *(finding for role in ROLES for finding in services.of_role(role, self.services)),
            *(
                findings.broken("version", f"what {name} says cannot be read: {why}", remedy)
                for name, why in unreadable.items()
            ),
            *services.databases(self.services),
        ]

    async def _silence(self, name: str, status: ServiceStatus) -> str:
        """Ask what no service knows: one that is alive says so. Why it did not; empty where it did."""
        if not (status.online and status.healthy):
            return ""
        try:
            await self.lab.request(name, "ping", timeout=PING_S)
        except Refused as refused:
            return "" if refused.code in (sockets.UNKNOWN, sockets.BUSY) else str(refused)
        return ""

    async def _storage(self) -> list[Finding]:
        name = next((name for name, one in self.services.items() if _is_useful_logger(one)), None)
        if name is None:
            return findings.all_unchecked(("storage",), "there is no logger that is well, and only a logger knows")
        return [storage.forecast(await self.lab.request(name, "storage", timeout=STORAGE_S))]

    async def _agents_and_instruments(self) -> list[Finding]:
        now_us = time.time_ns() // 1000
        known = await self.lab.instruments()
        seen = await self._seen_agents(known)
        self.versions |= {f"{versions.AGENT}{name}": one.version for name, one in seen.statuses.items() if one.online}
        about = [*agents.agents(seen, now_us), *(instruments.instrument(one, now_us) for one in known)]
        return [*about, *await self._part(("unit",), lambda: self._units(known, now_us))]

    async def _seen_agents(self, known: list[Instrument]) -> agents.Seen:
        retained = await self.lab.retained("+/status")
        statuses, unreadable = _decoded({topic.partition("/")[0]: one for topic, one in retained.items()}, AgentStatus)
        return agents.Seen(
            statuses=statuses,
            unreadable=unreadable,
            accounts=await self._accounts(),
            knocks=agents.knocks(status.figures for status in self.gateways),
            heard_us=_heard_us(known),
            is_logged=any(_is_useful_logger(service) for service in self.services.values()),
        )

    async def _accounts(self) -> list[str] | None:
        """Agents that may connect: only admins may know them all."""
        try:
            found = await accounts.all_accounts(self.lab)
        except Refused:
            return None
        return [user.removeprefix(PREFIX) for user in found if user.startswith(PREFIX)]

    async def _units(self, known: list[Instrument], now_us: int) -> list[Finding]:
        has_history = any(one.status.role == "history" and one.is_well for one in self.services.values())
        logged = await self._logged() if has_history and known else {}
        return list(instruments.units(known, logged, now_us))

    async def _logged(self) -> dict[str, list[Sample]]:
        try:
            return await self.lab.latest(timeout=UNITS_S)
        except Refused as refused:
            if refused.code == sockets.UNKNOWN:  # nothing yet
                return {}
            raise


def _is_useful_logger(service: Service) -> bool:
    return service.status.role == "logger" and service.is_well


def _heard_us(known: list[Instrument]) -> dict[str, int]:
    """The time of each agent's newest value."""
    heard: dict[str, int] = {}
    for one in known:
        agent = one.name.partition("/")[0]
        heard[agent] = max([heard.get(agent, 0), *(sample.time for sample in one.latest.values())])
    return heard


def _decoded(payloads: dict[str, bytes], kind: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """What can be read, and why the rest cannot: one part of another version must not hide all others."""
    read: dict[str, Any] = {}
    unreadable: dict[str, str] = {}
    for name, payload in payloads.items():
        try:
            read[name] = kind.decode(payload)
        except WireError as error:
            unreadable[name] = str(error)
    return read, unreadable
