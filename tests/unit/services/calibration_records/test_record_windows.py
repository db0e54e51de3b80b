# ruff: noqa: E501 - a refusal is one line, however long
"""What a record shows of its run that forbids a calculation: unstable, stale, frozen or bad streams, order, zero, time."""

import copy
import dataclasses
from typing import Any

import pytest

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import record_check, record_json
from kleinmaelzung_services.calibration.records.record_json import RecordError
from kleinmaelzung_services.calibration.templates.template import Points
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import (
    TEMPLATES,
    VALUES,
    Key,
    changed,
    found,
    manual,
    record,
    results,
)

RUNS: tuple[Key, ...] = ("as_found", "tests")
LOADED: tuple[Key, ...] = (*RUNS, 0, "readings", 0)  # of the balance: 100 g, back from zero
AT_50: tuple[Key, ...] = (*RUNS, 2, "readings", 2)
AT_100: tuple[Key, ...] = (*RUNS, 2, "readings", 3)
BATH: tuple[Key, ...] = (*RUNS, 0, "readings", 1)  # of the thermometer: 25 degC
AGAIN = "wait until it is stable, and measure the point again"
SAMPLES = 16
CUT = [0.25 * place for place in range(7)]


def window(value: float, unit: str = "g", **other: Any) -> dict[str, Any]:
    shown = VALUES["balance"]["as_found"]["tests"][2]["readings"][2]["indication"]
    return {**copy.deepcopy(shown), "values": [value] * SAMPLES, "unit": unit, **other}


def times_of(reading: tuple[Key, ...]) -> list[float]:
    value: Any = VALUES["thermometer"]
    for key in reading:
        value = value[key]
    return list(value["times_s"])


REFERENCE = (*BATH, "standards", 0, "signal")

