"""Messages become entries: what can be stored, what passed, and what goes to quarantine. Nothing vanishes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_services.logger import batch
from kleinmaelzung_services.logger.batch import Arrival, FrameEntry, QuarantineEntry, StreamKey, TrafficEntry
from kleinmaelzung_wire import codec, frames, messages, topics
from kleinmaelzung_wire.frames import Clock, Frame

NOW_US = 1_800_000_000_000_000
DATA = topics.instrument("pi-1", "balance", "data")
STATE = topics.instrument("pi-1", "balance", "state")


def payload(*, number: int = 1, at_us: int = NOW_US, step_us: int = 1000) -> bytes:
    times = (at_us, at_us + step_us)
    return frames.encode(
        Frame(epoch=7, number=number, times=times, channels={"mass": [1.0, 2.0]}, clock=Clock(synchronised=True))
    )


def sort(*arrivals: Arrival) -> list[batch.Entry]:
    return list(batch.sort_arrivals(arrivals, NOW_US))


def test_a_frame_is_named_by_its_topic_and_its_numbers() -> None:
    arrival = Arrival(topics.instrument("pi-1", "balance", "backfill"), payload(number=5), NOW_US)
    [entry] = sort(arrival)
    assert isinstance(entry, FrameEntry)
    assert (entry.stream, entry.number, entry.via) == (StreamKey("pi-1", "balance", 7), 5, "backfill")
    assert entry.arrival is arrival
    assert entry.payload is arrival.payload
    assert entry.frame.number == 5


@pytest.mark.parametrize(
    "topic", [STATE, topics.status("pi-1"), topics.command("a", "b", "anna"), topics.instrument("a", "b", "reply")]
)
def test_everything_else_is_traffic_whatever_it_holds(topic: str) -> None:
    assert sort(Arrival(topic, b"\xff anything", NOW_US)) == [TrafficEntry(Arrival(topic, b"\xff anything", NOW_US))]


@pytest.mark.parametrize(
    ("at_us", "step_us"),
    [
        (NOW_US - 401 * batch.DAY_US, 1),
        (NOW_US + batch.DAY_US + 1, 1),
        (NOW_US, 2 * batch.DAY_US),
        (NOW_US, -401 * batch.DAY_US),
    ],
)
def test_a_far_off_time_anywhere_in_a_frame_quarantines_it_with_its_number(at_us: int, step_us: int) -> None:
    [entry] = sort(Arrival(DATA, payload(number=3, at_us=at_us, step_us=step_us), NOW_US))
    assert isinstance(entry, QuarantineEntry)
    assert (entry.reason, entry.stream, entry.number) == ("time", StreamKey("pi-1", "balance", 7), 3)


def test_a_message_of_several_frames_is_an_entry_for_each_with_its_own_bytes() -> None:
    far, broken = payload(number=2, at_us=NOW_US - 401 * batch.DAY_US), codec.pack({"v": 9, "e": 7, "n": 3})
    payloads = [payload(number=1), far, broken, b"\xc1", payload(number=5)]
    arrival = Arrival(topics.instrument("pi-1", "balance", "backfill"), frames.pack_several(payloads), NOW_US)
    entries = sort(arrival)
    assert [entry.payload for entry in entries if isinstance(entry, FrameEntry | QuarantineEntry)] == payloads
    assert [entry.reason if isinstance(entry, QuarantineEntry) else "" for entry in entries] == [
        *("", "time", "undecodable", "undecodable", ""),
    ]
    assert [number for _, number in batch.numbered(entries)] == [1, 2, 3, 5]
    assert all(entry.arrival is arrival for entry in entries)


def test_what_is_no_list_of_frames_is_one_entry_with_all_its_bytes() -> None:
    for garbage in (codec.pack([]), codec.pack([payload(), 1]), frames.pack_several([payload()])[:-1]):
        [entry] = sort(Arrival(DATA, garbage, NOW_US))
        assert isinstance(entry, QuarantineEntry)
        assert (entry.reason, entry.payload, entry.number) == ("undecodable", garbage, None)


def test_what_is_no_frame_but_has_a_name_can_be_acknowledged() -> None:
    nameable = codec.pack({**codec.unpack(payload(number=3)), "c": {"mass": ["a\x00", 1.0]}})
    [entry] = sort(Arrival(DATA, nameable, NOW_US))
    assert isinstance(entry, QuarantineEntry)
    assert (entry.reason, batch.numbered([entry])) == ("undecodable", [(StreamKey("pi-1", "balance", 7), 3)])


@given(st.binary(max_size=200))
def test_any_bytes_become_exactly_one_entry(garbage: bytes) -> None:
    [entry] = sort(Arrival(DATA, garbage, NOW_US))
    assert isinstance(entry, QuarantineEntry)
    assert "\x00" not in entry.detail
    assert entry.payload == garbage


@given(st.integers(min_value=0, max_value=len(payload()) - 1), st.integers(min_value=0, max_value=255))
def test_a_damaged_frame_becomes_exactly_one_entry(place: int, byte: int) -> None:
    damaged = bytearray(payload())
    damaged[place] = byte
    assert len(sort(Arrival(DATA, bytes(damaged), NOW_US))) == 1
    assert len(sort(Arrival(DATA, payload()[:place], NOW_US))) == 1


def test_a_topic_that_is_none_of_ours_is_quarantined() -> None:
    [entry] = sort(Arrival("kleinmaelzung/PI/balance/data", payload(), NOW_US))
    assert isinstance(entry, QuarantineEntry)
    assert entry.reason == "undecodable"


def test_retained_messages_that_come_with_each_subscription_are_one_entry() -> None:
    arrivals = [Arrival(STATE, text, NOW_US, retained=True) for text in (b"a", b"a", b"b", b"b", b"a")]
    assert [entry.arrival.payload for entry in sort(*arrivals)] == [b"a", b"b", b"a"]


def test_the_same_live_message_twice_is_two_entries() -> None:
    assert len(sort(Arrival(STATE, b"a", NOW_US), Arrival(STATE, b"a", NOW_US))) == 2


def test_numbers_are_merged_to_runs() -> None:
    assert batch.merge([]) == []
    assert batch.merge([3, 1, 2, 2, 7]) == [(1, 3), (7, 7)]


@given(st.lists(st.integers(min_value=1, max_value=50)))
def test_runs_hold_exactly_the_numbers(numbers: list[int]) -> None:
    runs = batch.merge(numbers)
    assert {number for first, last in runs for number in range(first, last + 1)} == set(numbers)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(runs))


def test_logged_is_one_message_for_each_agent() -> None:
    one, two, other = StreamKey("pi-1", "a", 7), StreamKey("pi-1", "b", 8), StreamKey("pi-2", "a", 9)
    told = batch.logged([(one, 1), (two, 5), (other, 1), (one, 2)])
    assert told == {
        "pi-1": [
            messages.LoggedRanges(instrument="a", epoch=7, ranges=[(1, 2)]),
            messages.LoggedRanges(instrument="b", epoch=8, ranges=[(5, 5)]),
        ],
        "pi-2": [messages.LoggedRanges(instrument="a", epoch=9, ranges=[(1, 1)])],
    }


def test_a_refused_frame_keeps_its_number_so_that_it_can_be_acknowledged() -> None:
    [entry] = sort(Arrival(DATA, payload(number=3), NOW_US))
    refused = batch.refuse(entry, "no\x00 " + 1000 * "x")
    assert batch.numbered([refused]) == [(StreamKey("pi-1", "balance", 7), 3)]
    assert len(refused.detail) == batch.MAX_DETAIL
    assert "\x00" not in refused.detail
