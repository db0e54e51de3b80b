"""`kleinmaelzung batch`: begin and end a batch over instruments, note its stages, and get its data back."""

import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung import Batch, BatchEvent, Lab, times
from kleinmaelzung.commands import counts, history, options, texts
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import batches, topics
from kleinmaelzung_wire.codec import WireError

LIMIT: Final = 50
MOST: Final = 100_000
HEADING: Final = ("BATCH", "BEGAN", "ENDED", "STAGE", "BY", "INSTRUMENTS")
LATE_US: Final = 60_000_000  # what was noted so much later than it was is told with both times
EPILOG: Final = f"""\
Times: {times.EXAMPLES}. What is not given is now.

  kleinmaelzung batch start "Pilsner 7" pi-1/balance pi-1/kiln --note "barley from the north field"
  kleinmaelzung batch mark "Pilsner 7" steeping
  kleinmaelzung batch mark "Pilsner 7" germination --at 2026-11-22T08:00:00+01:00
  kleinmaelzung batch end "Pilsner 7"
  kleinmaelzung batch export "Pilsner 7" -o pilsner-7.zip
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    start = _action(actions, "start", "begin a batch over instruments")
    start.add_argument("instruments", nargs="+", metavar="INSTRUMENT", help="<agent>/<instrument>")
    start.add_argument("--note", metavar="TEXT", help="what is to be known of it")
    add = _action(actions, "add", "let further instruments belong to it, from its beginning on")
    add.add_argument("instruments", nargs="+", metavar="INSTRUMENT", help="<agent>/<instrument>")
    mark = _action(actions, "mark", "note that a stage begins")
    mark.add_argument("stage", metavar="STAGE", help="such as steeping, germination or kilning")
    note = _action(actions, "note", "note something, also when it has ended")
    note.add_argument("text", metavar="TEXT")
    end = _action(actions, "end", "end it")
    for dated in (start, mark, note, end):
        dated.add_argument("--at", metavar="T", help="when it was so")
    _action(actions, "reopen", "go on with a batch that was ended by mistake")
    listed = actions.add_parser("list", help="which batches there are", description="Which batches there are.")
    listed.add_argument("--open", action="store_true", help="only those that have not ended")
    listed.add_argument(
        "--limit", type=counts.count("batches", MOST), default=LIMIT, metavar="N", help=f"{LIMIT} unless told"
    )
    options.add_to(listed)
    _action(actions, "show", "a batch and what was noted of it")
    export = _action(actions, "export", "what was measured and noted of it, as a zip")
    history.add_file_arguments(export)


def _action(actions: Any, name: str, meaning: str) -> ArgumentParser:
    parser: ArgumentParser = actions.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
    parser.add_argument("name", metavar="NAME", help="the batch's")
    options.add_to(parser)
    return parser


async def run(arguments: Namespace) -> int:
    check(arguments)
    if arguments.action == "export":
        about = {"instruments": [], "since": None, "until": None, "batch": arguments.name}
        return await history.run(Namespace(**vars(arguments), **about))
    at = moment(getattr(arguments, "at", None), time.time_ns() // 1000)
    async with options.connected(arguments) as lab:
        match arguments.action:
            case "list":
                await _list(lab, arguments)
            case "show":
                found = await lab.batch(arguments.name)
                options.show(arguments, document(found), lambda: report(found))
            case "start":
                await _start(lab, arguments, at)
            case "add":
                await _add(lab, arguments)
            case _:
                event = await _note(lab, arguments, at)
                options.show(arguments, asdict(event), lambda: said(arguments.name, event))
    return 0


def check(arguments: Namespace) -> None:
    """Raise WrongUsage for what cannot be meant."""
    try:
        if arguments.action != "list":
            batches.check_name(arguments.name, "batch name")
        if arguments.action == "mark":
            batches.check_name(arguments.stage, "stage")
        note = getattr(arguments, "text", None) or getattr(arguments, "note", None)
        if note is not None or arguments.action == "note":
            batches.check_note(note or "")
        if arguments.action in ("start", "add"):
            batches.check_instruments(arguments.instruments)
    except WireError as error:
        raise WrongUsage(str(error)) from error


def moment(text: str | None, now_us: int) -> int | None:
    """Raises WrongUsage."""
    try:
        return None if text is None else times.moment(text, now_us)
    except ValueError as error:
        raise WrongUsage(str(error)) from error


async def _list(lab: Lab, arguments: Namespace) -> None:
    found = await lab.batches(is_open=arguments.open, limit=arguments.limit)
    shown = {"batches": [_without_events(batch) for batch in found]}
    options.show(arguments, shown, lambda: table(found, arguments.limit))


async def _start(lab: Lab, arguments: Namespace, at: int | None) -> None:
    event = await lab.start_batch(arguments.name, *arguments.instruments, at=at, note=arguments.note)
    unknown = await _unknown(lab, arguments.instruments)
    shown = {**asdict(event), "instruments": arguments.instruments, "unknown": unknown}
    options.show(arguments, shown, lambda: "\n".join([said(arguments.name, event), *_doubts(unknown)]))


async def _add(lab: Lab, arguments: Namespace) -> None:
    await lab.add_to_batch(arguments.name, *arguments.instruments)
    unknown = await _unknown(lab, arguments.instruments)
    sentence = f"batch {arguments.name} is also over {', '.join(arguments.instruments)}"
    shown = {"batch": arguments.name, "instruments": arguments.instruments, "unknown": unknown}
    options.show(arguments, shown, lambda: "\n".join([sentence, *_doubts(unknown)]))


async def _note(lab: Lab, arguments: Namespace, at: int | None) -> BatchEvent:
    match arguments.action:
        case "mark":
            return await lab.mark_batch(arguments.name, arguments.stage, at=at)
        case "note":
            return await lab.note_batch(arguments.name, arguments.text, at=at)
        case "end":
            return await lab.end_batch(arguments.name, at=at)
    return await lab.reopen_batch(arguments.name)


async def _unknown(lab: Lab, instruments: list[str]) -> list[str]:
    """Those of which no agent ever said anything: perhaps a slip of the hand."""
    return [name for name in instruments if not await lab.retained(f"{name}/description")]


def _doubts(unknown: list[str]) -> Iterator[str]:
    for name in unknown:
        agent, _ = topics.split_full_name(name)
        yield f"no agent has said anything of {name} yet: is the name right, and {agent} connected?"


_SAID: Final[dict[str, Callable[[BatchEvent], str]]] = {
    "started": lambda event: "began",
    "stage": lambda event: f"{texts.plain(event.stage)} began",
    "note": lambda event: "noted",
    "ended": lambda event: "ended",
    "reopened": lambda event: "goes on, reopened",
}


def said(name: str, event: BatchEvent) -> str:
    """`batch Pilsner 7: kilning began 2026-11-22 08:00:00+01:00`"""
    return f"batch {texts.plain(name)}: {_SAID[event.kind](event)} {texts.local_second(event.time)}"


def document(batch: Batch) -> dict[str, Any]:
    """What --json prints of one batch."""
    return {**asdict(batch), "open": batch.is_open}


def _without_events(batch: Batch) -> dict[str, Any]:
    return {key: value for key, value in document(batch).items() if key != "events"}


def table(found: list[Batch], limit: int) -> str:
    if not found:
        return "no batch yet that fits: kleinmaelzung batch start NAME INSTRUMENT... begins one"
    return texts.table([HEADING, *map(_row, found)]) + counts.rest(found, limit)


def _row(batch: Batch) -> tuple[str, ...]:
    ended = "-" if batch.ended is None else texts.local_second(batch.ended)
    stage = texts.plain(batch.stage) if batch.stage else "-"
    began = texts.local_second(batch.began)
    return texts.plain(batch.name), began, ended, stage, texts.plain(batch.user), " ".join(batch.instruments)


def report(batch: Batch) -> str:
    """The batch in a line, its instruments, and what was noted."""
    state = "lasts" if batch.ended is None else f"ended {texts.local_second(batch.ended)}"
    head = f"{texts.plain(batch.name)}: began {texts.local_second(batch.began)}, {state}"
    return "\n".join([head, " ".join(batch.instruments), texts.table(_events(batch))])


def _events(batch: Batch) -> Iterator[tuple[str, str, str, str]]:
    for event in sorted(batch.events, key=lambda event: (event.time, event.number)):
        first, *others = [*_lines(event)] or [""]
        what = texts.plain(event.stage) if event.kind == "stage" else event.kind
        yield texts.local_second(event.time), what, texts.plain(event.user), first
        yield from (("", "", "", line) for line in others)


def _lines(event: BatchEvent) -> Iterator[str]:
    if event.instruments and event.kind == "added":
        yield " ".join(event.instruments)
    yield from map(texts.plain, event.text.splitlines())
    if event.noted - event.time > LATE_US and event.kind != "added":
        yield f"(noted {texts.local_second(event.noted)})"
