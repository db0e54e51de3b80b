"""`kleinmaelzung calibration issue | list | pdf`: certificates that the server issues, numbers and keeps."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Certificate, Error
from kleinmaelzung.commands import counts, options, texts, whole_file
from kleinmaelzung_wire import certificates
from kleinmaelzung_wire.codec import WireError

LIMIT: Final = 50
MOST: Final = 100_000
MAX_BYTES: Final = 8 * 1024 * 1024  # of a record; the server takes no more
HEADING: Final = ("NUMBER", "REVISION", "ISSUED", "BY", "INSTRUMENT", "VERDICT")
ISSUE_EPILOG: Final = """\
The server calculates and draws the certificate, numbers it unless told, and keeps it for ever. To make a document
without a server: kleinmaelzung calibration certificate

  kleinmaelzung calibration issue record.json
  kleinmaelzung calibration issue record.json --amends K-2026-0007 --reason "wrong serial number" \\
      --change "serial number" 4711 4712
"""


def add_to(actions: Any) -> None:
    """Add these to the subcommands of `calibration`."""
    issue = _action(actions, "issue", "have the server issue a record's certificate", ISSUE_EPILOG)
    issue.add_argument("file", type=Path, metavar="RECORD.json", help="what was observed")
    issue.add_argument("--template", type=Path, metavar="FILE.toml", help="where it is none of those that come along")
    issue.add_argument("--language", choices=("en", "de"), default="en", help="en unless told")
    issue.add_argument("--number", type=_number, metavar="NO", help="chosen by the server unless told")
    issue.add_argument("--amends", type=_number, metavar="NO", help="as a further revision of this one")
    issue.add_argument("--reason", default="", metavar="TEXT", help="why it is amended")
    issue.add_argument(
        "--change", nargs=3, action="append", default=[], metavar=("FIELD", "BEFORE", "AFTER"), help="what is different"
    )
    issue.add_argument("--no-readings", action="store_true", help="without the annex of all readings")
    listed = _action(actions, "list", "which certificates the server has issued")
    listed.add_argument(
        "--limit", type=counts.count("certificates", MOST), default=LIMIT, metavar="N", help=f"{LIMIT} unless told"
    )
    pdf = _action(actions, "pdf", "get a certificate as it was issued")
    pdf.add_argument("number", type=_number, metavar="NO", help="its number, as the list shows it")
    pdf.add_argument("--revision", type=counts.count("a revision", MOST), metavar="R", help="the newest unless told")
    pdf.add_argument("-o", "--output", type=Path, metavar="OUT.pdf", help="the file to write; NO.pdf unless told")
    pdf.add_argument("--force", action="store_true", help="replace it where it exists")


def _action(actions: Any, name: str, meaning: str, epilog: str = "") -> ArgumentParser:
    parser: ArgumentParser = actions.add_parser(
        name, help=meaning, description=meaning, epilog=epilog, formatter_class=RawDescriptionHelpFormatter
    )
    options.add_to(parser)
    return parser


def _number(text: str) -> str:
    try:
        return certificates.check_number(text)
    except WireError as error:
        raise ArgumentTypeError(str(error)) from error


async def run(arguments: Namespace) -> int:
    return await ACTIONS[arguments.action](arguments)


async def _issue(arguments: Namespace) -> int:
    record = _content(arguments.file)
    template = None if arguments.template is None else _content(arguments.template)
    async with options.connected(arguments) as lab:
        found = await lab.certificates.issue(
            record,
            template=template,
            language=arguments.language,
            number=arguments.number or "",
            amends=arguments.amends or "",
            reason=arguments.reason,
            changes=[(field, before, after) for field, before, after in arguments.change],
            readings=not arguments.no_readings,
        )
    options.show(arguments, asdict(found), lambda: said(found))
    return 0


async def _list(arguments: Namespace) -> int:
    async with options.connected(arguments) as lab:
        found = await lab.certificates.find(limit=arguments.limit)
    shown = {"certificates": [asdict(one) for one in found]}
    options.show(arguments, shown, lambda: table(found, arguments.limit))
    return 0


async def _pdf(arguments: Namespace) -> int:
    output = arguments.output or Path(f"{arguments.number}.pdf")
    whole_file.check(output, {}, force=arguments.force)
    async with options.connected(arguments) as lab:
        content = await lab.certificates.pdf(arguments.number, arguments.revision)
    whole_file.write(output, content, force=arguments.force)
    shown = {"number": arguments.number, "file": str(output), "bytes": len(content)}
    options.show(arguments, shown, lambda: f"{texts.plain(str(output))}: {len(content)} bytes, as issued")
    return 0


ACTIONS: Final[dict[str, Callable[[Namespace], Awaitable[int]]]] = {"issue": _issue, "list": _list, "pdf": _pdf}


def said(found: Certificate) -> str:
    specimen = ", a specimen: its data are simulated" if found.is_specimen else ""
    return (
        f"{found.number} revision {found.revision}, {found.pages} pages: {found.verdict}{specimen}\n"
        f"SHA-256 {found.sha256}\n"
        f"kleinmaelzung calibration pdf {found.number}"
    )


def table(found: list[Certificate], limit: int) -> str:
    if not found:
        return "no certificate was issued yet: kleinmaelzung calibration issue RECORD.json issues one"
    return texts.table([HEADING, *map(_row, found)]) + counts.rest(found, limit)


def _row(one: Certificate) -> tuple[str, ...]:
    issued, verdict = texts.local_second(one.issued), f"{one.verdict} (specimen)" if one.is_specimen else one.verdict
    return one.number, str(one.revision), issued, texts.plain(one.user), texts.plain(one.item), texts.plain(verdict)


def _content(file: Path) -> bytes:
    content = whole_file.read(file, MAX_BYTES)
    if len(content) > MAX_BYTES:
        raise Error(f"{file} has more than {MAX_BYTES // 2**20} MiB, which no record has")
    return content
