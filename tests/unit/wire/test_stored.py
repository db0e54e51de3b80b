"""All that is stored of an agent, as messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import codec, stored
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import LoggedRanges, encode_logged
from kleinmaelzung_wire.stored import Stored

ONE = LoggedRanges(instrument="balance", epoch=7, ranges=[(1, 9), (12, 12)])


def test_its_bytes() -> None:
    payload = Stored(part=1, parts=2, streams=[ONE]).encode()
    told = {"v": 1, "part": 1, "parts": 2, "stored": [["balance", 7, [[1, 9], [12, 12]]]]}
    assert codec.unpack(payload) == told
    assert Stored.decode(payload) == Stored(part=1, parts=2, streams=[ONE])


def test_it_is_told_from_what_was_committed_just_now() -> None:
    assert stored.is_stored(Stored(streams=[ONE]).encode())
    assert not stored.is_stored(encode_logged([ONE]))


@pytest.mark.parametrize(
    "content",
    [
        {"part": 0, "parts": 0, "stored": []},
        {"part": 2, "parts": 2, "stored": []},
        {"part": 0, "parts": 1, "stored": [["balance", 7]]},
        {"part": 0, "parts": 1, "stored": [["balance", 7, [[9, 1]]]]},
        {"part": 0, "parts": 1},
    ],
)
def test_what_makes_no_sense_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(WireError):
        Stored.decode(codec.pack_versioned(content))


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 2**53)), max_size=50, unique=True))
def test_each_run_is_in_the_message_that_is_about_it(keys: list[tuple[str, int]]) -> None:
    streams = [LoggedRanges(instrument=name, epoch=epoch, ranges=[(1, 5)]) for name, epoch in keys]
    made = stored.divided(streams)
    for name, epoch in keys:
        assert [one.ranges(name, epoch) for one in made if one.is_about(epoch)] == [[(1, 5)]]


def test_very_many_runs_go_into_several_messages() -> None:
    streams = [LoggedRanges(instrument="i" * 32, epoch=2**53 - n, ranges=[(1, 2**40)]) for n in range(20_000)]
    made = stored.divided(streams)
    assert len(made) > 8
    assert sum(len(Stored.decode(one.encode()).streams) for one in made) == 20_000


def test_of_too_many_ranges_the_newest_are_told_and_the_rest_counts_as_stored() -> None:
    ranges = [(10 * n, 10 * n + 5) for n in range(1, 5001)]
    [told] = stored.divided([LoggedRanges(instrument="balance", epoch=7, ranges=ranges)])
    found = told.ranges("balance", 7)
    assert len(found) == stored.MAX_RANGES
    assert found[0] == (10, 10 * (5001 - stored.MAX_RANGES) + 5)
    assert found[1:] == ranges[-stored.MAX_RANGES + 1 :]
