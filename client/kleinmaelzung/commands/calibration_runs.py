"""`kleinmaelzung calibration runs | show | review | abort | events`: runs, and what is done beside measuring."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung import CalibrationRun, RunEvent
from kleinmaelzung.commands import calibration_steps, counts, options, texts
from kleinmaelzung.commands.typed import WrongUsage

LIMIT: Final = 50
MOST: Final = 10_000
PREFIX: Final = "R-"  # how the number of a run begins
HEADING: Final = ("NUMBER", "TIME", "BY", "WHAT", "")
MAX_DETAILS: Final = 100


def add_to(actions: Any) -> None:
    """Add these to the subcommands of `calibration`."""
    listed = _action(actions, "runs", "the calibration runs, the newest first")
    listed.add_argument("--open", action="store_true", help="only those that are not at their end")
    listed.add_argument("--instrument", default="+/+", metavar="INSTRUMENT", help="<agent>/<instrument>, + for any")
    listed.add_argument(
        "--limit", type=counts.count("runs", MOST), default=LIMIT, metavar="N", help=f"{LIMIT} unless told"
    )
    _of_run(actions, "show", "a run with all its readings")
    review = _of_run(actions, "review", "approve what was calculated, or return it")
    decided = review.add_mutually_exclusive_group(required=True)
    decided.add_argument("--approve", action="store_true", help="the certificate may be issued")
    decided.add_argument("--return", dest="returned", metavar="TEXT", help="back to the operator, and why")
    review.add_argument("--text", default="", metavar="TEXT", help="what is to be noted with the approval")
    abort = _of_run(actions, "abort", "end a run without a certificate; it stays on record")
    abort.add_argument("reason", metavar="REASON")
    _of_run(actions, "events", "all that happened in a run, with the hashes of the log")


def _action(actions: Any, name: str, meaning: str) -> ArgumentParser:
    parser: ArgumentParser = actions.add_parser(name, help=meaning, description=meaning)
    options.add_to(parser)
    return parser


def _of_run(actions: Any, name: str, meaning: str) -> ArgumentParser:
    parser = _action(actions, name, meaning)
    parser.add_argument("run", type=number, metavar="RUN", help="its number, such as R-2026-0001")
    return parser


def number(text: str) -> str:
    """The number of a run, as an option of a command."""
    if not is_run(text):
        raise ArgumentTypeError(f"{text!r:.40} is no number of a run, expected one such as R-2026-0001")
    return text


def is_run(text: str) -> bool:
    rest = text.removeprefix(PREFIX)
    return text.startswith(PREFIX) and rest.replace("-", "").isdecimal() and rest.isascii()


async def run(arguments: Namespace) -> int:
    await ACTIONS[arguments.action](arguments)
    return 0


async def _runs(arguments: Namespace) -> None:
    try:
        async with options.connected(arguments) as lab:
            found = await lab.runs.find(arguments.instrument, is_open=arguments.open, limit=arguments.limit)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    none = "no run that fits: kleinmaelzung calibration run TEMPLATE --instrument INSTRUMENT --standard ROLE=NAME"
    options.show(
        arguments,
        {"runs": [asdict(one) for one in found]},
        lambda: calibration_steps.table(found) + counts.rest(found, arguments.limit) if found else none,
    )


async def _show(arguments: Namespace) -> None:
    async with options.connected(arguments) as lab:
        _tell(arguments, await lab.runs.show(arguments.run))


async def _review(arguments: Namespace) -> None:
    if arguments.returned is not None and arguments.text:
        raise WrongUsage("--text is for --approve: --return has its own text")
    if arguments.returned is not None and not arguments.returned.strip():
        raise WrongUsage("--return needs a text: what is the operator to do?")
    text = arguments.text if arguments.approve else arguments.returned
    async with options.connected(arguments) as lab:
        found = await lab.runs.on(arguments.run).review(approve=arguments.approve, text=text)
    verb = "approved" if arguments.approve else "returned to the operator"
    options.show(arguments, asdict(found), lambda: "\n".join([f"{found.run} is {verb}", *_next(found)]))


async def _abort(arguments: Namespace) -> None:
    async with options.connected(arguments) as lab:
        found = await lab.runs.on(arguments.run).abort(arguments.reason)
    options.show(arguments, asdict(found), lambda: f"{found.run} is aborted; it stays on record")


async def _events(arguments: Namespace) -> None:
    async with options.connected(arguments) as lab:
        found = await lab.runs.events(arguments.run)
    options.show(arguments, {"run": arguments.run, "events": [asdict(one) for one in found]}, lambda: events(found))


ACTIONS: Final[dict[str, Callable[[Namespace], Awaitable[None]]]] = {
    "runs": _runs,
    "show": _show,
    "review": _review,
    "abort": _abort,
    "events": _events,
}


def _tell(arguments: Namespace, found: CalibrationRun) -> None:
    options.show(arguments, asdict(found), lambda: calibration_steps.report(found))


def _next(found: CalibrationRun) -> list[str]:
    return calibration_steps.whats_next(found)


def issued(found: CalibrationRun) -> str:
    """What is said of a run whose certificate was issued."""
    return f"{found.certificate} is issued\nkleinmaelzung calibration pdf {found.certificate}"


def events(found: Sequence[RunEvent]) -> str:
    rows = (
        (str(one.number), texts.local_time(one.time), texts.plain(one.user), one.kind, _details(one.details))
        for one in found
    )
    last = f"\nhash of entry {found[-1].number}: {found[-1].hash}" if found else ""
    return texts.table([HEADING, *rows]) + last


def _details(details: dict[str, Any]) -> str:
    """What is short of it; --json tells all."""
    short = {key: value for key, value in details.items() if isinstance(value, str | int | float) and value != ""}
    shown = texts.plain(", ".join(f"{key} {texts.value(value)}" for key, value in short.items()))
    return shown if len(shown) <= MAX_DETAILS else f"{shown[: MAX_DETAILS - 3]}..."
