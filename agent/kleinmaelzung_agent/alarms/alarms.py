"""The alarms of all instruments of an agent: judged as readings come and time passes, published, kept, on record.

    readings, states, _acknowledge --> Watched --Record--> <instrument>/alarm, and a frame of the instrument

What is active is on disk, with the frame of its record, before that frame leaves (alarms_file.py).
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Never, Protocol

from kleinmaelzung_agent.alarms import alarms_file, alarms_state
from kleinmaelzung_agent.alarms.alarms_file import Kept
from kleinmaelzung_agent.alarms.alarms_state import UnknownAlarmError, Watched
from kleinmaelzung_agent.alarms.limits import UNWATCHED, Alarming
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire import failpoints
from kleinmaelzung_wire.alarms import ActiveAlarms, Alarm, Record
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import Condition

logger = logging.getLogger(__name__)

TICK_S: Final = 1.0
WRITE_AGAIN_S: Final = 0.2  # a value that flickers around its limit must not keep the disk busy
MAX_UNWRITTEN: Final = 1000  # records that wait for a disk that stands still; more go without it
MAX_UNSETTLED: Final = 1000  # records that the spool could not yet put on disk; more are in its memory only


class Agent(Protocol):
    """What is needed of the agent as a whole."""

    def number(self, instrument: str, record: dict[str, Any]) -> NumberedFrame:
        """The record as a frame of the instrument, not yet on its way."""
        ...

    def hand_over(self, frame: NumberedFrame) -> None: ...

    def keep_again(self, frame: NumberedFrame) -> None:
        """A frame of an earlier run goes again."""
        ...

    async def flush(self) -> bool:
        """Whether all that was handed over is on disk."""
        ...

    def show_alarms(self, instrument: str, payload: bytes) -> None:
        """Publish what is active; empty: nothing of it is left with the broker."""
        ...

    def note_in_run(self, instrument: str) -> None:
        """This run has frames of an instrument that it does not have."""
        ...

    def now_us(self) -> int: ...

    def at_us(self, monotonic_ns: int) -> int: ...


class Alarms:
    """Of one run of the agent. open() first, then start()."""

    def __init__(self, directory: Path, agent: Agent) -> None:
        self._directory, self._agent = directory, agent
        self._watched: dict[str, Watched] = {}
        self._unwritten: list[NumberedFrame] = []  # of records, numbered and not on their way
        self._unsettled: list[NumberedFrame] = []  # on their way, and perhaps in memory only
        self._due = asyncio.Event()
        self._writing = asyncio.Lock()
        self._is_failing = False

    async def open(self, alarming: Mapping[str, Alarming], instruments: Iterable[str]) -> None:
        """Go on with what an earlier run left; what has no limit any more is cleared."""
        kept = await self._read()
        for frame in kept.frames:
            self._agent.keep_again(frame)
        if kept.frames and not await self._agent.flush():
            self._unsettled = list(kept.frames)
        for name in instruments:
            self._watch(name, alarming.get(name, UNWATCHED), kept.active.get(name, ()), alarms_state.BEGAN_ANEW)
        for name in kept.active.keys() - self._watched.keys():
            self._end(name, kept.active[name])
        self._due.set()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Judge what time brings, and write what is new: apart, so that a slow disk does not stop the judging."""
        tasks.create_task(self._tick_forever(), name="alarms tick")
        tasks.create_task(self._write_forever(), name="alarms write")

    def take(self, instrument: str, readings: Sequence[Reading]) -> None:
        """Judge what was read."""
        watched = self._watched.get(instrument)
        if watched is not None and watched.is_watching and (happened := watched.take(readings)):
            self._tell(instrument, happened)

    def said(self, instrument: str, condition: Condition, reason: str) -> None:
        """Note what a driver says of its instrument."""
        watched = self._watched.get(instrument)
        if watched is not None and watched.said(condition, reason):
            self._show(instrument)  # and not on disk: a port that is searched for may say something else each second

    def acknowledge(self, instrument: str, id_: str, user: str, note: str) -> int:
        """Returns how many were not yet. Raises UnknownAlarmError."""
        watched = self._watched.get(instrument)
        if watched is None:
            raise UnknownAlarmError("there are no alarms of it")
        happened = watched.acknowledge(id_, user, note, self._agent.now_us())
        self._tell(instrument, happened)
        return len(happened)

    async def change(self, alarming: Mapping[str, Alarming], *, made: Iterable[str], removed: Collection[str]) -> None:
        """Go on with another configuration: `made` are new or not what they were."""
        for name in removed:
            if watched := self._watched.pop(name, None):
                self._record(name, watched.end(alarms_state.NO_INSTRUMENT, time.monotonic_ns()))
        for name in made:
            before = self._watched.pop(name, None)
            active = before.active if before else ()
            self._watch(name, alarming.get(name, UNWATCHED), active, alarms_state.CHANGED)
        self._due.set()
        await self.settle()

    async def settle(self) -> None:
        """All records are on their way."""
        await self._write()

    # --- what happened ------------------------------------------------------------------------------------------------

    def _watch(self, name: str, alarming: Alarming, active: Sequence[Alarm], why: str) -> None:
        now_ns = time.monotonic_ns()
        watched = Watched(alarming, now_ns, at_us=self._agent.at_us, make_id=lambda: secrets.token_hex(8))
        self._watched[name] = watched
        self._record(name, watched.restore(active, why, now_ns))
        self._show(name)

    def _end(self, name: str, active: Sequence[Alarm]) -> None:
        """Clear those of an instrument that the configuration does not have any more."""
        self._agent.note_in_run(name)
        now_us = self._agent.now_us()
        ended = [Record(event="cleared", time=now_us, alarm=one, reason=alarms_state.NO_INSTRUMENT) for one in active]
        self._record(name, ended)

    def _tell(self, instrument: str, happened: Sequence[Record]) -> None:
        if happened:
            self._record(instrument, happened)
            self._show(instrument)
            self._due.set()

    def _record(self, instrument: str, happened: Iterable[Record]) -> None:
        for record in happened:
            alarm = record.alarm
            level = logging.WARNING if record.event in ("raised", "level") else logging.INFO
            place = f"{instrument}.{alarm.channel}" if alarm.channel else instrument
            logger.log(level, "%s: %s %s %s", place, alarm.kind, alarm.level, record.event)
            frame = self._agent.number(instrument, record.to_record())
            if len(self._unwritten) < MAX_UNWRITTEN:
                self._unwritten.append(frame)
            else:
                self._agent.hand_over(frame)

    def _show(self, instrument: str) -> None:
        self._agent.show_alarms(instrument, ActiveAlarms.of(self._watched[instrument].active).encode())

    # --- time and disk ------------------------------------------------------------------------------------------------

    async def _tick_forever(self) -> Never:
        while True:
            await asyncio.sleep(TICK_S)
            now_ns = time.monotonic_ns()
            for name, watched in list(self._watched.items()):
                self._tell(name, watched.tick(now_ns))

    async def _write_forever(self) -> Never:
        while True:
            await self._due.wait()
            await self._write()
            await asyncio.sleep(WRITE_AGAIN_S)

    async def _read(self) -> Kept:
        try:
            return await asyncio.to_thread(alarms_file.read, self._directory)
        except (OSError, WireError) as error:
            logger.error("the alarms of earlier runs are not known, those that last are raised again: %s", error)
            return Kept()

    async def _write(self) -> None:
        """Keep what is active and the new records, and only then let these go."""
        async with self._writing:
            self._due.clear()
            leaving, self._unwritten = self._unwritten, []
            active = {name: one.active for name, one in self._watched.items() if one.active}
            try:
                await self._keep(Kept(active=active, frames=[*self._unsettled, *leaving]))
            finally:
                failpoints.reach("agent.alarm_kept")
                for frame in leaving:
                    self._agent.hand_over(frame)
            unsettled = [*self._unsettled, *leaving][-MAX_UNSETTLED:]
            # Only with a record: what else is in memory is better logged than written to a disk.
            self._unsettled = unsettled if unsettled and not await self._agent.flush() else []

    async def _keep(self, kept: Kept) -> None:
        try:
            await asyncio.to_thread(alarms_file.write, self._directory, kept)
        except OSError as error:
            # The alarm itself is told all the same; only an agent that dies now would raise it a second time.
            level = logging.DEBUG if self._is_failing else logging.WARNING
            logger.log(level, "what is active cannot be kept: %s", error.strerror or error)
            self._is_failing = True
        else:
            self._is_failing = False
