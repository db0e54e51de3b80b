"""kleinmaelzung-agent profiles: a table of those there are, or the whole text of one.

Exit codes: 0, 2 no such profile, or one that cannot be read.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.profiles.profile_files import Profile, ProfileError
from kleinmaelzung_wire import codec


def main(arguments: Sequence[str]) -> int:
    wanted = _parser().parse_args(arguments)
    places = profile_files.folders(wanted.profiles)
    try:
        found = [profile_files.find(wanted.name, places)] if wanted.name else list(profile_files.find_all(places))
    except ProfileError as error:
        print(error, file=sys.stderr)
        return 2
    right = [one for one in found if isinstance(one, Profile)]
    if wanted.json:
        print(codec.to_json([document(one) for one in right]))
    elif wanted.name:
        print(right[0].path.read_text(), end="")
    else:
        print("\n".join(listed(right)))
    wrong = [one for one in found if isinstance(one, ProfileError)]
    for one in wrong:
        print(one, file=sys.stderr)
    return 2 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kleinmaelzung-agent profiles", description="List the profiles of instruments, or show the whole of one."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="show the whole of this one")
    parser.add_argument("--profiles", type=Path, metavar="DIR", help="folder of own profiles")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def listed(found: Sequence[Profile]) -> list[str]:
    """A line for each, below the names of the columns."""
    rows = [("NAME", "KIND", "TESTED"), *((one.name, one.label, one.tested) for one in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return ["  ".join(row).rstrip() for row in cells]


def document(one: Profile) -> dict[str, object]:
    """For machines."""
    return {
        "name": one.name,
        "label": one.label,
        "devices": one.devices,
        "driver": one.driver,
        "source": one.source,
        "tested": one.tested,
        "note": one.note,
        "parameters": dict(one.parameters),
        "file": str(one.path),
    }
