"""Names to ids: instruments, channels and streams of the database, remembered for the life of a connection.

Rows for new names are committed by themselves, before the batch: without the rest they are harmless, and no lock on
them is held while the batch is written.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from kleinmaelzung_services.logger.batch import FrameEntry, StreamKey
from kleinmaelzung_services.logger.rows import PlacedFrame

MAX_REMEMBERED: Final = 100_000  # ids; each start of an agent makes new streams

_Row = tuple[Any, ...]


class Database(Protocol):
    """What is needed of a connection."""

    async def execute(self, query: str, *args: Any) -> str: ...

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...


class Names:
    """The ids of one database. `queries` holds find_<table> and add_<table>."""

    def __init__(self, queries: dict[str, str]) -> None:
        self._queries = queries
        self._instruments: dict[_Row, int] = {}
        self._streams: dict[_Row, int] = {}  # by instrument's id and epoch
        self._channels: dict[_Row, int] = {}  # by instrument's id, name and unit
        self._known: dict[StreamKey, tuple[int, int]] = {}  # ids of instrument and stream

    async def place(
        self, database: Database, streams: set[StreamKey], frames: Sequence[FrameEntry]
    ) -> list[PlacedFrame]:
        """The frames with their ids, making the rows that are not there; afterwards stream() knows the streams."""
        if unknown := streams - self._known.keys():
            await self._learn_streams(database, unknown)
        try:
            return list(map(self._place, frames))
        except KeyError:  # a channel that is new; rare, so asking first would cost more
            await self._learn_channels(database, frames)
            return list(map(self._place, frames))

    def stream(self, key: StreamKey) -> int:
        return self._known[key][1]

    def _place(self, entry: FrameEntry) -> PlacedFrame:
        instrument, stream = self._known[entry.stream]
        units = entry.frame.units
        channels = {name: self._channels[instrument, name, units.get(name, "")] for name in entry.frame.channels}
        return PlacedFrame(entry, instrument, stream, channels)

    async def _learn_streams(self, database: Database, keys: set[StreamKey]) -> None:
        if len(self._known) > MAX_REMEMBERED:
            self._known.clear()
            self._streams.clear()
        await self._learn(database, "instruments", self._instruments, {key[:2] for key in keys})
        rows = {key: (self._instruments[key[:2]], key.epoch) for key in keys}
        await self._learn(database, "streams", self._streams, rows.values())
        self._known.update((key, (row[0], self._streams[row])) for key, row in rows.items())

    async def _learn_channels(self, database: Database, frames: Iterable[FrameEntry]) -> None:
        if len(self._channels) > MAX_REMEMBERED:
            self._channels.clear()
        rows = {
            (self._known[entry.stream][0], name, entry.frame.units.get(name, ""))
            for entry in frames
            for name in entry.frame.channels
        }
        await self._learn(database, "channels", self._channels, rows)

    async def _learn(self, database: Database, table: str, ids: dict[_Row, int], wanted: Iterable[_Row]) -> None:
        missing = sorted(set(wanted) - ids.keys())  # sorted, so that two loggers do not dead-lock
        if not missing:
            return
        columns = list(zip(*missing, strict=True))
        found = await database.fetch(self._queries[f"find_{table}"], *columns)
        if len(found) < len(missing):
            await database.execute(self._queries[f"add_{table}"], *columns)
            found = await database.fetch(self._queries[f"find_{table}"], *columns)
        ids.update((tuple(row)[1:], row["id"]) for row in found)
