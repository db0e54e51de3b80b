"""Which frames of one instrument are known: their numbers in each epoch, as ranges. Pure.

(epoch, number) in --> new or not;   out: what is missing between them, as [epoch, first, last] of a request
"""

from bisect import bisect_left, bisect_right
from typing import Final

# Beyond it the oldest hole of an epoch counts as filled: nobody must fill the memory with every second number.
MAX_HOLES: Final = 10_000


class Numbers:
    """A set of numbers from 1 on, held as ranges: as small as there are few holes in it."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]

    @property
    def last(self) -> int:
        """The highest number; 0 where there is none."""
        return self._lasts[-1] if self._lasts else 0

    @property
    def first(self) -> int:
        """The lowest number; 0 where there is none."""
        return self._firsts[0] if self._firsts else 0

    def holes(self) -> list[tuple[int, int]]:
        """What is missing between the lowest and the highest, as (first, last)."""
        return [(last + 1, first - 1) for last, first in zip(self._lasts, self._firsts[1:], strict=False)]

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """Which of these are not there."""
        missing, after = [], first
        for place in range(bisect_left(self._lasts, first), bisect_right(self._firsts, last)):
            if after < self._firsts[place]:
                missing.append((after, self._firsts[place] - 1))
            after = self._lasts[place] + 1
        return [*missing, (after, last)] if after <= last else missing

    def add(self, number: int) -> bool:
        """Whether it is a new one; then it is one no more."""
        return self.add_range(number, number)

    def add_range(self, first: int, last: int) -> bool:
        """Whether any of them is new."""
        start = bisect_right(self._lasts, first - 2)  # the first range that touches it
        end = bisect_right(self._firsts, last + 1)  # behind the last that does
        if end > start and self._firsts[start] <= first and last <= self._lasts[start]:
            return False
        low, high = (self._firsts[start], self._lasts[end - 1]) if end > start else (first, last)
        self._firsts[start:end] = [min(first, low)]
        self._lasts[start:end] = [max(last, high)]
        if len(self._firsts) > MAX_HOLES:
            del self._firsts[1], self._lasts[0]
        return True


class Epochs:
    """The numbers known of each epoch, in the order in which epochs came up."""

    def __init__(self) -> None:
        self._of: dict[int, Numbers] = {}

    def __contains__(self, name: tuple[int, int]) -> bool:
        epoch, number = name
        return epoch in self._of and number in self._of[epoch]

    @property
    def newest(self) -> int | None:
        """The epoch that came up last."""
        return next(reversed(self._of), None)

    def of(self, epoch: int) -> Numbers:
        """The numbers of an epoch; none of one that is not known."""
        return self._of.get(epoch) or Numbers()

    def add(self, epoch: int, number: int) -> bool:
        """Whether this frame is a new one; then it is one no more."""
        return self._of.setdefault(epoch, Numbers()).add(number)

    def skip(self, epoch: int, first: int, last: int) -> None:
        """Take numbers for known that will not come."""
        self._of.setdefault(epoch, Numbers()).add_range(first, last)

    def holes(self) -> list[tuple[int, int, int]]:
        """What is missing between known numbers, as (epoch, first, last)."""
        return [(epoch, *hole) for epoch, numbers in self._of.items() for hole in numbers.holes()]
