"""The register of certificates: what was issued or withdrawn in, entries of a chain of hashes out (chain.py). Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from kleinmaelzung_services import chain, lookup
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.requests import RequestRefused
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.certificates import State

Kind = Literal["issued", "withdrawn"]
ISSUED: Final = "issued"
WITHDRAWN: Final = "withdrawn"
WHAT: Final = "the register of certificates"

Row = Any  # of asyncpg: columns by name


class Entry(NamedTuple):
    """The columns of the table between `number` and `previous`. Time in µs since 1970; `pdf` and `data` are SHA-256."""

    time: int
    kind: Kind
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
    """What was issued, as an answer tells it, with what is known of it now: a row of the view certificate_states."""
    return {**told_before(row["number"], of_row(row)), "state": state(row), "withdrawn": _withdrawal(row)}


def told_before(number: int, entry: Entry) -> dict[str, Any]:
    """What is about to be issued, as an answer will tell it."""
    return {
        **json.loads(entry.details),
        "entry": number,
        "number": entry.certificate,
        "revision": entry.revision,
        "issued": entry.time,
        "user": entry.username,
        "item": entry.item,
        "sha256": entry.pdf.hex(),
        "data_sha256": entry.data.hex(),
    }


def state(row: Row) -> State:
    if row["withdrawn"] is not None:
        return "withdrawn"
    return "superseded" if row["is_superseded"] else "valid"


def run_of(row: Row) -> str:
    """The run that a certificate came of; empty where it came of a record that was sent in."""
    run = json.loads(row["details"]).get("run", "")
    return run if isinstance(run, str) else ""


def unknown(number: str, pattern: str) -> RequestRefused:
    sentence = f"there is no certificate {number} of an instrument under {pattern}: is the number right?"
    return RequestRefused(sockets.UNKNOWN, sentence)


def _withdrawal(row: Row) -> dict[str, Any] | None:
    if row["withdrawn"] is None:
        return None
    because = {"user": row["withdrawn_by"], "reason": row["withdrawn_because"]}
    return {"time": lookup.to_time_us(row["withdrawn"]), **because}
