"""For how long what is kept, and what of a time may go."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_services import keeping
from kleinmaelzung_services.keeping import Keeping
from kleinmaelzung_services.logger import retention

T = datetime(2026, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)
DAY = timedelta(days=1)


def at(hour: float) -> datetime:
    return T + hour * H


@pytest.mark.parametrize(
    ("text", "span"), [("400d", 400 * DAY), ("10y", 3650 * DAY), ("36h", 36 * H), ("7 d", 7 * DAY), ("0h", 0 * H)]
)
def test_times_to_keep(text: str, span: timedelta) -> None:
    assert keeping.parse(text) == span


@pytest.mark.parametrize("text", ["", "400", "d", "-1d", "1w", "1.5d", "1000001y", "999999y", "１d", "1d\n"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time such as"):
        keeping.parse(text)


def test_everything_is_kept_unless_told() -> None:
    assert keeping.read({}, "K_") == (Keeping(), {})
    assert str(Keeping()) == "everything is kept"


def test_what_is_told_is_shown() -> None:
    found, wrong = keeping.read({"K_KEEP_RAW": "400d", "K_KEEP_ROLLUPS": "10y", "K_COMPRESS_AFTER": "30d"}, "K_")
    assert wrong == {}
    assert found == Keeping(raw=400 * DAY, rollups=3650 * DAY, compress_after=30 * DAY)
    assert str(found) == "samples are kept for 400d, minutes for 10y, times of batches for ever"


@pytest.mark.parametrize(
    ("environment", "key", "sentence"),
    [
        ({"KEEP_RAW": "soon"}, "KEEP_RAW", "expected a time"),
        ({"KEEP_RAW": "1h"}, "KEEP_RAW", "at least 1d, found 1h"),
        ({"KEEP_ROLLUPS": "10y"}, "KEEP_ROLLUPS", "expected KEEP_RAW too"),
        ({"KEEP_RAW": "30d", "KEEP_ROLLUPS": "29d"}, "KEEP_ROLLUPS", "at least 30d"),
    ],
)
def test_what_would_remove_too_much_is_refused(environment: dict[str, str], key: str, sentence: str) -> None:
    _, wrong = keeping.read(environment, "")
    assert list(wrong) == [key]
    assert sentence in wrong[key]


def test_a_batch_keeps_whole_minutes_around_it() -> None:
    began, ended = T + timedelta(seconds=90), T + timedelta(seconds=200)
    minute = timedelta(minutes=1)
    assert retention.kept_of([(1, began, ended), (1, at(5), None)]) == {
        1: [(T, T + 5 * minute), (at(5) - minute, retention.END)]
    }


def test_what_is_not_kept_may_go() -> None:
    kept = {1: [(at(1), at(2)), (at(2), at(3)), (at(8), at(20))], 3: [(at(-1), at(30))]}
    assert retention.free_of([1, 2, 3], kept, at(0), at(10)) == [
        (1, at(0), at(1)),
        (1, at(3), at(8)),
        (2, at(0), at(10)),
    ]


@given(
    spans=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=6),
    since=st.integers(0, 30),
    length=st.integers(0, 20),
)
def test_each_hour_is_free_or_kept(spans: list[tuple[int, int]], since: int, length: int) -> None:
    kept = {1: sorted((at(begin), at(begin + hours)) for begin, hours in spans)}
    free = retention.free_of([1], kept, at(since), at(since + length))
    for hour in range(-1, 60):
        middle = at(hour + 0.5)
        is_kept = any(begin <= middle < end for begin, end in kept[1])
        is_free = sum(begin <= middle < end for _, begin, end in free)
        assert is_free == (since <= hour < since + length and not is_kept)
    has_kept = any(begin < since + length and begin + hours > since for begin, hours in spans)
    assert retention.is_kept(kept, at(since), at(since + length)) == has_kept
