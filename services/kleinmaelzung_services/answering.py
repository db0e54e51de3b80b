"""A service that is asked over the broker and keeps tables of its own: what batches and calibration have in common.

broker --> Presence --> Requests --> the service's handlers; Keeper sees to its tables
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Health, Presence, run_until
from kleinmaelzung_services.requests import Handler, Requests
from kleinmaelzung_services.writing import Keeper, Tables


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
    ) -> None:
        self._role = role
        self._figures = figures
        self._requests = Requests(config.name, handlers)
        self._presence = Presence(
            config, role=role, serve=self._requests.serve, on_message=self._on_message, figures=self._told
        )
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
        }
        await run_until(stop, tasks, self._presence.leave)

    def _on_message(self, message: bus.Message) -> None:
        self._requests.take(message)

    def _told(self) -> dict[str, Any]:
        asked = {"answered": self._requests.answered, "refused": self._requests.refused}
        return {**self._figures(), **asked, "database": self._keeper.installation}
