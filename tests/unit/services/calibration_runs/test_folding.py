"""What a run is after what happened; an event that cannot follow is refused."""

from dataclasses import replace

import pytest

from kleinmaelzung_services.calibration.records.record import UnitText
from kleinmaelzung_services.calibration.runs import acting, events, folding
from kleinmaelzung_services.calibration.runs.acting import Found
from kleinmaelzung_services.calibration.runs.events import Event, What
from kleinmaelzung_services.calibration.runs.folding import RunError
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs import guided
from tests.unit.services.calibration_runs.guided import BALANCE, HASH, Guided


def test_a_run_goes_from_created_to_issued() -> None:
    one = Guided()
    states = [one.run.state]
    one.begin()
    states.append(one.run.state)
    one.measure()
    states.append(one.run.state)
    one.calculate()
    states.append(one.run.state)
    one.reviewed()
    states.append(one.run.state)
    issued = events.Issued(certificate="KM-2026-0001", revision=1, sha256=HASH)
    one.act("issue", "carl", found=Found(issued=issued))
    assert [*states, one.run.state] == ["created", "measuring", "measured", "calculated", "reviewed", "issued"]
    assert one.run.head == len(one.events)
    assert not one.run.is_open
    assert one.run.operators == ("anna",)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_that_comes_along_can_be_measured(name: str) -> None:
    one = Guided(TEMPLATES[name]).begin()
    series = one.run.series
    assert series
    for number in range(1, len(series.steps) + 1):
        next_ = one.run.next
        assert next_
        assert next_.step.number == number
        while one.run.next and one.run.next.step.number == number:
            if one.run.next.is_typing_wanted and one.run.next.reading:
                text, unit = f"{next_.step.point:g}", next_.step.unit.symbol
                one.act("type", step=number, value=text, unit=unit, reason="it is set, not read")
                continue
            one.act("place", step=number)
            one.capture()
    assert one.run.state == "measured"


def test_a_value_may_be_typed_before_its_standard_is_captured_or_behind() -> None:
    one = Guided(TEMPLATES["pipette"]).begin()
    one.act("type", step=1, value="100", unit="uL", reason="the volume that is set")
    assert one.run.next
    assert one.run.next.step.number == 1
    assert [each.role for each in one.run.next.wanted] == ["balance"]
    one.act("place", step=1)
    one.capture()
    assert one.run.next.step.number == 2
    one.act("place", step=2)
    one.capture()
    assert one.run.next.step.number == 2
    assert (one.run.next.wanted, one.run.next.is_typing_wanted) == ((), True)
    one.act("type", step=2, value="500", unit="uL", reason="the volume that is set")
    assert one.run.next.step.number == 3


def test_a_struck_reading_stays_and_takes_its_zero_with_it() -> None:
    one = Guided().begin().measure(upto=5)
    one.act("strike", step=4, reason="touched the pan")
    series = one.run.series
    assert series
    zero, reading = series.steps[2], series.steps[3]
    assert [each.readings[0].struck is not None for each in (zero, reading)] == [True, True]
    assert reading.readings[0].signals
    assert one.run.next == zero
    one.measure(upto=5)
    series = one.run.series
    assert series
    assert [len(each.readings) for each in series.steps[:5]] == [1, 1, 2, 2, 0]
    assert [each.attempts for each in series.steps[:4]] == [1, 1, 2, 2]
    assert one.run.deviations == ()


def test_striking_a_zero_strikes_the_reading_behind_it() -> None:
    one = Guided().begin().measure(upto=5)
    one.act("strike", step=3, reason="draught")
    assert one.run.next
    assert one.run.next.step.number == 3
    assert one.run.series
    assert one.run.series.steps[3].reading is None
    assert one.run.deviations == ()


def test_striking_an_older_reading_is_a_deviation_of_its_test() -> None:
    one = Guided().begin().measure(upto=20)
    one.act("strike", step=14, reason="wrong corner")
    [deviation] = one.run.deviations
    assert deviation.test == 1
    assert deviation.text == "step 14 (100 g up, no. 1, front left) was measured again after later ones: wrong corner"
    assert one.run.next
    assert one.run.next.step.number == 14
    one.act("strike", step=19, reason="the newest of its test")
    assert len(one.run.deviations) == 1


def test_a_skipped_test_leaves_out_what_is_open_and_is_a_deviation() -> None:
    one = Guided().begin().measure(upto=15)
    one.act("skip", test=1, reason="the pan is too small")
    series = one.run.series
    assert series
    assert [each.is_done and not each.has_reading for each in series.steps[12:17]] == [False, False, True, True, True]
    assert one.run.next
    assert one.run.next.step.number == 18
    assert [(each.test, each.text) for each in one.run.deviations] == [
        (1, "test 2 (eccentricity) is not complete: the pan is too small")
    ]


def test_skipping_what_is_left_ends_the_phase() -> None:
    one = Guided().begin().measure(upto=29)
    one.act("skip", test=2, reason="enough")
    assert one.run.state == "measured"


def test_after_an_adjustment_everything_is_measured_again_and_as_found_stays() -> None:
    one = Guided().begin().measure()
    before = one.run.as_found
    one.act("adjust", text="adjusted with 200 g", before="", after="1.000003")
    assert one.run.state == "adjusting"
    one.act("command", name="adjust", found=Found(commanded=events.Commanded(name="adjust", result="done")))
    one.act("begin")
    assert (one.run.state, one.run.phase) == ("measuring", "as_left")
    assert one.run.as_found == before
    assert one.run.as_left
    assert not any(each.readings for each in one.run.as_left.steps)
    one.measure()
    assert one.run.is_measured
    assert one.run.adjustment
    assert one.run.adjustment.what.after == "1.000003"
    assert [each.what.name for each in one.run.commands] == ["adjust"]


