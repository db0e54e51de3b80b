"""`kleinmaelzung alarms`: what is wrong now, one line for each cause; acknowledge it; what was on record."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung import AlarmGroup, Error, RecordedAlarm
from kleinmaelzung.commands import counts, options, texts, times
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire.alarms import Alarm, check_note
from kleinmaelzung_wire.codec import WireError

ACTIONS: Final = ("list", "ack", "history")
LIMIT: Final = 50
MOST: Final = 1_000_000
HEADING: Final = ("", "SINCE", "INSTRUMENT", "WHAT", "ACKNOWLEDGED", "ID")
HISTORY_HEADING: Final = ("NUMBER", "SINCE", "CLEARED", "INSTRUMENT", "WHAT", "ACKNOWLEDGED", "REASON")
EPILOG: Final = """\
kleinmaelzung alarms [list] [INSTRUMENT]                what is wrong now, one for each cause
kleinmaelzung alarms ack INSTRUMENT [ID] [--note TEXT]  acknowledge one alarm of an instrument, or all of them
kleinmaelzung alarms history [INSTRUMENT] [--active] [--from T] [--to T]
                                                        what a logger has on record

INSTRUMENT is <agent>/<instrument>, + stands for any name. Who may command an instrument may acknowledge its alarms.
Exit code of list: 0, also where there are alarms.
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("words", nargs="*", metavar="WORD", help="list, ack or history, and what is meant: see below")
    parser.add_argument("--note", metavar="TEXT", help="with ack: what is to be known")
    parser.add_argument("--active", action="store_true", help="with history: only what has not cleared")
    parser.add_argument("--from", type=times.moment, dest="since", metavar="T", help=f"with history: {times.EXAMPLES}")
    parser.add_argument("--to", type=times.moment, dest="until", metavar="T", help="with history: only up to here")
    parser.add_argument(
        "--limit",
        type=counts.count("alarms", MOST),
        metavar="N",
        help=f"with history: the newest N, {LIMIT} unless told",
    )


async def run(arguments: Namespace) -> int:
    action, words = split(arguments.words)
    check(action, words, arguments)
    try:
        match action:
            case "ack":
                return await _acknowledge(arguments, words)
            case "history":
                await _history(arguments, words)
            case _:
                await _list(arguments, words)
    except ValueError as error:
        if isinstance(error, WireError):
            raise
        raise WrongUsage(str(error)) from error
    return 0


def split(words: list[str]) -> tuple[str, list[str]]:
    """The action and what it is about."""
    return (words[0], words[1:]) if words and words[0] in ACTIONS else ("list", words)


def check(action: str, words: list[str], arguments: Namespace) -> None:
    """Raise WrongUsage for what cannot be meant."""
    filters = (arguments.since, arguments.until, arguments.limit, arguments.active or None)
    if action != "history" and any(given is not None for given in filters):
        raise WrongUsage("--active, --from, --to and --limit are for history: kleinmaelzung alarms history")
    if action != "ack" and arguments.note is not None:
        raise WrongUsage("--note is for ack: kleinmaelzung alarms ack INSTRUMENT --note TEXT")
    if action == "ack" and not 1 <= len(words) <= 2:
        raise WrongUsage("expected kleinmaelzung alarms ack INSTRUMENT [ID], with an id that `alarms` lists")
    if action != "ack" and len(words) > 1:
        raise WrongUsage(f"expected one instrument or pattern such as pi-1/+, found {' '.join(words)!r:.60}")
    try:
        check_note(arguments.note or "")
    except WireError as error:
        raise WrongUsage(str(error)) from error


async def _list(arguments: Namespace, words: list[str]) -> None:
    async with options.connected(arguments) as lab:
        found = await lab.alarms(*words)
    options.show(arguments, {"alarms": [document(group) for group in found]}, lambda: report(found))


