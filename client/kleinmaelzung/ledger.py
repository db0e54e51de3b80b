"""What a laboratory's logger says of commands: what became of each, and whether the record of it is whole."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from kleinmaelzung.asking import Ask, unreadable
from kleinmaelzung.paging import LOGGERS_PAGE, Listing
from kleinmaelzung_wire.codec import Fields, WireError

NO_HEAD: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One command and what became of it. Times in µs since 1970 UTC.

    `result` is as of a Reply. `noted_by` is "agent", or who noted a command that no agent saw, such as "gateway";
    `received` is when it came there, `took_us` how long the agent was at it. `epoch`, `frame` and `record` name the
    frame that told it. `superseded_by` is the number of the agent's own entry where a gateway, which did not see the
    command's end, noted another. `left_out` names fields that are too long to be shown.
    """

    number: int
    time: int
    instrument: str
    user: str
    origin: str
    id: str
    name: str
    arguments: dict[str, Any]
    result: str
    reason: str
    values: dict[str, Any]
    bytes_out: bytes
    bytes_in: bytes
    took_us: int
    received: int | None
    noted_by: str
    epoch: int | None
    frame: int | None
    record: int | None
    logged: int
    hash: str
    superseded_by: int | None = None
    left_out: list[str] = field(default_factory=list)

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From a logger's answer. Raises WireError."""
        wire = Fields(value, "entry")
        return cls(
            number=wire.integer("number"),
            time=wire.integer("time"),
            instrument=wire.text("instrument"),
            user=wire.text("user"),
            origin=wire.text("origin"),
            id=wire.text("id"),
            name=wire.text("name"),
            arguments=_map(wire, "arguments"),
            result=wire.text("result"),
            reason=wire.text("reason"),
            values=_map(wire, "values"),
            bytes_out=wire.binary("bytes_out"),
            bytes_in=wire.binary("bytes_in"),
            took_us=wire.integer("took_us"),
            received=wire.optional_integer("received"),
            noted_by=wire.text("noted_by"),
            epoch=wire.optional_integer("epoch"),
            frame=wire.optional_integer("frame"),
            record=wire.optional_integer("record"),
            logged=wire.integer("logged"),
            hash=wire.text("hash"),
            superseded_by=wire.optional_integer("superseded_by"),
            left_out=[name for name in wire.list("left_out") if isinstance(name, str)],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """Whether the ledger is whole.

    `head` is `NUMBER:HASH` of its last good entry: given to a later check, it proves that nothing before it changed.
    `entries` are good, `compared` of them came in frames that are still stored and say the same. Otherwise `why` says
    what is wrong, and `first_bad` with which entry (None: with none that is there).
    """

    is_whole: bool
    entries: int
    compared: int
    first_bad: int | None
    why: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    entries: int
    compared: int
    is_good: bool
    first_bad: int | None
    why: str
    head: tuple[int, str]
    more: bool

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "verdict")
        match wire.list("head"):
            case [int(number), str(text)]:
                head = number, text
            case other:
                raise WireError(f"verdict.head is {other!r:.40}, expected a number and a hash")
        return cls(
            entries=wire.integer("entries"),
            compared=wire.integer("compared"),
            is_good=wire.boolean("ok"),
            first_bad=wire.optional_integer("first_bad"),
            why=wire.text("why"),
            head=head,
            more=wire.boolean("more"),
        )


_LISTING: Final = Listing(
    request="ledger",
    key="entries",
    of="of the logger",
    read=LedgerEntry.from_map,
    number=lambda entry: entry.number,
    page=LOGGERS_PAGE,
)


async def find(ask: Ask, patterns: Sequence[str], question: dict[str, Any], limit: int) -> list[LedgerEntry]:
    """The newest entries of instruments under any of the patterns."""
    found = [entry for one in patterns for entry in await _LISTING.newest(ask, {**question, "instrument": one}, limit)]
    return sorted(found, key=lambda entry: -entry.number)[:limit]


async def verify(ask: Ask, head: str | None) -> LedgerCheck:
    """The whole ledger, piece by piece. Raises ValueError for a head that is none."""
    noted = None if head is None else list(parse_head(head))
    entries = compared = 0
    last: tuple[int, str] = 0, NO_HEAD
    while True:
        try:
            piece = _Piece.from_map(await ask("ledger-verify", {"after": list(last), "head": noted}))
        except WireError as error:
            raise unreadable("of the logger", error) from error
        entries, compared = entries + piece.entries, compared + piece.compared
        if not piece.more or piece.head == last:
            break
        last = piece.head
    return LedgerCheck(
        is_whole=piece.is_good and not piece.more,
        entries=entries,
        compared=compared,
        first_bad=piece.first_bad,
        why=piece.why,
        head=f"{piece.head[0]}:{piece.head[1]}",
    )


def parse_head(text: str) -> tuple[int, str]:
    """`812:9f86...` as its number and hash. Raises ValueError."""
    number, _, digits = text.partition(":")
    if number.isascii() and number.isdecimal() and len(number) < 19 and len(digits) == len(NO_HEAD):
        try:
            return int(number), bytes.fromhex(digits).hex()
        except ValueError:
            pass
    raise ValueError(f"{text!r:.100} is no head of a ledger, expected NUMBER:HASH as an earlier verify printed it")


def _map(wire: Fields, key: str) -> dict[str, Any]:
    try:
        found = json.loads(wire.text(key))
    except (ValueError, RecursionError) as error:
        raise WireError(f"entry.{key} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise WireError(f"entry.{key} is no map")
    return found
