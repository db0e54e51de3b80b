"""`driver = "i2c"`: instruments with registers or commands on a bus of this machine.

Each reading is steps of a few transfers. An error on the bus ends the session, and the next begins with `start` again:
an instrument that did not answer may have lost its power, and with it how it was set.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import command_text, identity, raw_bytes
from kleinmaelzung_agent.drivers.driver import (
    RAW,
    Ears,
    Prepared,
    RefusedError,
    UnansweredError,
    WrongInstrumentError,
    configured,
    reply,
)
from kleinmaelzung_agent.drivers.i2c import config as i2c_config
from kleinmaelzung_agent.drivers.i2c import steps, values
from kleinmaelzung_agent.drivers.i2c.buses import Bus, Line, Parts, UnansweredAddressError
from kleinmaelzung_agent.drivers.i2c.checks import WrongCheckError
from kleinmaelzung_agent.drivers.i2c.config import I2cConfig
from kleinmaelzung_agent.drivers.i2c.steps import Numbers, Step
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import Period
from kleinmaelzung_agent.drivers.transport_port import NotSentError, PortError
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Command, Reply

try:
    from kleinmaelzung_agent.drivers.i2c.smbus import SmbusHandle
except ImportError as error:
    raise ImportError(f"{error.name} is not installed: pip install 'kleinmaelzung[i2c]'") from error

START_S: Final = 1.0  # for what is sent at the start, beside its waits


def read(table: Table) -> I2cConfig:
    return i2c_config.read(table)


def make(config: I2cConfig, places: Places) -> "I2cDriver":
    return I2cDriver(config, places.i2c.get(config.bus, SmbusHandle))


class WrongError(TimeoutError):
    """Something came that is not right; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """A command's steps, with the numbers that are written."""

    steps: Sequence[Step]
    numbers: Numbers


class I2cDriver:
    """A driver.Driver."""

    def __init__(self, config: I2cConfig, bus: Bus) -> None:
        self._config, self._bus = config, bus

    @property
    def periods(self) -> Sequence[Period]:
        return [poll.period for poll in self._config.polls]

    @asynccontextmanager
    async def connected(self, ears: Ears) -> AsyncIterator["_Connection"]:
        async with self._bus.opened() as line:
            ears.opened()
            yield _Connection(self._config, line, ears)

    def prepare(self, command: Command) -> Prepared:
        if command.name == RAW:
            return self._prepare_raw(command)
        config = configured(self._config.commands, command)
        try:
            checked = command_text.checked(config.arguments, command.arguments)
            numbers = {name: value for name, value in checked.items() if isinstance(value, (int, float))}
            outgoing = b"".join(steps.outgoing(step, self._config.address, numbers) for step in config.steps)
        except (command_text.ArgumentError, steps.UnfitError) as error:
            raise RefusedError(str(error)) from error
        own = _Order(steps=config.steps, numbers=numbers)
        return Prepared(command=command, outgoing=outgoing, timeout_s=config.timeout_s, own=own)

    @staticmethod
    def _prepare_raw(command: Command) -> Prepared:
        """Bytes to write. What is read again, the configuration has to say."""
        try:
            raw = raw_bytes.read(command.arguments, "latin-1")
        except raw_bytes.RawError as error:
            raise RefusedError(str(error)) from error
        own = _Order(steps=(Step(write=raw.outgoing),), numbers={})
        return Prepared(command=command, outgoing=raw.outgoing, timeout_s=raw_bytes.LONGEST_WAIT_S, own=own)


