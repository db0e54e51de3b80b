"""A command is tried once and kept with its answer: name and text in, a CommandDraft and its exchange out.

What is sent here may act: it is asked before.
"""

from collections.abc import Sequence

from kleinmaelzung_agent.drivers import raw_bytes
from kleinmaelzung_agent.trying import answers, bytes_shown, marks, person, words
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
    found = trial.draft.marks if trial.draft.sources else marks.keys(outgoing, [heard.content])
    lines = marks.lines(heard.content, found, outgoing)
    pattern = _pattern(trial, lines)
    if pattern and not person.agrees(one, "Does this answer mean that it was done?", default=True):
        one.say("Then it is not kept. Try it again when the instrument can do it.")
        return
    trial.draft.commands = [kept for kept in trial.draft.commands if kept.name != name]
    trial.draft.exchanges = [kept for kept in trial.draft.exchanges if kept.command != name]
    trial.draft.commands.append(
        CommandDraft(name=name, send=send.replace("{", "{{").replace("}", "}}"), pattern=pattern)
    )
    trial.draft.exchanges.append(Exchange(command=name, send=send, comes=heard.content, lines=tuple(lines)))
    one.say(f"Command {name} is kept.")


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
