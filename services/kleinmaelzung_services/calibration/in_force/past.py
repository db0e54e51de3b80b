"""The calibrations of an instrument, compared with one another: rows in; Past of wire/register.py out.

How an instrument was found, against how the calibration before had left it, is its drift; E_n sets it in relation to
both uncertainties, and up to 1 these explain it. Where both used the same standards it is rather too small.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.certificates import entries, store
from kleinmaelzung_services.calibration.certificates.entries import Row
from kleinmaelzung_services.calibration.in_force import kept
from kleinmaelzung_services.calibration.in_force.building import Found
from kleinmaelzung_services.calibration.in_force.kept import Kept
from kleinmaelzung_services.calibration.in_force.publishing import QUERIES
from kleinmaelzung_services.calibration.units import UnitError
from kleinmaelzung_services.lookup import LookupFailed
from kleinmaelzung_services.pages import page
from kleinmaelzung_services.requests import Asked, Handler, RequestRefused
from kleinmaelzung_wire import register, sockets, topics
from kleinmaelzung_wire.codec import WireError

LONGEST: Final = 200  # certificates of one instrument


class Past:
    """Answers what was found of an instrument before."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queries = lookup.read_queries(store.PACKAGE, QUERIES)

    def handlers(self) -> dict[str, Handler]:
        return {register.HISTORY: self.history}

    async def history(self, asked: Asked) -> dict[str, Any]:
        """The handler for HISTORY, the newest first; `after` is how many were told before."""
        instrument = asked.request.instrument or ""
        if topics.ANY in instrument.split("/"):
            raise WireError(f"{instrument} are several: ask for the calibrations of one instrument")
        topics.split_full_name(instrument)
        after = asked.request.fields().integer("after", minimum=0, maximum=LONGEST, default=0)
        try:
            async with lookup.open_lookup(self._dsn, self._queries) as opened:
                rows = await opened.fetch("find_past", instrument, LONGEST)
        except LookupFailed as error:
            raise RequestRefused(sockets.UNAVAILABLE, f"the database cannot be read: {error}") from error
        return page({}, "calibrations", told(rows)[after:], LONGEST)


def told(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Of all certificates of an instrument, the newest first."""
    all_ = [(row, kept.read(row)) for row in rows]
    return [_told(row, found, _before(row, found, all_[place + 1 :])) for place, (row, found) in enumerate(all_)]


def _before(row: Row, found: Kept, earlier: Sequence[tuple[Row, Kept]]) -> Kept | None:
    """What it is compared with: the one before that holds, of an instrument as real as this one."""
    for other, one in earlier:
        is_alike = one.calibration.is_simulated == found.calibration.is_simulated
        if entries.state(other) == "valid" and other["certificate"] != row["certificate"] and is_alike:
            return one
    return None


def _told(row: Row, found: Kept, before: Kept | None) -> dict[str, Any]:
    return {
        "certificate": row["certificate"],
        "revision": row["revision"],
        "run": entries.run_of(row),
        "issued": lookup.to_time_us(row["time"]),
        "performed": found.performed.isoformat() if found.performed else "",
        "verdict": found.calibration.verdict,
        "state": entries.state(row),
        "as_found": [asdict(one) for one in found.as_found],
        "as_left": None if found.as_left is None else [asdict(one) for one in found.as_left],
        "drift": list(drift(found.as_found, before.last if before else ())),
    }


def drift(now: Sequence[Found], before: Sequence[Found]) -> Iterator[dict[str, Any]]:
    """Of the points that both have: how much the error has changed, in the unit of now. E_n is nil without any U."""
    known = {(one.measurand, one.nominal): one for one in before}
    for one in now:
        other = known.get((one.measurand, one.nominal))
        if other is None:
            continue
        try:
            error, U = _converted(other, one.unit)  # noqa: N806 - U is the expanded uncertainty, u the standard one
        except UnitError:
            continue  # of another kind, such as a relative one
        change, both = float(f"{one.error - error:.14g}"), math.hypot(one.U, U)
        yield {
            "measurand": one.measurand,
            "nominal": one.nominal,
            "change": change,
            "unit": one.unit,
            "E_n": abs(change) / both if both else None,
        }


def _converted(found: Found, unit: str) -> tuple[float, float]:
    """Error and U in another unit. Raises UnitError."""
    own, into = units.find(found.unit), units.find(unit)
    return units.convert_difference(found.error, own, into), units.convert_difference(found.U, own, into)