# The example, what is changed, and what is said: where, what was found, the rule, what to do.
REFUSED: list[tuple[str, list[tuple[tuple[Key, ...], Any]], str]] = [
    # not stable
    ("balance", [((*AT_50, "indication", "values", 5), 50.001)], f"readings[2].indication.values: not stable: it spans 0.0009 g, the template permits 0.0002; {AGAIN}"),
    ("thermometer", [((*BATH, "indication", "values"), [25 + 0.0008 * place for place in range(25)])], f"readings[1].indication.values: not stable: it moves by 0.00016 degC/s, the template permits 3e-05; {AGAIN}"),
    ("thermometer", [((*REFERENCE, "values", 5), 25.1)], "readings[1].standards[0].signal.values: not stable: it spans"),
    # too short, too few, stale
    ("balance", [((*AT_50, "indication", "times_s"), CUT), ((*AT_50, "indication", "values"), [50.0] * 7)], "readings[2].indication.times_s: has 7 samples, the template asks for 8; measure the point again"),
    ("balance", [((*AT_50, "indication", "times_s"), [0.1 * place for place in range(SAMPLES)])], "readings[2].indication.times_s: is 1.6 s long, the template asks for 4 s; measure the point again"),
    ("balance", [((*AT_50, "indication", "times_s"), [*range(15), 17.1])], "the stream was silent for 3.1 s, a sample is stale after 2 s; check the connection, and measure the point again"),
    ("thermometer", [((*REFERENCE, "times_s"), [time + 3 for time in times_of(REFERENCE)])], "readings[1].standards[0].signal.times_s: is 3 s away from the instrument's window, the template permits 2 s; measure both together"),
    ("balance", [((*AT_50, "indication", "times_s", 3), 0.1)], "readings[2].indication.times_s[3]: found 0.1; is not after 0.5, the sample before it; check the clock, and measure the point again"),
    ("balance", [((*AT_50, "indication", "values"), [50.0])], 'readings[2].indication.values: found "16 times, 1 values"; expected as many times as values, and two at least; measure the point again'),
    ("balance", [((*AT_50, "indication", "times_s"), []), ((*AT_50, "indication", "values"), [])], 'found "0 times, 0 values"'),
    # frozen
    ("balance", [((*AT_50, "indication"), window(50.0)), ((*AT_100, "indication"), window(50.0))], "readings[3].indication.values: found 50; frozen: every sample is the same as at the point 50; check the instrument and its connection"),
    ("thermometer", [((*BATH, "standards", 0, "signal", "values"), [25.0] * 25), ((*RUNS, 0, "readings", 2, "standards", 0, "signal", "values"), [25.0] * 25)], "readings[2].standards[0].signal.values: found 25; frozen"),
    ("thermometer", [((*RUNS, 0, "readings", 4, "indication", "values"), VALUES["thermometer"]["as_found"]["tests"][0]["readings"][3]["indication"]["values"])], "readings[4].indication.values: found 75.05; frozen: the same samples came at the point 75; check the instrument and its connection, and measure again"),
    # not good, another device, another unit
    ("balance", [((*AT_50, "indication", "quality"), ["overload"])], 'readings[2].indication.quality: found "overload"; the stream itself says that samples of it are not good; find out why'),
    ("balance", [((*AT_50, "indication", "device"), "balance-2")], 'readings[2].indication.device: found "balance-2"; the other readings have the device "balance-1": it changed in the run; measure the point again, with one device throughout'),
    ("balance", [((*AT_50, "indication", "unit"), "mg")], 'readings[2].indication.unit: found "mg"; the other readings have the unit "g": it changed in the run'),
    ("thermometer", [((*REFERENCE, "device"), "prt-2")], 'standards[0].signal.device: found "prt-2"; the other readings have the device "prt-1"'),
    ("balance", [((*LOADED, "zero", "device"), "balance-2")], 'readings[0].zero.device: found "balance-2"; the other readings have the device "balance-1"'),
    # zero
    ("balance", [((*LOADED, "zero"), None)], "as_found.tests[0].readings[0].zero: missing: the template returns to zero before each reading; measure it again"),
    ("balance", [((*AT_50, "zero"), manual(0.0, "g"))], "as_found.tests[2].readings[2].zero: the template does not return to zero in this test; leave it out"),
    ("balance", [((*LOADED, "zero", "times_s"), [10 + 0.25 * place for place in range(SAMPLES)])], "readings[0].zero.times_s: found 13.75; is not before the reading, which begins at 0 s; zero is taken before each reading"),
    # order and time
    ("balance", [((*AT_50, "at"), "2026-03-10T09:13:50+00:00")], 'as_found.tests[2].readings[2]: found "50 up no. 1"; was made after 100 up no. 1, against the order "up-down"; measure the series again in order, or note a deviation with test = 2'),
    ("balance", [((*AT_50, "at"), "2026-03-10T12:13:50+00:00")], "readings[2].at: found \"2026-03-10T12:13:50+00:00\"; is not between 2026-03-10T09:00:00+00:00 and 2026-03-10T10:00:00+00:00, its series; check the clock"),
    # the room
    ("balance", [(("environment", 0, "low"), 20.0)], 'environment[0]: found "20 to 21.7"; it changed by 1.7 degC in an hour, 1 are permitted; measure again in a steadier room'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "said"), REFUSED, ids=lambda each: None)
def test_what_a_run_shows_is_refused_with_its_place(
    name: str, changes: list[tuple[tuple[Key, ...], Any]], said: str
) -> None:
    with pytest.raises(RecordError) as refused:
        calculating.calculate(TEMPLATES[name], record(name, *changes))
    assert said in str(refused.value)


@pytest.mark.parametrize("device", ["thermometer-3", "thermometer-3/reference"])
def test_another_channel_of_the_instrument_is_no_reference_either(device: str) -> None:
    assert VALUES["thermometer"]["item"]["id"] == "thermometer-3"
    mistakes = record_check.check(TEMPLATES["thermometer"], record("thermometer", ((*REFERENCE, "device"), device)))
    assert any("is the instrument itself, which cannot be its own reference" in one.rule for one in mistakes)


def test_a_reading_that_was_struck_out_may_be_as_bad_as_it_was() -> None:
    bad = {**VALUES["balance"]["as_found"]["tests"][0]["readings"][2]}
    assert bad["struck"]
    changes = [
        ((*RUNS, 0, "readings", 2, "indication", "quality"), ["overload"]),
        ((*RUNS, 0, "readings", 2, "zero"), None),
    ]
    assert record_check.check(TEMPLATES["balance"], record("balance", *changes)) == []


def test_a_display_that_does_not_move_at_one_point_is_steady_and_not_frozen() -> None:
    assert record_check.check(TEMPLATES["balance"], record("balance", ((*AT_50, "indication"), window(50.0003)))) == []


def test_another_order_is_accepted_with_a_deviation() -> None:
    deviation = {"text": "50 g forgotten", "by": "A. Example", "at": "2026-03-10T10:00:00+00:00", "test": 2}
    changes = (((*AT_50, "at"), "2026-03-10T09:13:50+00:00"), (("deviations",), [deviation]))
    assert record_check.check(TEMPLATES["balance"], record("balance", *changes)) == []


