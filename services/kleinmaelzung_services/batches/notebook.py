"""The notes of one database: added, withdrawn, and found again. A connection for each.

What is written is so in one transaction under one lock, after a look whether it was done before.
"""

from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.batches import notes as judged
from kleinmaelzung_services.batches import told
from kleinmaelzung_services.batches.notes import Addition, Note, Withdrawal
from kleinmaelzung_services.lookup import LookupFailed
from kleinmaelzung_services.pages import page
from kleinmaelzung_services.requests import Asked
from kleinmaelzung_services.writing import Tables
from kleinmaelzung_wire import notes, topics

QUERIES: Final = "notes.sql"
_ANY_TIME: Final = (None, None, None, None, None, 1)


class Notebook:
    """Reads and writes notes."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._queries = lookup.read_queries(__package__, QUERIES)

    async def add(self, addition: Addition, now_us: int) -> dict[str, Any]:
        """Note it. Returns the answer. Raises RequestRefused, WireError, or Unavailable."""
        async with self._tables.connection() as connection, connection.transaction():
            await connection.execute(self._queries["lock"])
            again = await connection.fetchval(self._queries["find_added"], addition.user, addition.id)
            if again is None:
                number = await self._add(connection, addition, now_us)
                return _answer(await self._note(connection, number))
            known = await self._note(connection, again)
            judged.check_added(addition, known)
            return _answer(known)

    async def withdraw(self, withdrawal: Withdrawal, now_us: int) -> dict[str, Any]:
        """Note that a note was wrong. Returns the answer. Raises RequestRefused, or Unavailable."""
        async with self._tables.connection() as connection, connection.transaction():
            await connection.execute(self._queries["lock"])
            again = await connection.fetchval(self._queries["find_withdrawn"], withdrawal.user, withdrawal.id)
            if again is not None:
                known = await self._note(connection, again)
                judged.check_withdrawn(withdrawal, known)
                return _answer(known)
            judged.check_may_withdraw(withdrawal, await self._find(connection, withdrawal.number))
            row = lookup.to_datetime(now_us), withdrawal.user, withdrawal.reason, withdrawal.id
            await connection.execute(self._queries["add_withdrawal"], withdrawal.number, *row)
            return _answer(await self._note(connection, withdrawal.number))

    async def list(self, asked: Asked) -> dict[str, Any]:
        """The handler for LIST."""
        wire = asked.request.fields()
        limit = wire.integer("limit", minimum=1, maximum=notes.PAGE, default=notes.PAGE)
        span = lookup.moment(wire, "from"), lookup.moment(wire, "to")
        conditions = None, *lookup.instruments(asked.request), *span, wire.optional_integer("after")
        try:
            async with lookup.open_lookup(self._tables.dsn, self._queries) as opened:
                rows = await opened.fetch("find_notes", *conditions, limit + 1)
        except LookupFailed as error:
            raise told.unavailable(error) from error
        return page({}, "notes", [asdict(judged.from_row(row)) for row in rows], limit)

    async def _add(self, connection: Any, addition: Addition, now_us: int) -> int:
        at, until = judged.span_of(addition, now_us)
        span = lookup.to_datetime(at), None if until is None else lookup.to_datetime(until)
        said = addition.text, addition.user, lookup.to_datetime(now_us), addition.id
        names = topics.split_full_name(addition.instrument)
        number: int = await connection.fetchval(self._queries["add_note"], *names, *span, *said)
        return number

    async def _find(self, connection: Any, number: int) -> Note | None:
        rows = await connection.fetch(self._queries["find_notes"], number, *_ANY_TIME)
        return judged.from_row(rows[0]) if rows else None

    async def _note(self, connection: Any, number: int) -> Note:
        found = await self._find(connection, number)
        assert found is not None
        return found


def _answer(note: Note) -> dict[str, Any]:
    return {"note": asdict(note)}
