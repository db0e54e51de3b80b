"""A profile's transcript against the agent's own drivers: what comes must mean what the transcript says it means.

Instruments on a port are the profile's simulator, which stands still; I2C chips answer as the transcript has it, and
1-wire sensors are the kernel's files.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument
from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.profiles.profile_files import Profile
from kleinmaelzung_agent.simulating import making as simulators
from kleinmaelzung_agent.simulating import ports, script
from kleinmaelzung_agent.simulating.faults import Faults
from kleinmaelzung_agent.simulating.instrument import Simulated
from kleinmaelzung_agent.simulating.modbus import Unit
from kleinmaelzung_agent.simulating.script import Entry
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.frames import Value
from tests import fakes_i2c
from tests.integration.test_text_driver import Notes
from tests.waiting import until

NONE = "none"  # TOML has no word for it
SENSOR = "28-0316a279d6ff"
ALL = (profile_files.SHIPPED,)
ON_A_TERMINAL = {"bytesize": 8, "parity": "none", "flow": "none"}  # it has no line, and refuses other settings

_QUICK = {"every": "30ms", "gap": "5ms"}
_EVERY = {"scpi": {"every": "30ms"}, "modbus": {"every": "30ms"}, "onewire": {"every": "30ms"}}


@dataclass
class Chip:
    """Answers what was written last; `answers` by what is written, both in bytes."""

    answers: dict[bytes, bytes] = field(default_factory=dict)
    known: set[bytes] = field(default_factory=set)
    written: list[bytes] = field(default_factory=list)

    def write(self, content: bytes) -> None:
        if content not in self.known:
            raise fakes_i2c.NakError
        self.written.append(content)

    def read(self, length: int) -> bytes:
        if not self.written or self.written[-1] not in self.answers:
            raise fakes_i2c.NakError
        return self.answers[self.written[-1]][:length].ljust(length, b"\xff")


@dataclass
class Live:
    """An instrument of a profile that runs, and how to put it into an entry's state."""

    profile: Profile
    entries: Sequence[Entry]
    config: InstrumentConfig
    instrument: Instrument
    notes: Notes
    stand_in: Simulated | Chip | Path

    def become(self, entry: Entry) -> None:
        """As it is when this entry is said."""
        match self.stand_in:
            case Chip() as chip:
                chip.answers = {_hex(one.send): _hex(_said(one)) for one in reversed(self.entries) if one.reply}
                if entry.reply:
                    chip.answers[_hex(entry.send)] = _hex(_said(entry))
            case Path() as file:
                file.write_text(_said(entry).lstrip("\n"))
            case stand_in:
                stand_in.variables.reset()
                for name, value in entry.given.items():
                    stand_in.variables.set(name, value)
                if isinstance(stand_in, Unit):
                    stand_in.words = {
                        space: {int(at, 0): word for at, word in words.items()}
                        for space, words in entry.registers.items()
                    }

    async def holds(self, entry: Entry) -> None:
        """What is expected of an entry comes true."""
        self.become(entry)
        if entry.command:
            await self._commands(entry)
        elif "identity" in entry.expected:
            expected = entry.expected["identity"]
            await until(lambda: expected.items() <= self.instrument.description().identity.items(), f"{expected}")
        elif entry.expected:
            await self._values(entry)

    async def _values(self, entry: Entry) -> None:
        try:
            await until(lambda: self._says(entry), f"{entry.expected}")
        except AssertionError as error:
            error.add_note(f"found {self._newest()}, {self.notes.states.get('it')}, {self.instrument.counters}")
            raise

    async def _commands(self, entry: Entry) -> None:
        sent = messages.Command(
            id=entry.command,
            name=entry.command,
            user="ada",
            arguments=dict(entry.arguments),
            timeout_us=20_000_000,
            sent=time.time_ns() // 1000,
        )
        reply = await self.instrument.execute(sent, timeout_s=10)
        expected = entry.expected
        assert reply.values == expected.get("values", {}), reply
        assert (reply.result, reply.reason) == (expected.get("result", "done"), expected.get("reason", ""))
        assert expected.get("units", {}).items() <= reply.units.items()
        assert entry.send is not None
        if self.profile.driver in ("text", "scpi"):
            assert entry.send.encode("latin-1") in reply.bytes_out
        elif self.profile.driver == "modbus":
            assert reply.bytes_out.startswith(bytes.fromhex(entry.send))
        elif self.profile.driver == "binary":
            assert bytes.fromhex(entry.send) in reply.bytes_out
        elif isinstance(self.stand_in, Chip):
            assert _hex(entry.send) in self.stand_in.written

    def _newest(self, since: int = 0) -> dict[str, tuple[Value, str, str]]:
        found: dict[str, tuple[Value, str, str]] = {}
        for reading in self.notes.readings.get("it", [])[since:]:
            for name, value in reading.values.items():
                unit = reading.units.get(name, self.config.channels[name].unit)
                found[name] = value, unit, reading.quality.get(name, "good")
        return found

    def _says(self, entry: Entry) -> bool:
        expected, newest = entry.expected, self._newest()
        return all(
            name in newest
            and newest[name][0] == (None if value == NONE else value)
            and newest[name][1] == expected.get("units", {}).get(name, newest[name][1])
            and newest[name][2] == expected.get("quality", {}).get(name, "good")
            for name, value in expected["values"].items()
        )


