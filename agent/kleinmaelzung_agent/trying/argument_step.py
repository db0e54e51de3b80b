"""A command with a number in it: the person says which number is given each time, its name, unit and range."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from kleinmaelzung_agent.trying import arguments, person, words
from kleinmaelzung_agent.trying.arguments import Number
from kleinmaelzung_agent.trying.draft import ArgumentDraft
from kleinmaelzung_agent.trying.trial import Trial, WantedArgument
from kleinmaelzung_wire.frames import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What is sent, with its arguments, and the values that were typed."""

    send: str
    arguments: tuple[ArgumentDraft, ...] = ()
    given: dict[str, Value] = field(default_factory=dict)


def ask(trial: Trial, command: str, text: str) -> Filled:
    """The numbers of what was sent, each on its own; with nobody there, as the options say. Raises ValueError."""
    decimal = trial.draft.decimal if trial.draft.sources else words.decimal_mark([text])
    wanted: dict[str, Number] = {}
    made: list[ArgumentDraft] = []
    found = arguments.numbers(text, decimal)
    meant = trial.wanted.arguments.get(command)
    if meant and not found:
        raise ValueError(f"there is no number in {text} that could be {meant.name}")
    for number in found:
        proposed = meant if number is found[-1] else None
        if name := _ask_name(trial, number, proposed, list(wanted)):
            wanted[name] = number
            made.append(_argument(trial, name, number, proposed))
    send = arguments.template(text, wanted)
    if why := arguments.mistake(text, send, made, wanted, decimal):
        trial.person.say(f"The number stays as it is: {why}.")
        return Filled(send=arguments.template(text, {}))
    return Filled(send=send, arguments=tuple(made), given={name: number.value for name, number in wanted.items()})


def _ask_name(trial: Trial, number: Number, proposed: WantedArgument | None, taken: Sequence[str]) -> str:
    question = f"Shall {number.text} be given each time? A name for it, such as setpoint; Enter for no:"
    read = functools.partial(arguments.checked_name, taken=taken)
    return person.until_right(trial.person, question, proposed.name if proposed else "", read)


def _argument(trial: Trial, name: str, number: Number, proposed: WantedArgument | None) -> ArgumentDraft:
    given = proposed or WantedArgument(name=name)
    unit = trial.person.ask("Its unit, - for none:", given.unit)
    least = _ask_bound(trial, "The least it may be, - for no limit:", given.minimum)
    while True:
        most = _ask_bound(trial, "The most it may be, - for no limit:", given.maximum)
        if least is None or most is None or least <= most:
            break
        if not trial.person.is_there:
            raise ValueError(f"{name}: the least, {least:g}, is more than the most, {most:g}")
        trial.person.say(f"This is less than {least:g}. Please try again.")
    return ArgumentDraft(name=name, type=number.type, unit="" if unit == "-" else unit, minimum=least, maximum=most)


def _ask_bound(trial: Trial, question: str, default: str) -> float | None:
    return person.until_right(trial.person, question, default, arguments.bound)
