"""The whole system under test: broker, database, logger, gateway and agents as processes of ours that can break.

    instruments --TCP--> agents  ==veth==>  gateway --> broker --> logger --> database

`open_laboratory` builds and starts it in a directory and takes everything away again, whatever state it is in. What
agents send to may also be another server than processes of ours (tests/deploy/chaos.py has containers).
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Final

import kleinmaelzung
from kleinmaelzung_local import system
from kleinmaelzung_local.children import Child
from kleinmaelzung_local.mosquitto import write_private
from kleinmaelzung_wire import access, messages
from tests.faults import field, instruments
from tests.faults.agents import Agent
from tests.faults.field import ApartField, PlainField
from tests.faults.parts import Breakable, Ending, Part
from tests.whole import set_up

ROOT: Final = Path(__file__).parents[2]
CONNECT_S: Final = 30.0
# What deploy calls them, and what a person calls what they are.
ROLES: Final = {"postgres": "database", "mosquitto": "broker"}  # of the other parts: their names


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much the instruments produce: fits two cores beside everything else."""

    agents: int = 3
    streams: int = 2
    stream_hz: float = 100.0
    polled: int = 4
    polled_hz: float = 20.0
    commanded: int = 0  # these are polled as well

    @property
    def agent_names(self) -> list[str]:
        return [f"pi-{number}" for number in range(1, self.agents + 1)]

    def rates_hz(self) -> dict[str, float]:
        """Each instrument's full name and its rate; 0 for one that is polled or commanded."""
        streams = {f"stream-{number}": self.stream_hz for number in range(1, self.streams + 1)}
        polled = {f"polled-{number}": 0.0 for number in range(1, self.polled + 1)}
        commanded = {f"commanded-{number}": 0.0 for number in range(1, self.commanded + 1)}
        every = streams | polled | commanded
        return {f"{agent}/{name}": rate for agent in self.agent_names for name, rate in every.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """All that agents send to: its parts by their role, and how it is reached."""

    url: str
    find_dsn: Callable[[], str] = dataclass_field(repr=False)  # the address of a container may change when it starts
    password: str = dataclass_field(repr=False)  # admin's
    parts: Mapping[str, Breakable]
    broker_memory: Path
    trusting: Part | None = None


# Makes a server in a directory, at an address that agents reach.
Serve = Callable[[Path, str], AbstractAsyncContextManager[Server]]


class Laboratory:
    """Everything by its role, and agents by their name."""

    def __init__(self, directory: Path, server: Server, where: ApartField | PlainField, load: Load) -> None:
        self.directory = directory
        self.load = load
        self.field = where
        self.url = server.url
        self.started_ns = 0
        self.server = server
        self.log = directory / "log"
        self.instruments = Part(_instruments(directory, where, load), self.log / "instruments.log")
        self.parts = server.parts
        self.agents = {name: Agent(name, directory / name, where) for name in load.agent_names}

    @property
    def dsn(self) -> str:
        return self.server.find_dsn()

    @property
    def apart(self) -> ApartField:
        """The field, where network and disk can fail. Only schedules made for it ask."""
        assert isinstance(self.field, ApartField)
        return self.field

    def part(self, target: str) -> Breakable:
        return self.agents[target] if target in self.agents else self.parts[target]

    def endings(self) -> list[Ending]:
        """How agents ended: what they had not spooled by then is gone."""
        return [ending for agent in self.agents.values() for ending in agent.endings]

    def findings(self) -> list[str]:
        """What the processes did on their own."""
        everyone = (*self.parts.values(), *self.agents.values(), self.instruments)
        return list(dict.fromkeys(finding for part in everyone for finding in part.findings))

    def forget_broker(self) -> None:
        """Remove what the broker remembers; accounts are configuration, not memory."""
        self.server.broker_memory.unlink(missing_ok=True)

    async def start(self, *, trust_broker: bool) -> None:
        """Start everything in order and wait until it runs. Raises ChildFailed."""
        await self.instruments.start()
        for part in self.parts.values():
            await part.start()
        if trust_broker:
            assert self.server.trusting is not None
            await self.server.trusting.start()
        await self._configure_agents(json.loads((self.log / "instruments.log").read_text().splitlines()[0]))
        self.started_ns = time.monotonic_ns()
        for agent in self.agents.values():
            await agent.start()

    async def _configure_agents(self, ports: Mapping[str, int]) -> None:
        secrets = {name: access.make_secret() for name in self.agents}
        async with self.client() as lab:
            for name, secret in secrets.items():
                answers = await lab.access(access.add_agent(name, secret))
                assert not any("error" in answer for answer in answers), answers
        for name, agent in self.agents.items():
            await self.field.make_disk(agent.disk)
            own = {full.partition("/")[2]: port for full, port in ports.items() if full.startswith(f"{name}/")}
            agent.configure(self.url, secrets[name], own, self.load.polled_hz)

    def client(self) -> AbstractAsyncContextManager[kleinmaelzung.Lab]:
        """What an admin's program connects with."""
        return kleinmaelzung.connect(self.url, user="admin", password=self.server.password)

    async def counts(self) -> dict[str, int]:
        """The last number that each instrument sent."""
        return await instruments.ask(self.directory, "counts")

    async def halt(self) -> None:
        """Let the instruments send nothing more and write down all they sent."""
        await instruments.ask(self.directory, "halt")

    async def unlogged(self) -> dict[str, int]:
        """By agent, how many frames it still holds, by its own word; agents that say nothing are left out."""
        async with asyncio.timeout(CONNECT_S), self.client() as lab:
            found = await lab.retained("+/status")
        statuses = {topic.split("/")[-2]: messages.AgentStatus.decode(payload) for topic, payload in found.items()}
        return {name: status.unlogged for name, status in statuses.items() if status.online}

    async def stop(self) -> None:
        """End everything in order: agents first, what they need last."""
        for part in (*self.agents.values(), self.parts["gateway"], self.parts["logger"], *self._trusting):
            if part.is_started:
                await part.stop()

    async def end(self) -> None:
        """Leave no process."""
        for part in (*self.agents.values(), *self._trusting, *reversed(list(self.parts.values())), self.instruments):
            await part.end()

    @property
    def _trusting(self) -> list[Part]:
        return [self.server.trusting] if self.server.trusting else []


@asynccontextmanager
async def in_processes(directory: Path, host: str) -> AsyncIterator[Server]:
    """As `kleinmaelzung up` has it, with nothing started yet."""
    with system.locked(set_up(directory / "server")):
        plan = await asyncio.to_thread(system.plan, system.Choices(data=directory / "server", host=host, port=0))
        log = directory / "log"
        yield Server(
            url=plan.url,
            find_dsn=lambda: plan.dsn,
            password=plan.mosquitto.passwords["admin"],
            parts={ROLES.get(child.name, child.name): _part(child, log) for child in plan.children},
            broker_memory=plan.mosquitto.directory / "mosquitto.db",
            trusting=Part(_trusting(directory, plan), log / "trusting.log"),
        )


@asynccontextmanager
async def open_laboratory(directory: Path, load: Load, serve: Serve = in_processes) -> AsyncIterator[Laboratory]:
    """Build everything in a directory; leaving removes all but the files in it."""
    async with AsyncExitStack() as stack:
        where = await stack.enter_async_context(field.open_field())
        (directory / "log").mkdir(parents=True)
        server = await stack.enter_async_context(serve(directory, where.gateway_host))
        for name in load.agent_names:
            (directory / name).mkdir()
        laboratory = Laboratory(directory, server, where, load)
        stack.push_async_callback(laboratory.end)
        yield laboratory


def _part(child: Child, log: Path) -> Part:
    return Part(child, log / f"{ROLES.get(child.name, child.name)}.log")


def _instruments(directory: Path, where: ApartField | PlainField, load: Load) -> Child:
    command = [sys.executable, "-m", "tests.faults.instruments", str(directory), json.dumps(load.rates_hz())]
    log = directory / "log" / "instruments.log"
    return Child(
        name="instruments",
        command=where.command(command),
        environment=_with_us(),
        is_ready=lambda: _has_line(log),
    )


def _trusting(directory: Path, plan: system.Plan) -> Child:
    password = directory / "trusting.password"
    write_private(password, plan.mosquitto.passwords["logger"])
    command = [sys.executable, "-m", "tests.faults.trusting", str(plan.mosquitto.internal_port), str(password)]
    log = directory / "log" / "trusting.log"
    return Child(name="trusting", command=command, environment=_with_us(), is_ready=lambda: _has_line(log))


def _with_us() -> dict[str, str]:
    """The environment in which `python -m tests.faults...` is found, wherever we were started."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


async def _has_line(log: Path) -> bool:
    return "\n" in log.read_text()
