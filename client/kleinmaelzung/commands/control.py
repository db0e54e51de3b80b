"""`kleinmaelzung control`: take an instrument for oneself as long as this runs, and release it."""

import sys
import time
from argparse import ArgumentParser, Namespace
from functools import partial
from typing import Any, Final, NoReturn

from kleinmaelzung import ControlLost, Error, Held, Lab, Refused, controlling
from kleinmaelzung.commands import options, texts, times
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError

LONGEST_S: Final = 3600.0  # the agent's limits
SHORTEST_S: Final = 1.0
ROUGHLY_S: Final = 0.5  # the agent's clock may be a little ahead

TAKE: Final = """\
Until Ctrl-C nobody else may command the instrument. Ctrl-C gives it back in order, and nothing is sent to it. Where
this command is killed instead, or its connection is lost, the agent takes it that nobody is there any more: it ends
the control and sends the instrument's safe command, if its configuration names one.
"""


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="take | release")
    take = _action(actions.add_parser("take", help="until Ctrl-C nobody else may command it", description=TAKE))
    take.add_argument("--for", type=_duration, dest="duration_s", metavar="T", help="end by itself, such as after 5min")
    take.add_argument("--force", action="store_true", help="take it from whoever holds it")
    _action(actions.add_parser("release", help="give back what another of your own sessions holds"))


def _action(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("instrument", metavar="INSTRUMENT", help="<agent>/<instrument>")
    options.add_to(parser)
    return parser


def _duration(text: str) -> float:
    return times.duration(text, SHORTEST_S, LONGEST_S)


async def run(arguments: Namespace) -> int:
    try:
        topics.split_full_name(arguments.instrument)
    except WireError as error:
        raise WrongUsage(str(error)) from error
    async with options.connected(arguments) as lab:
        if arguments.action == "release":
            return await _release(lab, arguments)
        return await _take(lab, arguments)


async def _release(lab: Lab, arguments: Namespace) -> int:
    name = arguments.instrument
    try:
        await lab.release(name)
    except Refused as refused:
        await _explain(lab, name, refused)
    options.show(arguments, {"instrument": name, "held": False}, lambda: f"nobody holds {name} now")
    return 0


async def _take(lab: Lab, arguments: Namespace) -> int:
    name, duration_s = arguments.instrument, arguments.duration_s or controlling.USUAL_S
    is_extended, began_s = arguments.duration_s is None, time.monotonic()
    held: Held | None = None
    try:
        async with lab.control(name, duration_s=duration_s, force=arguments.force, extend=is_extended) as held:
            options.show(arguments, _document(held), partial(_taken, held, is_extended=is_extended))
            await held.ended()
    except Refused as refused:
        await _explain(lab, name, refused)
    except ControlLost:
        if is_extended or time.monotonic() - began_s < duration_s - ROUGHLY_S:
            raise
        print(f"the time is up: nobody holds {name} now", file=sys.stderr)
    finally:
        if held and not held.lost:
            ending = "was given back" if held.is_given_back else "did not answer: it is free once it hears of our end"
            print(f"{name} {ending}", file=sys.stderr)
    return 0


def _document(held: Held) -> dict[str, Any]:
    return {"instrument": held.instrument, "held": True, "until": held.until}


def _taken(held: Held, *, is_extended: bool) -> str:
    until = texts.local_second(held.until)
    how_long = f"until {until}, and longer as long as this runs" if is_extended else f"until {until}"
    return f"you alone may command {held.instrument} {how_long}. Ctrl-C gives it back"


async def _explain(lab: Lab, name: str, refused: Refused) -> NoReturn:
    """Raise it again with what to do."""
    held = [instrument.control for instrument in await lab.instruments(name)]
    if refused.code == "refused" and any(held):
        raise Error(f"{refused}; `kleinmaelzung control take {name} --force` takes it over") from refused
    raise refused
