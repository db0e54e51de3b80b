"""Who alone may command an instrument for a while. Pure: moments of the monotonic clock come in, sentences go out.

take    somebody has it until then; again by the same user and session: extended    release    nobody has it
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kleinmaelzung_wire.messages import Control

USUAL_S: Final = 300.0
LONGEST_S: Final = 3600.0
SHORTEST_S: Final = 1.0

FREE: Final = Control()


class LeaseError(Exception):
    """It is not given; the text says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What `_take` asks for."""

    duration_s: float = USUAL_S
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class _Held:
    user: str
    session: str
    until_s: float  # monotonic
    since_us: int
    until_us: int  # for people


class Lease:
    """One instrument's. `now_s` is monotonic everywhere, `now_us` the same moment for people."""

    def __init__(self) -> None:
        self._held: _Held | None = None

    def take(self, user: str, session: str, asked: Asked, *, now_s: float, now_us: int) -> str:
        """Take, extend or take over; returns from whom it was taken over. Raises LeaseError."""
        held = self._holding(now_s)
        is_own = held is not None and (held.user, held.session) == (user, session)
        if held and not is_own and not asked.is_forced:
            raise LeaseError(self.refusal(user, session, now_s=now_s))
        since_us = held.since_us if held and is_own else now_us
        until_us = now_us + int(asked.duration_s * 1e6)
        self._held = _Held(user, session, now_s + asked.duration_s, since_us, until_us)
        return held.user if held and not is_own else ""

    def resume(self, control: Control, least_s: float, *, now_s: float, now_us: int) -> None:
        """Go on with what an earlier run gave, for `least_s` even if its time is up: nobody could extend it."""
        if control.user:
            left_s = min(max((control.until - now_us) / 1e6, least_s), LONGEST_S)
            until_us = now_us + int(left_s * 1e6)
            self._held = _Held(control.user, control.session, now_s + left_s, control.since, until_us)

    def release(self, user: str, session: str, *, now_s: float, any_session: bool = False) -> None:
        """Let go of it, also of what another session of the user has if that is asked for.

        Nothing happens where nobody holds it. Raises LeaseError where another does.
        """
        held = self._holding(now_s)
        if held and (held.user != user or (held.session != session and not any_session)):
            raise LeaseError(self.refusal(user, session, now_s=now_s))
        self._held = None

    def refusal(self, user: str, session: str, *, now_s: float) -> str:
        """Why somebody may not command now; empty where they may."""
        held = self._holding(now_s)
        if held is None or (held.user, held.session) == (user, session):
            return ""
        where = " in another session" if held.user == user else ""
        return f"held by {held.user}{where} until {clock_time(held.until_us)}"

    def is_held_by(self, user: str, session: str, *, now_s: float) -> bool:
        held = self._holding(now_s)
        return held is not None and (held.user, held.session) == (user, session)

    def end(self) -> None:
        """Nobody holds it any more."""
        self._held = None

    def due_s(self) -> float | None:
        """When it ends by itself; until end() also of one whose time is up."""
        return self._held.until_s if self._held else None

    def control(self, now_s: float) -> Control:
        """What everybody is told."""
        held = self._holding(now_s)
        if held is None:
            return FREE
        return Control(user=held.user, session=held.session, since=held.since_us, until=held.until_us)

    def _holding(self, now_s: float) -> _Held | None:
        return self._held if self._held and now_s < self._held.until_s else None


def asked(arguments: dict[str, Any]) -> Asked:
    """The arguments of `_take`. Raises LeaseError."""
    check_known(arguments, ("duration_s", "force"))
    duration_s, is_forced = arguments.get("duration_s"), arguments.get("force")
    duration_s = USUAL_S if duration_s is None else duration_s
    if type(duration_s) not in (int, float) or not SHORTEST_S <= duration_s <= LONGEST_S:
        raise LeaseError(
            f'argument "duration_s" is {duration_s!r:.60}, expected {SHORTEST_S:g} to {LONGEST_S:g} seconds'
        )
    if is_forced is not None and type(is_forced) is not bool:
        raise LeaseError(f'argument "force" is {is_forced!r:.60}, expected true or false')
    return Asked(float(duration_s), bool(is_forced))


def asked_for_any_session(arguments: dict[str, Any]) -> bool:
    """The argument of `_release`. Raises LeaseError."""
    check_known(arguments, ("any_session",))
    any_session = arguments.get("any_session")
    if any_session is not None and type(any_session) is not bool:
        raise LeaseError(f'argument "any_session" is {any_session!r:.60}, expected true or false')
    return bool(any_session)


def check_known(arguments: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Raises LeaseError for an argument that nobody expects."""
    for name in arguments:
        if name not in expected:
            raise LeaseError(f"unknown argument {name!r:.40}, expected {', '.join(expected) or 'none'}")


def clock_time(time_us: int) -> str:
    """`14:03:59Z`: the same everywhere."""
    return f"{datetime.fromtimestamp(time_us // 1_000_000, UTC):%H:%M:%S}Z"
