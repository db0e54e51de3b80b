"""Several instruments' history in one zip: a file each and manifest.json, written as it comes, in flat memory.

    pi-1/balance.csv  pi-1/thermometer.csv  ...  manifest.json

The manifest says of each file what it holds (channels with units, times, gaps, completeness) and its SHA-256, and which
version wrote it.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any, Final

from kleinmaelzung_wire import topics

MANIFEST: Final = "manifest.json"
SUFFIXES: Final = {"csv": "csv", "json": "jsonl", "jsonl": "jsonl", "parquet": "parquet"}
Write = Callable[[bytes], None]
_MODE: Final = 0o100644 << 16  # a plain file that everyone may read


@dataclass(slots=True, kw_only=True)
class Entry:
    """One file: what it is about, as the history service told, and what was counted while it was written."""

    name: str
    instrument: str
    about: dict[str, Any] = field(default_factory=dict)
    size: int = 0  # bytes
    digest: Any = field(default_factory=hashlib.sha256)

    def count(self, piece: bytes) -> None:
        self.size += len(piece)
        self.digest.update(piece)

    def to_map(self) -> dict[str, Any]:
        counted = {"name": self.name, "bytes": self.size, "sha256": self.digest.hexdigest()}
        return {"instrument": self.instrument, **counted, **self.about}


def counted(entry: Entry, file: IO[bytes]) -> Write:
    """What writes into a file, and counts that in its entry."""

    def write(piece: bytes) -> None:
        entry.count(piece)
        file.write(piece)

    return write


def file_name(instrument: str, format_name: str) -> str:
    """`pi-1/balance.csv`: of checked names, so nothing is unpacked elsewhere. Raises WireError."""
    agent, name = topics.split_full_name(instrument)
    return f"{agent}/{name}.{SUFFIXES[format_name]}"


class Archive:
    """A zip that is being written, from opened()."""

    def __init__(self, writing: zipfile.ZipFile, version: str, made: datetime) -> None:
        self.entries: list[Entry] = []
        self._zip = writing
        self._version = version
        self._made = made
        self._documents: dict[str, dict[str, Any]] = {}

    @contextmanager
    def adding(self, entry: Entry) -> Iterator[Write]:
        """What is written within the block is one file of whatever size, counted in the entry."""
        with self._zip.open(self._place(entry.name), "w", force_zip64=True) as inside:
            yield counted(entry, inside)
        self.entries.append(entry)

    def manifest(self) -> dict[str, Any]:
        made = self._made.astimezone(UTC).isoformat(timespec="seconds")
        files = [entry.to_map() for entry in self.entries]
        return {"software": f"kleinmaelzung {self._version}", "made": made, **self._documents, "files": files}

    def add_document(self, name: str, content: dict[str, Any]) -> None:
        """Add `batch.json` or the like, what all the files are about; the manifest says it too."""
        text = _json(content)
        self._zip.writestr(self._place(name), text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self._documents[name.removesuffix(".json")] = {"file": name, "sha256": digest, **content}

    def add_manifest(self) -> None:
        self._zip.writestr(self._place(MANIFEST), _json(self.manifest()))

    def _place(self, name: str) -> zipfile.ZipInfo:
        place = zipfile.ZipInfo(name, self._made.timetuple()[:6])
        place.compress_type = zipfile.ZIP_DEFLATED
        place.external_attr = _MODE
        return place


def _json(content: dict[str, Any]) -> str:
    return f"{json.dumps(content, ensure_ascii=False, indent=2)}\n"


@contextmanager
def opened(file: IO[bytes], version: str, made: datetime) -> Iterator[Archive]:
    """Write a zip into a file: what is added within the block, then the manifest. `made` is when that is."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writing:
        archive = Archive(writing, version, made)
        yield archive
        archive.add_manifest()
