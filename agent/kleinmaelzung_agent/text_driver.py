"""The driver of instruments that speak in lines: keeps the port open, asks, reads along, executes commands.

Conversation --lines--> patterns --> Reading --> Sink          Command --> Conversation --> Reply
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Final, Never

from kleinmaelzung_agent import command_text, durations, patterns, raw_bytes, serial_port
from kleinmaelzung_agent.conversation import Conversation
from kleinmaelzung_agent.counters import Counters
from kleinmaelzung_agent.health import Health, Verdict
from kleinmaelzung_agent.instruments import Gate, Reading, Sink, open_gate
from kleinmaelzung_agent.patterns import Match, Pattern
from kleinmaelzung_agent.schedule import Schedule
from kleinmaelzung_agent.text_config import CommandConfig, Poll, Start, TextInstrumentConfig
from kleinmaelzung_agent.transport_port import NotSentError, Port, PortError
from kleinmaelzung_wire import descriptions, messages
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

WAITS: Final = Waits(first_s=0.5, longest_s=5.0)
START_AGAIN_S: Final = 1.0
RAW: Final = "_raw"


class TextInstrument:
    """One instrument that sends and takes lines of text."""

    def __init__(self, name: str, config: TextInstrumentConfig, sink: Sink) -> None:
        self.name = name
        self.counters = Counters()
        self._config = config
        self._sink = sink
        self._health = Health(config.port.port, config.silent_after_s, self.counters)
        self._told: Verdict | None = None
        self._conversation: Conversation | None = None
        self._unasked: list[Reading] = []  # of the chunk that is being taken
        self._failures = 0
        self._start_due = asyncio.Event()

    def description(self) -> descriptions.Description:
        """What it measures and which commands it takes."""
        return descriptions.Description(
            driver="text",
            label=self._config.label,
            port=self._config.port.port,
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
        """Keep the port open and read it for ever."""
        self._tell()
        while True:
            try:
                reason = await self._session()
            except PortError as error:
                reason = str(error)
            except Exception as error:  # one instrument's surprise must not end the others
                logger.exception("instrument %s", self.name)
                reason = f"internal error: {error or type(error).__name__}"
            self._health.closed(reason)
            self._tell()
            self._failures += 1
            await asyncio.sleep(WAITS.after(self._failures))
            self.counters.reconnects += 1

    async def _session(self) -> str:
        """From the opening of the port to its loss; returns the reason."""
        conversation = Conversation(self._config, self.counters, self._take_unasked)
        reason = ""
        async with serial_port.open_port(self._config.port, lambda chunk: self._received(conversation, chunk)) as port:
            self._health.opened(self._now())
            self._tell()
            try:
                reason = await self._until_lost(conversation, port)
            finally:
                self._conversation = None
                conversation.end(reason or "the agent stopped reading this instrument")
        return reason

    async def _until_lost(self, conversation: Conversation, port: Port) -> str:
        # None of these tasks raises: a TaskGroup whose task fails forgets that it was itself cancelled (Python < 3.13).
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch(), name=f"{self.name} watch")
            ends = (
                tasks.create_task(self._lost(conversation, port), name=f"{self.name} lost"),
                tasks.create_task(self._converse(conversation, port), name=f"{self.name} polls"),
            )
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, *ends):
                task.cancel()
        return done.pop().result()

    async def _lost(self, conversation: Conversation, port: Port) -> str:
        try:
            await port.lost()
        except PortError as error:
            conversation.end(str(error))
            return str(error)

    async def _converse(self, conversation: Conversation, port: Port) -> str:
        await conversation.begin(port)
        self._conversation = conversation
        try:
            await self._poll_all(conversation)
        except PortError as error:
            return str(error)

    async def _watch(self) -> None:
        """Notice silence, which no line announces."""
        while True:
            await asyncio.sleep(max(self._health.next_change(self._now()), 0.01))
            if self._tell() == "silent":
                self._start_due.set()  # it may have been switched off and on

    async def _poll_all(self, conversation: Conversation) -> Never:
        self._start_due.set()
        schedule = Schedule([poll.every_s for poll in self._config.polls], self._now())
        while True:
            if self._start_due.is_set() and not await self._start(conversation):
                await asyncio.sleep(START_AGAIN_S)
            elif self._config.polls:
                index, due = schedule.next()
                await asyncio.sleep(max(due - self._now(), 0))
                await self._poll(conversation, self._config.polls[index])
                schedule.done(index, self._now())
            else:
                await self._start_due.wait()

    async def _start(self, conversation: Conversation) -> bool:
        """Send what has to be sent first; False where the expected answer did not come."""
        self._start_due.clear()
        try:
            for start in self._config.start:
                async with conversation.turn():
                    await self._send_start(conversation, start)
        except TimeoutError:
            self._start_due.set()
        return not self._start_due.is_set()

    async def _send_start(self, conversation: Conversation, start: Start) -> None:
        def match(line: str, taken_ns: int) -> Match | None:
            return patterns.read_reply(line, start.expect)

        if start.expect:
            await conversation.ask(self._encode(start.send), match, start.timeout_s)
            self._valid()
        else:
            await conversation.tell(self._encode(start.send), start.timeout_s)

    async def _poll(self, conversation: Conversation, poll: Poll) -> None:
        def match(line: str, taken_ns: int) -> Reading | None:
            return self._reading(line, poll.reply, taken_ns)

        try:
            async with conversation.turn():
                reading = await conversation.ask(self._encode(poll.send), match, poll.timeout_s)
        except TimeoutError:
            return
        self._hand_over([reading])

    def _received(self, conversation: Conversation, chunk: bytes) -> None:
        before = self.counters.bad()
        conversation.received(chunk)
        is_bad = self.counters.bad() != before
        if is_bad or conversation.is_inside_line:
            self._health.bad(self._now())
        if self._unasked:
            readings, self._unasked = self._unasked, []
            self._hand_over(readings)
        elif is_bad:
            self._tell()

    def _take_unasked(self, line: str, taken_ns: int) -> bool | None:
        reading = self._reading(line, self._config.streams, taken_ns)
        if reading:
            self._unasked.append(reading)
        return True if reading else None

    def _reading(self, line: str, expected: tuple[Pattern, ...], taken_ns: int) -> Reading | None:
        match = patterns.read(line, expected, self._config.channels)
        if match is None:
            return None
        return Reading(values=match.values, units=match.units, quality=match.quality, taken_ns=taken_ns)

    def _hand_over(self, readings: list[Reading]) -> None:
        self._valid()
        with_values = [reading for reading in readings if reading.values]  # others only show that it is there
        self.counters.values += sum(len(reading.values) for reading in with_values)
        if with_values:
            self._sink.samples(self.name, with_values)

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

    def _encode(self, text: str) -> bytes:
        return (text + self._config.terminator).encode(self._config.encoding)

    @staticmethod
    def _now() -> float:
        return time.monotonic()

    # --- commands -----------------------------------------------------------------------------------------------------

    def check(self, command: messages.Command) -> str:
        """Why it can never be executed: it is unknown, or its arguments are wrong; empty where it can."""
        try:
            self._prepare(command)
        except _RefusedError as refusal:
            return str(refusal)
        return ""

    async def execute(self, command: messages.Command, *, timeout_s: float, gate: Gate = open_gate) -> messages.Reply:
        """Execute one command, or `_raw`, within the time that is left. Never raises for bad input; sets no `time`."""
        begun = self._now()
        self.counters.commands += 1
        try:
            reply = await self._execute(command, begun + timeout_s, gate)
        except _RefusedError as refusal:
            reply = _reply(command, refusal.result, str(refusal))
        return replace(reply, took_us=round((self._now() - begun) * 1e6))

    async def _execute(self, command: messages.Command, deadline: float, gate: Gate) -> messages.Reply:
        prepared = self._prepare(command)
        conversation = self._conversation
        if conversation is None:
            raise _RefusedError("the instrument is not connected")
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(deadline - self._now()):
                    await stack.enter_async_context(conversation.turn())
            except TimeoutError:
                raise _RefusedError("expired while the port was busy: nothing was sent", "expired") from None
            timeout_s = min(prepared.timeout_s, deadline - self._now())
            if timeout_s <= 0:
                raise _RefusedError("expired: nothing was sent", "expired")
            if why := gate():
                raise _RefusedError(why)
            reply = await self._send(conversation, command, prepared, timeout_s)
            return replace(reply, bytes_out=prepared.outgoing, bytes_in=conversation.recorded)

    def _prepare(self, command: messages.Command) -> "_Prepared":
        if command.name == RAW:
            return self._prepare_raw(command)
        config = self._config.commands.get(command.name)
        if config is None:
            known = ", ".join(self._config.commands) or "none"
            raise _RefusedError(f"unknown command {command.name!r:.40}, expected {known}")
        return _Prepared(self._fill(config, command), config.timeout_s, config)

    def _prepare_raw(self, command: messages.Command) -> "_Prepared":
        try:
            raw = raw_bytes.read(command.arguments, self._config.encoding)
        except raw_bytes.RawError as error:
            raise _RefusedError(str(error)) from error
        return _Prepared(raw.outgoing, raw_bytes.LONGEST_WAIT_S, None, raw.wait_s)

    def _fill(self, config: CommandConfig, command: messages.Command) -> bytes:
        try:
            text = command_text.fill(config.send, config.arguments, command.arguments)
            command_text.check_terminator(command.arguments, self._config.terminator)
            return self._encode(text)
        except command_text.ArgumentError as error:
            raise _RefusedError(str(error)) from error
        except UnicodeEncodeError as error:
            raise _RefusedError(f"{error.object!r:.60} cannot be sent in {self._config.encoding}") from error

    async def _send(
        self, conversation: Conversation, command: messages.Command, prepared: "_Prepared", timeout_s: float
    ) -> messages.Reply:
        config, outgoing = prepared.config, prepared.outgoing

        def match(line: str, taken_ns: int) -> messages.Reply | None:
            return _read_reply(command, config, line) if config else None

        try:
            if config is None:
                await conversation.exchange(outgoing, prepared.wait_s, timeout_s)
            elif config.reply:
                return await self._answered(conversation.ask(outgoing, match, timeout_s))
            else:
                await conversation.tell(outgoing, timeout_s)
            return _reply(command, "done")
        except TimeoutError:
            return _reply(command, "timeout", _missing(config, conversation.recorded, timeout_s))
        except NotSentError as error:
            raise _RefusedError(f"the instrument is not connected: {error}") from error
        except PortError as error:
            return _reply(command, "lost", f"whether it was executed is not known: {error}")

    async def _answered(self, asking: Coroutine[Any, Any, messages.Reply]) -> messages.Reply:
        reply = await asking
        self._valid()
        return reply


class _RefusedError(Exception):
    """Nothing was sent; the text says why."""

    def __init__(self, sentence: str, result: messages.Result = "refused") -> None:
        super().__init__(sentence)
        self.result: messages.Result = result


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is sent, and for how long an answer is waited for; `config` is None for raw bytes."""

    outgoing: bytes
    timeout_s: float
    config: CommandConfig | None
    wait_s: float = 0.0


def _missing(config: CommandConfig | None, came: bytes, timeout_s: float) -> str:
    within = f"within {durations.show(round(timeout_s, 3))}"
    if config is None or not config.reply:
        return f"the instrument did not take what was sent {within}"
    if came:
        return f"the instrument did not answer {within} as its patterns expect: {len(came)} bytes came"
    return f"the instrument did not answer {within}: nothing came"


def _read_reply(command: messages.Command, config: CommandConfig, line: str) -> messages.Reply | None:
    for pattern in config.refuse:
        if pattern.regex.fullmatch(line):
            return _reply(command, "failed", pattern.reason)
    match = patterns.read_reply(line, config.reply)
    return replace(_reply(command, "done"), values=match.values, units=match.units) if match else None


def _reply(command: messages.Command, result: messages.Result, reason: str = "") -> messages.Reply:
    reason = reason[: messages.MAX_SENTENCE]
    return messages.Reply(id=command.id, name=command.name, user=command.user, result=result, reason=reason)
