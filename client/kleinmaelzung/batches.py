"""What a laboratory's service of batches keeps: what was made with which instruments, when, in which stages.

A user who has several grants asks for each of them: a request is about one pattern that is granted as a whole.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeVar

from kleinmaelzung.asking import Ask, unreadable
from kleinmaelzung.errors import Refused
from kleinmaelzung.paging import Listing
from kleinmaelzung_wire import batches, codec, sockets, topics
from kleinmaelzung_wire.batches import Kind
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.rights import EVERYTHING, Rights

T = TypeVar("T")

_OWN_ID: Final = 60  # characters of an id to which a number is added


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEvent:
    """What was noted of a batch. Times in µs since 1970 UTC.

    `kind` is "started", "added" (of `instruments`), "stage", "note", "ended" or "reopened"; `time` is when it was so,
    `noted` when `user` said so. `text` is a note, also the one given at the start.
    """

    number: int
    kind: Kind
    time: int
    noted: int
    user: str
    stage: str
    text: str
    instruments: tuple[str, ...]

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "event")
        return cls(
            number=wire.integer("number"),
            kind=codec.one_of(wire.text("kind"), Kind, "event.kind"),
            time=wire.integer("time"),
            noted=wire.integer("noted"),
            user=wire.text("user"),
            stage=wire.text("stage"),
            text=wire.text("text"),
            instruments=_names(wire),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch: `instruments` are those that this user may see. Times in µs since 1970 UTC.

    `ended` is None while it lasts, `stage` the one that was marked for the latest time, `user` who began it. `events`
    are in the order in which they were noted; a list of batches comes without them.
    """

    number: int
    name: str
    instruments: tuple[str, ...]
    began: int
    ended: int | None
    stage: str | None
    user: str
    events: tuple[BatchEvent, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.ended is None

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "batch")
        return cls(
            number=wire.integer("number"),
            name=wire.text("name"),
            instruments=_names(wire),
            began=wire.integer("began"),
            ended=wire.optional_integer("ended"),
            stage=None if wire.get("stage") is None else wire.text("stage"),
            user=wire.text("user"),
        )


def _names(wire: Fields) -> tuple[str, ...]:
    names = wire.list("instruments")
    for name in names:
        topics.split_full_name(name if isinstance(name, str) else "")
    return tuple(names)


_LISTING: Final = Listing(
    request=batches.LIST,
    key="batches",
    of="about batches",
    read=Batch.from_map,
    number=lambda batch: batch.number,
)


async def find(ask: Ask, patterns: Sequence[str], limit: int, *, is_open: bool) -> list[Batch]:
    """Batches with an instrument under any of the patterns, those that began last first."""
    found: dict[int, Batch] = {}
    for pattern in patterns:
        for batch in await _LISTING.newest(ask, {"instrument": pattern, "open": is_open}, limit):
            known = found.get(batch.number)
            found[batch.number] = _joined(known, batch) if known else batch
    return sorted(found.values(), key=lambda batch: (-batch.began, -batch.number))[:limit]


async def show(ask: Ask, patterns: Sequence[str], name: str) -> Batch:
    """One batch with what was noted of it. Raises Refused where this user sees none of that name."""
    found: Batch | None = None
    unknown: Refused | None = None
    for pattern in patterns:
        try:
            one = await _show(ask, {"instrument": pattern, "name": name})
        except Refused as refused:
            if refused.code != sockets.UNKNOWN:
                raise
            unknown = refused  # with an instrument of this pattern, but there are others
            continue
        found = _joined(found, one) if found else one
    if found is None:
        raise unknown or Refused(f"there is no batch {name}", sockets.UNKNOWN)
    return found


async def _show(ask: Ask, question: dict[str, Any]) -> Batch:
    events: list[BatchEvent] = []
    while True:
        answer = await ask(batches.SHOW, {**question, "after": events[-1].number if events else None})
        try:
            page = Fields(answer, "batch")
            batch = Batch.from_map(page.get("batch"))
            shown = [BatchEvent.from_map(one) for one in page.list("events")]
            more = page.boolean("more")
        except WireError as error:
            raise unreadable("about batches", error) from error
        events += shown
        if not shown or not more:
            return replace(batch, events=tuple(events))


