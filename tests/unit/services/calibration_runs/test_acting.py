"""What each act does, and each reason for which it is refused: what was found, the rule, what to do."""

from dataclasses import replace
from typing import Any

import pytest

from kleinmaelzung_services.calibration.runs import acting, events, permitting
from kleinmaelzung_services.calibration.runs.acting import Found
from kleinmaelzung_services.calibration.runs.permitting import Refused
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.codec import Fields, WireError
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs.guided import BALANCE, HASH, Guided

ISSUED = events.Issued(certificate="KM-2026-0001", revision=1, sha256=HASH)


def refused(one: Guided, act: str, said: str, code: str = sockets.CONFLICT, **arguments: Any) -> None:
    before = len(one.events)
    with pytest.raises(Refused, match=said) as found:
        one.act(act, **arguments)
    assert found.value.code == code
    assert len(one.events) == before


def wrong(one: Guided, act: str, said: str, **arguments: Any) -> None:
    before = len(one.events)
    with pytest.raises(WireError, match=said):
        one.act(act, **arguments)
    assert len(one.events) == before


@pytest.mark.parametrize("role", ["observer", "operator", "public"])
def test_a_calibration_is_made_by_a_calibrator_or_an_admin(role: str) -> None:
    one = Guided()
    refused(one, "deviate", f"anna is {role}: .* admin or calibrator; ask", sockets.NOT_PERMITTED, role=role, text="x")
    one.act("deviate", role="admin", text="x")


def test_an_act_that_nobody_knows_is_refused() -> None:
    wrong(Guided(), "weigh", "act is 'weigh', expected one of tick, answer, begin")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("place", "run R-2026-0001 is created: place is for one that is measuring; tick and answer what is open"),
        ("strike", "is created: strike is for one that is measuring or measured"),
        ("adjust", "is created: adjust is for"),
        ("calculate", "is created: calculate is for"),
        ("review", "is created: review is for one that is calculated"),
        ("issue", "is created: issue is for one that is reviewed"),
        ("measure_again", "is created: measure_again is for one that is measured or calculated or reviewed"),
    ],
)
def test_an_act_has_its_states(act: str, said: str) -> None:
    refused(Guided(), act, said)


@pytest.mark.parametrize("act", ["deviate", "answer", "begin", "pause", "place", "command", "skip"])
def test_what_was_calculated_is_not_changed_without_being_measured_again(act: str) -> None:
    one = Guided().begin().measure().calculate()
    refused(one, act, "is calculated: .*; have it reviewed, or measure_again")


@pytest.mark.parametrize("act", ["deviate", "abort", "measure_again", "issue", "resume"])
def test_nothing_is_done_behind_the_end(act: str) -> None:
    issued = Guided().begin().measure().calculate().reviewed()
    issued.act("issue", found=Found(issued=ISSUED))
    aborted = Guided()
    aborted.act("abort", reason="wrong template")
    for one, state in ((issued, "issued"), (aborted, "aborted")):
        refused(one, act, f"is {state}: .*; create another run")
        assert permitting.acts(one.run) == []


def test_a_check_is_ticked_once_and_may_be_taken_back() -> None:
    one = Guided()
    check = BALANCE.preparation.checks[0]
    one.act("tick", check=check)
    refused(one, "tick", "is ticked by anna already", by="bert", check=check)
    one.act("tick", "bert", check=check, undone=True)
    assert one.run.ticks == ()
    refused(one, "tick", "not ticked: there is nothing to take back", check=check, undone=True)
    wrong(one, "tick", "no check of the template", check="levelled twice")


