"""A site that has outgrown one machine: several gateways behind a balancer, several loggers, one broker or a cluster.

    instruments --> agents --> balancer --> gateways --> balancers --> broker or nodes --> loggers --> database
                    clients --> balancer

Each gateway and logger has a node of its own as long as that is there, then the next one. All are processes of ours
that can be killed.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.request import urlopen

import kleinmaelzung
from kleinmaelzung_bus import session as bus
from kleinmaelzung_local import ports
from kleinmaelzung_local.children import Child
from kleinmaelzung_local.mosquitto import write_private
from kleinmaelzung_wire import access, codec, messages, topics
from tests import databases
from tests.access_table import ROLES
from tests.brokers import AGENT_SECRET, running_broker
from tests.cluster import rabbitmq
from tests.cluster.accounts import definition, password
from tests.cluster.balancer import balancing
from tests.faults import instruments
from tests.faults.agents import Agent
from tests.faults.field import PlainField
from tests.faults.laboratory import ROOT, Load
from tests.faults.parts import Ending, Part

ADMIN: Final = "admin"
ASK_S: Final = 30.0
HEALTH_S: Final = 2.0

Kind = Literal["mosquitto", "rabbitmq"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brokers:
    """What keeps topics: places, passwords by account, and the parts of it that can be killed."""

    kind: Kind
    places: list[int]
    passwords: Mapping[str, str] = field(repr=False)
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of everything."""

    kind: Kind = "mosquitto"
    gateways: int = 2
    loggers: int = 2
    logger_module: str = "kleinmaelzung_services.logger"
    people: tuple[str, ...] = ()  # of the table (tests/access_table.py), beside admin; for RabbitMQ
    commands: tuple[dict[str, object], ...] = ()  # for Mosquitto's plugin, before the rest begins
    load: Load = field(default_factory=lambda: Load(agents=2, streams=1, polled=1, commanded=2))


class Site:
    """Everything that runs, by name: `gateway-1`, `logger`, `logger-2`, `node-1`, agents by their own."""

    def __init__(self, directory: Path, size: Size, dsn: str, brokers: Brokers) -> None:
        self.directory, self.size, self.dsn, self.brokers = directory, size, dsn, brokers
        self.log = directory / "log"
        self.field = PlainField()
        self.parts: dict[str, Part] = dict(brokers.parts)
        self.agents = {name: Agent(name, directory / name, self.field) for name in size.load.agent_names}
        self.url = ""  # of the balancer, for people and agents
        self.urls: dict[str, str] = {}  # of each gateway

    def endings(self) -> list[Ending]:
        return [ending for agent in self.agents.values() for ending in agent.endings]

    def findings(self) -> list[str]:
        """What the processes did on their own."""
        every = (*self.parts.values(), *self.agents.values())
        return list(dict.fromkeys(finding for part in every for finding in part.findings))

    def client(self, url: str = "") -> contextlib.AbstractAsyncContextManager[kleinmaelzung.Lab]:
        """What an admin's program connects with."""
        return kleinmaelzung.connect(url or self.url, user=ADMIN, password=self.brokers.passwords[ADMIN])

    async def counts(self) -> dict[str, int]:
        """The last number that each instrument sent; brings the end of the truth into its log."""
        return await instruments.ask(self.directory, "counts")

    async def halt(self) -> None:
        await instruments.ask(self.directory, "halt")

    async def unlogged(self) -> dict[str, int]:
        """By agent, how many frames it still holds, by its own word."""
        async with asyncio.timeout(ASK_S), self.client() as lab:
            found = await lab.retained("+/status")
        statuses = {topic.split("/")[-2]: messages.AgentStatus.decode(payload) for topic, payload in found.items()}
        return {name: status.unlogged for name, status in statuses.items() if status.online}

    def gateway(self, number: int, broker_port: int) -> Part:
        name, port = f"gateway-{number}", ports.find_free()
        self.urls[name] = f"http://127.0.0.1:{port}"
        environment = self._environment("gateway", broker_port) | {
            "KLEINMAELZUNG_LISTEN": f"127.0.0.1:{port}",
        }
        command = [sys.executable, "-m", "kleinmaelzung_gateway"]
        child = Child(name=name, command=command, environment=environment, is_ready=lambda: self._is_well(name))
        return Part(child, self.log / f"{name}.log")

    def logger(self, number: int, broker_port: int) -> Part:
        name = "logger" if number == 1 else f"logger-{number}"
        environment = self._environment(name, broker_port) | {
            "KLEINMAELZUNG_DSN": self.dsn,
            "KLEINMAELZUNG_NAME": name,
            "KLEINMAELZUNG_HEALTH_FILE": str(self.directory / f"{name}.well"),
        }
        child = Child(
            name=name,
            command=[sys.executable, "-m", self.size.logger_module],
            environment=environment,
            is_ready=lambda: asyncio.to_thread((self.directory / f"{name}.well").exists),
        )
        return Part(child, self.log / f"{name}.log")

    async def start(self) -> None:
        """Start all but the broker, and wait until it runs."""
        self.parts["instruments"] = Part(self._instruments(), self.log / "instruments.log")
        await self.parts["instruments"].start()
        for name, part in self.parts.items():
            if name.startswith(("gateway", "logger")):
                await part.start()
        every = json.loads((self.log / "instruments.log").read_text().splitlines()[0])
        for name, agent in self.agents.items():
            await self.field.make_disk(agent.disk)
            own = {full.partition("/")[2]: port for full, port in every.items() if full.startswith(f"{name}/")}
            agent.configure(self.url, self.brokers.passwords[access.agent_user(name)], own, self.size.load.polled_hz)
            await agent.start()

    async def end(self) -> None:
        """Leave no process but the broker's, which others end."""
        own = [part for name, part in self.parts.items() if name not in self.brokers.parts]
        for part in (*self.agents.values(), *reversed(own)):
            await part.end()

    def _environment(self, service: str, broker_port: int) -> dict[str, str]:
        secret = self.directory / f"{service}.password"
        if not secret.exists():
            write_private(secret, self.brokers.passwords[access.service_user(service)])
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "KLEINMAELZUNG_MQTT": f"mqtt://127.0.0.1:{broker_port}",
            "KLEINMAELZUNG_MQTT_KIND": self.brokers.kind,
            "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret),
        }

    def _instruments(self) -> Child:
        rates = json.dumps(self.size.load.rates_hz())
        log = self.log / "instruments.log"
        return Child(
            name="instruments",
            command=[sys.executable, "-m", "tests.faults.instruments", str(self.directory), rates],
            environment=os.environ | {"PYTHONPATH": str(ROOT)},
            is_ready=lambda: asyncio.to_thread(lambda: "\n" in log.read_text()),
        )

    async def _is_well(self, gateway: str) -> bool:
        return await asyncio.to_thread(_answers, self.urls[gateway])


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/healthz", timeout=HEALTH_S) as answer:
            return bool(json.load(answer)["ok"])
    except OSError:
        return False


