"""What the steps of one trial share: who is asked, the port, what was wanted, and what is known so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kleinmaelzung_agent.trying import marks
from kleinmaelzung_agent.trying.draft import Draft
from kleinmaelzung_agent.trying.line import Line
from kleinmaelzung_agent.trying.person import Person
from kleinmaelzung_agent.trying.search import Question


class GivenUp(Exception):
    """The trial ends without a profile; the text is a sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class WantedArgument:
    """What --argument says of a command's number; the limits as they were typed."""

    name: str
    unit: str = ""
    minimum: str = ""
    maximum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was said on the command line; what was not is asked, or found out."""

    port: str
    name: str = ""
    rates: tuple[int, ...] = ()
    framings: tuple[str, ...] = ()
    terminator: str = ""
    send: str | None = None
    value: int | None = None
    seen: str = ""
    unit: str | None = None
    channel: str = ""
    quality: int | None = None
    every: str = ""
    label: str = ""
    commands: tuple[tuple[str, str], ...] = ()
    arguments: Mapping[str, WantedArgument] = field(default_factory=dict)  # by the command
    refusals: tuple[str, ...] = ()
    identity: str | None = None
    serial: str = ""
    save: Path | None = None
    wait_s: float = 0.4
    listen_s: float = 2.5
    is_silent: bool = False  # nothing is sent to find the settings


@dataclass(slots=True)
class Trial:
    person: Person
    line: Line
    wanted: Wanted
    draft: Draft
    questions: tuple[Question, ...] = ()  # harmless ones
    question: Question | None = None  # that was answered
    is_streaming: bool = False
    history: list[tuple[str | None, bytes]] = field(default_factory=list)  # what was sent, what came
    heard: list[tuple[str, bytes]] = field(default_factory=list)  # to each question that was typed, commands too
    asked_about: set[str] = field(default_factory=set)  # answers that may be refusals

    @property
    def end(self) -> bytes:
        return self.draft.terminator.encode("ascii", "replace")

    def sent(self, text: str) -> bytes:
        """A question as it went out."""
        return text.encode("utf-8") + self.end

    def around(self, outgoing: bytes, content: bytes) -> Mapping[str, Any]:
        """What stands around the text of an answer: as the value's answers showed it, or as this one does."""
        return self.draft.marks if self.draft.sources else marks.keys(outgoing, [content])
