"""What holds of an instrument, on the wire: it comes as it was sent, and corrects a reading as the certificate says."""

import math
from dataclasses import replace
from typing import Any

import pytest

from kleinmaelzung_wire import calibrations, codec
from kleinmaelzung_wire.calibrations import Calibration, Corrected, Curve, Measurand, Points
from kleinmaelzung_wire.codec import WireError

POINTS = Points(
    indication=(0.0, 50.0, 100.0), correction=(0.0, -0.002, 0.004), U=(0.001, 0.003, 0.002), k=(2.0, 2.11, 2.05)
)
CURVE = Curve(origin=20.0, coefficients=(0.1, -0.01), covariance=((4e-4, 1e-6), (1e-6, 1e-6)), u_common=0.03)
MASS = Measurand(name="mass", channel="weight", unit="g", low=0.0, high=100.0, k=2.0, correction=POINTS)
WARMTH = Measurand(name="temperature", channel="t", unit="degC", low=0.0, high=50.0, k=2.1, correction=CURVE)
FOUND = Calibration(
    certificate="K-2026-0001",
    revision=2,
    issued=1_700_000_000_000_000,
    due="2027-06-02",
    verdict="pass",
    measurands=(MASS, WARMTH, Measurand(name="volume", channel="", unit="uL", low=10, high=100, k=2, reason="typed")),
)


def corrected(measurand: Measurand, value: Any, unit: str, quality: str = "good") -> Corrected:
    found = calibrations.corrected(measurand, value, unit, quality)
    assert isinstance(found, Corrected), found
    return found


def test_a_calibration_comes_as_it_was_sent() -> None:
    assert Calibration.decode(FOUND.encode()) == FOUND
    assert Calibration.from_map(FOUND.to_map()) == FOUND
    bare = Calibration(certificate="K-1", revision=1, issued=5)
    assert bare.encode() == bytes.fromhex(
        "88a17601ab6365727469666963617465a34b2d31a87265766973696f6e01a669737375656405a3647565a0a776657264696374a0"
        "ac69735f73696d756c61746564c2aa6d65617375"
        "72616e647390"
    )


def test_between_two_points_the_correction_is_straight_and_u_the_larger_of_theirs() -> None:
    assert corrected(MASS, 75.0, "g") == Corrected(value=75.001, U=0.003, k=2.11, unit="g")
    assert corrected(MASS, 100.0, "g") == Corrected(value=100.004, U=0.002, k=2.05, unit="g")
    assert corrected(MASS, 50, "g").value == 49.998, "an integer is a number"


def test_the_end_of_the_points_holds_to_the_end_of_the_range() -> None:
    wider = replace(MASS, low=-1.0, high=101.0)
    assert corrected(wider, 100.5, "g") == Corrected(value=100.504, U=0.002, k=2.05, unit="g")
    assert corrected(wider, -0.5, "g") == Corrected(value=-0.5, U=0.001, k=2.0, unit="g")


def test_a_curve_corrects_by_its_value_and_has_u_by_its_covariance() -> None:
    found = corrected(WARMTH, 30.0, "°C")
    u = math.sqrt(4e-4 + 2 * 10 * 1e-6 + 100 * 1e-6 + 0.03**2)
    assert found.value == pytest.approx(30.0, abs=1e-12), "0.1 - 0.01 * 10 is nothing"
    assert pytest.approx(2.1 * u) == found.U
    assert (found.k, found.unit) == (2.1, "°C")


@pytest.mark.parametrize(
    ("value", "unit", "quality", "why"),
    [
        (100.1, "g", "good", "outside the calibrated range 0 to 100 g"),
        (-0.1, "g", "good", "outside the calibrated range 0 to 100 g"),
        (0.05, "kg", "good", "read in kg, calibrated in g"),
        (50.0, "g", "unstable", "its quality is unstable: only a good reading is corrected"),
        (None, "g", "good", "no number was read"),
        ("50", "g", "good", "no number was read"),
        (True, "g", "good", "no number was read"),
        (math.nan, "g", "good", "no number was read"),
    ],
)
def test_what_cannot_be_corrected_says_why(value: Any, unit: str, quality: str, why: str) -> None:
    assert calibrations.corrected(MASS, value, unit, quality) == why


def test_a_measurand_without_a_correction_has_a_reason() -> None:
    assert calibrations.corrected(replace(MASS, correction=None, reason="typed"), 1.0, "g") == "typed"
    assert calibrations.corrected(replace(MASS, correction=None), 1.0, "g") == "the certificate has no correction"


def test_a_channel_without_a_name_is_nobodys() -> None:
    assert FOUND.measurand_of("t") == WARMTH
    assert FOUND.measurand_of("") is None
    assert FOUND.measurand_of("humidity") is None


def test_it_is_overdue_from_the_day_after() -> None:
    last_us = 1_811_980_799_999_999  # the end of 2027-06-02
    assert calibrations.day(last_us) == "2027-06-02"
    assert not FOUND.is_overdue(last_us)
    assert FOUND.is_overdue(last_us + 1)
    assert not replace(FOUND, due="").is_overdue(last_us + 1)


def test_a_kind_of_correction_of_a_later_version_corrects_nothing() -> None:
    content = MASS.to_map() | {"correction": {"kind": "spline"}}
    assert Measurand.from_map(content).correction is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"due": "soon"}, "expected a date"),
        ({"revision": 0}, "revision is 0"),
        ({"measurands": [MASS.to_map()] * 65}, "65 measurands"),
        ({"measurands": [MASS.to_map() | {"low": 101.0}]}, "holds nowhere"),
        ({"measurands": [MASS.to_map() | {"k": None}]}, "measurand.k is not a number"),
        ({"measurands": [MASS.to_map() | {"correction": POINTS.to_map() | {"U": [1.0]}}]}, "unequal length"),
        ({"measurands": [MASS.to_map() | {"correction": POINTS.to_map() | {"U": [-1.0] * 3}}]}, "not positive"),
        ({"measurands": [MASS.to_map() | {"correction": POINTS.to_map() | {"indication": [1, 1, 2]}}]}, "not rise"),
        ({"measurands": [MASS.to_map() | {"correction": CURVE.to_map() | {"covariance": [[1.0]]}}]}, "does not fit"),
        ({"measurands": [MASS.to_map() | {"correction": CURVE.to_map() | {"u_common": -1.0}}]}, "below zero"),
        ({"measurands": [MASS.to_map() | {"correction": CURVE.to_map() | {"coefficients": [1.0] * 1001}}]}, "1001"),
    ],
)
def test_what_is_no_calibration_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(WireError, match=why):
        Calibration.decode(codec.pack_versioned(FOUND.to_map() | change))
