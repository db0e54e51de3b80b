"""Which client sessions are there, as far as the broker tells: so that a lease ends with its holder's connection. Pure.

Each session says so in a retained message, and its will takes it away. While this agent itself was not connected it
may have missed that: after its return, who is not named again within a while has gone.
"""

from typing import Final

ALL_TOLD_S: Final = 5.0  # after a connection: the retained messages have come

MAX_SESSIONS: Final = 10_000  # who comes beyond is not known: their leases end by their time alone

Session = tuple[str, str]  # user, session


class Presence:
    """`now_s` is monotonic."""

    def __init__(self) -> None:
        self._there: set[Session] = set()
        self._doubted: set[Session] = set()
        self._doubted_until_s = 0.0

    def came(self, session: Session) -> None:
        if len(self._there) < MAX_SESSIONS:
            self._there.add(session)
        self._doubted.discard(session)

    def went(self, session: Session) -> None:
        self._there.discard(session)
        self._doubted.discard(session)

    def connected(self, now_s: float) -> None:
        """The agent has a new connection: everybody who is there will be named again."""
        self._doubted = set(self._there)
        self._doubted_until_s = now_s + ALL_TOLD_S

    def missing(self, now_s: float) -> set[Session]:
        """Who has not been named again; each is told once."""
        if not self._doubted or now_s < self._doubted_until_s:
            return set()
        missing, self._doubted = self._doubted, set()
        self._there -= missing
        return missing
