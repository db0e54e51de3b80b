"""What has come and what has not: a request for `completeness` in, one page of instruments out.

    {request: "completeness", instrument: "pi-1/+", from, to, after}     all but the first two may be left out; µs
    {instruments: [{instrument, expected, received, missing, explained, quarantined, conflicts, percent,
                    runs:   [{epoch, first, last, received, missing, quarantined, conflicts, since, until}], more_runs,
                    ranges: [{epoch, run_since, first, last, kind, reason, detail}], more_ranges,
                    gaps:   [{since, until, reason, detail}], more_gaps}],
     more}

A run is one start of the agent; with times, those that overlap count. `received`, `missing` and `quarantined` add up to
`expected`; `explained` says of how many missing frames the reason is known. A range is `missing`, with an empty reason
as long as nobody knows one (the agent may still have it, and sends it again), or `quarantined`. Lists are newest first
and cut, of runs those without holes first; `more_...` counts what is left out. With `more`, `after` asks for the next
page: the last instrument's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from kleinmaelzung_services import lookup
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import codec, sockets, topics
from kleinmaelzung_wire.requests import MAX_ANSWER, Request

REQUEST: Final = "completeness"
PAGE: Final = 50  # instruments in one answer
MAX_ENTRIES: Final = 1000  # runs, ranges, and gaps: each of these lists, over all instruments of an answer
MAX_WORDS: Final = 200  # of a reason or a detail
_ROOM: Final = MAX_ANSWER - 100  # what the answer has around it
_SUMS: Final = ("expected", "received", "missing", "explained", "quarantined", "conflicts")

Row = Any  # of asyncpg: columns by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for; None stands for any."""

    agent: str | None = None
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[str, str] | None = None

    @classmethod
    def parse(cls, request: Request) -> Self:
        """From a request. Raises WireError."""
        wire = request.fields()
        agent, name = lookup.instruments(request)
        after = wire.get("after")
        return cls(
            agent=agent,
            name=name,
            since=lookup.moment(wire, "from"),
            until=lookup.moment(wire, "to"),
            after=None if after is None else topics.split_full_name(wire.text("after")),
        )

    @property
    def is_anything(self) -> bool:
        return self.agent is None and self.name is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database told: rows of sql/completeness.sql."""

    instruments: Sequence[Row]
    runs: Sequence[Row]
    ranges: Sequence[Row]
    gaps: Sequence[Row]


class Completeness:
    """Answers requests by the database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queries = lookup.read_queries(__package__, "completeness.sql")

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """The handler for Requests."""
        wanted = Wanted.parse(asked.request)
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                found = await find(opened, wanted)
        except LookupFailed as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}") from error
        if not found.instruments and wanted.after is None and not wanted.is_anything:
            pattern = f"{wanted.agent or topics.ANY}/{wanted.name or topics.ANY}"
            raise RequestRefused(sockets.UNKNOWN, f"nothing of {pattern} has ever been logged: is the name right?")
        return page(found)


async def find(opened: Lookup, wanted: Wanted) -> Found:
    """Read one page, and one instrument more to see whether there is another."""
    after = wanted.after or (None, None)
    instruments = await opened.fetch("page", wanted.agent, wanted.name, *after, PAGE + 1)
    ids = [row["id"] for row in instruments[:PAGE]]
    runs = await opened.fetch("find_runs", ids, wanted.since, wanted.until, MAX_ENTRIES)
    holes = sorted((row for row in runs if row["missing"] or row["quarantined"]), key=_newest_first)
    places = [row["instrument"] for row in holes], [row["epoch"] for row in holes]
    ranges = await opened.fetch("find_ranges", *places, MAX_ENTRIES) if holes else []
    gaps = await opened.fetch("find_gaps", ids, wanted.since, wanted.until, MAX_ENTRIES)
    named = [
        {**row, "epoch": holes[row["position"] - 1]["epoch"], "run_since": holes[row["position"] - 1]["since"]}
        for row in ranges
    ]
    return Found(instruments=instruments, runs=runs, ranges=named, gaps=gaps)


def page(found: Found) -> dict[str, Any]:
    """The answer, its lists cut until it goes into one message."""
    limit = MAX_ENTRIES
    while len(codec.pack(answer := _page(found, limit))) > _ROOM and limit > 1:
        limit //= 2
    return answer


def _page(found: Found, limit: int) -> dict[str, Any]:
    shown = found.instruments[:PAGE]
    runs, ranges, gaps = (_by_instrument(rows) for rows in (found.runs, found.ranges, found.gaps))
    # Rows come first of each instrument first, so each has its newest however little room there is.
    kept = [_by_instrument(rows[:limit]) for rows in (found.runs, found.ranges, found.gaps)]
    return {
        "instruments": [
            {
                "instrument": f"{row['agent']}/{row['name']}",
                **_sums(runs.get(row["id"], [])),
                **_cut("runs", runs.get(row["id"], []), sorted(kept[0].get(row["id"], []), key=_newest_first), _run),
                **_cut("ranges", ranges.get(row["id"], []), kept[1].get(row["id"], []), _range),
                **_cut("gaps", gaps.get(row["id"], []), kept[2].get(row["id"], []), _gap),
            }
            for row in shown
        ],
        "more": len(found.instruments) > PAGE,
    }


def _newest_first(run: Row) -> int:
    since: int = run["since"]
    return -since


def _by_instrument(rows: Sequence[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["instrument"], []).append(row)
    return found


def _sums(runs: Sequence[Row]) -> dict[str, Any]:
    sums = {key: runs[0][f"all_{key}"] if runs else 0 for key in _SUMS}
    return {**sums, "percent": percent(sums["received"], sums["expected"])}


def percent(received: int, expected: int) -> float | None:
    """With two digits and never rounded up: 100.0 means that nothing is missing. None where nothing is expected."""
    return received * 10_000 // expected / 100 if expected else None


def _cut(name: str, rows: Sequence[Row], kept: Sequence[Row], shape: Any) -> dict[str, Any]:
    total = rows[0][name] if rows else 0
    return {name: [shape(row) for row in kept], f"more_{name}": total - len(kept)}


def _run(row: Row) -> dict[str, Any]:
    keys = ("epoch", "first", "last", "received", "missing", "quarantined", "conflicts", "since", "until")
    return {key: row[key] for key in keys}


def _range(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in ("epoch", "run_since", "first", "last", "kind")} | _words(row)


def _gap(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in ("since", "until")} | _words(row)


def _words(row: Row) -> dict[str, str]:
    return {key: row[key][:MAX_WORDS] for key in ("reason", "detail")}
