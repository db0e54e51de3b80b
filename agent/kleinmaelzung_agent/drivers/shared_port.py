"""Ports that several instruments may have open together: opened by the first, closed by the last, one turn at a time.

    SharedPort.joined(ears) --> Opened: its Conversation, and its end          Ports: one SharedPort for each port

Instruments on one bus are asked one after the other. What comes unasked can belong to one only, so an instrument that
speaks by itself has its port for itself. What is heard is told to who asked last, what is counted to whose it is.
"""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_agent.drivers import serial_port
from kleinmaelzung_agent.drivers.conversation import Conversation, Match
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.driver import Ears
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.transport_port import PortError
from kleinmaelzung_agent.instruments import Reading

logger = logging.getLogger(__name__)

CLOSED: Final = "the agent has closed the port"

Make = Callable[[Counters, Match[bool]], Conversation]


@dataclass(frozen=True, eq=False, slots=True)
class Member:
    """One instrument that uses a port. `unasked` reads what it says by itself."""

    ears: Ears
    unasked: Match[Reading]


class Opened:
    """An open port, as all its instruments have it."""

    def __init__(self, conversation: Conversation, members: list[Member]) -> None:
        self.conversation = conversation
        self.begun = asyncio.Event()  # something can be asked, or the port is lost
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()  # why it is lost
        self.asking: Ears | None = None  # whose question was the last
        self._members = members

    @asynccontextmanager
    async def turn(self, ears: Ears, takes: Callable[[Any], bool]) -> AsyncIterator[None]:
        """Have the port for oneself. `takes` says which messages the instrument would take for answers."""
        if len(self._members) > 1:
            await self.conversation.settle(ears.counters)
        async with self.conversation.turn(ears.counters, takes):
            self.asking = ears
            yield

    async def lost(self) -> str:
        return await asyncio.shield(self.ended)


class SharedPort:
    """One port and who uses it. `shares` is what they must have in common; None: it is for one only."""

    def __init__(
        self, settings: PortSettings, make: Make, shares: object, after: asyncio.Task[None] | None = None
    ) -> None:
        self.shares = shares
        self._settings, self._make = settings, make
        self._members: list[Member] = []
        self._opening: asyncio.Future[Opened] | None = None
        self._keeping = after  # who has it open, or had and is still closing it
        self._device = settings.same
        self._unasked: list[Reading] = []  # of the chunk that is being taken

    @property
    def is_used(self) -> bool:
        return bool(self._members)

    @property
    def closing(self) -> asyncio.Task[None] | None:
        """What has not yet let go of the port."""
        return self._keeping if self._keeping and not self._keeping.done() else None

    def is_at(self, settings: PortSettings) -> bool:
        """Whether it is the same port. A link that was not there yet may lead to it now."""
        return settings.port == self._settings.port or settings.same in (self._device, self._settings.same)

    @asynccontextmanager
    async def joined(self, ears: Ears, unasked: Match[Reading]) -> AsyncIterator[Opened]:
        """Have the port open. Raises PortError where it cannot be opened."""
        member = Member(ears, unasked)
        self._members.append(member)
        try:
            opened = await asyncio.shield(self._opening or self._open(ears.counters))
            ears.opened()
            yield opened
        finally:
            self._members.remove(member)
            if not self._members:
                await self._close()

    def _open(self, counters: Counters) -> "asyncio.Future[Opened]":
        opened = Opened(self._make(counters, self._take), self._members)
        opening = self._opening = asyncio.get_running_loop().create_future()
        opening.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may wait for it any more
        work = self._keep(opening, opened, self.closing)
        self._keeping = asyncio.create_task(work, name=f"port {self._settings.port}")
        return opening

    async def _close(self) -> None:
        self._opening = None
        if keeping := self.closing:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep(self, opening: "asyncio.Future[Opened]", opened: Opened, before: asyncio.Task[None] | None) -> None:
        """Open the port and keep it until it is lost, or nobody wants it any more."""
        conversation, reason = opened.conversation, CLOSED
        try:
            if before:  # it must have let go of the port
                await asyncio.wait([before])
            async with serial_port.open_port(self._settings, functools.partial(self._received, opened)) as port:
                self._device = self._settings.same
                opening.set_result(opened)
                await conversation.begin(port)
                opened.begun.set()
                await port.lost()
        except PortError as error:
            reason = str(error)
        except Exception as error:  # one port's surprise must not end the others
            logger.exception("port %s", self._settings.port)
            reason = f"internal error: {error or type(error).__name__}"
        finally:
            if self._opening is opening:
                self._opening = None
            conversation.end(reason)
            opened.ended.set_result(reason)
            opened.begun.set()
            if not opening.done():
                opening.set_exception(PortError(reason))

    def _take(self, message: Any, taken_ns: int) -> bool | None:
        reading = self._members[0].unasked(message, taken_ns) if len(self._members) == 1 else None
        if reading is None:
            return None
        self._unasked.append(reading)
        return True

    def _received(self, opened: Opened, chunk: bytes) -> None:
        members, conversation = tuple(self._members), opened.conversation
        bad = [member.ears.counters.bad() for member in members]
        conversation.received(chunk)
        readings, self._unasked = self._unasked, []
        for member, before in zip(members, bad, strict=True):
            is_bad = member.ears.counters.bad() != before
            is_asking = len(members) == 1 or member.ears is opened.asking
            if is_bad or (is_asking and conversation.is_inside):
                member.ears.garbled(is_news=is_bad and not readings)
        if readings:
            members[0].ears.heard(readings)


class Ports:
    """The ports of one agent: instruments that name the same one share it, if they may."""

    def __init__(self) -> None:
        self.spared: frozenset[str] = frozenset()  # ports where no instrument is searched
        self._ports: list[SharedPort] = []

    def get(self, settings: PortSettings, make: Make, shares: object) -> SharedPort:
        """The port, for an instrument that begins to use it. Raises PortError where another has it for itself."""
        port = self._find(settings)
        if port and port.is_used:
            if shares is None or port.shares != shares:
                raise PortError(f"{settings.port} is used by another instrument of this agent")
            return port
        made = SharedPort(settings, make, shares, port.closing if port else None)
        self._ports = [
            made,
            *(known for known in self._ports if known is not port and (known.is_used or known.closing)),
        ]
        return made

    def _find(self, settings: PortSettings) -> SharedPort | None:
        return next((port for port in self._ports if port.is_at(settings)), None)
