"""What the configuration says of guards: interlocks and the safe command. Tables in, mistakes collected by them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from kleinmaelzung_agent.commands import interlocks
from kleinmaelzung_agent.commands.interlocks import Interlock
from kleinmaelzung_agent.configuration.tables import Table, hint, shown
from kleinmaelzung_wire.descriptions import Argument


class Guarded(Protocol):
    """A command of any driver."""

    @property
    def arguments(self) -> Sequence[Argument]: ...

    @property
    def interlocks(self) -> Sequence[Interlock]: ...

    @property
    def is_dangerous(self) -> bool: ...

    @property
    def is_safe(self) -> bool: ...


def read_interlocks(table: Table) -> tuple[Interlock, ...]:
    found = []
    for index, text in enumerate(table.text_list("interlock")):
        try:
            found.append(interlocks.parse(text))
        except interlocks.InterlockError as error:
            table.mistake("interlock", f"[{index}]: {error}")
    return tuple(found)


def read_safe_command(table: Table, commands: Mapping[str, Guarded]) -> str:
    """The command that is sent when who holds the instrument is gone: named, or marked."""
    marked = [name for name, command in commands.items() if command.is_safe]
    named = table.text("safe_command", "")
    if named and named not in commands:
        table.mistake("safe_command", f"expected a command of this instrument, found {shown(named)}"
                      f"{hint(named, commands)}")  # fmt: skip
        return ""
    if len({*marked, named} - {""}) > 1:
        table.mistake("safe_command", f"expected one safe command, found {', '.join(sorted({*marked, named} - {''}))}")
    safe = named or (marked[0] if marked else "")
    if safe:
        _check_safe(table, safe, commands[safe])
    return safe


def _check_safe(table: Table, name: str, command: Guarded) -> None:
    """It is sent when nobody is there."""
    if command.is_dangerous or command.interlocks:
        table.mistakes.append(f"{table.place}.commands.{name}: the safe command has neither dangerous nor interlock")
    if any(argument.default is None for argument in command.arguments):
        table.mistakes.append(f"{table.place}.commands.{name}: each argument of the safe command needs a default")
