"""What one person may do: a role, and the instruments it holds for, as patterns: `pi-1/balance`, `pi-1/+`, `+/+`.

The broker's rules are made from it (access.py), and nothing else decides. It is kept twice: in the account's text at
the broker, from which a later version makes its rules, and retained at `_client/<user>/rights`, by which the gateway
knows what `+/+` is for this user.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, get_args

from kleinmaelzung_wire import codec, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.topics import ANY

Role = Literal["observer", "operator", "calibrator", "admin", "public"]
PUBLIC: Final = "public"  # the account and the role of whoever watches without signing in; no person's
ROLES: Final[tuple[Role, ...]] = tuple(role for role in get_args(Role) if role != PUBLIC)
COMMANDING: Final = frozenset({"operator", "calibrator", "admin"})
EVERYTHING: Final = f"{ANY}/{ANY}"
MAX_PATTERNS: Final = 32  # about 600 bytes of rules each, and all of them in one message


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """A role and where it holds."""

    role: Role
    instruments: tuple[str, ...] = (EVERYTHING,)

    def __post_init__(self) -> None:
        if self.role not in (*ROLES, PUBLIC):
            raise WireError(f"role is {self.role!r:.40}, expected one of {', '.join(ROLES)}")
        if not 1 <= len(self.instruments) <= MAX_PATTERNS:
            raise WireError(f"{len(self.instruments)} patterns of instruments, expected 1 to {MAX_PATTERNS}")
        for pattern in self.instruments:
            check_pattern(pattern)
        if self.role == "admin" and EVERYTHING not in self.instruments:
            raise WireError("an admin manages all accounts, so cannot be kept to single instruments")

    @property
    def has_everything(self) -> bool:
        return EVERYTHING in self.instruments

    @property
    def may_command(self) -> bool:
        return self.role in COMMANDING

    def to_map(self) -> dict[str, Any]:
        return {"role": self.role, "instruments": list(self.instruments)}

    def to_json(self) -> str:
        return json.dumps(self.to_map(), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises WireError."""
        return cls.from_map(codec.from_json(text))

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """Raises WireError."""
        wire = Fields(value, "rights")
        role: Any = wire.text("role")
        return cls(role=role, instruments=tuple(_texts(wire.list("instruments"))))


def check_pattern(pattern: str) -> str:
    """Return a pattern of instruments, or raise WireError saying what one looks like."""
    agent, slash, instrument = pattern.partition("/")
    if not slash or (agent == ANY and instrument != ANY):
        # `+/balance` would name instruments of agents that do not exist yet.
        raise WireError(f"{pattern!r:.60} is no pattern of instruments: expected pi-1/balance, pi-1/+ or +/+")
    for name in {agent, instrument} - {ANY}:
        topics.check_name(name, "agent or instrument")
    return pattern


def narrowed(pattern: str, granted: Iterable[str]) -> list[str]:
    """What of a pattern is granted: itself where it is not wider than a grant, else the grants within it."""
    grants = list(granted)
    if any(topics.matches(grant, pattern) for grant in grants):
        return [pattern]
    common = {found for grant in grants if (found := _common(pattern, grant)) is not None}
    return sorted(one for one in common if not any(topics.matches(wider, one) for wider in common - {one}))


def _common(one: str, other: str) -> str | None:
    """The pattern of what falls under both; None where nothing does."""
    levels = []
    for left, right in zip(one.split("/"), other.split("/"), strict=True):
        if ANY not in (left, right) and left != right:
            return None
        levels.append(right if left == ANY else left)
    return "/".join(levels)


def _texts(values: list[Any]) -> list[str]:
    if not all(type(value) is str for value in values):
        raise WireError("rights.instruments holds something else than text")
    return values
