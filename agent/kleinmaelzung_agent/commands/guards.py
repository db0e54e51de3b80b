"""What stands between a command and its instrument, next to the hardware. Pure; time comes in.

Guarding    what the configuration says of one instrument's commands: interlocks, which are dangerous, which is safe
Armed       a dangerous command is announced by `_arm` and must follow from the same user and session within 10 s
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kleinmaelzung_agent.commands.interlocks import Interlock
from kleinmaelzung_wire.descriptions import Description
from kleinmaelzung_wire.frames import Value

ARMED_S: Final = 10.0
SAFE_AFTER_S: Final = 30.0

NOT_ARMED: Final = (
    'not armed: this command is dangerous. Send "_arm" with the name and arguments of the command first, '
    f"and the command itself within {ARMED_S:g} s, in the same session"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Of one command. `max_age_s`: how old a value may be that an interlock looks at; None: 3 times silent_after."""

    interlocks: tuple[Interlock, ...] = ()
    max_age_s: float | None = None
    is_dangerous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarding:
    """Of one instrument. `safe_command` is sent when who holds the instrument is gone."""

    commands: Mapping[str, Guard] = field(default_factory=dict)
    safe_command: str = ""
    safe_after_s: float = SAFE_AFTER_S
    allows_raw: bool = False


NOTHING: Final = Guard()
UNGUARDED: Final = Guarding()


def described(description: Description, guarding: Guarding) -> Description:
    """A driver's description, with what stands before each command."""
    commands = []
    for command in description.commands:
        guard = guarding.commands.get(command.name, NOTHING)
        interlocks = [interlock.text for interlock in guard.interlocks]
        is_safe = command.name == guarding.safe_command
        commands.append(replace(command, dangerous=guard.is_dangerous, safe=is_safe, interlocks=interlocks))
    return replace(description, commands=commands)


What = tuple[str, tuple[tuple[str, Any], ...]]  # a command's name and arguments


def what(name: str, arguments: Mapping[str, Value]) -> What:
    """A command without who, when and which id. True is not 1."""
    return name, tuple(sorted((key, (type(value).__name__, value)) for key, value in arguments.items()))


class Armed:
    """Who has announced what; one command for each user and session, the newest."""

    def __init__(self) -> None:
        self._armed: dict[tuple[str, str, str], tuple[What, float]] = {}

    def arm(self, instrument: str, user: str, session: str, command: What, *, now_s: float) -> None:
        self._armed = {key: kept for key, kept in self._armed.items() if kept[1] > now_s}
        self._armed[instrument, user, session] = command, now_s + ARMED_S

    def forget(self, instruments: Collection[str]) -> None:
        """What was announced to these is not any more: they are others now."""
        self._armed = {key: kept for key, kept in self._armed.items() if key[0] not in instruments}

    def use(self, instrument: str, user: str, session: str, command: What, *, now_s: float) -> bool:
        """Whether it is armed. It is not any more afterwards: each dangerous command is announced by itself."""
        armed = self._armed.pop((instrument, user, session), None)
        return armed is not None and armed[0] == command and now_s < armed[1]
