"""Numbers of frames as ranges, (first, last) both included, sorted and apart. Pure."""

from collections.abc import Iterable, Sequence

Numbers = list[tuple[int, int]]


def joined(ranges: Iterable[tuple[int, int]]) -> Numbers:
    """In order, those that touch as one."""
    found: Numbers = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def without(ranges: Sequence[tuple[int, int]], others: Iterable[tuple[int, int]]) -> Numbers:
    """What is in the ranges and in none of the others."""
    left: Numbers = []
    going = joined(others)
    at = 0
    for first, last in joined(ranges):
        while at < len(going) and going[at][1] < first:
            at += 1
        place = at
        while place < len(going) and going[place][0] <= last:
            if first < going[place][0]:
                left.append((first, going[place][0] - 1))
            first = max(first, going[place][1] + 1)
            place += 1
        if first <= last:
            left.append((first, last))
    return left


def common(ranges: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> Numbers:
    """What is in both."""
    return without(ranges, without(ranges, others))


def count(ranges: Iterable[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in ranges)
