"""What the server had and has not any more: numbers on both sides in, what to send again and what is lost out. Pure.

stored (all that the database has) --> lacking: taken, not stored, and not still waiting in the spool
                                         |-- kept here --> sent again
                                         \\-- twice in a row, and not kept --> lost: a gap
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kleinmaelzung_agent.recording import number_ranges
from kleinmaelzung_agent.recording.number_ranges import Numbers
from kleinmaelzung_agent.recording.recorder import Key
from kleinmaelzung_agent.spool.spool_held import Stream
from kleinmaelzung_wire.stored import Stored

# What is acknowledged between the logger's look and its word is not lost: it is in the next word.
CONFIRM_S: Final = 2.0

Streams = Mapping[Stream, Sequence[tuple[int, int]]]


def lacking(known: Streams, stored: Stored, waiting: Streams) -> dict[Stream, Numbers]:
    """Of the runs that it is about: numbers that were taken and are neither stored nor waiting."""
    found: dict[Stream, Numbers] = {}
    for (instrument, epoch), numbers in known.items():
        if not stored.is_about(epoch):
            continue
        there = [*stored.ranges(instrument, epoch), *waiting.get((instrument, epoch), ())]
        if left := number_ranges.without(numbers, there):
            found[instrument, epoch] = left
    return found


def all_before(kept: Streams, taken: Mapping[Stream, int]) -> dict[Stream, Numbers]:
    """Every number that is known to have been used: they count from 1."""
    last = {stream: numbers[-1][1] for stream, numbers in kept.items() if numbers}
    for stream, number in taken.items():
        last[stream] = max(last.get(stream, 0), number)
    return {stream: [(1, number)] for stream, number in last.items() if number}


@dataclass(slots=True)
class Suspicion:
    """What may be lost, until it is told a second time."""

    is_to_ask: bool = False  # nobody has asked for a second word yet
    _since_s: float = 0.0
    _found: dict[Stream, Numbers] = field(default_factory=dict)
    _told: dict[Stream, list[tuple[int, int, Key]]] = field(default_factory=dict)  # with the record that tells it

    def judge(self, gone: Mapping[Stream, Numbers], stored: Stored, now_s: float) -> dict[Stream, Numbers]:
        """What is lost for certain; what is new becomes a suspicion."""
        before = {stream: numbers for stream, numbers in self._found.items() if stored.is_about(stream[1])}
        if before and now_s - self._since_s < CONFIRM_S:
            return {}
        certain = {
            stream: numbers
            for stream, found in before.items()
            if (numbers := number_ranges.common(found, gone.get(stream, [])))
        }
        for stream in before:
            del self._found[stream]
        self.is_to_ask &= bool(self._found)
        for stream, numbers in gone.items():
            if stream not in before:
                self._found[stream] = numbers
                self._since_s, self.is_to_ask = now_s, True
        return certain

    def tell(self, stream: Stream, first: int, last: int, record: Key) -> None:
        self._told.setdefault(stream, []).append((first, last, record))

    def told(self, stream: Stream, waiting: Streams) -> Numbers:
        """What is said to be lost by records that are still on their way."""
        found = [
            (first, last)
            for first, last, (name, epoch, number) in self._told.get(stream, ())
            if any(low <= number <= high for low, high in waiting.get((name, epoch), ()))
        ]
        return number_ranges.joined(found)
