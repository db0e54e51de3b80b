"""What was kept with a certificate for later (building.py): a row of the database in, what it says out. Pure.

A certificate of an earlier version has nothing kept, and then only its number, date and verdict are known. The same
holds of what is not as it was written: its hash is in the register's chain.
"""

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates.entries import Row
from kleinmaelzung_services.calibration.in_force.building import FILE, SCHEMA, Found
from kleinmaelzung_services.calibration.register import content
from kleinmaelzung_wire.calibrations import Calibration
from kleinmaelzung_wire.codec import Fields, WireError

logger = logging.getLogger(__name__)

_KEYS: Final = ("measurand", "nominal", "error", "U", "unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`performed` is None where it is not known, `as_left` where nothing was adjusted."""

    calibration: Calibration
    performed: date | None = None
    interval_months: int | None = None
    as_found: tuple[Found, ...] = ()
    as_left: tuple[Found, ...] | None = None

    @property
    def last(self) -> tuple[Found, ...]:
        """How the instrument was when the calibration was over."""
        return self.as_found if self.as_left is None else self.as_left


def read(row: Row) -> Kept:
    """Of a certificate's row with what is kept of it as `content`."""
    details = json.loads(row["details"])
    bare = Kept(
        calibration=Calibration(
            certificate=row["certificate"],
            revision=row["revision"],
            issued=lookup.to_time_us(row["time"]),
            verdict=str(details.get("verdict", "")),
            is_simulated=details.get("specimen") is True,
        ),
        performed=_day(details.get("performed")),
        interval_months=details.get("interval_months"),
    )
    if row["content"] is None:
        return bare
    try:
        return _read(bare, row["content"], details)
    except (ValueError, KeyError, TypeError) as error:
        logger.error("what is kept with certificate %s is not used: %s", row["certificate"], error)
        return bare


def in_force(row: Row) -> Calibration:
    """What holds by this row, which also has the `interval_months` of the instrument in the register."""
    kept = read(row)
    months = row["interval_months"] or kept.interval_months
    if kept.performed is None or not months:
        return kept.calibration
    return replace(kept.calibration, due=content.after_months(kept.performed, months).isoformat())


def _read(bare: Kept, stored: bytes, details: dict[str, Any]) -> Kept:
    if hashlib.sha256(stored).hexdigest() != details.get("attachments", {}).get(FILE):
        raise ValueError(f"{FILE} is not what was written")
    found = Fields(json.loads(stored), FILE)
    if found.text("schema") != SCHEMA:
        raise ValueError(f"{FILE} has the schema {found.text('schema')!r:.40}, expected {SCHEMA}")
    calibration = Calibration.from_map(found.get("calibration"))
    own = bare.calibration
    if (calibration.certificate, calibration.revision) != (own.certificate, own.revision):
        raise WireError(f"{FILE} is of another certificate")
    return replace(
        bare,
        calibration=calibration,
        performed=_day(found.text("performed")),
        as_found=_series(found.list("as_found")),
        as_left=None if found.get("as_left") is None else _series(found.list("as_left")),
    )


def _series(found: list[Any]) -> tuple[Found, ...]:
    return tuple(Found(**{key: one[key] for key in _KEYS}) for one in found)


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if isinstance(text, str) and text else None
