"""`kleinmaelzung history`: what was measured, as a file; of several instruments as a zip of files with a manifest.

The history service makes the file; here its pieces are put one after another, to standard output, into a file or into
a zip. At Ctrl-C the service is told, and no half file is left.
"""

import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO, Any, Final

from kleinmaelzung import Batch, Error, Lab, Refused, archive, streams, times
from kleinmaelzung.archive import Archive, Entry, Write
from kleinmaelzung.commands import counts, options, part_file, progress
from kleinmaelzung.commands.progress import Progress
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import sockets, topics
from kleinmaelzung_wire.codec import WireError

ROLE: Final = "history"
ASK_LIMIT_S: Final = 30.0
STANDARD_OUTPUT: Final = "-"
FORMATS: Final = ("csv", "json", "jsonl", "parquet")
MAX_POINTS: Final = 10**9
_ABOUT: Final = ("from", "to", "rows", "width_us", "channels", "gaps", "more_gaps")
EPILOG: Final = f"""\
Times: {times.EXAMPLES}. From --from on, up to but not including --to.
With --points at most so many rows, each with mean, least, greatest and count; otherwise every sample as it was taken.
Several instruments go into one zip, with a manifest that says what is in it and what is missing: -o FILE.zip. With the
same --from their rows of --points line up. What the columns mean: docs/export.md

  kleinmaelzung history pi-1/balance --from 7d > balance.csv
  kleinmaelzung history pi-1/+ --from 2026-11-22 --format parquet -o kiln.zip
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was typed, checked; `output` is None for standard output."""

    patterns: tuple[str, ...]
    since: int | None
    until: int | None
    channels: tuple[str, ...] | None
    points: int | None
    format: str
    output: Path | None
    batch: str | None = None  # where instruments and times are a batch's

    @property
    def is_zip(self) -> bool:
        return self.output is not None and self.output.suffix.lower() == ".zip"

    def question(self, instrument: str) -> dict[str, Any]:
        asked: dict[str, Any] = {"instrument": instrument, "from": self.since, "to": self.until, "format": self.format}
        channels = None if self.channels is None else list(self.channels)
        return {**asked, "channels": channels, "points": self.points}


def add_arguments(parser: ArgumentParser) -> None:
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("instruments", nargs="*", metavar="INSTRUMENT", help="<agent>/<instrument>, + for any name")
    parser.add_argument("--batch", metavar="NAME", help="instruments and times of a batch, instead")
    parser.add_argument("--from", dest="since", metavar="T", help="the first sample unless told")
    parser.add_argument("--to", dest="until", metavar="T", help="now unless told")
    add_file_arguments(parser)


def add_file_arguments(parser: ArgumentParser) -> None:
    """What is said of the file that is written."""
    parser.add_argument("--channels", metavar="A,B", help="only these")
    parser.add_argument(
        "--points",
        type=counts.count("points", MAX_POINTS),
        metavar="N",
        help="at most so many rows, each of a span of time",
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="csv unless told, or by the end of FILE's name; json: a line a row"
    )
    parser.add_argument(
        "-o", "--output", default=STANDARD_OUTPUT, metavar="FILE", help="a file, a .zip, or - for the output"
    )


