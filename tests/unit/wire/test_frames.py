"""Frames: final bytes, and a sentence for each way to be wrong."""

import math
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import codec, frames
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import Clock, Frame, SinceBoot, Value

T = 1_764_000_000_000_000

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), texts
)
names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)


@st.composite
def any_frame(draw: st.DrawFn) -> Frame:
    length = draw(st.integers(1, 6))
    offsets = draw(st.lists(st.integers(-(10**9), 10**9), min_size=length - 1, max_size=length - 1))
    columns = st.lists(values, min_size=length, max_size=length)
    channels = draw(st.dictionaries(names, columns, min_size=1, max_size=4))
    measured = st.sampled_from(sorted(channels))
    qualities = st.lists(st.none() | st.just("unstable"), min_size=length, max_size=length)
    quality = draw(st.dictionaries(measured, qualities))
    return Frame(
        epoch=draw(st.integers(1, frames.MAX_EPOCH)),
        number=draw(st.integers(1, frames.MAX_NUMBER)),
        times=(T, *(T + offset for offset in offsets)),
        channels=channels,
        clock=Clock(synchronised=draw(st.booleans()), error_us=draw(st.none() | st.integers(0, 2**40))),
        units=draw(st.dictionaries(measured, st.sampled_from(["g", "°C", "µΩ"]))),
        quality=quality if any(word for column in quality.values() for word in column) else {},
        records=draw(st.lists(st.just({"kind": "gap", "numbers": [1, 2]}), max_size=2)),
    )


@given(any_frame())
def test_a_frame_comes_back_as_it_was_and_is_the_same_bytes_again(frame: Frame) -> None:
    payload = frames.encode(frame)
    back = frames.decode(payload)
    assert back == frame
    assert frames.encode(back) == payload


def frame(**changes: Any) -> Frame:
    usual: dict[str, Any] = {
        "epoch": 7,
        "number": 3,
        "times": (T, T + 1000),
        "channels": {"weight": [1.5, None]},
        "clock": Clock(synchronised=True, error_us=20),
        "units": {"weight": "g"},
        "quality": {"weight": [None, "unstable"]},
    }
    return Frame(**{**usual, **changes})


def test_the_exact_bytes() -> None:
    assert frames.encode(frame()).hex(" ") == (
        "88 a1 76 01 a1 65 07 a1 6e 03"  # v 1, e 7, n 3
        " a1 74 92 cf 00 06 44 59 41 62 40 00 cd 03 e8"  # t [first, 1000]
        " a1 63 81 a6 77 65 69 67 68 74 92 cb 3f f8 00 00 00 00 00 00 c0"  # c
        " a1 6b 92 c3 14"  # k
        " a1 75 81 a6 77 65 69 67 68 74 a1 67"  # u
        " a1 71 81 a6 77 65 69 67 68 74 92 c0 a8 75 6e 73 74 61 62 6c 65"  # q
    )


def test_equal_steps_are_two_numbers_and_others_are_offsets() -> None:
    def times(*given_times: int) -> list[int]:
        encoded = frames.encode(frame(times=given_times, channels={"a": [1] * len(given_times)}, units={}, quality={}))
        packed: list[int] = msgpack.unpackb(encoded)["t"]
        assert frames.decode(encoded).times == given_times
        return packed

    assert times(T) == [T]
    assert times(T, T + 5) == [T, 5]
    assert times(T, T + 5, T + 10, T + 15) == [T, 5]
    assert times(T, T + 5, T + 11) == [T, 5, 11]
    assert times(T, T, T) == [T, 0]
    assert times(T, T - 5, T - 10) == [T, -5]


def test_good_quality_is_left_out_and_asked_for_by_sample() -> None:
    assert "q" not in msgpack.unpackb(frames.encode(frame(quality={"weight": [None, None]})))
    assert [frame().quality_of("weight", index) for index in (0, 1)] == ["good", "unstable"]
    assert frame().quality_of("other", 0) == "good"


def test_a_frame_may_hold_records_alone() -> None:
    alone = frame(times=(T,), channels={}, units={}, quality={}, records=[{"kind": "gap", "first": 1}])
    assert frames.decode(frames.encode(alone)) == alone


