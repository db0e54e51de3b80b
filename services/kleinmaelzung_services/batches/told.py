"""What batches there are, and what was noted of one: requests in, pages out, of the instruments asked for."""

from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.batches import changes, store
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.pages import page
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import batches, sockets
from kleinmaelzung_wire.requests import Request

PAGE: Final = 100  # batches or events in one answer, where they have room


class Told:
    """Answers requests by the database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queries = lookup.read_queries(__package__, store.QUERIES)

    async def list(self, asked: Asked) -> dict[str, Any]:
        """The handler for LIST."""
        request = asked.request
        wire = request.fields()
        is_open, after = wire.boolean("open", default=False), wire.optional_integer("after")
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                rows = await opened.fetch("find_batches", *lookup.instruments(request), None, is_open, after, PAGE + 1)
        except LookupFailed as error:
            raise unavailable(error) from error
        return page({}, "batches", [_batch(row) for row in rows], PAGE)

    async def show(self, asked: Asked) -> dict[str, Any]:
        """The handler for SHOW."""
        wire = asked.request.fields()
        name, after = batches.check_name(wire.text("name"), "batch name"), wire.optional_integer("after")
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                return await _show(opened, asked.request, name, after)
        except LookupFailed as error:
            raise unavailable(error) from error


async def _show(opened: Lookup, request: Request, name: str, after: int | None) -> dict[str, Any]:
    about = lookup.instruments(request)
    found = await opened.fetch("find_batches", *about, batches.same(name), False, None, 1)
    if not found:
        raise changes.unknown(name, request.instrument)
    events = await opened.fetch("find_events", found[0]["id"], after, *about, PAGE + 1)
    return page({"batch": _batch(found[0])}, "events", [store.event(row) for row in events], PAGE)


def _batch(row: Any) -> dict[str, Any]:
    told = {key: row[key] for key in ("name", "began", "ended", "stage")}
    return {"number": row["id"], **told, "user": row["begun_by"], "instruments": list(row["instruments"])}


def unavailable(error: LookupFailed) -> RequestRefused:
    return RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}")
