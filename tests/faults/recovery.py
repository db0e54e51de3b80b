"""How long it takes until all is well again after a fault: fresh values of every instrument are in the database.

It looks at each stream's newest frame, by its number, every 150 ms. The database may be away meanwhile.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Never

import asyncpg

from kleinmaelzung_wire import frames
from kleinmaelzung_wire.codec import WireError

LOOK_EVERY_S: Final = 0.15
LIMIT_S: Final = 3.0
CHANNEL: Final = "count"

# Two numbers back: the very newest may be a record without values.
_NEWEST: Final = """
SELECT instruments.agent || '/' || instruments.name AS instrument, newest.payload
FROM streams
JOIN instruments ON instruments.id = streams.instrument
CROSS JOIN LATERAL (
    SELECT payload FROM frames
    WHERE frames.stream = streams.id
        AND frames.number BETWEEN upper(streams.received) - 3 AND upper(streams.received) - 1
) AS newest
WHERE streams.last_seen > now() - INTERVAL '5 seconds' AND NOT isempty(streams.received)
"""

# InternalClientError is what a connection that the server ends sometimes gives.
_LOST: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Watcher:
    """Knows each instrument's newest number in the database; `run` must run beside it."""

    def __init__(self, find_dsn: Callable[[], str]) -> None:
        self.newest: dict[str, int] = {}
        self._find_dsn = find_dsn
        self._looked = asyncio.Condition()

    async def run(self) -> Never:
        """Look for ever."""
        while True:
            try:
                await self._look_until_lost()
            except _LOST:
                await asyncio.sleep(LOOK_EVERY_S)

    async def until_beyond(self, counts: Mapping[str, int]) -> int:
        """Wait until a later value of every instrument is in the database; returns when that was seen."""
        async with self._looked:
            await self._looked.wait_for(lambda: is_beyond(self.newest, counts))
        return time.monotonic_ns()

    async def _look_until_lost(self) -> Never:
        connection = await asyncpg.connect(self._find_dsn(), timeout=LIMIT_S, command_timeout=LIMIT_S)
        try:
            while True:
                rows = await connection.fetch(_NEWEST)
                async with self._looked:
                    take(self.newest, ((row["instrument"], row["payload"]) for row in rows))
                    self._looked.notify_all()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            connection.terminate()  # a frozen server would not answer a goodbye


def take(newest: dict[str, int], found: Iterable[tuple[str, bytes]]) -> None:
    """Note the highest number in these frames."""
    for instrument, payload in found:
        try:
            counts = [value for value in frames.decode(payload).channels.get(CHANNEL, []) if isinstance(value, int)]
        except WireError:
            continue  # the judgement finds it
        newest[instrument] = max([newest.get(instrument, 0), *counts])


def is_beyond(newest: Mapping[str, int], counts: Mapping[str, int]) -> bool:
    """Whether every instrument is further than it was."""
    return all(newest.get(instrument, 0) > count for instrument, count in counts.items())