async def run(arguments: Namespace) -> int:
    wanted = parse(arguments, time.time_ns() // 1000)
    if wanted.output is None:
        async with options.connected(arguments) as lab:
            await _copy(lab, wanted, _entry(wanted.patterns[0], wanted.format), _to_standard_output)
        return 0
    with part_file.writing(wanted.output) as file:
        async with options.connected(arguments) as lab:
            if wanted.is_zip:
                entries = await _zip(lab, wanted, file)
            else:
                entries = [_entry(wanted.patterns[0], wanted.format, wanted.output.name)]
                await _copy(lab, wanted, entries[0], archive.counted(entries[0], file))
    document = {"output": str(wanted.output), "format": wanted.format, "files": [entry.to_map() for entry in entries]}
    options.show(arguments, document, lambda: report(wanted.output, entries))
    return 0


def parse(arguments: Namespace, now_us: int) -> Wanted:
    """What was typed. Raises WrongUsage with a sentence."""
    output = None if arguments.output == STANDARD_OUTPUT else Path(arguments.output)
    try:
        since, until = (_moment(text, now_us) for text in (arguments.since, arguments.until))
        times.check_order(since, until)
        for pattern in arguments.instruments:
            topics.split_pattern(pattern)
        names = None if arguments.channels is None else tuple(arguments.channels.split(","))
        for name in names or ():
            topics.check_name(name, "channel")
    except (ValueError, WireError) as error:
        raise WrongUsage(str(error)) from error
    wanted = Wanted(
        patterns=tuple(dict.fromkeys(arguments.instruments)),
        since=since,
        until=until,
        channels=names,
        points=arguments.points,
        format=arguments.format or _format_of(output),
        output=output,
        batch=arguments.batch,
    )
    _check_batch(wanted)
    _check_place(wanted, is_json=arguments.json)
    return wanted


def _moment(text: str | None, now_us: int) -> int | None:
    return None if text is None else times.moment(text, now_us)


def _format_of(output: Path | None) -> str:
    ending = output.suffix.lower().removeprefix(".") if output else ""
    return ending if ending in FORMATS else "csv"


def _check_batch(wanted: Wanted) -> None:
    if wanted.batch is None and not wanted.patterns:
        raise WrongUsage("whose history? Name an instrument, such as pi-1/balance, or --batch NAME")
    if wanted.batch is not None and (wanted.patterns or wanted.since is not None or wanted.until is not None):
        raise WrongUsage("a batch has its instruments and its times: with --batch leave out both")


def _of_batch(wanted: Wanted, batch: Batch, now_us: int) -> Wanted:
    """A batch's instruments, as far as this user sees them, and its times; up to now while it lasts."""
    until = now_us if batch.ended is None else batch.ended
    until = max(until, batch.began + 1)  # one that ended as it began had no time at all
    return replace(wanted, patterns=batch.instruments, since=batch.began, until=until)


def _check_place(wanted: Wanted, *, is_json: bool) -> None:
    if wanted.batch is not None and not wanted.is_zip:
        raise WrongUsage("a batch goes into a zip, a file for each instrument: -o FILE.zip")
    are_several = len(wanted.patterns) > 1 or any(topics.ANY in pattern.split("/") for pattern in wanted.patterns)
    if are_several and not wanted.is_zip:
        raise WrongUsage("several instruments go into one zip, a file each: -o FILE.zip")
    if wanted.output is None and is_json:
        raise WrongUsage("--json prints what was written, so the history itself must go elsewhere: -o FILE")
    if wanted.output is None and wanted.format == "parquet" and sys.stdout.isatty():
        raise WrongUsage("Parquet is nothing to read on a terminal: -o FILE")


async def _zip(lab: Lab, wanted: Wanted, file: IO[bytes]) -> list[Entry]:
    """The zip's files; of a batch also what was noted of it."""
    batch = None if wanted.batch is None else await lab.batch(wanted.batch)
    made = datetime.now(UTC).astimezone()
    with archive.opened(file, metadata.version("kleinmaelzung"), made) as packing:
        if batch is not None:
            packing.add_document("batch.json", asdict(batch))
            wanted = _of_batch(wanted, batch, time.time_ns() // 1000)
        await _pack(lab, wanted, packing)
    return packing.entries


async def _pack(lab: Lab, wanted: Wanted, packing: Archive) -> None:
    """Each instrument's file into the zip, with what the logger knows of its completeness."""
    complete = await _completeness(lab, wanted)
    for instrument in await _instruments(lab, wanted, list(complete)):
        if wanted.batch is not None and instrument not in complete:
            continue  # nothing was ever logged of it: batch.json says that it belongs to the batch
        entry = _entry(instrument, wanted.format)
        with packing.adding(entry) as write:
            await _copy(lab, wanted, entry, write)
        entry.about["completeness"] = complete.get(instrument)
        if wanted.until is None:  # what is now for the first is the end of all: their rows line up
            wanted = replace(wanted, until=entry.about["to"])


async def _completeness(lab: Lab, wanted: Wanted) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for pattern in wanted.patterns:
        try:
            several = await lab.completeness(pattern, since=wanted.since, until=wanted.until)
        except Refused as refused:
            if refused.code != sockets.UNKNOWN:
                raise
            continue  # nothing was ever logged of it; whether it has a history is the history service's to say
        found |= {one.instrument: asdict(one) for one in several}
    return found


async def _instruments(lab: Lab, wanted: Wanted, logged: list[str]) -> list[str]:
    """The instruments under the patterns, in their order; what is named in full is asked for in any case."""
    found: dict[str, None] = {}
    for pattern in wanted.patterns:
        if topics.ANY not in pattern.split("/"):
            found[pattern] = None
            continue
        known = {one.name for one in await lab.instruments(pattern)} | set(logged)
        found |= dict.fromkeys(name for name in sorted(known) if topics.matches(pattern, name))
    if not found:
        raise Error(f"there is no instrument under {' '.join(wanted.patterns)} that this user may see")
    return list(found)


def _entry(instrument: str, format_name: str, name: str | None = None) -> Entry:
    return Entry(name=name or archive.file_name(instrument, format_name), instrument=instrument)


async def _copy(lab: Lab, wanted: Wanted, entry: Entry, write: Write) -> None:
    """One instrument's file, piece by piece."""
    none = Refused("there is no history service at the moment: start kleinmaelzung-history", sockets.UNAVAILABLE)
    for service in await lab.services(ROLE):
        try:
            return await _copy_from(lab, service, wanted, entry, write)
        except Refused as refused:
            if refused.code != sockets.UNAVAILABLE or entry.about:
                raise  # what has begun cannot go on elsewhere
            none = refused
    raise none


async def _copy_from(lab: Lab, service: str, wanted: Wanted, entry: Entry, write: Write) -> None:
    def ask(name: str, question: dict[str, Any]) -> Any:
        return lab.request(service, name, timeout=ASK_LIMIT_S, **question)

    size = 0
    async with streams.opened(ask, "export", wanted.question(entry.instrument)) as stream:
        entry.about |= {key: stream.head.get(key) for key in _ABOUT}
        expected = stream.head.get("expected") or 0
        with _progress() as shown:
            async for piece in stream:
                if not isinstance(piece, bytes):
                    raise Error(f"the history service sent {piece!r:.40} instead of a file: is it of another version?")
                write(piece)
                size += len(piece)
                shown.show(entry.instrument, stream.done, expected, size)


@contextmanager
def _progress() -> Iterator[Progress]:
    shown = Progress(sys.stderr)
    try:
        yield shown
    finally:
        shown.clear()


def _to_standard_output(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()  # so that a closed pipe shows here and not at the end


def report(output: Path | None, entries: list[Entry]) -> str:
    """`kiln.zip: 2 instruments, 12.3 MB` and what is missing."""
    size = progress.amount(sum(entry.size for entry in entries))
    lines = [f"{output}: {entries[0].instrument if len(entries) == 1 else f'{len(entries)} instruments'}, {size}"]
    for entry in entries:
        gaps = len(entry.about.get("gaps") or []) + (entry.about.get("more_gaps") or 0)
        if gaps:
            lines.append(f"    {entry.instrument}: {gaps} {'gap' if gaps == 1 else 'gaps'}, named in the file")
    return "\n".join(lines)