def test_what_was_reviewed_may_be_measured_again_and_must_be_calculated_anew() -> None:
    one = Guided().begin().measure().calculate().reviewed()
    one.act("measure_again", reason="the customer asks")
    assert (one.run.state, one.run.calculated, one.run.reviewed) == ("measuring", None, None)
    assert one.run.is_measured  # nothing was struck: it may be calculated as it is
    one.act("strike", step=29, reason="doubtful")
    assert not one.run.is_measured
    one.measure().calculate().reviewed()
    assert one.run.state == "reviewed"


def test_a_review_that_is_not_approved_leads_back_with_its_reason() -> None:
    one = Guided().begin().measure().calculate()
    one.act("review", "bert", approve=False, text="the room was draughty")
    assert (one.run.state, one.run.calculated, one.run.reviewed) == ("measured", None, None)
    assert one.run.rejected
    assert one.run.rejected.what.text == "the room was draughty"
    one.calculate()
    assert one.run.rejected is None


def test_who_had_a_hand_in_the_data_is_an_operator_and_who_only_looks_is_none() -> None:
    one = Guided(by="anna").begin("bert")
    one.act("place", "carl", step=1)
    one.capture()
    one.act("strike", "dora", step=1, reason="draught")
    one.act("pause", "emil", reason="lunch")
    one.act("resume", "emil")
    one.measure()
    one.calculate("emil").reviewed("emil")
    assert one.run.operators == ("anna", "bert", "carl", "dora")


def test_a_reading_is_by_whom_the_step_was_placed() -> None:
    one = Guided().begin()
    one.act("place", "carl", step=1)
    one.capture()
    assert one.run.series
    [reading] = one.run.series.steps[0].readings
    assert (reading.by, reading.attempt, reading.at_us) == ("carl", 1, one.events[-1].time_us)


def test_what_was_given_up_says_why_until_it_is_placed_again() -> None:
    one = Guided().begin()
    one.act("place", step=1)
    one.append(acting.gave_up(one.run, 1, 1, "not stable: it spans 3 mg"), "anna")
    assert one.run.waiting is None
    assert one.run.series
    assert one.run.series.steps[0].reason == "not stable: it spans 3 mg"
    one.act("place", step=1)
    assert one.run.waiting
    assert (one.run.waiting.attempt, one.run.series.steps[0].reason) == (2, "")


def event(one: Guided, what: What, number: int | None = None) -> Event[What]:
    return Event(number=number or one.run.head + 1, time_us=guided.START_US, user="eve", what=what)


MEASURING = [
    events.Placed(step=2, attempt=1),
    events.Placed(step=1, attempt=2),
    events.Placed(step=99, attempt=1),
    events.Captured(step=1, attempt=1, signals=()),
    events.Lifted(step=1),
    events.GaveUp(step=1, attempt=1, reason="x"),
    events.Struck(step=1, reason="x", out_of_order=False),
    events.Skipped(test=9, reason="x"),
    events.Began(phase="as_found"),
    events.Adjusted(text="x"),
    events.Calculated(data_sha256=HASH, verdict="pass"),
    events.Reviewed(approve=True, data_sha256=HASH),
    events.Issued(certificate="x", revision=1, sha256=HASH),
    events.Resumed(),
    events.Ticked(check="x"),
    guided.created(BALANCE),
]


@pytest.mark.parametrize("what", MEASURING, ids=lambda what: type(what).__name__)
def test_an_event_that_does_not_fit_is_refused(what: What) -> None:
    one = Guided().begin()
    with pytest.raises(RunError, match=f"entry {one.run.head + 1} "):
        folding.follow(one.run, event(one, what))


def test_one_attempt_is_captured_once() -> None:
    one = Guided().begin()
    one.act("place", step=1)
    waiting = one.run
    one.capture()
    again = one.events[-1].what
    assert isinstance(again, events.Captured)
    with pytest.raises(RunError, match="does not wait"):
        folding.follow(one.run, event(one, again))
    with pytest.raises(RunError, match="does not wait"):
        folding.follow(waiting, event(one, replace(again, attempt=2)))


@pytest.mark.parametrize(
    "what", [events.Placed(step=1, attempt=1), events.Answered(name="x", value=1, unit=UnitText("g"))]
)
def test_nothing_goes_on_in_a_pause(what: What) -> None:
    one = Guided().begin()
    one.act("pause", reason="lunch")
    with pytest.raises(RunError, match="is paused"):
        folding.follow(one.run, event(one, what))


def test_a_review_of_other_data_does_not_fit() -> None:
    one = Guided().begin().measure().calculate()
    with pytest.raises(RunError, match="other data"):
        folding.follow(one.run, event(one, events.Reviewed(approve=True, data_sha256="cd" * 32)))


def test_nothing_follows_the_end() -> None:
    one = Guided()
    one.act("abort", reason="wrong template")
    with pytest.raises(RunError, match="aborted"):
        folding.follow(one.run, event(one, events.Deviated(text="x")))


def test_entries_come_in_their_order() -> None:
    one = Guided()
    with pytest.raises(RunError, match="after entry 1"):
        folding.follow(one.run, event(one, events.Deviated(text="x"), number=1))


def test_a_run_begins_with_being_created_from_this_template() -> None:
    one = Guided()
    with pytest.raises(RunError, match="no entry"):
        folding.fold("R-2026-0001", BALANCE, [])
    with pytest.raises(RunError, match="not that it was created"):
        folding.fold("R-2026-0001", BALANCE, [event(one, events.Deviated(text="x"))])
    with pytest.raises(RunError, match="not of this one"):
        folding.fold("R-2026-0001", TEMPLATES["pipette"], one.events)
