"""`kleinmaelzung calibration template`: check a template's file, list and show those that come with the project.

No server is asked: the templates are read by the pure part of the calibration service, imported where it is used.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Error
from kleinmaelzung.commands import options, texts, whole_file

# A template has 256 KiB at most: of what is larger one byte more is enough to say so.
MAX_BYTES: Final = 256 * 1024
MEANING: Final = "check templates of calibrations; list and show those that come along"
EPILOG: Final = """\
A template says how a kind of instrument is calibrated: points, stability, budget, limits. Begin with one of these:

  kleinmaelzung calibration template list
  kleinmaelzung calibration template show balance > mine.toml
  kleinmaelzung calibration template check mine.toml

check reports all mistakes at once, each with its line. Exit code: 0 when there is none, else 1.
docs/calibration-templates.md lists the keys.
"""


def add_to(actions: Any) -> None:
    """Add `template` to the subcommands of `calibration`."""
    parser: ArgumentParser = actions.add_parser(
        "template", help=MEANING, description=MEANING, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    below = parser.add_subparsers(dest="template_action", required=True, metavar=" | ".join(ACTIONS))
    for name, (_, meaning) in ACTIONS.items():
        chosen = below.add_parser(name, help=meaning, description=meaning)
        if name == "check":
            chosen.add_argument("file", type=Path, metavar="FILE.toml")
        if name == "show":
            chosen.add_argument("name", metavar="NAME", help="its name or id, as the list shows them")
        chosen.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    act, _ = ACTIONS[arguments.template_action]
    return act(arguments)


def _check(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration.templates import template_reports

    document = {"file": str(arguments.file), **template_reports.check(content_of(arguments.file))}
    options.show(arguments, document, lambda: verdict(document))
    return 0 if document["ok"] else 1


def _list(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration.templates import template_reports

    document = template_reports.listing()
    options.show(arguments, document, lambda: table(document))
    return 0


def _show(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration.templates import template_reports

    document = template_reports.shipped(arguments.name)
    if document is None:
        names = ", ".join(one["name"] for one in template_reports.listing()["templates"])
        raise Error(f'no template "{texts.plain(arguments.name):.60}" comes along, there are: {names}')
    options.show(arguments, document, lambda: str(document["text"]).removesuffix("\n"))
    return 0


ACTIONS: Final[dict[str, tuple[Callable[[Namespace], int], str]]] = {
    "check": (_check, "find all mistakes in a template's file"),
    "list": (_list, "the templates that come along"),
    "show": (_show, "print one of them, to begin with"),
}


def verdict(document: dict[str, Any]) -> str:
    """Every mistake on a line of its own; or what the template is."""
    name, mistakes = texts.plain(document["file"]), document["mistakes"]
    if mistakes:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        return "\n  ".join([f"{name}: {count}", *(texts.plain(one["sentence"]) for one in mistakes)])
    template = document["template"]
    measurands = ", ".join(f"{one['name']} in {one['unit']}" for one in template["measurands"])
    components = sum(one["components"] for one in template["measurands"])
    tests = "1 test" if template["tests"] == 1 else f"{template['tests']} tests"
    return (
        f"{name}: no mistake\n{template['id']} version {template['version']}, {template['title']}\n"
        f"{measurands}; {tests}, {components} components of uncertainty\nSHA-256 {document['sha256']}"
    )


def table(document: dict[str, Any]) -> str:
    rows = [(one["name"], one["id"], str(one["version"]), one["title"]) for one in document["templates"]]
    return texts.table([("NAME", "ID", "VERSION", "TITLE"), *rows])


def content_of(file: Path) -> bytes:
    """A template's bytes, or one more than it may have. Raises Error."""
    return whole_file.read(file, MAX_BYTES)