@asynccontextmanager
async def open_site(directory: Path, size: Size) -> AsyncIterator[Site]:
    """Build and start everything in a directory; leaving ends it."""
    (directory / "log").mkdir(parents=True)
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(databases.fresh())
        build = _mosquitto if size.kind == "mosquitto" else _rabbitmq
        brokers = await stack.enter_async_context(build(directory, size))
        site = Site(directory, size, dsn, brokers)
        for number in range(1, max(size.gateways, size.loggers) + 1):
            first = (number - 1) % len(brokers.places)
            own_first = [*brokers.places[first:], *brokers.places[:first]]
            way = await stack.enter_async_context(balancing(own_first, in_turn=False))
            if number <= size.gateways:
                site.parts[f"gateway-{number}"] = site.gateway(number, way.port)
            if number <= size.loggers:
                logger = site.logger(number, way.port)
                site.parts[logger.name] = logger
        front = await stack.enter_async_context(balancing([int(url.rpartition(":")[2]) for url in site.urls.values()]))
        site.url = f"http://127.0.0.1:{front.port}"
        for name in size.load.agent_names:
            (directory / name).mkdir()
        stack.push_async_callback(site.end)
        await site.start()
        yield site


@asynccontextmanager
async def _mosquitto(directory: Path, size: Size) -> AsyncIterator[Brokers]:
    async with running_broker(directory) as broker:
        passwords = {access.service_user(name): secret for name, secret in broker.mosquitto.passwords.items()}
        passwords[ADMIN] = broker.mosquitto.passwords[ADMIN]
        for number in range(2, size.loggers + 1):
            passwords[f"service:logger-{number}"] = access.make_secret()
            await broker.manage(access.add_service(f"logger-{number}", passwords[f"service:logger-{number}"]))
        for name in size.load.agent_names:
            passwords[access.agent_user(name)] = AGENT_SECRET
            if name not in ("pi-1", "pi-2"):
                await broker.manage(access.add_agent(name, AGENT_SECRET))
        if size.commands:
            await broker.manage(list(size.commands))
        yield Brokers(kind="mosquitto", places=[broker.mosquitto.internal_port], passwords=passwords, parts={})


@asynccontextmanager
async def _rabbitmq(directory: Path, size: Size) -> AsyncIterator[Brokers]:
    services = ["gateway", "logger", *(f"logger-{number}" for number in range(2, size.loggers + 1))]
    accounts = [
        ADMIN,
        *size.people,
        *map(access.service_user, services),
        *map(access.agent_user, size.load.agent_names),
    ]
    async with rabbitmq.running_cluster(directory / "log", map(definition, accounts)) as cluster:
        for node in cluster.nodes:
            await _tell_rights(node.broker(ADMIN, password(ADMIN)), (ADMIN, *size.people))
        yield Brokers(
            kind="rabbitmq",
            places=[node.mqtt_port for node in cluster.nodes],
            passwords={name: password(name) for name in accounts},
            parts={node.name: node for node in cluster.nodes},
        )


async def _tell_rights(broker: bus.Broker, people: Iterable[str]) -> None:
    async with bus.connect(broker, client_id=f"{ADMIN}:rights", on_message=lambda message: None) as session:
        for name in people:
            payload = ROLES[name].to_json().encode()
            await session.publish(topics.rights(name), payload, retained=True, content_type=codec.CONTENT_TYPE_JSON)
