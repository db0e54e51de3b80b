"""What was issued, for whoever asks: requests in; entries of the register, or a certificate's bytes, out."""

import json
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import entries, store
from kleinmaelzung_services.calibration.certificates.asked import MAX_TEXT, Sought, covers
from kleinmaelzung_services.calibration.certificates.entries import Row
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.pages import page
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import certificates, sockets
from kleinmaelzung_wire.requests import MAX_ANSWER

PAGE: Final = 100
PIECE: Final = MAX_ANSWER - 1000  # bytes of a file in one answer


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
        sought = Sought.parse(asked.request)
        where = (sought.agent, sought.instrument, sought.after, PAGE + 1)
        which = (sought.text, sought.state, sought.since, sought.until)
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                rows = await opened.fetch("find_page", *where, *which)
        except LookupFailed as error:
            raise _unavailable(error) from error
        return page({}, "certificates", [entries.told(row) for row in rows], PAGE)

    async def file(self, asked: Asked) -> dict[str, Any]:
        """The handler for FILE: as many of its bytes as go into one answer."""
        wire = asked.request.fields()
        number, revision = certificates.check_number(wire.text("number")), wire.optional_integer("revision")
        lookup.instruments(asked.request)  # which must be there
        offset = wire.integer("offset", minimum=0, maximum=2**31 - 1, default=0)
        file = wire.text("file", default=certificates.PDF, longest=MAX_TEXT)
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                found = await _find(opened, number, revision, asked.request.instrument or "")
                if file == certificates.PDF:
                    pdf = await opened.fetch("find_piece", found["pdf"], offset, PIECE)
                    return _piece(pdf, found["pdf"].hex())
                return await _attachment(opened, found, certificates.SHORT.get(file, file), offset)
        except LookupFailed as error:
            raise _unavailable(error) from error


async def _find(opened: Lookup, number: str, revision: int | None, pattern: str) -> Row:
    found = await opened.fetch("find_certificate", number)
    issued = [row for row in found if covers(pattern, row["item"])]
    if not issued:
        raise entries.unknown(number, pattern)
    for row in issued:
        if revision is None or row["revision"] == revision:
            return row
    revisions = ", ".join(str(row["revision"]) for row in reversed(issued))
    raise RequestRefused(sockets.UNKNOWN, f"certificate {number} has no revision {revision}, it has {revisions}")


async def _attachment(opened: Lookup, found: Row, name: str, offset: int) -> dict[str, Any]:
    hashes = json.loads(found["details"]).get("attachments", {})
    if name in hashes:
        rows = await opened.fetch("find_attachment_piece", found["pdf"], name, offset, PIECE)
        return _piece(rows, hashes[name])
    title = f"certificate {found['certificate']}/{found['revision']}"
    if hashes:
        raise RequestRefused(sockets.UNKNOWN, f"{title} has no file {name!r}, it has pdf, {', '.join(sorted(hashes))}")
    sentence = (
        f"{title} was issued by an earlier version, which kept the PDF only: its files are within it, as attachments"
        " that a PDF reader saves"
    )
    raise RequestRefused(sockets.UNKNOWN, sentence)


def _piece(rows: list[Any], sha256: str) -> dict[str, Any]:
    """`sha256` is what the register says of the file: whoever has all pieces sees whether it is the one."""
    if not rows:
        raise RequestRefused(sockets.FAILED, "the file was removed from the database, where nothing may be")
    [piece] = rows
    return {"content": piece["content"], "total": piece["total"], "sha256": sha256}


def _first(rows: list[Any]) -> dict[str, Any] | None:
    return entries.told(rows[0]) if rows else None


def _unavailable(error: LookupFailed) -> RequestRefused:
    return RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}")