async def _acknowledge(arguments: Namespace, words: list[str]) -> int:
    async with options.connected(arguments) as lab:
        reply = await lab.acknowledge(*words, note=arguments.note or "")
    if reply.result != "done":
        reason = f": {texts.plain(reply.reason)}" if reply.reason else ""
        raise Error(f"nothing was acknowledged ({reply.result}){reason}")
    count = reply.values.get("acknowledged", 0)
    said = f"{count} acknowledged" if count else "nothing to acknowledge: there is none, or somebody did it before"
    options.show(arguments, reply.to_map(), lambda: said)
    return 0


async def _history(arguments: Namespace, words: list[str]) -> None:
    times.check_span(arguments)
    limit = arguments.limit or LIMIT
    async with options.connected(arguments) as lab:
        found = await lab.recorded_alarms(
            *words,
            since=arguments.since,
            until=arguments.until,
            is_active=arguments.active or None,
            limit=limit,
        )
    options.show(arguments, {"alarms": [asdict(one) for one in found]}, lambda: history(found, limit))


def document(group: AlarmGroup) -> dict[str, Any]:
    """What --json prints of one."""
    told = {"level": group.level, "since": group.since, "acknowledged": group.is_acknowledged}
    return {**asdict(group), **told}


def report(found: list[AlarmGroup]) -> str:
    """One line for each cause, and below it what it has brought about."""
    if not found:
        return "no alarm"
    return texts.table([HEADING, *(row for group in found for row in _rows(group))])


def _rows(group: AlarmGroup) -> Iterator[tuple[str, ...]]:
    alone = not group.is_offline and not group.cause
    if not alone:
        since = texts.local_second(group.since) if group.since else "-"
        what = f"agent {group.agent} is offline" if group.is_offline else texts.plain(group.cause)
        below = f"{len(group.alarms)} last known" if group.is_offline else f"{len(group.alarms)} by it"
        yield (group.level.upper(), since, group.agent, f"{what} ({below})" if group.alarms else what, "", "")
    for one in group.alarms:
        level = one.alarm.level.upper() if alone else f"  {one.alarm.level}"
        since = texts.local_second(one.alarm.since)
        yield (level, since, one.instrument, what_of(one.alarm), by_whom(one.alarm), one.alarm.id)
    if group.left_out:
        yield ("", "", group.agent, f"{group.left_out} more", "", "")


def what_of(alarm: Alarm) -> str:
    """`temperature high: 85.2 °C, limit 80 °C`"""
    if alarm.kind == "silence":
        of = f"{alarm.channel}: " if alarm.channel else ""
        detail = f" ({texts.plain(alarm.detail)})" if alarm.detail else ""
        return f"{of}nothing good for {texts.span(alarm.limit)}{detail}"
    unit = f" {texts.plain(alarm.unit)}" if alarm.unit else ""
    word = {"rise": "rises too fast", "fall": "falls too fast"}.get(alarm.kind, alarm.kind)
    return f"{alarm.channel} {word}: {texts.value(alarm.value)}{unit}, limit {texts.value(alarm.limit)}{unit}"


def by_whom(alarm: Alarm) -> str:
    if alarm.acknowledged is None:
        return "no"
    note = f": {texts.plain(alarm.acknowledged.note)}" if alarm.acknowledged.note else ""
    return f"{texts.plain(alarm.acknowledged.user)}{note}"


def history(found: list[RecordedAlarm], limit: int) -> str:
    """The oldest first, as they would be read."""
    if not found:
        return "no alarm is on record that fits"
    table = texts.table([HISTORY_HEADING, *(_history_row(one) for one in reversed(found))])
    return table + counts.rest(found, limit)


def _history_row(one: RecordedAlarm) -> tuple[str, ...]:
    return (
        str(one.number),
        texts.local_second(one.alarm.since),
        texts.local_second(one.cleared) if one.cleared else "-",
        one.instrument,
        f"{one.highest} {what_of(one.alarm)}",
        by_whom(one.alarm),
        texts.plain(one.reason),
    )
