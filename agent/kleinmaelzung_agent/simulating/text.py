"""A simulated instrument that speaks in lines: text and SCPI. It answers by its transcript."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.drivers.text.framed import FramedSplitter
from kleinmaelzung_agent.drivers.text.framing import Framing
from kleinmaelzung_agent.drivers.text.lines import LineSplitter
from kleinmaelzung_agent.simulating.instrument import Say, Voice
from kleinmaelzung_agent.simulating.script import Entry, Script
from kleinmaelzung_agent.simulating.variables import Variables

TERMINATOR: Final = "\r\n"


def mirrored(framing: Framing, terminator: bytes) -> Framing:
    """How lines are to the instrument: what the agent sends it hears, and what it says the agent hears."""
    found = framing.line_sum
    return replace(
        framing,
        begin=framing.received_begin,
        received_begin=framing.begin,
        terminator=framing.received_terminator or terminator,
        received_terminator=framing.terminator,
        line_sum=found and replace(found, is_sent=found.is_received, is_received=found.is_sent),
    )


class SimulatedText:
    """An instrument that speaks in lines."""

    def __init__(
        self, config: TextConfig, variables: Variables, entries: Sequence[Entry], terminator: bytes = b"\r\n"
    ) -> None:
        self.variables, self.entries = variables, entries
        self.script = Script(entries, variables)
        self.framing = mirrored(config.framing, terminator)
        self.echo = config.framing if config.echo else None

    def talk(self, say: Say) -> "TextTalk":
        return TextTalk(self, say)


class TextTalk:
    """One conversation."""

    def __init__(self, instrument: SimulatedText, say: Say) -> None:
        self._instrument, self._say = instrument, say
        make = FramedSplitter if instrument.framing.received_begin else LineSplitter
        self._splitter = make(counters=Counters(), framing=instrument.framing)
        self._splitter.begin()
        self._voice = Voice(instrument.script.unasked, self._speak)
        self.close = self._voice.close

    def heard(self, chunk: bytes) -> None:
        for line in self._splitter.feed(chunk):
            echo = self._instrument.echo
            answer = self._instrument.script.answer(line, time.monotonic())
            said = self._wrapped(answer or [])
            if outgoing := (echo.wrap(line) if echo else b"") + said:
                self._say(outgoing)

    def _wrapped(self, lines: Sequence[str]) -> bytes:
        return b"".join(self._instrument.framing.wrap(line) for line in lines)

    def _speak(self, entry: Entry) -> None:
        if lines := self._instrument.script.say(entry, time.monotonic()):
            self._say(self._wrapped(lines))
