"""What holds of each instrument, told to all: from the database in, `<agent>/<instrument>/calibration` retained out.

changed(), after something was issued, withdrawn or registered --> that instrument        a new session --> all of them
"""

import asyncio
import logging
from typing import Final, Never

from kleinmaelzung_bus import session as bus
from kleinmaelzung_bus.session import BusError, NotPermitted
from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import store
from kleinmaelzung_services.calibration.in_force import kept
from kleinmaelzung_services.lookup import LookupFailed
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

QUERIES: Final = "in_force.sql"
KIND: Final = "calibration"
WAITS: Final = Waits(first_s=0.2, longest_s=10.0)
PATIENT: Final = 3  # at the first start the tables are made meanwhile


class Publishing:
    """A part of the service (answering.Part). What could not be told is told later."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queries = lookup.read_queries(store.PACKAGE, QUERIES)
        self._session: bus.Session | None = None
        self._changed: dict[str, None] = {}  # in the order in which they did
        self._is_all = False
        self._woken = asyncio.Event()

    def changed(self, item: str) -> None:
        """Something else may hold of an instrument; one that is not of this system is nobody's to be told."""
        try:
            topics.split_full_name(item)
        except WireError:
            return
        self._changed[item] = None
        self._woken.set()

    async def serve(self, session: bus.Session) -> None:
        """Tell all anew: what changed meanwhile, perhaps by another service, is not known."""
        self._session, self._is_all = session, True
        self._woken.set()

    def take(self, message: bus.Message) -> bool:
        return False

    async def run(self) -> Never:
        """Tell what has changed, for ever."""
        failures = 0
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._tell()
                failures = 0
            except LookupFailed as error:
                failures += 1
                level = logging.WARNING if failures == PATIENT + 1 else logging.DEBUG
                logger.log(level, "what holds of the instruments is told later: the database cannot be read: %s", error)
                await asyncio.sleep(WAITS.after(failures))
                self._woken.set()
            except BusError as error:
                logger.debug("what holds of the instruments is told on the next connection: %s", error)

    async def _tell(self) -> None:
        """Raises LookupFailed, or BusError where the connection is lost: what was not told stays noted."""
        session = self._session
        if session is None:
            return
        # What changes from now on is noted anew, and read anew.
        untold, self._changed = self._changed, {}
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                if self._is_all:
                    untold |= {row["item"]: None for row in await opened.fetch("find_items")}
                    self._is_all = False
                rows = {item: await opened.fetch("find_in_force", item) for item in untold}
            for item, found in rows.items():
                await _publish(session, item, kept.in_force(found[0]).encode() if found else b"")
                del untold[item]
        finally:
            self._changed = untold | self._changed


async def _publish(session: bus.Session, item: str, payload: bytes) -> None:
    topic = topics.instrument(*topics.split_full_name(item), KIND)
    try:
        await session.publish(topic, payload, retained=True)
    except NotPermitted as error:
        logger.warning("what holds of %s is not told: %s", item, error)
