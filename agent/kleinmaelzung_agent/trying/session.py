"""`kleinmaelzung-agent try`: the steps of a trial, one after the other, from the command line.

    settings_step --> console (marking, command_step) --> saving

Exit codes: 0 the profile is saved and reads the instrument, 1 it does not, 2 wrong usage, 130 stopped by Ctrl-C.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from kleinmaelzung_agent import serial_ports
from kleinmaelzung_agent.drivers import raw_bytes
from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.transport_port import PortError
from kleinmaelzung_agent.trying import (
    answers,
    command_step,
    console,
    identity_step,
    marking,
    profile_hints,
    refusal_step,
    saving,
    search,
    settings_step,
    settings_tried,
)
from kleinmaelzung_agent.trying.draft import Draft
from kleinmaelzung_agent.trying.line import Line
from kleinmaelzung_agent.trying.person import Person, Typing, Yes
from kleinmaelzung_agent.trying.saving import Saved
from kleinmaelzung_agent.trying.search import Question
from kleinmaelzung_agent.trying.trial import GivenUp, Trial, Wanted, WantedArgument
from kleinmaelzung_wire import codec, remedies

STOPPED: Final = "\nStopped. Nothing was saved."
ARGUMENT_PARTS: Final = 4
SETTINGS_ONLY: Final = "nothing comes by itself, and nothing is asked: give --send, such as --send SI"


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        wanted = read(options)
        questions = _questions(options)
    except (ValueError, profile_hints.ProfileError) as error:
        print(error, file=sys.stderr)
        return 2
    person: Person = Yes(is_document_wanted=options.json) if options.yes or options.json else Typing()
    try:
        with asyncio.Runner() as runner, Line(PortSettings(port=wanted.port), runner) as line:
            saved = run(Trial(person, line, wanted, _draft(wanted), questions))
    except (GivenUp, PortError, OSError, ValueError) as error:
        return _failed(str(error), options, person)
    except (KeyboardInterrupt, EOFError, console.Quit):
        person.say(STOPPED)
        return 130
    if options.json:
        print(codec.to_json(saving.document(saved)))
    return 0 if saving.is_well(saved) else 1


def _failed(sentence: str, options: argparse.Namespace, person: Person) -> int:
    if options.json:
        print(json.dumps({"ok": False, "why": sentence}, ensure_ascii=False))
        return 1
    person.say(sentence)
    if "is used by another program" in sentence and (users := serial_ports.find_users(options.port)):
        person.say(f"It is open in {', '.join(users)}. If that is the agent: sudo systemctl stop kleinmaelzung-agent")
    elif sentence.startswith(options.port):
        person.say(f"-> {remedies.for_port(sentence)}")
    return 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="kleinmaelzung-agent try",
        description="Find out how an instrument speaks, and save a profile for it. Only the port given is touched.",
        epilog="Without options all is asked. With --yes nothing is: guesses are taken, harmless questions are sent.",
    )
    add = made.add_argument
    add("--port", required=True, help="/dev/serial/by-id/..., /dev/ttyUSB0, socket://host:4001, rfc2217://host:4001")
    add("--profile", help="ask what this profile asks, too, to find the line settings")
    add("--profiles", type=Path, metavar="FOLDER", help="where your own profiles are")
    line = made.add_argument_group("line settings; what is not given is tried")
    line.add_argument("--baudrate", type=int, nargs="+", default=[], metavar="N")
    line.add_argument(
        "--framing", nargs="+", default=[], metavar="8N1", help="data bits, parity (N E O M S), stop bits"
    )
    line.add_argument("--terminator", metavar="TEXT", help=r"what is sent ends with it: '\r\n', '\r', '\n'")
    line.add_argument("--question", action="append", default=[], metavar="TEXT", help="a harmless question to try, too")
    line.add_argument(
        "--wait", type=float, default=search.ANSWER_S, metavar="S", help="for an answer, while settings are tried"
    )
    line.add_argument(
        "--listen", type=float, default=search.LISTEN_S, metavar="S", help="whether something comes by itself"
    )
    line.add_argument("--listen-only", action="store_true", help="send nothing to find the settings")
    value = made.add_argument_group("the value")
    value.add_argument("--send", metavar="TEXT", help="the question whose answer has the value")
    value.add_argument("--value", type=int, metavar="N", help="the value is the N-th word of the answer")
    value.add_argument("--seen", default="", metavar="NUMBER", help="... or it is this number, as the display shows it")
    value.add_argument("--unit", help="its unit; '-' for none")
    value.add_argument("--channel", default="", metavar="NAME", help="what it measures, such as weight")
    value.add_argument("--quality", type=int, metavar="N", help="the N-th word says whether the value is good")
    value.add_argument("--every", default="", metavar="1s", help="how often it shall be asked")
    rest = made.add_argument_group("the profile")
    rest.add_argument(
        "--command", action="append", default=[], metavar="NAME=TEXT", help="try this command and keep it"
    )
    rest.add_argument(
        "--argument",
        action="append",
        default=[],
        metavar="NAME=ARG,UNIT,MIN,MAX",
        help="the number in command NAME is given each time: set=setpoint,°C,-20,200",
    )
    rest.add_argument("--refuse", action="append", default=[], metavar="LINE", help="it refuses a command like this")
    rest.add_argument("--identity", metavar="TEXT", help="the question which instrument it is, such as *IDN?")
    rest.add_argument("--serial", default="", metavar="N", help="its serial number, or which word of that answer it is")
    rest.add_argument("--name", default="", help="the instrument's name, such as balance")
    rest.add_argument("--label", default="", help="what it is, for people")
    rest.add_argument("--save", type=Path, metavar="FILE", help="the profile; default: NAME.toml")
    add("--yes", action="store_true", help="ask nothing, take the guesses")
    add("--json", action="store_true", help="as --yes, and print one JSON document")
    return made


def read(options: argparse.Namespace) -> Wanted:
    """What was wanted. Raises ValueError."""
    for framing in options.framing:
        settings_tried.framed(PortSettings(port=""), framing)
    for rate in options.baudrate:
        settings_tried.checked_rate(rate)
    commands = [tuple(one.partition("=")[::2]) for one in options.command]
    if wrong := next((one for one, (name, text) in zip(options.command, commands, strict=True) if not text), None):
        raise ValueError(f"--command {wrong}: expected NAME=TEXT, such as tare=T")
    end = raw_bytes.unescape(options.terminator, "ascii").decode() if options.terminator else ""
    return Wanted(
        port=options.port,
        name=options.name,
        rates=tuple(options.baudrate),
        framings=tuple(options.framing),
        terminator=end,
        send=options.send,
        value=options.value,
        seen=options.seen,
        unit=options.unit,
        channel=options.channel,
        quality=options.quality,
        every=options.every,
        label=options.label,
        commands=tuple((name, text) for name, text in commands),
        arguments=dict(_argument(one, dict(commands)) for one in options.argument),
        refusals=tuple(options.refuse),
        identity=options.identity,
        serial=options.serial,
        save=options.save,
        wait_s=options.wait,
        listen_s=options.listen,
        is_silent=options.listen_only,
    )


def _argument(one: str, commands: Mapping[str, str]) -> tuple[str, WantedArgument]:
    command, _, rest = one.partition("=")
    parts = [part.strip() for part in rest.split(",")]
    if command not in commands or not parts[0] or len(parts) > ARGUMENT_PARTS:
        expected = "NAME=ARG,UNIT,MIN,MAX with the NAME of a --command, such as set=setpoint,°C,-20,200"
        raise ValueError(f"--argument {one}: expected {expected}")
    return command, WantedArgument(*parts)


def _draft(wanted: Wanted) -> Draft:
    return Draft(name=wanted.name, label=wanted.label, settings=PortSettings(port=wanted.port))


def _questions(options: argparse.Namespace) -> tuple[Question, ...]:
    """The person's own first, then the profile's, then the usual ones."""
    end = raw_bytes.unescape(options.terminator, "ascii").decode() if options.terminator else "\r\n"
    own = [Question(text, end, "your own question") for text in options.question]
    if options.send:
        own.append(Question(options.send, end, "your own question"))
    named = profile_hints.questions(options.profile, options.profiles) if options.profile else []
    return tuple({one.outgoing: one for one in reversed([*own, *named, *search.QUESTIONS])}.values())[::-1]


def run(trial: Trial) -> Saved:
    """All steps. Raises GivenUp, PortError, OSError, console.Quit, EOFError."""
    settings_step.find(trial)
    if trial.person.is_there:
        if trial.wanted.send is not None:
            answers.send(trial, trial.wanted.send)
        console.run(trial)
    else:
        _by_itself(trial)
    return saving.finish(trial)


def _by_itself(trial: Trial) -> None:
    """The steps of the console, as the options say."""
    send = trial.wanted.send if trial.wanted.send is not None else trial.question.text if trial.question else None
    if send is None and not trial.is_streaming:
        raise GivenUp(SETTINGS_ONLY)
    content = answers.send(trial, send or "")
    if not content:
        raise GivenUp("nothing was answered")
    marking.mark(trial, *trial.history[-1])
    for name, text in trial.wanted.commands:
        command_step.add(trial, name, text)
    for line in trial.wanted.refusals:
        refusal_step.mark(trial, line)
    if identity := trial.wanted.identity:
        identity_step.mark(trial, identity, answers.send(trial, identity))
        if not trial.draft.identity:
            raise GivenUp(f"{identity} was not answered with the same twice: it does not tell which instrument it is")
