"""A database of any earlier version, with data in every table, becomes what a new one is, and loses nothing.

What was released never changes, so version N is made by the first N files. On plain PostgreSQL, and with
KLEINMAELZUNG_TEST_DSN on TimescaleDB.
"""

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import pytest

from kleinmaelzung_services import migrate
from kleinmaelzung_services.batches import store as batches
from kleinmaelzung_services.calibration.certificates import store as certificates
from kleinmaelzung_services.logger import store
from kleinmaelzung_services.migrate import Edition, Part
from tests import databases

PARTS: Final = {
    "logger": store.PART,
    "batches": batches.PART,
    "certificates": certificates.PART,
}
FILES: Final = {name: migrate.read_migrations(part.package) for name, part in PARTS.items()}
VERSIONS: Final = [(name, step.number) for name, steps in FILES.items() for step in steps]

# A file that was released is in somebody's database: another content would be refused there.
RELEASED: Final = {
    ("logger", 1): "1eb2eeecfcbb4611",
    ("logger", 2): "5bbb1de7afc3e6c3",
    ("logger", 3): "746fa5ff0a1fa885",
    ("logger", 4): "42c1cf580752b9de",
    ("logger", 5): "1440757909054d15",
    ("logger", 6): "c62e0a314939ca44",
    ("logger", 7): "c4709d388d7e3566",
    ("logger", 8): "5df2166e206d650a",
    ("logger", 9): "0d042f2270ee6b64",
    ("logger", 10): "1eff49ff78ca287c",
    ("logger", 11): "255a272345dcc62f",
    ("batches", 1): "cb6a4218b2a31c48",
    ("certificates", 1): "8c696858c2f10548",
}

