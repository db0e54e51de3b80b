"""Whatever is asked in whatever order: nothing that was captured is lost, and nothing is captured twice."""

from collections import Counter
from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.runs import acting, events, folding, permitting
from kleinmaelzung_services.calibration.runs.acting import Found
from kleinmaelzung_services.calibration.runs.permitting import Refused
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.calibration.templates.template import Points, Preparation, Repeatability, Template
from kleinmaelzung_wire.codec import WireError
from tests.unit.services.calibration_runs.guided import BALANCE, HASH, Guided

SMALL: Template = replace(
    BALANCE,
    preparation=Preparation(),
    inputs=(),
    tests=(
        Repeatability(measurand="", title="", point=100.0, repeats=2, return_to_zero=True),
        Points(measurand="", title="", points=(0.0, 100.0), order="up-down"),
    ),
)
SMALL = replace(
    SMALL,
    tests=tuple(replace(one, measurand=SMALL.measurands[0].name) for one in SMALL.tests),
)
STEPS = 8
ACTS = [
    *["next"] * 6,  # what somebody does who leads it well
    *["capture"] * 3,
    *["place", "lift", "give up", "type", "strike", "strike", "skip", "deviate", "command", "measure_again", "adjust"],
    *["begin", "begin", "calculate", "calculate", "review", "issue", "pause", "resume", "resume", "abort"],
]
ASKED = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, STEPS + 1), st.sampled_from(["anna", "bert"])), max_size=60
)


def ask(one: Guided, act: str, number: int, by: str) -> None:
    """Ask for something, sensible or not."""
    waiting = one.run.waiting
    match act:
        case "capture":
            if waiting:
                one.capture()
        case "next":
            if waiting:
                one.capture()
            elif one.run.next:
                one.act("place", by, step=one.run.next.step.number)
        case "give up":
            if waiting:
                one.append(acting.gave_up(one.run, waiting.step, waiting.attempt, "not stable"), by)
        case _:
            before, permitted = len(one.events), act in permitting.acts(one.run)
            arguments: dict[str, Any] = {
                "step": number, "test": number % 3, "value": "100", "unit": "g", "reason": "because", "text": "so",
                "approve": bool(number % 2), "name": "zero",
            }  # fmt: skip
            one.act(act, by, found=DONE, **arguments)
            assert permitted
            assert len(one.events) > before


DONE = Found(
    commanded=events.Commanded(name="zero", result="done"),
    calculated=events.Calculated(data_sha256=HASH, verdict="pass"),
    issued=events.Issued(certificate="KM-1", revision=1, sha256=HASH),
)


def kept(run: Run) -> Counter[str]:
    """Every captured signal that the run still has, wherever it stands."""
    series = [one for one in (run.as_found, run.as_left) if one]
    return Counter(
        repr(signal) for one in series for step in one.steps for reading in step.readings for signal in reading.signals
    )


def check(one: Guided, seen: Counter[str], run: Run) -> None:
    assert kept(one.run) == seen
    captured = [each.what for each in one.events if isinstance(each.what, events.Captured | events.Began)]
    phase, attempts = count(), Counter[tuple[int, int, int]]()
    now = 0
    for what in captured:
        if isinstance(what, events.Began):
            now = next(phase)
        else:
            attempts[now, what.step, what.attempt] += 1
    assert set(attempts.values()) <= {1}
    for series in filter(None, (one.run.as_found, one.run.as_left)):
        for step in series.steps:
            assert all(reading.struck for reading in step.readings[:-1])
    assert folding.fold(run.name, SMALL, one.events) == one.run
    assert one.run.waiting is None or one.run.state == "measuring"
    if one.run.state == "measured":
        assert one.run.next is None


@given(st.integers(1, STEPS + 1), ASKED)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_captured_is_lost_and_no_attempt_is_captured_twice(
    upto: int, asked: list[tuple[str, int, str]]
) -> None:
    one = Guided(SMALL).begin().measure(upto)
    seen = kept(one.run)
    assert seen.total() == upto - 1
    for act, number, by in asked:
        before = len(one.events)
        try:
            ask(one, act, number, by)
        except (Refused, WireError):
            assert len(one.events) == before
        for each in one.events[before:]:
            if isinstance(each.what, events.Captured):
                seen.update(repr(signal) for signal in each.what.signals)
        check(one, seen, one.run)
