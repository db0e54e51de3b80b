"""How runs look to people: the service's own rules make the runs."""

import pytest

from kleinmaelzung import CalibrationRun, RunSummary
from kleinmaelzung.commands import calibration_steps
from kleinmaelzung_services.calibration.runs import view
from kleinmaelzung_services.calibration.runs.acting import Found
from kleinmaelzung_services.calibration.runs.events import Calculated
from tests.fakes_calibration import RESULTS, guided
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs.guided import HASH, Guided


def run(made: Guided) -> CalibrationRun:
    return CalibrationRun.from_map(view.view(made.run))


def test_a_run_in_the_middle() -> None:
    made = guided().begin().measure(7)
    made.act("strike", step=6, reason="the door slammed")
    lines = calibration_steps.report(run(made)).splitlines()
    assert lines[0] == "R-2026-0001  pi-1/balance  E M 0"
    assert lines[1] == "Balance of a test, 0-200 g (TEST-BALANCE, version 1)"
    assert lines[2].startswith("weights: weights-1, simulated; certificate SIM of Simulated, due ")
    assert lines[9:11] == ["repeatability, 4 steps, as found", "step  at             value / g      error / mg"]
    assert [line[:-8] for line in lines[11:15]] == [
        "   1  zero               0.0000005       -             ",
        "   2  100 g            100               0             ",
        "   3  zero               0.0000005       -             ",
        "   4  100 g, no. 2     100               0             ",
    ]
    assert "      50 g, front       50.0000005  struck by anna: the door slammed" in lines
    assert "   6  50 g, front   open" in lines
    assert lines[-3:] == [
        "still to do: step 6 (50 g up, no. 1, front): place it",
        "still to do: 4 of 9 steps are open",
        "go on: kleinmaelzung calibration run --resume R-2026-0001",
    ]


def test_an_error_outside_its_limits_has_a_mark() -> None:
    made = guided().begin().measure(9)
    made.act("place", step=9)
    made.capture(lambda source: 100.003)
    rows = {step.step: calibration_steps.Columns(run(made)).row(step) for step in run(made).steps}
    assert rows[9].startswith("   9  100 g            100.003          +3          !  ")
    assert "!" not in rows[8]


def test_who_does_what_next() -> None:
    made = guided().begin().measure()
    assert calibration_steps.whats_next(run(made)) == ["go on: kleinmaelzung calibration run --resume R-2026-0001"]
    results = Calculated(data_sha256=HASH, verdict="pass", results=RESULTS)
    made.act("calculate", found=Found(calculated=results))
    report = calibration_steps.report(run(made))
    assert "as found, mass: pass\n" in report
    assert "  50  up        0.20    0.31  2.00  -1 to 1  pass\n" in report
    assert report.endswith(
        "a calibrator or admin who took no reading reviews it:\n"
        "kleinmaelzung calibration review R-2026-0001 --approve, or --return TEXT"
    )
    assert "still to do" not in report
    made.reviewed("berta")
    assert calibration_steps.report(run(made)).endswith("its certificate: kleinmaelzung calibration issue R-2026-0001")
    made.act("abort", reason="wrong customer")
    assert "aborted" in calibration_steps.report(run(made))


def test_a_list_of_runs() -> None:
    made = guided().begin().measure(5)
    made.act("pause", reason="lunch")
    heading, row = calibration_steps.table([RunSummary.from_map(view.summary(made.run))]).splitlines()
    assert heading.split() == [*calibration_steps.HEADING]
    assert row.startswith("R-2026-0001  pi-1/balance  measuring as found, paused  4 of 9    TEST-BALANCE  ")


@pytest.mark.parametrize(
    ("name", "to_do"),
    [
        ("thermometer", "bring it to "),
        ("pipette", "dispense "),
        ("ph-meter", "bring it to "),
        ("climate-chamber", "bring it to "),
    ],
)
def test_what_is_to_be_done_with_other_instruments(name: str, to_do: str) -> None:
    made = Guided(TEMPLATES[name])
    told = view.view(made.run)
    told["instrument"] = "pi-1/it"
    found = CalibrationRun.from_map(told)
    assert calibration_steps.to_do(found, found.steps[-1]).startswith(to_do)
    assert calibration_steps.place(found.steps[-1])


@pytest.mark.parametrize(
    ("value", "shown"), [(-0.0, "0"), (1e-7, "0.0000001"), (123456.7, "123456.7"), (100.0001666, "100.000167")]
)
def test_numbers_without_exponent_and_without_minus_zero(value: float, shown: str) -> None:
    assert calibration_steps.number(value) == shown
