"""What became of commands, and whether the record of it is whole: requests in, entries or a verdict out.

    {request: "ledger", instrument: "pi-1/+", user, result, from, to, after, limit, superseded}
                                                                                         all but two may be left out; µs
    {entries: [{number, time, instrument, user, origin, id, name, arguments, result, reason, values, bytes_out,
                bytes_in, took_us, received, noted_by, epoch, frame, record, logged, hash, superseded_by, left_out}],
     more}

Of a command that a gateway lost sight of, and an agent recorded, the agent's entry is the truth: `superseded_by` is its
number in the gateway's, which is left out unless `superseded` asks for it.

Newest first. With `more`, `after` asks for the next page: the last entry's number. `arguments` and `values` are JSON as
text. What is longer than MAX_SHOWN is left out, and `left_out` names it; the whole is in the table.

    {request: "ledger-verify", after: [number, hash], head: [number, hash]}              both may be left out
    {entries, compared, ok, first_bad, why, head: [number, hash], more}

One request verifies what it can in PIECE_S; with `more`, `after` asks for the rest: the `head` of the answer. `head` in
the question is one that somebody noted earlier: entries that were removed behind it, or a chain that was written anew,
are found by it. `compared` of the `entries` came in frames that are still stored, and say the same.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from kleinmaelzung_services import chain, lookup
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.logger import ledger
from kleinmaelzung_services.lookup import Lookup, LookupFailed
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import codec, sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import MAX_ID
from kleinmaelzung_wire.requests import MAX_ANSWER, Request

LEDGER: Final = "ledger"
VERIFY: Final = "ledger-verify"
PAGE: Final = 200  # entries in one answer
MAX_SHOWN: Final = 4096  # characters or bytes of one field, of which four can be long: one entry always has room
BATCH: Final = 200  # rows at once: 10 ms of our time
PIECE_S: Final = 4.0
_ROOM: Final = MAX_ANSWER - 100  # what the answer has around it
_LARGEST: Final = 2**63 - 1
_LONG: Final = ("arguments", "values", "bytes_out", "bytes_in")
_EMPTY: Final = {"arguments": "{}", "values": "{}", "bytes_out": b"", "bytes_in": b""}
_SAME: Final = (
    *("number", "time", "origin", "name", "arguments", "result", "reason", "values", "bytes_out", "bytes_in"),
    *("took_us", "received", "noted_by", "epoch", "frame", "record", "logged", "superseded_by"),
)

Row = Any  # of asyncpg: columns by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries are asked for; None stands for any."""

    agent: str | None = None
    name: str | None = None
    user: str | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int | None = None
    limit: int = PAGE
    superseded: bool = False

    @classmethod
    def parse(cls, request: Request) -> Self:
        """From a request. Raises WireError."""
        wire = request.fields()
        agent, name = lookup.instruments(request)
        return cls(
            agent=agent,
            name=name,
            user=_text(wire, "user"),
            result=_text(wire, "result"),
            since=lookup.moment(wire, "from"),
            until=lookup.moment(wire, "to"),
            after=None if wire.get("after") is None else wire.integer("after"),
            limit=wire.integer("limit", minimum=1, maximum=PAGE, default=PAGE),
            superseded=wire.boolean("superseded", default=False),
        )


def _text(wire: Fields, key: str) -> str | None:
    return None if wire.get(key) is None else wire.text(key, longest=MAX_ID).replace("\x00", "")


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found of a chain so far."""

    last: Link
    entries: int = 0
    compared: int = 0
    first_bad: int | None = None
    why: str = ""
    is_end: bool = False

    def find(self, why: str, number: int | None) -> None:
        self.first_bad, self.why = number, why

    def to_map(self) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "compared": self.compared,
            "ok": not self.why,
            "first_bad": self.first_bad,
            "why": self.why,
            "head": [self.last.number, self.last.hash.hex()],
            "more": not self.why and not self.is_end,
        }


class Ledger:
    """Answers requests by the database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queries = lookup.read_queries(__package__, "ledger.sql")

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """The handler for LEDGER."""
        wanted = Wanted.parse(asked.request)
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                return page(await find(opened, wanted), wanted.limit)
        except LookupFailed as error:
            raise _unavailable(error) from error

    async def verify(self, asked: Asked) -> dict[str, Any]:
        """The handler for VERIFY."""
        wire = asked.request.fields()
        after, noted = _link(wire, "after") or Link(), _link(wire, "head")
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                return (await verify(opened, after, noted)).to_map()
        except LookupFailed as error:
            raise _unavailable(error) from error


def _unavailable(error: LookupFailed) -> RequestRefused:
    return RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}")


def _link(wire: Fields, key: str) -> Link | None:
    match wire.get(key):
        case None:
            return None
        case [int(number), str(text)] if 0 <= number <= _LARGEST and len(text) == 2 * len(chain.GENESIS):
            try:
                return Link(number, bytes.fromhex(text))
            except ValueError:
                pass
    raise WireError(f"{key} is {wire.get(key)!r:.40}, expected an entry's number and its hash of 64 hexadecimal digits")


async def find(opened: Lookup, wanted: Wanted) -> list[Row]:
    """The entries of one page, and one more to see whether there is another."""
    conditions = (wanted.agent, wanted.name, wanted.user, wanted.result, wanted.since, wanted.until, wanted.after)
    return await opened.fetch("find_entries", *conditions, wanted.limit + 1, wanted.superseded)


def page(found: Sequence[Row], limit: int) -> dict[str, Any]:
    """The answer, cut until it goes into one message."""
    while True:
        answer = {"entries": [_shown(row) for row in found[:limit]], "more": len(found) > limit}
        if limit == 1 or len(codec.pack(answer)) <= _ROOM:
            return answer
        limit //= 2


def _shown(row: Row) -> dict[str, Any]:
    long = [key for key in _LONG if len(row[key]) > MAX_SHOWN]
    return {
        **{key: row[key] for key in _SAME},
        "instrument": f"{row['agent']}/{row['instrument']}",
        "user": row["username"],
        "id": row["command"],
        "hash": row["hash"].hex(),
        **{key: _EMPTY[key] for key in long},
        "left_out": long,
    }


async def verify(opened: Lookup, after: Link, noted: Link | None, piece_s: float = PIECE_S) -> Verdict:
    """Follow the chain behind an entry that is good, to its end or for about `piece_s`."""
    found = Verdict(last=after)
    until = time.monotonic() + piece_s
    number = after.number or None  # from the very first, whatever its number
    while not found.why:
        batch = await opened.fetch("find_chain", number, BATCH)
        _follow(found, batch, noted)
        if len(batch) < BATCH:
            break
        number = found.last.number
        if time.monotonic() >= until:
            return found
    if not found.why:
        await _end(found, opened, noted)
    return found


def _follow(found: Verdict, batch: Sequence[Row], noted: Link | None) -> None:
    for row in batch:
        number = row["number"]
        if why := ledger.damage(found.last, row):
            found.find(why, min(number, found.last.number + 1))
            return
        found.last = Link(number, row["hash"])
        found.entries += 1
        found.compared += row["payload"] is not None
        if noted is not None and noted.number == number and noted.hash != row["hash"]:
            found.find(ledger.rewritten(number), number)
            return


async def _end(found: Verdict, opened: Lookup, noted: Link | None) -> None:
    """What the rows themselves cannot show: whether some are gone behind the last one."""
    found.is_end = True
    first_bad, why = ledger.wrong_end(found.last, await opened.fetch("find_head"), noted)
    if not why and (row := await opened.fetch("find_not_noted")):
        why = ledger.not_noted(row[0])
    found.find(why, first_bad)
