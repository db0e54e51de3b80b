"""What somebody sees of a run: as the contract says it, and with what is still to be done."""

from dataclasses import replace
from typing import Any

import pytest

from kleinmaelzung_services.calibration.records.record import Certified
from kleinmaelzung_services.calibration.runs import acting, events, folding, view
from kleinmaelzung_services.calibration.runs.acting import Found
from kleinmaelzung_services.calibration.runs.events import Event
from kleinmaelzung_wire import codec
from kleinmaelzung_wire.requests import MAX_ANSWER
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs.guided import BALANCE, HASH, Guided

# As wire/runs.py tells them.
SUMMARY = "run instrument state phase is_paused head created by template certificate captured steps"
VIEW = (
    f"{SUMMARY} item customer place condition received review standards channels sensors checks questions tests"
    " as_found next acts missing deviations adjustment results reviewed"
)
STEP = (
    "step test what point unit direction repeat position state value error error_unit lower upper samples spread slope"
    " at by reason references frames struck"
)
STANDARD = "role name position description certificate instrument channel"
SENSOR = "name instrument channel unit low high is_required"
QUESTION = "name unit meaning low high value by at"
TEST = "test kind title measurand unit error_unit is_skipped"


def step(one: Guided, number: int) -> dict[str, Any]:
    found: dict[str, Any] = view.view(one.run)["steps"][number - 1]
    assert found["step"] == number
    return found


def corrected(one: Guided, *certified: Certified) -> Guided:
    """With another certificate of its first standard."""
    first = one.events[0]
    assert isinstance(first.what, events.Created)
    standard, *others = first.what.standards
    standard = replace(standard, used=replace(standard.used, certified=certified))
    what = replace(first.what, standards=(standard, *others))
    one.events[0] = Event(number=first.number, time_us=first.time_us, user=first.user, what=what)
    one.run = folding.fold(one.run.name, one.template, one.events)
    return one


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_view_has_the_keys_of_the_contract_at_every_time(name: str) -> None:
    one = Guided(TEMPLATES[name])
    views = [view.view(one.run)]
    one.begin().measure(upto=4)
    views.append(view.view(one.run))
    for found in views:
        assert set(found) == set(VIEW.split())
        for key, expected in (("steps", STEP), ("standards", STANDARD), ("sensors", SENSOR)):
            assert all(set(each) == set(expected.split()) for each in found[key])
        assert all(set(each) == set(QUESTION.split()) for each in found["questions"])
        assert all(set(each) == set(TEST.split()) for each in found["tests"])
        assert codec.unpack(codec.pack(found)) == found
    assert set(view.summary(one.run)) == set(SUMMARY.split())


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_whole_run_goes_into_one_answer(name: str) -> None:
    one = Guided(TEMPLATES[name]).begin()
    measure_all(one)
    one.act("adjust", text="x")
    one.act("begin")
    measure_all(one)
    assert len(codec.pack(view.view(one.run))) < MAX_ANSWER - 1000


def measure_all(one: Guided) -> None:
    while one.run.next:
        next_ = one.run.next
        if next_.is_typing_wanted:
            text = f"{next_.step.point:g}"
            one.act("type", step=next_.step.number, value=text, unit=next_.step.unit.symbol, reason="set by hand")
        if next_.wanted:
            one.act("place", step=next_.step.number)
            one.capture()


def test_a_new_run_says_what_is_to_be_done() -> None:
    one = Guided()
    found = view.view(one.run)
    assert found["missing"][0] == 'tick "location, vibration and draught as in use"'
    assert found["missing"][-1].startswith("answer delta_t, in K: largest change of the room's temperature")
    assert len(found["missing"]) == 7 + 2
    assert found["next"] is None
    assert [each["state"] for each in found["steps"]] == ["open"] * 29
    assert found["acts"] == ["tick", "answer", "begin", "deviate", "command", "pause", "abort"]
    assert found["checks"][0] == {"check": "location, vibration and draught as in use", "by": "", "at": None}


def test_ticks_and_answers_are_told_with_who_and_when() -> None:
    one = Guided()
    one.act("tick", "bert", check="levelled")
    one.act("answer", "carl", name="convection", value=200, unit="ug")
    found = view.view(one.run)
    [ticked] = [each for each in found["checks"] if each["by"]]
    assert ticked == {"check": "levelled", "by": "bert", "at": one.events[1].time_us}
    [answered] = [each for each in found["questions"] if each["by"]]
    assert answered["value"] == pytest.approx(0.2)
    assert (answered["unit"], answered["by"], answered["at"]) == ("mg", "carl", one.events[2].time_us)


