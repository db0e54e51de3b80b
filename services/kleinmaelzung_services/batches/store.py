"""Writing down what happened to batches: a change in, the record of it out. A connection for each.

One transaction under one lock: look whether it was done before, judge it by what is known then, write it. So two
requests at the same moment do not both start a batch, and one that is sent again is done once.
"""

from typing import Any, Final

from kleinmaelzung_services import lookup, migrate
from kleinmaelzung_services.batches import changes
from kleinmaelzung_services.batches.changes import Batch, Change, Repeat
from kleinmaelzung_services.writing import Tables
from kleinmaelzung_wire import batches, topics

PART: Final = migrate.Part(package="kleinmaelzung_services.batches", table="batch_migrations")
QUERIES: Final = "batches.sql"


class Store:
    """The batches of one database."""

    def __init__(self, dsn: str) -> None:
        self.tables = Tables(dsn=dsn, part=PART, what="batches", probe="SELECT FROM batch_names LIMIT 1")
        self._queries = lookup.read_queries(__package__, QUERIES)

    async def write(self, change: Change, now_us: int) -> dict[str, Any]:
        """Note it. Returns the answer. Raises RequestRefused, WireError, or Unavailable."""
        async with self.tables.connection() as connection, connection.transaction():
            await connection.execute(self._queries["lock"])
            again = await connection.fetch(self._queries["find_request"], change.user, change.id)
            if again:
                changes.check_repeat(change, _repeat(again[0]))
                return _answer(again[0]["name"], again[0])
            return await self._add(connection, change, now_us)

    async def _add(self, connection: Any, change: Change, now_us: int) -> dict[str, Any]:
        same = batches.same(change.name)
        known = _known(await connection.fetch(self._queries["find_batch"], same))
        changes.check_permitted(change, known)
        at = changes.time_of(change, known, now_us)
        time = lookup.to_datetime(at)
        if known is None:
            head = change.name, same, time, change.user
            batch = await connection.fetchval(self._queries["add_batch"], *head)
        else:
            batch = known.id
        row = batch, change.kind, time, lookup.to_datetime(now_us), change.user, change.stage, change.text, change.id
        number = await connection.fetchval(self._queries["add_record"], *row)
        if change.instruments:
            names = zip(*map(topics.split_full_name, change.instruments), strict=True)
            await connection.execute(self._queries["add_instruments"], batch, number, *map(list, names))
        record = {"id": number, "kind": change.kind, "time": at, "noted": now_us, "username": change.user}
        record |= {"stage": change.stage, "text": change.text, "instruments": sorted(change.instruments)}
        return _answer(known.name if known else change.name, record)


def event(row: Any) -> dict[str, Any]:
    """A record as an answer tells it."""
    told = {key: row[key] for key in ("kind", "time", "noted", "stage", "text")}
    return {"number": row["id"], **told, "user": row["username"], "instruments": list(row["instruments"])}


def _answer(name: str, row: Any) -> dict[str, Any]:
    return {"batch": name, "event": event(row)}


def _repeat(row: Any) -> Repeat:
    return Repeat(kind=row["kind"], same=row["same"], stage=row["stage"], text=row["text"])


def _known(rows: list[Any]) -> Batch | None:
    if not rows:
        return None
    [row] = rows
    plain = ("id", "name", "begun_by", "began", "ended", "stage", "stage_since", "records")
    return Batch(**{key: row[key] for key in plain}, instruments=tuple(row["instruments"]))
