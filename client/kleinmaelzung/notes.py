"""Notes on instruments' time lines, which a laboratory's service of batches keeps: added, found, withdrawn."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from kleinmaelzung.asking import Ask, make_id, unreadable
from kleinmaelzung.desk import Desk
from kleinmaelzung.paging import Listing
from kleinmaelzung_wire import batches, notes, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.rights import EVERYTHING

T = TypeVar("T")

ANSWER_S: Final = 10.0
_OF: Final = "about notes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """By whom, when (µs since 1970 UTC) and why a note was withdrawn."""

    user: str
    time: int
    reason: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "withdrawn")
        return cls(user=wire.text("user"), time=wire.integer("time"), reason=wire.text("reason"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What `user` put on an instrument's time line. Times in µs since 1970 UTC.

    It is about the moment `at`, or where it has an `until` about the time between; `noted` is when it was said.
    `withdrawn` is None unless it was.
    """

    number: int
    instrument: str
    at: int
    until: int | None
    text: str
    user: str
    noted: int
    withdrawn: Withdrawn | None

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "note")
        topics.split_full_name(wire.text("instrument"))
        withdrawn = wire.get("withdrawn")
        return cls(
            number=wire.integer("number"),
            instrument=wire.text("instrument"),
            at=wire.integer("at"),
            until=wire.optional_integer("until"),
            text=wire.text("text"),
            user=wire.text("user"),
            noted=wire.integer("noted"),
            withdrawn=None if withdrawn is None else Withdrawn.from_map(withdrawn),
        )


_LISTING: Final = Listing(
    request=notes.LIST, key="notes", of=_OF, read=Note.from_map, number=lambda note: note.number, page=notes.PAGE
)


class Notes:
    """The notes of one laboratory; `lab.notes` is one.

    Each raises Refused: "not-permitted", or "unavailable" when nobody is there who knows. With an `id` of the caller's
    own what is written may be sent again and is done once.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def add(
        self,
        instrument: str,
        text: str,
        *,
        at: int | None = None,
        until: int | None = None,
        id: str = "",  # noqa: A002
    ) -> Note:
        """Put a note on the time line of `<agent>/<instrument>`: at a moment, now unless told, or from `at` to `until`.

        Times are in µs since 1970 UTC, and not in the future. Permitted to who may command the instrument.
        """
        question = {"instrument": instrument, "text": text, "at": at, "until": until, "id": id or make_id()}
        return await self._ask(lambda ask: _note(ask, notes.ADD, question))

    async def withdraw(self, number: int, reason: str, *, id: str = "") -> Note:  # noqa: A002
        """Say that a note was wrong: it stays on record, as withdrawn. Permitted to who wrote it, and to admins.

        Raises Refused, "conflict" where it was withdrawn already.
        """
        question = {"number": number, "reason": reason, "id": id or make_id()}
        return await self._ask(lambda ask: _note(ask, notes.WITHDRAW, question))

    async def find(
        self, pattern: str = EVERYTHING, *, since: int | None = None, until: int | None = None, limit: int = 100
    ) -> list[Note]:
        """The notes on `<agent>/<instrument>`, `+` for any name: those of the latest time first, withdrawn ones too.

        With `since` and `until` (µs since 1970 UTC) those that touch that time.
        """
        granted = await self._desk.granted(pattern)
        return await self._ask(lambda ask: find(ask, granted, {"from": since, "to": until}, limit))

    async def _ask(self, ask: Callable[[Ask], Awaitable[T]]) -> T:
        return await self._desk.by_one(batches.ROLE, ask, ANSWER_S)


async def find(ask: Ask, patterns: Sequence[str], question: dict[str, Any], limit: int) -> list[Note]:
    """Of instruments under any of the patterns, each once."""
    found: dict[int, Note] = {}
    for pattern in patterns:
        shown = await _LISTING.newest(ask, {**question, "instrument": pattern}, limit)
        found |= {note.number: note for note in shown}
    return sorted(found.values(), key=lambda note: (-note.at, -note.number))[:limit]


async def _note(ask: Ask, name: str, question: dict[str, Any]) -> Note:
    answer = await ask(name, question)
    try:
        return Note.from_map(Fields(answer, "answer").get("note"))
    except WireError as error:
        raise unreadable(_OF, error) from error
