"""How the instrument refuses a command: an answer in, a RefusalDraft out, which all commands will know."""

import re
from collections.abc import Iterator
from typing import Final

from kleinmaelzung_agent.trying import marks, person, words
from kleinmaelzung_agent.trying.draft import RefusalDraft
from kleinmaelzung_agent.trying.trial import Trial

_USUAL: Final = re.compile(
    r"E[STL]|E[0-9]{1,4}|\?+|\x15|NAC?K|NO|.*\b(?:ERR(?:OR)?|UNKNOWN|INVALID|ILLEGAL|SYNTAX|UNDEFINED|FAILED?)\b.*"
    r"|.*\bERR(?:OR)?[0-9]+.*",
    re.IGNORECASE,
)


def is_usual(line: str) -> bool:
    """Whether instruments refuse like this: `ES`, `?`, `ERR 12`, `Unknown command`."""
    return _USUAL.fullmatch(line.strip()) is not None


def mark(trial: Trial, line: str) -> None:
    """Keep it, with what it means."""
    if any(re.fullmatch(one.pattern, line) for one in trial.draft.refusals):
        trial.person.say(f"{line} is known as a refusal already.")
        return
    pattern = words.propose([line], {}, trial.draft.decimal).pattern
    usual = f"the instrument refused it: {line.strip()}"
    reason = trial.person.ask("What does it mean, for people?", usual)
    trial.draft.refusals.append(RefusalDraft(line=line, pattern=pattern, reason=reason))
    trial.person.say(f"A command fails where {line} is answered.")


def offer(trial: Trial) -> None:
    """What looked like a refusal so far is asked about, once each."""
    for send, line in _seen(trial):
        if line not in trial.asked_about:
            trial.asked_about.add(line)
            if person.agrees(trial.person, f"To {send} it answered {line}: does it refuse like this?", default=True):
                mark(trial, line)


def last(trial: Trial) -> str:
    """The first line of the last answer."""
    return next((line for _, line in _answered(trial, trial.heard[-1:])), "")


def _seen(trial: Trial) -> list[tuple[str, str]]:
    known = [one.pattern for one in trial.draft.refusals]
    return [
        (send, line)
        for send, line in _answered(trial, trial.heard)
        if is_usual(line) and not any(re.fullmatch(pattern, line) for pattern in known)
    ]


def _answered(trial: Trial, heard: list[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    """Each question and the first line of its answer."""
    for send, content in heard:
        outgoing = trial.sent(send)
        if lines := marks.lines(content, trial.around(outgoing, content), outgoing):
            yield send, lines[0]
