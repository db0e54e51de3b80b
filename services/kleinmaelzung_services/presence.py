"""Being there: a service's session with the broker for ever, and its status, retained, which says how it is.

    broker <--> Presence.keep() --> serve(session) subscribes, on_message takes what comes

The status is told at each change of health, and every STATUS_EVERY_S with the figures of the moment.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Never

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.migrate import SchemaError
from kleinmaelzung_wire import messages, topics

logger = logging.getLogger(__name__)

STATUS_EVERY_S: Final = 10.0
GOODBYE_S: Final = 3.0


@dataclass(slots=True)
class Health:
    """Whether the service can do its work, and if not, why."""

    healthy: bool = False
    reason: str = "not connected to the database yet"
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, reason: str) -> None:
        """Healthy without a reason against it."""
        if (self.healthy, self.reason) != (not reason, reason):
            self.healthy, self.reason = not reason, reason
            self.changed.set()


def show_health(file: Path | None, health: Health) -> None:
    """Touch the file of who supervises this process while the service is well; its age tells when that was last."""
    if file is None:
        return
    try:
        file.touch() if health.healthy else file.unlink(missing_ok=True)
    except OSError as error:  # work goes on; who supervises us will see no file
        logger.warning("cannot show in %s how this service is: %s", file, error)


async def run_until(
    stop: asyncio.Event, tasks: Mapping[str, Coroutine[Any, Any, Never]], leave: Callable[[], Awaitable[None]]
) -> None:
    """Run these tasks, by their names, until `stop` is set; leave while they still run. A fault of one ends all."""
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(task, name=name) for name, task in tasks.items()]
        await stop.wait()
        await leave()
        for task in running:
            task.cancel()


class Presence:
    """One service at the broker: `keep()` must be running. `role` is what it does, its name which one of several."""

    def __init__(
        self,
        config: Config,
        *,
        role: str,
        serve: Callable[[bus.Session], Awaitable[None]],
        on_message: bus.OnMessage,
        figures: Callable[[], dict[str, Any]],
    ) -> None:
        self.health = Health()
        self.session: bus.Session | None = None
        self._connected = asyncio.Event()
        self._has_left = False  # what it said last is a goodbye, and retained
        self._config = config
        self._role = role
        self._subscribe = serve
        self._on_message = on_message
        self._figures = figures
        self._since_us = time.time_ns() // 1000
        self._topic = topics.service_status(config.name)

    async def keep(self) -> Never:
        """Hold a session up for ever, and say how the service is."""
        # Random, so that two services with the same name do not take over each other's session for ever. What they
        # then share is the status: the will of one that dies is corrected by the other's next.
        client_id = f"{self._config.name}-{secrets.randbits(32):08x}"
        will = bus.Will(topic=self._topic, payload=self._status(online=False))
        await bus.keep(
            self._config.broker, client_id=client_id, serve=self._serve, on_message=self._on_message, will=will
        )

    async def leave(self, reason: str = "") -> None:
        """Say that the service ends, where somebody is there to hear it."""
        self._has_left = True
        if self.session is not None:
            try:
                await self.session.publish(self._topic, self._status(online=False, reason=reason), retained=True)
            except bus.BusError as error:
                logger.debug("no goodbye: %s", error)

    async def explained(self, work: Coroutine[Any, Any, Never]) -> Never:
        """Do this for ever; where the database ends it for good, say why before the service ends."""
        try:
            await work
        except SchemaError as error:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._connected.wait()
                    await self.leave(f"database: {error}")
            raise
        raise AssertionError("this does not end")

    async def _serve(self, session: bus.Session) -> None:
        await self._subscribe(session)
        self.session = session
        self._connected.set()
        try:
            while True:
                self.health.changed.clear()
                if not self._has_left:
                    await session.publish(self._topic, self._status(online=True), retained=True)
                show_health(self._config.health_file, self.health)
                try:
                    async with asyncio.timeout(STATUS_EVERY_S):
                        await self.health.changed.wait()
                except TimeoutError:
                    pass
        finally:
            self.session = None
            self._connected.clear()

    def _status(self, *, online: bool, reason: str = "") -> bytes:
        health = self.health
        return messages.ServiceStatus(
            role=self._role,
            online=online,
            healthy=online and health.healthy,
            since=self._since_us,
            version=metadata.version("kleinmaelzung"),
            reason=(health.reason if online else reason)[: messages.MAX_SENTENCE],
            figures=self._figures() if online else {},
        ).encode()
