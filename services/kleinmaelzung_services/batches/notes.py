"""What may be put on an instrument's time line, and withdrawn: a request in, a note or a refusal out. Pure."""

from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_services.batches import changes
from kleinmaelzung_services.requests import Asked, RequestRefused, id_of
from kleinmaelzung_wire import notes, sockets, topics
from kleinmaelzung_wire.codec import WireError

CLOCKS_US: Final = 60_000_000  # an agent's clock, by which people see values, may be so much ahead of this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What somebody wants to have noted. `at` is None for now, `until` for a moment."""

    instrument: str
    user: str
    id: str
    text: str
    at: int | None = None
    until: int | None = None

    @classmethod
    def parse(cls, asked: Asked) -> "Addition":
        """From a request. Raises WireError, or RequestRefused for a role that notes nothing."""
        changes.check_role(asked.user, asked.role, "a note is written")
        wire = asked.request.fields()
        return cls(
            instrument=_instrument(asked.request.instrument),
            user=asked.user,
            id=id_of(wire),
            text=notes.check_text(wire.text("text")),
            at=changes.given_time(wire, "at"),
            until=changes.given_time(wire, "until"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What somebody wants to take back."""

    number: int
    user: str
    role: str
    id: str
    reason: str

    @classmethod
    def parse(cls, asked: Asked) -> "Withdrawal":
        """From a request. Raises WireError, or RequestRefused for a role that notes nothing."""
        changes.check_role(asked.user, asked.role, "a note is withdrawn")
        wire = asked.request.fields()
        return cls(
            number=wire.integer("number", minimum=1),
            user=asked.user,
            role=asked.role,
            id=id_of(wire),
            reason=notes.check_text(wire.text("reason"), "reason"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """By whom, when (µs) and why a note was taken back."""

    user: str
    time: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note as it is on record, and as answers tell it. Times in µs."""

    number: int
    instrument: str
    at: int
    until: int | None
    text: str
    user: str
    noted: int
    withdrawn: Withdrawn | None


def span_of(addition: Addition, now_us: int) -> tuple[int, int | None]:
    """When it was so (µs), from and perhaps until. Raises WireError."""
    at, until = now_us if addition.at is None else addition.at, addition.until
    for time in (at, until or at):
        if time > now_us + CLOCKS_US:
            sentence = f"{changes.shown(time)} is in the future, it is {changes.shown(now_us)} now"
            raise WireError(f"{sentence}: a note tells what was; are the clocks right?")
    if until is not None and until <= at:
        raise WireError(f"until {changes.shown(until)} is not after {changes.shown(at)}: leave it out for a moment")
    return at, until


def check_added(addition: Addition, known: Note) -> None:
    """Raise RequestRefused where an id was used for another note."""
    at = known.at if addition.at is None else addition.at
    wanted = addition.instrument, at, addition.until, addition.text
    if wanted != (known.instrument, known.at, known.until, known.text):
        raise _other(addition.user, addition.id)


def check_withdrawn(withdrawal: Withdrawal, known: Note) -> None:
    """Raise RequestRefused where an id was used for another withdrawal."""
    if (withdrawal.number, withdrawal.reason) != (known.number, known.withdrawn and known.withdrawn.reason):
        raise _other(withdrawal.user, withdrawal.id)


def check_may_withdraw(withdrawal: Withdrawal, known: Note | None) -> None:
    """Raise RequestRefused where there is no such note, it is another's, or was withdrawn."""
    number = withdrawal.number
    if known is None:
        raise RequestRefused(sockets.UNKNOWN, f"there is no note {number}: is the number right?")
    if withdrawal.user != known.user and withdrawal.role != "admin":
        sentence = f"{withdrawal.user} did not write note {number}: who did withdraws it, or an admin"
        raise RequestRefused(sockets.NOT_PERMITTED, sentence)
    if known.withdrawn is not None:
        by, when = known.withdrawn.user, changes.shown(known.withdrawn.time)
        raise changes.conflict(f"note {number} was withdrawn already, by {by} at {when}")


def from_row(row: Any) -> Note:
    """From the database."""
    withdrawn = None
    if row["withdrawn"] is not None:
        withdrawn = Withdrawn(user=row["withdrawn_by"], time=row["withdrawn"], reason=row["withdrawn_because"])
    plain = ("number", "instrument", "at", "until", "text", "noted")
    return Note(**{key: row[key] for key in plain}, user=row["username"], withdrawn=withdrawn)


def _instrument(named: str | None) -> str:
    if named is None or topics.ANY in named.split("/"):
        raise WireError("a note is about one instrument: name it, as in pi-1/balance")
    topics.split_full_name(named)
    return named


def _other(user: str, id_: str) -> RequestRefused:
    return changes.conflict(f"{user} used the id {id_!r} for another request")
