"""What may be noted of a batch: a request and what is known of the batch in, what is noted or a refusal out. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from kleinmaelzung_services.requests import Asked, RequestRefused, id_of
from kleinmaelzung_wire import batches, sockets, topics
from kleinmaelzung_wire.batches import Kind
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US
from kleinmaelzung_wire.rights import COMMANDING

MAX_RECORDS: Final = 10_000  # of one batch: nobody types so much
KINDS: Final = MappingProxyType[str, Kind](
    {
        batches.START: "started",
        batches.ADD: "added",
        batches.MARK: "stage",
        batches.NOTE: "note",
        batches.END: "ended",
        batches.REOPEN: "reopened",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What somebody wants to have noted, in which role and about which instruments. `at` is None for now."""

    kind: Kind
    name: str
    user: str
    role: str
    pattern: str | None
    id: str
    at: int | None = None
    stage: str = ""
    text: str = ""
    instruments: tuple[str, ...] = ()

    @classmethod
    def parse(cls, asked: Asked) -> "Change":
        """From a request. Raises WireError."""
        kind, wire = KINDS[asked.request.name], asked.request.fields()
        return cls(
            kind=kind,
            name=batches.check_name(wire.text("name"), "batch name"),
            user=asked.user,
            role=asked.role,
            pattern=asked.request.instrument,
            id=id_of(wire),
            at=given_time(wire, "at") if kind not in ("added", "reopened") else None,
            stage=batches.check_name(wire.text("stage"), "stage") if kind == "stage" else "",
            text=_text(kind, wire),
            instruments=batches.check_instruments(wire.list("instruments")) if kind in ("started", "added") else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is known of a batch when something is to be noted of it. Times in µs."""

    id: int
    name: str
    begun_by: str
    began: int
    ended: int | None
    stage: str | None
    stage_since: int | None
    records: int
    instruments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """What a request of the same id and user was."""

    kind: Kind
    same: str
    stage: str
    text: str


def check_permitted(change: Change, known: Batch | None) -> None:
    """Raise RequestRefused unless the asker may note this: of instruments granted, or of a batch they began."""
    check_role(change.user, change.role, "what is noted of batches is noted")
    covers = _covering(change.pattern)
    if others := [name for name in change.instruments if not covers(name)]:
        pattern = change.pattern or "no instrument"
        raise RequestRefused(sockets.NOT_PERMITTED, f"{', '.join(others)}: not under {pattern}, which this is about")
    if known is None or change.kind == "started" or change.user == known.begun_by:
        return
    if not any(map(covers, known.instruments)):
        raise unknown(change.name, change.pattern)
    if not all(map(covers, known.instruments)):
        sentence = f"batch {known.name} has instruments beside {change.pattern}, and {change.user} did not begin it"
        raise RequestRefused(sockets.NOT_PERMITTED, sentence)


def time_of(change: Change, known: Batch | None, now_us: int) -> int:
    """When it was so (µs). Raises RequestRefused where it contradicts what is known, WireError for its time."""
    at = now_us if change.at is None else change.at
    if at > now_us:
        raise WireError(f"{shown(at)} is in the future, it is {shown(now_us)} now: are the clocks right?")
    if change.kind == "started":
        if known is not None:
            raise conflict(f"there is a batch {known.name} already: every batch has a name of its own")
        return at
    if known is None:
        raise unknown(change.name, change.pattern)
    if known.records >= MAX_RECORDS:
        raise RequestRefused(sockets.LIMIT, f"batch {known.name} has {known.records} records, and no room for more")
    if at < known.began:
        raise WireError(f"{shown(at)} is before batch {known.name} began, at {shown(known.began)}")
    _check_order(change, known, at)
    return at


def check_repeat(change: Change, known: Repeat) -> None:
    """Raise RequestRefused where an id was used for something else."""
    wanted = change.kind, batches.same(change.name), change.stage, change.text
    if wanted != (known.kind, known.same, known.stage, known.text):
        raise conflict(f"{change.user} used the id {change.id!r} for another request")


def unknown(name: str, pattern: str | None) -> RequestRefused:
    where = f" with an instrument under {pattern}" if pattern else " that you began"
    return RequestRefused(sockets.UNKNOWN, f"there is no batch {name}{where}: is the name right?")


def given_time(wire: Fields, key: str) -> int | None:
    """A time of a request (µs), None where it has none. Raises WireError."""
    return None if wire.get(key) is None else wire.integer(key, minimum=MIN_TIME_US, maximum=MAX_TIME_US)


def check_role(user: str, role: str, done: str) -> None:
    """Raise RequestRefused unless this role may note something: `done` is what, such as "a note is written"."""
    if role not in COMMANDING:
        sentence = f"{user} is {role}: {done} by one who is {', '.join(sorted(COMMANDING))}"
        raise RequestRefused(sockets.NOT_PERMITTED, sentence)


def conflict(sentence: str) -> RequestRefused:
    return RequestRefused(sockets.CONFLICT, sentence)


def shown(time_us: int) -> str:
    """For people; to the second."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).isoformat().replace("+00:00", "Z")


def _check_order(change: Change, known: Batch, at: int) -> None:
    match change.kind:
        case "added":
            _check_new(change.instruments, known)
        case "stage" if known.ended is not None and at > known.ended:
            raise conflict(f"batch {known.name} ended at {shown(known.ended)}: a stage begins before that")
        case "ended" if known.ended is not None:
            raise conflict(f"batch {known.name} ended already, at {shown(known.ended)}")
        case "ended" if known.stage_since is not None and at < known.stage_since:
            raise conflict(f"{known.stage} began at {shown(known.stage_since)}, after this end of batch {known.name}")
        case "reopened" if known.ended is None:
            raise conflict(f"batch {known.name} has not ended")


def _check_new(added: Iterable[str], known: Batch) -> None:
    if there := [name for name in added if name in known.instruments]:
        raise conflict(f"{', '.join(there)}: in batch {known.name} already")
    if len(known.instruments) + len(list(added)) > batches.MAX_INSTRUMENTS:
        raise RequestRefused(sockets.LIMIT, f"batch {known.name} would have more than {batches.MAX_INSTRUMENTS}")


def _covering(pattern: str | None) -> Callable[[str], bool]:
    return lambda name: pattern is not None and topics.matches(pattern, name)


def _text(kind: Kind, wire: Fields) -> str:
    match kind:
        case "note":
            return batches.check_note(wire.text("text"))
        case "started" if wire.get("note") is not None:
            return batches.check_note(wire.text("note"))
    return ""
