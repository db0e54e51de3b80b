"""A laboratory that remembers: an agent's session, logger and history service, at a real broker and a real database."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.history.service import Service as History
from kleinmaelzung_services.logger.service import Service as Logger
from kleinmaelzung_wire import frames, topics
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.messages import ServiceStatus
from tests.brokers import AGENT_SECRET, TestBroker
from tests.databases import query
from tests.waiting import until

T = 1_764_000_000_000_000  # when frame 0 was taken
STEP_US = 1000
EPOCH_US = 3_600_000_000


@asynccontextmanager
async def running(service: Logger | History) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(service.run(stop), name="service")
        try:
            yield
        finally:
            stop.set()
            await task


def frame(number: int, *, epoch: int = 7, time: int | None = None, samples: int = 1, text: str = "") -> bytes:
    """A frame whose times and values are told by its name; a later epoch is later."""
    at = T + (epoch - 7) * EPOCH_US + number * STEP_US if time is None else time
    channels: dict[str, list[frames.Value]] = {"mass": [number + index / 10 for index in range(samples)]}
    if text:
        channels["text"] = [text] * samples
    return frames.encode(
        Frame(
            epoch=epoch,
            number=number,
            times=tuple(range(at, at + samples)),
            channels=channels,
            units={"mass": "g"},
            clock=Clock(synchronised=True),
        )
    )


class Recorded:
    """An agent, and the services that can be started and stopped beside it."""

    def __init__(self, broker: TestBroker, dsn: str, agent: str = "pi-1") -> None:
        self.dsn = dsn
        self._agent = agent
        self._broker = broker
        self._session: bus.Session | None = None
        self._well: set[str] = set()
        self._stacks: dict[str, AsyncExitStack] = {}

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        stranger = self._broker.stranger(f"agent:{self._agent}", AGENT_SECRET)
        connection = bus.connect(stranger, client_id="recorded", on_message=self._take)
        self._session = await self._stack.enter_async_context(connection)
        await self._session.subscribe(topics.any_service_status())
        return self

    async def __aexit__(self, *error: object) -> None:
        for role in list(self._stacks):
            await self.stop(role)
        await self._stack.aclose()

    async def start(self, *roles: str, idle_s: float = 30.0) -> None:
        """Start `logger` or `history`, until it is well."""
        for role in roles:
            config = Config(broker=self._broker.mosquitto.broker(role), dsn=self.dsn, name=role)
            service = Logger(config) if role == "logger" else History(config, idle_s)
            self._stacks[role] = AsyncExitStack()
            await self._stacks[role].enter_async_context(running(service))
            await until(lambda: role in self._well, f"{role} is well")  # noqa: B023

    async def stop(self, role: str) -> None:
        await self._stacks.pop(role).aclose()
        await until(lambda: role not in self._well, f"{role} is away")

    def say(
        self, numbers: Iterable[int], instrument: str = "balance", kind: str = "data", *, epoch: int = 7, text: str = ""
    ) -> None:
        """Send frames of these numbers."""
        for number in numbers:
            self.send(frame(number, epoch=epoch, text=text), instrument, kind)

    def send(self, payload: bytes, instrument: str = "balance", kind: str = "data") -> None:
        assert self._session is not None
        self._session.publish_soon(topics.instrument(self._agent, instrument, kind), payload)

    async def retain(self, instrument: str, kind: str, payload: bytes) -> None:
        assert self._session is not None
        await self._session.publish(topics.instrument(self._agent, instrument, kind), payload, retained=True)

    async def logged(self, count: int) -> None:
        """Wait until so many frames, or more, are committed."""
        async with asyncio.timeout(30):
            while await query(self.dsn, "SELECT count(*) >= $1 FROM frames", count) != [(True,)]:
                await asyncio.sleep(0.02)

    def _take(self, message: bus.Message) -> None:
        status = ServiceStatus.decode(message.payload)
        if status.online and status.healthy:
            self._well.add(status.role)
        else:
            self._well.discard(status.role)
