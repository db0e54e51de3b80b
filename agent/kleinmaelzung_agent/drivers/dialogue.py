"""Drivers that ask and answer in bytes over a port: what differs between them is a Dialect (dialect.py).

Dialect.poll() --Request--> Conversation --message--> Request.match --> Reading
Dialect.prepare(Command) --Prepared--> Conversation --message--> its match --> Reply
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_agent.drivers import driver, identity, raw_bytes
from kleinmaelzung_agent.drivers.conversation import Conversation, Match
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.dialect import Dialect, Identifying, Request
from kleinmaelzung_agent.drivers.driver import (
    RAW,
    Ears,
    Prepared,
    RefusedError,
    UnansweredError,
    WrongInstrumentError,
)
from kleinmaelzung_agent.drivers.identity import Search, Spot
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.settings import InstrumentConfig, Period
from kleinmaelzung_agent.drivers.shared_port import Opened, Ports
from kleinmaelzung_agent.drivers.transport_port import PortError
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.messages import Command, Reply

_ANOTHER: Final = "another instrument answers here: {}"
_EXPIRED: Final = "expired while the port was busy: nothing was sent"
_CONFIRMED: Final = "the instrument confirmed the command, but what was asked after it was not answered within {}"
_NOT_TAKEN: Final = "the instrument did not take what was sent within {}"


@dataclass(frozen=True, slots=True)
class _Raw:
    wait_s: float


class Dialogue:
    """A Driver by a Dialect. `config` says who may share its port, and which instrument is expected."""

    def __init__(self, dialect: Dialect, ports: Ports, config: InstrumentConfig | None = None) -> None:
        self._dialect, self._manner, self._ports = dialect, dialect.manner, ports
        self._expected = (config.identity if config else None) or {}
        self._shares: object = self._manner.port.line
        if config:
            self._shares = (config.driver, config.shared_as) if config.shared_as is not None else None
        self._search = Search(self._manner.port, self._expected) if self._manner.port.search else None

    @property
    def periods(self) -> Sequence[Period]:
        return self._manner.periods

    @asynccontextmanager
    async def connected(self, ears: Ears) -> AsyncIterator["_Connection"]:
        async with AsyncExitStack() as stack:
            if self._search:
                yield await self._found(self._search, ears, stack)
            else:
                yield await stack.enter_async_context(self._joined(self._manner.port, ears))

    @asynccontextmanager
    async def _joined(self, settings: PortSettings, ears: Ears) -> AsyncIterator["_Connection"]:
        port = self._ports.get(settings, self._converse, self._shares)
        async with port.joined(ears, self._dialect.unasked) as opened:
            yield _Connection(self._dialect, opened, ears, self._expected)

    async def _found(self, search: Search, ears: Ears, stack: AsyncExitStack) -> "_Connection":
        """The connection at the first port where the right instrument answers. Raises PortError."""
        there = identity.existing(search.likely, self._manner.port.search, self._ports.spared)
        for spot in search.due(there, time.monotonic()):
            ears.looking(search.sentence(spot.port))
            if connection := await self._asked(search, spot, ears, stack):
                return connection
        raise PortError(search.sentence())

    async def _asked(self, search: Search, spot: Spot, ears: Ears, stack: AsyncExitStack) -> "_Connection | None":
        hearing = _Hearing()
        async with AsyncExitStack() as probing:
            try:
                joined = self._joined(self._manner.port.at(spot.port), hearing)
                connection = await probing.enter_async_context(joined)
                await connection.begin()
                said = await connection.who(identity.TRIES)
            except WrongInstrumentError as error:
                search.passed(spot, str(error).replace(" here", ""), time.monotonic())
            except TimeoutError:
                search.passed(spot, "no answer", time.monotonic())
            except PortError as error:
                search.busy(spot, str(error).removeprefix(f"{spot.port} "))
            else:
                search.found(spot)
                connection.was_asked(said)
                hearing.give_to(ears, spot.port)
                stack.push_async_exit(probing.pop_all())
                return connection
        return None

    def _converse(self, counters: Counters, unasked: Match[bool]) -> Conversation:
        return Conversation(
            self._dialect.splitter(counters),
            unasked,
            character_s=self._manner.port.character_s,
            is_unasked=self._manner.is_unasked,
            gap_s=self._manner.gap_s,
            late_s=self._manner.late_s,
            silence_s=self._manner.silence_s,
        )

    def prepare(self, command: Command) -> Prepared:
        if command.name == RAW:
            return self._prepare_raw(command)
        request = self._dialect.command(command)
        outgoing = b"".join(step.outgoing for step in request.steps())
        return Prepared(command=command, outgoing=outgoing, timeout_s=request.timeout_s, own=request)

    def _prepare_raw(self, command: Command) -> Prepared:
        try:
            raw = raw_bytes.read(command.arguments, self._manner.encoding)
        except raw_bytes.RawError as error:
            raise RefusedError(str(error)) from error
        return Prepared(
            command=command, outgoing=raw.outgoing, timeout_s=raw_bytes.LONGEST_WAIT_S, own=_Raw(raw.wait_s)
        )


class _Hearing:
    """The Ears of an instrument that is searched: what another says meanwhile counts for nobody."""

    def __init__(self) -> None:
        self._counters = Counters()
        self._ears: Ears | None = None

    def give_to(self, ears: Ears, place: str) -> None:
        """It is found."""
        self._ears = ears
        ears.opened(place)

    @property
    def counters(self) -> Counters:
        return self._ears.counters if self._ears else self._counters

    def opened(self, place: str = "") -> None: ...

    def looking(self, sentence: str) -> None: ...

    def identified(self, said: Mapping[str, str]) -> None:
        if self._ears:
            self._ears.identified(said)

    def heard(self, readings: Sequence[Reading]) -> None:
        if self._ears:
            self._ears.heard(readings)

    def garbled(self, *, is_news: bool) -> None:
        if self._ears:
            self._ears.garbled(is_news=is_news)


class _Connection:
    """One instrument's part in an open port."""

    def __init__(self, dialect: Dialect, opened: Opened, ears: Ears, expected: Mapping[str, str]) -> None:
        self._dialect, self._opened, self._ears, self._expected = dialect, opened, ears, expected
        self._conversation = opened.conversation
        self._said: Mapping[str, str] | None = None  # when it was searched

    @property
    def recorded(self) -> bytes:
        return self._conversation.recorded

    async def lost(self) -> str:
        return await self._opened.lost()

    async def begin(self) -> None:
        await self._opened.begun.wait()

    def turn(self) -> AbstractAsyncContextManager[None]:
        return self._opened.turn(self._ears, self._takes)

    def _takes(self, message: Any) -> bool:
        """Whether it would take the answer to another instrument for its own."""
        polls = [self._dialect.poll(index) for index in range(len(self._dialect.manner.periods))]
        asked = [self._who(), *self._dialect.starts(), *polls]
        return any(_would_take(step, message) for request in asked if request for step in request.steps())

    def _who(self) -> Request | None:
        return self._dialect.identity() if isinstance(self._dialect, Identifying) else None

    def was_asked(self, said: Mapping[str, str]) -> None:
        """It has said just now who it is."""
        self._said = said

    async def who(self, tries: int = 1) -> Mapping[str, str]:
        """What the right instrument says of itself. Raises WrongInstrumentError, TimeoutError, PortError."""
        request = self._who()
        if request is None or request.match is None:
            return {}
        try:
            async with self.turn():
                said: Mapping[str, str] = await self._conversation.ask(
                    request.outgoing, request.match, request.timeout_s, request.kind
                )
        except TimeoutError:
            if tries <= 1:
                raise
            return await self.who(tries - 1)
        if wrong := identity.mistaken(self._expected, said):
            raise WrongInstrumentError(_ANOTHER.format(wrong))
        return said

    async def start(self) -> int:
        count = 0
        if self._who():
            self._ears.identified(await self._says())
            count += 1
        for request in self._dialect.starts():
            async with self.turn():
                if request.match is None:
                    await self._conversation.tell(request.outgoing, request.timeout_s)
                else:
                    await self._conversation.ask(request.outgoing, request.match, request.timeout_s, request.kind)
                    count += 1
        return count

    async def _says(self) -> Mapping[str, str]:
        said, self._said = self._said, None
        if said is not None:
            async with self.turn():  # what comes from now on counts for it
                return said
        if not self._dialect.manner.port.search:
            return await self.who()
        try:
            return await self.who(identity.TRIES)
        except (TimeoutError, WrongInstrumentError) as error:  # it may be at another port now
            raise PortError(f"looking for {identity.shown(self._expected)}: {error or 'no answer'}") from error

    async def poll(self, index: int) -> Reading:
        request = self._dialect.poll(index)
        until = time.monotonic() + request.timeout_s
        answer: Any = None
        for number, step in enumerate(request.steps()):
            assert step.match is not None, "a poll waits for its answer"
            answer = await self._conversation.ask(
                step.outgoing, step.match, until - time.monotonic(), step.kind, goes_on=number > 0
            )
        reading: Reading = answer  # to the last step
        return reading

    async def execute(self, prepared: Prepared, timeout_s: float) -> tuple[Reply, bool]:
        request, outgoing, conversation = prepared.own, prepared.outgoing, self._conversation
        match = request.match if isinstance(request, Request) else None
        timeout_s = await self._past_late(prepared, timeout_s)
        try:
            if isinstance(request, _Raw):
                await conversation.exchange(outgoing, request.wait_s, timeout_s)
            elif match is None:
                await conversation.tell(outgoing, timeout_s)
            else:
                return await self._ask(request, timeout_s), True
        except UnansweredError:
            raise
        except TimeoutError as error:
            raise UnansweredError(_missing(match is not None, len(conversation.recorded), timeout_s)) from error
        return driver.reply(prepared.command, "done"), False

    async def _past_late(self, prepared: Prepared, timeout_s: float) -> float:
        """Wait for late answers that the command would take for its own; returns the time that is left."""
        if isinstance(prepared.own, Request) and prepared.own.match is None:
            return timeout_s
        until, kind = time.monotonic() + timeout_s, getattr(prepared.own, "kind", None)

        def takes(message: Any) -> bool:
            request = self._dialect.command(prepared.command) if isinstance(prepared.own, Request) else None
            return request is None or _would_take(request, message)

        await self._conversation.past_late(kind, takes)
        if (left_s := until - time.monotonic()) <= 0:
            raise RefusedError(_EXPIRED, "expired")
        return left_s

    async def _ask(self, request: Request, timeout_s: float) -> Reply:
        until = time.monotonic() + timeout_s
        reply = await self._step(request, timeout_s)
        while request.then and reply.result == "done":
            request = request.then
            try:
                reply = await self._step(request, until - time.monotonic(), goes_on=True)
            except TimeoutError as error:
                raise UnansweredError(_CONFIRMED.format(durations.show(round(timeout_s, 3)))) from error
        return reply

    async def _step(self, request: Request, timeout_s: float, *, goes_on: bool = False) -> Reply:
        assert request.match is not None, "each step waits for its answer"
        timeout_s = min(timeout_s, request.timeout_s)
        reply: Reply = await self._conversation.ask(
            request.outgoing, request.match, timeout_s, request.kind, goes_on=goes_on
        )
        return reply


def _would_take(request: Request, message: Any) -> bool:
    return request.match is not None and request.kind is None and request.match(message, 0) is not None


def _missing(is_expected: bool, came: int, timeout_s: float) -> str:
    within = durations.show(round(timeout_s, 3))
    if not is_expected:
        return _NOT_TAKEN.format(within)
    if came:
        return f"the instrument did not answer within {within} as expected: {came} bytes came"
    return f"the instrument did not answer within {within}: nothing came"
