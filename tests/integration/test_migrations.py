"""Migrations against a real server: from nothing, twice, two at once, from the future, and all or nothing."""

import asyncio

import pytest

from kleinmaelzung_services import migrate
from kleinmaelzung_services.logger import store
from tests.databases import query


async def installation(dsn: str) -> migrate.Installation:
    async with store.open_store(dsn) as opened:
        return opened.installation


async def test_the_tables_fit_the_edition_that_was_found(dsn: str) -> None:
    found = await installation(dsn)
    indexes = await query(dsn, "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%USING brin%' ORDER BY 1")
    assert "PostgreSQL" in str(found)
    if found.edition == "plain":
        assert found.extension is None
        assert indexes == [("frames_time",), ("samples_time",), ("traffic_received",)]
    else:
        tables = await query(dsn, "SELECT hypertable_name::text FROM timescaledb_information.hypertables ORDER BY 1")
        assert (tables, indexes) == ([("frames",), ("samples",), ("traffic",)], [])


async def test_a_second_start_changes_nothing(dsn: str) -> None:
    first = await installation(dsn)
    before = await query(dsn, "SELECT * FROM migrations ORDER BY number")
    assert await installation(dsn) == first
    assert await query(dsn, "SELECT * FROM migrations ORDER BY number") == before
    assert {row[3] for row in before} == {first.edition}


async def test_loggers_that_start_at_once_migrate_once(dsn: str) -> None:
    found = await asyncio.gather(*(installation(dsn) for _ in range(4)))
    assert len(set(found)) == 1
    [[applied, numbers]] = await query(dsn, "SELECT count(*), count(DISTINCT number) FROM migrations")
    assert applied == numbers


async def test_a_newer_database_is_refused(dsn: str) -> None:
    await installation(dsn)
    await query(dsn, "INSERT INTO migrations VALUES (900, 'future', '', 'plain')")
    with pytest.raises(migrate.SchemaError, match="has schema version 900"):
        await installation(dsn)


async def test_another_build_s_migration_is_refused(dsn: str) -> None:
    await installation(dsn)
    await query(dsn, "UPDATE migrations SET hash = 'other' WHERE number = 1")
    with pytest.raises(migrate.SchemaError, match="migration 001"):
        await installation(dsn)


async def test_a_foreign_table_ends_it_and_leaves_nothing_behind(dsn: str) -> None:
    await query(dsn, "CREATE TABLE samples (somebody text)")
    with pytest.raises(migrate.SchemaError, match=r'relation "samples" already exists; .* a database of its own'):
        await installation(dsn)
    assert await query(dsn, "SELECT relname::text FROM pg_class WHERE relname IN ('frames', 'migrations')") == []


async def test_somebody_else_s_table_of_migrations_ends_it_too(dsn: str) -> None:
    await query(dsn, "CREATE TABLE migrations (version text)")
    with pytest.raises(migrate.SchemaError, match='column "number" does not exist'):
        await installation(dsn)


async def test_a_database_from_before_gaps_had_an_end_is_brought_up_to_date(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = migrate.read_migrations(store.PART.package)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "read_migrations", lambda package: [file for file in files if file.number <= 5])
        await installation(dsn)
    await query(dsn, "INSERT INTO instruments (agent, name) VALUES ('pi-1', 'balance')")
    await query(
        dsn,
        """INSERT INTO gaps (instrument, reason, since, until, first_number) VALUES
        (1, 'port lost', '2026-01-01', NULL, NULL), (1, 'port lost', '2026-01-01', '2026-01-02', NULL),
        (1, 'port lost', '2026-02-01', NULL, NULL), (1, 'spool full', '2026-01-01', NULL, 1),
        (1, 'spool full', '2026-01-01', NULL, 5), (1, 'spool full', NULL, NULL, 5)""",
    )
    await query(dsn, "INSERT INTO frames VALUES (1, 1, now(), now(), true, NULL, 'data', '')")
    await installation(dsn)
    assert await query(
        dsn, "SELECT reason, since::date::text, until::date::text, first_number FROM gap_records ORDER BY id"
    ) == [
        ("port lost", "2026-01-01", "2026-01-02", None),
        ("port lost", "2026-02-01", None, None),
        ("spool full", "2026-01-01", None, 1),
        ("spool full", "2026-01-01", None, 5),
        ("spool full", None, None, 5),
    ]
    assert await query(dsn, "SELECT boot, since_boot_us FROM frames") == [(None, None)]
