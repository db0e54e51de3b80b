"""The calibration service: requests from the broker; certificates drawn, kept in the database, and told of.

broker --> Requests --> making (in a thread) --> Store, or Told (what was issued)
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.calibration.certificates import making
from kleinmaelzung_services.calibration.certificates.asked import Wish
from kleinmaelzung_services.calibration.certificates.store import Made, Place, Store
from kleinmaelzung_services.calibration.certificates.told import Told
from kleinmaelzung_services.calibration.documents.certificate.certificate_reports import Refused
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Health, Presence, run_until
from kleinmaelzung_services.requests import Asked, RequestRefused, Requests
from kleinmaelzung_services.writing import Keeper, Unavailable
from kleinmaelzung_wire import certificates, sockets


@dataclass(slots=True)
class Figures:
    """What was done since the start."""

    issued: int = 0


class Service:
    """One calibration service. `run()` until `stop` is set."""

    def __init__(self, config: Config) -> None:
        self.figures = Figures()
        self._store = Store(config.dsn)
        told = Told(config.dsn)
        self._requests = Requests(
            config.name,
            {
                certificates.ISSUE: self._issue,
                certificates.KNOWN: told.known,
                certificates.LIST: told.list,
                certificates.FILE: told.file,
            },
        )
        self._presence = Presence(
            config, role=certificates.ROLE, serve=self._requests.serve, on_message=self._on_message, figures=self._told
        )
        self._keeper = Keeper(self._store.tables, self.health)

    @property
    def health(self) -> Health:
        return self._presence.health

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, say goodbye. Raises a group with migrate.SchemaError."""
        tasks = {
            "calibration-broker": self._presence.keep(),
            "calibration-database": self._presence.explained(self._keeper.run()),
            "calibration-requests": self._requests.run(),
        }
        await run_until(stop, tasks, self._presence.leave)

    def _on_message(self, message: bus.Message) -> None:
        self._requests.take(message)

    def _told(self) -> dict[str, Any]:
        asked = {"answered": self._requests.answered, "refused": self._requests.refused}
        return {"issued": self.figures.issued, **asked, "database": self._keeper.installation}

    async def _issue(self, asked: Asked) -> dict[str, Any]:
        """The handler for ISSUE. Numbers are calculated and pages drawn in a thread: others are answered meanwhile."""
        wish, at = Wish.parse(asked), datetime.now(UTC).replace(microsecond=0)
        try:
            prepared = await asyncio.to_thread(making.prepare, wish)
            item = prepared.results.record.item.id
            wish.check_item(item)

            async def draw(place: Place) -> Made:
                return await asyncio.to_thread(making.draw, prepared, wish, place)

            issued = await self._store.issue(wish, item, at, draw)
        except Unavailable as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"it is not issued: {error}") from error
        except Refused as error:
            return {"certificate": None, "mistakes": [one["sentence"] for one in error.mistakes]}
        self.figures.issued += 1
        return {"certificate": issued, "mistakes": []}
