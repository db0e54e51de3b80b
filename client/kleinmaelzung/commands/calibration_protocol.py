"""`kleinmaelzung calibration protocol`: a template as a form to print and fill in by hand. No server is asked.

The documents need fpdf2, which a mere client has not: they are imported where they are used.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Error
from kleinmaelzung.commands import calibration_template, options, texts, whole_file

LANGUAGES: Final = ("en", "de")
MEANING: Final = "make a PDF of a template, to print and fill in by hand"
EPILOG: Final = """\
  kleinmaelzung calibration template show balance > mine.toml
  kleinmaelzung calibration protocol mine.toml -o mine.pdf

The template is attached to the PDF, and its id, version and SHA-256 stand on every page.
"""


def add_to(actions: Any) -> None:
    """Add `protocol` to the subcommands of `calibration`."""
    parser: ArgumentParser = actions.add_parser(
        "protocol", help=MEANING, description=MEANING, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="FILE.toml", help="the template")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.pdf", required=True, help="the file to write")
    parser.add_argument("--language", choices=LANGUAGES, help="of the fixed words; that of the template unless told")
    parser.add_argument("--force", action="store_true", help="replace OUT.pdf where it exists")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration import errors
    from kleinmaelzung_services.calibration.documents.protocol import protocol_reports

    whole_file.check(arguments.output, {"the template": arguments.file}, force=arguments.force)
    content = calibration_template.content_of(arguments.file)
    try:
        made = protocol_reports.blank(content, arguments.language)
    except errors.CalibrationError as error:
        raise Error(f"{arguments.file}: {error}") from error
    if made.mistakes:
        raise Error(calibration_template.verdict({"file": str(arguments.file), "mistakes": made.mistakes}))
    whole_file.write(arguments.output, made.pdf, force=arguments.force)
    document = {"file": str(arguments.output), **made.summary}
    options.show(arguments, document, lambda: _sentence(document))
    return 0


def _sentence(document: dict[str, Any]) -> str:
    template = document["template"]
    pages = "1 page" if document["pages"] == 1 else f"{document['pages']} pages"
    return (
        f"{texts.plain(document['file'])}: {pages}, {template['id']} version {template['version']}\n"
        f"SHA-256 {document['sha256']}"
    )