def _joined(one: Batch, other: Batch) -> Batch:
    """The same batch as seen by two grants: each shows its instruments."""
    beside = {event.number: event for event in other.events}
    events = tuple(
        replace(event, instruments=_both(event.instruments, beside[event.number].instruments))
        for event in one.events
        if event.number in beside
    )
    return replace(one, instruments=_both(one.instruments, other.instruments), events=events)


def _both(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other}))


async def start(ask: Ask, rights: Rights | None, question: dict[str, Any], instruments: Sequence[str]) -> BatchEvent:
    """Begin a batch: over the instruments of one grant, and those of the others are added to it."""

    async def begin(granted: Sequence[str]) -> BatchEvent:
        first, *others = parts(instruments, granted)
        began = await _note(ask, batches.START, {**question, **_of_part(first)})
        await _add(ask, {"name": question["name"], "id": question["id"]}, others)
        return began

    return await _by_grants(begin, rights, instruments)


async def add(ask: Ask, rights: Rights | None, question: dict[str, Any], instruments: Sequence[str]) -> None:
    """Let further instruments belong to a batch."""

    async def add_all(granted: Sequence[str]) -> None:
        await _add(ask, question, parts(instruments, granted))

    await _by_grants(add_all, rights, instruments)


async def _add(ask: Ask, question: dict[str, Any], found: Sequence[tuple[str, list[str]]]) -> None:
    for number, part in enumerate(found):
        id_ = f"{question['id'][:_OWN_ID]}+{number}"
        await _note(ask, batches.ADD, {**question, "id": id_, **_of_part(part)})


async def _by_grants(
    attempt: Callable[[Sequence[str]], Awaitable[T]], rights: Rights | None, instruments: Sequence[str]
) -> T:
    """By the grants of this user; where nobody told of them by all instruments, or else by each."""
    if not instruments:
        raise ValueError("a batch is over instruments: name at least one, such as pi-1/balance")
    if rights is not None:
        return await attempt(rights.instruments)
    try:
        return await attempt((EVERYTHING,))
    except Refused as refused:
        if refused.code != sockets.NOT_PERMITTED:
            raise
    return await attempt(instruments)


async def note(ask: Ask, rights: Rights | None, name: str, question: dict[str, Any]) -> BatchEvent:
    """Note something of a batch: as the one who began it, or by the first grant that holds all its instruments."""
    refusals: list[Refused] = []
    for pattern in (None, *(rights.instruments if rights else (EVERYTHING,))):
        about = {} if pattern is None else {"instrument": pattern}
        try:
            return await _note(ask, name, {**question, **about})
        except Refused as refused:
            if refused.code not in (sockets.UNKNOWN, sockets.NOT_PERMITTED):
                raise
            refusals.append(refused)
    raise next((refused for refused in refusals if refused.code != sockets.UNKNOWN), refusals[-1])


async def _note(ask: Ask, name: str, question: dict[str, Any]) -> BatchEvent:
    answer = await ask(name, question)
    try:
        return BatchEvent.from_map(Fields(answer, "answer").map("event"))
    except WireError as error:
        raise unreadable("about batches", error) from error


def parts(instruments: Sequence[str], granted: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Patterns granted as a whole, each with the instruments that go with it; one where one has all.

    What no grant holds comes first, by itself: it is refused before anything is done.
    """
    for pattern in granted:
        if all(topics.matches(pattern, instrument) for instrument in instruments):
            return [(pattern, list(instruments))]
    found: dict[str, list[str]] = {}
    for instrument in instruments:
        about = next((pattern for pattern in granted if topics.matches(pattern, instrument)), instrument)
        found.setdefault(about, []).append(instrument)
    return sorted(found.items(), key=lambda part: part[0] in granted)


def _of_part(part: tuple[str, list[str]]) -> dict[str, Any]:
    pattern, instruments = part
    return {"instrument": pattern, "instruments": instruments}
