"""Commands in, replies and records out: each id is executed at most once, by whom may, while nothing forbids it.

    payload of <instrument>/command/<user> --receive()--> checks --Instrument.execute()--> answer() and Desk: its record

The id is on disk before anything goes to an instrument. One that comes again is answered with what the first one gave,
also by a later run of the agent. Names that begin with `_` are executed here: _take, _release, _arm, _acknowledge.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from kleinmaelzung_agent import clock
from kleinmaelzung_agent.alarms.alarms_state import UnknownAlarmError
from kleinmaelzung_agent.commands import command_record, guards
from kleinmaelzung_agent.commands import desk as desks
from kleinmaelzung_agent.commands.asked import Asked, texts, under_way_s, way_back
from kleinmaelzung_agent.commands.command_file import CommandFile
from kleinmaelzung_agent.commands.desk import Desk
from kleinmaelzung_agent.commands.guards import NOTHING, UNGUARDED, Armed, Guarding
from kleinmaelzung_agent.commands.lease import LeaseError
from kleinmaelzung_agent.commands.leases import Leases
from kleinmaelzung_agent.commands.noting import Noting
from kleinmaelzung_agent.commands.remembered import LOST, Begun, Key
from kleinmaelzung_agent.commands.safe_command import GRACE_S, SafeCommand
from kleinmaelzung_agent.instruments import Instrument
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire import alarms, failpoints
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import Command, Control, Reply, Result
from kleinmaelzung_wire.orders import ITSELF

logger = logging.getLogger(__name__)

MAX_RUNNING: Final = 16  # per instrument: they wait for one port anyway
RAW: Final = "_raw"
# A beat is up to BEAT_S old when a command is made with it, and has been under way itself.
SLACK_S: Final = 2.0

Answer = Callable[[str, bytes, dict[str, Any]], None]


class Commands:
    """Executes in the task group of start(), which outlives connections: what has begun is finished and answered."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        guarding: Mapping[str, Guarding],
        file: CommandFile,
        desk: Desk,
        answer: Answer,
        publish: Callable[[str, Control], None],
    ) -> None:
        self.nonce = ""  # of the connection there is
        self._instruments, self._guarding = instruments, guarding  # the agent itself is one of them
        self._file, self._desk, self._answer = file, desk, answer
        self._publish, self._noting = publish, Noting(file, desk)
        self._leases = Leases(
            _held_by_somebody(instruments),
            guarding,
            publish=self._tell,
            gone=self._gone,
            expired=self._expired,
            now_us=desk.now_us,
        )
        self._keeping: asyncio.Future[None] | None = None  # the newest lease, on its way to the disk
        self._armed = Armed()
        self._busy: Counter[str] = Counter()
        self._running: dict[Key, asyncio.Future[Reply]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._is_ending = False

    @property
    def leases(self) -> Leases:
        return self._leases

    async def open(self) -> list[NumberedFrame]:
        """Learn what earlier runs did; returns the records of it that may not have left the agent."""
        try:
            await self._file.open()
        except OSError as error:
            logger.error("the commands of earlier runs cannot be read: %s", error.strerror or error)
        self._leases.open(self._file.memory.leases)
        if not self._file.is_open:
            return []
        found = list(self._file.memory.items())
        for key, kept in found:
            if kept.begun:
                await self._say_lost(key, kept.begun)
        return [kept.frame for key, kept in found if kept.frame and key[0] in self._instruments]

    def start(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        tasks.create_task(self._leases.run(), name="leases")

    async def end(self, limit_s: float) -> None:
        """Take no more, and give what is under way a little time."""
        self._is_ending = True
        under_way: list[asyncio.Future[Any]] = [*self._running.values(), *self._noting.waiting]
        if under_way:
            await asyncio.wait(under_way, timeout=limit_s)
        self._noting.settle()

    async def leave(self, instruments: Iterable[str]) -> None:
        """Let go of instruments that are about to be removed: what somebody holds is made safe while it can be."""
        for name in instruments:
            if user := self._leases.holder(name):
                self._leases.end(name)
                why = f"{user} held it, and it was removed from the configuration"
                self._expired(name, why)
                if safe := self._make_safe(name, why):
                    await safe.send_once()

    def renew(
        self, instruments: Mapping[str, Instrument], guarding: Mapping[str, Guarding], others: Collection[str]
    ) -> None:
        """Go on with these instruments; `others` are not what they were, or are gone."""
        self._instruments, self._guarding = instruments, guarding
        self._leases.renew(_held_by_somebody(instruments), guarding)
        self._armed.forget(others)

    def receive(self, instrument: str, user: str, payload: bytes, options: Mapping[str, Any], *, is_raw: bool) -> None:
        """Take in one command; its answer comes by `answer`."""
        options, session = way_back(user, options)
        try:
            command = Command.decode(payload, user=user)
        except WireError as error:
            self._refuse_unreadable(instrument, user, session, payload, options, str(error))
            return
        begun = self._begun(instrument, command, session)
        running = self._running.get(begun.key)
        if running is None and (kept := self._file.memory.get(begun.key)):
            payload = kept.reply or self._lost(begun).encode()
            self._answer(f"{instrument}/reply", payload, options)
            return
        if running is None:
            running = self._running[begun.key] = asyncio.get_running_loop().create_future()
            running.add_done_callback(lambda reply: self._send(instrument, reply, options))
            self._begin(Asked(begun, command, is_raw), running)
        else:
            running.add_done_callback(lambda reply: self._send(instrument, reply, options))

    # --- what is refused or done at once ------------------------------------------------------------------------------

    def _begin(self, asked: Asked, result: "asyncio.Future[Reply]") -> None:
        begun, target = asked.begun, self._instruments.get(asked.begun.instrument)
        if target is None:
            # Without a record, which would be a frame of an instrument that does not exist: the gateway records it.
            del self._running[begun.key]
            reason = f"there is no instrument {begun.instrument!r:.60} at this agent"
            result.set_result(replace(self._reply(begun, "refused", reason), recorded=False))
            return
        try:
            self._check_connection(asked)
            reply = self._own(asked, target)
            if reply is None:
                self._check(asked, target)
        except _RefusedError as refusal:
            reply = self._reply(begun, refusal.result, str(refusal))
        if reply is not None:
            self._conclude(begun, reply, result)
            return
        assert self._tasks is not None, "start() comes first"
        self._busy[begun.instrument] += 1
        self._tasks.create_task(self._execute(asked, target, result), name=f"command {begun.instrument}")

    def _check_connection(self, asked: Asked) -> None:
        if asked.command.nonce and asked.command.nonce != self.nonce:
            raise _RefusedError("made for an earlier connection of the agent: nothing was sent", "expired")
        passed_s = under_way_s(asked.command, clock.boottime_ns())
        if not 0 <= passed_s <= asked.command.timeout_us / 1e6 + SLACK_S:
            raise _RefusedError(f"it was under way for {passed_s:.1f} s: nothing was sent", "expired")
        if self._is_ending:
            raise _RefusedError("the agent is ending")
        if asked.is_raw != (asked.command.name == RAW):
            sentence = "only _raw is sent there" if asked.is_raw else "raw bytes have a topic of their own, raw/<user>"
            raise _RefusedError(sentence, "not-permitted")

    def _own(self, asked: Asked, target: Instrument) -> Reply | None:
        """The reply where the command is for the agent itself."""
        begun, arguments = asked.begun, asked.command.arguments
        if begun.instrument == ITSELF and asked.command.name.startswith("_"):
            raise _RefusedError("nobody holds an agent itself, and it takes no raw bytes: send the command alone")
        try:
            match asked.command.name:
                case "_take":
                    if self._file.is_behind:
                        raise _RefusedError("busy: the disk is behind")
                    before, control = self._leases.take(begun.instrument, asked.who, arguments)
                    reason = f"taken over from {before}" if before else ""
                    return replace(self._reply(begun, "done", reason), values={"until": control.until})
                case "_release":
                    self._leases.release(begun.instrument, asked.who, arguments)
                case "_arm":
                    self._arm(asked, target)
                case alarms.ACKNOWLEDGE:
                    return replace(self._reply(begun, "done"), values={"acknowledged": self._acknowledge(asked)})
                case name if name.startswith("_") and name != RAW:
                    raise _RefusedError(f"unknown command {name!r:.40}, expected _take, _release, _arm or _acknowledge")
                case _:
                    return None
        except LeaseError as error:
            raise _RefusedError(str(error)) from error
        return self._reply(begun, "done")

    def _arm(self, asked: Asked, target: Instrument) -> None:
        self._check_lease(asked)
        match asked.command.arguments:
            case {"name": str(name), **rest} if set(rest) <= {"arguments"} and isinstance(
                arguments := rest.get("arguments") or {}, dict
            ):
                armed = replace(asked.command, name=name, arguments=arguments)
            case _:
                raise _RefusedError("expected the name of a command, and its arguments as a map")
        if not self._guard(asked.begun.instrument, name).is_dangerous:
            raise _RefusedError(f"{name!r:.40} is no dangerous command of this instrument: it needs no arming")
        if why := target.check(armed):
            raise _RefusedError(why)
        command = guards.what(name, arguments)
        self._armed.arm(asked.begun.instrument, *asked.who, command, now_s=time.monotonic())

    def _acknowledge(self, asked: Asked) -> int:
        """Nothing is sent to the instrument, so who holds it is not asked."""
        match asked.command.arguments:
            case {"id": str(id_), **rest} if set(rest) <= {"note"} and isinstance(note := rest.get("note", ""), str):
                try:
                    return self._desk.acknowledge(
                        asked.begun.instrument, id_, asked.begun.user, alarms.check_note(note)
                    )
                except (WireError, UnknownAlarmError) as error:
                    raise _RefusedError(str(error)) from error
        raise _RefusedError('expected the id of an alarm, or "all", and perhaps a note')

    def _check(self, asked: Asked, target: Instrument) -> None:
        """Everything that can be said before the command waits for its turn."""
        begun, name = asked.begun, asked.command.name
        self._check_lease(asked)
        if self._busy[begun.instrument] >= MAX_RUNNING:
            raise _RefusedError(f"busy: {MAX_RUNNING} commands are waiting already")
        if asked.is_raw and not self._guarding.get(begun.instrument, UNGUARDED).allows_raw:
            raise _RefusedError(
                'raw bytes are off: "allow_raw = true" in the configuration of the instrument allows them'
            )
        if why := target.check(asked.command):
            raise _RefusedError(why)
        guard = self._guard(begun.instrument, name)
        command = guards.what(name, asked.command.arguments)
        is_armed = guard.is_dangerous and self._armed.use(begun.instrument, *asked.who, command, now_s=time.monotonic())
        if guard.is_dangerous and not is_armed:
            raise _RefusedError(guards.NOT_ARMED)
        if why := self._desk.interlock(begun.instrument, guard):
            raise _RefusedError(why)

    def _check_lease(self, asked: Asked) -> None:
        if why := self._leases.refusal(asked.begun.instrument, asked.who):
            raise _RefusedError(why)

    def _guard(self, instrument: str, name: str) -> guards.Guard:
        return self._guarding.get(instrument, UNGUARDED).commands.get(name, NOTHING)

    def _conclude(self, begun: Begun, reply: Reply, result: "asyncio.Future[Reply]") -> None:
        """It is done without an instrument: nobody waits for the disk, but who was given a lease."""

        def finish(_: object = None) -> None:
            self._running.pop(begun.key, None)
            if not result.done():
                result.set_result(reply)

        self._noting.leave(begun, reply)
        keeping, self._keeping = self._keeping, None
        if keeping is None or begun.name != "_take":
            finish()
        else:
            keeping.add_done_callback(finish)

    # --- what goes to an instrument -----------------------------------------------------------------------------------

    async def _execute(self, asked: Asked, target: Instrument, result: "asyncio.Future[Reply]") -> None:
        began_ns, begun = time.monotonic_ns(), asked.begun
        try:
            reply = await self._keep_and_execute(asked, target)
        except BaseException:
            result.cancel()
            raise
        finally:
            self._busy[begun.instrument] -= 1
        took_us = reply.took_us or (time.monotonic_ns() - began_ns) // 1000
        reply = replace(reply, took_us=took_us, time=reply.time or self._desk.now_us())
        try:
            await self._finish(begun, reply)
        finally:
            self._running.pop(begun.key, None)
            result.set_result(reply)

    async def _keep_and_execute(self, asked: Asked, target: Instrument) -> Reply:
        begun, timeout_s = asked.begun, asked.command.timeout_us / 1e6
        until_s = time.monotonic() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                await self._file.open()
                await self._file.begin(begun)
        except TimeoutError:
            return self._reply(begun, "expired", "its id could not be kept in time: nothing was sent")
        except OSError as error:
            why = f"its id cannot be kept ({error.strerror or error}), so it might be executed twice: nothing was sent"
            return self._reply(begun, "refused", why)
        failpoints.reach("agent.command_begun")
        return await self._executed(asked, target, until_s - time.monotonic())

    async def _executed(self, asked: Asked, target: Instrument, timeout_s: float) -> Reply:
        begun = asked.begun
        is_holder = self._leases.is_held_by(begun.instrument, asked.who)

        def gate() -> str:
            # Judged once more when the port is there: a command may have waited for it.
            if is_holder and not self._leases.is_held_by(begun.instrument, asked.who):
                return "the lease that it was sent under has ended: nothing was sent"
            why = self._leases.refusal(begun.instrument, asked.who)
            return why or self._desk.interlock(begun.instrument, self._guard(begun.instrument, asked.command.name))

        try:
            async with asyncio.timeout(timeout_s + GRACE_S):
                reply = await target.execute(asked.command, timeout_s=timeout_s, gate=gate)
            failpoints.reach("agent.command_executed")
            reply.encode()  # what cannot be sent is the driver's fault too
        except TimeoutError:
            return self._reply(begun, "timeout", f"no answer within {timeout_s:g} s")
        except Exception as error:  # a fault in a driver must not end the other instruments
            logger.exception("%s: command %s failed", begun.instrument, begun.name)
            return self._reply(begun, "failed", f"fault in the driver: {error!r:.200}")
        return reply

    async def _finish(self, begun: Begun, reply: Reply) -> None:
        """Keep what became of it, and only then let its record go: a run that died before says that it is lost."""
        frame = self._desk.number(begun.instrument, command_record.of(begun, reply))
        try:
            await self._file.end(begun.key, command_record.kept(reply).encode(), frame)
        finally:
            failpoints.reach("agent.command_ended")
            self._desk.hand_over(frame)

    # --- what the agent does by itself --------------------------------------------------------------------------------

    def _tell(self, instrument: str, control: Control) -> None:
        self._publish(instrument, control)
        self._keeping = self._file.hold(instrument, control)

    def _expired(self, instrument: str, why: str) -> None:
        begun = desks.our_own(instrument, "_release", self._desk.now_us())
        desks.leave(self._desk, begun, self._reply(begun, "done", why))

    def _gone(self, instrument: str, why: str) -> None:
        self._expired(instrument, why)
        if self._tasks is not None and not self._is_ending and (safe := self._make_safe(instrument, why)):
            sending = safe.send(is_held=lambda: self._leases.is_held(instrument))
            self._tasks.create_task(sending, name=f"safe command {instrument}")

    def _make_safe(self, instrument: str, why: str) -> SafeCommand | None:
        name, target = self._guarding.get(instrument, UNGUARDED).safe_command, self._instruments.get(instrument)
        if not name or target is None:
            return None
        logger.warning("%s: %s; sending %s", instrument, why, name)
        return SafeCommand(target, name, why, desk=self._desk, answer=self._answer)

    async def _say_lost(self, key: Key, begun: Begun) -> None:
        if begun.instrument in self._instruments:
            await self._finish(begun, self._lost(begun))

    # --- words --------------------------------------------------------------------------------------------------------

    def _lost(self, begun: Begun) -> Reply:
        return self._reply(begun, "lost", LOST)

    def _reply(self, begun: Begun, result: Result, reason: str = "") -> Reply:
        return desks.answer_to(begun, result, reason, self._desk.now_us())

    def _begun(self, instrument: str, command: Command, session: str) -> Begun:
        return Begun(
            instrument=instrument,
            user=command.user,
            id=command.id,
            name=command.name,
            origin=session,
            arguments=command_record.bounded(command_record.without_contents(instrument, command.arguments)),
            received=self._desk.now_us(),
        )

    def _refuse_unreadable(
        self, instrument: str, user: str, session: str, payload: bytes, options: dict[str, Any], why: str
    ) -> None:
        logger.warning("%s: a command that cannot be read: %s", instrument, why)
        fields = texts(payload)
        id_, name = fields.get("id", ""), fields.get("name", "")
        begun = replace(desks.our_own(instrument, name, self._desk.now_us()), user=user, id=id_, origin=session)
        reply = self._reply(begun, "refused", why)
        if instrument in self._instruments:
            desks.leave(self._desk, begun, reply)
        if "id" in fields:
            self._answer(f"{instrument}/reply", reply.encode(), options)

    def _send(self, instrument: str, result: "asyncio.Future[Reply]", options: dict[str, Any]) -> None:
        if not result.cancelled():
            self._answer(f"{instrument}/reply", result.result().encode(), options)


def _held_by_somebody(instruments: Iterable[str]) -> list[str]:
    """Those that can be taken: all but the agent itself."""
    return [name for name in instruments if name != ITSELF]


class _RefusedError(Exception):
    """Nothing was sent; the text says why."""

    def __init__(self, sentence: str, result: Result = "refused") -> None:
        super().__init__(sentence)
        self.result: Result = result
