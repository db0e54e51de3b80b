"""What holds of an instrument by its last certificate: `<agent>/<instrument>/calibration`, retained; empty: nothing.

    service --> agent (latest and state name it), clients and page (readings corrected, with U), any MQTT tool

    {v: 1, certificate, revision, issued, due: "2027-06-02" or "", verdict, is_simulated, measurands: [Measurand]}
    Measurand  {name, channel, unit, low, high, k, correction: nil, Points or Curve, reason}
    Points     {kind: "points", indication: [...], correction: [...], U: [...], k: [...]}    straight between neighbours
    Curve      {kind: "curve", origin, coefficients: [b0, b1, ...], covariance: [[...], ...], u_common}

All in `unit`, as the channel sends it; indications rise. A corrected value is the reading plus the correction there;
between two points U and k are those of the one whose U is larger, before the first and behind the last those of that.
U of a curve is `k` times the root of its variance there and u_common squared. Outside `low` to `high` nothing is
corrected. A measurand's `k` is that of its curve, and the smallest of its points: U over it is never too small a u.
`reason` says why there is no correction, or is empty. `channel` is empty where no stream is corrected. Times in µs
since 1970 UTC.
"""

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Self

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import MAX_ID, MAX_SENTENCE

MAX_POINTS: Final = 1000
MAX_ORDER: Final = 8
MAX_MEASURANDS: Final = 64

