"""Certificates issued and withdrawn: requests in, what the register has then out. Runs come here when they are done.

Numbers are calculated and pages drawn in a thread: others are answered meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import making
from kleinmaelzung_services.calibration.certificates.asked import Wish, Withdrawal
from kleinmaelzung_services.calibration.certificates.making import Reviewed
from kleinmaelzung_services.calibration.certificates.store import Also, Made, Place, Store
from kleinmaelzung_services.calibration.certificates.told import Told
from kleinmaelzung_services.calibration.documents.certificate.certificate_reports import Prepared, Refused
from kleinmaelzung_services.calibration.log.entries import RUN, Draft, LogDamaged
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.requests import Asked, Handler, RequestRefused
from kleinmaelzung_services.writing import Unavailable
from kleinmaelzung_wire import certificates, sockets

# Further files of a certificate, by name: made of what was calculated and of where it stands.
Attach = Callable[[Prepared, Place], Mapping[str, bytes]]
# Told after something was issued or withdrawn: the instrument.
Changed = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Of a run whose certificate is to be issued: `subject` is its name in the log, `first` its first entry.

    `expected` is the newest entry of it that was read. `event` makes the entry that ends it of the certificate as it
    is told.
    """

    subject: str
    first: int
    expected: int
    event: Callable[[dict[str, Any]], Draft]
    reviewed: Reviewed = field(default_factory=Reviewed)


def _nothing(prepared: Prepared, place: Place) -> Mapping[str, bytes]:
    return {}


def _nobody(item: str) -> None:
    pass


class Issuer:
    """The certificates of one service: what it is asked, and what its runs issue. `issued` counts since the start."""

    def __init__(self, store: Store, log: Log, *, attach: Attach = _nothing, changed: Changed = _nobody) -> None:
        self.issued = 0
        self._store = store
        self._log = log
        self._attach = attach
        self._changed = changed
        self._told = Told(store.tables.dsn)

    def handlers(self) -> dict[str, Handler]:
        return {
            certificates.ISSUE: self.issue,
            certificates.WITHDRAW: self.withdraw,
            certificates.KNOWN: self._told.known,
            certificates.LIST: self._told.list,
            certificates.FILE: self._told.file,
        }

    async def issue(self, asked: Asked) -> dict[str, Any]:
        """The handler for ISSUE: of a record that was sent in."""
        wish = Wish.parse(asked)
        try:
            issued = await self.issue_wish(wish)
        except Unavailable as error:
            raise _not_issued(error) from error
        except Refused as error:
            return {"certificate": None, "mistakes": [one["sentence"] for one in error.mistakes]}
        return {"certificate": issued, "mistakes": []}

    async def issue_wish(self, wish: Wish) -> dict[str, Any]:
        """Issue it of a record alone. Raises RequestRefused, certificate_reports.Refused, or Unavailable."""
        return await self._issue(wish, Reviewed(), None)

    async def issue_run(self, wish: Wish, ending: Ending) -> dict[str, Any]:
        """Issue the certificate of a run, and end the run, in one transaction. Returns it as it is told.

        Raises RequestRefused where the log is damaged, certificate_reports.Refused with every mistake; and Moved,
        ClockBehind or Unavailable, as the log does.
        """
        try:
            await self._log.require_whole(ending.first)
        except LogDamaged as error:
            raise RequestRefused(sockets.CONFLICT, str(error)) from error

        async def also(connection: Any, told: dict[str, Any]) -> dict[str, Any]:
            [entry] = await self._log.append_in(
                connection,
                ending.subject,
                [ending.event(told)],
                user=wish.user,
                request=wish.id,
                expected=ending.expected,
                now_us=lookup.to_time_us(datetime.now(UTC)),
            )
            head = {"number": entry.number, "hash": entry.hash.hex()}
            return {"run": ending.subject.removeprefix(RUN), "log": head}

        return await self._issue(wish, ending.reviewed, also)

    async def withdraw(self, asked: Asked) -> dict[str, Any]:
        """The handler for WITHDRAW."""
        wish = Withdrawal.parse(asked)
        try:
            told = await self._store.withdraw(wish, datetime.now(UTC).replace(microsecond=0))
        except Unavailable as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"it is not withdrawn: {error}") from error
        self._changed(told["item"])
        return {"certificate": told}

    async def _issue(self, wish: Wish, reviewed: Reviewed, also: Also | None) -> dict[str, Any]:
        at = datetime.now(UTC).replace(microsecond=0)
        prepared = await asyncio.to_thread(making.prepare, wish)
        item = prepared.results.record.item.id
        wish.check_item(item)

        def draw(place: Place) -> Made:
            made = making.draw(prepared, wish, place, reviewed)
            return replace(made, attachments={**made.attachments, **self._attach(prepared, place)})

        async def drawn(place: Place) -> Made:
            return await asyncio.to_thread(draw, place)

        told = await self._store.issue(wish, item, at, drawn, also)
        self.issued += 1
        self._changed(item)
        return told


def _not_issued(error: Unavailable) -> RequestRefused:
    return RequestRefused(sockets.UNAVAILABLE, f"it is not issued: {error}")
