"""A service that is asked over the broker and keeps tables of its own: what batches and calibration have in common.

broker --> Presence --> Requests --> the service's handlers; Keeper sees to its tables
               | what is no request --> parts: what a service does beside answering
"""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Never, Protocol

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Health, Presence, run_until
from kleinmaelzung_services.requests import Handler, Requests
from kleinmaelzung_services.writing import Keeper, Tables


class Part(Protocol):
    """What a service does beside answering: it may listen to topics of its own, and publish."""

    async def serve(self, session: bus.Session) -> None:
        """Subscribe on a new session, and keep it to publish by. Raises BusError."""

    def take(self, message: bus.Message) -> bool:
        """Whether a message was for this part."""

    async def run(self) -> Never:
        """Work for ever, also where there is no session; the tables have been made before."""


class Answering:
    """`run()` until `stop` is set. `figures` are what the service itself counts, told in its status."""

    def __init__(
        self,
        config: Config,
        *,
        role: str,
        handlers: Mapping[str, Handler],
        tables: Tables,
        figures: Callable[[], dict[str, Any]],
        parts: Mapping[str, Part] = MappingProxyType({}),
    ) -> None:
        self._role = role
        self._figures = figures
        self._parts = parts
        self._requests = Requests(config.name, handlers)
        self._presence = Presence(config, role=role, serve=self._serve, on_message=self._on_message, figures=self._told)
        self._keeper = Keeper(tables, self.health)

    @property
    def health(self) -> Health:
        return self._presence.health

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, say goodbye. Raises a group with migrate.SchemaError."""
        tasks = {
            f"{self._role}-broker": self._presence.keep(),
            f"{self._role}-database": self._presence.explained(self._keeper.run()),
            f"{self._role}-requests": self._requests.run(),
            **{f"{self._role}-{name}": self._work(part) for name, part in self._parts.items()},
        }
        await run_until(stop, tasks, self._presence.leave)

    async def _work(self, part: Part) -> Never:
        """Once the tables are there."""
        await self._keeper.prepared.wait()
        await part.run()

    async def _serve(self, session: bus.Session) -> None:
        """Parts first: who asks may expect that they work."""
        for part in self._parts.values():
            await part.serve(session)
        await self._requests.serve(session)

    def _on_message(self, message: bus.Message) -> None:
        if not self._requests.take(message):
            any(part.take(message) for part in self._parts.values())

    def _told(self) -> dict[str, Any]:
        asked = {"answered": self._requests.answered, "refused": self._requests.refused}
        return {**self._figures(), **asked, "database": self._keeper.installation}
