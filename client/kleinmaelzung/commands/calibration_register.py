"""`kleinmaelzung calibration issue | list | pdf | xml | json | withdraw`: certificates, which the server keeps."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Certificate, Error
from kleinmaelzung.commands import calibration_runs, counts, options, texts, times, whole_file
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import certificates
from kleinmaelzung_wire.codec import WireError

LIMIT: Final = 50
MOST: Final = 100_000
MAX_BYTES: Final = 8 * 1024 * 1024  # of a record; the server takes no more
HEADING: Final = ("NUMBER", "REVISION", "ISSUED", "BY", "INSTRUMENT", "VERDICT", "STATE")
FILES: Final = {
    "pdf": "get a certificate as it was issued",
    "xml": "get a certificate for machines, its dcc.xml",
    "json": "get the record that a certificate was made of",
}
ISSUE_EPILOG: Final = """\
The server calculates and draws the certificate, numbers it unless told, and keeps it for ever. To make a document
without a server: kleinmaelzung calibration certificate

  kleinmaelzung calibration issue R-2026-0001
  kleinmaelzung calibration issue record.json
  kleinmaelzung calibration issue record.json --amends K-2026-0007 --reason "wrong serial number" \\
      --change "serial number" 4711 4712
"""


def add_to(actions: Any) -> None:
    """Add these to the subcommands of `calibration`."""
    issue = _action(actions, "issue", "have the server issue the certificate of a run, or of a record", ISSUE_EPILOG)
    issue.add_argument("file", metavar="RUN | RECORD.json", help="a reviewed run, or a file with what was observed")
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
    listed.add_argument("text", nargs="?", default="", metavar="TEXT", help="in number, instrument, serial, model ...")
    listed.add_argument("--instrument", default="+/+", metavar="INSTRUMENT", help="<agent>/<instrument>, + for any")
    listed.add_argument("--from", type=times.moment, dest="since", metavar="T", help=f"issued since, {times.EXAMPLES}")
    listed.add_argument("--to", type=times.moment, dest="until", metavar="T", help="issued before")
    listed.add_argument(
        "--limit", type=counts.count("certificates", MOST), default=LIMIT, metavar="N", help=f"{LIMIT} unless told"
    )
    for name, meaning in FILES.items():
        file = _action(actions, name, meaning)
        file.add_argument("number", type=_number, metavar="NO", help="its number, as the list shows it")
        file.add_argument(
            "--revision", type=counts.count("a revision", MOST), metavar="R", help="the newest unless told"
        )
        file.add_argument("-o", "--output", type=Path, metavar=f"OUT.{name}", help=f"the file; NO.{name} unless told")
        file.add_argument("--force", action="store_true", help="replace it where it exists")
    withdraw = _action(actions, "withdraw", "say that a certificate holds no more; it stays on record")
    withdraw.add_argument("number", type=_number, metavar="NO", help="its number, as the list shows it")
    withdraw.add_argument("--reason", required=True, metavar="TEXT", help="why: it stands on record with it")


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
    if calibration_runs.is_run(arguments.file):
        return await _issue_run(arguments)
    record = _content(Path(arguments.file))
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


async def _issue_run(arguments: Namespace) -> int:
    if arguments.template or arguments.number or arguments.amends or arguments.reason or arguments.change:
        raise WrongUsage(
            "a run has its template, and its number is chosen by the server: only --language, --no-readings"
        )
    async with options.connected(arguments) as lab:
        acts = lab.runs.on(arguments.file)
        found = await acts.issue(language=arguments.language, readings=not arguments.no_readings)
    options.show(arguments, asdict(found), lambda: calibration_runs.issued(found))
    return 0


async def _list(arguments: Namespace) -> int:
    times.check_span(arguments)
    wanted = {"text": arguments.text, "since": arguments.since, "until": arguments.until, "limit": arguments.limit}
    try:
        async with options.connected(arguments) as lab:
            found = await lab.certificates.find(arguments.instrument, **wanted)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    shown = {"certificates": [asdict(one) for one in found]}
    is_narrowed = arguments.text or arguments.since or arguments.until or arguments.instrument != "+/+"
    options.show(arguments, shown, lambda: table(found, arguments.limit, is_narrowed=bool(is_narrowed)))
    return 0


async def _file(arguments: Namespace) -> int:
    output = arguments.output or Path(f"{arguments.number}.{arguments.action}")
    whole_file.check(output, {}, force=arguments.force)
    async with options.connected(arguments) as lab:
        content = await lab.certificates.file(arguments.number, arguments.action, arguments.revision)
    whole_file.write(output, content, force=arguments.force)
    shown = {"number": arguments.number, "file": str(output), "bytes": len(content)}
    options.show(arguments, shown, lambda: f"{texts.plain(str(output))}: {len(content)} bytes, as issued")
    return 0


async def _withdraw(arguments: Namespace) -> int:
    if not arguments.reason.strip():
        raise WrongUsage("--reason is empty: say why the certificate holds no more")
    async with options.connected(arguments) as lab:
        found = await lab.certificates.withdraw(arguments.number, arguments.reason)
    options.show(arguments, asdict(found), lambda: f"{found.number} is withdrawn; it stays on record")
    return 0


ACTIONS: Final[dict[str, Callable[[Namespace], Awaitable[int]]]] = {
    "issue": _issue,
    "list": _list,
    "pdf": _file,
    "xml": _file,
    "json": _file,
    "withdraw": _withdraw,
}


def said(found: Certificate) -> str:
    specimen = ", a specimen: its data are simulated" if found.is_specimen else ""
    return (
        f"{found.number} revision {found.revision}, {found.pages} pages: {found.verdict}{specimen}\n"
        f"SHA-256 {found.sha256}\n"
        f"kleinmaelzung calibration pdf {found.number}"
    )


def table(found: list[Certificate], limit: int, *, is_narrowed: bool) -> str:
    if not found and is_narrowed:
        return "no certificate that fits: kleinmaelzung calibration list shows all"
    if not found:
        return "no certificate was issued yet: kleinmaelzung calibration issue RUN or RECORD.json issues one"
    return texts.table([HEADING, *map(_row, found)]) + counts.rest(found, limit)


def _row(one: Certificate) -> tuple[str, ...]:
    issued, verdict = texts.local_second(one.issued), f"{one.verdict} (specimen)" if one.is_specimen else one.verdict
    state: str = one.state
    if one.withdrawn is not None:
        gone = one.withdrawn
        reason = " ".join(gone.reason.split())
        state = f"withdrawn {texts.local_second(gone.time)} by {texts.plain(gone.user)}: {texts.plain(reason)}"
    user, item = texts.plain(one.user), texts.plain(one.item)
    return one.number, str(one.revision), issued, user, item, texts.plain(verdict), state


def _content(file: Path) -> bytes:
    content = whole_file.read(file, MAX_BYTES)
    if len(content) > MAX_BYTES:
        raise Error(f"{file} has more than {MAX_BYTES // 2**20} MiB, which no record has")
    return content
