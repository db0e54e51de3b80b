"""What the database says, read once at the end of a run: each instrument's rows, and its own claims about itself."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from kleinmaelzung_wire import gaps
from tests.faults.judgement import Row

CONNECT_S: Final = 10.0
QUERY_S: Final = 120.0

_ROWS: Final = """
SELECT samples.value::bigint, samples.stream, samples.number, (extract(epoch FROM samples.time) * 1000000)::bigint
FROM samples
JOIN channels ON channels.id = samples.channel
JOIN instruments ON instruments.id = channels.instrument
WHERE instruments.agent = $1 AND instruments.name = $2 AND channels.name = 'count'
ORDER BY samples.stream, samples.number, samples.index
"""

_REPEATED_FRAMES: Final = "SELECT count(*) - count(DISTINCT (stream, number)) FROM frames"

# Numbers that the view calls missing and no gap explains.
_HOLES: Final = """
SELECT coalesce(sum(upper(hole) - lower(hole)), 0)::bigint
FROM completeness
CROSS JOIN LATERAL (
    SELECT coalesce(range_agg(int8range(gap_records.first_number, gap_records.last_number, '[]')), '{}') AS numbers
    FROM gap_records
    JOIN instruments ON instruments.id = gap_records.instrument
    WHERE instruments.agent = completeness.agent AND instruments.name = completeness.instrument
        AND gap_records.epoch = completeness.epoch AND gap_records.reason <> ''
        AND gap_records.first_number <= gap_records.last_number
) AS explained
CROSS JOIN LATERAL unnest(completeness.missing_numbers - explained.numbers) AS hole
"""

_DEATHS: Final = """
SELECT instruments.agent || '/' || instruments.name, count(*)
FROM gap_records
JOIN instruments ON instruments.id = gap_records.instrument
WHERE gap_records.reason = $1
GROUP BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the database says about all instruments together."""

    repeated_frames: int
    unexplained_holes: int
    quarantined: Counter[str] = field(default_factory=Counter)  # by reason
    gaps: Counter[str] = field(default_factory=Counter)  # by reason
    deaths: Counter[str] = field(default_factory=Counter)  # gaps because an agent died, by instrument


class Ledger:
    """An open connection; made by `open_ledger`."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def rows(self, instrument: str) -> list[Row]:
        """All samples of an instrument, named in full, in the order of their numbers."""
        agent, _, name = instrument.partition("/")
        return [Row(*row) for row in await self._connection.fetch(_ROWS, agent, name)]

    async def claims(self) -> Claims:
        return Claims(
            repeated_frames=await self._connection.fetchval(_REPEATED_FRAMES),
            unexplained_holes=await self._connection.fetchval(_HOLES),
            quarantined=await self._count("SELECT reason, count(*) FROM quarantine GROUP BY reason"),
            gaps=await self._count("SELECT reason, count(*) FROM gap_records GROUP BY reason"),
            deaths=await self._count(_DEATHS, gaps.AGENT_DIED),
        )

    async def _count(self, sql: str, *values: str) -> Counter[str]:
        return Counter({row[0]: row[1] for row in await self._connection.fetch(sql, *values)})


@asynccontextmanager
async def open_ledger(dsn: str) -> AsyncIterator[Ledger]:
    """Connect to the database."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_S, command_timeout=QUERY_S)
    try:
        yield Ledger(connection)
    finally:
        await connection.close(timeout=CONNECT_S)
