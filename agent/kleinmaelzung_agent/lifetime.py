"""The agent from the start of its process to the end, whatever its configuration becomes meanwhile.

agent.toml, the signal to read it again, orders --> the instruments of the run are changed, or the whole run anew

Only what is different is touched. Where [agent] or [spool] is, the run ends in order and the next begins in the same
process; one that cannot begin gives way to the configuration before.
"""

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Never

from kleinmaelzung_agent import agent, making, systemd
from kleinmaelzung_agent.agent import Agent, Tuning
from kleinmaelzung_agent.alarms.limits import Alarming
from kleinmaelzung_agent.commands.guards import Guard, Guarding
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import Config
from kleinmaelzung_agent.configuration.difference import Difference
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.orders import carrying_out
from kleinmaelzung_agent.orders.carrying_out import CarryingOut
from kleinmaelzung_agent.orders.itself import Itself
from kleinmaelzung_agent.orders.orders_held import OrdersHeld
from kleinmaelzung_agent.orders.program_update import UPDATER, ProgramUpdate
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_agent.spool.spool import SpoolError

logger = logging.getLogger(__name__)


class Lifetime:
    """One run after another; `settings` are those of the run there is."""

    def __init__(self, path: Path, settings: Config, *, tuning: Tuning | None = None, updater: Path = UPDATER) -> None:
        self._path, self._settings = path, settings
        self._tuning, self._updater = tuning or Tuning(), updater
        self._next: Config | None = None
        self._before: Config | None = None  # to go back to, while the run there is has not begun
        self._ending = asyncio.Event()
        self._places = Places()  # of the run there is
        self._is_stopping = False
        self._is_hung_up = False  # while there was no run to tell it
        self._telling: asyncio.Task[Never] | None = None
        self._agent: Agent | None = None
        self._itself: Itself | None = None

    @property
    def path(self) -> Path:
        return self._path

    @property
    def settings(self) -> Config:
        return self._settings

    @property
    def is_connected(self) -> bool:
        return self._agent is not None and self._agent.is_connected

    def stop(self) -> None:
        """End in order."""
        self._is_stopping = True
        self._ending.set()

    def hang_up(self) -> None:
        """Read the configuration again."""
        self._is_hung_up = self._itself is None
        if self._itself is not None:
            self._itself.hang_up()

    async def run(self) -> None:
        """Until stop(). Raises SpoolError where the data directory cannot be used, and none could before."""
        try:
            await self._run()
        finally:
            await self._end_telling()

    async def _run(self) -> None:
        while True:
            try:
                await self._run_once()
            except SpoolError as error:
                if self._before is None:
                    raise
                await self._go_back(error, self._before)
                continue
            if self._is_stopping or self._next is None:
                return
            self._before, self._settings, self._next = self._settings, self._next, None
            self._ending.clear()

    async def reload(self) -> Difference:
        """Read the configuration again and go on with it. Raises ConfigError."""
        settings = await asyncio.to_thread(config.load, self._path)
        try:
            return await self.apply(settings)
        except Exception:
            self.begin_anew(self._settings)
            raise

    async def apply(self, settings: Config) -> Difference:
        """Go on with another configuration. After an exception the agent is to begin anew with the one before."""
        difference = Difference.between(self._settings, settings)
        if difference.is_restart:
            self.begin_anew(settings)
            return difference
        await self._change(settings, difference)
        self._settings = settings
        return difference

    async def _change(self, settings: Config, difference: Difference) -> None:
        assert self._agent is not None, "only a run asks for it"
        wanted = [*difference.added, *difference.changed]
        if wanted or difference.removed:
            await self._agent.change(
                lambda sink: _made(settings, wanted, sink, self._places),
                removed=difference.removed,
                sampling=_sampling(settings),
                guarding=_guarding(settings),
                alarming=alarming(settings.instruments),
            )

    def begin_anew(self, settings: Config) -> None:
        """Start the whole agent again, with this."""
        self._next = settings
        self._ending.set()

    async def _run_once(self) -> None:
        settings, self._places = self._settings, Places()

        def attach(made: Agent) -> Itself:
            self._before, self._agent = None, made  # the spool is open: it has begun
            held = OrdersHeld(settings.agent.data)
            programs = ProgramUpdate(held, self._updater)
            orders = CarryingOut(self, held, programs, trial_s=self._tuning.trial_s, now_us=made.now_us)
            self._itself = Itself(self, orders, tell=lambda: self._tell(made), look_s=self._tuning.look_s)
            if self._is_hung_up:
                self.hang_up()
            return self._itself

        try:
            await agent.run(
                settings.agent,
                lambda sink: _made(settings, settings.instruments, sink, self._places),
                sampling=_sampling(settings),
                guarding=_guarding(settings),
                alarming=alarming(settings.instruments),
                stop=self._ending,
                tuning=self._tuning,
                attach=attach,
            )
        finally:
            self._agent = self._itself = None

    def _tell(self, made: Agent) -> None:
        if self._telling is None:  # over all runs: for systemd the end of one would be the end of the process
            self._telling = asyncio.create_task(systemd.keep_telling(), name="systemd")
        made.tell_status()

    async def _end_telling(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])

    async def _go_back(self, error: SpoolError, before: Config) -> None:
        logger.error("the agent cannot begin with the new configuration, the one before is used: %s", error)
        held = OrdersHeld(before.agent.data)
        if (trial := await asyncio.to_thread(held.trial)) is not None:
            why = f"the agent could not begin with it: {error}"
            now_us = time.time_ns() // 1000
            await asyncio.to_thread(carrying_out.go_back, held, self._path, trial, why, now_us)
        self._settings, self._before = before, None


