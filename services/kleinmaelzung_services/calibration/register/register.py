"""The register in the database: changes in, entries as they are now out. It is a part of the log of calibrations."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import store
from kleinmaelzung_services.calibration.log import entries
from kleinmaelzung_services.calibration.log.entries import Draft, Entry
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.calibration.register import told
from kleinmaelzung_services.calibration.register.told import Last, Registered
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.writing import Unavailable
from kleinmaelzung_wire.register import ITEM, Kind

QUERIES: Final = "register.sql"

# By agent and name, None for any.
Instruments = tuple[str | None, str | None]


class Register:
    """What is known of the laboratory, its standards and its instruments. Everything raises Unavailable."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._queries = lookup.read_queries(store.PACKAGE, QUERIES)

    async def find(self, kind: Kind, name: str) -> Registered | None:
        """An entry as it is now."""
        return told.registered(kind, await self.history(kind, name))

    async def history(self, kind: Kind, name: str) -> list[Entry]:
        """All that happened to an entry, in its order."""
        return await self.log.read(told.subject(kind, name))

    async def page(
        self, kind: Kind, after: str | None = None, limit: int | None = None, about: Instruments = (None, None)
    ) -> list[Registered]:
        """The entries of a kind as they are now, by name, behind that of a name; of items those of some instruments."""
        behind = None if after is None else told.subject(kind, after)
        agent, name = about if kind == ITEM else (None, None)
        async with self._lookup() as opened:
            rows = await opened.fetch("find_page", told.prefix(kind), behind, limit, agent, name)
        found = [told.registered(kind, _entries(row)) for row in rows]
        return [one for one in found if one is not None]

    async def dues(self, found: Sequence[Registered]) -> dict[str, str]:
        """When each must be calibrated again, by name; "" where nothing says so."""
        items = [one for one in found if one.kind == ITEM]
        last = await self._last(items) if items else {}
        return {one.name: told.item_due(one, last.get(one.name)) if one.kind == ITEM else one.due for one in found}

    async def write(
        self, kind: Kind, name: str, draft: Draft, *, user: str, request: str, expected: int, now_us: int
    ) -> None:
        """Note a change. Raises Moved, ClockBehind, or Again for what was noted before."""
        subject = told.subject(kind, name)
        await self.log.append(subject, [draft], user=user, request=request, expected=expected, now_us=now_us)

    async def used(
        self, name: str, span: tuple[datetime | None, datetime | None], about: Instruments, after: int, limit: int
    ) -> list[dict[str, Any]]:
        """What a standard was used for on some instruments, the newest first, behind the first `after`."""
        async with self._lookup() as opened:
            rows = await opened.fetch("find_used", name, *span, after, limit, *about)
        keys = ("run", "certificate", "revision", "instrument", "state", "verdict", "is_withdrawn")
        return [{**{key: row[key] for key in keys}, "time": lookup.to_time_us(row["time"])} for row in rows]

    async def _last(self, items: Sequence[Registered]) -> dict[str, Last]:
        names = [one.name for one in items]
        simulated = [bool(one.content.get("is_simulated")) for one in items]
        async with self._lookup() as opened:
            rows = await opened.fetch("find_performed", names, simulated)
        return {row["item"]: _last_of(row) for row in rows}

    @asynccontextmanager
    async def _lookup(self) -> AsyncIterator[Lookup]:
        try:
            async with lookup.open_lookup(self.log.tables.dsn, self._queries) as opened:
                yield opened
        except LookupFailed as error:
            raise Unavailable(f"database: {error}") from error


def _last_of(row: Any) -> Last:
    return Last(performed=date.fromisoformat(row["performed"]), interval_months=row["interval_months"])


def _entries(row: Any) -> list[Entry]:
    """What was put last, and the newest entry, where that is another."""
    last = entries.of_row(row)
    if row["put"] == last.number:
        return [last]
    put = {**row, "number": row["put"], "kind": told.PUT, "details": row["put_details"]}
    return [entries.of_row(put), last]
