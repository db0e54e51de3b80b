"""Files on their way into the database: pieces in, how far each has come out. At its end a file is checked and kept.

    piece at `have` --> calibration_uploads --> all there: is its SHA-256 right? --> calibration_files

A piece belongs where the last one ended, and any other changes nothing: the answer says where to go on. So a piece that
is sent again does no harm, and who lost the connection asks how far it came. Each user has their own.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import store
from kleinmaelzung_services.requests import RequestRefused
from kleinmaelzung_services.writing import Tables
from kleinmaelzung_wire import certificates, sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.register import MAX_FILE, MAX_PIECE

QUERIES: Final = "uploads.sql"
UNFINISHED: Final = 4  # of one user; where there are more, the one that rests longest goes
STALE: Final = timedelta(days=1)  # since its last piece
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes of a file, from `offset` on; none where somebody asks how far it came."""

    sha256: bytes
    total: int
    offset: int
    content: bytes

    @classmethod
    def parse(cls, wire: Fields) -> Self:
        """Raises WireError; RequestRefused for a file that is too large."""
        total = wire.integer("total", minimum=1, maximum=2**63 - 1)
        if total > MAX_FILE:
            rule = f"{MAX_FILE // MIB} MiB are kept at most: scan it in grey, 200 dpi will do"
            raise RequestRefused(sockets.LIMIT, f"the file has {total / MIB:.1f} MiB, {rule}")
        offset = wire.integer("offset", minimum=0, maximum=total, default=0)
        content = b"" if wire.get("content") is None else wire.binary("content")
        if len(content) > MAX_PIECE:
            raise WireError(f"content has {len(content)} bytes, a piece has up to {MAX_PIECE}")
        if offset + len(content) > total:
            raise WireError(f"content ends at byte {offset + len(content)}, behind the file's end: total is {total}")
        sha256 = bytes.fromhex(certificates.check_sha256(wire.text("sha256")))
        return cls(sha256=sha256, total=total, offset=offset, content=content)


class Uploads:
    """The files that are on their way into one database."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._queries = lookup.read_queries(store.PACKAGE, QUERIES)

    async def take(self, user: str, piece: Piece, now_us: int | None = None) -> int:
        """Note a piece. Returns how many bytes there are now, from the file's beginning: all of them, once it is kept.

        Raises RequestRefused for a file that is not what it was said to be, Unavailable.
        """
        now = lookup.to_datetime(time.time_ns() // 1000 if now_us is None else now_us)
        async with self._tables.connection() as connection, connection.transaction():
            await connection.execute(self._queries["lock"])
            have = await self._take(connection, user, piece, now)
        if have is None:
            sentence = f"the file that came has not the SHA-256 {piece.sha256.hex()}: nothing is kept; send it again"
            raise RequestRefused(sockets.BAD_MESSAGE, sentence)
        return have

    async def is_kept(self, sha256: str) -> bool:
        """Whether a file is there, whole. Raises Unavailable."""
        async with self._tables.connection() as connection:
            return await self._kept(connection, bytes.fromhex(sha256)) is not None

    async def _take(self, connection: Any, user: str, piece: Piece, now: datetime) -> int | None:
        """None where all of it has come and is something else."""
        await connection.execute(self._queries["remove_stale"], now - STALE)
        if (kept := await self._kept(connection, piece.sha256)) is not None:
            await connection.execute(self._queries["remove_upload"], user, piece.sha256)
            return kept
        have = await self._have(connection, user, piece)
        if not piece.content or piece.offset != have:
            return have
        row = (user, piece.sha256, piece.offset, piece.total, piece.content, now)
        await connection.execute(self._queries["add_piece"], *row)
        await connection.execute(self._queries["remove_older"], user, UNFINISHED, piece.sha256)
        have += len(piece.content)
        if have < piece.total:
            return have
        await connection.execute(self._queries["keep"], user, piece.sha256)
        await connection.execute(self._queries["remove_upload"], user, piece.sha256)
        return await self._kept(connection, piece.sha256)

    async def _have(self, connection: Any, user: str, piece: Piece) -> int:
        """A file that is said to have another length now begins anew."""
        have, total = await connection.fetchrow(self._queries["find_upload"], user, piece.sha256)
        if total in (None, piece.total):
            return int(have)
        await connection.execute(self._queries["remove_upload"], user, piece.sha256)
        return 0

    async def _kept(self, connection: Any, sha256: bytes) -> int | None:
        """How many bytes the file has that is kept."""
        total: int | None = await connection.fetchval(self._queries["find_kept"], sha256)
        return total