def _made(settings: Config, names: Iterable[str], sink: Sink, places: Places) -> dict[str, Instrument]:
    places.ports.spared = making.spared(settings.instruments)
    return {name: making.make(name, settings.instruments[name], sink, places) for name in names}


def _sampling(settings: Config) -> Mapping[str, Sampling]:
    return {name: sampling_of(wanted) for name, wanted in settings.instruments.items()}


def _guarding(settings: Config) -> Mapping[str, Guarding]:
    return {name: guarding_of(wanted) for name, wanted in settings.instruments.items()}


def alarming(instruments: Mapping[str, InstrumentConfig]) -> dict[str, Alarming]:
    """What is watched of each. Those on one port are lost by the same name, however each calls it."""
    places: dict[str, str] = {}
    buses: dict[str, str] = {}
    for name, wanted in instruments.items():
        places.setdefault(wanted.port_key or name, wanted.place)
        buses.setdefault(_bus_key(wanted), wanted.bus_place)
    return {
        name: Alarming(
            channels={channel.name: channel.alarm for channel in wanted.channels.values() if channel.alarm},
            silence_s=wanted.silence_s,
            place=places[wanted.port_key or name],
            bus=buses[_bus_key(wanted)],
        )
        for name, wanted in instruments.items()
    }


def _bus_key(wanted: InstrumentConfig) -> str:
    return os.path.realpath(wanted.bus_place) if wanted.bus_place else ""


def sampling_of(wanted: InstrumentConfig) -> Sampling:
    """What the agent must know of an instrument, beside its driver."""
    return Sampling(
        frame_every_s=wanted.frame_every_s,
        silent_after_s=wanted.silent_after_s,
        stops_when_full=wanted.when_full == "stop",
    )


def guarding_of(wanted: InstrumentConfig) -> Guarding:
    """What stands before an instrument's commands."""
    commands = {
        name: Guard(interlocks=one.interlocks, max_age_s=one.max_age_s, is_dangerous=one.is_dangerous)
        for name, one in wanted.commands.items()
    }
    return Guarding(
        commands=commands,
        safe_command=wanted.safe_command,
        safe_after_s=wanted.safe_after_s,
        allows_raw=wanted.allow_raw,
    )
