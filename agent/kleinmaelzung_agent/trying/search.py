"""Finding the line settings: a port is heard, and with consent asked, at one setting after the other; each is scored.

Line, rates, framings and questions in; Found out, best first. Nothing is sent but the questions given.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.transport_port import PortError
from kleinmaelzung_agent.trying import scoring, settings_tried
from kleinmaelzung_agent.trying.line import Line
from kleinmaelzung_agent.trying.scoring import Score

LISTEN_S: Final = 2.5  # an instrument that speaks by itself does so at least every two seconds, mostly
HEAR_S: Final = 1.2
ANSWER_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class Question:
    """Something harmless to send. `text` is without its end."""

    text: str
    end: str
    meaning: str

    @property
    def outgoing(self) -> bytes:
        return (self.text + self.end).encode("ascii", "replace")


QUESTIONS: Final = (
    Question("SI", "\r\n", "the value, in MT-SICS"),
    Question("*IDN?", "\n", "who are you, in SCPI"),
    Question("", "\r", "an empty line"),
)
_DIGITS = re.compile(rb"[0-9]+")
_WORD = re.compile(rb"[A-Za-z]")
REFUSED: Final = "cannot be opened"  # as opposed to a port that is gone, or used
ENDS: Final = ("\r\n", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Found:
    """What was heard with some settings. `question` is None where it came by itself."""

    settings: PortSettings
    heard: bytes
    score: Score
    question: Question | None = None
    modbus_unit: int | None = None


Told = Callable[[Found], None]


def hear(line: Line, tried: Sequence[PortSettings], told: Told, *, listen_s: float = LISTEN_S) -> list[Found]:
    """Listen only. Where nothing comes at the first settings, nothing comes at the others."""
    found: list[Found] = []
    for settings in _known(line, tried):
        heard = line.listen(listen_s if not found else HEAR_S, HEAR_S).content
        if not heard and not found:
            return []
        found.append(_judged(line, settings, heard, None))
        told(found[-1])
        if found[-1].score.points >= scoring.SURE:
            break
        if (framing := scoring.parity_seen(heard)) and (other := _heard_as(line, settings, framing)):
            found.append(other)
            told(other)
            break
    return _sorted(found)


def _known(line: Line, tried: Sequence[PortSettings]) -> Iterator[PortSettings]:
    """Those with which the port opens: not every adapter has 7 data bits or each rate. Raises PortError."""
    refused, is_any = None, False
    for settings in tried:
        try:
            line.set(settings)
        except PortError as error:
            if REFUSED not in str(error):
                raise
            refused = error
            continue
        is_any = True
        yield settings
    if refused and not is_any:
        raise refused


def _heard_as(line: Line, settings: PortSettings, framing: str) -> Found | None:
    """The bits say that it is this framing; None where that did not help."""
    better = settings_tried.framed(settings, framing)
    line.set(better)
    found = _judged(line, better, line.listen(HEAR_S, HEAR_S).content, None)
    return found if found.score.is_text else None


def ask(
    line: Line,
    tried: Sequence[PortSettings],
    questions: Sequence[Question],
    told: Told,
    *,
    wait_s: float = ANSWER_S,
    with_modbus: bool = True,
) -> list[Found]:
    """Ask at all of these until an answer is surely text, or a right frame of Modbus."""
    found: list[Found] = []
    for settings in _known(line, tried):
        for one in _answers(line, settings, questions, wait_s, with_modbus=with_modbus):
            found.append(one)
            told(one)
            if one.modbus_unit is not None or one.score.points >= scoring.SURE:
                return _sorted(found)
    return _sorted(found)


def _answers(
    line: Line, settings: PortSettings, questions: Sequence[Question], wait_s: float, *, with_modbus: bool
) -> Iterator[Found]:
    for question in questions:
        heard = line.ask(question.outgoing, wait_s).content
        if heard:
            yield _judged(line, settings, heard, question)
    if with_modbus and settings.bytesize == 8:
        heard = line.ask(scoring.modbus_question(), wait_s).content
        if heard and scoring.modbus_unit(heard) is not None:
            yield _judged(line, settings, heard, None)


def _judged(line: Line, settings: PortSettings, heard: bytes, question: Question | None) -> Found:
    unit = scoring.modbus_unit(heard) if settings.bytesize == 8 else None
    score = scoring.score(heard)
    # An echo of the adapter is no answer.
    if question and heard == question.outgoing:
        score = Score(min(score.points, scoring.GOOD - 1), (*score.reasons, "it is only what was sent"))
    return Found(settings, heard, score, question, unit if not score.is_text else None)


def _sorted(found: list[Found]) -> list[Found]:
    return sorted(found, key=lambda one: (one.modbus_unit is None, -one.score.points))


def best_end(line: Line, question: Question, wait_s: float = ANSWER_S) -> Question:
    """The same question with the end that is answered twice in the same way; its own where none is."""
    for end in dict.fromkeys((question.end, *ENDS)):
        asked = replace(question, end=end)
        answers = [line.ask(asked.outgoing, wait_s).content for _ in range(2)]
        if all(answers) and _shape(answers[0]) == _shape(answers[1]):
            return asked
    return question


def _shape(answer: bytes) -> bytes:
    """Numbers and words may be others next time, their order stays."""
    return re.sub(rb" +", b" ", _WORD.sub(b"a", _DIGITS.sub(b"9", answer)))
