"""The agent as a whole: instruments -> numbering -> spool and outbox -> uplink, and its orderly end.

Instrument.run() --samples(), state()--> Agent --> Numbering --NumberedFrame--> Spool (kept) and Outbox (sent)
"""

import asyncio
import contextlib
import functools
import importlib.metadata
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Never

from kleinmaelzung_agent import clock, guards, kept, outages, runs, spool, spool_disk, systemd
from kleinmaelzung_agent.backfill import PATIENCE_S, Schedule
from kleinmaelzung_agent.clock import Timeline
from kleinmaelzung_agent.command_file import CommandFile
from kleinmaelzung_agent.commands import Commands
from kleinmaelzung_agent.config import AgentConfig
from kleinmaelzung_agent.guards import UNGUARDED, Guard, Guarding
from kleinmaelzung_agent.instruments import Instrument, Reading, Sink
from kleinmaelzung_agent.kept import Kept
from kleinmaelzung_agent.newest import Newest
from kleinmaelzung_agent.numbering import USUAL, Numbering, Sampling
from kleinmaelzung_agent.outbox import Outbox
from kleinmaelzung_agent.recorder import NumberedFrame
from kleinmaelzung_agent.resending import Resending
from kleinmaelzung_agent.spool import Spool
from kleinmaelzung_agent.uplink import Uplink
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.messages import AgentStatus, Condition, State
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

OBSERVE_CLOCK_S = 1.0
REMEMBER_TIME_S = 60.0
STATUS_EVERY_S = 10.0
RESTART_S = 5.0  # a driver with a fault is started again, but not so often that it fills the log
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


Make = Callable[[Sink], Mapping[str, Instrument]]


