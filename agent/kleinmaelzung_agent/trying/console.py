"""Step 2: somebody types, it is sent, and what comes is shown as bytes and as text, with its time.

A line that begins with a dot is for this program: .help. Escapes stand for control characters: \\x02, \\e, \\t.
"""

import re
from typing import Final

from kleinmaelzung_agent.drivers import raw_bytes
from kleinmaelzung_agent.drivers.raw_bytes import RawError
from kleinmaelzung_agent.drivers.transport_port import PortError
from kleinmaelzung_agent.trying import (
    answers,
    bytes_shown,
    command_step,
    identity_step,
    marking,
    refusal_step,
    settings_tried,
)
from kleinmaelzung_agent.trying.trial import Trial

HELP: Final = """\
  what you type      is sent, and what it ends with ({end}) is put behind it
                     \\r \\n \\t \\e \\xNN stand for control characters, \\\\ for a backslash
  Enter              listens for two seconds without sending anything
  arrow up           brings back what you typed before
  .value             the last answer has a value: mark it
  .command           keep something as a command, such as tare or start
  .identity          the last answer says which instrument it is: mark its serial number
  .refuse            the last answer is how it refuses a command
  .end \\r            what is sent ends with this; .end alone: with nothing
  .line 2400 7E1     other line settings
  .hex 02 53 49 03   send these bytes as they are
  .done              save the profile             .quit  stop, nothing is saved
  a text that begins with a dot: \\x2e"""


class Quit(Exception):
    """The person wants to stop."""


def run(trial: Trial) -> None:
    """Until the person is done. Raises Quit, PortError, EOFError."""
    say = trial.person.say
    say("\n2. Try it out")
    if trial.is_streaming:
        say("It speaks by itself: press Enter to see what comes. What you type is sent to it.")
    else:
        say("Type what the manual says, for example a question for the value. What you type is sent to the instrument.")
    say("When an answer has the value in it, type .value; when all is there, .done. All commands: .help")
    while True:
        typed = trial.person.ask(">")
        try:
            if _did(trial, typed):
                return
        except (ValueError, PortError) as error:  # RawError is a ValueError
            say(f"{error}")
            if isinstance(error, PortError):
                trial.line.set(trial.draft.settings)


def _did(trial: Trial, typed: str) -> bool:
    """Whether the person is done."""
    word, _, rest = typed.partition(" ")
    match word:
        case ".help":
            trial.person.say(HELP.format(end=bytes_shown.escaped(trial.end) or "nothing"))
        case ".value":
            _mark(trial)
        case ".command":
            command_step.add(trial, *_name_and_text(rest))
        case ".identity":
            _identify(trial)
        case ".refuse":
            _refuse(trial)
        case ".end":
            trial.draft.terminator = raw_bytes.unescape(rest.strip(), "ascii").decode("ascii")
        case ".line":
            settings = settings_tried.read(rest, trial.draft.settings)
            trial.line.set(settings)
            trial.draft.settings = settings
            trial.person.say(settings_tried.in_words(trial.draft.settings))
        case ".hex":
            answers.show(trial, trial.line.ask(_bytes(rest), answers.ANSWER_S))
        case ".quit":
            raise Quit
        case ".done":
            if trial.draft.sources:
                identity_step.offer(trial)
                return True
            trial.person.say("No value is marked yet: send what asks for it, then type .value, or .quit to stop.")
        case _ if re.match(r"\.[a-z]+\Z", word):
            trial.person.say(f"{word} is not known here; .help shows what is. To send it, write the dot as \\x2e.")
        case _:
            answers.send(trial, typed)
    return False


def _name_and_text(rest: str) -> tuple[str, str]:
    name, _, text = rest.partition(" ")
    return name.strip(), text.strip()


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise RawError(f"{text!r:.40} is no text of hexadecimal digits, expected such as 02 53 49 03") from None


def _identify(trial: Trial) -> None:
    if trial.history:
        identity_step.mark(trial, *trial.history[-1])
    else:
        trial.person.say("Nothing has come yet: type what asks who it is, such as *IDN? or I4.")


def _refuse(trial: Trial) -> None:
    if line := refusal_step.last(trial):
        refusal_step.mark(trial, line)
    else:
        trial.person.say("Nothing was answered yet: type something that it does not know.")


def _mark(trial: Trial) -> None:
    if not trial.history and trial.is_streaming:
        answers.send(trial, "")
    if not trial.history:
        trial.person.say("Nothing has come yet: type what asks for the value, or Enter to listen.")
        return
    marking.mark(trial, *trial.history[-1])
