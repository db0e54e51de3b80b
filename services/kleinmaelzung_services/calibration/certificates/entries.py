"""The register of certificates: what was issued in, entries of a chain of hashes out (chain.py). Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from kleinmaelzung_services import chain, lookup
from kleinmaelzung_services.chain import Link

ISSUED: Final = "issued"
WHAT: Final = "the register of certificates"

Row = Any  # of asyncpg: columns by name


class Entry(NamedTuple):
    """The columns of the table between `number` and `previous`. Time in µs since 1970; `pdf` and `data` are SHA-256."""

    time: int
    kind: Literal["issued"]
    certificate: str
    revision: int
    username: str
    item: str
    pdf: bytes
    data: bytes
    details: str  # JSON
    request: str


def of_row(row: Row) -> Entry:
    """An entry as it is stored."""
    stored = {name: row[name] for name in Entry._fields}
    return Entry(**{**stored, "time": lookup.to_time_us(row["time"])})


def row_of(head: Link, entry: Entry) -> tuple[Any, ...]:
    """The row of the table, behind the newest entry."""
    new = chain.link(head, head.number + 1, entry)
    stored = (lookup.to_datetime(entry.time), *entry[1:])
    return (new.number, *stored, head.hash, new.hash)


def damage(last: Link, row: Row) -> str:
    """What is wrong with the row behind a good entry; empty if nothing is."""
    return chain.damage(last, row["number"], of_row(row), previous=row["previous"], hash_=row["hash"], what=WHAT)


def details(found: Mapping[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def told(row: Row) -> dict[str, Any]:
    """An entry as an answer tells it."""
    return {
        **json.loads(row["details"]),
        "entry": row["number"],
        "number": row["certificate"],
        "revision": row["revision"],
        "issued": lookup.to_time_us(row["time"]),
        "user": row["username"],
        "item": row["item"],
        "sha256": row["pdf"].hex(),
        "data_sha256": row["data"].hex(),
    }
