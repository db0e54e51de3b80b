"""What is stored, on the database's image: by themselves these tests run on a plain PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

from kleinmaelzung_services.logger import store
from tests import databases
from tests.deploy import images

pytestmark = images.needed()
ROOT = Path(__file__).parents[2]
FILES = [
    *("test_migrations", "test_migrations_from_any_version", "test_store", "test_retention", "test_rollups"),
    *("test_storage", "test_restore", "test_sql_examples"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a database of one's own, by a user who may do everything; it need not outlive a power cut."""
    testcontainers_config.ryuk_disabled = True  # one more image, to clear up after a kill
    container = PostgresContainer(images.used("DATABASE_IMAGE"), username="postgres", driver=None)
    with container.with_kwargs(user="70:70").with_command("postgres -c fsync=off") as running:
        yield running.get_connection_url()


async def test_it_is_timescaledb(server: str) -> None:
    async with databases.fresh(server) as dsn, store.open_store(dsn) as opened:
        assert opened.installation.edition in ("apache", "community")


def test_on_timescaledb_hold_the_tests_of_what_is_stored(server: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "--numprocesses",
                "2",
                "--dist",
                "loadfile",
            ),
            *(f"tests/integration/{file}.py" for file in FILES),
        ],
        cwd=ROOT,
        env=environment | {"KLEINMAELZUNG_TEST_DSN": server},
        capture_output=True,
        text=True,
        timeout=1000,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
