"""What happened in a run is written and read again; what is damaged is refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.records.record import FrameRange, UnitText
from kleinmaelzung_services.calibration.runs import events
from kleinmaelzung_services.calibration.runs.events import EventError, Signal, What
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs import guided

TEXT = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20)
MAY_BE_EMPTY = st.just("") | TEXT
NUMBER = st.floats(-1e15, 1e15)
COUNT = st.integers(1, 1000)
TIME = st.integers(0, 2**53)
UNIT = st.sampled_from(["g", "mg", "degC", "%RH", "mV"]).map(UnitText)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBER | MAY_BE_EMPTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MAP = st.none() | st.dictionaries(TEXT, JSON, max_size=3)
FRAMES = st.builds(
    lambda first, more: FrameRange(instrument="pi-1/balance", epoch=first, first=first, last=first + more), COUNT, COUNT
)
SIGNALS = st.builds(
    Signal,
    what=st.sampled_from(["indication", "raw", "standard"]),
    role=MAY_BE_EMPTY,
    instrument=TEXT,
    channel=TEXT,
    unit=UNIT,
    times_us=st.lists(TIME, max_size=5).map(tuple),
    values=st.lists(NUMBER, max_size=5).map(tuple),
    quality=st.lists(TEXT, max_size=2).map(tuple),
    frames=st.lists(FRAMES, max_size=2).map(tuple),
    sha256=TEXT,
)
ANY: st.SearchStrategy[What] = st.one_of(
    st.sampled_from([guided.created(one) for one in TEMPLATES.values()]),
    st.builds(events.Ticked, check=TEXT, undone=st.booleans()),
    st.builds(events.Answered, name=TEXT, value=NUMBER, unit=UNIT),
    st.builds(events.Began, phase=st.sampled_from(["as_found", "as_left"])),
    st.builds(events.Placed, step=COUNT, attempt=COUNT),
    st.builds(events.Lifted, step=COUNT),
    st.builds(events.Captured, step=COUNT, attempt=COUNT, signals=st.lists(SIGNALS, max_size=3).map(tuple)),
    st.builds(events.GaveUp, step=COUNT, attempt=COUNT, reason=TEXT),
    st.builds(
        events.Typed,
        step=COUNT,
        what=st.sampled_from(["indication", "raw"]),
        text=TEXT,
        value=NUMBER,
        unit=UNIT,
        reason=TEXT,
    ),
    st.builds(events.Struck, step=COUNT, reason=TEXT, out_of_order=st.booleans()),
    st.builds(events.Skipped, test=COUNT, reason=TEXT),
    st.builds(events.Deviated, text=TEXT),
    st.builds(events.Commanded, name=TEXT, result=TEXT, reason=MAY_BE_EMPTY, arguments=MAP, values=MAP),
    st.builds(events.MeasureAgain, reason=TEXT),
    st.builds(events.Adjusted, text=TEXT, before=MAY_BE_EMPTY, after=MAY_BE_EMPTY),
    st.builds(events.Calculated, data_sha256=TEXT, verdict=TEXT, results=MAP),
    st.builds(events.Reviewed, approve=st.booleans(), text=MAY_BE_EMPTY, data_sha256=TEXT),
    st.builds(events.Issued, certificate=TEXT, revision=COUNT, sha256=TEXT),
    st.builds(events.Paused, reason=TEXT),
    st.builds(events.Resumed),
    st.builds(events.Aborted, reason=TEXT),
)


@given(ANY)
@settings(deadline=None)
def test_what_is_written_as_json_is_read_as_the_same(what: What) -> None:
    kind, details = events.encode(what)
    text = json.dumps(details, allow_nan=False)
    assert events.decode(kind, json.loads(text)) == what
    assert events.encode(events.decode(kind, json.loads(text))) == (kind, details)


def test_every_kind_has_a_name_of_its_own() -> None:
    assert len(events.KINDS) == len(set(events.KINDS.values())) == 21
    assert events.KINDS.keys() > events.CLOSING


@pytest.mark.parametrize(
    ("kind", "details", "said"),
    [
        ("weighed", {}, "no kind of entry"),
        ("placed", [], "no map"),
        ("placed", {"step": 1}, "placed.attempt: missing"),
        ("placed", {"step": 1, "attempt": 1, "by": "x"}, "unknown key"),
        ("placed", {"step": 1.0, "attempt": 1}, "a whole number"),
        ("placed", {"step": True, "attempt": 1}, "a whole number"),
        ("began", {"phase": "as_hoped"}, "expected one of"),
        ("answered", {"name": "x", "value": 1.0, "unit": "furlong"}, "no unit"),
        ("answered", {"name": "x", "value": "1", "unit": "g"}, "expected a number"),
        ("struck", {"step": 1, "reason": "", "out_of_order": False}, "empty"),
        ("deviated", {"text": "a\nb"}, "cannot be printed"),
        ("commanded", {"name": "tare", "result": "done", "values": [1]}, "expected a map"),
        ("calculated", {"data_sha256": "x", "verdict": "pass", "results": {"a": float("nan")}}, "no number of JSON"),
    ],
)
def test_a_damaged_entry_is_refused(kind: str, details: Any, said: str) -> None:
    with pytest.raises(EventError, match=said):
        events.decode(kind, details)


@pytest.mark.parametrize(
    "what",
    [
        events.Answered(name="x", value=float("nan"), unit=UnitText("g")),
        events.Deviated(text=""),
        events.Commanded(name="tare", result="done", values={"raw": b"\x00"}),
        events.Commanded(name="tare", result="done", values={"pair": (1, 2)}),
        events.Commanded(name="tare", result="done", arguments={1: 2}),  # type: ignore[dict-item]  # what is refused
    ],
)
def test_what_could_not_be_read_again_is_never_written(what: What) -> None:
    with pytest.raises(EventError):
        events.encode(what)


def test_a_captured_window_is_written_with_these_keys() -> None:
    one = guided.Guided().begin()
    one.act("place", step=1)
    one.capture()
    kind, details = events.encode(one.events[-1].what)
    assert kind == "captured"
    assert details == {
        "step": 1,
        "attempt": 1,
        "signals": [
            {
                "what": "indication",
                "role": "",
                "instrument": "pi-1/item",
                "channel": "mass",
                "unit": "g",
                "times_us": details["signals"][0]["times_us"],
                "values": [0.0, 1e-06, 0.0, 1e-06],
                "quality": [],
                "frames": [{"instrument": "pi-1/item", "epoch": 7, "first": 1, "last": 4}],
                "sha256": guided.HASH,
            }
        ],
    }
