"""Issuing: a wish in, the certificate in the database and the entry of the register out. A connection for each.

One transaction under one lock: look whether it was done before, choose number and revision, draw, write. So a number is
given once, a certificate is whole or not there, and a request that is sent again is done once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kleinmaelzung_services import lookup, migrate
from kleinmaelzung_services.calibration.certificates import entries
from kleinmaelzung_services.calibration.certificates.asked import Wish
from kleinmaelzung_services.calibration.certificates.entries import Entry
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.requests import RequestRefused
from kleinmaelzung_services.writing import Tables
from kleinmaelzung_wire import sockets

PACKAGE: Final = "kleinmaelzung_services.calibration"
PART: Final = migrate.Part(package=PACKAGE, table="calibration_migrations")
QUERIES: Final = "certificates.sql"
PROBE: Final = "SELECT FROM certificate_register LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the register chose: number and revision, and the certificate that this one takes the place of."""

    number: str
    revision: int
    replaces: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A certificate as it was drawn."""

    pdf: bytes
    sha256: bytes
    data_sha256: bytes
    details: dict[str, Any]


Draw = Callable[[Place], Awaitable[Made]]


class Store:
    """The certificates of one database."""

    def __init__(self, dsn: str) -> None:
        self.tables = Tables(dsn=dsn, part=PART, what="calibration", probe=PROBE)
        self._queries = lookup.read_queries(PACKAGE, QUERIES)

    async def issue(self, wish: Wish, item: str, at: datetime, draw: Draw) -> dict[str, Any]:
        """Issue it. Returns the entry as it is told. Raises RequestRefused, what `draw` raises, or Unavailable."""
        async with self.tables.connection() as connection, connection.transaction():
            await connection.execute(self._queries["lock"])
            if again := await connection.fetch(self._queries["find_request"], wish.user, wish.id):
                return entries.told(again[0])
            place = await self._place(connection, wish, at)
            made = await draw(place)
            entry = Entry(
                time=lookup.to_time_us(at),
                kind=entries.ISSUED,
                certificate=place.number,
                revision=place.revision,
                username=wish.user,
                item=item,
                pdf=made.sha256,
                data=made.data_sha256,
                details=entries.details(made.details),
                request=wish.id,
            )
            head = await connection.fetch(self._queries["find_head"])
            await connection.execute(self._queries["add_file"], made.sha256, made.pdf)
            row = entries.row_of(Link(*head[0]) if head else Link(), entry)
            await connection.execute(self._queries["add_entry"], *row)
            [written] = await connection.fetch(self._queries["find_request"], wish.user, wish.id)
            return entries.told(written)

    async def _place(self, connection: Any, wish: Wish, at: datetime) -> Place:
        if wish.amends:
            issued = await connection.fetch(self._queries["find_certificate"], wish.amends)
            if not issued:
                raise RequestRefused(sockets.UNKNOWN, f"there is no certificate {wish.amends} to amend")
            last = issued[0]["revision"]
            return Place(number=wish.amends, revision=last + 1, replaces=f"{wish.amends}/{last}", at=at)
        number = wish.number or await self._next_number(connection, at)
        if await connection.fetch(self._queries["find_certificate"], number):
            sentence = f"certificate {number} is issued already: choose another number, or amend it"
            raise RequestRefused(sockets.CONFLICT, sentence)
        return Place(number=number, revision=1, replaces="", at=at)

    async def _next_number(self, connection: Any, at: datetime) -> str:
        prefix = f"K-{at.year}-"
        highest = await connection.fetchval(self._queries["find_highest"], prefix)
        return f"{prefix}{(highest or 0) + 1:04}"
