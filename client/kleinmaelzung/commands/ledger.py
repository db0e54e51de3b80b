"""`kleinmaelzung ledger`: every command, who sent it and what became of it; and whether that record is whole."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung import LedgerCheck, LedgerEntry, ledger
from kleinmaelzung.commands import counts, options, texts, times
from kleinmaelzung.commands.typed import WrongUsage

VERIFY: Final = "verify"
LIMIT: Final = 50
MOST: Final = 1_000_000
HEADING: Final = ("NUMBER", "TIME", "INSTRUMENT", "USER", "COMMAND", "RESULT", "TOOK", "REASON")
MAX_COMMAND: Final = 60
EPILOG: Final = """\
kleinmaelzung ledger verify [--head NUMBER:HASH] reads the whole ledger and says whether an entry was edited, removed or
added from outside. Note the head that it prints where nobody who can write to the database can change it, and give it
to the next verify: then it also finds entries that were removed at the end, and a ledger that was written anew.

A command has one line, the agent's where it has seen it. A gateway that lost sight of a command notes that too: --all
shows these entries as well, and which one says what happened.
Exit code of verify: 0 when it is whole, 1 when it is damaged.
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("pattern", nargs="?", metavar="INSTRUMENT", help="<agent>/<instrument>, + for any; or verify")
    parser.add_argument("--by", metavar="USER", help="only this user's commands")
    parser.add_argument("--result", metavar="R", help="only those with this result, such as done, refused or timeout")
    parser.add_argument("--from", type=times.moment, dest="since", metavar="T", help=f"only since, {times.EXAMPLES}")
    parser.add_argument("--to", type=times.moment, dest="until", metavar="T", help="only up to here")
    parser.add_argument("--all", action="store_true", help="also what a gateway noted and an agent knew better")
    parser.add_argument(
        "--limit", type=counts.count("entries", MOST), metavar="N", help=f"the newest N, {LIMIT} unless told"
    )
    parser.add_argument("--head", metavar="NUMBER:HASH", help="with verify: what an earlier verify printed")


async def run(arguments: Namespace) -> int:
    filters = (arguments.by, arguments.result, arguments.since, arguments.until, arguments.limit, arguments.all or None)
    try:
        if arguments.pattern == VERIFY:
            if any(given is not None for given in filters):
                raise WrongUsage("verify reads the whole ledger: it takes only --head")
            return await _verify(arguments)
        if arguments.head is not None:
            raise WrongUsage("--head is for verify: kleinmaelzung ledger verify --head NUMBER:HASH")
        return await _list(arguments)
    except ValueError as error:
        raise WrongUsage(str(error)) from error


async def _list(arguments: Namespace) -> int:
    times.check_span(arguments)
    limit = arguments.limit or LIMIT
    async with options.connected(arguments) as lab:
        found = await lab.ledger(
            arguments.pattern or "+/+",
            user=arguments.by,
            result=arguments.result,
            since=arguments.since,
            until=arguments.until,
            superseded=arguments.all,
            limit=limit,
        )
    options.show(arguments, {"entries": [asdict(entry) for entry in found]}, lambda: report(found, limit))
    return 0


async def _verify(arguments: Namespace) -> int:
    if arguments.head is not None:
        ledger.parse_head(arguments.head)  # wrong usage is told before anything is asked
    async with options.connected(arguments) as lab:
        check = await lab.verify_ledger(arguments.head)
    document: dict[str, Any] = {"ok": check.is_whole, **asdict(check)}
    options.show(arguments, document, lambda: verdict(check, arguments.head))
    return 0 if check.is_whole else 1


def report(found: list[LedgerEntry], limit: int) -> str:
    """The oldest first, as they would be read."""
    if not found:
        return "no command is in the ledger that fits"
    table = texts.table([HEADING, *(row(entry) for entry in reversed(found))])
    return table + counts.rest(found, limit)


def row(entry: LedgerEntry) -> tuple[str, ...]:
    return (
        str(entry.number),
        texts.local_time(entry.time),
        entry.instrument,
        texts.plain(entry.user) or "-",
        command(entry),
        texts.plain(entry.result),
        took(entry),
        reason(entry),
    )


def reason(entry: LedgerEntry) -> str:
    superseded = f"entry {entry.superseded_by} says what happened" if entry.superseded_by else ""
    return "; ".join(filter(None, (superseded, texts.plain(entry.reason))))


def command(entry: LedgerEntry) -> str:
    """`set value=3.5`"""
    given = [f"{name}={_value(value)}" for name, value in entry.arguments.items()]
    if "arguments" in entry.left_out:
        given = ["..."]
    text = texts.plain(" ".join([entry.name, *given]))
    return text if len(text) <= MAX_COMMAND else f"{text[: MAX_COMMAND - 3]}..."


def _value(value: Any) -> str:
    return texts.value(value) if value is None or isinstance(value, str | int | float) else str(value)


def took(entry: LedgerEntry) -> str:
    """What an agent measured; nothing where none was at it."""
    if not entry.took_us:
        return "-"
    return f"{entry.took_us / 1000:.1f} ms" if entry.took_us < 1_000_000 else f"{entry.took_us / 1e6:.2f} s"


def verdict(check: LedgerCheck, head: str | None) -> str:
    if not check.is_whole:
        verb = "is" if check.entries == 1 else "are"
        good = f"the {_entries(check.entries)} before {verb} good" if check.entries else "no entry before is good"
        return f"the ledger is damaged: {check.why}\n{good}; compare with a backup, and with the head noted last"
    lines = [f"the ledger is whole: {_entries(check.entries)}, {check.compared} compared with the frames they came in"]
    if head is None:
        lines.append("whether it was cut at the end or written anew shows a head that was noted earlier: --head")
    return "\n".join([*lines, f"head {check.head}"])


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"
