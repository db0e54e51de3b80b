"""How large the database is and how fast it grows: a request for `storage` in, one answer out.

    {request: "storage"}
    {bytes, per_day, free, days, tables: [{name, bytes, per_day, kept_days}]}

`per_day` is what was written in the last week, or as long as there is anything, in bytes a day, before compression;
null in the first ten minutes. `free` is what the database's disk has left, null where this logger cannot see it;
`days` is how long that lasts, null where it lasts for ever: a table whose old rows are removed (`kept_days`) stops
growing when it is as old as that.

How much of a table is new is seen in a few thousand of its pages, or in the size of its newest chunks: nothing is
counted, so a large database answers as soon as a small one.
"""

import asyncio
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from kleinmaelzung_services import lookup
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.keeping import Keeping
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import sockets

REQUEST: Final = "storage"
DAY_S: Final = 86_400.0
LATELY_S: Final = 7 * DAY_S
SHORTEST_S: Final = 600.0  # of less than ten minutes nobody can tell what a day brings
PAGES: Final = 2000  # read of each table: 16 MiB, well below a second
REMOVED_WITH_RAW: Final = ("frames", "samples", "traffic")
_LOCAL: Final = ("", "localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    name: str
    bytes: int
    per_day: float | None
    kept_days: float | None = None  # None: for ever
    grows_days: float | None = None  # for so long it goes on growing; None: for ever


class Storage:
    """Answers the request; a connection of its own for each."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._queries = lookup.read_queries(__package__, "storage.sql")

    async def answer(self, asked: Asked) -> dict[str, Any]:
        try:
            async with lookup.open_lookup(self._config.dsn, self._queries) as opened:
                [database] = await opened.fetch("database")
                tables = await _tables(opened, self._config.keeping)
        except LookupFailed as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}") from error
        disk = self._config.database_path or _own_disk(self._config.dsn, database["directory"])
        free = await asyncio.to_thread(_free, disk) if disk else None
        return told(database["bytes"], tables, free)


def told(size: int, tables: list[Table], free: int | None) -> dict[str, Any]:
    """The answer."""
    known = [table.per_day for table in tables if table.per_day is not None]
    days = None if free is None else lasts_days(free, tables)
    return {
        "bytes": size,
        "per_day": round(sum(known)) if known else None,
        "free": free,
        "days": None if days is None else round(days, 1),
        "tables": [
            {
                "name": one.name,
                "bytes": one.bytes,
                "per_day": None if one.per_day is None else round(one.per_day),
                "kept_days": one.kept_days,
            }
            for one in tables
        ],
    }


def lasts_days(free: float, tables: Iterable[Table]) -> float | None:
    """How long so many bytes will do; None for ever."""
    growing = [
        (inf if table.grows_days is None else table.grows_days, table.per_day) for table in tables if table.per_day
    ]
    day = 0.0
    for end in sorted({end for end, _ in growing}):
        per_day = sum(rate for until, rate in growing if until >= end)
        if per_day * (end - day) >= free:
            return day + free / per_day
        free, day = free - per_day * (end - day), end
    return None


async def _tables(opened: Lookup, keeping: Keeping) -> list[Table]:
    [age] = await opened.fetch("age")
    age_s = age["age"] or 0.0
    found = []
    for row in await opened.fetch("tables"):
        kept = _kept(row["name"], keeping)
        kept_days = None if kept is None else kept.total_seconds() / DAY_S
        found.append(
            Table(
                name=row["name"],
                bytes=row["bytes"],
                per_day=await _per_day(opened, row, age_s),
                kept_days=kept_days,
                grows_days=None if kept_days is None else max(0.0, kept_days - age_s / DAY_S),
            )
        )
    return found


def _kept(table: str, keeping: Keeping) -> timedelta | None:
    if table in REMOVED_WITH_RAW:
        return keeping.raw
    return keeping.rollups if table == "rollups" else None


async def _per_day(opened: Lookup, row: Any, age_s: float) -> float | None:
    if age_s < SHORTEST_S:
        return None
    if row["has_chunks"]:
        [found] = await opened.fetch("chunks", row["name"], LATELY_S)
        days = min(found["days"] or 0.0, age_s / DAY_S)  # the first chunk begins before the first frame
        return float(found["bytes"] / days) if days else 0.0
    percent = min(100.0, 100.0 * PAGES / row["pages"]) if row["pages"] else 100.0
    [found] = await opened.fetch(f"{row['name']}_share", percent, LATELY_S)
    return growth_per_day(row["bytes"], found["share"], age_s)


def growth_per_day(size: int, share: float | None, age_s: float) -> float:
    """What a table grew by each day, of which `share` was written lately; no rows: nothing."""
    return size * (share or 0.0) / (min(LATELY_S, age_s) / DAY_S)


def _own_disk(dsn: str, directory: str | None) -> Path | None:
    """The database's directory, where it is on this machine: elsewhere the same name is another disk."""
    try:
        is_here = (urlsplit(dsn).hostname or "") in _LOCAL
    except ValueError:
        return None
    return Path(directory) if is_here and directory else None


def _free(directory: Path) -> int | None:
    try:
        return shutil.disk_usage(directory).free
    except OSError:  # in another container, or not for us to see
        return None
