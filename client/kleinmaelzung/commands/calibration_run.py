"""`kleinmaelzung calibration run`: be led through a calibration at a terminal, or lead it by lines of JSON."""

import io
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from datetime import date
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import CalibrationRun, Error, Lab
from kleinmaelzung.commands import (
    calibration_entries,
    calibration_guide,
    calibration_runs,
    calibration_screen,
    calibration_script,
    calibration_template,
    options,
)
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError

MEANING: Final = "calibrate an instrument by its live readings, led by a template"
PLACES: Final = ("permanent", "site", "customer", "mobile")
EPILOG: Final = """\
  kleinmaelzung calibration run balance --instrument pi-1/balance --standard weights=WS-E2-01 \\
      --sensor temperature=pi-1/room/temperature --condition "clean, no damage"
  kleinmaelzung calibration run --resume R-2026-0001

TEMPLATE is one that comes along (kleinmaelzung calibration template list) or a file. At the prompt ? shows the words.
Ctrl-C and q leave; the run stays open, and --resume goes on with it.

With --json each line of the input is what to do, {"act": "place", "step": 3}, each line of the output what happened.
docs/calibration-runs.md tells all of it.
"""


def add_to(actions: Any) -> None:
    """Add `run` to the subcommands of `calibration`."""
    parser: ArgumentParser = actions.add_parser(
        "run", help=MEANING, description=MEANING, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("template", nargs="?", metavar="TEMPLATE", help="a name, or FILE.toml")
    parser.add_argument("--instrument", metavar="INSTRUMENT", help="<agent>/<instrument>, which is calibrated")
    parser.add_argument(
        "--standard",
        type=_standard,
        action="append",
        default=[],
        metavar="ROLE[@POSITION]=NAME",
        help="by the register",
    )
    parser.add_argument(
        "--sensor", type=_sensor, action="append", default=[], metavar="CONDITION=CHANNEL", help="of the room"
    )
    parser.add_argument(
        "--channel",
        type=_channel,
        action="append",
        default=[],
        metavar="NAME=CHANNEL",
        help="what the template calls NAME is this channel of the instrument; needed where it cannot be told",
    )
    parser.add_argument("--customer", type=Path, metavar="FILE.toml", help="name, address, contact, country")
    parser.add_argument(
        "--place",
        type=_place,
        metavar="KIND=ADDRESS",
        help=f"where, {' or '.join(PLACES)}; the laboratory's unless told",
    )
    parser.add_argument("--condition", default="", metavar="TEXT", help="in which condition the instrument came")
    parser.add_argument("--received", type=_date, metavar="DATE", help="when it came, such as 2026-11-23")
    parser.add_argument("--resume", type=calibration_runs.number, metavar="RUN", help="go on with this one")
    options.add_to(parser)


def _standard(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not (role and equals and name):
        raise ArgumentTypeError(f"{text!r:.60} is no standard, expected one such as weights=WS-E2-01")
    return role, name


def _sensor(text: str) -> tuple[str, str]:
    condition, equals, channel = text.partition("=")
    if not (condition and equals) or channel.count("/") != 2:
        raise ArgumentTypeError(f"{text!r:.60} is no sensor, expected one such as temperature=pi-1/room/temperature")
    return condition, channel


def _channel(text: str) -> tuple[str, str]:
    name, equals, channel = text.partition("=")
    if not (name and equals and channel):
        raise ArgumentTypeError(f"{text!r:.60} is no channel, expected one such as mass=weight")
    return name, channel


def _place(text: str) -> dict[str, str]:
    kind, _, address = text.partition("=")
    if kind not in PLACES or not address:
        raise ArgumentTypeError(f"{text!r:.60} is no place, expected one such as 'customer=Brewery X, Freising'")
    return {"kind": kind, "address": address}


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ArgumentTypeError(f"{text!r:.40} is no date, expected one such as 2026-11-23") from None


async def run(arguments: Namespace) -> int:
    check(arguments)
    wanted = None if arguments.resume else wish(arguments)
    async with options.connected(arguments) as lab:
        found = await lab.runs.show(arguments.resume) if wanted is None else await lab.runs.create(**wanted)
        if arguments.json:
            return await calibration_script.lead(lab, found, sys.stdin, sys.stdout)
        return await _guided(lab, found)


async def _guided(lab: Lab, found: CalibrationRun) -> int:
    screen = calibration_screen.Screen(sys.stdout, is_coloured=calibration_screen.is_coloured(dict(os.environ)))
    is_fine = isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower().replace("-", "") == "utf8"
    return await calibration_guide.Guide(lab, found, screen, is_fine=is_fine).go(sys.stdin)


def check(arguments: Namespace) -> None:
    """Raise WrongUsage for what cannot be meant."""
    of_run = (arguments.template, arguments.instrument, arguments.standard, arguments.sensor, arguments.channel)
    if arguments.resume and any((*of_run, arguments.customer)):
        raise WrongUsage(
            "--resume goes on with a run as it was begun: give no template, instrument, standard, sensor or channel"
        )
    if not arguments.resume and not (arguments.template and arguments.instrument):
        raise WrongUsage("say by which TEMPLATE and of which --instrument, or which run to --resume")
    if arguments.instrument:
        try:
            topics.split_full_name(arguments.instrument)
        except WireError as error:
            raise WrongUsage(str(error)) from error
    if not arguments.json and not calibration_screen.is_able(sys.stdout, sys.stdin, os.environ.get("TERM", "")):
        raise WrongUsage("this is no terminal that can be written on: --json leads a run by lines of JSON")


def wish(arguments: Namespace) -> dict[str, Any]:
    """The arguments of Runs.create(). Raises Error for a file that cannot be read."""
    standards: dict[str, list[str]] = {}
    for role, name in arguments.standard:
        standards.setdefault(role, []).append(name)
    return {
        "template": template(arguments.template),
        "instrument": arguments.instrument,
        "standards": standards,
        "sensors": dict(arguments.sensor),
        "channels": dict(arguments.channel),
        "customer": None if arguments.customer is None else calibration_entries.content(arguments.customer),
        "place": arguments.place,
        "condition": arguments.condition,
        "received": arguments.received or "",
    }


def template(text: str) -> str | bytes:
    """A name as it is; of a file its bytes."""
    file = Path(text)
    if not (file.suffix == ".toml" or "/" in text):
        return text
    content = calibration_template.content_of(file)
    if len(content) > calibration_template.MAX_BYTES:
        raise Error(f"{file} has more than {calibration_template.MAX_BYTES // 1024} KiB, which no template has")
    return content
