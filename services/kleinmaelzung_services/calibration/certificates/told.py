"""What was issued, for whoever asks: requests in; entries of the register, or a certificate's bytes, out."""

from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import entries, store
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import certificates, codec, sockets, topics
from kleinmaelzung_wire.requests import MAX_ANSWER
from kleinmaelzung_wire.rights import EVERYTHING

PAGE: Final = 100
PIECE: Final = MAX_ANSWER - 1000  # bytes of a file in one answer
_ROOM: Final = MAX_ANSWER - 100  # what the answer has around it


class Told:
    """Answers requests by the database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queries = lookup.read_queries(store.PACKAGE, store.QUERIES)

    async def known(self, asked: Asked) -> dict[str, Any]:
        """The handler for KNOWN: anybody who has a document may ask, for they know what it says."""
        wire = asked.request.fields()
        sha256 = bytes.fromhex(certificates.check_sha256(wire.text("sha256")))
        number = certificates.check_number(wire.text("number")) if wire.get("number") is not None else None
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                found = await opened.fetch("find_by_pdf", sha256)
                number = found[0]["certificate"] if found else number
                issued = await opened.fetch("find_certificate", number) if number else []
        except LookupFailed as error:
            raise _unavailable(error) from error
        return {"known": _first(found), "issued": _first(issued)}

    async def list(self, asked: Asked) -> dict[str, Any]:
        """The handler for LIST: the entries of the instruments asked for, the newest first."""
        after = asked.request.fields().optional_integer("after")
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                rows = await opened.fetch("find_page", *lookup.instruments(asked.request), after, PAGE + 1)
        except LookupFailed as error:
            raise _unavailable(error) from error
        return _page(rows)

    async def file(self, asked: Asked) -> dict[str, Any]:
        """The handler for FILE: as many of its bytes as go into one answer."""
        wire = asked.request.fields()
        number, revision = certificates.check_number(wire.text("number")), wire.optional_integer("revision")
        lookup.instruments(asked.request)  # which must be there
        offset = wire.integer("offset", minimum=0, maximum=2**31 - 1, default=0)
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                sha256 = await _pdf_of(opened, number, revision, asked.request.instrument or "")
                [piece] = await opened.fetch("find_piece", sha256, offset, PIECE)
        except LookupFailed as error:
            raise _unavailable(error) from error
        return {"content": piece["content"], "total": piece["total"], "sha256": sha256.hex()}


async def _pdf_of(opened: Lookup, number: str, revision: int | None, pattern: str) -> bytes:
    found = await opened.fetch("find_certificate", number)
    issued = [row for row in found if pattern == EVERYTHING or topics.matches(pattern, row["item"])]
    if not issued:
        sentence = f"there is no certificate {number} of an instrument under {pattern}: is the number right?"
        raise RequestRefused(sockets.UNKNOWN, sentence)
    for row in issued:
        if revision is None or row["revision"] == revision:
            return bytes(row["pdf"])
    revisions = ", ".join(str(row["revision"]) for row in reversed(issued))
    raise RequestRefused(sockets.UNKNOWN, f"certificate {number} has no revision {revision}, it has {revisions}")


def _first(rows: list[Any]) -> dict[str, Any] | None:
    return entries.told(rows[0]) if rows else None


def _page(rows: list[Any]) -> dict[str, Any]:
    """The answer, cut until it goes into one message."""
    limit = PAGE
    while True:
        answer = {"certificates": [entries.told(row) for row in rows[:limit]], "more": len(rows) > limit}
        if limit == 1 or len(codec.pack(answer)) <= _ROOM:
            return answer
        limit //= 2


def _unavailable(error: LookupFailed) -> RequestRefused:
    return RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}")
