"""What comes of each instrument, as numbered frames: each goes to the spool, which keeps it, and to the outbox.

    readings, what a driver says of its port, records of commands --> Recorder and Outages --NumberedFrame--> both

The newest values go to the outbox besides. Timers cut what would wait for too long.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_agent import clock
from kleinmaelzung_agent.clock import Timeline
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_agent.recording.outages import Outages
from kleinmaelzung_agent.recording.recorder import Latest, NumberedFrame, Recorder
from kleinmaelzung_agent.sending.outbox import Outbox
from kleinmaelzung_agent.spool.spool import Spool
from kleinmaelzung_wire import failpoints, messages
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import Condition

FRAME_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How one instrument's samples are taken, whatever its driver."""

    frame_every_s: float = FRAME_EVERY_S
    silent_after_s: float = 0.0
    stops_when_full: bool = False


USUAL = Sampling()


class Numbering:
    """Of all instruments, for one run of the agent. `show` adds to the newest values what else is known of them."""

    def __init__(
        self,
        epoch: int,
        since_us: int,
        timeline: Timeline,
        store: Spool,
        outbox: Outbox,
        sampling: Mapping[str, Sampling],
        show: Callable[[str, Latest], Latest],
    ) -> None:
        self._epoch, self._since_us, self._show = epoch, since_us, show
        self._timeline, self._spool, self._outbox, self._sampling = timeline, store, outbox, sampling
        self._recorders: dict[str, Recorder] = {}
        self._outages: dict[str, Outages] = {}
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}

    @property
    def taken(self) -> int:
        """How many frames have a number."""
        return sum(recorder.taken for recorder in self._recorders.values())

    @property
    def samples(self) -> int:
        return sum(recorder.samples for recorder in self._recorders.values())

    def numbers(self) -> dict[tuple[str, int], int]:
        """The last number of each instrument, by its name and this run's epoch."""
        return {(name, self._epoch): recorder.taken for name, recorder in self._recorders.items()}

    def take(self, instrument: str, readings: Sequence[Reading]) -> None:
        """Record readings and send what is complete."""
        outage, first_us = self._outage(instrument), self._timeline.at(readings[0].taken_ns)
        recorder = self._recorder(instrument)
        self.hand_over(recorder.take(readings, self._timeline))
        # Behind the samples: a record has the time of now, and no sample may be moved to that.
        self.record(instrument, outage.taken(first_us, self._timeline.at(readings[-1].taken_ns)))
        self._wind_up(instrument, recorder)

    def refuse(self, instrument: str, readings: Sequence[Reading]) -> None:
        """Record that readings are not taken, since the spool is full."""
        first_us = self._timeline.at(readings[0].taken_ns)
        self.record(instrument, self._outage(instrument).refused(first_us, len(readings)))

    def said(self, instrument: str, condition: Condition, reason: str) -> None:
        """Record what a driver says of its instrument where it means a gap."""
        outage = self._outage(instrument)
        self.record(instrument, outage.said(condition, reason, time.monotonic_ns()))
        if outage.due_ns is not None:
            self._call_at(outage.due_ns, instrument, "search", self._search_on)

    def number(self, instrument: str, record: dict[str, Any]) -> NumberedFrame:
        """A record as the next frame of an instrument; what is open goes before it, itself it is not yet on its way."""
        *before, frame = self._recorder(instrument).record(record, self._timeline, time.monotonic_ns())
        self.hand_over(before)
        return frame

    def hand_over(self, numbered: Sequence[NumberedFrame]) -> None:
        for frame in numbered:
            failpoints.reach("agent.numbered")
            self._spool.add(frame)
            self._outbox.live(frame)

    def record(self, instrument: str, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            self.announce(instrument, gap)

    def announce(self, instrument: str, gap: Gap) -> NumberedFrame:
        frame = self.number(instrument, gap.to_record())
        self.hand_over([frame])
        return frame

    def begin(self, instrument: str, now_us: int) -> None:
        """An instrument is read from now on, and not since the start."""
        how = self._sampling_of(instrument)
        self._rest(instrument, how)  # it may have been read before, and removed
        self._outages[instrument] = Outages(now_us, silent_after_s=how.silent_after_s)

    def renew(self, instrument: str, now_us: int) -> None:
        """An instrument was stopped and goes on with another configuration; the pause is recorded."""
        how, outage = self._sampling_of(instrument), self._outage(instrument)
        self._rest(instrument, how)
        self.record(instrument, outage.renewed(now_us, silent_after_s=how.silent_after_s))

    def end(self, instrument: str, now_us: int) -> None:
        """An instrument is not read any more."""
        self._rest(instrument, USUAL)
        if outage := self._outages.pop(instrument, None):
            self.record(instrument, outage.ended(now_us))

    def cut(self) -> None:
        """Number what is open, of all instruments."""
        for recorder in self._recorders.values():
            self.hand_over(recorder.cut(self._timeline.clock))

    def publish_latest(self) -> None:
        """Publish the newest values that have not been."""
        for name, recorder in self._recorders.items():
            self._retain_latest(name, recorder.latest(sys.maxsize))

    def show_again(self, instrument: str) -> None:
        """Publish the newest values once more, for something else is known of them."""
        if recorder := self._recorders.get(instrument):
            recorder.show_again()
            self._wind_up(instrument, recorder)

    def sample(self, sampling: Mapping[str, Sampling]) -> None:
        """Know from now on how instruments are sampled; of those that change, `renew` says so."""
        self._sampling = sampling

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _rest(self, instrument: str, how: Sampling) -> None:
        """Number what is open, and let nothing come later of what was."""
        for key in [key for key in self._timers if key[0] == instrument]:
            self._timers.pop(key).cancel()
        if recorder := self._recorders.get(instrument):
            self.hand_over(recorder.cut(self._timeline.clock))
            recorder.renew(how.frame_every_s)

    def _recorder(self, instrument: str) -> Recorder:
        # Made at need: a gap may belong to an instrument that an earlier configuration had.
        if instrument not in self._recorders:
            frame_every_s, boot = self._sampling_of(instrument).frame_every_s, clock.boot_id()
            self._recorders[instrument] = Recorder(instrument, self._epoch, boot, frame_every_s=frame_every_s)
        return self._recorders[instrument]

    def _outage(self, instrument: str) -> Outages:
        if instrument not in self._outages:
            silent_after_s = self._sampling_of(instrument).silent_after_s
            self._outages[instrument] = Outages(self._since_us, silent_after_s=silent_after_s)
        return self._outages[instrument]

    def _sampling_of(self, instrument: str) -> Sampling:
        return self._sampling.get(instrument, USUAL)

    def _wind_up(self, instrument: str, recorder: Recorder) -> None:
        """See to it that the open frame is cut and the newest value published in time."""
        if recorder.due_ns is not None:
            self._call_at(recorder.due_ns, instrument, "cut", self._cut_due)
        if recorder.has_new_latest:
            self._call_at(recorder.latest_due_ns, instrument, "latest", self._publish_latest)

    def _call_at(self, due_ns: int, instrument: str, what: str, call: Callable[[str], None]) -> None:
        if (instrument, what) not in self._timers:
            delay_s = max(0, due_ns - time.monotonic_ns()) / 1e9
            timer = asyncio.get_running_loop().call_later(delay_s, call, instrument)
            self._timers[instrument, what] = timer

    def _cut_due(self, instrument: str) -> None:
        del self._timers[instrument, "cut"]
        recorder = self._recorders[instrument]
        if recorder.due_ns is not None and recorder.due_ns <= time.monotonic_ns():
            self.hand_over(recorder.cut(self._timeline.clock))
        self._wind_up(instrument, recorder)

    def _publish_latest(self, instrument: str) -> None:
        del self._timers[instrument, "latest"]
        recorder = self._recorders[instrument]
        self._retain_latest(instrument, recorder.latest(time.monotonic_ns()))
        self._wind_up(instrument, recorder)

    def _retain_latest(self, instrument: str, newest: Latest | None) -> None:
        if newest is not None:
            self._outbox.retain(f"{instrument}/latest", messages.encode_latest(dict(self._show(instrument, newest))))

    def _search_on(self, instrument: str) -> None:
        del self._timers[instrument, "search"]
        outage = self._outages[instrument]
        self.record(instrument, outage.waited(time.monotonic_ns()))
        if outage.due_ns is not None:
            self._call_at(outage.due_ns, instrument, "search", self._search_on)
