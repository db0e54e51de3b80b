"""The question who the instrument is: the person marks the serial number in its answer, and the agent will ask first.

Trial, what was sent and what came in; an IdentityDraft and its exchange into the draft.
"""

import functools
import re
from collections.abc import Sequence

from kleinmaelzung_agent.trying import answers, identities, marks, person
from kleinmaelzung_agent.trying.draft import Exchange, IdentityDraft
from kleinmaelzung_agent.trying.trial import Trial
from kleinmaelzung_agent.trying.words import Word


def offer(trial: Trial) -> None:
    """Where the person has asked who it is, and made nothing of the answer. Raises PortError."""
    if trial.draft.identity:
        return
    for send, content in trial.history:
        lines = _lines(trial, send, content) if send is not None and identities.is_asked(send) else []
        if send is not None and not _is_polled(trial, send) and any(map(identities.is_told, lines)):
            trial.person.say(f"\nTo {send} it answered {lines[0]}")
            question = "Shall the agent ask this first, so that another instrument at this port is noticed?"
            if person.agrees(trial.person, question, default=True):
                mark(trial, send, content)
            return


def mark(trial: Trial, send: str | None, content: bytes) -> None:
    """Raises PortError."""
    say = trial.person.say
    if send is None or _is_polled(trial, send):
        say("This is no answer to a question of its own: type the one that asks who it is, such as *IDN? or I4.")
        return
    say("Asking it once more ...")
    again = _lines(trial, send, trial.line.ask(trial.sent(send), answers.ANSWER_S).content)
    lines = _lines(trial, send, content)
    same = sorted((line for line in lines if line in again), key=lambda line: not identities.is_told(line))
    if not same:
        say("It did not say the same again: this does not tell which instrument it is.")
        return
    line = same[0]
    said = identities.words(line)
    say(f"The answer:  {line}")
    say("   ".join(f"{number}: {word.text}" for number, word in enumerate(said, 1)))
    serial = _ask_serial(trial, line, said)
    pattern = _ask_pattern(trial, line, identities.propose(line, said, serial))
    _keep(trial, IdentityDraft(send=send, pattern=pattern, serial=_read(pattern, line).get("serial", "")))
    trial.draft.exchanges.append(Exchange(send=send, comes=content, lines=tuple(lines), is_identity=True))
    say(f"The agent will ask {send} first, after each opening of the port.")


def _keep(trial: Trial, found: IdentityDraft) -> None:
    trial.draft.identity = found
    trial.draft.exchanges = [kept for kept in trial.draft.exchanges if not kept.is_identity]


def _lines(trial: Trial, send: str, content: bytes) -> list[str]:
    outgoing = trial.sent(send)
    return marks.lines(content, trial.around(outgoing, content), outgoing)


def _is_polled(trial: Trial, send: str) -> bool:
    return any(source.send == send for source in trial.draft.sources)


def _ask_serial(trial: Trial, line: str, said: Sequence[Word]) -> int | None:
    guess = identities.guess(line, said)
    default = trial.wanted.serial or (str(guess + 1) if guess is not None else "-")
    question = "Which is its serial number? Its number above, or as its plate has it; - for none:"
    return person.until_right(trial.person, question, default, functools.partial(_index, said))


def _index(said: Sequence[Word], typed: str) -> int | None:
    """A text that stands there is meant before a number of a word."""
    texts = [word.text for word in said]
    if typed == "-":
        return None
    if typed in texts:
        return texts.index(typed)
    if typed.isdecimal() and 1 <= int(typed) <= len(said):
        return int(typed) - 1
    raise ValueError(f"{typed!r} is neither one of 1 to {len(said)} nor in the answer")


def _ask_pattern(trial: Trial, line: str, proposed: str) -> str:
    trial.person.say(f"The pattern:  {proposed}")
    question = "Enter to take it, or type a better pattern:"
    return person.until_right(trial.person, question, "", lambda typed: _checked(typed or proposed, line))


def _checked(pattern: str, line: str) -> str:
    try:
        found = re.fullmatch(pattern, line)
    except re.error as error:
        raise ValueError(f"this is no regular expression: {error}") from error
    if not found:
        raise ValueError("it does not match the answer")
    return pattern


def _read(pattern: str, line: str) -> dict[str, str]:
    found = re.fullmatch(pattern, line)
    return {name: text.strip() for name, text in found.groupdict().items() if text} if found else {}