def test_an_answer_may_be_given_in_another_unit_and_corrected() -> None:
    one = Guided()
    one.act("answer", name="convection", value=0.5, unit="mg")
    one.act("answer", name="convection", value="200", unit="ug")
    assert [(each.what.value, each.what.unit) for each in one.run.answers] == [(200.0, "ug")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "mood", "value": 1}, "does not ask 'mood', but convection, delta_t"),
        ({"name": "convection", "value": 1, "unit": "K"}, "cannot be converted"),
        ({"name": "convection", "value": 6}, "convection is 6 mg, the template permits 0 to 5 mg: check what was read"),
        ({"name": "convection", "value": -1}, "permits 0 to 5"),
        ({"name": "convection", "value": float("nan")}, "no number"),
        ({"name": "convection", "value": "1,234"}, "ambiguous"),
        ({"name": "convection", "value": "0,5"}, "has a comma"),
        ({"name": "convection"}, "value is missing"),
        ({"name": "convection", "value": True}, "expected text"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(arguments: dict[str, Any], said: str) -> None:
    wrong(Guided(), "answer", said, **arguments)


def test_it_begins_when_all_is_ticked_answered_and_free_and_everything_that_is_missing_is_told_at_once() -> None:
    one = Guided()
    one.act("tick", check="levelled")
    with pytest.raises(Refused) as found:
        one.act("begin", found=Found(conflicts=("pi-1/balance is held by carl: ask them to let go",)))
    assert len(found.value.mistakes) == len(BALANCE.preparation.checks) + 2 + 1
    assert '"pan and weights clean" is not ticked: do it, then tick it' in found.value.mistakes
    assert '"preload 200 g, 1 time" is not ticked: do it, then tick it' in found.value.mistakes
    assert any(each.startswith("delta_t is not answered (largest change") for each in found.value.mistakes)
    assert "pi-1/balance is held by carl: ask them to let go" in found.value.mistakes


def test_only_the_first_open_step_is_placed() -> None:
    one = Guided().begin().measure(upto=3)
    said = (
        r"step 5 \(zero before 100 g up, no. 3\) is open: steps are made in the template's order, and step 3 .* is next"
    )
    refused(one, "place", said, step=5)
    refused(one, "place", "step 2 .* is done already: .*; strike it out", step=2)
    wrong(one, "place", "step is 30, and the template has steps 1 to 29", step=30)
    wrong(one, "place", "step is 0,", step=0)
    one.act("place", step=3)
    refused(one, "place", "step 3 waits until it is stable: let it be captured, or lift it first", step=3)


def test_a_step_is_not_placed_while_something_stands_in_the_way() -> None:
    one = Guided().begin()
    refused(one, "place", "held by carl", step=1, found=Found(conflicts=("the instrument is held by carl",)))


def test_a_step_that_is_lifted_may_be_placed_again() -> None:
    one = Guided().begin()
    refused(one, "lift", "no step of run R-2026-0001 waits")
    one.act("place", step=1)
    one.act("lift")
    assert one.run.waiting is None
    one.act("place", step=1)
    assert one.run.waiting
    assert one.run.waiting.attempt == 2


def test_what_becomes_stable_after_it_was_lifted_is_not_captured() -> None:
    one = Guided().begin()
    one.act("place", step=1)
    one.act("lift")
    for late in (acting.captured, acting.gave_up):
        with pytest.raises(Refused, match="does not wait in attempt 1 any more"):
            late(one.run, 1, 1, ())  # type: ignore[arg-type]
    one.act("place", step=1)
    with pytest.raises(Refused, match="attempt 1"):
        acting.captured(one.run, 1, 1, ())
    with pytest.raises(Refused, match=r"step 1 .* captures indication, each once"):
        acting.captured(one.run, 1, 2, ())


def test_nothing_is_captured_while_it_is_paused() -> None:
    one = Guided().begin()
    one.act("place", step=1)
    assert [type(each) for each in one.act("pause", reason="lunch")] == [events.Lifted, events.Paused]
    assert one.run.is_paused
    refused(one, "place", "run R-2026-0001 is paused: .*; resume it first", step=1)
    refused(one, "pause", "paused", reason="x")
    with pytest.raises(Refused, match="does not wait"):
        acting.captured(one.run, 1, 1, ())
    one.act("deviate", text="the lunch was long")
    one.act("resume")
    refused(one, "resume", "is not paused: there is nothing to resume")
    one.act("place", step=1)


TYPED: dict[str, Any] = {"step": 1, "value": "0.0001", "unit": "g", "reason": "the line to the balance is broken"}


def test_a_value_is_typed_in_with_its_unit_and_a_reason() -> None:
    one = Guided().begin()
    one.act("type", **{**TYPED, "value": " 0.1 ", "unit": "mg"})
    assert one.run.series
    [reading] = one.run.series.steps[0].readings
    assert reading.typed
    what = reading.typed.what
    assert (what.text, what.value, what.unit, what.what) == ("0.1", 0.1, "mg", "indication")
    assert what.reason == "the line to the balance is broken"
    refused(one, "type", "step 1 .* is done already", **TYPED)
    one.act("type", **{**TYPED, "step": 2, "value": "100,0003", "decimal": "comma"})
    assert one.run.series.steps[1].reading
    assert one.run.next
    assert one.run.next.step.number == 3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reason": " "}, "reason is empty"),
        ({"reason": None}, "reason is missing"),
        ({"value": "1,234"}, '"1,234" is ambiguous: it may be 1.234 or 1234'),
        ({"value": "1,234", "decimal": "comma"}, "ambiguous"),
        ({"value": "1,2"}, "has a comma, and a number has a point: write 1.2"),
        ({"value": "nan"}, "no number"),
        ({"value": "inf"}, "no number"),
        ({"value": 100.0}, "value is no text: send it as it was typed"),
        ({"value": "0.1", "unit": "mL"}, "cannot be converted"),
        ({"value": "0.1", "decimal": "dot"}, "expected one of point, comma"),
        ({"value": "1000"}, "1000 g is typed in, and the instrument shows 0 to 200 g: check the value and its unit"),
        ({"value": "-30"}, "the instrument shows 0 to 200 g"),
        ({"value": "1", "unit": "kg"}, "1000 g is typed in"),
    ],
)
def test_a_value_that_cannot_be_typed_in_is_refused(changed: dict[str, Any], said: str) -> None:
    wrong(Guided().begin(), "type", said, **{**TYPED, **changed})


