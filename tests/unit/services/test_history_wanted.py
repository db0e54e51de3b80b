"""What is asked of history: what is in order, and the sentence for what is not."""

from typing import Any

import pytest

from kleinmaelzung_services.history import reading, wanted
from kleinmaelzung_services.history.wanted import Wanted
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US, Clock, Frame
from kleinmaelzung_wire.requests import Request

NOW_US = 1_790_000_000_000_000


def parse(instrument: str | None = "pi-1/balance", **arguments: Any) -> Wanted:
    return Wanted.parse(Request(name="history", arguments=arguments, instrument=instrument), NOW_US)


def test_nothing_but_an_instrument_means_everything_until_now() -> None:
    assert parse() == Wanted(agent="pi-1", name="balance", since=None, until=NOW_US)


def test_all_that_can_be_said() -> None:
    told: dict[str, Any] = {
        "from": MIN_TIME_US,
        "to": MAX_TIME_US,
        "channels": ["mass", "mass"],
        "points": 10,
        "buckets": True,
    }
    assert parse(**told, plain=True) == Wanted(
        agent="pi-1",
        name="balance",
        since=MIN_TIME_US,
        until=MAX_TIME_US,
        channels=("mass",),
        points=10,
        always_buckets=True,
        is_plain=True,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"from": NOW_US, "to": NOW_US - 1_000_000}, "from 2026-09-21T14:13:20Z is not before to 2026-09-21T14:13:19Z"),
        ({"from": NOW_US, "to": NOW_US}, "is not before to"),
        ({"from": NOW_US + 1}, "is not before to"),
        ({"from": MIN_TIME_US - 1}, "in the years 2001 to 2286"),
        ({"to": MAX_TIME_US + 1}, "in the years 2001 to 2286"),
        ({"from": -(10**30)}, "in the years 2001 to 2286"),
        ({"from": "2026-11-22"}, "history.from is text, expected an integer"),
        ({"from": True}, "expected an integer"),
        ({"from": 1.5e15}, "expected an integer"),
        ({"points": 9}, "points is 9, expected 10 to 20000"),
        ({"points": 10**9}, "expected 10 to 20000"),
        ({"points": "10"}, "expected an integer"),
        ({"channels": []}, "expected 1 to 64"),
        ({"channels": ["c"] * 65}, "65 channels"),
        ({"channels": "mass"}, "expected a list"),
        ({"channels": ["'; DROP TABLE samples"]}, "is not a name"),
        ({"channels": [{}]}, "is not a name"),
        ({"plain": 1}, "expected true or false"),
        ({"buckets": "yes"}, "expected true or false"),
        ({"instrument": None}, "about one instrument"),
        ({"instrument": "pi-1/+"}, "about one instrument"),
        ({"instrument": "+/balance"}, "about one instrument"),
        ({"instrument": "pi-1"}, "expected <agent>/<instrument>"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WireError, match=sentence.replace("+", r"\+")):
        parse(**arguments)


def test_ranges_of_frames() -> None:
    request = Request(name="frames", arguments={"ranges": [[7, 1, 1], [8, 3, 9]]}, instrument="pi-1/balance")
    assert wanted.ranges(request) == [(7, 1, 1), (8, 3, 9)]


@pytest.mark.parametrize(
    "ranges",
    [None, [], [[1, 1, 1]] * 1001, [[0, 1, 1]], [[1, 0, 1]], [[1, 2, 1]], [[1, 1]], [[1, 1, 2**53]], [["1", 1, 1]], 5],
)
def test_what_is_no_range_of_frames_is_refused(ranges: Any) -> None:
    with pytest.raises(WireError):
        wanted.ranges(Request(name="frames", arguments={"ranges": ranges}, instrument="pi-1/balance"))


def test_a_channel_that_is_not_there_is_told_with_those_that_are() -> None:
    known = ["temperature", "mass", "mass"]
    assert wanted.choose(known, None, "pi-1/balance") == {"mass", "temperature"}
    assert wanted.choose(known, ["mass"], "pi-1/balance") == {"mass"}
    with pytest.raises(WireError, match=r"^pi-1/balance has no channel 'x': it has mass, temperature$"):
        wanted.choose(known, ["mass", "x"], "pi-1/balance")


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((True, False, False), "number"),
        ((False, True, False), "boolean"),
        ((False, False, True), "text"),
        ((True, True, False), "mixed"),
        ((True, True, True), "mixed"),
        ((False, False, False), "number"),
    ],
)
def test_the_type_of_a_channel(kinds: tuple[bool, bool, bool], expected: str) -> None:
    numbers, booleans, texts = kinds
    assert reading.type_of(has_numbers=numbers, has_booleans=booleans, has_texts=texts) == expected


def test_a_frame_of_records_is_told_from_one_that_only_looks_like_it() -> None:
    def made(**channels: Any) -> bytes:
        records = [{"kind": "gap"}] if not channels else []
        clock = Clock(synchronised=True)
        return frames.encode(Frame(epoch=1, number=1, times=(NOW_US,), channels=channels, clock=clock, records=records))

    assert not reading.has_samples(made())
    assert reading.has_samples(made(mass=[1.5]))
    assert reading.has_samples(made(mass=[None]))
    nested = frames.encode(
        Frame(
            epoch=1,
            number=1,
            times=(NOW_US,),
            channels={"mass": [1.0]},
            clock=Clock(synchronised=True),
            records=[{"kind": "note", "c": {}}],
        )
    )
    assert b"\xa1c\x80" in nested
    assert reading.has_samples(nested)
