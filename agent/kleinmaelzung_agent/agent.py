"""The agent as a whole: instruments -> numbering -> spool and outbox -> uplink, and its orderly end.

Instrument.run() --samples(), state()--> Agent --> Numbering --NumberedFrame--> Spool (kept) and Outbox (sent)

Its instruments may change while it runs (lifetime.py); one of them is the agent itself (orders/itself.py).
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

from kleinmaelzung_agent import clock
from kleinmaelzung_agent.alarms.alarms import Alarms
from kleinmaelzung_agent.alarms.limits import Alarming
from kleinmaelzung_agent.clock import Timeline
from kleinmaelzung_agent.commands import guards
from kleinmaelzung_agent.commands.command_file import CommandFile
from kleinmaelzung_agent.commands.commands import Commands
from kleinmaelzung_agent.commands.guards import UNGUARDED, Guard, Guarding
from kleinmaelzung_agent.commands.newest import Newest
from kleinmaelzung_agent.configuration.config import AgentConfig
from kleinmaelzung_agent.instruments import Instrument, Reading, Sink
from kleinmaelzung_agent.orders.itself import LOOK_S, TRIAL_S, Itself
from kleinmaelzung_agent.readers import Readers
from kleinmaelzung_agent.recording import runs
from kleinmaelzung_agent.recording.numbering import USUAL, Numbering, Sampling
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.sending.backfill import PATIENCE_S, Schedule
from kleinmaelzung_agent.sending.in_force import InForce, Now
from kleinmaelzung_agent.sending.outbox import Outbox
from kleinmaelzung_agent.sending.reporting import Reporting
from kleinmaelzung_agent.sending.resending import Resending
from kleinmaelzung_agent.sending.states import States
from kleinmaelzung_agent.sending.uplink import Uplink
from kleinmaelzung_agent.spool import kept, spool
from kleinmaelzung_agent.spool.kept import Kept
from kleinmaelzung_agent.spool.spool import Spool
from kleinmaelzung_wire.descriptions import Description
from kleinmaelzung_wire.messages import Condition
from kleinmaelzung_wire.orders import ITSELF
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

OBSERVE_CLOCK_S = 1.0
REMEMBER_TIME_S = 60.0
SETTLE_S = 2.0
GOODBYE_S = 1.0


WAITS = Waits(first_s=0.3, longest_s=3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What only tests change."""

    window_s: float = spool.WINDOW_S
    resend_after_s: float = 2.0
    patience_s: float = PATIENCE_S
    settle_s: float = SETTLE_S
    waits: Waits = WAITS
    trial_s: float = TRIAL_S
    look_s: float = LOOK_S


Make = Callable[[Sink], Mapping[str, Instrument]]


async def run(
    config: AgentConfig,
    make: Make,
    *,
    sampling: Mapping[str, Sampling],
    guarding: Mapping[str, Guarding] | None = None,
    alarming: Mapping[str, Alarming] | None = None,
    stop: asyncio.Event,
    tuning: Tuning | None = None,
    attach: Callable[["Agent"], Itself] | None = None,
) -> None:
    """Run the agent until `stop` is set. Raises spool.SpoolError where the data directory cannot be used.

    `attach` gives what takes the commands to the agent itself.
    """
    tuning = tuning or Tuning()
    keep_all = _keep_all(sampling)
    async with (
        spool.open_spool(config.data, window_s=tuning.window_s, limits=config.spool, keep_all=keep_all) as store,
        kept.open_kept(config.data, config.spool) as keeping,
    ):
        agent = Agent(config, store, keeping, sampling, tuning, guarding or {}, alarming or {})
        try:
            await agent.run(make(agent), stop, attach(agent) if attach else None)
        finally:
            await agent.close()