def test_a_display_that_goes_on_a_little_beyond_its_range_may_be_typed_in() -> None:
    one = Guided().begin()
    one.act("type", **{**TYPED, "value": "-0.0003"})
    one.act("type", **{**TYPED, "step": 2, "value": "200.0004"})


def test_a_zero_may_be_typed_in_where_the_range_does_not_begin_there() -> None:
    [measurand] = BALANCE.measurands
    high = replace(measurand, display=replace(measurand.display, low=50.0))
    one = Guided(replace(BALANCE, measurands=(high,))).begin()
    one.act("type", **TYPED)
    wrong(one, "type", "the instrument shows 50 to 200 g", **{**TYPED, "step": 2})


def test_what_is_captured_as_two_signals_is_not_typed_in() -> None:
    one = Guided(TEMPLATES["ph-meter"]).begin()
    typed: dict[str, Any] = {"step": 1, "value": "4.01", "unit": "pH", "reason": "x"}
    refused(one, "type", "cannot be typed in: the template captures indication and raw", **typed)


def test_what_is_set_by_hand_is_typed_and_its_standard_placed_once() -> None:
    one = Guided(TEMPLATES["pipette"]).begin()
    typed: dict[str, Any] = {"step": 1, "value": "100", "unit": "uL", "reason": "the volume that is set"}
    one.act("type", **typed)
    refused(one, "type", "has a value already", **typed)
    one.measure(upto=2)
    one.act("place", step=2)
    one.capture()
    refused(one, "place", "is typed in: what is read from streams is captured", step=2)


def test_striking_needs_a_reason_and_something_to_strike() -> None:
    one = Guided().begin().measure(upto=3)
    wrong(one, "strike", "reason is missing", step=2)
    refused(one, "strike", "step 3 .* has no reading", step=3, reason="x")
    one.act("strike", step=2, reason="x")
    one.act("place", step=1)
    refused(one, "strike", "step 1 waits", step=2, reason="x")


def test_skipping_needs_a_reason_and_a_test_with_open_steps() -> None:
    one = Guided().begin().measure(upto=13)
    wrong(one, "skip", "reason is missing", test=1)
    wrong(one, "skip", "test is 3, and the template has 3 tests, counted from 0", test=3, reason="x")
    refused(one, "skip", r"test 1 \(repeatability\) has no open step", test=0, reason="x")
    one.act("place", step=13)
    refused(one, "skip", "step 13 waits", test=1, reason="x")


def test_a_command_is_checked_before_it_is_sent_and_stands_in_the_log_behind() -> None:
    one = Guided().begin()
    assert one.act("command", name="zero", arguments={}) == []
    wire = Fields({"name": "set", "arguments": {"mass": 1, "code": b"\x01"}}, "act")
    made = acting.commanded(wire, "failed", "I\r\n", {"raw": b"\x15"})
    assert made == events.Commanded(
        name="set",
        result="failed",
        reason="I",
        arguments={"mass": 1, "code": {"$hex": "01"}},
        values={"raw": {"$hex": "15"}},
    )
    one.act("command", name="set", found=Found(commanded=made))
    assert [each.what for each in one.run.commands] == [made]


def test_a_command_waits_until_nothing_is_captured_and_nobody_else_holds_the_instrument() -> None:
    one = Guided().begin()
    refused(one, "command", "held by carl", name="zero", found=Found(conflicts=("held by carl",)))
    one.act("place", step=1)
    refused(one, "command", "step 1 waits", name="zero")


