"""The steps of a template, in its order."""

from dataclasses import replace

import pytest

from kleinmaelzung_services.calibration.runs import steps
from kleinmaelzung_services.calibration.templates import sequence
from kleinmaelzung_services.calibration.templates.template import Preload
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs.guided import BALANCE


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_readings_of_each_test_are_those_of_the_template_and_counted_from_1(name: str) -> None:
    template = TEMPLATES[name]
    found = steps.steps(template)
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    for index, test in enumerate(template.tests):
        made = [one.slot for one in found if one.test == index and one.what == "reading"]
        assert made == list(sequence.slots(test))


def test_a_balance_returns_to_zero_before_each_reading_of_its_repeatability() -> None:
    found = [one for one in steps.steps(BALANCE) if one.test == 0]
    assert [one.what for one in found] == ["zero", "reading"] * 6
    assert steps.pair(found[3], tuple(found)) == (found[2], found[3])
    assert steps.told(found[2]) == "step 3 (zero before 100 g up, no. 2)"
    assert all(one.what == "reading" for one in steps.steps(BALANCE) if one.test != 0)


def test_positions_are_steps_of_their_own() -> None:
    found = [one for one in steps.steps(BALANCE) if one.test == 1]
    assert [one.position for one in found] == ["centre", "front left", "rear left", "rear right", "front right"]
    assert steps.told(found[1]) == "step 14 (100 g up, no. 1, front left)"


def test_several_measurands_have_their_own_streams() -> None:
    found = steps.steps(TEMPLATES["climate-chamber"])
    assert {one.measurand: [(each.what, each.role, each.channel) for each in one.sources] for one in found} == {
        "temperature": [("indication", "", "temperature"), ("standard", "thermometers", "temperature")],
        "humidity": [("indication", "", "humidity"), ("standard", "hygrometers", "humidity")],
    }
    assert {one.record_s for one in found if one.position} == {1800.0}
    assert {one.record_s for one in found if not one.position} == {None}


def test_an_indication_that_is_computed_is_captured_as_its_raw_signal() -> None:
    one = steps.steps(TEMPLATES["linear-sensor"])[0]
    assert [(each.what, each.channel, each.unit.symbol) for each in one.sources] == [
        ("raw", "current", "mA"),
        ("standard", "pressure", "kPa"),
    ]
    assert (one.own, one.typed) == ("raw", "")


def test_indication_and_raw_signal_are_captured_together_and_only_the_reference_is_judged() -> None:
    one = steps.steps(TEMPLATES["ph-meter"])[0]
    assert [(each.what, each.role, each.is_judged) for each in one.sources] == [
        ("indication", "", True),
        ("raw", "", True),
        ("standard", "thermometer", False),
    ]
    assert one.own == "indication"


def test_an_instrument_without_a_stream_is_typed_in_beside_a_standard_that_is_read_live() -> None:
    one = steps.steps(TEMPLATES["pipette"])[0]
    assert one.typed == "indication"
    assert [(each.what, each.role) for each in one.sources] == [("standard", "balance")]


def test_a_preload_is_a_check_to_tick() -> None:
    assert steps.checks(BALANCE)[:-1] == BALANCE.preparation.checks
    assert steps.checks(BALANCE)[-1] == "preload 200 g, 1 time"
    twice = replace(BALANCE, preparation=replace(BALANCE.preparation, preload=Preload(load=200, times=3)))
    assert steps.checks(twice)[-1] == "preload 200 g, 3 times"
    assert steps.checks(TEMPLATES["ph-meter"]) == TEMPLATES["ph-meter"].preparation.checks


def test_how_deep_a_thermometer_is_immersed_is_asked() -> None:
    found = steps.questions(TEMPLATES["thermometer"])
    assert [one.name for one in found] == ["self_heating", steps.IMMERSION]
    assert (found[-1].unit.symbol, found[-1].low) == ("mm", 150)
    assert [one.name for one in steps.questions(TEMPLATES["ph-meter"])] == ["t_buffer"]  # what is computed is not asked
