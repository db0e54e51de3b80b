"""Why something is missing: a Gap, and the record of kind "gap" in which an agent tells it within a numbered frame.

A gap names numbers of an epoch (`epoch`, `first`, `last`: frames that were numbered and are gone), or a time in which
nothing was taken (`since`, `until`), or, after a run that did not end in order, both its epoch and the time. A gap that
still lasts has no `until`; it ends with a second record of the same reason and `since` that has one.

    {kind: "gap", reason, epoch, first, last, from, to, detail}      times in µs since 1970; what is unknown is left out
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from kleinmaelzung_wire import frames
from kleinmaelzung_wire.messages import MAX_SENTENCE

KIND: Final = "gap"

# The agent was stopped in order, or not: then the frames of its last moments may be missing too.
AGENT_OFF: Final = "agent off"
AGENT_DIED: Final = "agent died"
PORT_LOST: Final = "port lost"
SILENT: Final = "instrument silent"
UNREADABLE: Final = "instrument unreadable"  # something came, nothing of it valid
RECONFIGURED: Final = "configuration changed"  # stopped, and started with the new one, in the same run
SPOOL_FULL: Final = "spool full"
SPOOL_AGE: Final = "spool too old"
SPOOL_CORRUPT: Final = "spool corrupt"
NOT_WRITABLE: Final = "spool not writable"  # and memory full
QUARANTINE: Final = "logger quarantine"  # it came, and could not be stored as what it claims to be
# It was logged, and a backup that was put back does not have it.
LOST_AFTER_BACKUP: Final = "lost between backup and loss"
REMOVED: Final = "removed by retention"  # it was logged, and is too old; its minutes may be left
REASONS: Final = (
    *(AGENT_OFF, AGENT_DIED, PORT_LOST, SILENT, UNREADABLE, RECONFIGURED),
    *(SPOOL_FULL, SPOOL_AGE, SPOOL_CORRUPT, NOT_WRITABLE, QUARANTINE),
    *(LOST_AFTER_BACKUP, REMOVED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What is missing and why. Numbers are inclusive, times µs since 1970 UTC."""

    reason: str
    epoch: int | None = None
    first: int | None = None
    last: int | None = None
    since: int | None = None
    until: int | None = None
    detail: str = ""

    def to_record(self) -> dict[str, Any]:
        known = {
            "epoch": self.epoch,
            "first": self.first,
            "last": self.last,
            "from": self.since,
            "to": self.until,
            "detail": self.detail[:MAX_SENTENCE] or None,
        }
        return {"kind": KIND, "reason": self.reason} | {key: value for key, value in known.items() if value is not None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """What a record tells. Whatever it does not tell, or tells as something else, is unknown."""
        return cls(
            reason=_text(record.get("reason")),
            epoch=_integer(record.get("epoch"), 1, frames.MAX_EPOCH),
            first=_integer(record.get("first"), 1, frames.MAX_NUMBER),
            last=_integer(record.get("last"), 1, frames.MAX_NUMBER),
            since=_integer(record.get("from"), frames.MIN_TIME_US, frames.MAX_TIME_US),
            until=_integer(record.get("to"), frames.MIN_TIME_US, frames.MAX_TIME_US),
            detail=_text(record.get("detail")),
        )


def _text(value: Any) -> str:
    return value.replace("\x00", "\ufffd")[:MAX_SENTENCE] if type(value) is str else ""


def _integer(value: Any, smallest: int, largest: int) -> int | None:
    return value if type(value) is int and smallest <= value <= largest else None
