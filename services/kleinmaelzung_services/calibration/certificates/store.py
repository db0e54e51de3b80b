"""Issuing and withdrawing: a wish in, the certificate in the database and the entry of the register out.

One transaction under one lock, on a connection of its own: look whether it was done before, choose number and revision,
draw, write. So a number is given once, a certificate is whole or not there, and a request that is sent again is done
once.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kleinmaelzung_services import lookup, migrate
from kleinmaelzung_services.calibration.certificates import entries
from kleinmaelzung_services.calibration.certificates.asked import Wish, Withdrawal, covers
from kleinmaelzung_services.calibration.certificates.entries import Entry, Row
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
    """What the register chose: number and revision, and the certificate that this one takes the place of.

    `run` is that of which the first revision came.
    """

    number: str
    revision: int
    replaces: str
    at: datetime
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A certificate as it was drawn, and the files that belong to it, by name."""

    pdf: bytes
    sha256: bytes
    data_sha256: bytes
    details: dict[str, Any]
    attachments: Mapping[str, bytes] = field(default_factory=dict)


Draw = Callable[[Place], Awaitable[Made]]
# Writes what else belongs to the issue, in its transaction: a connection and the certificate in, further details out.
Also = Callable[[Any, dict[str, Any]], Awaitable[dict[str, Any]]]


def tables(dsn: str) -> Tables:
    """Those of the service of calibrations: certificates, and the log."""
    return Tables(dsn=dsn, part=PART, what="calibration", probe=PROBE)


class Store:
    """The certificates of one database."""

    def __init__(self, dsn: str) -> None:
        self.tables = tables(dsn)
        self._queries = lookup.read_queries(PACKAGE, QUERIES)

    async def issue(self, wish: Wish, item: str, at: datetime, draw: Draw, also: Also | None = None) -> dict[str, Any]:
        """Issue it. Returns the entry as it is told.

        Raises RequestRefused, what `draw` and `also` raise, or Unavailable: then nothing was written.
        """
        async with self.tables.connection() as connection, connection.transaction():
            await connection.execute(self._queries["lock"])
            if again := await self._done(connection, wish.user, wish.id, entries.ISSUED):
                return await self._told(connection, again["number"])
            place = await self._place(connection, wish, at)
            await connection.execute(self._queries["wait_for_drawing"])
            made = await draw(place)
            head = await self._head(connection)
            entry = _issued(wish, item, place, made, {})
            if also is not None:
                further = await also(connection, entries.told_before(head.number + 1, entry))
                entry = _issued(wish, item, place, made, further)
            await connection.execute(self._queries["add_file"], made.sha256, made.pdf)
            files = [(made.sha256, name, content) for name, content in made.attachments.items()]
            await connection.executemany(self._queries["add_attachment"], files)
            await connection.execute(self._queries["add_entry"], *entries.row_of(head, entry))
            return await self._told(connection, head.number + 1)

    async def withdraw(self, wish: Withdrawal, at: datetime) -> dict[str, Any]:
        """Say that a certificate holds no more. Returns its newest revision as it is told.

        Raises RequestRefused, or Unavailable.
        """
        async with self.tables.connection() as connection, connection.transaction():
            await connection.execute(self._queries["lock"])
            again = await self._done(connection, wish.user, wish.id, entries.WITHDRAWN)
            if again and again["certificate"] != wish.number:
                raise RequestRefused(sockets.CONFLICT, f"{wish.user} used the id {wish.id!r} for another request")
            issued = await connection.fetch(self._queries["find_certificate"], wish.number)
            if not issued or not covers(wish.pattern, issued[0]["item"]):
                raise entries.unknown(wish.number, wish.pattern)
            if not again:
                _check_holds(issued[0], "withdrawn again")
                head = await self._head(connection)
                await connection.execute(
                    self._queries["add_entry"], *entries.row_of(head, _withdrawn(wish, issued[0], at))
                )
            return await self._told(connection, issued[0]["number"])

    async def _done(self, connection: Any, user: str, id_: str, kind: entries.Kind) -> Row | None:
        """What a request that is sent again has written. Raises RequestRefused where its id was of another one."""
        rows = await connection.fetch(self._queries["find_request"], user, id_)
        if rows and rows[0]["kind"] != kind:
            raise RequestRefused(sockets.CONFLICT, f"{user} used the id {id_!r} for another request")
        return rows[0] if rows else None

    async def _head(self, connection: Any) -> Link:
        found = await connection.fetch(self._queries["find_head"])
        return Link(*found[0]) if found else Link()

    async def _told(self, connection: Any, number: int) -> dict[str, Any]:
        [row] = await connection.fetch(self._queries["find_entry"], number)
        return entries.told(row)

    async def _place(self, connection: Any, wish: Wish, at: datetime) -> Place:
        if wish.amends:
            issued = await connection.fetch(self._queries["find_certificate"], wish.amends)
            if not issued:
                raise RequestRefused(sockets.UNKNOWN, f"there is no certificate {wish.amends} to amend")
            _check_holds(issued[0], "amended")
            last = issued[0]["revision"]
            replaces, run = f"{wish.amends}/{last}", entries.run_of(issued[0])
            return Place(number=wish.amends, revision=last + 1, replaces=replaces, at=at, run=run)
        number = wish.number or await self._next_number(connection, at)
        if await connection.fetch(self._queries["find_certificate"], number):
            sentence = f"certificate {number} is issued already: choose another number, or amend it"
            raise RequestRefused(sockets.CONFLICT, sentence)
        return Place(number=number, revision=1, replaces="", at=at)

    async def _next_number(self, connection: Any, at: datetime) -> str:
        prefix = f"K-{at.year}-"
        highest = await connection.fetchval(self._queries["find_highest"], prefix)
        return f"{prefix}{(highest or 0) + 1:04}"


def _issued(wish: Wish, item: str, place: Place, made: Made, further: dict[str, Any]) -> Entry:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in made.attachments.items()}
    known = {"run": place.run} if place.run else {}
    return Entry(
        time=lookup.to_time_us(place.at),
        kind=entries.ISSUED,
        certificate=place.number,
        revision=place.revision,
        username=wish.user,
        item=item,
        pdf=made.sha256,
        data=made.data_sha256,
        details=entries.details({**made.details, "attachments": hashes, **known, **further}),
        request=wish.id,
    )


def _withdrawn(wish: Withdrawal, issued: Row, at: datetime) -> Entry:
    """About the revision that held until now."""
    return Entry(
        time=lookup.to_time_us(at),
        kind=entries.WITHDRAWN,
        certificate=issued["certificate"],
        revision=issued["revision"],
        username=wish.user,
        item=issued["item"],
        pdf=issued["pdf"],
        data=issued["data"],
        details=entries.details({"reason": wish.reason}),
        request=wish.id,
    )


def _check_holds(newest: Row, what: str) -> None:
    """Raise RequestRefused for a certificate that was withdrawn."""
    if (gone := entries.told(newest)["withdrawn"]) is not None:
        since = f"{lookup.to_datetime(gone['time']):%Y-%m-%d}"
        sentence = (
            f"certificate {newest['certificate']} was withdrawn by {gone['user']} on {since} ({gone['reason']}): it"
            f" cannot be {what}; issue a new one"
        )
        raise RequestRefused(sockets.CONFLICT, sentence)
