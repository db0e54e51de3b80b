"""Instruments that speak in lines of text: what is sent, and what a line says, as patterns tell it. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kleinmaelzung_agent.drivers import command_text, driver, identity
from kleinmaelzung_agent.drivers.conversation import Match as Matching
from kleinmaelzung_agent.drivers.conversation import Splitter
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.dialect import Manner, Request
from kleinmaelzung_agent.drivers.driver import RefusedError
from kleinmaelzung_agent.drivers.text import patterns
from kleinmaelzung_agent.drivers.text.answers import Answer, Checked, Says, echoed, nothing
from kleinmaelzung_agent.drivers.text.blocks import BlockSplitter
from kleinmaelzung_agent.drivers.text.config import Handshake, Start, TextCommand, TextConfig
from kleinmaelzung_agent.drivers.text.framed import FramedSplitter
from kleinmaelzung_agent.drivers.text.lines import LineSplitter
from kleinmaelzung_agent.drivers.text.patterns import Match, Pattern
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.messages import Command, Reply


class TextDialect:
    """A dialect.Dialect whose messages are lines."""

    def __init__(self, config: TextConfig) -> None:
        self._config = config
        self._framing = config.framing
        self.manner = Manner(
            port=config.port,
            periods=[poll.period for poll in config.polls],
            encoding=config.framing.encoding,
            is_unasked=bool(config.streams),
            gap_s=config.gap_s,
        )

    def splitter(self, counters: Counters) -> Splitter:
        make = FramedSplitter if self._framing.received_begin else LineSplitter
        lines = make(counters=counters, framing=self._framing)
        return BlockSplitter(lines, self._config.blocks) if self._config.blocks else lines

    def _echo(self, text: str) -> str:
        return text if self._config.echo else ""

    # --- questions ----------------------------------------------------------------------------------------------------

    def identity(self) -> Request | None:
        inquiry = self._config.inquiry
        if inquiry is None:
            return None

        def says(text: str, taken_ns: int) -> dict[str, str] | None:
            found = inquiry.pattern.fullmatch(text)
            return identity.tidy(found.groupdict()) if found else None

        match = Answer(says, echo=self._echo(inquiry.send))
        return Request(outgoing=self._framing.wrap(inquiry.send), match=match, timeout_s=inquiry.timeout_s)

    def starts(self) -> Sequence[Request]:
        return [self._start(start) for start in self._config.start]

    def _start(self, start: Start) -> Request:
        def says(text: str, taken_ns: int) -> Match | None:
            return patterns.read_reply(text, start.expect)

        echo = self._echo(start.send)
        alone = echoed(Match(), echo) if echo else None
        match = Answer(says, echo=echo) if start.expect else alone
        return Request(outgoing=self._framing.wrap(start.send), match=match, timeout_s=start.timeout_s)

    def poll(self, index: int) -> Request:
        poll = self._config.polls[index]

        def says(text: str, taken_ns: int) -> Reading | None:
            return self._reading(text, poll.reply, taken_ns)

        def alone(line: str, taken_ns: int) -> Reading | None:
            return self._reading(line, [pattern for pattern in poll.reply if pattern.blank], taken_ns)

        handshake = poll.handshake
        text = handshake.then if handshake else poll.send
        match = Answer(says, extent=poll.extent, alone=alone, echo=self._echo(text))
        request = Request(outgoing=self._framing.wrap(text), match=match, timeout_s=poll.period.timeout_s)
        return self._confirmed(poll.send, handshake, request, Match()) if handshake else request

    def _confirmed(
        self, text: str, handshake: Handshake, then: Request, confirmed: Any, refuses: Says[Reply] = nothing
    ) -> Request:
        """Ask this, and `then` after its confirmation, whose answer is `confirmed`."""

        def says(line: str, taken_ns: int) -> Any:
            return confirmed if handshake.confirm.fullmatch(line) else refuses(line, taken_ns)

        return replace(then, outgoing=self._wrap(text), match=Answer(says, echo=self._echo(text)), then=then)

    def unasked(self, message: str, taken_ns: int) -> Reading | None:
        return self._reading(message, self._config.streams, taken_ns)

    def _reading(self, text: str, expected: Sequence[Pattern], taken_ns: int) -> Reading | None:
        match = patterns.read(text, expected, self._config.channels)
        if match is None:
            return None
        return Reading(values=match.values, units=match.units, quality=match.quality, taken_ns=taken_ns)

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, command: Command) -> Request:
        config = driver.configured(self._config.commands, command)
        text = self._fill(config, command)
        errors = self._config.errors
        sent = (
            [errors.clear, text, errors.send] if errors and errors.clear else [text, errors.send] if errors else [text]
        )
        outgoing = b"".join(self._wrap(line) for line in sent)
        if handshake := config.handshake:
            match = self._match(command, config, handshake.then)
            then = Request(outgoing=self._wrap(handshake.then), match=match, timeout_s=config.timeout_s)
            return self._confirmed(text, handshake, then, driver.reply(command, "done"), _refuses(command, config))
        return Request(outgoing=outgoing, match=self._match(command, config, text), timeout_s=config.timeout_s)

    def _match(self, command: Command, config: TextCommand, text: str) -> Matching[Reply] | None:
        decimal, echo, errors = self._config.decimal, self._echo(text), self._config.errors

        def reads(line: str) -> Match | None:
            return patterns.read_reply(line, config.reply, decimal, self._config.no_value)

        def says(line: str, taken_ns: int) -> Reply | None:
            match = reads(line)
            return replace(driver.reply(command, "done"), values=match.values, units=match.units) if match else None

        if errors:
            return Checked(command, reads if config.reply else None, errors.none, errors.some)
        if config.reply:
            return Answer(says, extent=config.extent, alone=_refuses(command, config), echo=echo)
        return echoed(driver.reply(command, "done"), echo) if echo else None

    def _fill(self, config: TextCommand, command: Command) -> str:
        try:
            text = command_text.fill(
                config.send, config.arguments, command.arguments, self._config.decimal, config.scales
            )
            command_text.check_terminator(command.arguments, self._framing.terminator.decode(self._framing.encoding))
        except command_text.ArgumentError as error:
            raise RefusedError(str(error)) from error
        return text

    def _wrap(self, text: str) -> bytes:
        try:
            return self._framing.wrap(text)
        except UnicodeEncodeError as error:
            raise RefusedError(f"{error.object!r:.60} cannot be sent in {self._framing.encoding}") from error


def _refuses(command: Command, config: TextCommand) -> Says[Reply]:
    def refuses(line: str, taken_ns: int) -> Reply | None:
        reason = patterns.refusal(line, config.refuse)
        return driver.reply(command, "failed", reason) if reason else None

    return refuses
