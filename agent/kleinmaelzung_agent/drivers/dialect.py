"""What differs between drivers that ask and answer in bytes over a port: how an instrument is asked and understood.

Dialect.poll(), starts(), command(), Identifying.identity() --> Request: bytes to send, and its match
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from kleinmaelzung_agent.drivers.conversation import LATE_S, SILENCE_S, Match, Splitter
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.settings import Period
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.messages import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Bytes to send, and what the answer says; without `match` none is waited for.

    Late answers can be mistaken only for others of the same `kind`. After a command's answer that is a Reply "done",
    `then` is asked in the same turn, and its Reply is the command's; likewise after any answer to a poll's first step.
    """

    outgoing: bytes
    match: Match[Any] | None
    timeout_s: float
    kind: Hashable = None
    then: "Request | None" = None

    def steps(self) -> list["Request"]:
        """This one, and what is asked after it."""
        return [self, *(self.then.steps() if self.then else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What stays the same of a dialect, whatever is asked."""

    port: PortSettings
    periods: Sequence[Period]  # of its polls
    encoding: str  # of text in raw commands
    is_unasked: bool = False  # whether it speaks by itself
    gap_s: float = 0.0  # the silence before each question
    late_s: float = LATE_S  # how long a late answer could be taken for another's; 0: never
    silence_s: float = SILENCE_S  # after which silence what comes begins a message


class Dialect(Protocol):
    """How one instrument is asked and understood."""

    @property
    def manner(self) -> Manner: ...

    def splitter(self, counters: Counters) -> Splitter: ...

    def starts(self) -> Sequence[Request]:
        """What is sent after each opening, and again while the instrument is silent."""
        ...

    def poll(self, index: int) -> Request:
        """Its match gives a Reading."""
        ...

    def unasked(self, message: Any, taken_ns: int) -> Reading | None:
        """What a message says that nobody asked for; None: nothing."""
        ...

    def command(self, command: Command) -> Request:
        """Its match gives a Reply. Raises RefusedError."""
        ...


@runtime_checkable
class Identifying(Protocol):
    """A Dialect whose instrument can say who it is."""

    def identity(self) -> Request | None:
        """Its match gives what the instrument says of itself, Mapping[str, str]; None: it is not asked."""
        ...
