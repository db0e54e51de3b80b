"""How long to wait before trying again: the one back-off of all parts."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Waits between two attempts: growing, and jittered so that not everyone comes back at once."""

    first_s: float
    longest_s: float

    def after(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, at least one."""
        longest = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 20))
        return longest * random.uniform(0.5, 1.0)
