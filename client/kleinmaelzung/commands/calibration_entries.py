"""`kleinmaelzung calibration standard | item | laboratory`: the laboratory's register, from files, and what changed."""

import json
import sys
import tomllib
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import RegisterChange, RegisterEntry, Use
from kleinmaelzung.commands import options, texts, times, whole_file
from kleinmaelzung.commands.progress import Progress
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import register
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.register import ITEM, LABORATORY, STANDARD, Kind

KINDS: Final = (STANDARD, ITEM, LABORATORY)
MAX_CONTENT: Final = 256 * 1024
MANY: Final = 3  # values of a list that are shown in a line
_FROM: Final = "TOML or JSON with its content: docs/calibration-runs.md lists the keys"
STANDARDS: Final = ("NAME", "DESCRIPTION", "CLASS", "SERIAL", "CERTIFICATE", "DUE", "")
ITEMS: Final = ("NAME", "KIND", "MAKER", "MODEL", "SERIAL", "LOCATION", "DUE", "")
USES: Final = ("TIME", "INSTRUMENT", "RUN", "STATE", "CERTIFICATE", "VERDICT")
STANDARD_EPILOG: Final = """\
  kleinmaelzung calibration standard add WS-E2-01 --from standard.toml --certificate D-K-12345.pdf
  kleinmaelzung calibration standard impact WS-E2-01 --from 2026-01-01

The same again with other content changes it: say why with --reason. What was before stays on record.
"""


def add_to(actions: Any) -> None:
    """Add these to the subcommands of `calibration`."""
    below = _group(actions, STANDARD, "the laboratory's reference standards", STANDARD_EPILOG)
    add = _put(below, "add", "enter a standard, or change one")
    add.add_argument("name", type=_name, metavar="NAME", help="as the laboratory calls it, such as WS-E2-01")
    add.add_argument("--certificate", type=Path, metavar="FILE.pdf", help="its calibration certificate, to be kept")
    _shown(below, "the standards, with when they are due", "a standard, and who changed it when")
    retire = _action(below, "retire", "use a standard no more; it stays on record")
    retire.add_argument("name", type=_name, metavar="NAME")
    retire.add_argument("reason", metavar="REASON")
    impact = _action(below, "impact", "what was calibrated with a standard")
    impact.add_argument("name", type=_name, metavar="NAME")
    impact.add_argument("--from", type=times.moment, dest="since", metavar="T", help=f"only since, {times.EXAMPLES}")
    impact.add_argument("--to", type=times.moment, dest="until", metavar="T", help="only up to here")
    below = _group(actions, ITEM, "the instruments that the laboratory calibrates")
    put = _put(below, "set", "enter an instrument, or change what is known of it")
    put.add_argument("name", type=_name, metavar="INSTRUMENT", help="<agent>/<instrument>")
    _shown(below, "the instruments, with when they are due", "an instrument, and who changed it when")
    below = _group(actions, LABORATORY, "who stands on certificates as the laboratory")
    _put(below, "set", "say what stands on certificates; for admins")
    _action(below, "show", "what stands on certificates, and who changed it when")


def _group(actions: Any, name: str, meaning: str, epilog: str = "") -> Any:
    parser: ArgumentParser = actions.add_parser(
        name, help=meaning, description=meaning, epilog=epilog, formatter_class=RawDescriptionHelpFormatter
    )
    return parser.add_subparsers(dest="entry_action", required=True, metavar="ACTION")


def _action(below: Any, name: str, meaning: str) -> ArgumentParser:
    parser: ArgumentParser = below.add_parser(name, help=meaning, description=meaning)
    options.add_to(parser)
    return parser


def _put(below: Any, name: str, meaning: str) -> ArgumentParser:
    parser = _action(below, name, meaning)
    parser.add_argument("--from", type=Path, required=True, dest="content", metavar="FILE.toml", help=_FROM)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why it is changed")
    return parser


def _shown(below: Any, listed: str, shown: str) -> None:
    _action(below, "list", listed)
    _action(below, "show", shown).add_argument("name", type=_name, metavar="NAME")


