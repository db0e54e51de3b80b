"""Wrong passwords make the next attempt wait, longer each time: for an address and a name together, for an address,
and a little for a name. Pure: seconds of a monotonic clock come in, seconds to wait go out.

Nobody is locked out: the longest wait is shorter than the time a client gives a login, and waits are forgotten.
"""

import hashlib
import math
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MAX_KNOWN: Final = 4096  # addresses, names and pairs; beyond it the one that failed longest ago is forgotten
HALF_LIFE_S: Final = 60.0  # after so long, half of the failures are forgiven
FIRST_WAIT_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """So many failures are free, then waits double up to the longest."""

    free: int
    longest_s: float

    def wait(self, failures: float) -> float:
        beyond = failures - self.free
        return 0.0 if beyond <= 0 else min(self.longest_s, FIRST_WAIT_S * 2.0 ** min(beyond, 20.0))


# A colleague at the same address, or whose name somebody tries, waits less than who guesses.
PAIR: Final = Rule(free=1, longest_s=4.0)
ADDRESS: Final = Rule(free=10, longest_s=3.0)
NAME: Final = Rule(free=10, longest_s=1.0)


@dataclass(slots=True)
class _Failures:
    count: float
    since: float
    last: bytes

    def at(self, now: float) -> float:
        return self.count * math.pow(0.5, max(0.0, now - self.since) / HALF_LIFE_S)


class Guesses:
    """Failed logins of late."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._key = secrets.token_bytes(32)

    def __len__(self) -> int:
        return len(self._known)

    def wait(self, address: str, name: str, now: float) -> float:
        """Seconds before this attempt may be looked at."""
        rules = ((PAIR, (address, name)), (ADDRESS, (address, "")), (NAME, ("", name)))
        return max(rule.wait(self._count(key, now)) for rule, key in rules)

    def failed(self, address: str, name: str, password: str, now: float) -> None:
        """A password was wrong. The same one again is a machine set up wrongly, no guess, and blames nobody else."""
        tried = hashlib.blake2b(password.encode(), key=self._key, digest_size=16).digest()
        pair = self._known.get((address, name))
        is_guess = pair is None or pair.last != tried
        self._add((address, name), now, tried)
        if is_guess:
            self._add((address, ""), now)
            self._add(("", name), now)

    def succeeded(self, address: str, name: str) -> None:
        """The password was right: who mistyped it starts afresh. The address as such does not."""
        self._known.pop((address, name), None)

    def _count(self, key: tuple[str, str], now: float) -> float:
        failures = self._known.get(key)
        return failures.at(now) if failures else 0.0

    def _add(self, key: tuple[str, str], now: float, tried: bytes = b"") -> None:
        self._known[key] = _Failures(self._count(key, now) + 1, now, tried)
        self._known.move_to_end(key)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