def _hex(text: str | None) -> bytes:
    return bytes.fromhex(text or "")


def _said(entry: Entry) -> str:
    return "\n".join(line.fill({}) for line in entry.reply or ())


def quick(value: Any) -> Any:
    """The same settings, asked as fast as it goes."""
    match value:
        case dict():
            found = {key: quick(below) for key, below in value.items()}
            return found | {key: time for key, time in _QUICK.items() if isinstance(found.get(key), str)}
        case list():
            return [quick(below) for below in value]
    return value


def load(directory: Path, tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, InstrumentConfig]:
    """Instruments as agent.toml has them, with keys that are texts, numbers and truths."""
    lines = ["[agent]", 'name = "pi-1"', 'url = "ws://h"', 'secret = "x"', 'data = "d"']
    for name, keys in tables.items():
        lines += [f"[instruments.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    path = directory / "agent.toml"
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return config.load(path).instruments


def read(name: str, own: Mapping[str, Any], places: Sequence[Path] = ALL) -> InstrumentConfig:
    """An instrument with a profile that is asked quickly."""
    profile = profile_files.find(name, places).filled({})
    mistakes: list[str] = []
    table = Table(
        profile_files.merged(quick(profile.settings), {**own, **_EVERY.get(profile.driver, {})}), "it", mistakes
    )
    found = registry.read(table)
    assert found is not None, mistakes
    assert not mistakes
    return found


@asynccontextmanager
async def live(directory: Path, name: str, places: Sequence[Path] = ALL) -> AsyncIterator[Live]:
    """An instrument of this profile, read by its driver."""
    profile = profile_files.find(name, places)
    async with contextlib.AsyncExitStack() as stack:
        stand_in, own, reached, entries = await _stand_in(directory, profile, stack)
        settings, notes = read(name, own, places), Notes()
        instrument = making.make("it", settings, notes, reached)
        one = Live(profile, entries, settings, instrument, notes, stand_in)
        one.become(entries[0])
        task = asyncio.create_task(instrument.run())
        try:
            yield one
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _stand_in(
    directory: Path, profile: Profile, stack: contextlib.AsyncExitStack
) -> tuple[Simulated | Chip | Path, dict[str, Any], Places, Sequence[Entry]]:
    mistakes: list[str] = []
    if profile.driver == "i2c":
        entries = script.read([Table(dict(one), "", mistakes) for one in profile.transcript], [])
        chip = Chip(known={_hex(entry.send) for entry in entries})
        wires = fakes_i2c.Wires(chips={profile.settings["address"]: chip})
        return chip, {}, Places(i2c=fakes_i2c.buses({"/dev/i2c-1": wires})), entries
    if profile.driver == "onewire":
        entries = script.read([Table(dict(one), "", mistakes) for one in profile.transcript], [])
        file = directory / SENSOR / "w1_slave"
        file.parent.mkdir()
        return file, {"id": SENSOR}, Places(onewire=directory), entries
    instrument = await stack.enter_async_context(simulators.simulated(profile, is_frozen=True))
    port = await stack.enter_async_context(ports.on_terminal(directory / "tty", instrument, Faults()))
    return instrument, {"port": port, **ON_A_TERMINAL}, Places(), instrument.entries