def test_a_change_of_the_room_is_shared_among_the_hours_of_the_run() -> None:
    """5 h 10 min, 1.6 degC in all; 5 degC more would be 1.3 in an hour."""
    template = TEMPLATES["thermometer"]
    environment = tuple(dataclasses.replace(one, max_change_per_h=1.0, low=None) for one in template.environment)
    template = dataclasses.replace(template, environment=environment)
    low = VALUES["thermometer"]["environment"][0]["low"]
    assert record_check.check(template, record("thermometer")) == []
    (mistake,) = record_check.check(template, record("thermometer", (("environment", 0, "low"), low - 5)))
    assert "it changed by 1.28 degC in an hour" in mistake.rule


def test_a_point_may_be_repeated_at_once_or_with_the_whole_series() -> None:
    template = TEMPLATES["linear-sensor"]
    whole = simulated.record(template)
    (run,) = whole.as_found.tests
    by_point = sorted(
        run.readings,
        key=lambda one: (one.direction == "down", one.point if one.direction == "up" else -one.point, one.repeat),
    )
    times = sorted(one.at for one in run.readings)
    at_once = tuple(dataclasses.replace(one, at=at) for one, at in zip(by_point, times, strict=True))
    series = dataclasses.replace(whole.as_found, tests=(dataclasses.replace(run, readings=at_once),))
    assert [one.repeat for one in at_once[:2]] == [1, 2]
    assert record_check.check(template, whole) == []
    assert record_check.check(template, dataclasses.replace(whole, as_found=series)) == []


def test_the_indication_less_zero_counts_where_the_template_returns_to_zero() -> None:
    zeros = [0.0, 0.0001, -0.0001, 0.0002, 0.0, 0.0]
    places = [0, 1, 3, 4, 5, 6]
    changes: list[tuple[tuple[Key, ...], Any]] = []
    for place, zero in zip(places, zeros, strict=True):
        changes.append(((*RUNS, 0, "readings", place, "zero"), manual(zero, "g")))
        changes.append(((*RUNS, 0, "readings", place, "indication"), manual(100.0003 + zero, "g")))
    spread = found("balance", *changes).spread
    assert spread is not None
    assert spread.s == 0
    assert spread.indications == (100.0003,) * 6


def test_the_zero_of_an_indication_by_formula_is_a_raw_signal() -> None:
    template = TEMPLATES["linear-sensor"]
    (test,) = template.tests
    assert isinstance(test, Points)
    back = dataclasses.replace(template, tests=(dataclasses.replace(test, return_to_zero=True),))
    (raw,) = {one.display.raw for one in template.measurands}
    assert raw is not None
    whole = simulated.record(template)
    (run,) = whole.as_found.tests
    readings = tuple(
        dataclasses.replace(one, zero=simulated.window(raw.unit, 4.16, [time - 60 for time in one.raw.times_s]))  # type: ignore[union-attr]  # a window
        for one in run.readings
    )
    series = dataclasses.replace(whole.as_found, tests=(dataclasses.replace(run, readings=readings),))
    one, other = (
        calculating.calculate(*each).as_found.measurands[0].points[0]
        for each in ((template, whole), (back, dataclasses.replace(whole, as_found=series)))
    )
    assert one.indication - other.indication == pytest.approx(1.0, abs=1e-3)  # 0.16 mA are 1 kPa


@pytest.mark.parametrize("value", [9.9e9, -9999.0, 1e15, 401.0])
def test_a_value_far_outside_the_scale_is_a_fault_and_no_value(value: float) -> None:
    with pytest.raises(
        CalibrationError, match="that is no value of an instrument for 0 to 200 g: look for its overload"
    ):
        results("balance", ((*AT_50, "indication"), manual(value, "g")))


def test_an_instrument_that_is_very_wrong_can_be_calibrated_all_the_same() -> None:
    found_ = results("balance", ((*AT_50, "indication"), manual(80.0, "g")))
    assert found_.verdict == "fail"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_never_gets_into_a_record(text: str) -> None:
    content = changed("balance", ((*AT_50, "indication", "values", 5), "HERE")).replace(b'"HERE"', text.encode())
    with pytest.raises(RecordError, match=f"{text} is no number"):
        record_json.decode(content)
