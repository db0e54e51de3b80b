"""What the spool deals in: its limits, what it holds, what it did and what it lost. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from kleinmaelzung_agent.recording.number_ranges import Numbers
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire.gaps import Gap

Stream = tuple[str, int]  # instrument, epoch
Range = tuple[str, int, int, int]  # instrument, epoch, first, last

# Names of facts: what the file knows beside the frames.
EPOCH: Final = "epoch"
SINCE: Final = "since_us"
ENDED: Final = "ended_us"  # 0 while the run lasts
INSTRUMENT: Final = "instrument/"  # and its name: the epoch of the newest run that had it
LAST: Final = "last/"  # and an instrument's name: the last number of the newest run that ended in order


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be held. Of memory: while the disk cannot be written. What is logged is kept for `keep_s`, 0: not."""

    bytes: int = 256 * 1024 * 1024
    age_s: float = 365 * 86400.0
    memory_bytes: int = 64 * 1024 * 1024
    keep_s: float = 0.0
    keep_bytes: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousRun:
    """The agent's run before this one, and up to when it is known to have lasted; `last` numbers where it told them."""

    epoch: int
    since_us: int
    last_known_us: int
    is_clean: bool
    instruments: frozenset[str] = frozenset()
    last: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A damaged file was moved aside. `are_numbers_known`: each frame lost with it is named in a gap of its own."""

    detail: str
    since_us: int | None = None
    are_numbers_known: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """A gap with its place in the file, where it stays until a frame that tells of it is in safety. 0: it has none."""

    id: int
    instrument: str
    gap: Gap


@dataclass(frozen=True, slots=True)
class Spooled:
    """A frame with its place in the file: smaller is older."""

    id: int
    frame: NumberedFrame


@dataclass(frozen=True, slots=True)
class Held:
    """What the file holds of a stream. Times: of the oldest and the newest it ever held since it was opened."""

    count: int = 0
    bytes: int = 0
    kept_bytes: int = 0  # of that, what is never given up
    since_us: int = 0
    until_us: int = 0

    def with_frame(self, size: int, *, is_kept: bool, time_us: int) -> Self:
        since_us = min(self.since_us or time_us, time_us or self.since_us)
        kept = self.kept_bytes + (size if is_kept else 0)
        return type(self)(self.count + 1, self.bytes + size, kept, since_us, max(self.until_us, time_us))

    def without_frame(self, size: int, *, is_kept: bool) -> Self:
        kept = self.kept_bytes - (size if is_kept else 0)
        return type(self)(self.count - 1, self.bytes - size, kept, self.since_us, self.until_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one transaction does."""

    frames: Sequence[NumberedFrame] = ()
    logged: Sequence[Range] = ()
    announced: Sequence[int] = ()
    lost: Sequence[tuple[str, Gap]] = ()
    facts: Mapping[str, int] = field(default_factory=dict)
    now_us: int = 0  # by which age is judged; 0: not now


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the file holds now."""

    last_id: int = 0
    streams: frozenset[Stream] = frozenset()
    count: int = 0
    bytes: int = 0
    was_full: bool = False  # before something was given up
    losses: list[Loss] = field(default_factory=list)  # new ones, to be announced


def merged(names: Iterable[tuple[str, int, int]]) -> list[Range]:
    """Names of frames as ranges."""
    ranges: list[Range] = []
    for instrument, epoch, number in sorted(names):
        if ranges and ranges[-1][:2] == (instrument, epoch) and ranges[-1][3] == number - 1:
            ranges[-1] = (instrument, epoch, ranges[-1][2], number)
        else:
            ranges.append((instrument, epoch, number, number))
    return ranges


def by_stream(ranges: Iterable[Range]) -> dict[Stream, Numbers]:
    """Ranges of numbers of each run of an instrument."""
    found: dict[Stream, Numbers] = {}
    for instrument, epoch, first, last in ranges:
        found.setdefault((instrument, epoch), []).append((first, last))
    return found


def lost(names: Iterable[tuple[str, int, int]], reason: str) -> list[tuple[str, Gap]]:
    """Frames that are given up, as gaps of their instruments."""
    ranges = merged(names)
    return [(name, Gap(reason=reason, epoch=epoch, first=first, last=last)) for name, epoch, first, last in ranges]
