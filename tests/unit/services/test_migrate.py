"""Which migrations a database needs, and which databases are refused."""

import re
from pathlib import Path
from typing import get_args

import pytest

import kleinmaelzung_services as services
from kleinmaelzung_services import migrate
from kleinmaelzung_services.migrate import Applied, Edition, Migration, SchemaError

FIRST = Migration(number=1, title="tables", editions=frozenset(get_args(Edition)), sql="one")
PLAIN = Migration(number=2, title="brin", editions=frozenset({"plain"}), sql="two")
LAST = Migration(number=3, title="views", editions=frozenset(get_args(Edition)), sql="three")
KNOWN = [FIRST, PLAIN, LAST]


def applied(*steps: Migration) -> list[Applied]:
    return [Applied(number=step.number, hash=step.hash, edition="plain") for step in steps]


def test_each_edition_gets_its_own_files() -> None:
    assert migrate.pending(KNOWN, [], "plain") == KNOWN
    assert migrate.pending(KNOWN, [], "apache") == [FIRST, LAST]


def test_what_is_applied_is_not_applied_again() -> None:
    assert migrate.pending(KNOWN, applied(FIRST, PLAIN), "plain") == [LAST]
    assert migrate.pending(KNOWN, applied(*KNOWN), "plain") == []


def test_a_newer_database_is_refused_with_a_sentence() -> None:
    newer = Migration(number=9, title="future", editions=frozenset({"plain"}), sql="")
    with pytest.raises(SchemaError, match=r"has schema version 9, this software knows up to 3: update the software"):
        migrate.pending(KNOWN, applied(*KNOWN, newer), "plain")


def test_a_migration_with_another_content_is_refused() -> None:
    other = Migration(number=2, title="brin", editions=frozenset({"plain"}), sql="other")
    with pytest.raises(SchemaError, match="migration 002"):
        migrate.pending(KNOWN, applied(FIRST, other), "plain")


@pytest.mark.parametrize("service", ["logger", "batches"])
def test_the_files_are_numbered_without_doubles(service: str) -> None:
    found = migrate.read_migrations(f"kleinmaelzung_services.{service}")
    assert [step.number for step in found] == list(range(1, len(found) + 1))


def test_each_edition_has_files_of_its_own() -> None:
    found = migrate.read_migrations("kleinmaelzung_services.logger")
    assert frozenset().union(*(step.editions for step in found)) == set(get_args(Edition))


def test_each_lock_in_the_database_has_a_number_of_its_own() -> None:
    """Services share one database: a number that two of them lock has one wait for the other."""
    found: dict[str, set[str]] = {}
    for file in Path(services.__path__[0]).rglob("*.*"):
        if file.suffix in (".py", ".sql"):
            for number in re.findall(r"\b50207913617343\d\d\b", file.read_text()):
                found.setdefault(number, set()).add(file.name)
    assert len(found) >= 3
    assert {number: files for number, files in found.items() if len(files) > 1} == {}