# Rows for the tables of each version, from the file on that makes the table or the column.
DATA: Final = {
    "logger": {
        1: """
        INSERT INTO instruments (agent, name) SELECT 'pi-' || n, 'balance' FROM generate_series(1, 3) AS n;
        INSERT INTO channels (instrument, name, unit) SELECT n, 'mass', 'g' FROM generate_series(1, 3) AS n;
        INSERT INTO streams (instrument, epoch, received, quarantined)
            SELECT n, n, '{[1,500)}', '{[500,501)}' FROM generate_series(1, 3) AS n;
        INSERT INTO frames (stream, number, time, received, synchronised, via, payload)
            SELECT s, n, '2026-01-01Z'::timestamptz + n * INTERVAL '1 hour', now(), true, 'data', '\\x01'
            FROM generate_series(1, 3) AS s, generate_series(1, 499) AS n;
        INSERT INTO samples (time, value, number, channel, stream, index)
            SELECT '2026-01-01Z'::timestamptz + n * INTERVAL '1 hour', n, n, s, s, 0
            FROM generate_series(1, 3) AS s, generate_series(1, 499) AS n;
        INSERT INTO records VALUES (1, 7, 0, '2026-01-01Z', 'gap', '{"reason": "port lost"}');
        INSERT INTO traffic VALUES ('2026-01-01Z', false, 'a/b', '\\x02', NULL, NULL);
        INSERT INTO quarantine (received, last_received, topic, reason, detail, stream, number, payload)
            VALUES (now(), now(), 'a/b', 'time', 'wrong', 1, 500, '\\x03');
        INSERT INTO {gaps} (instrument, epoch, first_number, last_number, reason)
            VALUES (2, 2, 501, 510, 'spool full');
        INSERT INTO {gaps} (instrument, since, reason) VALUES (3, '2026-02-01Z', 'port lost')""",
        6: """UPDATE frames SET boot = 9, since_boot_us = number WHERE stream = 2;
        INSERT INTO clock_references (boot, since_boot_us, time) VALUES (9, 1, '2026-01-01Z');
        INSERT INTO {gaps} (instrument, since, reason, detail) VALUES (1, '2026-03-01Z', 'silent', 'nothing came')""",
        7: """INSERT INTO ledger (number, time, agent, instrument, username, origin, command, name, arguments, result,
            reason, values, bytes_out, bytes_in, took_us, received, noted_by, logged, previous, hash)
            VALUES (1, now(), 'pi-1', 'balance', 'anna', '', 'c1', 'tare', '{{}}', 'done', '', '{{}}', '\\x54', '\\x4f',
            9, now(), 'gateway', now(), '\\x00', '\\x11');
        UPDATE ledger_head SET number = 1, hash = '\\x11'""",
        10: """INSERT INTO rollups SELECT 1, '2026-01-01Z'::timestamptz + n * INTERVAL '1 minute', 1, 1, 1, 1
            FROM generate_series(1, 100) AS n;
        INSERT INTO rollups_late VALUES (1, '2026-01-01Z');
        UPDATE rollups_until SET until = '2026-01-02Z'""",
        11: """INSERT INTO gap_records (instrument, epoch, first_number, last_number, since, until, reason)
            VALUES (3, 3, 1, 9, '2026-01-01Z', '2026-01-02Z', 'removed by retention')""",
        12: """INSERT INTO alarm_records (stream, number, index, instrument, alarm, event, time, reason, channel, kind,
            level, since, value, limit_value, unit, cause, detail)
            VALUES (1, 8, 0, 1, 'a1', 'raised', now(), '', 'mass', 'high', 'alarm', now(), 9, 8, 'g', '', '')""",
    },
    "batches": {
        1: """INSERT INTO batch_names (name, same, began, begun_by) VALUES ('Pilsner', 'pilsner', now(), 'anna');
        INSERT INTO batch_records (batch, kind, time, noted, username, stage, text, request)
            VALUES (1, 'started', now(), now(), 'anna', '', '', 'r1');
        INSERT INTO batch_instruments VALUES (1, 'pi-1', 'balance', 1)""",
        2: """INSERT INTO note_records (agent, instrument, time, until, text, username, noted, request)
            VALUES ('pi-1', 'balance', '2026-01-01Z', '2026-01-02Z', 'cleaned', 'anna', now(), 'r1');
        INSERT INTO note_withdrawals (note, time, username, reason, request)
            VALUES (1, now(), 'anna', 'not so', 'r1')""",
    },
    "certificates": {
        1: """INSERT INTO certificate_files VALUES (sha256('\\x01'), '\\x01');
        INSERT INTO certificate_register (number, time, kind, certificate, revision, username, item, pdf, data, details,
            request, previous, hash)
            VALUES (1, now(), 'issued', 'K-1', 1, 'anna', 'pi-1/balance', sha256('\\x01'), '\\x02', '{{}}', 'r1',
            '\\x00', '\\x11')""",
        2: """INSERT INTO calibration_files VALUES (sha256('\\x03'), '\\x03');
        INSERT INTO calibration_uploads VALUES ('anna', sha256('\\x0505'), 0, 2, '\\x05', now());
        INSERT INTO calibration_log (number, time, subject, kind, username, details, request, previous, hash)
            VALUES (1, now(), 'laboratory', 'put', 'anna', '{{}}', 'r1', '\\x00', '\\x11');
        INSERT INTO certificate_attachments VALUES (sha256('\\x01'), 'dcc.xml', '\\x04');
        INSERT INTO certificate_register (number, time, kind, certificate, revision, username, item, pdf, data, details,
            request, previous, hash)
            VALUES (2, now(), 'withdrawn', 'K-1', 1, 'anna', 'pi-1/balance', sha256('\\x01'), '\\x02', '{{}}', 'r2',
            '\\x11', '\\x12')""",
    },
}

