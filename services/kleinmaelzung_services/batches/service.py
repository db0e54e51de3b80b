"""The service of batches: requests from the broker, each to the database and answered.

broker --> Requests --> Store (what is to be noted) or Told (what was)
"""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any

from kleinmaelzung_services.answering import Answering
from kleinmaelzung_services.batches.changes import KINDS, Change
from kleinmaelzung_services.batches.store import Store
from kleinmaelzung_services.batches.told import Told
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Health
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_services.writing import Unavailable
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
        handlers = {batches.LIST: told.list, batches.SHOW: told.show, **dict.fromkeys(KINDS, self._note)}
        self._answering = Answering(
            config,
            role=batches.ROLE,
            handlers=handlers,
            tables=self._store.tables,
            figures=lambda: asdict(self.figures),
        )

    @property
    def health(self) -> Health:
        return self._answering.health

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, say goodbye. Raises a group with migrate.SchemaError."""
        await self._answering.run(stop)

    async def _note(self, asked: Asked) -> dict[str, Any]:
        change = Change.parse(asked)
        try:
            answer = await self._store.write(change, time.time_ns() // 1000)
        except Unavailable as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"it is not noted: {error}") from error
        self.figures.noted += 1
        return answer
