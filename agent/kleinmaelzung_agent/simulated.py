"""An instrument as its profile says it: bytes that are sent to it in, bytes that it answers out.

    Profile --simulated()--> Simulated --talk(say)--> Talk.heard(bytes), and say(bytes) for each answer

Text and SCPI answer by the transcript; Modbus is a pymodbus server with the profile's registers (simulated_modbus.py).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Protocol

from kleinmaelzung_agent import simulated_script, simulated_variables
from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.drivers.text.framed import FramedSplitter
from kleinmaelzung_agent.drivers.text.framing import Framing
from kleinmaelzung_agent.drivers.text.lines import LineSplitter
from kleinmaelzung_agent.profile_files import Profile, ProfileError
from kleinmaelzung_agent.simulated_script import Entry, Script
from kleinmaelzung_agent.simulated_variables import Variables
from kleinmaelzung_agent.tables import Table

TERMINATOR: Final = "\r\n"
# What a profile leaves to the instrument's table, for reading its settings without one.
_PLACES: Final = {"port": "/dev/null"}
_BY_THE_KERNEL: Final = {
    "i2c": "an I2C bus is this machine's own hardware: no program can stand in for an instrument on it",
    "onewire": "the 1-wire bus is this machine's own hardware: no program can stand in for a sensor on it",
}

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


def parts(profile: Profile) -> tuple[Variables, tuple[Entry, ...], Table]:
    """What a profile says of its simulator. Raises ProfileError."""
    mistakes: list[str] = []
    whole = Table({"simulator": profile.simulator, "transcript": list(profile.transcript)}, "", mistakes)
    own = whole.table("simulator")
    courses = simulated_variables.read(own.table("variables"))
    entries = simulated_script.read(whole.tables("transcript"), list(courses))
    for key in ("terminator", "registers"):  # read by who needs them
        own.anything(key)
    own.finish()
    if mistakes:
        raise ProfileError(f"{profile.path}: {'; '.join(mistakes)}")
    return Variables(courses), entries, own


def configuration(profile: Profile, **own: str) -> Any:
    """The settings as the driver understands them, with the instrument's own keys. Raises ProfileError."""
    mistakes: list[str] = []
    values = {**(_PLACES if profile.driver not in _BY_THE_KERNEL else {}), **profile.settings, **own}
    config = registry.read(Table(values, "", mistakes))
    if mistakes or config is None:
        raise ProfileError(f"{profile.path}: {'; '.join(mistakes)}")
    return config


@asynccontextmanager
async def simulated(profile: Profile, *, is_frozen: bool = False, framing: str = "rtu") -> AsyncIterator[Simulated]:
    """The instrument, as long as the context lasts. `framing` is Modbus's. Raises ProfileError."""
    profile = profile.filled({name: value or "1" for name, value in profile.parameters.items()})
    if profile.driver in _BY_THE_KERNEL:
        raise ProfileError(f"{profile.name}: {_BY_THE_KERNEL[profile.driver]}")
    variables, entries, table = parts(profile)
    variables.is_frozen = is_frozen
    config = configuration(profile)
    if profile.driver == "modbus":
        from kleinmaelzung_agent import simulated_modbus  # it needs pymodbus

        async with simulated_modbus.served(config, variables, entries, table, framing) as unit:
            yield unit
    elif isinstance(config, TextConfig):
        yield SimulatedText(config, variables, entries, table.text("terminator", TERMINATOR).encode())
    else:
        raise ProfileError(f'{profile.name}: instruments of driver "{profile.driver}" cannot be simulated')


def mirrored(framing: Framing, terminator: bytes) -> Framing:
    """How lines are to the instrument: what the agent sends it hears, and what it says the agent hears."""
    found = framing.line_sum
    return replace(
        framing,
        begin=framing.received_begin,
        received_begin=framing.begin,
        terminator=framing.received_terminator or terminator,
        received_terminator=framing.terminator,
        line_sum=found and replace(found, is_sent=found.is_received, is_received=found.is_sent),
    )


class SimulatedText:
    """An instrument that speaks in lines."""

    def __init__(
        self, config: TextConfig, variables: Variables, entries: Sequence[Entry], terminator: bytes = b"\r\n"
    ) -> None:
        self.variables, self.entries = variables, entries
        self.script = Script(entries, variables)
        self.framing = mirrored(config.framing, terminator)
        self.echo = config.framing if config.echo else None

    def talk(self, say: Say) -> "TextTalk":
        return TextTalk(self, say)


class TextTalk:
    """One conversation."""

    def __init__(self, instrument: SimulatedText, say: Say) -> None:
        self._instrument, self._say = instrument, say
        make = FramedSplitter if instrument.framing.received_begin else LineSplitter
        self._splitter = make(counters=Counters(), framing=instrument.framing)
        self._splitter.begin()
        self._tasks = [asyncio.create_task(self._speak(entry)) for entry in instrument.script.unasked]

    def heard(self, chunk: bytes) -> None:
        for line in self._splitter.feed(chunk):
            echo = self._instrument.echo
            answer = self._instrument.script.answer(line, time.monotonic())
            said = self._wrapped(answer or [])
            if outgoing := (echo.wrap(line) if echo else b"") + said:
                self._say(outgoing)

    def _wrapped(self, lines: Sequence[str]) -> bytes:
        return b"".join(self._instrument.framing.wrap(line) for line in lines)

    async def _speak(self, entry: Entry) -> None:
        while True:
            if lines := self._instrument.script.say(entry, time.monotonic()):
                self._say(self._wrapped(lines))
            await asyncio.sleep(entry.every_s)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