def _name(text: str) -> str:
    try:
        return register.check_name(text)
    except WireError as error:
        raise ArgumentTypeError(str(error)) from error


async def run(arguments: Namespace) -> int:
    act = ACTIONS[arguments.entry_action]
    await act(arguments, arguments.action)
    return 0


async def _set(arguments: Namespace, kind: Kind) -> None:
    name = LABORATORY if kind == LABORATORY else arguments.name
    found = content(arguments.content)
    certificate: Path | None = getattr(arguments, "certificate", None)
    progress = Progress(sys.stderr)

    def show(have: int, total: int) -> None:
        progress.show(f"{certificate}", have, total, have)

    async with options.connected(arguments) as lab:
        try:
            entry = await lab.register.put(kind, name, found, reason=arguments.reason, file=certificate, progress=show)
        finally:
            progress.clear()
    options.show(arguments, asdict(entry), lambda: said(entry))


async def _list(arguments: Namespace, kind: Kind) -> None:
    async with options.connected(arguments) as lab:
        found = await lab.register.find(kind)
    shown = {f"{kind}s": [asdict(entry) for entry in found]}
    options.show(arguments, shown, lambda: standards(found) if kind == STANDARD else items(found))


async def _show(arguments: Namespace, kind: Kind) -> None:
    name = LABORATORY if kind == LABORATORY else arguments.name
    async with options.connected(arguments) as lab:
        entry, changes = await lab.register.show(kind, name)
    document = {"entry": asdict(entry), "changes": [asdict(change) for change in changes]}
    options.show(arguments, document, lambda: report(entry, changes))


async def _retire(arguments: Namespace, kind: Kind) -> None:
    async with options.connected(arguments) as lab:
        entry = await lab.register.retire(kind, arguments.name, arguments.reason)
    options.show(arguments, asdict(entry), lambda: said(entry))


async def _impact(arguments: Namespace, _: Kind) -> None:
    times.check_span(arguments)
    async with options.connected(arguments) as lab:
        found = await lab.register.impact(arguments.name, since=arguments.since, until=arguments.until)
    shown = {"name": arguments.name, "results": [asdict(one) for one in found]}
    options.show(arguments, shown, lambda: impact(arguments.name, found))


ACTIONS: Final[dict[str, Callable[[Namespace, Kind], Awaitable[None]]]] = {
    "add": _set,
    "set": _set,
    "list": _list,
    "show": _show,
    "retire": _retire,
    "impact": _impact,
}


def content(file: Path) -> dict[str, Any]:
    """What a file says, dates as texts. Raises WrongUsage."""
    read = whole_file.read(file, MAX_CONTENT)
    if len(read) > MAX_CONTENT:
        raise WrongUsage(f"{file} has more than {MAX_CONTENT // 1024} KiB, which no entry of the register has")
    try:
        found = json.loads(read) if file.suffix == ".json" else tomllib.loads(read.decode())
    except (ValueError, RecursionError) as error:  # both kinds of mistakes in a file are one, and so is no UTF-8
        kind = "JSON" if file.suffix == ".json" else "TOML"
        raise WrongUsage(f"{file} is no {kind}: {error}") from error
    if not isinstance(found, dict):
        raise WrongUsage(f"{file} holds no table: docs/calibration-runs.md lists the keys")
    plain = _plain(found)
    assert isinstance(plain, dict)
    return plain


def _plain(found: Any) -> Any:
    """A date, which TOML knows and a message does not, is its text."""
    match found:
        case dict():
            return {key: _plain(value) for key, value in found.items()}
        case list():
            return [_plain(value) for value in found]
        case date():
            return found.isoformat()
    return found


def said(entry: RegisterEntry) -> str:
    """`standard WS-E2-01 is entered, due 2027-06-02`"""
    name = entry.kind if entry.kind == LABORATORY else f"{entry.kind} {texts.plain(entry.name)}"
    what = "is retired" if entry.is_retired else "is entered"
    file = f", with the file {entry.sha256[:12]}..." if entry.sha256 and not entry.is_retired else ""
    return f"{name} {what}{f', {_due(entry)}' if entry.due and not entry.is_retired else ''}{file}"


