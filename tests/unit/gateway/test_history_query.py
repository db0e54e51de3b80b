"""Paths and queries of files of history, into what is asked for or a sentence for each mistake."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_gateway.history_query import Query, moment, parse, read_time
from kleinmaelzung_gateway.wanted import Mistakes, NoFile
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US

NOW_US = 1_795_390_200_000_000
AT_US = 1_795_330_800_000_000  # 2026-11-22T07:00:00Z


def asked(query: str) -> Query:
    return parse(f"/history/pi-1/balance.csv?{query}", NOW_US)


def mistakes(query: str) -> list[str]:
    with pytest.raises(Mistakes) as wrong:
        asked(query)
    return str(wrong.value).split("\n")


def test_what_is_not_told_is_none() -> None:
    found = parse("/history/pi-1/balance.parquet", NOW_US)
    assert found == Query(agent="pi-1", name="balance", format="parquet")
    told = {"from": None, "to": None, "channels": None, "points": None, "format": "parquet"}
    assert (found.instrument, found.arguments()) == ("pi-1/balance", told)


def test_everything_that_can_be_told() -> None:
    found = asked("from=2026-11-22T08:00:00%2B01:00&to=1h&channels=mass,state,mass&points=2000")
    assert (found.since, found.until) == (AT_US, NOW_US - 3_600_000_000)
    assert (found.channels, found.points) == (("mass", "state"), 2000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T07:00:00Z", AT_US),
        ("2026-11-22T08:00+01:00", AT_US),
        ("2026-11-22T08:00 01:00", AT_US),  # a + that an address made a space of
        ("2026-11-22 08:00:00.000001 0100", AT_US + 1),
        ("2026-11-22T02:00:00-05:00", AT_US),
        (str(AT_US), AT_US),
        ("30s", NOW_US - 30_000_000),
        ("15min", NOW_US - 900_000_000),
        ("7d", NOW_US - 7 * 86_400_000_000),
        ("2w", NOW_US - 14 * 86_400_000_000),
    ],
)
def test_times_are_told_in_three_ways(text: str, expected: int) -> None:
    assert read_time(text, NOW_US) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-11-22", "has no offset: write 2026-11-22T00:00:00Z"),
        ("2026-11-22T08:00", "has no offset: write 2026-11-22T08:00:00Z"),
        ("2026-11-22 08:00", "has no offset"),
        ("2026-11-31T08:00Z", "is no time"),
        ("2026-11-22T24:30Z", "is no time"),
        ("2026-11-22T08:00+25:00", "is no time"),
        ("yesterday", "is no time"),
        ("", "is no time"),
        ("-1h", "is no time"),
        ("1 000 000h", "is no time"),
        ("1e16", "is no time"),
        ("٣h", "is no time"),
        ("0", "2001 to 2286"),
        ("-5", "2001 to 2286"),
        (str(2**63), "2001 to 2286"),
        ("999999w", "2001 to 2286"),
        ("1970-01-01T00:00:00Z", "2001 to 2286"),
        ("0001-01-01T00:00:00+23:59", "2001 to 2286"),
        ("9999-12-31T23:59:59-23:59", "2001 to 2286"),
    ],
)
def test_a_time_that_is_none_is_told(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_time(text, NOW_US)


@given(st.integers(MIN_TIME_US, MAX_TIME_US))
def test_a_time_comes_back_to_the_microsecond(time_us: int) -> None:
    assert read_time(moment(time_us), NOW_US) == time_us
    shifted = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    assert read_time(str(time_us), NOW_US) == read_time(shifted.isoformat(), NOW_US)


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes("from=x&to=y&channels=A,%27;DROP&points=0x10&colour=red&to=1h")
    words = [one.split(":")[0].split(" ")[0] for one in found]
    assert words == ["unknown", "to", "from", "channels", "channels", "points"]


@pytest.mark.parametrize("query", ["from=2h&to=3h", "from=1h&to=1h", f"from={AT_US}&to={AT_US}"])
def test_the_end_is_after_the_beginning(query: str) -> None:
    [found] = mistakes(query)
    assert "is not before to" in found


@pytest.mark.parametrize(
    "path",
    ["/history/", "/history/pi-1", "/history/pi-1/", "/history/pi-1/balance", "/history/pi-1/balance.", "/history/.csv",
     "/history/pi-1/balance.CSV", "/history/pi-1/balance.csv/", "/history/pi-1/a/b.csv", "/history/+/+.csv",
     "/history//pi-1/balance.csv", "/history/pi-1/..csv", "/history/pi-1/b%20a.csv", "/history/pi-1/b\r\nX: y.csv"],
)  # fmt: skip
def test_a_path_that_names_no_file_is_told(path: str) -> None:
    with pytest.raises(NoFile, match="expected"):
        parse(path, NOW_US)


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_comes_is_a_query_or_a_sentence(path: str, query: str) -> None:
    try:
        found = parse(f"/history/{path}?{query}", NOW_US)
    except (NoFile, Mistakes):
        pass
    else:
        assert found.file_name.isascii()
        assert found.file_name.isprintable()


def test_the_command_asks_for_the_same() -> None:
    found = parse("/history/pi-1/balance.json?from=1h&channels=mass,state&points=2000", NOW_US)
    assert found.command(AT_US, AT_US + 1) == (
        "kleinmaelzung history pi-1/balance --from 2026-11-22T07:00:00Z --to 2026-11-22T07:00:00.000001Z"
        " --channels mass,state --points 2000 --format json -o balance.jsonl"
    )
    assert asked("").command(None, None) == "kleinmaelzung history pi-1/balance -o balance.csv"
