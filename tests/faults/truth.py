"""What the instruments really sent: their log's lines in, Truth out. Pure.

    opened INSTRUMENT CONNECTION TIME
    sent INSTRUMENT COUNT CONNECTION TIME
    executed INSTRUMENT NUMBER CONNECTION TIME
    closed INSTRUMENT CONNECTION TIME

Times are ns of the monotonic clock, which all processes of a machine share and no fault touches.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Sent(NamedTuple):
    """One value on its way to an agent."""

    at_ns: int
    connection: int


@dataclass(slots=True)
class Connection:
    """From an agent's opening of the port to its loss."""

    opened_ns: int
    closed_ns: float = math.inf


@dataclass(slots=True)
class Truth:
    """One instrument's: every count with when it was sent, and its connections by number; and what it executed."""

    sent: dict[int, Sent] = field(default_factory=dict)
    connections: dict[int, Connection] = field(default_factory=dict)
    executed: Counter[int] = field(default_factory=Counter)  # how often each command, by its number


def opened(instrument: str, connection: int, at_ns: int) -> str:
    return f"opened {instrument} {connection} {at_ns}\n"


def sent(instrument: str, count: int, connection: int, at_ns: int) -> str:
    return f"sent {instrument} {count} {connection} {at_ns}\n"


def executed(instrument: str, number: int, connection: int, at_ns: int) -> str:
    return f"executed {instrument} {number} {connection} {at_ns}\n"


def closed(instrument: str, connection: int, at_ns: int) -> str:
    return f"closed {instrument} {connection} {at_ns}\n"


def read(lines: Iterable[str]) -> dict[str, Truth]:
    """Every instrument's truth. Raises ValueError for a line that is none."""
    found: dict[str, Truth] = {}
    for line in lines:
        what, instrument, *numbers = line.split()
        one = found.setdefault(instrument, Truth())
        match what, [int(number) for number in numbers]:
            case "sent", [count, connection, at_ns]:
                one.sent[count] = Sent(at_ns, connection)
            case "executed", [number, _, _]:
                one.executed[number] += 1
            case "opened", [connection, at_ns]:
                one.connections[connection] = Connection(at_ns)
            case "closed", [connection, at_ns]:
                one.connections[connection].closed_ns = at_ns
            case _:
                raise ValueError(f"no line of the instruments' log: {line!r:.80}")
    return found
