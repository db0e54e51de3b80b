"""What each simulated instrument is to those who talk to it: bytes that they send in, bytes that it says out.

Simulated --talk(say)--> Talk.heard(bytes), and say(bytes) for each answer
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from kleinmaelzung_agent.simulating.script import Entry
from kleinmaelzung_agent.simulating.variables import Variables

Say = Callable[[bytes], None]


class Talk(Protocol):
    """One who has the port open."""

    def heard(self, chunk: bytes) -> None: ...

    def close(self) -> None: ...


class Simulated(Protocol):
    """One instrument, for all who talk to it."""

    @property
    def variables(self) -> Variables: ...

    @property
    def entries(self) -> Sequence[Entry]: ...

    def talk(self, say: Say) -> Talk: ...


class Voice:
    """What one talk's instrument says by itself, each entry at its time, until it is closed."""

    def __init__(self, entries: Sequence[Entry], speak: Callable[[Entry], None]) -> None:
        self._tasks = [asyncio.create_task(_repeated(entry, speak)) for entry in entries]

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


async def _repeated(entry: Entry, speak: Callable[[Entry], None]) -> None:
    while True:
        speak(entry)
        await asyncio.sleep(entry.every_s)
