"""A chain of hashes: entries that cannot be edited, removed or put between others unnoticed. Pure.

    hash = SHA-256(previous hash || canonical bytes of the entry)        the first one's previous hash is 32 zero bytes

The canonical bytes are a JSON array of the entry's number and its columns in their order (docs/decisions/0009).
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

GENESIS: Final = bytes(32)


class Link(NamedTuple):
    """An entry's place in the chain; the one before the first is number 0."""

    number: int = 0
    hash: bytes = GENESIS


def canonical(number: int, columns: Iterable[Any]) -> bytes:
    """The bytes that an entry's hash covers beside the hash before it."""
    fields = [field.hex() if isinstance(field, bytes) else field for field in columns]
    return json.dumps([number, *fields], ensure_ascii=False, separators=(",", ":")).encode()


def link(previous: Link, number: int, columns: Iterable[Any]) -> Link:
    """The entry's place in the chain, behind the previous one."""
    return Link(number, hashlib.sha256(previous.hash + canonical(number, columns)).digest())


def damage(last: Link, number: int, columns: Iterable[Any], *, previous: bytes, hash_: bytes, what: str) -> str:
    """What is wrong with the entry behind a good one; empty if nothing is. `what` the chain is: "the ledger"."""
    if number <= last.number:
        return f"entry {number} was added from outside: numbers begin with 1"
    if number > last.number + 1:
        before = f"entry {last.number} is followed by" if last.number else f"{what} begins with"
        return f"{entries(last.number + 1, number - 1)} removed: {before} entry {number}"
    if link(Link(last.number, previous), number, columns).hash != hash_:
        return f"entry {number} was edited: its hash is not that of what it says"
    if previous != last.hash:
        before = f"entry {last.number}" if last.number else "the chain's beginning"
        return f"entry {number} does not follow {before}: one was replaced, added from outside or removed"
    return ""


def entries(first: int, last: int) -> str:
    """The beginning of a sentence about several."""
    return f"entry {first} was" if first == last else f"entries {first} to {last} were"
