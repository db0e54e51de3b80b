"""docs/sql.md: its columns are the views' columns, and its examples, run by the role it tells of, find something."""

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from kleinmaelzung_services.batches.changes import Change
from kleinmaelzung_services.batches.notebook import Notebook
from kleinmaelzung_services.batches.notes import Addition, Withdrawal
from kleinmaelzung_services.batches.store import Store
from kleinmaelzung_services.calibration.log.entries import Draft
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.logger import store
from kleinmaelzung_services.logger.batch import Arrival
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.alarms import Alarm, Record
from kleinmaelzung_wire.batches import Kind
from kleinmaelzung_wire.frames import Clock, SinceBoot
from kleinmaelzung_wire.gaps import Gap
from tests.databases import query
from tests.integration import test_ledger_store as commands
from tests.integration.test_certificates import registered
from tests.integration.test_store import NOW_US, arrival, entries, frame
from tests.unit.services.calibration_register import entered

PAGE: Final = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
ROLE: Final = "grafana"
HOUR_US: Final = 3_600_000_000
BLOCKS: Final = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
[SETUP] = [block for block in BLOCKS if block.startswith("CREATE ROLE")]
EXAMPLES: Final = [block for block in BLOCKS if block != SETUP]
GRANTED: Final = re.findall(r"\w+", " ".join(re.findall(r"GRANT SELECT ON (.*) TO", SETUP)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One with rows, as its owner and as the role of the page."""

    owner: str
    reader: str


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    await fill(dsn)
    # Roles are the whole server's, which tests share.
    role, password = f"reader_{secrets.token_hex(6)}", secrets.token_hex(8)
    try:
        await query_all(dsn, re.sub(rf"\b{ROLE}\b", role, SETUP).replace("choose one", password))
        parts = urlsplit(dsn)
        yield Database(
            owner=dsn, reader=parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
        )
    finally:
        await query_all(dsn, f"DROP OWNED BY {role}; DROP ROLE {role}")


async def query_all(dsn: str, statements: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=10)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def fill(dsn: str) -> None:
    """What the examples ask for: an instrument of each kind, a clock that was put right, a hole, commands, a batch."""
    lost = Gap(reason=gaps.PORT_LOST, since=NOW_US - 4 * HOUR_US, until=NOW_US - 3 * HOUR_US, detail="unplugged")
    gone = Gap(reason=gaps.SPOOL_FULL, epoch=7, first=2, last=4)
    made = [
        arrival(frame(1, 12.5, 12.6, "overload", at_us=NOW_US - HOUR_US)),
        arrival(frame(5, 12.7, True, at_us=NOW_US - HOUR_US // 2, records=[gone.to_record(), lost.to_record()])),
        warm(1, 21.5, at_us=NOW_US - 60 * HOUR_US, since_boot_us=10 * 10**6, synchronised=False),
        warm(2, 55.0, at_us=NOW_US - 2 * HOUR_US, since_boot_us=5000 * 10**6),
        warm(3, 84.5, at_us=NOW_US - HOUR_US, since_boot_us=5000 * 10**6 + HOUR_US),
    ]
    async with store.open_store(dsn) as opened:
        await opened.write(entries(*made))
        await opened.write(commands.entries(commands.told(6, commands.record(1), commands.record(2, result="refused"))))
        await opened.write(entries(alarmed(7)))
    batches = Store(dsn)
    await batches.tables.prepare()
    await note(batches, "started", NOW_US - 3 * HOUR_US, instruments=("pi-1/balance", "pi-1/kiln"))
    await note(batches, "stage", NOW_US - 3 * HOUR_US, stage="steeping")
    await note(batches, "stage", NOW_US - HOUR_US - HOUR_US // 2, stage="kilning")
    await put_on_time_lines(Notebook(batches.tables))
    await calibrate(dsn)


async def calibrate(dsn: str) -> None:
    """A standard that is due soon, an instrument, a run of it that is open, and a certificate."""
    log = Log(dsn)
    await log.tables.prepare()
    soon = datetime.now(UTC).date() + timedelta(days=30)
    due = (("certificate", "due"), soon.isoformat())
    for put in (entered.put("standard", entered.stored("standard", due)), entered.put("item", entered.stored("item"))):
        draft = Draft(kind=put.kind, details=put.details)
        await log.append(put.subject, [draft], user="anna", request="", expected=0, now_us=NOW_US)
    created = {"item": {"id": "pi-1/balance"}, "template": {"id": "BALANCE"}, "standards": []}
    await log.create_run([Draft(kind="created", details=created)], user="anna", request="", expected=0, now_us=NOW_US)
    await registered(dsn, 1)


def alarmed(number: int) -> Arrival:
    """A frame that tells of an alarm that nobody has seen for an hour."""
    since = NOW_US - HOUR_US
    hot = Alarm(id="a1", channel="temperature", kind="high", level="alarm", since=since, value=85.5, limit=80.0)
    record = Record(event="raised", time=since, alarm=hot).to_record()
    return arrival(
        replace(frame(number, epoch=9, at_us=since), channels={}, units={}, records=[record]), instrument="kiln"
    )


def warm(number: int, value: float, *, at_us: int, since_boot_us: int, synchronised: bool = True) -> Arrival:
    """A frame of the kiln's thermometer, by a clock that was set after a while."""
    made = frame(number, epoch=9, at_us=at_us, channels={"temperature": [value]}, units={"temperature": "°C"})
    clock = Clock(synchronised=synchronised)
    return arrival(replace(made, clock=clock, since_boot=SinceBoot(1, since_boot_us)), instrument="kiln")


async def note(batches: Store, kind: Kind, at: int, **more: Any) -> None:
    made = Change(
        kind=kind, name="Pilsner 7", user="anna", role="operator", pattern="+/+", id=secrets.token_hex(4), at=at, **more
    )
    await batches.write(made, NOW_US)


async def put_on_time_lines(notebook: Notebook) -> None:
    """A note of a span in which the kiln was read, and one that was withdrawn."""
    span = {"at": NOW_US - 3 * HOUR_US, "until": NOW_US - HOUR_US // 2}
    for number, instrument in enumerate(("pi-1/kiln", "pi-1/balance")):
        text = "door was open"
        await notebook.add(Addition(instrument=instrument, user="anna", id=f"n{number}", text=text, **span), NOW_US)
    wrong = Withdrawal(number=2, user="anna", role="operator", id="w", reason="it has no door")
    await notebook.withdraw(wrong, NOW_US)


def by_grafana(block: str) -> str:
    """What Grafana makes of its own words."""
    filled = block.replace("$__timeFilter(time)", "time BETWEEN now() - INTERVAL '6 hours' AND now()")
    return filled.replace("$__interval", "1m")


def title(block: str) -> str:
    """For the test's name: what is asked."""
    return "-".join(re.findall(r"(?:FROM|JOIN) (\w+)", block))


@pytest.mark.parametrize("block", EXAMPLES, ids=title)
async def test_an_example_finds_something(database: Database, block: str) -> None:
    rows = await query(database.reader, by_grafana(block))
    assert rows
    assert not all(value is None for row in rows for value in row)


def test_every_view_is_told_of_with_an_example() -> None:
    assert set(re.findall(r"^## `(\w+)`$", PAGE, re.MULTILINE)) == set(GRANTED)
    asked = {name for block in EXAMPLES for name in re.findall(r"(?:FROM|JOIN) (\w+)", block)}
    assert asked >= set(GRANTED)


@pytest.mark.parametrize("view", GRANTED)
async def test_the_columns_are_the_view_s(database: Database, view: str) -> None:
    section = PAGE.partition(f"\n## `{view}`\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", section, re.MULTILINE)
    there = await query(
        database.owner,
        """SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
        WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        view,
    )
    assert told == [(name, type_.replace("timestamp with time zone", "timestamptz")) for name, type_ in there]


async def test_the_role_reads_what_it_is_granted_and_nothing_else(database: Database) -> None:
    for view in GRANTED:
        assert await query(database.reader, f"SELECT count(*) FROM {view}") > [(0,)]
    for table in (
        "samples",
        "frames",
        "gap_records",
        "alarm_records",
        "traffic",
        "quarantine",
        "batch_names",
        "batch_records",
        "note_records",
        "certificate_register",
        "calibration_log",
        "migrations",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await query(database.reader, f"SELECT FROM {table}")
    for statement in ("DELETE FROM ledger", "CREATE TABLE mine ()", "DROP VIEW latest"):
        with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
            await query(database.reader, statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await query_all(database.reader, f"BEGIN READ WRITE; {statement}")


# latest


async def test_the_latest_is_the_newest_of_each_channel_and_unit(database: Database) -> None:
    async with store.open_store(database.owner) as opened:
        kilograms = frame(7, 0.5, units={"mass": "kg"}, at_us=NOW_US - 5 * HOUR_US)
        older = frame(8, 1.0, at_us=NOW_US - 2 * HOUR_US)
        await opened.write(entries(arrival(kilograms), arrival(older)))
    found = await query(
        database.reader, "SELECT instrument, channel, unit, value, text, quality FROM latest ORDER BY 1, 2, 3"
    )
    assert found == [
        ("balance", "mass", "g", 1.0, "true", "good"),
        ("balance", "mass", "kg", 0.5, None, "good"),
        ("kiln", "temperature", "°C", 84.5, None, "good"),
    ]


async def test_the_latest_is_found_by_the_index(database: Database) -> None:
    """However many samples there are: one look for each channel."""
    connection = await asyncpg.connect(database.owner, timeout=5, command_timeout=10)
    try:
        await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN SELECT * FROM latest"))
    finally:
        await connection.close()
    assert re.search(r"Index Scan Backward using \S*samples_channel_time", plan), plan
