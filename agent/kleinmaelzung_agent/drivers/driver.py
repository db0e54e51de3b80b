"""What a driver is: how one kind of instrument is reached, asked and commanded. driven.py does the rest.

    Driver.connected() --> Connection: start(), poll() --> Reading      Driver.prepare(Command) --> Prepared
    Connection.execute(Prepared) --> Reply                               what comes unasked --> Ears

A driver of one's own is a module with `read(table) -> InstrumentConfig` and `make(config, places) -> Driver`, named as
an entry point of the group `kleinmaelzung.drivers` (registry.py).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.settings import AnyCommand, Period
from kleinmaelzung_agent.drivers.transport_port import PortError
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.messages import Command, Reply

RAW: Final = "_raw"


class RefusedError(Exception):
    """Nothing was sent; the text says why."""

    def __init__(self, sentence: str, result: messages.Result = "refused") -> None:
        super().__init__(sentence)
        self.result: messages.Result = result


class WrongInstrumentError(PortError):
    """Another instrument answers; the text says which."""


class UnansweredError(TimeoutError):
    """It was sent, and no answer came in time; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A command that can be sent. `outgoing` is for the record, `own` what its driver made of it."""

    command: Command
    outgoing: bytes
    timeout_s: float
    own: Any = None


class Ears(Protocol):
    """Who is told what a connection hears by itself. Cheap, and called from the event loop."""

    @property
    def counters(self) -> Counters: ...

    def opened(self, place: str = "") -> None:
        """The port is open; nothing has come yet. `place` is where, if it may be elsewhere than configured."""
        ...

    def looking(self, sentence: str) -> None:
        """It is searched; the sentence says where."""
        ...

    def identified(self, said: Mapping[str, str]) -> None:
        """The right instrument has said who it is."""
        ...

    def heard(self, readings: Sequence[Reading]) -> None:
        """Readings that nobody asked for."""
        ...

    def garbled(self, *, is_news: bool) -> None:
        """Something came that is not valid, or, where it is no news, may still become so."""
        ...


class Connection(Protocol):
    """One instrument while its port is open. poll() and execute() are called within one's turn()."""

    @property
    def recorded(self) -> bytes:
        """What came since the last question or command was sent."""
        ...

    async def lost(self) -> str:
        """Wait until the port is lost; returns why."""
        ...

    async def begin(self) -> None:
        """Wait until something can be asked: the polls do, and each command, which may be given at any moment."""
        ...

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Have the port for oneself; turns are given in the order of asking."""
        ...

    async def start(self) -> int:
        """Ask who it is, then send what must be sent first, each in a turn; how many answers came.

        Called after begin(), and again while the instrument is silent. Raises TimeoutError, PortError,
        WrongInstrumentError.
        """
        ...

    async def poll(self, index: int) -> Reading:
        """Ask one of the driver's polls. Raises TimeoutError, PortError."""
        ...

    async def execute(self, prepared: Prepared, timeout_s: float) -> tuple[Reply, bool]:
        """The reply, and whether the instrument answered. Raises UnansweredError, NotSentError, PortError."""
        ...


class Driver(Protocol):
    """Of one instrument."""

    @property
    def periods(self) -> Sequence[Period]:
        """Of its polls; none for an instrument that speaks by itself."""
        ...

    def connected(self, ears: Ears) -> AbstractAsyncContextManager[Connection]:
        """Open the port, or join those who have it open. Raises PortError."""
        ...

    def prepare(self, command: Command) -> Prepared:
        """Raises RefusedError for what can never be executed."""
        ...


Match = Callable[[Any, int], Any]  # a message and when it came (monotonic ns), to what it says; None: it is not that


def configured(commands: Mapping[str, AnyCommand], command: Command) -> AnyCommand:
    """How a command is configured. Raises RefusedError where it is not."""
    found = commands.get(command.name)
    if found is None:
        raise RefusedError(f"unknown command {command.name!r:.40}, expected {', '.join(commands) or 'none'}")
    return found


def reply(command: Command, result: messages.Result, reason: str = "") -> Reply:
    """A driver's reply; driven.py fills in bytes and times."""
    reason = reason[: messages.MAX_SENTENCE]
    return Reply(id=command.id, name=command.name, user=command.user, result=result, reason=reason)