class _Connection:
    """A driver.Connection."""

    def __init__(self, config: I2cConfig, line: Line, ears: Ears) -> None:
        self._config, self._line, self._ears = config, line, ears
        self._lock = asyncio.Lock()
        self._constants: dict[str, int | float] = {}  # what was read at the start
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._taken_ns = 0
        self._recorded = bytearray()
        self._is_written = False  # whether anything was, in this turn

    @property
    def recorded(self) -> bytes:
        return bytes(self._recorded)

    async def lost(self) -> str:
        return await asyncio.shield(self._ended)

    async def begin(self) -> None:
        """A bus can be used at once."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        async with self._lock:
            self._recorded.clear()
            self._is_written = False
            yield

    async def start(self) -> int:
        if self._config.who:
            await self._identify()
        for step in self._config.start:
            async with self.turn():
                self._constants |= await self._run([step], {}, START_S + (step.wait_s or 0.0))
        return sum(step.length > 0 for step in (*self._config.who, *self._config.start))

    async def _identify(self) -> None:
        async with self.turn():
            found = await self._run(self._config.who, {}, START_S + steps.waits_s(self._config.who))
        said = {name: i2c_config.said(number) for name, number in found.items()}
        if why := identity.mistaken(self._config.identity or {}, said):
            raise WrongInstrumentError(f"another instrument answers at {self._config.place}: {why}")
        self._ears.identified(said)

    async def poll(self, index: int) -> Reading:
        poll = self._config.polls[index]
        found = await self._run(poll.steps, {}, poll.period.timeout_s)
        numbers = values.computed({**self._constants, **found}, self._config.compute)
        return values.reading(numbers, poll.channels, self._taken_ns)

    async def execute(self, prepared: Prepared, timeout_s: float) -> tuple[Reply, bool]:
        order: _Order = prepared.own
        try:
            found = await self._run(order.steps, order.numbers, timeout_s)
            why = await self._unverified(order, timeout_s)
        except WrongError as error:
            return reply(prepared.command, "failed", f"it was sent, and what came back is not right: {error}"), False
        except TimeoutError as error:
            if not self._is_written:
                raise RefusedError("expired while others had the bus: nothing was sent", "expired") from error
            within = durations.show(round(timeout_s, 3))
            raise UnansweredError(f"not all of it was sent within {within}: others had the bus") from error
        except PortError as error:
            return self._failed(prepared.command, error), False
        answer = reply(prepared.command, "failed" if why else "done", why)
        return replace(answer, values=dict[str, Value](found)), True

    def _failed(self, command: Command, error: PortError) -> Reply:
        """The session ends with it, so that the next begins with the start."""
        if not self._ended.done():
            self._ended.set_result(str(error))
        if isinstance(error, UnansweredAddressError) and not self._is_written:
            return reply(command, "failed", str(error))
        if isinstance(error, NotSentError) and self._is_written:
            raise PortError(str(error)) from error  # an earlier step was sent
        raise error

    async def _unverified(self, order: _Order, timeout_s: float) -> str:
        """Why it is not as it was written; empty where it is, or nobody asked."""
        for step in order.steps:
            if step.is_verified:
                wanted = steps.outgoing(replace(step, length=1), self._config.address, order.numbers)[1:]
                until = asyncio.get_running_loop().time() + timeout_s
                (found,) = await self._transfer([step.write, len(wanted)], until)
                if found != wanted:
                    register = f"register {step.write[0]:#04x}"
                    return f"{register} holds {found.hex(' ')} after {wanted.hex(' ')} was written"
        return ""

    async def _run(self, wanted: Sequence[Step], numbers: Numbers, timeout_s: float) -> Mapping[str, int | float]:
        """The fields of what was read. Raises WrongError, TimeoutError, PortError."""
        until = asyncio.get_running_loop().time() + timeout_s
        found: dict[str, int | float] = {}
        for step in wanted:
            written = steps.outgoing(step, self._config.address, numbers)
            content = await self._carried_out(step, written, until)
            if step.length:
                found |= self._read_out(step, written, content)
        return found

    async def _carried_out(self, step: Step, written: bytes, until: float) -> bytes:
        if step.wait_s is None:
            parts = [part for part in (written, step.length) if part]
            return b"".join(await self._transfer(parts, until))
        if written:
            await self._transfer([written], until)
        await asyncio.sleep(step.wait_s)
        return b"".join(await self._transfer([step.length], until)) if step.length else b""

    async def _transfer(self, parts: Parts, until: float) -> list[bytes]:
        limit_s = until - asyncio.get_running_loop().time()
        try:
            found = await self._line.transfer(self._config.address, parts, max(limit_s, 0.001))
        except NotSentError:
            raise
        except UnansweredAddressError as error:
            if self._is_written and parts and not isinstance(parts[0], bytes):
                raise UnansweredAddressError(f"{error}; it took what was written before: a longer wait?") from error
            raise
        except TimeoutError:
            self._ears.counters.timeouts += 1
            raise
        self._taken_ns = time.monotonic_ns()
        self._is_written |= any(isinstance(part, bytes) for part in parts)
        self._recorded += b"".join(found)
        return found

    def _read_out(self, step: Step, written: bytes, content: bytes) -> Mapping[str, int | float]:
        counters = self._ears.counters
        try:
            found = steps.read_out(step, self._config.address, written, content)
        except ValueError as error:
            if isinstance(error, WrongCheckError):
                counters.wrong_checksums += 1
            else:
                counters.rejected_lines += 1
            self._ears.garbled(is_news=True)
            raise WrongError(str(error)) from error
        counters.lines += 1
        return found