@pytest.mark.parametrize("name", ["adjust", "adjust_internal", "calibrate"])
def test_what_adjusts_has_its_place_between_as_found_and_as_left(name: str) -> None:
    one = Guided().begin()
    refused(one, "command", f"{name} is a command that adjusts: .*; measure as found, then adjust", name=name)
    one.measure()
    one.act("adjust", text="internal weight")
    one.act("command", name=name)
    one.act("begin")
    refused(one, "command", "that adjusts", name=name)


def test_an_instrument_is_adjusted_once_and_when_all_is_measured_as_found() -> None:
    one = Guided().begin()
    refused(one, "adjust", "has open steps: adjust is for when all are measured or skipped", text="x")
    one.measure()
    wrong(one, "adjust", "text is missing")
    one.act("adjust", text="with 200 g")
    refused(one, "calculate", "is adjusting: .*; begin as left")
    refused(one, "place", "is adjusting", step=1)
    one.act("begin")
    one.measure()
    refused(one, "adjust", "measured as left already", text="x")


def test_only_what_is_measured_is_calculated() -> None:
    one = Guided().begin()
    refused(one, "calculate", "has open steps")
    one.measure()
    assert one.act("calculate") == []  # only asked whether it may be
    conflicts = ("weights is overdue", "a frame is not in the log yet")
    with pytest.raises(Refused) as found:
        one.act("calculate", found=Found(conflicts=conflicts))
    assert found.value.mistakes == conflicts
    one.calculate()
    refused(one, "calculate", "is calculated")


def test_who_measured_does_not_review_where_the_laboratory_asks_for_another() -> None:
    one = Guided().begin().measure(upto=5)
    one.measure(by="bert").calculate("carl")
    for by in ("anna", "bert"):
        said = rf"{by} made this run: .* than those who made the run \(anna, bert\); let another person"
        refused(one, "review", said, sockets.NOT_PERMITTED, by=by, approve=True)
        refused(one, "review", said, sockets.NOT_PERMITTED, by=by, approve=False, text="x")
    one.act("review", "carl", approve=True)
    assert one.run.state == "reviewed"


def test_who_measured_may_review_where_the_laboratory_permits_the_same() -> None:
    one = Guided(reviewer="same").begin().measure().calculate()
    one.act("review", approve=True)
    assert one.run.reviewed


def test_a_review_is_of_the_data_that_were_calculated() -> None:
    one = Guided().begin().measure().calculate()
    other = "cd" * 32
    refused(one, "review", "what was looked at has the hash cdcd", by="bert", approve=True, data_sha256=other)
    refused(one, "review", "the record as it is now has", by="bert", approve=True, found=Found(data_sha256=other))
    wrong(one, "review", "text is missing", by="bert", approve=False)
    wrong(one, "review", "approve is missing", by="bert")
    one.act("review", "bert", approve=True, data_sha256=HASH, found=Found(data_sha256=HASH))


def test_what_changed_after_the_review_is_not_issued() -> None:
    one = Guided().begin().measure().calculate().reviewed()
    changed = Found(data_sha256="cd" * 32, issued=ISSUED)
    refused(one, "issue", "the data changed since; measure_again, calculate and review it anew", found=changed)
    assert one.act("issue", found=Found(data_sha256=HASH)) == []
    one.act("issue", found=Found(data_sha256=HASH, issued=ISSUED))
    assert one.run.state == "issued"


@pytest.mark.parametrize("act", ["abort", "pause", "measure_again", "deviate"])
def test_a_reason_is_asked_for(act: str) -> None:
    one = Guided().begin().measure()
    wrong(one, act, "is missing: say it in a few words")


@pytest.mark.parametrize("state", ["created", "measuring", "measured", "adjusting", "calculated", "reviewed", "paused"])
def test_a_run_may_be_aborted_in_every_open_state(state: str) -> None:
    one = Guided()
    if state != "created":
        one.begin()
    if state == "measuring":
        one.act("place", step=1)
    if state == "paused":
        one.act("pause", reason="x")
    if state in ("measured", "adjusting", "calculated", "reviewed"):
        one.measure()
    if state == "adjusting":
        one.act("adjust", text="x")
    if state in ("calculated", "reviewed"):
        one.calculate()
    if state == "reviewed":
        one.reviewed()
    assert state in (one.run.state, "paused")
    one.act("abort", reason="the instrument is broken")
    assert (one.run.state, one.run.waiting) == ("aborted", None)