def test_a_captured_reading_is_less_its_zero_and_less_the_weight_with_its_correction() -> None:
    one = corrected(Guided(), Certified(low=0, high=200, correction=0.0001, U=1e-5, k=2)).begin()
    one.act("place", step=1)
    one.capture(lambda source: 0.0002)
    assert (step(one, 1)["value"], step(one, 1)["error"]) == (pytest.approx(0.0002, abs=1e-6), None)
    one.act("place", "bert", step=2)
    one.capture(lambda source: 100.0007)
    found = step(one, 2)
    assert found["value"] == pytest.approx(100.0007, abs=1e-6)
    assert found["error"] == pytest.approx(0.4, abs=1e-3)  # 100.0007 - 0.0002 - 100.0001 g, in mg
    assert (found["unit"], found["error_unit"], found["state"], found["by"]) == ("g", "mg", "captured", "bert")
    assert found["references"] == [{"role": "weights", "value": pytest.approx(100.0001), "unit": "g"}]
    assert (found["samples"], found["spread"]) == (4, pytest.approx(1e-6))
    assert found["slope"] == pytest.approx(2e-6, abs=2e-6)
    assert found["at"] == one.events[-1].time_us
    [frames] = found["frames"]
    assert {**frames, "first": 0, "last": 0} == {
        "role": "",
        "instrument": "pi-1/item",
        "epoch": 7,
        "first": 0,
        "last": 0,
        "sha256": HASH,
    }


def test_limits_stand_beside_the_points_that_a_verdict_is_given_for() -> None:
    one = Guided()
    assert (step(one, 2)["lower"], step(one, 2)["upper"]) == (None, None)
    points = {
        each["point"]: (each["lower"], each["upper"]) for each in view.view(one.run)["steps"] if each["test"] == 2
    }
    assert points == {
        0: (-1, 1),
        10: (-1, 1),
        50: (-1, 1),
        100: (-2, 2),
        150: (-2, 2),
        200: (-2, 2),
    }


def test_a_correction_has_the_other_sign_and_a_reference_that_is_read_live_its_own_correction() -> None:
    one = corrected(
        Guided(TEMPLATES["thermometer"]), Certified(low=-10, high=110, correction=-0.02, U=0.01, k=2)
    ).begin()
    one.act("place", step=1)
    one.capture(lambda source: 0.05 if source.what == "indication" else 0.10)
    found = step(one, 1)
    assert found["error"] == pytest.approx(30, abs=0.01)  # 0.10 - 0.02 - 0.05 degC, in mK
    assert found["references"] == [{"role": "reference", "value": pytest.approx(0.08, abs=1e-5), "unit": "degC"}]


def test_an_error_is_not_told_where_it_is_computed_otherwise() -> None:
    one = Guided(TEMPLATES["linear-sensor"]).begin()
    one.act("place", step=1)
    one.capture(lambda source: 4.0 if source.what == "raw" else 0.0)
    assert (step(one, 1)["value"], step(one, 1)["unit"], step(one, 1)["error"]) == (pytest.approx(4), "mA", None)


def test_an_error_is_not_told_where_the_certificate_says_nothing() -> None:
    one = corrected(Guided(), Certified(low=0, high=50, U=1e-5, k=2)).begin().measure(upto=3)
    assert (step(one, 2)["error"], step(one, 2)["references"]) == (None, [])


def test_a_typed_value_says_why() -> None:
    one = Guided().begin()
    one.act("type", step=1, value="0.3", unit="mg", reason="the line is broken")
    found = step(one, 1)
    assert (found["value"], found["state"], found["reason"]) == (pytest.approx(0.0003), "typed", "the line is broken")
    assert (found["samples"], found["spread"], found["frames"]) == (0, None, [])


def test_a_waiting_step_and_one_that_was_given_up_say_so() -> None:
    one = Guided().begin()
    one.act("place", step=1)
    found = view.view(one.run)
    assert (found["steps"][0]["state"], found["next"]) == ("waiting", 1)
    assert found["missing"] == ["step 1 (zero before 100 g up, no. 1) waits until it is stable"]
    assert found["acts"] == ["answer", "lift", "deviate", "pause", "abort"]
    one.append(acting.gave_up(one.run, 1, 1, "not stable: it spans 3 mg"), "anna")
    found = view.view(one.run)
    assert (found["steps"][0]["state"], found["steps"][0]["reason"]) == ("open", "not stable: it spans 3 mg")
    assert found["missing"] == [
        "step 1 (zero before 100 g up, no. 1) was not captured: not stable: it spans 3 mg; place it again",
        "29 of 29 steps are open",
    ]


