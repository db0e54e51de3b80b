"""What the agent knows of an instrument, whatever its driver: readings and states out, commands in.

    driver --samples(), state()--> Sink (the recorder)          uplink --execute(Command)--> driver --> Reply

Drivers are in drivers/; making.py makes instruments of configurations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Never, Protocol

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_wire import descriptions, messages
from kleinmaelzung_wire.frames import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an instrument said at one moment, its channels' values; `quality` only where it is not good.

    `trouble` is a sentence for the state: it answered, but that it cannot.
    """

    values: dict[str, Value]
    units: dict[str, str] = field(default_factory=dict)
    quality: dict[str, str] = field(default_factory=dict)
    taken_ns: int  # time.monotonic_ns() when the last byte of the line arrived
    trouble: str = ""


# Asked when the port is there and nothing is sent yet: why a command may not be sent after all; empty where it may.
Gate = Callable[[], str]


def open_gate() -> str:
    """Nothing forbids it."""
    return ""


class Sink(Protocol):
    """Where readings and states go. Both are called from the event loop and must be cheap."""

    def samples(self, instrument: str, readings: Sequence[Reading]) -> None: ...

    def state(self, instrument: str, condition: messages.Condition, reason: str) -> None: ...


class Instrument(Protocol):
    """One instrument, kept connected for ever by run()."""

    @property
    def name(self) -> str: ...

    @property
    def counters(self) -> Counters: ...

    def description(self) -> descriptions.Description:
        """What it measures and which commands it takes."""
        ...

    async def run(self) -> Never:
        """Read it for ever; trouble with the device is a state, never an exception."""
        ...

    def check(self, command: messages.Command) -> str:
        """Why it can never be executed: it is unknown, or its arguments are wrong; empty where it can."""
        ...

    async def execute(self, command: messages.Command, *, timeout_s: float, gate: Gate = open_gate) -> messages.Reply:
        """Execute one command, or `_raw`, within the time that is left. Never raises for bad input; sets no `time`."""
        ...
