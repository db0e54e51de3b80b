"""What is typed at the prompt of a guided run, as the run is: the service's own rules make the runs."""

from typing import Any

import pytest

from kleinmaelzung import CalibrationRun
from kleinmaelzung.commands import calibration_guide, calibration_words
from kleinmaelzung.commands.calibration_words import Doing
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_services.calibration.runs import view
from tests.fakes_calibration import guided
from tests.unit.services.calibration_runs.guided import Guided


def run(made: Guided) -> CalibrationRun:
    return CalibrationRun.from_map(view.view(made.run))


def means(made: Guided, line: str) -> tuple[str, dict[str, Any]]:
    doing = calibration_words.meaning(run(made), line)
    return doing.act, doing.arguments


def test_enter_goes_through_a_whole_run() -> None:
    """Each act is taken by the service's rules, and the run comes to its end."""
    made, acts = guided(), list[str]()
    while run(made).state != "measured":
        doing = calibration_words.meaning(run(made), "0" if calibration_words.unanswered(run(made)) else "")
        acts.append(doing.act)
        made.act(doing.act, **doing.arguments)
        if doing.act == "place":
            assert calibration_words.meaning(run(made), "") == calibration_words.NOTHING
            made.capture()
    assert acts == ["tick", "tick", "answer", "begin", *["place"] * 9]
    assert means(made, "") == ("calculate", {})


def test_an_instruction_for_each_moment() -> None:
    made = guided()
    told = [calibration_guide.instruction(run(made))]
    made.begin()
    told.append(calibration_guide.instruction(run(made)))
    made.measure(2)
    told.append(calibration_guide.instruction(run(made)))
    made.act("place", step=2)
    told.append(calibration_guide.instruction(run(made)))
    made.act("pause", reason="lunch")
    told.append(calibration_guide.instruction(run(made)))
    made.act("resume")
    made.measure()
    told.append(calibration_guide.instruction(run(made)))
    made.act("adjust", text="span")
    told.append(calibration_guide.instruction(run(made)))
    assert told == [
        "preparation, 2 to tick: levelled? Enter ticks it, ? shows all words",
        "step 1 of 9: take everything off, then Enter",
        "step 2 of 9: put 100 g on, then Enter",
        "step 2 of 9, 100 g: waiting until it is stable; l waits no more",
        "paused: Enter goes on, q leaves",
        "all is measured: Enter calculates; ? for where it is adjusted now",
        "adjust the instrument, then Enter: it is measured again, as left",
    ]


def test_what_is_paused_goes_on_by_enter() -> None:
    made = guided().begin()
    made.act("pause", reason="lunch")
    assert means(made, "") == ("resume", {})


@pytest.mark.parametrize(
    ("line", "act", "arguments"),
    [
        ("r the door slammed", "strike", {"step": 4, "reason": "the door slammed"}),
        ("s no corner weights", "skip", {"test": 1, "reason": "no corner weights"}),
        ("t 50.0001 g no output", "type", {"step": 5, "value": "50.0001", "unit": "g", "reason": "no output"}),
        ("c tare", "command", {"name": "tare", "typed": [], "confirmed": False}),
        ("c! heat", "command", {"name": "heat", "typed": [], "confirmed": True}),
        ("c  set mass=20", "command", {"name": "set", "typed": ["mass=20"], "confirmed": False}),
        ("d one corner less", "deviate", {"text": "one corner less"}),
        ("p lunch", "pause", {"reason": "lunch"}),
        ("again too cold", "measure_again", {"reason": "too cold"}),
        ("abort it fell down", "abort", {"reason": "it fell down"}),
        ("u", "tick", {"check": "warmed up", "undone": True}),
        ("l", "lift", {}),
        ("q", "quit", {}),
        (" ? ", "help", {}),
        ("adjust span | +1.2 mg | 0 mg", "adjust", {"text": "span", "before": "+1.2 mg", "after": "0 mg"}),
        ("adjust span", "adjust", {"text": "span", "before": "", "after": ""}),
    ],
)
def test_a_word_and_what_follows_it(line: str, act: str, arguments: dict[str, Any]) -> None:
    assert means(guided().begin().measure(5), line) == (act, arguments)


def test_a_question_is_answered_by_a_number_and_perhaps_its_unit() -> None:
    made = guided()
    for check in ("levelled", "warmed up"):
        made.act("tick", check=check)
    assert means(made, "0.1") == ("answer", {"name": "convection", "value": 0.1, "unit": "mg"})
    assert means(made, "-1e-4 g") == ("answer", {"name": "convection", "value": -1e-4, "unit": "g"})
    with pytest.raises(WrongUsage, match=r"'0,1' has a comma: write the decimal point, as in 0.1"):
        means(made, "0,1")
    assert means(made, "") == ("nothing", {})


@pytest.mark.parametrize("line", ["r", "s", "p", "abort", "again", "d", "c", "adjust", "t", "t 5", "t 5 g"])
def test_what_is_missing_is_said(line: str) -> None:
    with pytest.raises(WrongUsage, match="something is missing"):
        means(guided().begin().measure(5), line)


@pytest.mark.parametrize(
    ("line", "why"),
    [("r x", "no reading yet"), ("s x", "no test is open"), ("u", "nothing is ticked"), ("x", "no word")],
)
def test_what_cannot_be_meant_yet(line: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        means(guided(), line)


def test_a_strike_is_of_the_reading_and_not_of_the_zero_before_the_next() -> None:
    assert calibration_words.meaning(run(guided().begin().measure(4)), "r x") == Doing(
        "strike", {"step": 2, "reason": "x"}
    )
    assert means(guided().begin().measure(2), "r x") == ("strike", {"step": 1, "reason": "x"})
