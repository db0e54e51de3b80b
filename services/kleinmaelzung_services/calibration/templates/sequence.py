"""In which order the readings of a test are made: a test in; its slots out, one for each reading. Pure.

The blank form prints this order, a run follows it, and a record is compared with it.
"""

import random
from collections.abc import Iterator, Sequence

from kleinmaelzung_services.calibration.templates.template import Eccentricity, Points, Repeatability, Test, Uniformity

# What tells one reading of a test from another: point, direction, repeat, position.
Slot = tuple[float, str, int, str]


def slots(test: Test) -> Iterator[Slot]:
    """Every reading that a test has. The series is run as a whole before it is repeated: a repeat is an approach."""
    match test:
        case Points():
            for repeat in range(1, test.repeats + 1):
                yield from ((point, direction, repeat, "") for point, direction in _series(test, repeat))
        case Repeatability():
            yield from ((test.point, "up", repeat, "") for repeat in range(1, test.repeats + 1))
        case Eccentricity():
            yield from ((test.point, "up", 1, position) for position in test.positions)
        case Uniformity():
            yield from ((point, "up", 1, position) for point in test.points for position in test.positions)
        case _:
            yield (test.point, "up", 1, "")


def _series(test: Points, repeat: int) -> list[tuple[float, str]]:
    up = [(point, "up") for point in test.points]
    down = [(point, "down") for point in reversed(test.points)]
    match test.order:
        case "up":
            return up
        case "down":
            return down
        case "up-down":
            return up + down
        case "random":
            return _shuffled(up, test.seed or 0, repeat)


def _shuffled(series: Sequence[tuple[float, str]], seed: int, repeat: int) -> list[tuple[float, str]]:
    """Each repeat in another order. Python promises what random() gives for a seed, and not what shuffle() does."""
    chance = random.Random(f"{seed}/{repeat}")
    return sorted(series, key=lambda _: chance.random())
