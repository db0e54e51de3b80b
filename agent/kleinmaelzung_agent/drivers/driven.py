"""An instrument by its driver: kept connected for ever, started, asked in time, commanded, its state told.

Driver --Connection--> Reading --> Sink          Command --> Connection --> Reply
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final, Never

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.driver import (
    Connection,
    Driver,
    Prepared,
    RefusedError,
    UnansweredError,
    WrongInstrumentError,
    reply,
)
from kleinmaelzung_agent.drivers.health import Health, Verdict
from kleinmaelzung_agent.drivers.schedule import Schedule
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.drivers.transport_port import NotSentError, PortError
from kleinmaelzung_agent.instruments import Gate, Reading, Sink, open_gate
from kleinmaelzung_wire import descriptions, messages
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

# What is plugged in again is to be read within 5 s: opening and the first question take some of them.
WAITS: Final = Waits(first_s=0.5, longest_s=2.0)
WRONG_AGAIN_S: Final = 3.0
START_AGAIN_S: Final = 1.0

NOT_CONNECTED: Final = "the instrument is not connected"
NOT_KNOWN: Final = "the instrument has not yet said that it is the right one"


class DrivenInstrument:
    """One instrument, and the Ears of its connection."""

    def __init__(self, name: str, config: InstrumentConfig, driver: Driver, sink: Sink) -> None:
        self.name = name
        self.counters = Counters()
        self._config, self._driver, self._sink = config, driver, sink
        self._health = Health(config.place, config.silent_after_s, self.counters, config.words)
        self._told: Verdict | None = None
        self._connection: Connection | None = None
        self._place = config.place
        self._identity: dict[str, str] = {}  # what it last said of itself
        self._is_known = config.identity is None
        self._wrong = ""  # which other instrument answers
        self._failures = 0
        self._start_due = asyncio.Event()

    def description(self) -> descriptions.Description:
        """What it measures and which commands it takes."""
        return descriptions.Description(
            driver=self._config.driver,
            label=self._config.label,
            profile=self._config.profile,
            port=self._place,
            identity=self._identity,
            channels=[
                descriptions.Channel(name=channel.name, unit=channel.unit, label=channel.label)
                for channel in self._config.channels.values()
            ],
            commands=[
                descriptions.CommandDescription(
                    name=name, arguments=list(command.arguments), timeout_s=command.timeout_s, label=command.label
                )
                for name, command in self._config.commands.items()
            ],
        )

    # --- reading ------------------------------------------------------------------------------------------------------

    async def run(self) -> Never:
        """Keep it connected and read it for ever."""
        self._tell()
        while True:
            try:
                reason = await self._session()
            except PortError as error:
                reason = str(error)
            except Exception as error:  # one instrument's surprise must not end the others
                reason = self._surprise(error)
            self._closed(reason)
            self._failures += 1
            await asyncio.sleep(WRONG_AGAIN_S if self._wrong else WAITS.after(self._failures))
            self.counters.reconnects += 1

    def _surprise(self, error: Exception) -> str:
        logger.exception("instrument %s", self.name)
        return f"internal error: {error or type(error).__name__}"

    def _closed(self, reason: str) -> None:
        self._forget()
        if reason == self._wrong:
            self._health.wrong(reason)
        else:
            self._wrong = ""
            self._health.closed(reason)
        self._tell()

    def _forget(self) -> None:
        """It may be another one now."""
        self._is_known = self._config.identity is None

    async def _session(self) -> str:
        """From the opening of the port to its loss; returns the reason."""
        async with self._driver.connected(self) as connection:
            try:
                return await self._until_lost(connection)
            finally:
                self._connection = None

    async def _until_lost(self, connection: Connection) -> str:
        # None of these tasks raises: a TaskGroup whose task fails forgets that it was itself cancelled (Python < 3.13).
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch(), name=f"{self.name} watch")
            ends = (
                tasks.create_task(connection.lost(), name=f"{self.name} lost"),
                tasks.create_task(self._converse(connection), name=f"{self.name} polls"),
            )
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, *ends):
                task.cancel()
        return done.pop().result()

    async def _converse(self, connection: Connection) -> str:
        try:
            self._connection = connection  # commands wait for its beginning, too
            await connection.begin()
            await self._poll_all(connection)
        except WrongInstrumentError as error:
            self._wrong = str(error)
            return self._wrong
        except PortError as error:
            return str(error)
        except Exception as error:  # see _until_lost()
            return self._surprise(error)

    async def _watch(self) -> None:
        """Notice silence, which no message announces."""
        while True:
            await asyncio.sleep(max(self._health.next_change(self._now()), 0.01))
            self._tell()
            if self._health.is_unheard(self._now()):
                self._forget()
                self._start_due.set()  # it may have been switched off and on, or be another one now

    async def _poll_all(self, connection: Connection) -> Never:
        self._start_due.set()
        periods = self._driver.periods
        schedule = Schedule([period.every_s for period in periods], self._now())
        while True:
            if self._start_due.is_set() and not await self._start(connection):
                await asyncio.sleep(START_AGAIN_S)
            elif periods:
                index, due = schedule.next()
                if await self._is_start_due_before(due):
                    continue
                await self._poll(connection, index)
                schedule.done(index, self._now())
            else:
                await self._start_due.wait()

    async def _is_start_due_before(self, due: float) -> bool:
        if due <= self._now():
            return self._start_due.is_set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(due - self._now(), 0)):
                await self._start_due.wait()
        return self._start_due.is_set()

    async def _start(self, connection: Connection) -> bool:
        """Send what has to be sent first; False where the expected answer did not come."""
        self._start_due.clear()
        try:
            if await connection.start():
                self._valid()
        except TimeoutError:
            self._start_due.set()
            return False
        if self._is_known:
            self._start_due.clear()  # silence was noticed while it was being started
        return not self._start_due.is_set()

    async def _poll(self, connection: Connection, index: int) -> None:
        try:
            async with connection.turn():
                reading = await connection.poll(index)
        except TimeoutError:
            return
        self._health.troubled(index, reading.trouble)
        self.heard([reading])

    # --- what the connection tells ------------------------------------------------------------------------------------

    def opened(self, place: str = "") -> None:
        """The port is open; nothing has come yet."""
        self._place = place or self._place
        self._forget()
        self._health.opened(self._now(), self._place)
        self._tell()

    def looking(self, sentence: str) -> None:
        """It is searched; the sentence says where."""
        self._health.closed(sentence)
        self._tell()

    def identified(self, said: Mapping[str, str]) -> None:
        """The right instrument has said who it is."""
        self._is_known, self._wrong, self._identity = True, "", dict(said)
        self._valid()

    def heard(self, readings: Sequence[Reading]) -> None:
        """Hand readings over; those without values only show that it is there."""
        if not self._is_known:
            self.counters.unidentified += len(readings)
            return
        self._valid()
        with_values = [reading for reading in readings if reading.values]
        self.counters.values += sum(len(reading.values) for reading in with_values)
        if with_values:
            self._sink.samples(self.name, with_values)

    def garbled(self, *, is_news: bool) -> None:
        """Something came that is not valid, or, where it is no news, may still become so."""
        self._health.bad(self._now())
        if is_news:
            self._tell()

    def _valid(self) -> None:
        self._failures = 0
        self._health.valid(self._now())
        self._tell()

    def _tell(self) -> messages.Condition:
        """Tell the sink what has changed."""
        verdict = self._health.verdict(self._now())
        is_news = self._told is None or verdict.condition != self._told.condition
        if is_news or (verdict != self._told and verdict.condition == "searching"):
            is_fine = verdict.condition == "connected" or self._told is None or self._health.is_waiting
            level = logging.INFO if is_fine else logging.WARNING
            self._told = verdict
            logger.log(level, "instrument %s: %s %s", self.name, verdict.condition, verdict.reason)
            self._sink.state(self.name, verdict.condition, verdict.reason)
        return verdict.condition

    @staticmethod
    def _now() -> float:
        return time.monotonic()

    # --- commands -----------------------------------------------------------------------------------------------------

    def check(self, command: messages.Command) -> str:
        """Why it can never be executed: it is unknown, or its arguments are wrong; empty where it can."""
        try:
            self._driver.prepare(command)
        except RefusedError as refusal:
            return str(refusal)
        return ""

    async def execute(self, command: messages.Command, *, timeout_s: float, gate: Gate = open_gate) -> messages.Reply:
        """Execute one command, or `_raw`, within the time that is left. Never raises for bad input; sets no `time`."""
        begun = self._now()
        self.counters.commands += 1
        try:
            answer = await self._execute(command, begun + timeout_s, gate)
        except RefusedError as refusal:
            answer = reply(command, refusal.result, str(refusal))
        return replace(answer, took_us=round((self._now() - begun) * 1e6))

    async def _execute(self, command: messages.Command, deadline: float, gate: Gate) -> messages.Reply:
        prepared = self._driver.prepare(command)
        connection = self._ready()
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(deadline - self._now()):
                    await connection.begin()
                    await stack.enter_async_context(connection.turn())
            except TimeoutError:
                raise RefusedError("expired while the port was busy: nothing was sent", "expired") from None
            timeout_s = min(prepared.timeout_s, deadline - self._now())
            if timeout_s <= 0:
                raise RefusedError("expired: nothing was sent", "expired")
            if self._ready() is not connection:
                raise RefusedError(NOT_CONNECTED)
            if why := gate():
                raise RefusedError(why)
            answer = await self._send(connection, prepared, timeout_s)
            return replace(answer, bytes_out=prepared.outgoing, bytes_in=connection.recorded)

    def _ready(self) -> Connection:
        """The connection to the right instrument. Raises RefusedError."""
        if self._wrong:
            raise RefusedError(self._wrong)
        if self._connection is None:
            raise RefusedError(NOT_CONNECTED)
        if not self._is_known:
            raise RefusedError(NOT_KNOWN)
        return self._connection

    async def _send(self, connection: Connection, prepared: Prepared, timeout_s: float) -> messages.Reply:
        try:
            answer, is_answered = await connection.execute(prepared, timeout_s)
        except UnansweredError as error:
            return reply(prepared.command, "timeout", str(error))
        except NotSentError as error:
            raise RefusedError(f"the instrument is not connected: {error}") from error
        except PortError as error:
            return reply(prepared.command, "lost", f"whether it was executed is not known: {error}")
        if is_answered:
            self._valid()
        return answer