class Agent:
    """The Sink of all instruments, and what must be known about the whole."""

    def __init__(
        self,
        config: AgentConfig,
        store: Spool,
        keeping: Kept | None,
        sampling: Mapping[str, Sampling],
        tuning: Tuning,
        guarding: Mapping[str, Guarding],
        alarming: Mapping[str, Alarming],
    ) -> None:
        self.epoch = secrets.randbits(53) or 1  # 0 is no epoch; randbits(53) reaches frames.MAX_EPOCH and no further
        self._config, self._spool, self._tuning = config, store, tuning
        self._sampling, self._guarding = sampling, guarding
        self._alarming, self._alarms = alarming, Alarms(config.data, self)
        self._newest = Newest(guarding, _silences(sampling))
        self._command_file = CommandFile(config.data)
        self._commands: Commands | None = None
        self._instruments: dict[str, Instrument] = {}
        self._described: dict[str, Description] = {}
        self._itself: Itself | None = None
        self._readers = Readers(lambda name, reason: self.state(name, "error", reason))
        self._tasks: asyncio.TaskGroup | None = None
        self._timeline = Timeline(store.last_known_us)
        self._observe_clock()
        self._since_us = self.now_us()
        self._outbox = Outbox()
        self._in_force = InForce(lambda: Now(self.now_us(), self._timeline.clock.synchronised))
        self._numbering = Numbering(
            self.epoch, self._since_us, self._timeline, store, self._outbox, sampling, self._in_force.latest
        )
        self._states = States(self._outbox, self.now_us, self._in_force.state)
        self._reporting = Reporting(
            config,
            epoch=self.epoch,
            since_us=self._since_us,
            timeline=self._timeline,
            numbering=self._numbering,
            spool=store,
            outbox=self._outbox,
            nonce=lambda: self._commands.nonce if self._commands else "",
            orders=lambda: self._itself.told() if self._itself else {},
        )
        store.announce = self._numbering.announce
        store.on_added = keeping.add if keeping else None
        self._kept = keeping
        self._is_noted = False
        self._resending = Resending(store, keeping, self._numbering, self._reporting.ask_what_is_stored)

    async def run(
        self, instruments: Mapping[str, Instrument], stop: asyncio.Event, itself: Itself | None = None
    ) -> None:
        """Sample and deliver until `stop`; then end in order: instruments, what is under way, status, socket."""
        self._instruments, self._itself = dict(instruments), itself
        self._describe(self._instruments)
        commands = self._commands = self._make_commands()
        uplink = self._make_uplink(commands)
        await self._begin()
        await self._begin_commands(commands)
        await self._alarms.open(self._alarming, self._instruments)
        if itself:
            await itself.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                spooling = tasks.create_task(self._spool.run(), name="spool")
                tasks.create_task(self._keep_time(), name="clock")
                tasks.create_task(self._reporting.run(), name="status")
                tasks.create_task(uplink.run(), name="uplink")
                tasks.create_task(self._resending.run(), name="resending")
                if self._kept:
                    tasks.create_task(self._kept.run(), name="kept")
                commands.start(tasks)
                self._alarms.start(tasks)
                self._readers.start(self._instruments.values(), tasks)
                ourselves = [tasks.create_task(itself.run(), name="itself")] if itself else []
                await stop.wait()
                await _cancel(*ourselves)  # first: it may be changing the instruments
                await self._readers.stop_all()
                await commands.end(GOODBYE_S)
                await self._alarms.settle()
                await self._settle()
                await _cancel(spooling)
                await self._say_goodbye(uplink)
                raise _StoppedError  # ends what is left: the uplink closes its socket, commands are given up
        except* _StoppedError:
            logger.info("stopped: %d frames taken, %d not yet logged", self._numbering.taken, self._spool.unlogged)
        finally:
            self._numbering.close()

    async def change(
        self,
        make: Make,
        *,
        removed: Collection[str],
        sampling: Mapping[str, Sampling],
        guarding: Mapping[str, Guarding],
        alarming: Mapping[str, Alarming],
    ) -> None:
        """Go on with other instruments, in the same run: what `make` gives is new or takes the place of its like.

        The rest is not touched.
        """
        assert self._commands, "run() comes first"
        assert self._tasks, "run() comes first"
        made = dict(make(self))
        added, changed = made.keys() - self._instruments.keys(), made.keys() & self._instruments.keys()
        await self._commands.leave(removed)
        await self._readers.stop([*removed, *changed])  # before any is started: they may swap their ports
        self._sampling, self._guarding = sampling, guarding
        self._instruments = {name: kept for name, kept in self._instruments.items() if name not in removed} | made
        self._commands.renew(self._commanded(), guarding, {*removed, *changed})
        self._newest.renew(guarding, _silences(sampling), {*removed, *changed})
        self._numbering.sample(sampling)
        for name in removed:
            self._numbering.end(name, self.now_us())
            self._states.forget(name)
            self._described.pop(name, None)
        for name in changed:
            self._numbering.renew(name, self.now_us())
            self._states.renew(name)
            self._described.pop(name, None)
        for name in added:
            self._numbering.begin(name, self.now_us())
        self._describe(made)
        await self._alarms.change(alarming, made=made, removed=removed)
        await self._spool.keep_all(_keep_all(sampling))
        await self._tell_changed(added, removed)
        self._readers.start(made.values(), self._tasks)

    @property
    def is_connected(self) -> bool:
        """Whether a gateway has taken us in."""
        return self._outbox.is_open

    def tell_status(self) -> None:
        """Publish what is new of the agent as a whole."""
        self._reporting.tell()

    def samples(self, instrument: str, readings: Sequence[Reading]) -> None:
        """Record readings and send what is complete."""
        if not readings or instrument not in self._instruments:
            return
        self._newest.take(instrument, readings)
        self._alarms.take(instrument, readings)
        if self._sampling.get(instrument, USUAL).stops_when_full and self._spool.is_full:
            self._states.rest(instrument)
            self._numbering.refuse(instrument, readings)
            return
        self._states.resume(instrument)
        self._numbering.take(instrument, readings)

    def state(self, instrument: str, condition: Condition, reason: str) -> None:
        """Publish the instrument's state where it is a new one, and record where it means a gap."""
        if instrument not in self._instruments:
            return
        self._describe([instrument])
        self._states.say(instrument, condition, reason)
        self._numbering.said(instrument, condition, reason)
        self._alarms.said(instrument, condition, reason)

    def number(self, instrument: str, record: dict[str, Any]) -> NumberedFrame:
        """A record as the next frame of an instrument; what is open goes before it, itself it is not yet on its way."""
        if instrument == ITSELF:
            self._note_itself()
        return self._numbering.number(instrument, record)

    def hand_over(self, frame: NumberedFrame) -> None:
        self._numbering.hand_over([frame])

    def keep_again(self, frame: NumberedFrame) -> None:
        """A frame of an earlier run goes again: stored once."""
        self._spool.add(frame)

    async def flush(self) -> bool:
        return await self._spool.flush()

    def note_in_run(self, instrument: str) -> None:
        """This run has frames of an instrument that it does not have."""
        self._spool.note_in_run(self.epoch, instrument)

    def show_alarms(self, instrument: str, payload: bytes) -> None:
        self._outbox.retain(f"{instrument}/alarm", payload)

    def acknowledge(self, instrument: str, id_: str, user: str, note: str) -> int:
        """An alarm by its id, or all; returns how many were not yet. Raises UnknownAlarmError."""
        return self._alarms.acknowledge(instrument, id_, user, note)

    def interlock(self, instrument: str, guard: Guard) -> str:
        """Why a command may not be sent now; empty where it may."""
        return self._newest.refusal(instrument, guard, time.monotonic_ns())

    async def close(self) -> None:
        await self._command_file.close()

    def _commanded(self) -> dict[str, Instrument]:
        return self._instruments | ({ITSELF: self._itself} if self._itself else {})

    def _make_commands(self) -> Commands:
        return Commands(
            self._commanded(),
            guarding=self._guarding,
            file=self._command_file,
            desk=self,
            answer=self._outbox.reply,
            publish=lambda name, control: self._outbox.retain(f"{name}/control", control.encode()),
        )

    def _make_uplink(self, commands: Commands) -> Uplink:
        return Uplink(
            name=self._config.name,
            url=self._config.url,
            ca_file=self._config.ca_file,
            secret=self._config.secret,
            outbox=self._outbox,
            spool=self._spool,
            commands=commands,
            schedule=Schedule(patience_s=self._tuning.patience_s),
            resend_after_s=self._tuning.resend_after_s,
            waits=self._tuning.waits,
            on_welcome=self._welcome,
            on_stored=self._resending.stored,
            on_calibration=self._calibrated,
        )

    async def _begin(self) -> None:
        """Say what came before this run, and only when that is on disk begin it: what dies meanwhile says it again."""
        self._tell_all_before()
        self._spool.on_opened = self._tell_all_before
        await self._spool.flush()
        await self._spool.begin_run(self.epoch, self._since_us, self._instruments)

    async def _begin_commands(self, commands: Commands) -> None:
        """Records of commands that an earlier run may have taken with it go again: the same frames, stored once."""
        for frame in await commands.open():
            self._spool.add(frame)
        if await self._spool.flush():
            await self._command_file.settled()

    def _tell_all_before(self) -> None:
        self._tell_before(self._instruments, self._since_us)
        if gap := runs.gap_of_commands(ITSELF, self._spool.previous, self._since_us):
            self._note_itself()
            self._numbering.record(ITSELF, [gap])

    def _tell_before(self, instruments: Iterable[str], started_us: int) -> None:
        for name in instruments:
            gaps = runs.gaps_before(name, self._spool.previous, self._spool.damage, started_us)
            self._numbering.record(name, gaps)

    def _note_itself(self) -> None:
        """An agent that nobody commands has no frames of its own, and then this run has none to miss."""
        if not self._is_noted:
            self._is_noted = True
            self._spool.note_in_run(self.epoch, ITSELF)

    def _describe(self, names: Iterable[str]) -> None:
        """Publish what instruments are where that is new: with its first answer one may have said who it is."""
        for name in names:
            instrument = self._instruments[name]
            description = guards.described(instrument.description(), self._guarding.get(name, UNGUARDED))
            if self._described.get(name) != description:
                self._described[name] = description
                self._outbox.retain(f"{name}/description", description.encode())

    async def _tell_changed(self, added: Collection[str], removed: Collection[str]) -> None:
        """As at the start: what came before an instrument is on disk before it counts as one of this run."""
        known = self._numbering.numbers()  # one that comes back in the same run has no run before this one
        self._tell_before([name for name in added if (name, self.epoch) not in known], self.now_us())
        await self._spool.flush()
        await self._spool.change_run(self.epoch, added=added, removed=removed)

    async def _keep_time(self) -> Never:
        remembered_s = time.monotonic()
        while True:
            await asyncio.sleep(OBSERVE_CLOCK_S)
            self._observe_clock()
            if not self._spool.is_full:
                self._states.resume_all()
            for name in self._in_force.changed(time.monotonic_ns()):
                self._tell_calibration(name)
            if time.monotonic() - remembered_s >= REMEMBER_TIME_S:
                remembered_s = time.monotonic()
                await self._spool.remember_time(self.now_us())

    def _observe_clock(self) -> None:
        is_set_back = self._timeline.observe(
            wall_us=time.time_ns() // 1000,
            monotonic_ns=time.monotonic_ns(),
            boottime_ns=clock.boottime_ns(),
            kernel=clock.kernel_clock(),
        )
        if is_set_back:
            logger.warning("the clock was ahead by more than a day and is set back: times run backwards here once")

    def now_us(self) -> int:
        return self._timeline.at(time.monotonic_ns())

    def at_us(self, monotonic_ns: int) -> int:
        return self._timeline.at(monotonic_ns)

    def _welcome(self, gateway: str, time_us: int) -> None:
        self._reporting.welcome(gateway, self.now_us() - time_us if time_us else None)
        self._in_force.connected(time.monotonic_ns())

    def _calibrated(self, instrument: str, payload: bytes) -> None:
        if self._in_force.take(instrument, payload):
            self._tell_calibration(instrument)

    def _tell_calibration(self, instrument: str) -> None:
        self._states.show_again(instrument)
        self._numbering.show_again(instrument)

    async def _settle(self) -> None:
        """What was taken is numbered, and has a little time to be logged."""
        self._numbering.cut()
        if self._outbox.is_open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._tuning.settle_s):
                    await self._spool.settle()

    async def _say_goodbye(self, uplink: Uplink) -> None:
        if await self._spool.flush():  # otherwise what memory holds is lost, and the next start must say so
            await self._spool.end_run(
                self.now_us(), {name: last for (name, _), last in self._numbering.numbers().items()}
            )
        self._numbering.publish_latest()
        self._reporting.tell(online=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await uplink.drain()


def _keep_all(sampling: Mapping[str, Sampling]) -> frozenset[str]:
    """Of these nothing is ever given up."""
    return frozenset(name for name, how in sampling.items() if how.stops_when_full)


def _silences(sampling: Mapping[str, Sampling]) -> dict[str, float]:
    return {name: how.silent_after_s for name, how in sampling.items()}


class _StoppedError(Exception):
    """The orderly end, from inside the task group."""


async def _cancel(*tasks: asyncio.Task[Never]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=GOODBYE_S)  # a driver that does not let go must not hold up the rest
