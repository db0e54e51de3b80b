"""`kleinmaelzung calibration record check`: all that forbids a calculation; or the verdict. No server is asked.

What calculates belongs to the services, which a mere client has not: it is imported where it is used.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kleinmaelzung.commands import calibration_template, options, texts, whole_file

# Of what is larger one byte more is enough to say so.
MAX_BYTES: Final = 64 * 1024 * 1024
MEANING: Final = "check records of calibrations"
EPILOG: Final = """\
  kleinmaelzung calibration record check docs/examples/calibration/balance.json

A record has what was observed: instrument, standards, conditions, people, and every reading. All mistakes are told at
once; where there is none, what was found. Exit code: 0 when there is none, else 1.
docs/calibration-records.md lists the keys.
"""


def add_to(actions: Any) -> None:
    """Add `record` to the subcommands of `calibration`."""
    parser: ArgumentParser = actions.add_parser("record", help=MEANING, description=MEANING)
    below = parser.add_subparsers(dest="record_action", required=True, metavar="check")
    meaning = "find all mistakes in a record, or tell what was found"
    check = below.add_parser(
        "check", help=meaning, description=meaning, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    add_files(check)
    check.add_argument("--json", action="store_true", help="print one JSON document")


def add_files(parser: ArgumentParser) -> None:
    """The record, and the template where it is none of those that come along."""
    parser.add_argument("file", type=Path, metavar="RECORD.json", help="what was observed")
    parser.add_argument(
        "--template", type=Path, metavar="FILE.toml", help="that was used; the one that comes along unless told"
    )


def contents(arguments: Namespace) -> tuple[bytes, bytes | None]:
    """Both files. Raises Error."""
    template = arguments.template
    return whole_file.read(arguments.file, MAX_BYTES), None if template is None else calibration_template.content_of(
        template
    )


def run(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration.documents.certificate import certificate_reports

    document = {"file": str(arguments.file), **certificate_reports.checked(*contents(arguments))}
    options.show(arguments, document, lambda: verdict(document))
    return 0 if document["ok"] else 1


def verdict(document: dict[str, Any]) -> str:
    """Every mistake on a line of its own; or what was found of each measurand."""
    if document["mistakes"]:
        return listed(document["file"], document["mistakes"])
    found = document["found"]
    specimen = ", simulated" if found["is_specimen"] else ""
    template = found["template"]
    lines = [
        f"{texts.plain(document['file'])}: no mistake",
        f"{texts.plain(found['record'])}{specimen}, by {template['id']} version {template['version']}",
    ]
    for key, name in (("as_found", "as found"), ("as_left", "as left")):
        lines += [_said(name, one) for one in (found[key] or {"measurands": []})["measurands"]]
    return "\n".join([*lines, f"SHA-256 {document['data_sha256']}"])


def _said(series: str, found: dict[str, Any]) -> str:
    points = "1 point" if found["points"] == 1 else f"{found['points']} points"
    expanded = f"largest U {found['largest_U']:.2g} {found['error_unit']}"
    notes = "".join(f"\n  {texts.plain(note)}" for note in found["notes"])
    return f"{series}, {texts.plain(found['name'])}: {found['verdict']}; {points}, {expanded}{notes}"


def listed(name: str, mistakes: Sequence[dict[str, Any]]) -> str:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return "\n  ".join([f"{texts.plain(name)}: {count}", *(texts.plain(one["sentence"]) for one in mistakes)])
