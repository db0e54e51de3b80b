"""What is typed at the prompt of a guided run: a line in; an act of the run with its arguments out. Pure."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from kleinmaelzung import CalibrationRun, RunStep
from kleinmaelzung.commands.typed import WrongUsage

HELP: Final = """\
Enter            what the line above says
r REASON         strike the last reading: it is measured again
s REASON         skip the open steps of this test
t VALUE UNIT REASON   type a value that no stream tells
c NAME [name=value]   send the instrument a command, such as c tare; c! NAME one that is dangerous
l                wait no more for this step
d TEXT           note another deviation from the method
u                the last tick was wrong
p REASON         pause: nothing is captured until Enter
adjust TEXT | BEFORE | AFTER   measured as found, and adjusted now
again REASON     measured: go back, to strike and repeat
abort REASON     end the run without a certificate
q                leave; the run stays open
"""
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]|[.,][0-9])")
_REASONS: Final = {"s": "skip", "p": "pause", "again": "measure_again", "abort": "abort"}


@dataclass(frozen=True, slots=True)
class Doing:
    """An act of wire/runs with its arguments; "quit", "help" or "nothing" are for the prompt itself.

    A "command" has its arguments as they were typed.
    """

    act: str
    arguments: dict[str, Any] = field(default_factory=dict)


NOTHING: Final = Doing("nothing")


def meaning(run: CalibrationRun, line: str) -> Doing:
    """What a line means as the run is. Raises WrongUsage."""
    typed = line.strip()
    if not typed:
        return usual(run)
    if run.state == "created" and (question := unanswered(run)) and _NUMBER.match(typed):
        value, _, unit = typed.partition(" ")
        return Doing("answer", {"name": question.name, "value": number(value), "unit": unit.strip() or question.unit})
    word, _, rest = typed.partition(" ")
    return _said(run, word, rest.strip())


def usual(run: CalibrationRun) -> Doing:
    """What Enter means."""
    if run.is_paused:
        return Doing("resume")
    match run.state:
        case "created":
            if (check := unticked(run)) is not None:
                return Doing("tick", {"check": check, "undone": False})
            return Doing("begin") if unanswered(run) is None else NOTHING
        case "measuring" if run.next is not None and waiting(run) is None:
            return Doing("place", {"step": run.next})
        case "measured":
            return Doing("calculate")
        case "adjusting":
            return Doing("begin")
    return NOTHING


def unticked(run: CalibrationRun) -> str | None:
    return next((one.check for one in run.checks if not one.by), None)


def unanswered(run: CalibrationRun) -> Any:
    """The question that is asked now: once all is ticked."""
    return None if unticked(run) else next((one for one in run.questions if one.value is None), None)


def waiting(run: CalibrationRun) -> RunStep | None:
    return next((step for step in run.steps if step.state == "waiting"), None)


def last_done(run: CalibrationRun) -> RunStep | None:
    """The reading that was made last, and not the zero before the next one."""
    done = [step for step in run.steps if step.is_done]
    readings = [step for step in done if step.what != "zero"] or done
    return max(readings, key=lambda step: (step.at or 0, step.step), default=None)


def number(text: str) -> float:
    """Raises WrongUsage; "0,1" could be one tenth, or a list."""
    if "," in text:
        raise WrongUsage(f"{text!r:.40} has a comma: write the decimal point, as in {text.replace(',', '.'):.40}")
    try:
        return float(text)
    except ValueError:
        raise WrongUsage(f"{text!r:.40} is no number, expected one such as 0.1") from None


def _said(run: CalibrationRun, word: str, rest: str) -> Doing:
    match word:
        case "q" | "quit":
            return Doing("quit")
        case "?" | "h" | "help":
            return Doing("help")
        case "l":
            return Doing("lift")
        case "r":
            return _strike(run, _reason(rest, "r REASON: why the last reading does not count"))
        case "s":
            return _skip(run, _reason(rest, "s REASON: why this test is left out"))
        case "p" | "again" | "abort":
            return Doing(_REASONS[word], {"reason": _reason(rest, f"{word} REASON")})
        case "d":
            return Doing("deviate", {"text": _reason(rest, "d TEXT: what is other than the method says")})
        case "u":
            return _untick(run)
        case "t":
            return _type(run, rest)
        case "c" | "c!":
            name, *given = _reason(rest, f"{word} NAME, such as {word} tare").split()
            return Doing("command", {"name": name, "typed": given, "confirmed": word == "c!"})
        case "adjust":
            return _adjust(rest)
    raise WrongUsage(f"{word!r:.40} is no word of this prompt: ? shows them")


def _reason(rest: str, usage: str) -> str:
    if not rest:
        raise WrongUsage(f"something is missing: {usage}")
    return rest


def _strike(run: CalibrationRun, reason: str) -> Doing:
    step = last_done(run)
    if step is None:
        raise WrongUsage("there is no reading yet to strike")
    return Doing("strike", {"step": step.step, "reason": reason})


def _skip(run: CalibrationRun, reason: str) -> Doing:
    step = waiting(run) or run.step(run.next)
    if step is None:
        raise WrongUsage("no test is open that could be skipped")
    return Doing("skip", {"test": step.test, "reason": reason})


def _untick(run: CalibrationRun) -> Doing:
    ticked = [one for one in run.checks if one.by]
    if not ticked:
        raise WrongUsage("nothing is ticked yet")
    last = max(ticked, key=lambda one: one.at or 0)
    return Doing("tick", {"check": last.check, "undone": True})


def _type(run: CalibrationRun, rest: str) -> Doing:
    parts = rest.split(None, 2)
    if len(parts) < 3:
        raise WrongUsage("something is missing: t VALUE UNIT REASON, such as t 20.1 °C the display has no output")
    step = waiting(run) or run.step(run.next)
    if step is None:
        raise WrongUsage("no step is open that a value could be typed for")
    value, unit, reason = parts
    return Doing("type", {"step": step.step, "value": value, "unit": unit, "reason": reason})


def _adjust(rest: str) -> Doing:
    parts = [part.strip() for part in _reason(rest, "adjust TEXT | BEFORE | AFTER").split("|")]
    if len(parts) > 3:
        raise WrongUsage("too much: adjust TEXT | BEFORE | AFTER, such as adjust span with 200 g | +1.2 mg | 0.0 mg")
    text, before, after = [*parts, "", ""][:3]
    return Doing("adjust", {"text": text, "before": before, "after": after})
