"""Whether the log of calibrations is what was written into it: rows of the database in, the first wrong one out.

Beside the chain itself: what issued certificates say of it. Each that came of a run names the head of the log as it was
then, so that a tail that was cut off behind it, or a chain that was written anew, is noticed.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_services import chain
from kleinmaelzung_services.calibration.log import entries
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.lookup import Lookup

BATCH: Final = 200  # rows at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What a certificate says: the entry of this number has this hash."""

    number: int
    hash: bytes
    by: str


@dataclass(slots=True, kw_only=True)
class Verified:
    """What was found: `first_wrong` is None where nothing is wrong. `head` is the last good entry."""

    head: Link
    checked: int = 0
    first_wrong: int | None = None
    sentence: str = ""
    is_end: bool = False

    def find(self, number: int, sentence: str) -> None:
        self.first_wrong, self.sentence = number, sentence


async def verify(opened: Lookup, after: int | Link | None, until: int | None, piece_s: float | None) -> Verified:
    """Follow the chain behind a good entry."""
    found = await _start(opened, after)
    noted = {one.number: one for one in await _noted(opened, found.head.number)}
    ends = None if piece_s is None else time.monotonic() + piece_s
    number = found.head.number or None  # from the very first, whatever its number
    while found.first_wrong is None:
        batch = await opened.fetch("find_chain", number, until, BATCH)
        follow(found, batch, noted)
        if len(batch) < BATCH:
            break
        number = found.head.number
        if found.first_wrong is None and ends is not None and time.monotonic() >= ends:
            return found
    found.is_end = True
    if found.first_wrong is None and until is None:
        look_behind(found, noted)
    elif found.first_wrong is None and until is not None and until > found.head.number:
        found.find(found.head.number + 1, f"{_gone(found.head.number, until)}: there is none behind")
    return found


def follow(found: Verified, batch: Sequence[entries.Row], noted: Mapping[int, Noted]) -> None:
    """Take some rows behind the last good one."""
    for row in batch:
        number = row["number"]
        if why := entries.damage(found.head, row):
            found.find(min(number, found.head.number + 1), why)
            return
        told = noted.get(number)
        if told is not None and told.hash != row["hash"]:
            found.find(number, f"entry {number} is not the one that {told.by} names: entries were written anew")
            return
        found.head = Link(number, row["hash"])
        found.checked += 1


def look_behind(found: Verified, noted: Mapping[int, Noted]) -> None:
    """What the rows themselves cannot show: whether some are gone behind the last one."""
    last = found.head.number
    if gone := [one for one in noted.values() if one.number > last]:
        newest = max(gone, key=lambda one: one.number)
        found.find(last + 1, f"{_gone(last, newest.number)}: {newest.by} names entry {newest.number}")


async def _start(opened: Lookup, after: int | Link | None) -> Verified:
    if isinstance(after, Link) or not after:
        return Verified(head=after if isinstance(after, Link) else Link())
    rows = await opened.fetch("find_link", after)
    if not rows:
        found = Verified(head=Link())
        found.find(after, f"entry {after} was removed")
        return found
    return Verified(head=Link(after, rows[0]["hash"]))


async def _noted(opened: Lookup, after: int) -> list[Noted]:
    rows: list[Any] = await opened.fetch("find_noted", after)
    return [
        Noted(number=row["number"], hash=_hash(row["hash"]), by=f"certificate {row['certificate']}/{row['revision']}")
        for row in rows
    ]


def _hash(text: str | None) -> bytes:
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b""  # no entry's


def _gone(last: int, until: int) -> str:
    return f"{chain.entries(last + 1, until)} removed"
