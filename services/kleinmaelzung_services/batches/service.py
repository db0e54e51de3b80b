"""The service of batches: requests from the broker, each to the database and answered.

broker --> Requests --> Store (what is to be noted) or Told (what was)
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.batches.changes import KINDS, Change
from kleinmaelzung_services.batches.store import Store
from kleinmaelzung_services.batches.told import Told
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Health, Presence, run_until
from kleinmaelzung_services.requests import Asked, RequestRefused, Requests
from kleinmaelzung_services.writing import Keeper, Unavailable
from kleinmaelzung_wire import batches, sockets


@dataclass(slots=True)
class Figures:
    """What was done since the start."""

    noted: int = 0


class Service:
    """One service of batches. `run()` until `stop` is set."""

    def __init__(self, config: Config) -> None:
        self.figures = Figures()
        self._store = Store(config.dsn)
        told = Told(config.dsn)
        self._requests = Requests(
            config.name, {batches.LIST: told.list, batches.SHOW: told.show, **dict.fromkeys(KINDS, self._note)}
        )
        self._presence = Presence(
            config, role=batches.ROLE, serve=self._requests.serve, on_message=self._on_message, figures=self._told
        )
        self._keeper = Keeper(self._store.tables, self.health)

    @property
    def health(self) -> Health:
        return self._presence.health

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, say goodbye. Raises a group with migrate.SchemaError."""
        tasks = {
            "batches-broker": self._presence.keep(),
            "batches-database": self._presence.explained(self._keeper.run()),
            "batches-requests": self._requests.run(),
        }
        await run_until(stop, tasks, self._presence.leave)

    def _on_message(self, message: bus.Message) -> None:
        self._requests.take(message)

    def _told(self) -> dict[str, Any]:
        asked = {"answered": self._requests.answered, "refused": self._requests.refused}
        return {"noted": self.figures.noted, **asked, "database": self._keeper.installation}

    async def _note(self, asked: Asked) -> dict[str, Any]:
        change = Change.parse(asked)
        try:
            answer = await self._store.write(change, time.time_ns() // 1000)
        except Unavailable as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"it is not noted: {error}") from error
        self.figures.noted += 1
        return answer
