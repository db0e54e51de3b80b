"""All that a database has of one agent's frames: so that the agent sees what a backup that was put back does not have.

A logger sends it on `<agent>/logged` to an agent whose status says `keep_s` in its `spool`: when it comes, when it asks
(`asked` there counts up), when the database was connected anew, and every few minutes.

    {v: 1, part, parts, stored: [[instrument, epoch, [[first, last], ...]], ...]}

Each message is complete for the epochs that leave `part` when divided by `parts`: what is not in it is not stored, or
so old that no agent keeps it. Numbers that are known to be lost count as stored: there is nothing to ask for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import LoggedRanges, decode_logged_entry

MAX_RANGES: Final = 1000  # of one stream
MAX_STREAMS: Final = 2000  # of one message
_MAX_SIZE: Final = codec.MAX_BYTES // 2
_MAX_PARTS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    part: int = 0
    parts: int = 1
    streams: list[LoggedRanges] = field(default_factory=list)

    def is_about(self, epoch: int) -> bool:
        return epoch % self.parts == self.part

    def ranges(self, instrument: str, epoch: int) -> list[tuple[int, int]]:
        """What is stored of a run that it is about."""
        return [run for one in self.streams if (one.instrument, one.epoch) == (instrument, epoch) for run in one.ranges]

    def encode(self) -> bytes:
        streams = [[one.instrument, one.epoch, one.ranges] for one in self.streams]
        return codec.pack_versioned({"part": self.part, "parts": self.parts, "stored": streams})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "stored")
        parts = wire.integer("parts", minimum=1, maximum=_MAX_PARTS)
        return cls(
            part=wire.integer("part", minimum=0, maximum=parts - 1),
            parts=parts,
            streams=[decode_logged_entry(entry) for entry in wire.list("stored")],
        )


def is_stored(payload: bytes) -> bool:
    """Whether what came on `logged` is this, and not a list of what was committed just now."""
    value: Any = codec.unpack(payload)
    return isinstance(value, dict)


def divided(streams: Sequence[LoggedRanges]) -> list[Stored]:
    """As messages, each of a size that can be sent."""
    shortened = [_shortened(one) for one in streams]
    parts = 1
    while parts < _MAX_PARTS:
        made = _divided(shortened, parts)
        if all(len(one.streams) <= MAX_STREAMS and _size(one) <= _MAX_SIZE for one in made):
            return made
        parts *= 2
    raise WireError(f"{len(streams)} runs of one agent are too many for {_MAX_PARTS} messages")


def _divided(streams: Sequence[LoggedRanges], parts: int) -> list[Stored]:
    made = [Stored(part=part, parts=parts) for part in range(parts)]
    for one in streams:
        made[one.epoch % parts].streams.append(one)
    return made


def _size(stored: Stored) -> int:
    return sum(48 + 20 * len(one.ranges) for one in stored.streams)


def _shortened(one: LoggedRanges) -> LoggedRanges:
    """Of too many ranges the oldest count as one: what they leave out is not asked for."""
    old, new = one.ranges[: -MAX_RANGES + 1], one.ranges[-MAX_RANGES + 1 :]
    ranges = [(old[0][0], old[-1][1]), *new] if len(one.ranges) > MAX_RANGES else one.ranges
    return LoggedRanges(instrument=one.instrument, epoch=one.epoch, ranges=ranges)
