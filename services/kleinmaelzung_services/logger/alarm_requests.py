"""Which alarms there were: requests in, pages out, as kleinmaelzung_wire/alarms.py says."""

from collections.abc import Sequence
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.lookup import LookupFailed
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import codec, sockets
from kleinmaelzung_wire.requests import MAX_ANSWER

PAGE: Final = 200
_ROOM: Final = MAX_ANSWER - 100  # what the answer has around it
_SAME: Final = ("id", "channel", "kind", "level", "since", "value", "unit", "cause", "detail")


class AlarmRequests:
    """Answers requests by the database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queries = lookup.read_queries(__package__, "alarms.sql")

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """The handler for alarms.REQUEST."""
        wire = asked.request.fields()
        limit = wire.integer("limit", minimum=1, maximum=PAGE, default=PAGE)
        conditions = (
            *lookup.instruments(asked.request),
            None if wire.get("active") is None else wire.boolean("active"),
            *(lookup.moment(wire, "from"), lookup.moment(wire, "to")),
            wire.optional_integer("after"),
        )
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                found = await opened.fetch("find_alarms", *conditions, limit + 1)
        except LookupFailed as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}") from error
        return page(found, limit)


def page(found: Sequence[Any], limit: int) -> dict[str, Any]:
    """The answer, cut until it goes into one message."""
    while True:
        answer = {"alarms": [_shown(row) for row in found[:limit]], "more": len(found) > limit}
        if limit == 1 or len(codec.pack(answer)) <= _ROOM:
            return answer
        limit //= 2


def _shown(row: Any) -> dict[str, Any]:
    by = {"user": row["acknowledged_by"], "time": row["acknowledged"], "note": row["note"]}
    alarm = {key: row[key] for key in _SAME} | {"limit": row["limit_value"]}
    return {
        "number": row["number"],
        "instrument": f"{row['agent']}/{row['instrument']}",
        "alarm": {**alarm, "acknowledged": by if row["acknowledged"] else None},
        **{key: row[key] for key in ("highest", "cleared", "reason")},
    }
