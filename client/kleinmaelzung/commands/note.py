"""`kleinmaelzung note`: put a note on an instrument's time line, read what is there, withdraw what was wrong."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung import Lab, Note
from kleinmaelzung.commands import counts, options, texts, times
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import notes, topics
from kleinmaelzung_wire.codec import WireError

LIMIT: Final = 50
MOST: Final = 1_000_000
HEADING: Final = ("NUMBER", "TIME", "INSTRUMENT", "BY", "NOTE")
LATE_US: Final = 60_000_000  # what was noted so much later than it was is told with both times
EPILOG: Final = f"""\
Times: {times.EXAMPLES}. Without --at a note is of now, without --until of a moment.

  kleinmaelzung note add pi-1/balance "cleaned the pan"
  kleinmaelzung note add pi-1/oven "door was open" --at 30min --until 20min
  kleinmaelzung note list pi-1/+ --from 7d
  kleinmaelzung note withdraw 12 "it was the other oven"

What is withdrawn stays in the list, as withdrawn: by whoever wrote it, or an admin.
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = _action(actions, "add", "put a note on an instrument's time line")
    add.add_argument("instrument", metavar="INSTRUMENT", help="<agent>/<instrument>")
    add.add_argument("text", metavar="TEXT", help=f"up to {notes.MAX_TEXT} characters, with line breaks")
    add.add_argument("--at", type=times.moment, metavar="T", help="when it was so, or since when")
    add.add_argument("--until", type=times.moment, metavar="T", help="until when it was so")
    listed = _action(actions, "list", "the notes on instruments' time lines")
    listed.add_argument(
        "instrument", nargs="?", default="+/+", metavar="INSTRUMENT", help="<agent>/<instrument>, + for any"
    )
    listed.add_argument("--from", type=times.moment, dest="since", metavar="T", help=f"only since, {times.EXAMPLES}")
    listed.add_argument("--to", type=times.moment, dest="until", metavar="T", help="only up to here")
    listed.add_argument(
        "--limit",
        type=counts.count("notes", MOST),
        default=LIMIT,
        metavar="N",
        help=f"the newest N, {LIMIT} unless told",
    )
    withdraw = _action(actions, "withdraw", "say that a note was wrong; it stays on record as withdrawn")
    withdraw.add_argument("number", type=_number, metavar="NUMBER", help="the note's, as list shows it")
    withdraw.add_argument("reason", metavar="REASON", help="what was wrong")


def _action(actions: Any, name: str, meaning: str) -> ArgumentParser:
    parser: ArgumentParser = actions.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
    options.add_to(parser)
    return parser


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text)):
        raise ArgumentTypeError(f"{text!r:.40} is no note's number, expected one such as 12")
    return int(text)


async def run(arguments: Namespace) -> int:
    check(arguments)
    async with options.connected(arguments) as lab:
        match arguments.action:
            case "add":
                await _add(lab, arguments)
            case "withdraw":
                note = await lab.notes.withdraw(arguments.number, arguments.reason)
                options.show(arguments, asdict(note), lambda: f"note {note.number} on {note.instrument} is withdrawn")
            case _:
                await _list(lab, arguments)
    return 0


def check(arguments: Namespace) -> None:
    """Raise WrongUsage for what cannot be meant."""
    try:
        match arguments.action:
            case "add":
                topics.split_full_name(arguments.instrument)
                notes.check_text(arguments.text)
                if arguments.until is not None and (arguments.at is None or arguments.until <= arguments.at):
                    raise WrongUsage("--until is the end of a time that began earlier: give --at too, and before it")
            case "withdraw":
                notes.check_text(arguments.reason, "reason")
            case _:
                topics.split_pattern(arguments.instrument)
                times.check_span(arguments)
    except WireError as error:
        raise WrongUsage(str(error)) from error


async def _add(lab: Lab, arguments: Namespace) -> None:
    note = await lab.notes.add(arguments.instrument, arguments.text, at=arguments.at, until=arguments.until)
    is_known = bool(await lab.retained(f"{note.instrument}/description"))
    options.show(arguments, {**asdict(note), "unknown": not is_known}, lambda: said(note, is_known))


async def _list(lab: Lab, arguments: Namespace) -> None:
    found = await lab.notes.find(
        arguments.instrument, since=arguments.since, until=arguments.until, limit=arguments.limit
    )
    options.show(arguments, {"notes": [asdict(note) for note in found]}, lambda: report(found, arguments.limit))


def said(note: Note, is_known: bool) -> str:
    """`note 12 on pi-1/balance, 2026-11-22 08:00:00+01:00`, and whether the name may be a slip of the hand."""
    line = f"note {note.number} on {note.instrument}, {_time(note)}"
    if is_known:
        return line
    agent, _ = topics.split_full_name(note.instrument)
    return f"{line}\nno agent has said anything of {note.instrument} yet: is the name right, and {agent} connected?"


def report(found: list[Note], limit: int) -> str:
    """The oldest first, as they would be read."""
    if not found:
        return "no note yet that fits: kleinmaelzung note add INSTRUMENT TEXT puts one on a time line"
    rows = (row for note in reversed(found) for row in _rows(note))
    return texts.table([HEADING, *rows]) + counts.rest(found, limit)


def _rows(note: Note) -> Iterator[tuple[str, ...]]:
    first, *others = _lines(note)
    yield str(note.number), _time(note), note.instrument, texts.plain(note.user), first
    yield from (("", "", "", "", line) for line in others)


def _lines(note: Note) -> Iterator[str]:
    yield from map(texts.plain, note.text.splitlines())
    if note.noted - (note.until or note.at) > LATE_US:
        yield f"(noted {texts.local_second(note.noted)})"
    if note.withdrawn is not None:
        gone = note.withdrawn
        reason = " ".join(map(texts.plain, gone.reason.splitlines()))
        yield f"(withdrawn {texts.local_second(gone.time)} by {texts.plain(gone.user)}: {reason})"


def _time(note: Note) -> str:
    return texts.local_second(note.at) if note.until is None else texts.local_span(note.at, note.until)
