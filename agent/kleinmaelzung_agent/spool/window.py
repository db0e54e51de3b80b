"""What the spool has in memory, pure: frames that are neither logged nor on disk, and what is logged and still on disk.

A loss is announced by a record that is a frame like any other; `Losses` knows which record stands for which loss.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from kleinmaelzung_agent.recording.recorder import Key, NumberedFrame
from kleinmaelzung_agent.spool.spool_held import Limits, Loss, Outcome, Range, Stream
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.codec import WireError

PIECE_BYTES: Final = 512 * 1024  # of one commit: with its index, in the log and in the file, about a reserve
CHECK_AGE_S: Final = 60.0
LONGEST_DELAY_NS: Final = 60_000_000_000  # the longest wait that is told apart
EMPTY: Final = 0.9  # what was full is full until less than this is held


class Window:
    """Frames in the order in which they came, each with the monotonic ns of that."""

    def __init__(self) -> None:
        self.bytes = 0
        self._frames: dict[Key, tuple[NumberedFrame, int]] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def __contains__(self, key: Key) -> bool:
        return key in self._frames

    @property
    def frames(self) -> list[NumberedFrame]:
        return [frame for frame, _ in self._frames.values()]

    @property
    def oldest_ns(self) -> int | None:
        return next((added_ns for _, added_ns in self._frames.values()), None)

    def add(self, frame: NumberedFrame, now_ns: int) -> None:
        self._frames[frame.key] = (frame, now_ns)
        self.bytes += len(frame.payload)

    def drop(self, key: Key) -> bool:
        """Returns whether it was there."""
        entry = self._frames.pop(key, None)
        if entry:
            self.bytes -= len(entry[0].payload)
        return entry is not None

    def older_than(self, latest_ns: int) -> Iterator[NumberedFrame]:
        return (frame for frame, added_ns in self._frames.values() if added_ns <= latest_ns)

    def named(self, instrument: str, epoch: int, first: int, last: int) -> list[Key]:
        """Which of the frames a range names, however long it is."""
        if last - first < len(self._frames):
            return [(instrument, epoch, number) for number in range(first, last + 1)]
        return [key for key in self._frames if key[:2] == (instrument, epoch) and first <= key[2] <= last]

    def shed(self, limit_bytes: int, keep_all: frozenset[str]) -> list[Key]:
        """Give up the oldest until a tenth of the limit is free; returns their names."""
        if self.bytes <= limit_bytes:
            return []
        going: list[Key] = []
        for frame in self.frames:
            if self.bytes <= limit_bytes * 0.9:
                break
            if not frame.is_record and frame.instrument not in keep_all:
                self.drop(frame.key)
                going.append(frame.key)
        return going


class Deletions:
    """Ranges that are logged and not yet deleted from the file. One that follows on the last makes it longer."""

    def __init__(self) -> None:
        self._ranges: dict[Stream, list[tuple[int, int]]] = {}

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def add(self, instrument: str, epoch: int, first: int, last: int) -> None:
        ranges = self._ranges.setdefault((instrument, epoch), [])
        if ranges and ranges[-1][1] == first - 1:
            first = ranges.pop()[0]
        ranges.append((first, last))

    def __contains__(self, key: Key) -> bool:
        instrument, epoch, number = key
        return any(first <= number <= last for first, last in self._ranges.get((instrument, epoch), ()))

    def take(self) -> list[Range]:
        taken = [(*stream, *span) for stream, ranges in self._ranges.items() for span in ranges]
        self._ranges = {}
        return taken

    def put_back(self, taken: Iterable[Range]) -> None:
        later = self.take()
        for entry in [*taken, *later]:
            self.add(*entry)


class Losses:
    """From the file's word that something is lost, until the record that tells of it is on disk or logged."""

    def __init__(self) -> None:
        self.told: list[int] = []  # may be deleted from the file
        self._waiting: list[Loss] = []
        self._records: dict[Key, int] = {}

    def take_in(self, losses: Iterable[Loss]) -> None:
        """A file that was opened again tells all it has: what is known already is not announced twice."""
        known = {*self._records.values(), *self.told, *(loss.id for loss in self._waiting)}
        self._waiting += [loss for loss in losses if loss.id not in known]

    def take(self) -> list[Loss]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def recorded(self, loss: Loss, record: Key) -> None:
        if loss.id:
            self._records[record] = loss.id

    def told_by(self, frames: Iterable[NumberedFrame]) -> list[int]:
        """What may be deleted when these frames are written."""
        return self.told + [self._records[frame.key] for frame in frames if frame.key in self._records]

    def logged(self, key: Key) -> None:
        if key in self._records:
            self.told.append(self._records.pop(key))

    def written(self, frames: Iterable[NumberedFrame], told: Sequence[int]) -> None:
        for frame in frames:
            self._records.pop(frame.key, None)
        self.told = [id_ for id_ in self.told if id_ not in told]


class Fullness:
    """Whether so much is held that nothing more should be taken. Until a tenth is free again."""

    def __init__(self, limits: Limits) -> None:
        self.is_full = False
        self._limits = limits

    def judge(self, held: Outcome, memory_bytes: int, *, is_unwritable: bool) -> None:
        share = (held.bytes + memory_bytes) / self._limits.bytes
        if is_unwritable:
            share = max(share, memory_bytes / self._limits.memory_bytes)
        self.is_full = held.was_full or share >= 1 or (self.is_full and share >= EMPTY)


class AgeCheck:
    """By which time, and how often, old frames are looked for. The newest frame's, for the spool has no clock."""

    def __init__(self) -> None:
        self._newest: NumberedFrame | None = None
        self._checked_ns: int | None = None

    def see(self, frame: NumberedFrame) -> None:
        if frame.time_us:
            self._newest = frame

    def is_due(self, now_ns: int) -> bool:
        checked_ns = self._checked_ns
        return self._newest is not None and (checked_ns is None or now_ns - checked_ns >= CHECK_AGE_S * 1e9)

    def take_us(self, now_ns: int) -> int:
        """0 while it is not due, or the time is doubtful: a clock years ahead must not make the whole spool old."""
        if self._newest is None or not self.is_due(now_ns):
            return 0
        self._checked_ns = now_ns
        return self._newest.time_us if _is_synchronised(self._newest) else 0


class Written:
    """When which id was written: what is of this run waits a little before it counts as backfill."""

    def __init__(self, last_id: int = 0) -> None:
        self._times: deque[tuple[int, int]] = deque([(0, last_id)])

    def note(self, last_id: int, now_ns: int) -> None:
        self._times.append((now_ns, last_id))
        self.before(now_ns - LONGEST_DELAY_NS)  # keeps it short while nobody asks

    def before(self, latest_ns: int) -> int:
        """The last id that was written by then."""
        while len(self._times) > 1 and self._times[1][0] <= latest_ns:
            self._times.popleft()
        return self._times[0][1]


def _is_synchronised(frame: NumberedFrame) -> bool:
    try:
        return frames.decode(frame.payload).clock.synchronised
    except WireError:
        return False


def pieces(waiting: Sequence[NumberedFrame]) -> Iterator[list[NumberedFrame]]:
    """What one commit takes, so that on a disk that is nearly full a part may go. At least one, if an empty one."""
    piece: list[NumberedFrame] = []
    size = 0
    for frame in waiting:
        piece.append(frame)
        size += len(frame.payload)
        if size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece or not waiting:
        yield piece
