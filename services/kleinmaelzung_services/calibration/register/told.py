"""What an answer tells of the register: entries of the log in; what holds now, and what was changed, out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from kleinmaelzung_services.calibration.log.entries import ITEM as OF_ITEM
from kleinmaelzung_services.calibration.log.entries import LABORATORY as OF_LABORATORY
from kleinmaelzung_services.calibration.log.entries import STANDARD as OF_STANDARD
from kleinmaelzung_services.calibration.log.entries import Entry
from kleinmaelzung_services.calibration.register import content
from kleinmaelzung_wire.register import ITEM, LABORATORY, STANDARD, Kind

PUT: Final = "put"
RETIRED: Final = "retired"
_PREFIXES: Final[dict[Kind, str]] = {LABORATORY: OF_LABORATORY, STANDARD: OF_STANDARD, ITEM: OF_ITEM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last calibration of an instrument that holds: `interval_months` are its template's."""

    performed: date
    interval_months: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An entry as it is now. `number`, `time` (µs) and `user` are of what happened to it last.

    `file` is the SHA-256 of a standard's certificate, "" where none is kept.
    """

    kind: Kind
    name: str
    content: dict[str, Any]
    number: int
    time: int
    user: str
    is_retired: bool
    file: str

    @property
    def due(self) -> str:
        """When a standard must be calibrated again, by its certificate; of others "", which their own tell."""
        certificate = self.content.get("certificate") if self.kind == STANDARD else None
        return str(certificate["due"]) if certificate else ""


def prefix(kind: Kind) -> str:
    """How the subjects of a kind begin."""
    return _PREFIXES[kind]


def subject(kind: Kind, name: str) -> str:
    return OF_LABORATORY if kind == LABORATORY else f"{_PREFIXES[kind]}{name}"


def name_of(kind: Kind, subject_: str) -> str:
    return LABORATORY if kind == LABORATORY else subject_.removeprefix(_PREFIXES[kind])


def registered(kind: Kind, entries: Sequence[Entry]) -> Registered | None:
    """What holds by all entries of a subject, or by the newest and what was put last; None where there are none."""
    puts = [one for one in entries if one.kind == PUT]
    if not puts:
        return None
    last, put = entries[-1], puts[-1]
    return Registered(
        kind=kind,
        name=name_of(kind, last.subject),
        content=put.details["content"],
        number=last.number,
        time=last.time,
        user=last.user,
        is_retired=last.kind == RETIRED,
        file=put.details.get("file", ""),
    )


def entry(found: Registered, due: str, today: date) -> dict[str, Any]:
    """As an answer tells it; `due` of an instrument follows from its certificates."""
    return {
        "kind": found.kind,
        "name": found.name,
        "content": found.content,
        "number": found.number,
        "time": found.time,
        "user": found.user,
        "is_retired": found.is_retired,
        "due": due,
        "is_overdue": bool(due) and not found.is_retired and date.fromisoformat(due) < today,
        "sha256": found.file,
    }


def item_due(found: Registered, last: Last | None) -> str:
    """When an instrument is due; "" where it was never calibrated, or neither register nor template has an interval."""
    months = found.content.get("interval_months") or (last.interval_months if last else None)
    return content.after_months(last.performed, months).isoformat() if last and months else ""


def changes(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Who changed what when, the newest first."""
    found, state = list[dict[str, Any]](), dict[str, Any]()
    for one in entries:
        now = {**state, "is_retired": one.kind == RETIRED}
        if one.kind == PUT:
            now = {**one.details["content"], "is_retired": False}
        keys = [key for key in {**state, **now} if state.get(key) != now.get(key)]
        found.append(
            {
                "number": one.number,
                "time": one.time,
                "user": one.user,
                "kind": one.kind,
                "reason": one.details.get("reason", ""),
                "before": {key: state[key] for key in keys if key in state},
                "after": {key: now[key] for key in keys if key in now},
                "file": one.details.get("file", ""),
            }
        )
        state = now
    return found[::-1]
