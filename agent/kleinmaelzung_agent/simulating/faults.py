"""What goes wrong with a simulated instrument: each so-manieth answer is lost, late, cut or disturbed. Pure.

an answer's bytes --Faults.on()--> pieces, each with the seconds to wait before it; None: unplug
"""

import itertools
import random
from collections.abc import Sequence
from typing import Final

KINDS: Final = ("silence", "noise", "partial", "slow", "checksum", "unplug")
EVERY: Final = 5
SLOW_S: Final = 3.0
UNPLUGGED_S: Final = 3.0
NOISE_BYTES: Final = 12

Pieces = list[tuple[float, bytes]]


class Faults:
    """The kinds take turns, one at each `every`-th answer."""

    def __init__(
        self,
        kinds: Sequence[str] = (),
        every: int = EVERY,
        *,
        slow_s: float = SLOW_S,
        unplugged_s: float = UNPLUGGED_S,
    ) -> None:
        self.slow_s, self.unplugged_s = slow_s, unplugged_s
        self.made = 0  # so many answers went wrong
        self.become(kinds, every)

    def become(self, kinds: Sequence[str], every: int = EVERY) -> None:
        """From the next answer on these; none: all is well."""
        self._kinds = itertools.cycle(kinds) if kinds else None
        self._every = every
        self._count = 0

    def on(self, answer: bytes) -> Pieces | None:
        self._count += 1
        if self._kinds is None or self._count % self._every:
            return [(0.0, answer)]
        self.made += 1
        return faulty(answer, next(self._kinds), self.slow_s)


def faulty(answer: bytes, kind: str, slow_s: float = SLOW_S) -> Pieces | None:
    """An answer with one fault."""
    match kind:
        case "silence":
            return []
        case "noise":
            return [(0.0, random.randbytes(NOISE_BYTES)), (0.0, answer)]
        case "partial":
            return [(0.0, answer[: len(answer) // 2])]
        case "slow":
            return [(slow_s, answer)]
        case "checksum":
            return [(0.0, _turned(answer))]
    return None


def _turned(answer: bytes) -> bytes:
    """One bit in the middle is another."""
    middle = len(answer) // 2
    return answer[:middle] + bytes([answer[middle] ^ 0x01]) + answer[middle + 1 :] if answer else answer