async def run(
    config: AgentConfig,
    make: Make,
    *,
    sampling: Mapping[str, Sampling],
    guarding: Mapping[str, Guarding] | None = None,
    stop: asyncio.Event,
    tuning: Tuning | None = None,
) -> None:
    """Run the agent until `stop` is set. Raises spool.SpoolError where the data directory cannot be used."""
    tuning = tuning or Tuning()
    keep_all = frozenset(name for name, how in sampling.items() if how.stops_when_full)
    async with (
        spool.open_spool(config.data, window_s=tuning.window_s, limits=config.spool, keep_all=keep_all) as store,
        kept.open_kept(config.data, config.spool) as keeping,
    ):
        agent = Agent(config, store, keeping, sampling, tuning, guarding or {})
        try:
            await agent.run(make(agent), stop)
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
    ) -> None:
        self.epoch = secrets.randbits(53) or 1  # 0 is no epoch; randbits(53) reaches frames.MAX_EPOCH and no further
        self._config, self._spool, self._tuning = config, store, tuning
        self._sampling, self._guarding = sampling, guarding
        self._newest = Newest(guarding, {name: how.silent_after_s for name, how in sampling.items()})
        self._command_file = CommandFile(config.data)
        self._commands: Commands | None = None
        self._timeline = Timeline(store.last_known_us)
        self._observe_clock()
        self._since_us = self.now_us()
        self._outbox = Outbox()
        self._numbering = Numbering(self.epoch, self._since_us, self._timeline, store, self._outbox, sampling)
        self._said: dict[str, tuple[Condition, str]] = {}  # by the drivers
        self._stopped: set[str] = set()  # instruments whose readings are not taken, since the spool is full
        self._states: dict[str, State] = {}
        self._status: AgentStatus | None = None
        self._gateway = ""
        self._ahead_us: int | None = None  # of the gateway's clock, when it was connected to it
        store.announce = self._numbering.announce
        store.on_added = keeping.add if keeping else None
        self._kept = keeping
        self._asked = 0
        self._resending = Resending(store, keeping, self._numbering, self._ask_what_is_stored)

    async def run(self, instruments: Mapping[str, Instrument], stop: asyncio.Event) -> None:
        """Sample and deliver until `stop`; then end in order: instruments, what is under way, status, socket."""
        for name, instrument in instruments.items():
            description = guards.described(instrument.description(), self._guarding.get(name, UNGUARDED))
            self._outbox.retain(f"{name}/description", description.encode())
        commands = self._commands = self._make_commands(instruments)
        uplink = self._make_uplink(commands)
        await self._begin(instruments)
        await self._begin_commands(commands)
        try:
            async with asyncio.TaskGroup() as tasks:
                spooling = tasks.create_task(self._spool.run(), name="spool")
                tasks.create_task(self._keep_time(), name="clock")
                tasks.create_task(self._keep_status(), name="status")
                tasks.create_task(uplink.run(), name="uplink")
                tasks.create_task(self._resending.run(), name="resending")
                if self._kept:
                    tasks.create_task(self._kept.run(), name="kept")
                tasks.create_task(systemd.keep_telling(), name="systemd")
                commands.start(tasks)
                sampling = [tasks.create_task(self._sample(i), name=f"instrument {n}") for n, i in instruments.items()]
                await stop.wait()
                await _cancel(*sampling)
                await commands.end(GOODBYE_S)
                await self._settle()
                await _cancel(spooling)
                await self._say_goodbye(uplink)
                raise _StoppedError  # ends what is left: the uplink closes its socket, commands are given up
        except* _StoppedError:
            logger.info("stopped: %d frames taken, %d not yet logged", self._numbering.taken, self._spool.unlogged)
        finally:
            self._numbering.close()

    def samples(self, instrument: str, readings: Sequence[Reading]) -> None:
        """Record readings and send what is complete."""
        if not readings:
            return
        self._newest.take(instrument, readings)
        if self._sampling.get(instrument, USUAL).stops_when_full and self._spool.is_full:
            self._stopped.add(instrument)
            self._show(instrument)
            self._numbering.refuse(instrument, readings)
            return
        self._resume(instrument)
        self._numbering.take(instrument, readings)

    def state(self, instrument: str, condition: Condition, reason: str) -> None:
        """Publish the instrument's state where it is a new one, and record where it means a gap."""
        self._said[instrument] = condition, reason
        self._show(instrument)
        self._numbering.said(instrument, condition, reason)

    def number(self, instrument: str, record: dict[str, Any]) -> NumberedFrame:
        """A record as the next frame of an instrument; what is open goes before it, itself it is not yet on its way."""
        return self._numbering.number(instrument, record)

    def hand_over(self, frame: NumberedFrame) -> None:
        self._numbering.hand_over([frame])

    def interlock(self, instrument: str, guard: Guard) -> str:
        """Why a command may not be sent now; empty where it may."""
        return self._newest.refusal(instrument, guard, time.monotonic_ns())

    async def close(self) -> None:
        await self._command_file.close()

    def _resume(self, instrument: str) -> None:
        if instrument in self._stopped:
            self._stopped.discard(instrument)
            self._show(instrument)

    def _show(self, instrument: str) -> None:
        condition, reason = self._said.get(instrument, ("connected", ""))
        if instrument in self._stopped:
            condition, reason = "error", outages.FULL
        known = self._states.get(instrument)
        since = known.since if known and known.state == condition else self.now_us()
        state = State(state=condition, since=since, reason=reason[: messages.MAX_SENTENCE])
        if state != known:
            self._states[instrument] = state
            self._outbox.retain(f"{instrument}/state", state.encode())

    def _make_commands(self, instruments: Mapping[str, Instrument]) -> Commands:
        return Commands(
            instruments,
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
        )

    async def _begin(self, instruments: Mapping[str, Instrument]) -> None:
        """Say what came before this run, and only when that is on disk begin it: what dies meanwhile says it again."""
        self._tell_before(instruments)
        self._spool.on_opened = lambda: self._tell_before(instruments)
        await self._spool.flush()
        await self._spool.begin_run(self.epoch, self._since_us, instruments)

    async def _begin_commands(self, commands: Commands) -> None:
        """Records of commands that an earlier run may have taken with it go again: the same frames, stored once."""
        for frame in await commands.open():
            self._spool.add(frame)
        if await self._spool.flush():
            await self._command_file.settled()

    def _tell_before(self, instruments: Iterable[str]) -> None:
        for name in instruments:
            gaps = runs.gaps_before(name, self._spool.previous, self._spool.damage, self._since_us)
            self._numbering.record(name, gaps)

    async def _sample(self, instrument: Instrument) -> Never:
        while True:
            try:
                await instrument.run()
            except Exception as error:  # a fault in one driver must not end the other instruments
                logger.exception("%s: fault in the driver", instrument.name)
                self.state(instrument.name, "error", f"fault in the driver: {error!r:.200}")
            await asyncio.sleep(RESTART_S)

    async def _keep_time(self) -> Never:
        remembered_s = time.monotonic()
        while True:
            await asyncio.sleep(OBSERVE_CLOCK_S)
            self._observe_clock()
            if not self._spool.is_full:
                for instrument in tuple(self._stopped):
                    self._resume(instrument)
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

    async def _keep_status(self) -> Never:
        while True:
            self._publish_status()
            await asyncio.sleep(STATUS_EVERY_S)

    def _welcome(self, gateway: str, time_us: int) -> None:
        self._gateway = gateway
        self._ahead_us = self.now_us() - time_us if time_us else None
        self._publish_status(is_due=True)

    def _ask_what_is_stored(self) -> None:
        self._asked += 1
        self._publish_status(is_due=True)

    def _publish_status(self, *, is_due: bool = False, online: bool = True) -> None:
        judged = self._timeline.clock
        status = AgentStatus(
            online=online,
            nonce=self._commands.nonce if self._commands and online else "",
            since=self._since_us,
            version=_version(),
            gateway=self._gateway,
            epoch=self.epoch,
            clock={"synchronised": judged.synchronised},
            taken=self._numbering.taken,
            samples=self._numbering.samples,
            unlogged=self._spool.unlogged,
            reason=self._spool.trouble[: messages.MAX_SENTENCE] if online else "stopped",
        )
        if is_due or status != self._status:
            self._status = status
            # The clock's error grows all the time, and others use the disk too, which alone is no news.
            previous = self._spool.previous.epoch if self._spool.previous else 0
            keeps = {"keep_s": int(self._config.spool.keep_s), "asked": self._asked, "previous": previous}
            spool = {**self._spool.figures(), "free": spool_disk.free_bytes(self._config.data), **keeps}
            told = replace(status, clock=asdict(judged) | {"ahead_us": self._ahead_us}, spool=spool)
            self._outbox.retain("status", told.encode())

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
        self._publish_status(online=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await uplink.drain()


class _StoppedError(Exception):
    """The orderly end, from inside the task group."""


async def _cancel(*tasks: asyncio.Task[Never]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=GOODBYE_S)  # a driver that does not let go must not hold up the rest


@functools.cache
def _version() -> str:
    return importlib.metadata.version("kleinmaelzung")