# How instruments and templates spell the same unit.
_SPELLINGS: Final = (("°", "deg"), ("℃", "degC"), ("µ", "u"), ("μ", "u"), ("Ω", "Ohm"), ("Ω", "Ohm"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A reading as the certificate corrects it: `value` within +-U, which is k times its standard uncertainty."""

    value: float
    U: float
    k: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """What was found at some indications, which rise."""

    indication: tuple[float, ...]
    correction: tuple[float, ...]
    U: tuple[float, ...]
    k: tuple[float, ...]

    def at(self, reading: float) -> tuple[float, float, float]:
        """Correction, U and k there."""
        if reading <= self.indication[0]:
            return self.correction[0], self.U[0], self.k[0]
        if reading >= self.indication[-1]:
            return self.correction[-1], self.U[-1], self.k[-1]
        above = bisect.bisect_left(self.indication, reading)
        low, high = self.indication[above - 1], self.indication[above]
        share = (reading - low) / (high - low)
        correction = self.correction[above - 1] * (1 - share) + self.correction[above] * share
        U, k = max((self.U[one], self.k[one]) for one in (above - 1, above))  # noqa: N806 - U is the expanded one
        return correction, U, k

    def to_map(self) -> dict[str, Any]:
        columns = {"indication": self.indication, "correction": self.correction, "U": self.U, "k": self.k}
        return {"kind": "points", **{name: list(column) for name, column in columns.items()}}

    @classmethod
    def from_map(cls, wire: Fields) -> Self:
        found = cls(
            indication=_numbers(wire, "indication"),
            correction=_numbers(wire, "correction"),
            U=_numbers(wire, "U"),
            k=_numbers(wire, "k"),
        )
        if not 1 <= len(found.indication) == len(found.correction) == len(found.U) == len(found.k) <= MAX_POINTS:
            raise WireError(f"points of unequal length, or not 1 to {MAX_POINTS} of them")
        if any(one >= other for one, other in itertools.pairwise(found.indication)):
            raise WireError("points.indication does not rise")
        if min(found.U) < 0 or min(found.k) <= 0:
            raise WireError("points.U or points.k is not positive")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """b0 + b1 (reading - origin) + ..., with the covariance of these and what all points share."""

    origin: float
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    u_common: float

    def at(self, reading: float) -> tuple[float, float]:
        """Correction and u there."""
        powers = [(reading - self.origin) ** power for power in range(len(self.coefficients))]
        correction = math.fsum(b * power for b, power in zip(self.coefficients, powers, strict=True))
        rows = zip(powers, self.covariance, strict=True)
        variance = math.fsum(one * other * cov for one, row in rows for other, cov in zip(powers, row, strict=True))
        return correction, math.sqrt(max(0.0, variance) + self.u_common**2)  # rounding may leave less than nothing

    def to_map(self) -> dict[str, Any]:
        covariance = [list(row) for row in self.covariance]
        terms = {"origin": self.origin, "coefficients": list(self.coefficients), "covariance": covariance}
        return {"kind": "curve", **terms, "u_common": self.u_common}

    @classmethod
    def from_map(cls, wire: Fields) -> Self:
        coefficients = _numbers(wire, "coefficients")
        rows = wire.list("covariance")
        found = cls(
            origin=_number(wire.get("origin"), "curve.origin"),
            coefficients=coefficients,
            covariance=tuple(_numbers(Fields({"row": row}, "covariance"), "row") for row in rows),
            u_common=_number(wire.get("u_common"), "curve.u_common"),
        )
        count = len(coefficients)
        if not 1 <= count <= MAX_ORDER or [len(row) for row in found.covariance] != [count] * count:
            raise WireError(f"a curve of {count} coefficients with a covariance that does not fit them")
        if found.u_common < 0:
            raise WireError("curve.u_common is below zero")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurand:
    """One quantity that was calibrated."""

    name: str
    channel: str
    unit: str
    low: float
    high: float
    k: float
    correction: Points | Curve | None = None
    reason: str = ""

    def at(self, reading: float) -> tuple[float, float, float]:
        """Correction, U and k at a reading; nothing where there is no correction. Raises OverflowError."""
        match self.correction:
            case Points():
                return self.correction.at(reading)
            case Curve():
                correction, u = self.correction.at(reading)
                return correction, self.k * u, self.k
        return 0.0, 0.0, self.k

    def to_map(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "channel": self.channel,
            "unit": self.unit,
            "low": self.low,
            "high": self.high,
            "k": self.k,
            "correction": self.correction.to_map() if self.correction else None,
            "reason": self.reason,
        }

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "measurand")
        found = cls(
            name=wire.text("name", longest=MAX_ID),
            channel=wire.text("channel", default="", longest=MAX_ID),
            unit=wire.text("unit", default="", longest=MAX_ID),
            low=_number(wire.get("low"), "measurand.low"),
            high=_number(wire.get("high"), "measurand.high"),
            k=_number(wire.get("k"), "measurand.k"),
            correction=_correction(wire.get("correction")),
            reason=wire.text("reason", default="", longest=MAX_SENTENCE),
        )
        if found.low > found.high or found.k <= 0:
            raise WireError(f"measurand {found.name!r:.40} holds nowhere: low is above high, or k is not positive")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The certificate that holds of an instrument, with what it corrects."""

    certificate: str
    revision: int
    issued: int
    due: str = ""
    verdict: str = ""
    is_simulated: bool = False
    measurands: tuple[Measurand, ...] = ()

    def measurand_of(self, channel: str) -> Measurand | None:
        """What was calibrated of a stream; None for a channel that was not."""
        return next((one for one in self.measurands if channel and one.channel == channel), None)

    def is_overdue(self, now_us: int) -> bool:
        """Whether the day on which it is due is over, by UTC."""
        return bool(self.due) and day(now_us) > self.due

    def to_map(self) -> dict[str, Any]:
        return {
            "certificate": self.certificate,
            "revision": self.revision,
            "issued": self.issued,
            "due": self.due,
            "verdict": self.verdict,
            "is_simulated": self.is_simulated,
            "measurands": [one.to_map() for one in self.measurands],
        }

    def encode(self) -> bytes:
        return codec.pack_versioned(self.to_map())

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        return cls._from_fields(Fields.versioned(payload, "calibration"))

    @classmethod
    def from_map(cls, value: Any) -> Self:
        return cls._from_fields(Fields(value, "calibration"))

    @classmethod
    def _from_fields(cls, wire: Fields) -> Self:
        measurands = wire.list("measurands", default=[])
        if len(measurands) > MAX_MEASURANDS:
            raise WireError(f"calibration of {len(measurands)} measurands, allowed are {MAX_MEASURANDS}")
        return cls(
            certificate=wire.text("certificate", longest=MAX_ID),
            revision=wire.integer("revision", minimum=1),
            issued=wire.integer("issued"),
            due=_due(wire.text("due", default="")),
            verdict=wire.text("verdict", default="", longest=MAX_ID),
            is_simulated=wire.boolean("is_simulated", default=False),
            measurands=tuple(Measurand.from_map(one) for one in measurands),
        )


def corrected(measurand: Measurand, value: Any, unit: str, quality: str = "good") -> Corrected | str:
    """A reading without the error that was found there; or why it is not corrected, in a few words."""
    if measurand.correction is None:
        return measurand.reason or "the certificate has no correction"
    if type(value) not in (int, float) or not math.isfinite(value):
        return "no number was read"
    if quality != "good":
        return f"its quality is {quality}: only a good reading is corrected"
    if spelt(unit) != spelt(measurand.unit):
        return f"read in {unit or 'no unit'}, calibrated in {measurand.unit or 'no unit'}"
    if not measurand.low <= value <= measurand.high:
        return f"outside the calibrated range {measurand.low:g} to {measurand.high:g} {measurand.unit}".rstrip()
    try:
        correction, U, k = measurand.at(value)  # noqa: N806 - U is the expanded uncertainty
    except OverflowError:
        return "its correction is too large a number"
    return Corrected(value=float(f"{value + correction:.14g}"), U=U, k=k, unit=unit)  # 50.001, and no ...0000001


def spelt(unit: str) -> str:
    """A unit letter by letter, so that °C and degC are the same."""
    for other, ours in _SPELLINGS:
        unit = unit.replace(other, ours)
    return unit


def day(time_us: int) -> str:
    """The date of a time, by UTC: `2027-06-02`."""
    return (_EPOCH + timedelta(microseconds=time_us)).date().isoformat()


def _due(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise WireError(f"calibration.due is {text!r:.40}, expected a date such as 2027-06-02") from error


def _correction(value: Any) -> Points | Curve | None:
    if value is None:
        return None
    wire = Fields(value, "correction")
    match wire.text("kind"):
        case "points":
            return Points.from_map(wire)
        case "curve":
            return Curve.from_map(wire)
    return None  # of a later version: nothing is corrected by what is not understood


def _numbers(wire: Fields, key: str) -> tuple[float, ...]:
    return tuple(_number(one, key) for one in _bounded(wire.list(key), key))


def _bounded(values: Sequence[Any], key: str) -> Sequence[Any]:
    if len(values) > MAX_POINTS:
        raise WireError(f"{key} has {len(values)} numbers, allowed are {MAX_POINTS}")
    return values


def _number(value: Any, what: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise WireError(f"{what} is not a number")
    return float(value)
