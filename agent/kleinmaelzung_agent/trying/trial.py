"""What the steps of one trial share: who is asked, the port, what was wanted, and what is known so far."""

from dataclasses import dataclass, field
from pathlib import Path

from kleinmaelzung_agent.trying.draft import Draft
from kleinmaelzung_agent.trying.line import Line
from kleinmaelzung_agent.trying.person import Person
from kleinmaelzung_agent.trying.search import Question


class GivenUp(Exception):
    """The trial ends without a profile; the text is a sentence that says why and what to do."""


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
    save: Path | None = None
    wait_s: float = 0.4
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

    @property
    def end(self) -> bytes:
        return self.draft.terminator.encode("ascii", "replace")
