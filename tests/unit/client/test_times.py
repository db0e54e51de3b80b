from datetime import UTC, datetime, timedelta, timezone

import pytest

from kleinmaelzung import times

NOW = 1_790_000_000_000_000
BERLIN = timezone(timedelta(hours=1))
EIGHT = int(datetime(2026, 11, 22, 7, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("2026-11-22T08:00:00+01:00", EIGHT),
        ("2026-11-22 08:00+01:00", EIGHT),
        ("2026-11-22T07:00:00Z", EIGHT),
        ("2026-11-22T07:00:00.000123Z", EIGHT + 123),
        ("2026-11-22T02:30-04:30", EIGHT),
        ("2026-11-22", EIGHT - 8 * 3_600_000_000),
        ("now", NOW),
        ("0s", NOW),
        ("90s", NOW - 90_000_000),
        ("15 min", NOW - 900_000_000),
        ("1h", NOW - 3_600_000_000),
        ("7d", NOW - 7 * 86_400_000_000),
        ("2w", NOW - 14 * 86_400_000_000),
    ],
)
def test_what_people_type_is_a_time_to_the_microsecond(text: str, time_us: int) -> None:
    assert times.moment(text, NOW, BERLIN) == time_us


def test_a_time_without_offset_is_refused_and_told_which_to_write() -> None:
    with pytest.raises(ValueError, match="no offset") as told:
        times.moment("2026-11-22 08:00", NOW, BERLIN)
    assert str(told.value) == (
        "'2026-11-22 08:00' has no offset from UTC: write 2026-11-22T08:00:00+01:00 for the time here,"
        " or 2026-11-22T08:00:00Z for UTC"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("yesterday", "is no time, expected one like 2026-11-22T08:00:00"),
        ("", "is no time"),
        ("2026-02-30", "is no time"),
        ("2026-11-22T25:00Z", "is no time"),
        ("'; DROP TABLE samples", "is no time"),
        ("1.5h", "is no time"),
        ("-1h", "is no time"),
        ("٣d", "is no time"),
        ("1790000000000000", "is no time"),
        ("1999-01-01T00:00Z", "from 2001 to 2286"),
        ("2999-01-01T00:00Z", "from 2001 to 2286"),
        ("0001-01-01T00:00+12:00", "from 2001 to 2286"),
        ("9999-12-31T23:59-12:00", "from 2001 to 2286"),
        ("9999-12-31", "from 2001 to 2286"),
        ("0001-01-01", "from 2001 to 2286"),
        ("100000d", "from 2001 to 2286"),
        ("999999999w", "from 2001 to 2286"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        times.moment(text, NOW, BERLIN)


def test_a_day_without_a_zone_begins_where_it_is_typed() -> None:
    midnight = datetime(2026, 11, 22).astimezone()
    assert times.moment("2026-11-22", NOW) == int(midnight.timestamp()) * 1_000_000
    with pytest.raises(ValueError, match="has no offset"):
        times.moment("2026-11-22T08:00", NOW)


@pytest.mark.parametrize(("since", "until"), [(2, 1), (1, 1)])
def test_an_end_before_the_beginning_is_refused(since: int, until: int) -> None:
    with pytest.raises(ValueError, match="--from is not earlier than --to"):
        times.check_order(since, until)


@pytest.mark.parametrize(("since", "until"), [(1, 2), (None, 1), (1, None), (None, None)])
def test_any_other_order_is_fine(since: int | None, until: int | None) -> None:
    times.check_order(since, until)
