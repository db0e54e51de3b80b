"""What holds of instruments, as a client keeps it; and samples corrected by that."""

from dataclasses import replace

import pytest

from kleinmaelzung import Calibration, Corrected, PastCalibration, Sample, calibrations
from kleinmaelzung.commands import calibration_history
from kleinmaelzung_wire.calibrations import Measurand, Points

POINTS = Points(indication=(0.0, 100.0), correction=(0.0, -0.01), U=(0.001, 0.002), k=(2.0, 2.0))
MASS = Measurand(name="mass", channel="weight", unit="g", low=0.0, high=100.0, k=2.0, correction=POINTS)
FOUND = Calibration(certificate="K-1", revision=1, issued=1000, measurands=(MASS,))
SAMPLE = Sample(time=1000, channel="weight", value=100.0, unit="g", quality="good")
TOPIC = "pi-1/balance/calibration"


def test_a_sample_is_corrected_by_the_channel_that_was_calibrated() -> None:
    assert SAMPLE.corrected(FOUND) == Corrected(value=99.99, U=0.002, k=2.0, unit="g")
    assert replace(SAMPLE, channel="room").corrected(FOUND) == "it was not calibrated"
    assert replace(SAMPLE, quality="unstable").corrected(FOUND) != SAMPLE.corrected(FOUND)


def test_what_was_taken_before_the_certificate_was_issued_is_not_corrected_by_it() -> None:
    assert replace(SAMPLE, time=999).corrected(FOUND) == "it was taken before the certificate was issued"


def test_what_holds_is_the_last_word_on_each_topic(caplog: pytest.LogCaptureFixture) -> None:
    held = calibrations.in_force({TOPIC: FOUND.encode(), "pi-1/other/calibration": b""})
    assert held == {"pi-1/balance": FOUND}
    calibrations.take(held, TOPIC, replace(FOUND, revision=2).encode())
    assert held["pi-1/balance"].revision == 2
    calibrations.take(held, TOPIC, b"\x80")
    assert held == {}, "what cannot be read holds nothing"
    assert "not readable" in caplog.text


def test_a_certificate_of_an_earlier_version_is_shown_without_points() -> None:
    old = PastCalibration(
        certificate="K-1",
        revision=2,
        run="",
        issued=1_764_000_000_000_000,
        performed="",
        verdict="pass",
        state="withdrawn",
        as_found=(),
        as_left=None,
        drift=(),
    )
    shown = calibration_history.overview("pi-1/balance", [old])
    assert "K-1 revision 2  2025-11-24  pass     withdrawn" in shown
    assert "earlier version" in shown
