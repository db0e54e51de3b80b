"""A command is tried once and kept with its answer: name and text in, a CommandDraft and its exchange out.

What is sent here may act: it is asked before.
"""

from collections.abc import Sequence

from kleinmaelzung_agent.drivers import raw_bytes
from kleinmaelzung_agent.trying import answers, argument_step, bytes_shown, marks, person, refusal_step, words
from kleinmaelzung_agent.trying.draft import CommandDraft, Exchange
from kleinmaelzung_agent.trying.trial import Trial
from kleinmaelzung_wire import topics


def add(trial: Trial, name: str = "", text: str = "") -> None:
    """Raises PortError, ValueError for what cannot be sent."""
    one = trial.person
    name = name or person.until_right(one, "A name for the command, such as tare:", "", _name)
    _name(name)
    text = text or one.ask("What is sent, such as T:")
    outgoing = raw_bytes.unescape(text, "utf-8") + trial.end
    if not text or not person.agrees(
        one, f"{bytes_shown.escaped(outgoing)} is sent now, and the instrument may act. Send?"
    ):
        one.say("Nothing was sent.")
        return
    heard = trial.line.ask(outgoing, answers.ANSWER_S)
    answers.show(trial, heard)
    send = raw_bytes.unescape(text, "utf-8").decode("utf-8")
    if heard.content:
        trial.heard.append((send, heard.content))
    lines = marks.lines(heard.content, trial.around(outgoing, heard.content), outgoing)
    pattern = _pattern(trial, lines)
    if pattern and not _is_done(trial, lines[0]):
        one.say("Then it is not kept. Try it again when the instrument can do it.")
        if one.is_there:
            one.say("If this is how it refuses a command, type .refuse")
        return
    filled = argument_step.ask(trial, name, send)
    trial.draft.commands = [kept for kept in trial.draft.commands if kept.name != name]
    trial.draft.exchanges = [kept for kept in trial.draft.exchanges if kept.command != name]
    trial.draft.commands.append(CommandDraft(name=name, send=filled.send, pattern=pattern, arguments=filled.arguments))
    trial.draft.exchanges.append(
        Exchange(command=name, arguments=filled.given, send=send, comes=heard.content, lines=tuple(lines))
    )
    one.say(f"Command {name} is kept.")
    if pattern and one.is_there:
        refusal_step.offer(trial)


def _is_done(trial: Trial, line: str) -> bool:
    """What the person says; with nobody there, what does not look like a refusal."""
    if not trial.person.is_there:
        return not refusal_step.is_usual(line)
    return person.agrees(trial.person, "Does this answer mean that it was done?", default=True)


def _name(typed: str) -> str:
    if not topics.NAME.match(typed) or typed.isdigit():
        raise ValueError(f"{typed!r} cannot be its name: 1 to 32 of a-z 0-9 _ -, starting with a letter or digit")
    return typed


def _pattern(trial: Trial, lines: Sequence[str]) -> str:
    """Of the first line of the answer: its first number is a value."""
    if not lines:
        trial.person.say("Nothing was answered: the command is done when it is sent.")
        return ""
    decimal = trial.draft.decimal if trial.draft.sources else words.decimal_mark(lines)
    meant = words.meant(lines[0], decimal)
    index = words.guess_value(meant, decimal)
    groups = {} if index is None else {index: "value"}
    if index is not None and (behind := words.guess_unit(meant, index)) is not None:
        groups[behind] = "unit"
    pattern = words.propose(lines[:1], groups, decimal).pattern
    trial.person.say(f"The answer's pattern:  {pattern}")
    return pattern
