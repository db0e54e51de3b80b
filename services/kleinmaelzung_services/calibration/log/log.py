"""The log of calibrations in the database: what happened in, entries out; and whether it is whole.

One transaction under one lock: look whether it was done before, and whether anything was written since the caller read;
then write. So a request that is sent again is done once, and of two who decide at the same time one decides anew.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import store
from kleinmaelzung_services.calibration.log import entries, verifying
from kleinmaelzung_services.calibration.log.entries import Again, Draft, Entry, LogDamaged, Moved
from kleinmaelzung_services.calibration.log.verifying import Verified
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.writing import Tables, Unavailable

QUERIES = "log.sql"


class Log:
    """The log of one database. Everything raises Unavailable where the database does not answer."""

    def __init__(self, dsn: str) -> None:
        self.tables: Tables = store.tables(dsn)
        self._queries = lookup.read_queries(store.PACKAGE, QUERIES)

    # Writing. Each raises Moved, Again, ClockBehind; ValueError for details that no database can store.

    async def append(
        self, subject: str, drafts: Sequence[Draft], *, user: str, request: str, expected: int, now_us: int
    ) -> list[Entry]:
        """Write what happened to a subject. `expected` is the number of its newest entry that was read, 0 for none.

        `request` is the caller's id of it: sent again, it raises Again; "" where nobody asked.
        """
        async with self.tables.connection() as connection, connection.transaction():
            return await self.append_in(
                connection, subject, drafts, user=user, request=request, expected=expected, now_us=now_us
            )

    async def append_in(
        self,
        connection: Any,
        subject: str,
        drafts: Sequence[Draft],
        *,
        user: str,
        request: str,
        expected: int,
        now_us: int,
    ) -> list[Entry]:
        """The same, within the caller's transaction."""
        await self._begin(connection, user, request)
        newest = await connection.fetchval(self._queries["find_newest"], subject)
        if newest != expected:
            raise Moved(f"{subject} has entry {newest} now, not {expected}: somebody else was first")
        return await self._write(connection, subject, drafts, user, request, now_us)

    async def create_run(
        self, drafts: Sequence[Draft], *, user: str, request: str, expected: int, now_us: int
    ) -> list[Entry]:
        """Write the beginning of a new run, the first draft of kind "created"; its number is in the entries' subject.

        `expected` is what newest_created() said before the open runs were read: no run was created since.
        """
        async with self.tables.connection() as connection, connection.transaction():
            await self._begin(connection, user, request)
            newest = await connection.fetchval(self._queries["find_newest_created"])
            if newest != expected:
                raise Moved(f"another run was created meanwhile: entry {newest}, not {expected}")
            year = entries.year_of(now_us)
            prefix = f"{entries.RUN}R-{year}-"
            highest = await connection.fetchval(self._queries["find_highest_run"], prefix)
            subject = f"{entries.RUN}{entries.next_run(year, highest)}"
            return await self._write(connection, subject, drafts, user, request, now_us)

    async def add_file(self, content: bytes) -> str:
        """Keep a file. Returns its SHA-256 in hexadecimal digits; what is there already is there once."""
        sha256 = hashlib.sha256(content)
        async with self.tables.connection() as connection:
            await connection.execute(self._queries["add_file"], sha256.digest(), content)
        return sha256.hexdigest()

    # Reading.

    async def read(self, subject: str, after: int = 0) -> list[Entry]:
        """All that happened to a subject behind entry `after`, in its order."""
        return await self._read("find_subject", subject, after)

    async def read_back(self, subject: str, before: int | None, limit: int) -> list[Entry]:
        """What happened to a subject before an entry, the newest first."""
        return await self._read("find_subject_back", subject, before, limit)

    async def last(self, prefix: str, before: int | None = None, limit: int | None = None) -> list[Entry]:
        """The newest entry of each subject that begins like this, the newest first."""
        return await self._read("find_last", prefix, before, limit)

    async def created(self, before: int | None = None, limit: int | None = None) -> list[Entry]:
        """The entries that began runs, the newest first."""
        return await self._read("find_created", before, limit)

    async def subjects(self, prefix: str) -> list[str]:
        async with self._lookup() as opened:
            return [row["subject"] for row in await opened.fetch("find_subjects", prefix)]

    async def open_runs(self) -> list[str]:
        """The subjects of runs that were neither issued nor aborted, the oldest first."""
        async with self._lookup() as opened:
            return [row["subject"] for row in await opened.fetch("find_open_runs")]

    async def newest_created(self) -> int:
        """The number of the entry that began the newest run; 0 where there is none."""
        async with self._lookup() as opened:
            [row] = await opened.fetch("find_newest_created")
            return int(row[0])

    async def done(self, user: str, request: str) -> list[Entry]:
        """What came of a request that was sent before; empty where it was not."""
        return await self._read("find_request", user, request)

    async def file(self, sha256: str) -> bytes | None:
        """A file that is kept, by its SHA-256 in hexadecimal digits."""
        async with self._lookup() as opened:
            rows = await opened.fetch("find_file", bytes.fromhex(sha256))
            return bytes(rows[0]["content"]) if rows else None

    async def file_piece(self, sha256: str, offset: int, length: int) -> tuple[bytes, int] | None:
        """Some bytes of a file, and how many it has."""
        async with self._lookup() as opened:
            rows = await opened.fetch("find_file_piece", bytes.fromhex(sha256), offset, length)
            return (bytes(rows[0]["content"]), rows[0]["total"]) if rows else None

    # Whether it is whole.

    async def verify(
        self, after: int | Link | None = None, until: int | None = None, piece_s: float | None = None
    ) -> Verified:
        """Follow the chain behind an entry (from the beginning: None) to entry `until` (the end: None).

        With `piece_s` for about that long: the answer's head is where to go on.
        """
        async with self._lookup() as opened:
            return await verifying.verify(opened, after, until, piece_s)

    async def require_whole(self, first: int = 1) -> Link:
        """Verify the log from an entry on to its end. Returns its head. Raises LogDamaged."""
        found = await self.verify(after=first - 1)
        if found.first_wrong is not None:
            raise LogDamaged(found.first_wrong, found.sentence)
        return found.head

    async def _begin(self, connection: Any, user: str, request: str) -> None:
        await connection.execute(self._queries["lock"])
        if request and (known := await connection.fetch(self._queries["find_request"], user, request)):
            raise Again([entries.of_row(row) for row in known])

    async def _write(
        self, connection: Any, subject: str, drafts: Sequence[Draft], user: str, request: str, now_us: int
    ) -> list[Entry]:
        head = entries.head_of(await connection.fetch(self._queries["find_head"]))
        time_us = entries.time_of(head, now_us)
        written = entries.columns(subject, drafts, user=user, request=request, time_us=time_us)
        rows = entries.rows_of(head, written)
        await connection.executemany(self._queries["add_entry"], rows)
        return [entries.of_columns(row[0], one, row[-1]) for row, one in zip(rows, written, strict=True)]

    async def _read(self, query: str, *arguments: Any) -> list[Entry]:
        async with self._lookup() as opened:
            return [entries.of_row(row) for row in await opened.fetch(query, *arguments)]

    @asynccontextmanager
    async def _lookup(self) -> AsyncIterator[Lookup]:
        try:
            async with lookup.open_lookup(self.tables.dsn, self._queries) as opened:
                yield opened
        except LookupFailed as error:
            raise Unavailable(f"database: {error}") from error
