"""The history service: what is stored, for whoever asks. Requests from the broker in, pieces of answers out.

    broker --> Requests --> History --> Streams, each with a connection to the database of its own
                                |-----> one short look

It writes nothing but rollups. Several may run: a stream is asked of the service that opened it.
"""

import asyncio
import logging
from typing import Any, Final, Never

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services import lookup
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.history import rollups
from kleinmaelzung_services.history.answers import History
from kleinmaelzung_services.history.export import Exports
from kleinmaelzung_services.history.streams import IDLE_S, MAX_STREAMS, Streams
from kleinmaelzung_services.lookup import LookupFailed
from kleinmaelzung_services.presence import Health, Presence, run_until
from kleinmaelzung_services.requests import Requests

logger = logging.getLogger(__name__)

ROLE: Final = "history"
CHECK_EVERY_S: Final = 5.0  # people are told of a dead database before they ask
CHECK_TIMEOUT_S: Final = 10.0
WORKERS: Final = MAX_STREAMS + 2  # a slow stream must not keep others from being ended


class Service:
    """One history service. `run()` until `stop` is set."""

    def __init__(self, config: Config, idle_s: float = IDLE_S) -> None:
        self._config = config
        self._queries = lookup.read_queries(__package__, "history.sql")
        self._rolling = lookup.read_queries(__package__, "rollups.sql")
        self.streams = Streams(config.dsn, self._queries, idle_s)
        history = History(config.dsn, self.streams, self._queries)
        handlers = {**history.handlers(), **Exports(self.streams).handlers()}
        self._requests = Requests(config.name, handlers, workers=WORKERS)
        self._presence = Presence(
            config, role=ROLE, serve=self._requests.serve, on_message=self._on_message, figures=self._figures
        )

    @property
    def health(self) -> Health:
        return self._presence.health

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, then say goodbye."""
        tasks = {
            "history-broker": self._presence.keep(),
            "history-requests": self._requests.run(),
            "history-streams": self.streams.run(),
            "history-check": self._check_forever(),
            "history-rollups": rollups.keep(self._config.dsn, self._rolling),
        }
        await run_until(stop, tasks, self._presence.leave)

    def _on_message(self, message: bus.Message) -> None:
        if not self._requests.take(message):
            logger.debug("nothing is done about %s", message.topic)

    def _figures(self) -> dict[str, Any]:
        asked = self._requests
        return {"answered": asked.answered, "refused": asked.refused, "streams": len(self.streams)}

    async def _check_forever(self) -> Never:
        while True:
            reason = await self._trouble()
            if reason and self.health.healthy:
                logger.warning("%s", reason)
            elif not reason and not self.health.healthy:
                logger.info("reading the database")
            self.health.set(reason)
            await asyncio.sleep(CHECK_EVERY_S)

    async def _trouble(self) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S), lookup.open_lookup(self._config.dsn, self._queries) as opened:
                await opened.fetch("check")
        except LookupFailed as error:
            return f"database: {error}"
        except TimeoutError:
            return "database: it does not answer"
        return ""