def test_an_unknown_key_is_ignored() -> None:
    wire = msgpack.unpackb(frames.encode(frame()))
    assert frames.decode(msgpack.packb({**wire, "later": [1]})) == frame()


def wire(**changes: Any) -> bytes:
    usual = {"v": 1, "e": 7, "n": 3, "t": [T, 1000], "c": {"weight": [1.5, None]}, "k": [True, None]}
    merged = {key: value for key, value in {**usual, **changes}.items() if value != "absent"}
    packed: bytes = msgpack.packb(merged)
    return packed


def test_the_usual_one_is_right() -> None:
    assert frames.decode(wire()).number == 3


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"v": "absent"}, "frame.v is missing"),
    ({"v": 2}, "frame has version 2, expected 1"),
    ({"e": "absent"}, "frame.e is missing"),
    ({"e": 0}, "frame.e is 0, expected 1 to 9007199254740991"),
    ({"e": 2**53}, "frame.e is 9007199254740992, expected 1 to 9007199254740991"),
    ({"e": 1.0}, "frame.e is float, expected an integer"),
    ({"n": 0}, "frame.n is 0, expected 1 to 9007199254740991"),
    ({"n": True}, "frame.n is true or false, expected an integer"),
    ({"t": "absent"}, "frame.t is missing"),
    ({"t": []}, "frame.t is not a list of integers"),
    ({"t": [T, 1.5]}, "frame.t is not a list of integers"),
    ({"t": [T, True]}, "frame.t is not a list of integers"),
    ({"t": [T // 1000, 1]}, f"frame.t starts at {T // 1000}, expected µs since 1970 UTC"),
    ({"t": [T * 1000, 1]}, f"frame.t starts at {T * 1000}, expected µs since 1970 UTC"),
    ({"t": [T]}, "frame.t has 1 times for 2 samples"),
    ({"t": [T, 1, 2]}, "frame.t has 3 times for 2 samples"),
    ({"t": [T, 2**62]}, "frame.t leaves the range of times"),
    ({"t": [T, -T]}, "frame.t leaves the range of times"),
    ({"t": [T, 2**62], "c": {"a": [1, 2, 3]}}, "frame.t leaves the range of times"),
    ({"c": "absent"}, "frame.c is missing"),
    ({"c": []}, "frame.c is a list, expected a map"),
    ({"c": {"weight": []}}, "frame has 0 samples, expected 1 to 4096"),
    ({"c": {"a": [1] * 4097}}, "frame has 4097 samples, expected 1 to 4096"),
    ({"c": {"a": [1, 2], "b": [1]}}, "frame.c.b is not a list of 2 values, one for each time"),
    ({"c": {"a": [1, 2], "b": 5}}, "frame.c.b is not a list of 2 values, one for each time"),
    ({"c": {"a": [1, [2]]}}, "frame.c.a holds [2], expected number, text, bool or nil"),
    ({"c": {"a": [1, {}]}}, "frame.c.a holds {}, expected number, text, bool or nil"),
    ({"c": {"a": [1, b"x"]}}, "frame.c.a holds b'x', expected number, text, bool or nil"),
    ({"c": {"a": [1, math.nan]}}, "frame.c.a holds nan, expected number, text, bool or nil"),
    ({"c": {"a": [1, -math.inf]}}, "frame.c.a holds -inf, expected number, text, bool or nil"),
    ({"c": {"a": [1, "x\x00"]}}, "frame.c.a holds 'x\\x00', expected number, text, bool or nil"),
    ({"c": {"A": [1, 2]}}, "channel 'A' is not a name: 1 to 32 of a-z 0-9 _ -, starting with a letter or digit"),
    ({"c": {f"c{n}": [1, 2] for n in range(65)}}, "frame has 65 channels, allowed are 64"),
    ({"k": "absent"}, "frame.k is missing"),
    ({"k": [True]}, "frame.k is not [synchronised, error in µs or nil]"),
    ({"k": [1, None]}, "frame.k is not [synchronised, error in µs or nil]"),
    ({"k": [True, 1.5]}, "frame.k is not [synchronised, error in µs or nil]"),
    ({"u": {"other": "g"}}, "frame.u.other is not the unit of a channel"),
    ({"u": {"weight": 5}}, "frame.u.weight is not the unit of a channel"),
    ({"u": {"weight": "g" * 33}}, "frame.u.weight is not the unit of a channel"),
    ({"u": {"weight": "g\x00"}}, "frame.u.weight is not the unit of a channel"),
    ({"q": {"other": [None, None]}}, "frame.q.other is not a list of 2 qualities of a channel"),
    ({"q": {"weight": [None]}}, "frame.q.weight is not a list of 2 qualities of a channel"),
    ({"q": {"weight": [None, 5]}}, "frame.q.weight holds something else than text or nil"),
    ({"q": {"weight": [None, "x" * 33]}}, "frame.q.weight holds something else than text or nil"),
    ({"r": [5]}, "frame.r holds something else than maps with a kind"),
    ({"r": [{"what": "gap"}]}, "frame.r holds something else than maps with a kind"),
    ({"r": {}}, "frame.r is a map, expected a list"),
]


@pytest.mark.parametrize(("changes", "sentence"), MALFORMED, ids=[sentence[:60] for _, sentence in MALFORMED])
def test_a_malformed_frame_is_refused_with_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WireError) as refused:
        frames.decode(wire(**changes))
    assert str(refused.value) == sentence


@pytest.mark.parametrize("payload", [b"", b"\xc0", b"\x90", b"\xa1a", b"\x80"])
def test_what_is_no_map_is_no_frame(payload: bytes) -> None:
    with pytest.raises(WireError):
        frames.decode(payload)


def test_every_truncation_is_refused() -> None:
    payload = frames.encode(frame())
    for end in range(len(payload)):
        with pytest.raises(WireError):
            frames.decode(payload[:end])


@pytest.mark.parametrize(
    "columns",
    [
        {"a": [1]},
        {"A": [1, 2]},
        {"a": [1, math.nan]},
        {"a": [1, math.inf]},
        {"a": [1, "x\x00"]},
        {"a": [1, "x" * 1025]},
        {"a": [1, 2**64]},
        {"a": [1, "\ud800"]},
        {f"c{n}": [1, 2] for n in range(65)},
    ],
    ids=lambda columns: f"{columns!r:.30}",
)
def test_what_a_frame_cannot_hold_gets_no_number(columns: dict[str, list[Value]]) -> None:
    with pytest.raises(WireError):
        frames.encode(frame(channels=columns, units={}, quality={}))


def test_a_frame_that_is_too_large_is_not_encoded() -> None:
    big: list[Value] = ["x" * 1024] * 200
    with pytest.raises(WireError, match=rf"message of \d+ bytes, allowed are {codec.MAX_BYTES}"):
        frames.encode(frame(times=tuple(range(T, T + 200)), channels={"a": big}, units={}, quality={}))


def test_the_moment_since_boot_travels_with_the_frame() -> None:
    since_boot = SinceBoot(2**53 - 1, 12_345)
    assert frames.decode(frames.encode(frame(since_boot=since_boot))).since_boot == since_boot
    assert frames.decode(frames.encode(frame())).since_boot is None


@pytest.mark.parametrize("value", [[1], [0, 5], [1, -1], "x", [1, None], [2**53, 1]])
def test_a_moment_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(WireError, match=r"frame\.b"):
        frames.decode(wire(b=value))


def test_several_frames_travel_as_one_message_and_keep_their_bytes() -> None:
    payloads = [frames.encode(frame(number=number)) for number in (1, 2, 3)]
    assert frames.unpack_several(frames.pack_several(payloads)) == payloads
    assert frames.unpack_several(payloads[0]) == [payloads[0]]


@pytest.mark.parametrize("payload", [b"", b"\x90", b"\x91\x01", b"\xc0", b"\x92\xc4\x01a"])
def test_what_is_neither_a_frame_nor_several_is_refused(payload: bytes) -> None:
    with pytest.raises(WireError):
        frames.unpack_several(payload)


def test_a_frame_that_is_malformed_can_still_be_named() -> None:
    assert frames.read_name(wire(v=2, c="?")) == (7, 3)
    assert frames.read_name(wire(n=0)) is None
    assert frames.read_name(b"?") is None
