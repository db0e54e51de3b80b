"""Released templates: which id and version stands for which content. Pure.

A released version never changes: a certificate names it, and whoever looks it up years later must find what was used.
So a register maps id and version to the SHA-256 of the file; the same id and version with another hash is an edit, and
is refused. As text, one release a line: `<sha256>  <id>  <version>`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,63})  ([1-9][0-9]{0,4})")


class ReleaseError(ValueError):
    """This version cannot be released, or the register cannot be read; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    id: str
    version: int
    sha256: str


Register = Mapping[tuple[str, int], Release]


def register(text: str) -> dict[tuple[str, int], Release]:
    """Read the text form. Raises ReleaseError."""
    known: dict[tuple[str, int], Release] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise ReleaseError(
                f'line {number} of the register: expected "<sha256>  <id>  <version>", found {line!r:.80}'
            )
        known = released(known, Release(id=found[2], version=int(found[3]), sha256=found[1]))
    return known


def show(known: Register) -> str:
    return "".join(f"{one.sha256}  {one.id}  {one.version}\n" for one in _sorted(known.values()))


def released(known: Register, release: Release) -> dict[tuple[str, int], Release]:
    """Return the register with one more. Raises ReleaseError; the same release again changes nothing."""
    if why := why_not(known, release):
        raise ReleaseError(f"{release.id} version {release.version}: {why}")
    return {**known, (release.id, release.version): release}


def why_not(known: Register, release: Release) -> str:
    """Why this cannot be released, as a sentence; empty where it can, or is already."""
    same = known.get((release.id, release.version))
    if same is not None:
        if same.sha256 == release.sha256:
            return ""
        return (
            f"this version is released with other content ({same.sha256[:12]}...), and a released version never changes"
        )
    newer = [one.version for one in known.values() if one.id == release.id and one.version > release.version]
    return f"version {max(newer)} is released already, and versions count up" if newer else ""


def next_version(known: Register, id_: str) -> int:
    return max((one.version for one in known.values() if one.id == id_), default=0) + 1


def _sorted(releases: Iterable[Release]) -> list[Release]:
    return sorted(releases, key=lambda one: (one.id, one.version))
