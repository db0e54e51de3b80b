"""A run becomes a record: everything that was observed, struck or not, and the same bytes each time it is asked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.records import record_check, record_json
from kleinmaelzung_services.calibration.records.record import Manual, Person, Reading, Record, Window
from kleinmaelzung_services.calibration.runs import events, folding, recording
from kleinmaelzung_services.calibration.runs.acting import Found
from kleinmaelzung_services.calibration.runs.recording import NotMeasured
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.calibration.templates.template import Template
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs.streamed import START_US, Measured
from tests.unit.services.calibration_runs.test_capturing import value_of

BALANCE, THERMOMETER = TEMPLATES["balance"], TEMPLATES["thermometer"]
FIRST_OF_POINTS = 18  # of the balance: 12 of repeatability with its zeros, 5 of eccentricity


def begun(template: Template = BALANCE) -> Measured:
    return Measured(template).begin()


def whole(template: Template = BALANCE) -> Measured:
    return begun(template).measure(value_of)


def record(run: Run) -> Record:
    return recording.record(run, simulated.record(run.template).environment)


def readings(found: Record, test: int) -> tuple[Reading, ...]:
    return next(one.readings for one in found.as_found.tests if one.test == test)


def test_it_says_what_the_run_was_about() -> None:
    made = whole()
    created, found = made.run.created.what, record(made.run)
    assert (found.id, found.is_simulated, found.template) == ("R-2026-0001", False, created.template)
    assert (found.laboratory, found.customer, found.item, found.place) == (
        created.laboratory,
        created.customer,
        created.item,
        created.place,
    )
    assert found.standards == tuple(one.used for one in created.standards)
    assert found.environment == simulated.record(BALANCE).environment
    assert found.preparations[0].check == BALANCE.preparation.checks[0]
    assert found.preparations[-1].check.startswith("preload 200 g")
    assert [one.name for one in found.answers] == ["convection", "delta_t"]
    assert found.people == (Person(name="anna", role="operator"),)
    assert (found.adjustment, found.as_left, found.deviations) == (None, None, ())


def test_it_can_be_calculated_and_the_numbers_are_those_of_the_streams() -> None:
    found = record(whole().run)
    results = calculating.calculate(BALANCE, found)
    shown = readings(found, 2)[3].indication
    assert isinstance(shown, Window)
    row = results.as_found.measurands[0].points[3]
    assert row.nominal == 100.0
    assert row.indication == pytest.approx(sum(shown.values) / len(shown.values), abs=1e-12)


def test_the_same_events_make_the_same_bytes() -> None:
    made = whole()
    again = folding.fold(made.run.name, BALANCE, made.events)
    content = record_json.encode(record(made.run))
    assert record_json.encode(record(again)) == content
    assert record_json.encode(record_json.decode(content)) == content


def test_a_window_leads_back_to_its_frames() -> None:
    made = whole()
    found = readings(record(made.run), 2)[0]
    series = made.run.as_found
    assert series
    taken = series.steps[FIRST_OF_POINTS - 1].reading
    assert taken
    [signal] = taken.signals
    assert isinstance(found.indication, Window)
    assert (found.indication.device, found.indication.unit) == ("pi-1/item/mass", "g")
    assert (found.indication.frames, found.indication.sha256) == (signal.frames, signal.sha256)
    assert found.at == datetime.fromtimestamp(signal.times_us[0] / 1e6, UTC)
    assert found.indication.times_s == tuple((time - signal.times_us[0]) / 1e6 for time in signal.times_us)
    assert found.indication.times_s[0] == 0


def test_a_zero_is_part_of_the_reading_after_it() -> None:
    found = readings(record(whole().run), 0)
    assert len(found) == 6
    for one in found:
        assert isinstance(one.zero, Window)
        assert one.zero.times_s[-1] < 0
        assert max(map(abs, one.zero.values)) < 0.001


def test_standards_are_read_in_the_same_window() -> None:
    found = readings(record(whole(THERMOMETER).run), 0)
    [reference] = found[1].standards
    assert isinstance(reference.signal, Window)
    assert (reference.role, reference.signal.device) == ("reference", "pi-1/standard-0/temperature")
    assert abs(reference.signal.times_s[0]) < 6


def test_a_struck_reading_stays_with_its_reason_and_its_zero() -> None:
    made = begun().measure(value_of, 3)
    made.act("strike", step=2, reason="the door was open")
    made.measure(value_of)
    found = readings(record(made.run), 0)
    assert [one.struck for one in found].count("the door was open") == 1
    [struck] = [one for one in found if one.struck]
    assert (struck.repeat, isinstance(struck.zero, Window), isinstance(struck.indication, Window)) == (1, True, True)
    [again] = [one for one in found if one.repeat == 1 and not one.struck]
    assert again.zero != struck.zero
    assert record_check.check(BALANCE, record(made.run)) == []


def test_a_zero_that_was_struck_before_its_reading_stays_too() -> None:
    made = begun().measure(value_of, 2)
    made.act("strike", step=1, reason="a draught")
    made.measure(value_of)
    first = readings(record(made.run), 0)[0]
    assert (first.struck, first.indication, isinstance(first.zero, Window)) == ("a draught", None, True)
    assert record_check.check(BALANCE, record(made.run)) == []


def test_what_was_measured_again_later_is_a_deviation_and_no_mistake() -> None:
    made = begun().measure(value_of, FIRST_OF_POINTS + 3)
    made.act("strike", step=FIRST_OF_POINTS, reason="the pan was not empty")
    made.measure(value_of)
    found = record(made.run)
    [deviation] = found.deviations
    assert (deviation.test, deviation.by) == (2, "anna")
    assert deviation.text.endswith("was measured again after later ones: the pan was not empty")
    assert record_check.check(BALANCE, found) == []


def test_a_typed_value_is_manual_with_its_reason() -> None:
    made = begun(THERMOMETER)
    made.type("0.02")
    made.measure(value_of)
    first = readings(record(made.run), 0)[0]
    assert first.indication == Manual(unit=first.indication.unit, value=0.02, reason="the cable is broken")  # type: ignore[union-attr]
    assert isinstance(first.standards[0].signal, Window)
    assert (first.struck, first.by) == ("", "anna")
    assert record_check.check(THERMOMETER, record(made.run)) == []


def test_a_skipped_test_is_a_deviation_and_what_was_begun_does_not_count() -> None:
    made = begun().measure(value_of, 2)
    made.act("skip", test=0, reason="no more time")
    made.measure(value_of)
    found = record(made.run)
    [deviation] = found.deviations
    assert deviation.test == 0
    assert deviation.text.endswith("is not complete: no more time")
    [left] = readings(found, 0)
    assert left.struck == "not complete when the rest of its test was left out"
    assert isinstance(left.zero, Window)
    assert record_check.check(BALANCE, found) == []


def test_a_test_of_which_nothing_was_read_is_left_out() -> None:
    made = begun()
    made.act("skip", test=0, reason="no more time")
    found = record(made.measure(value_of).run)
    assert [one.test for one in found.as_found.tests] == [1, 2]
    assert record_check.check(BALANCE, found) == []


def test_everybody_who_had_a_hand_in_it_is_an_operator() -> None:
    made = begun()
    made.capture(value_of, by="otto")
    made.measure(value_of)
    found = record(made.run)
    assert [one.name for one in found.people] == ["anna", "otto"]
    assert {one.by for one in readings(found, 0)} == {"anna"}
    made = begun().measure(value_of, FIRST_OF_POINTS)
    made.capture(value_of, by="otto")
    assert readings(recording.record(made.measure(value_of).run), 2)[0].by == "otto"


def test_the_depth_of_immersion_has_its_own_place() -> None:
    made = Measured(THERMOMETER)
    made.act("answer", name="immersion_mm", value=25, unit="cm")
    found = recording.record(made.begin().run)
    assert found.immersion_mm == 250
    assert "immersion_mm" not in [one.name for one in found.answers]


def all_readings(found: Record) -> Iterator[Reading]:
    for series in (found.as_found, found.as_left):
        for run in series.tests if series else ():
            yield from run.readings


def adjusted() -> Measured:
    made = whole()
    made.act("adjust", text="span", before="1.0001", after="1.0000", by="otto")
    return made.begin().measure(value_of)


def test_as_left_and_the_adjustment_follow_as_found() -> None:
    found = record(adjusted().run)
    assert found.as_left
    assert found.adjustment
    assert (found.adjustment.text, found.adjustment.by, found.adjustment.before) == ("span", "otto", "1.0001")
    assert found.as_found.finished <= found.adjustment.at <= found.as_left.started
    assert all(one.at >= found.as_found.started for one in all_readings(found))
    assert record_check.check(BALANCE, found) == []
    assert calculating.calculate(BALANCE, found).as_left is not None


def ahead(what: events.What, by_us: int) -> events.What:
    """As a stream tells it whose clock is wrong."""
    if not isinstance(what, events.Captured):
        return what
    late = (replace(one, times_us=tuple(time + by_us for time in one.times_us)) for one in what.signals)
    return replace(what, signals=tuple(late))


def test_started_and_finished_enclose_the_readings_also_where_a_clock_is_ahead() -> None:
    made = whole()
    late = [replace(one, what=ahead(one.what, 3_600_000_000)) for one in made.events]
    found = recording.record(folding.fold("R-1", BALANCE, late))
    assert found.as_found.finished >= max(one.at for one in all_readings(found))
    assert [one for one in record_check.check(BALANCE, found) if ".at" in one.path] == []


def test_an_adjustment_is_between_the_series_also_where_a_clock_is_ahead() -> None:
    made = adjusted()
    late = [replace(one, what=ahead(one.what, 3_950_000)) for one in made.events]
    run = folding.fold("R-1", BALANCE, late)
    found = record(run)
    assert run.adjustment
    assert found.adjustment
    assert recording.moment(run.adjustment.time_us) < found.as_found.finished == found.adjustment.at
    assert record_check.check(BALANCE, found) == []


def test_the_time_that_the_room_is_asked_for_is_that_of_the_series() -> None:
    made = adjusted()
    found, (since_us, until_us) = record(made.run), recording.span(made.run)
    assert found.as_left
    assert recording.moment(since_us) == found.as_found.started
    assert recording.moment(until_us) == found.as_left.finished
    assert since_us > START_US


def test_a_review_and_an_approval_are_added_without_a_change_of_the_rest() -> None:
    made = whole()
    found = record(made.run)
    calculated = events.Calculated(data_sha256="ab" * 32, verdict="pass")
    made.act("calculate", found=Found(calculated=calculated))
    with pytest.raises(NotMeasured, match="run R-2026-0001 is calculated: nobody has approved it in a review"):
        recording.signed(found, made.run, Person(name="carla", role="approver"))
    made.act("review", "berta", approve=True)
    at = recording.moment(made.now_us) + timedelta(minutes=1)
    approver = Person(name="carla", role="approver", function="head of laboratory", at=at)
    signed = recording.signed(record(made.run), made.run, approver)
    assert [(one.name, one.role) for one in signed.people] == [
        ("anna", "operator"),
        ("berta", "reviewer"),
        ("carla", "approver"),
    ]
    assert signed.people[1].at == recording.moment(made.now_us)
    assert replace(signed, people=found.people) == found
    assert record(made.run) == found


def test_before_it_began_there_is_none() -> None:
    with pytest.raises(NotMeasured, match="run R-2026-0001 is created: nothing was measured yet"):
        recording.record(Measured(BALANCE).run)
