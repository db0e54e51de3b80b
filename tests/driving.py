"""Instruments of a configuration, run as an agent runs them, and a Sink that remembers what they said."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument, Reading
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.frames import Value
from tests.waiting import until

AGENT = '[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n'


@dataclass
class Notes:
    """The Sink: everything that was handed over."""

    readings: dict[str, list[Reading]] = field(default_factory=dict)
    states: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def samples(self, instrument: str, readings: Sequence[Reading]) -> None:
        self.readings.setdefault(instrument, []).extend(readings)

    def state(self, instrument: str, condition: messages.Condition, reason: str) -> None:
        self.states.setdefault(instrument, []).append((condition, reason))

    def values(self, name: str) -> list[Value]:
        return [value for reading in self.readings.get(name, []) for value in reading.values.values()]

    def condition(self, name: str) -> str:
        return self.states[name][-1][0] if name in self.states else ""

    def reason(self, name: str) -> str:
        return self.states[name][-1][1] if name in self.states else ""


def load(directory: Path, text: str) -> dict[str, InstrumentConfig]:
    """The instruments of agent.toml, whose [agent] is added."""
    path = directory / "agent.toml"
    path.write_text(AGENT + text)
    path.chmod(0o600)
    return config.load(path).instruments


@asynccontextmanager
async def running(notes: Notes, wanted: Mapping[str, InstrumentConfig]) -> AsyncIterator[dict[str, Instrument]]:
    """All of them, as one agent."""
    places = Places()
    places.ports.spared = making.spared(wanted)
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(one(notes, name, wanted[name], places)) for name in wanted}


@asynccontextmanager
async def one(notes: Notes, name: str, wanted: InstrumentConfig, places: Places) -> AsyncIterator[Instrument]:
    """One of them, which ends before the others."""
    instrument = making.make(name, wanted, notes, places)
    task = asyncio.create_task(instrument.run(), name=name)
    try:
        yield instrument
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), "it ends in no other way"


async def rate(count: Callable[[], int], is_over: Callable[[], object], what: str) -> float:
    """How many more there are each second until this is so."""
    begun, before = time.monotonic(), count()
    await until(is_over, what)
    return (count() - before) / (time.monotonic() - begun)


def command(name: str, **arguments: Value) -> messages.Command:
    now_us = time.time_ns() // 1000
    return messages.Command(
        id=f"{name}-{now_us}", name=name, user="ada", arguments=arguments, timeout_us=5_000_000, sent=now_us
    )
