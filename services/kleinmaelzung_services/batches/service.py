"""The service of batches: requests from the broker, each to the database and answered.

broker --> Requests --> Store (what is to be noted of a batch) or Told (what was); Notebook (of instruments)
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import Any

from kleinmaelzung_services.answering import Answering
from kleinmaelzung_services.batches.changes import KINDS, Change
from kleinmaelzung_services.batches.notebook import Notebook
from kleinmaelzung_services.batches.notes import Addition, Withdrawal
from kleinmaelzung_services.batches.store import Store
from kleinmaelzung_services.batches.told import Told
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Health
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_services.writing import Unavailable
from kleinmaelzung_wire import batches, notes, sockets


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
        self._notebook = Notebook(self._store.tables)
        handlers = {
            batches.LIST: told.list,
            batches.SHOW: told.show,
            **dict.fromkeys(KINDS, self._note),
            notes.LIST: self._notebook.list,
            notes.ADD: self._add_note,
            notes.WITHDRAW: self._withdraw_note,
        }
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
        return await self._noted(self._store.write(Change.parse(asked), _now_us()))

    async def _add_note(self, asked: Asked) -> dict[str, Any]:
        return await self._noted(self._notebook.add(Addition.parse(asked), _now_us()))

    async def _withdraw_note(self, asked: Asked) -> dict[str, Any]:
        return await self._noted(self._notebook.withdraw(Withdrawal.parse(asked), _now_us()))

    async def _noted(self, writing: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        try:
            answer = await writing
        except Unavailable as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"it is not noted: {error}") from error
        self.figures.noted += 1
        return answer


def _now_us() -> int:
    return time.time_ns() // 1000
