"""The calibration service: requests from the broker; certificates drawn, kept in the database, and told of.

broker --> Requests --> making (in a thread) --> Store, or Told (what was issued)
"""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from kleinmaelzung_services.answering import Answering
from kleinmaelzung_services.calibration.certificates import making
from kleinmaelzung_services.calibration.certificates.asked import Wish
from kleinmaelzung_services.calibration.certificates.store import Made, Place, Store
from kleinmaelzung_services.calibration.certificates.told import Told
from kleinmaelzung_services.calibration.documents.certificate.certificate_reports import Refused
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Health
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_services.writing import Unavailable
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
        handlers = {
            certificates.ISSUE: self._issue,
            certificates.KNOWN: told.known,
            certificates.LIST: told.list,
            certificates.FILE: told.file,
        }
        self._answering = Answering(
            config,
            role=certificates.ROLE,
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
