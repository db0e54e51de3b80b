"""How much one socket, one address and all together may take. Pure: time comes in as seconds of a monotonic clock."""

import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

# Who gets an IPv6 network gets at least this much of it, so all of it counts as one address.
IPV6_PREFIX: Final = 64


class Bucket:
    """A token bucket: `burst` at once, then `rate` a second."""

    __slots__ = ("_burst", "_rate", "_since", "_tokens")

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._since = burst, 0.0

    def take(self, now: float) -> float:
        """Take one; 0 if it was there, else how many seconds it came too early. What came too early counts too."""
        if now > self._since:
            self._tokens = min(self._burst, self._tokens + (now - self._since) * self._rate)
        self._since = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)


@dataclass(slots=True)
class Places:
    """So many places in all, and so many for one address."""

    total: int
    for_one: int
    taken: int = 0
    by_address: Counter[str] = field(default_factory=Counter)

    def enter(self, address: str) -> bool:
        """Take a place; False, and nothing taken, where none is left."""
        if self.taken >= self.total or self.by_address.get(address, 0) >= self.for_one:
            return False
        self.taken += 1
        self.by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        self.taken -= 1
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]  # so that it holds only who is here

    def is_full_for(self, address: str) -> bool:
        """Whether it is this address that has all it may have."""
        return self.by_address.get(address, 0) >= self.for_one


def counted_as(address: str) -> str:
    """Under which name an address is counted: an IPv6 address by its network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