# All that pg_dump would write of a schema, in words that can be compared.
SCHEMA: Final = (
    """SELECT 'column', table_name::text, column_name::text, concat_ws(' ', ordinal_position, data_type, is_nullable,
        column_default, is_identity, is_generated, generation_expression)
    FROM information_schema.columns WHERE table_schema = 'public'""",
    "SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT 'view', viewname::text, '', definition FROM pg_views WHERE schemaname = 'public'",
    """SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    """SELECT 'trigger', tgrelid::regclass::text, tgname::text, pg_get_triggerdef(pg_trigger.oid)
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace""",
    """SELECT 'function', proname::text, '', prosrc FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend WHERE pg_depend.objid = pg_proc.oid AND deptype = 'e')""",
    """SELECT 'options', relname::text, '', reloptions::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')""",
)
HYPERTABLES: Final = """SELECT 'hypertable', hypertable_name::text, column_name::text, time_interval::text
    FROM timescaledb_information.dimensions WHERE hypertable_schema = 'public'"""


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[Any]:
    async with databases.fresh() as dsn:
        connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
        try:
            yield connection
        finally:
            await connection.close(timeout=10)


async def migrated(connection: Any, part: Part) -> Edition:
    return (await migrate.migrate(connection, part)).edition


async def migrated_to(connection: Any, name: str, version: int, patch: pytest.MonkeyPatch) -> Edition:
    """As the software of that version made it."""
    steps = [step for step in FILES[name] if step.number <= version]
    with patch.context() as context:
        context.setattr(migrate, "read_migrations", lambda package: steps)
        return await migrated(connection, PARTS[name])


async def fill(connection: Any, name: str, version: int) -> None:
    gaps = "gap_records" if version >= 9 else "gaps"
    for since, statements in DATA[name].items():
        if since <= version:
            await connection.execute(statements.replace("{gaps}", gaps).replace("{{}}", "{}"))


async def schema(connection: Any, edition: Edition) -> set[tuple[Any, ...]]:
    queries = SCHEMA if edition == "plain" else (*SCHEMA, HYPERTABLES)
    return {tuple(row) for query in queries for row in await connection.fetch(query)}


async def contents(connection: Any) -> dict[str, list[tuple[tuple[str, Any], ...]]]:
    """Every row of every table but those that say what was migrated, by the table's name."""
    names = await connection.fetch(
        "SELECT relname::text AS name FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE '%migrations'"
    )
    found = {}
    for row in names:
        rows = await connection.fetch(f'SELECT * FROM "{row["name"]}"')
        found[row["name"]] = sorted((tuple(one.items()) for one in rows), key=repr)
    return found


def renamed(name: str) -> str:
    """What a table of an earlier version is called now."""
    return "gap_records" if name == "gaps" else name


@pytest.mark.parametrize(("name", "version"), VERSIONS)
async def test_from_any_version_it_becomes_what_a_new_one_is(
    name: str, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected() as old, connected() as new:
        edition = await migrated_to(old, name, version, monkeypatch)
        if edition != "plain" and (name, version) in (("logger", 1), ("logger", 2)):
            pytest.skip("001 to 005 were released together and run in one transaction: no data comes between")
        await fill(old, name, version)
        before = await contents(old)
        assert sum(map(len, before.values())) >= 2
        assert await migrated(old, PARTS[name]) == edition
        assert await migrated(new, PARTS[name]) == edition
        assert await schema(old, edition) == await schema(new, edition)
        after = await contents(old)
        for table, rows in before.items():
            columns = {column for row in rows for column, _ in row}
            now = [
                tuple((column, value) for column, value in row if column in columns) for row in after[renamed(table)]
            ]
            assert sorted(now, key=repr) == rows
        applied = f"SELECT number, hash FROM {PARTS[name].table} ORDER BY number"
        assert await old.fetch(applied) == await new.fetch(applied)


def test_there_is_data_for_every_table() -> None:
    """A further file that makes a table gets rows above."""
    for name, steps in FILES.items():
        sql = "\n".join(step.sql for step in steps)
        made = set(re.findall(r"CREATE TABLE (\w+)", sql))
        filled = set(re.findall(r"(?:INTO|UPDATE) (\{gaps\}|\w+)", "\n".join(DATA[name].values())))
        assert {renamed(table) for table in made} == {table.replace("{gaps}", "gap_records") for table in filled}


def test_what_was_released_is_as_it_was() -> None:
    hashes = {(name, step.number): step.hash for name, steps in FILES.items() for step in steps}
    assert {key: hashes[key][:16] for key in RELEASED} == RELEASED
