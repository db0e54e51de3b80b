"""Whether the register of certificates is what was written into it: a database in, the first wrong entry out."""

from typing import Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import entries, store
from kleinmaelzung_services.chain import Link

BATCH: Final = 500  # rows at once


async def damage(dsn: str) -> str:
    """What is wrong with the first wrong entry; empty if nothing is. Raises LookupFailed."""
    last, number = Link(), None
    async with lookup.open_lookup(dsn, lookup.read_queries(store.PACKAGE, store.QUERIES)) as opened:
        while batch := await opened.fetch("find_chain", number, BATCH):
            for row in batch:
                if why := entries.damage(last, row):
                    return why
                last = Link(row["number"], row["hash"])
            number = last.number
    return ""