def _due(entry: RegisterEntry) -> str:
    if entry.is_retired:
        return "retired"
    return f"OVERDUE since {entry.due}" if entry.is_overdue else f"due {entry.due}" if entry.due else ""


def standards(found: Sequence[RegisterEntry]) -> str:
    if not found:
        return "no standard yet: kleinmaelzung calibration standard add NAME --from FILE.toml enters one"
    return texts.table([STANDARDS, *map(_standard, found)])


def _standard(entry: RegisterEntry) -> tuple[str, ...]:
    certificate = entry.content.get("certificate") or {}
    cells = (entry.content.get(key) or "-" for key in ("description", "accuracy_class", "serial"))
    return (
        texts.plain(entry.name),
        *(texts.plain(str(cell)) for cell in cells),
        texts.plain(certificate.get("number") or "none"),
        entry.due or "-",
        _flag(entry),
    )


def items(found: Sequence[RegisterEntry]) -> str:
    if not found:
        return "no instrument yet: kleinmaelzung calibration item set INSTRUMENT --from FILE.toml enters one"
    keys = ("instrument_type", "maker", "model", "serial", "location")
    rows = (
        (entry.name, *(texts.plain(str(entry.content.get(key) or "-")) for key in keys), entry.due or "-", _flag(entry))
        for entry in found
    )
    return texts.table([ITEMS, *rows])


def _flag(entry: RegisterEntry) -> str:
    return "retired" if entry.is_retired else "OVERDUE" if entry.is_overdue else ""


def impact(name: str, found: Sequence[Use]) -> str:
    if not found:
        return f"nothing was calibrated with {texts.plain(name)} in that time"
    return texts.table([USES, *map(_use, found)])


def _use(one: Use) -> tuple[str, ...]:
    revision = f"/{one.revision}" if one.revision else ""
    certificate = f"{one.certificate}{revision}{' (withdrawn)' if one.is_withdrawn else ''}" if one.certificate else "-"
    time = texts.local_second(one.time)
    return time, one.instrument, one.run or "-", one.state or "-", certificate, texts.plain(one.verdict) or "-"


def report(entry: RegisterEntry, changes: Sequence[RegisterChange]) -> str:
    """The entry key by key, and below it who changed what, the newest first."""
    due = _due(entry)
    name = "" if entry.kind == LABORATORY else f" {texts.plain(entry.name)}"
    head = f"{entry.kind}{name}{f', {due}' if due else ''}"
    rows = [row for key, value in entry.content.items() if value not in ("", [], None) for row in _rows(key, value)]
    file = [("file", f"SHA-256 {entry.sha256}")] if entry.sha256 else []
    return "\n".join([head, texts.table([*rows, *file]), *(line for change in changes for line in _change(change))])


def _rows(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Of a list a line for each."""
    first, *others = value if isinstance(value, list) else [value]
    yield key, texts.plain(_value(first))
    yield from (("", texts.plain(_value(one))) for one in others)


def _change(change: RegisterChange) -> Iterator[str]:
    reason = f": {change.reason}" if change.reason else ""
    yield ""
    yield texts.plain(f"{texts.local_second(change.time)} {change.kind} by {change.user}{reason}")
    for key in dict.fromkeys([*change.before, *change.after]):
        before, after = (_value(side.get(key)) for side in (change.before, change.after))
        if before != after and change.before:  # of the first entry all is new, and stands above
            yield texts.plain(f"  {key}: {before or '-'} -> {after or '-'}")


def _value(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{key} {_value(inner)}" for key, inner in value.items() if inner not in (None, "", []))
        case list():
            shown = "; ".join(map(_value, value[:MANY]))
            return f"{shown}; ... {len(value)} in all" if len(value) > MANY else shown
        case float():
            return f"{value:g}"
    return str(value)
