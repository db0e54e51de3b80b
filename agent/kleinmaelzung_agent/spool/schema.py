"""The tables of the spool's file, and how it is opened: a path in, a connection out that is known to be sound.

Damage raises DamagedError; a disk that does not allow it raises sqlite3.OperationalError, which says nothing about the
contents.
"""

import sqlite3
import zlib
from pathlib import Path
from typing import Final

# A file of version 0 may have these tables already. Their words must stay: what is stored is compared with them.
# AUTOINCREMENT: without it an emptied table starts at 1 again, and an id would mean two frames.
_FIRST: Final = (
    """CREATE TABLE IF NOT EXISTS frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instrument TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    payload BLOB NOT NULL,
    size INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    is_record INTEGER NOT NULL,
    UNIQUE (instrument, epoch, number)
)""",
    # What had to be given up, until a frame that says so is itself in safety.
    """CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instrument TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL
)""",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)
_SECOND: Final = (
    "ALTER TABLE frames ADD COLUMN time_us INTEGER NOT NULL DEFAULT 0",  # 0: unknown
    "ALTER TABLE gaps ADD COLUMN since_us INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE gaps ADD COLUMN until_us INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE gaps ADD COLUMN detail TEXT NOT NULL DEFAULT ''",
    "DROP TABLE facts",
    # One b-tree: a fact that changes writes one page.
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID",
)
VERSION: Final = 2

# Where a b-tree or a page cannot be read. A whole disk that is gone says the same, and then nothing new can be made.
_DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNREADABLE: Final = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ}
_NO_ROOM: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BUSY_TIMEOUT_S: Final = 0.25  # nobody else writes, but somebody may look


class DamagedError(sqlite3.DatabaseError):
    """The file holds something else than what was written."""


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file is damaged, rather than that it cannot be used now."""
    code = _code(error)
    return isinstance(error, DamagedError) or code & 0xFF in _DAMAGE or code in _UNREADABLE


def lacks_room(error: Exception) -> bool:
    """Whether room on the disk may help."""
    return not is_damage(error) and _code(error) & 0xFF in _NO_ROOM


def is_passing(error: Exception) -> bool:
    """Whether the connection itself is still good."""
    return _code(error) & 0xFF in {sqlite3.SQLITE_FULL, *_BUSY}


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, check it, and bring its tables up to date. Raises DamagedError or sqlite3.OperationalError."""
    _check_header(path)
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        # Our statements are right, so what the library cannot make sense of is the file.
        if is_damage(error) or _code(error) & 0xFF == sqlite3.SQLITE_ERROR:
            raise DamagedError(str(error)) from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a damaged file without changing it."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = _text
    return connection


def checksum(instrument: object, epoch: object, number: object, time_us: object, is_record: int, payload: bytes) -> int:
    """Of a frame with its name: a name that changed is damage as well."""
    name = f"{instrument}\0{epoch}\0{number}\0{time_us}\0{is_record}"
    return zlib.crc32(payload, zlib.crc32(name.encode()))


def fact_checksum(name: str, value: object) -> int:
    return zlib.crc32(f"{name}\0{value}".encode())


def _code(error: Exception) -> int:
    code = getattr(error, "sqlite_errorcode", 0)
    return code if isinstance(code, int) else 0


def _check_header(path: Path) -> None:
    # A later format makes SQLite say "readonly", as if the disk were.
    try:
        with path.open("rb") as file:
            header = file.read(20)
    except OSError:
        return  # SQLite will say why
    if len(header) == 20 and max(header[18:20]) > 2:
        raise DamagedError("the file's format is unknown")


def _prepare(connection: sqlite3.Connection) -> None:
    connection.text_factory = _text
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # NORMAL may take a commit back when the power goes
    connection.execute("PRAGMA journal_size_limit = 16777216")
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise DamagedError(verdict)
    _migrate(connection)
    _check_tables(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if version != 0:
        raise DamagedError(f"the file has version {version}, expected {VERSION}")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _FIRST:
        connection.execute(statement)
    facts = connection.execute("SELECT name, value FROM facts").fetchall()
    for statement in _SECOND:
        connection.execute(statement)
    rows = [(name, value, fact_checksum(name, value)) for name, value in facts]
    connection.executemany("INSERT INTO facts (name, value, crc) VALUES (?, ?, ?)", rows)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _check_tables(connection: sqlite3.Connection) -> None:
    """quick_check does not see when a table has another name or other columns."""
    expected = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _migrate(expected)
        missing = _tables(expected) - _tables(connection)
    finally:
        expected.close()
    if missing:
        raise DamagedError(f"the table {min(name for name, *_ in missing)} is not as it was made")


def _tables(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    rows = connection.execute("SELECT name, type, tbl_name, coalesce(sql, '') FROM sqlite_master").fetchall()
    # IF NOT EXISTS is not stored.
    return {(name, kind, f"{table}: {sql}") for name, kind, table, sql in rows}


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")  # a flipped bit must not become an error of its own
