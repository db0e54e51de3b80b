"""What certificates say of instruments: what holds now, out of retained messages; what was found before, asked for."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from kleinmaelzung.asking import Ask, unreadable
from kleinmaelzung_wire import register
from kleinmaelzung_wire.calibrations import Calibration
from kleinmaelzung_wire.codec import Fields, WireError

logger = logging.getLogger(__name__)

_OF: Final = "about calibrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFound:
    """What the error (indication less reference) of an instrument was at a point, with its U, in `unit`."""

    measurand: str
    nominal: float
    error: float
    U: float
    unit: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "point")
        return cls(
            measurand=wire.text("measurand"),
            nominal=_number(wire, "nominal"),
            error=_number(wire, "error"),
            U=_number(wire, "U"),
            unit=wire.text("unit"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How much the error at a point has changed since the calibration before left it, in `unit`.

    `E_n` is that over both uncertainties, combined: above 1 it is more than these explain. None without any U.
    """

    measurand: str
    nominal: float
    change: float
    unit: str
    E_n: float | None

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "drift")
        return cls(
            measurand=wire.text("measurand"),
            nominal=_number(wire, "nominal"),
            change=_number(wire, "change"),
            unit=wire.text("unit"),
            E_n=None if wire.get("E_n") is None else _number(wire, "E_n"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCalibration:
    """One calibration of an instrument, by its certificate. `issued` in µs since 1970 UTC, `performed` a date.

    `as_left` is None where nothing was adjusted. `run` is empty where it came of a record, `performed` and both series
    where an earlier version issued it.
    """

    certificate: str
    revision: int
    run: str
    issued: int
    performed: str
    verdict: str
    state: str
    as_found: tuple[PointFound, ...]
    as_left: tuple[PointFound, ...] | None
    drift: tuple[Drift, ...]

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From an answer. Raises WireError."""
        wire = Fields(value, "calibration")
        as_left = None if wire.get("as_left") is None else wire.list("as_left")
        return cls(
            certificate=wire.text("certificate"),
            revision=wire.integer("revision"),
            run=wire.text("run", default=""),
            issued=wire.integer("issued"),
            performed=wire.text("performed", default=""),
            verdict=wire.text("verdict"),
            state=wire.text("state"),
            as_found=tuple(PointFound.from_map(one) for one in wire.list("as_found")),
            as_left=None if as_left is None else tuple(PointFound.from_map(one) for one in as_left),
            drift=tuple(Drift.from_map(one) for one in wire.list("drift")),
        )


async def past(ask: Ask, instrument: str) -> list[PastCalibration]:
    """All of an instrument, the newest first. Raises Refused."""
    found: list[PastCalibration] = []
    while True:
        answer = await ask(register.HISTORY, {"instrument": instrument, "after": len(found)})
        try:
            wire = Fields(answer, "answer")
            found += [PastCalibration.from_map(one) for one in wire.list("calibrations")]
            if not wire.boolean("more") or not wire.list("calibrations"):
                return found
        except WireError as error:
            raise unreadable(_OF, error) from error


def in_force(retained: Mapping[str, bytes]) -> dict[str, Calibration]:
    """What holds by retained messages, by topic below the root; by the instruments' names."""
    held: dict[str, Calibration] = {}
    for topic, payload in retained.items():
        take(held, topic, payload)
    return held


def take(held: dict[str, Calibration], topic: str, payload: bytes) -> None:
    """Let what holds be what a message says; what is not readable holds nothing."""
    instrument = topic.rpartition("/")[0]
    held.pop(instrument, None)
    if not payload:
        return
    try:
        held[instrument] = Calibration.decode(payload)
    except WireError as error:
        logger.warning("what is retained on %s is not readable: %s", topic, error)


def _number(wire: Fields, key: str) -> float:
    value = wire.get(key)
    if type(value) not in (int, float):
        raise WireError(f"{key} is not a number")
    return float(value)
