"""The calibration service: requests from the broker; certificates and the register kept in the database, and told of.

broker --> Requests --> Issuer (certificates), Registrar (the laboratory, its standards and instruments), Past, Leading
                               |--> Publishing --> broker: what holds of each instrument     runs  |
broker: streams --> Conducting, which captures, and holds instruments  <---------------------------´
"""

import asyncio
from typing import Any

from kleinmaelzung_services.answering import Answering
from kleinmaelzung_services.calibration.certificates.issuer import Issuer
from kleinmaelzung_services.calibration.certificates.store import Store
from kleinmaelzung_services.calibration.in_force import building
from kleinmaelzung_services.calibration.in_force.past import Past
from kleinmaelzung_services.calibration.in_force.publishing import Publishing
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.calibration.register.asked import Registrar
from kleinmaelzung_services.calibration.register.register import Register
from kleinmaelzung_services.calibration.running.asked import Leading
from kleinmaelzung_services.calibration.running.beginning import Beginning
from kleinmaelzung_services.calibration.running.book import Book
from kleinmaelzung_services.calibration.running.conducting import Conducting
from kleinmaelzung_services.calibration.running.doing import Doing
from kleinmaelzung_services.calibration.running.logged import Logged
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.presence import Health
from kleinmaelzung_wire import certificates


class Service:
    """One calibration service. `run()` until `stop` is set."""

    def __init__(self, config: Config) -> None:
        store, log = Store(config.dsn), Log(config.dsn)
        publishing, past, register = Publishing(config.dsn), Past(config.dsn), Register(log)
        self._issuer = Issuer(store, log, attach=building.attach, changed=publishing.changed)
        registrar = Registrar(register, changed=publishing.changed)
        book = Book(log)
        self._conducting = Conducting(config.name, book)
        beginning = Beginning(book, register, self._conducting.watching)
        doing = Doing(book, self._conducting, Logged(config.dsn), self._issuer)
        leading = Leading(book, self._conducting, beginning, doing)
        self._answering = Answering(
            config,
            role=certificates.ROLE,
            handlers={**self._issuer.handlers(), **registrar.handlers(), **past.handlers(), **leading.handlers()},
            tables=store.tables,
            figures=self._told,
            parts={"in-force": publishing, "runs": self._conducting},
        )

    @property
    def health(self) -> Health:
        return self._answering.health

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, say goodbye. Raises a group with migrate.SchemaError."""
        await self._answering.run(stop)

    def _told(self) -> dict[str, Any]:
        return {"issued": self._issuer.issued, "runs": self._conducting.figures()}