def test_struck_readings_are_shown_with_who_struck_them_and_why() -> None:
    one = Guided().begin().measure(upto=3)
    one.act("strike", "bert", step=2, reason="touched")
    [struck] = step(one, 2)["struck"]
    assert (struck["reason"], struck["by"], struck["struck_by"]) == ("touched", "anna", "bert")
    assert struck["value"] == pytest.approx(100, abs=1e-5)
    assert (step(one, 2)["state"], step(one, 2)["value"]) == ("open", None)
    assert view.view(one.run)["next"] == 1


def test_a_skipped_test_is_marked_and_its_open_steps_are_left_out() -> None:
    one = Guided().begin().measure(upto=14)
    one.act("skip", test=1, reason="x")
    found = view.view(one.run)
    assert [each["is_skipped"] for each in found["tests"]] == [False, True, False]
    assert [each["state"] for each in found["steps"][12:17]] == ["captured", *["left out"] * 4]
    assert found["deviations"][0]["test"] == 1


def test_as_found_stays_visible_while_it_is_measured_as_left() -> None:
    one = Guided().begin().measure()
    assert view.view(one.run)["as_found"] == []
    one.act("adjust", text="with 200 g", before="1", after="2")
    assert view.view(one.run)["missing"] == ["adjust the instrument, then begin as left: everything is measured again"]
    one.act("begin")
    one.act("place", step=1)
    found = view.view(one.run)
    assert [each["state"] for each in found["as_found"]] == ["captured"] * 29
    assert [each["state"] for each in found["steps"][:2]] == ["waiting", "open"]
    assert (found["captured"], found["phase"]) == (0, "as_left")
    assert found["adjustment"] == {
        "text": "with 200 g", "before": "1", "after": "2", "by": "anna", "at": found["adjustment"]["at"]
    }  # fmt: skip


def test_from_measured_to_issued_it_says_what_comes_next() -> None:
    one = Guided().begin().measure()
    assert view.view(one.run)["missing"] == ["calculate it, or adjust the instrument"]
    one.calculate()
    found = view.view(one.run)
    assert found["missing"] == ["somebody else than anna reviews it"]
    assert found["results"] == {
        "verdict": "pass",
        "data_sha256": HASH,
        "as_found": {"verdict": "pass", "measurands": []},
        "as_left": None,
    }
    one.act("review", "bert", approve=False, text="too draughty")
    assert view.view(one.run)["missing"][0] == "bert did not approve it: too draughty"
    one.calculate().reviewed()
    found = view.view(one.run)
    assert found["missing"] == ["issue it"]
    assert found["reviewed"] == {"by": "bert", "at": one.events[-1].time_us, "text": "looks well"}
    issued = events.Issued(certificate="KM-2026-0001", revision=1, sha256=HASH)
    one.act("issue", found=Found(issued=issued))
    found = view.view(one.run)
    assert (found["certificate"], found["missing"], found["acts"]) == ("KM-2026-0001", [], [])
    assert view.summary(one.run)["steps"] == view.summary(one.run)["captured"] == 29


def test_a_paused_run_says_that_it_is() -> None:
    one = Guided().begin()
    one.act("pause", reason="x")
    found = view.view(one.run)
    assert found["missing"][0] == "it is paused: resume it"
    assert found["acts"] == ["deviate", "resume", "abort"]


def test_an_offer_says_what_a_template_needs() -> None:
    found = view.offer("balance", BALANCE)
    assert (found["name"], found["id"], found["version"]) == ("balance", "KM-BALANCE-200G", 1)
    assert found["sensors"][2] == {"name": "pressure", "unit": "hPa", "is_required": False}
    assert found["standards"] == [
        {
            "role": "weights",
            "kind": "weight_set",
            "classes": ["E2", "F1"],
            "unit": "g",
            "is_live": False,
            "positions": [],
        }
    ]
    chamber = view.offer("climate-chamber", TEMPLATES["climate-chamber"])
    assert [len(each["positions"]) for each in chamber["standards"]] == [9, 9]
