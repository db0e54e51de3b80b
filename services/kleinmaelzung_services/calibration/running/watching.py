"""What runs read, and whether it is there: open runs in; the bench's subscriptions, and what is away, out.

ready() and units() read an instrument for a while before a run of it exists, or goes on.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Final

from kleinmaelzung_services.calibration.running.bench import Bench, Wanted
from kleinmaelzung_services.calibration.running.book import Book
from kleinmaelzung_services.calibration.runs import capturing
from kleinmaelzung_services.calibration.runs.channels import Streams
from kleinmaelzung_services.calibration.runs.run import Run

PEEK_S: Final = 3.0
KEPT_S: Final = 30.0  # a run that is begun then reads on

Channels = Mapping[str, frozenset[str]]  # by instrument


class Watching:
    """`follow()` is called again and again: what open runs read changes with them."""

    def __init__(self, bench: Bench, book: Book) -> None:
        self._bench, self._book = bench, book
        self._peeked: dict[str, tuple[Wanted, float]] = {}  # until when, by the monotonic clock

    async def follow(self) -> None:
        """Subscribe to what open runs read, and what was peeked at lately."""
        now_s = time.monotonic()
        self._peeked = {name: one for name, one in self._peeked.items() if one[1] > now_s}
        wanted = {name: one for name, (one, _) in self._peeked.items()}
        for run in self._book.runs.values():
            keep_s = capturing.keep_s(run.template)
            for name, channels in read_by(run).items():
                wanted[name] = _both(wanted.get(name), Wanted(channels=channels, keep_s=keep_s))
        await self._bench.follow(wanted)

    async def ready(self, run: Run) -> None:
        """Read what a run needs, and wait a little until all of it has come."""
        await self._peek(read_by(run))

    async def units(self, expected: Mapping[str, Mapping[str, str]]) -> Streams:
        """The units of channels, as descriptions say, or else the newest samples; those expected where neither does.

        Of an instrument that has not all that is expected every channel is looked at, so that one can be chosen.
        """
        await self._peek({name: frozenset(channels) for name, channels in expected.items()})
        await self._peek(dict(self._others(expected)))
        found = dict[str, dict[str, str]]()
        for name, channels in expected.items():
            stream = self._bench.streams.get(name)
            if stream is None or stream.description is None:
                continue
            found[name] = {}
            for one in stream.description.channels:
                newest = stream.track(one.name).newest
                found[name][one.name] = one.unit or (newest.unit if newest else "") or channels.get(one.name, "")
        return Streams(units=found)

    def mistakes(self, run: Run) -> list[str]:
        """A sentence for each instrument of the run that is not read, or is another than the register says."""
        standards = (one.instrument for one in run.created.what.standards if one.instrument)
        names = [*([run.instrument] if is_read(run) else []), *standards]
        return [why for name in dict.fromkeys(names) if (why := self._why_away(run, name))]

    def _others(self, expected: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, frozenset[str]]]:
        """The channels whose descriptions say no unit, of instruments that lack what is expected."""
        for name, channels in expected.items():
            stream = self._bench.streams.get(name)
            described = stream.description.channels if stream and stream.description else []
            if described and not channels.keys() <= {one.name for one in described}:
                yield name, frozenset(one.name for one in described if not one.unit)

    async def _peek(self, wanted: Channels) -> None:
        until_s = time.monotonic() + KEPT_S
        for name, channels in wanted.items():
            before = self._peeked.get(name)
            peeked = Wanted(channels=channels, keep_s=PEEK_S)
            self._peeked[name] = _both(before[0] if before else None, peeked), until_s
        await self.follow()
        try:
            async with asyncio.timeout(PEEK_S):
                while not all(self._is_known(name, channels) for name, channels in wanted.items()):
                    self._bench.news.clear()
                    await self._bench.news.wait()
        except TimeoutError:
            pass  # what is not there is told by who needs it

    def _is_known(self, instrument: str, channels: frozenset[str]) -> bool:
        stream = self._bench.streams.get(instrument)
        if stream is None or stream.description is None or stream.control is None:
            return False
        described = {one.name for one in stream.description.channels}
        return all(stream.track(channel).newest for channel in channels & described)

    def _why_away(self, run: Run, name: str) -> str:
        status, stream = self._bench.status(name), self._bench.streams.get(name)
        agent = name.partition("/")[0]
        if status is None or stream is None:
            return f"nothing is known of {name} yet: is agent {agent} running?"
        if not status.online:
            return f"agent {agent} of {name} is not connected: check its network and power"
        if stream.state is not None and stream.state.state != "connected":
            why = f" ({stream.state.reason})" if stream.state.reason else ""
            return f"{name} is {stream.state.state}{why}: check the instrument and its cable"
        serial = stream.description.identity.get("serial", "") if stream.description else ""
        known = run.created.what.item.serial
        if name == run.instrument and serial and not _is_same(serial, known):
            rule = f"the run is of the one with serial number {known}"
            return f"{name} says that its serial number is {serial}, {rule}: connect that one, or create another run"
        return ""


def read_by(run: Run) -> Channels:
    """What is read for all steps of a run, and of its room."""
    channels = dict[str, set[str]]()
    for measurand in run.template.measurands:
        own = (measurand.display.channel, measurand.display.raw)
        channels.setdefault(run.instrument, set()).update(run.created.what.channel(one.name) for one in own if one)
    for standard in run.created.what.standards:
        if standard.instrument:
            channels.setdefault(standard.instrument, set()).add(standard.channel)
    for sensor in run.created.what.sensors:
        channels.setdefault(sensor.instrument, set()).add(sensor.channel)
    return {name: frozenset(found) for name, found in channels.items() if found}


def is_read(run: Run) -> bool:
    """Whether the instrument itself has a stream; one that is read by eye, such as a pipette, need not be connected."""
    return run.instrument in read_by(run)


def _both(one: Wanted | None, other: Wanted) -> Wanted:
    if one is None:
        return other
    return Wanted(channels=one.channels | other.channels, keep_s=max(one.keep_s, other.keep_s))


def _is_same(serial: str, other: str) -> bool:
    return serial.strip().casefold() == other.strip().casefold()
