"""Each instrument read for a moment by its own driver: does the port open, does something come, is it what is expected?

configurations --try_all()--> a finding for each: port, power, line settings, patterns
"""

import asyncio
import contextlib
import glob
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from kleinmaelzung_agent import making, serial_ports
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire import findings, remedies
from kleinmaelzung_wire.findings import Finding
from kleinmaelzung_wire.messages import Condition

LONGEST_S: Final = 15.0
SHOWN: Final = 5
# What a port says that is still on its way.
_UNDER_WAY: Final = ("opening ", "nothing has come yet", "asking at ")


class Seen:
    """A Sink that remembers what became of each instrument; `changed` is set with each news."""

    def __init__(self) -> None:
        self.states: dict[str, tuple[Condition, str]] = {}
        self.values: dict[str, str] = {}  # the newest, for people
        self.changed = asyncio.Event()

    def samples(self, instrument: str, readings: Sequence[Reading]) -> None:
        values = {name: value for reading in readings for name, value in reading.values.items()}
        shown = (f"{name} {value} {readings[-1].units.get(name, '')}".strip() for name, value in values.items())
        self.values[instrument] = ", ".join(shown)
        self.changed.set()

    def state(self, instrument: str, condition: Condition, reason: str) -> None:
        self.states[instrument] = condition, reason
        self.changed.set()

    def is_settled(self, instrument: str) -> bool:
        """One that is connected has only said who it is, until a value comes."""
        condition, reason = self.states.get(instrument, ("searching", _UNDER_WAY[0]))
        if condition == "connected":
            return instrument in self.values
        return condition != "searching" or not any(word in reason for word in _UNDER_WAY)


async def try_all(wanted: Mapping[str, InstrumentConfig]) -> list[Finding]:
    """Read all at once until each has said something, or silence has lasted as long as it is allowed to."""
    seen = Seen()
    drivers = list(making.make_all(wanted)(seen).values())
    running = [asyncio.create_task(driver.run(), name=f"check {driver.name}") for driver in drivers]
    limit_s = min(LONGEST_S, max(one.silent_after_s for one in wanted.values()) + 1)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            while not all(map(seen.is_settled, wanted)):
                seen.changed.clear()
                await seen.changed.wait()
    for task in running:
        task.cancel()
    await asyncio.wait(running, timeout=5)
    return [_finding(name, one, seen) for name, one in wanted.items()]


def held(name: str, port: str, by: str) -> Finding:
    """What can be said of a port that is in use as it should be."""
    if any("://" in one or glob.glob(one.partition(" address ")[0]) for one in port.split(" or ")):
        return findings.unchecked("instrument", f"{by}; `kleinmaelzung doctor` says what it sees", of=name)
    return _lost(name, f"{port} is not there")


def _finding(name: str, config: InstrumentConfig, seen: Seen) -> Finding:
    condition, reason = seen.states.get(name, ("searching", ""))
    match condition:
        case "connected":
            return findings.ok("instrument", f"answers: {seen.values.get(name) or 'no value yet'}", of=name)
        case "silent":
            return findings.broken(
                "instrument", f"the port is open, and nothing comes: {reason}", remedies.OFF, of=name
            )
        case "error":
            return findings.broken("instrument", reason, remedies.for_lines(reason), of=name)
    if "nothing has come yet" in reason:
        found = f"{config.place} is open, and nothing came while this looked"
        return findings.warning("instrument", found, remedies.OFF, of=name)
    return _lost(name, reason)


def _lost(name: str, reason: str) -> Finding:
    path = reason.split()[0] if reason else ""
    told = [reason, *_about(path, reason)]
    return findings.broken("instrument", "; ".join(told), remedies.for_port(reason), of=name)


def _about(path: str, reason: str) -> Iterator[str]:
    """What this machine knows besides: other ports, who holds it, whose it is."""
    if "is not there" in reason:
        there = ", ".join([*serial_ports.find().values()][:SHOWN])
        yield f"there is {there}" if there else "there is no serial port at all"
    elif "used by another program" in reason and (holders := serial_ports.find_users(path)):
        yield f"it is open in {', '.join(holders[:SHOWN])}"
    elif "permission denied" in reason:
        with contextlib.suppress(OSError, KeyError, ImportError):
            yield f"it belongs to the group {Path(path).group()}"
