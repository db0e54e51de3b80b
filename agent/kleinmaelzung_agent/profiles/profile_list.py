"""kleinmaelzung-agent profiles: which there are, and what one of them is.

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
        prog="kleinmaelzung-agent profiles", description="Shows the profiles, or the text of one."
    )
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--profiles", type=Path, metavar="DIR", help="folder of own profiles")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def listed(found: Sequence[Profile]) -> list[str]:
    """A paragraph for each."""
    lines = []
    for one in found:
        lines += [f"{one.name}: {one.label}", f"    tested: {one.tested}", f"    source: {one.source}"]
        if one.parameters:
            named = ", ".join(f"{name} = {value}" if value else name for name, value in one.parameters.items())
            lines.append(f"    parameters: {named}")
    return lines


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
