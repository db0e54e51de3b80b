import csv
import io
import re
from collections.abc import Iterator

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.history.formats import csv_file, table
from kleinmaelzung_services.history.formats.table import BucketColumn, Buckets, Column, Table
from kleinmaelzung_wire.frames import Clock, Frame, Value
from kleinmaelzung_wire.gaps import Gap
from tests import histories
from tests.histories import END_US, FORMULAS, GOOD_CLOCK, START_US, written

Cell = tuple[str, bool]  # its text, and whether it was quoted
_CELL = re.compile(r'"((?:[^"]|"")*)"(?:(,)|(\r\n))|([^",\r\n]*)(?:(,)|(\r\n))')


def rows_of(content: bytes) -> Iterator[list[Cell]]:
    """RFC 4180 read strictly, which tells what was quoted: the csv module of Python 3.11 does not."""
    text, place, row = content.decode(), 0, list[Cell]()
    while place < len(text):
        found = _CELL.match(text, place)
        assert found, f"not RFC 4180: {text[place : place + 40]!r}"
        place = found.end()
        row.append((found[1].replace('""', '"'), True) if found[1] is not None else (found[4], False))
        if found[3] or found[6]:
            yield row
            row = []
    assert row == []


def value_of(cell: Cell) -> Value:
    """A cell back to the value it was made of."""
    text, is_quoted = cell
    if is_quoted:
        return csv_file.plain(text)
    if text in ("", "true", "false"):
        return {"": None, "true": True, "false": False}[text]
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def table_of(*columns: Column, gaps: list[Gap] | None = None, width_us: int | None = None) -> Table:
    return Table(
        instrument="pi-1/balance", since=START_US, until=END_US, columns=columns, gaps=gaps or [], width_us=width_us
    )


def frame(channels: dict[str, list[Value]], units: dict[str, str] | None = None, **more: object) -> Frame:
    length = len(next(iter(channels.values())))
    times = tuple(START_US + index for index in range(length))
    return Frame(epoch=1, number=1, times=times, channels=channels, units=units or {}, **{"clock": GOOD_CLOCK, **more})  # type: ignore[arg-type]


def is_gap(row: list[Cell]) -> bool:
    return row[-1][0].startswith("gap") and not any(text for text, _ in row[1:-1])


@settings(deadline=None)
@given(histories.histories())
def test_every_value_comes_back_to_the_last_bit_and_with_its_type(history: tuple[Table, list[Frame]]) -> None:
    about, frames = history
    head, *rows = rows_of(written("csv", about, frames))
    assert [csv_file.plain(text) for text, _ in head] == [
        *("time", *(column.label for column in about.columns)),
        *("quality", "note"),
    ]
    samples = [row for row in rows if not is_gap(row)]
    assert [row[0][0] for row in samples] == [table.moment(time) for time in histories.times_of(frames)]
    for place, column in enumerate(about.columns, 1):
        found = [value_of(row[place]) for row in samples]
        expected = histories.values_of(frames, column.key)
        assert list(map(histories.same, found, expected)) == [True] * len(expected)
    assert len(rows) - len(samples) == len(about.gaps)


@settings(deadline=None)
@given(histories.histories())
def test_pythons_csv_reads_the_same_cells(history: tuple[Table, list[Frame]]) -> None:
    content = written("csv", *history)
    found = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    assert found == [[text for text, _ in row] for row in rows_of(content)]


@settings(deadline=None)
@given(histories.histories(["number", "text", "boolean"], nothing=False))
def test_pandas_reads_the_same_values(history: tuple[Table, list[Frame]]) -> None:
    about, frames = history
    frames = [one for one in frames if len(one.channels) == len(about.columns)]
    about = table_of(*about.columns)
    floats = [column.label for column in about.columns if column.type == "number"]
    found = pandas.read_csv(
        histories.reader(written("csv", about, [_with_floats(one, about) for one in frames])),
        dtype={
            csv_file.harmless(column.label): "float64" if column.label in floats else "object"
            for column in about.columns
        },
        keep_default_na=False,
        na_values={csv_file.harmless(label): [""] for label in floats},
    )
    times = pandas.to_datetime(found["time"], format="ISO8601", utc=True).astype("datetime64[us, UTC]")
    assert [int(time) for time in times.astype("int64")] == histories.times_of(frames)
    for column in about.columns:
        read = found[csv_file.harmless(column.label)].tolist()
        for value, expected in zip(read, histories.values_of(frames, column.key), strict=True):
            match expected:
                case bool():
                    assert value == str(expected).lower()
                case str():
                    assert csv_file.plain(value) == expected
                case _:
                    assert histories.same(value, float(expected))  # type: ignore[arg-type]


def _with_floats(one: Frame, about: Table) -> Frame:
    numbers = {column.name for column in about.columns if column.type == "number"}
    channels: dict[str, list[Value]] = {
        name: [float(value) for value in values] if name in numbers else values  # type: ignore[arg-type]
        for name, values in one.channels.items()
    }
    return Frame(epoch=1, number=1, times=one.times, channels=channels, units=one.units, clock=one.clock)


@settings(deadline=None)
@given(st.lists(st.none() | histories.small_integers, min_size=1, max_size=8))
def test_pandas_reads_large_integers_exactly(values: list[Value]) -> None:
    content = written("csv", table_of(Column(name="count")), [frame({"count": values})])
    found = pandas.read_csv(histories.reader(content), dtype={"count": "Int64"})
    assert [None if value is pandas.NA else int(value) for value in found["count"]] == values


@given(histories.texts | st.text(st.sampled_from("=+-@\t\r\n;'\" a,\u200b＝"), max_size=10))
@settings(max_examples=500, deadline=None)
def test_a_text_is_made_harmless_and_comes_back(text: str) -> None:
    safe = csv_file.harmless(text)
    assert csv_file.plain(safe) == text
    seen = re.sub(r"[\u200b\ufeff\u2028\u2029\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\"“]", "", safe)
    for begins in re.split(r"[;\t\r\n]", seen):  # as a spreadsheet does that separates by semicolons or tabs
        assert not begins.startswith(("=", "+", "-", "@", "＝", "\u2212"))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_has_an_apostrophe(text: str) -> None:
    assert csv_file.harmless(text).count("'") > text.count("'")


@pytest.mark.parametrize("text", ["", "a", "a=1", "a - b", "pi-1/balance", "12 °C", "'quoted'", "a, b", "1-2", "a|=b"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert csv_file.harmless(text) == text


def test_the_exact_bytes() -> None:
    about = table_of(
        Column(name="mass", unit="g"),
        Column(name="mass", unit="kg"),
        Column(name="state", type="text"),
        gaps=[Gap(reason="port lost", since=START_US + 2, until=START_US + 5, detail='no "device"')],
    )
    first = frame(
        {"mass": [-1.5, 2**60], "state": ["=cmd|'/c calc'!A1", None]},
        {"mass": "g"},
        quality={"mass": [None, "unstable"]},
        clock=Clock(synchronised=False),
    )
    second = Frame(
        epoch=1, number=2, times=(START_US + 6,), channels={"mass": [1e22]}, units={"mass": "kg"}, clock=GOOD_CLOCK
    )
    assert written("csv", about, [first, second]).decode().split("\r\n") == [
        "time,mass [g],mass [kg],state,quality,note",
        '2026-09-21T14:13:20.000000+00:00,-1.5,,"\'=cmd|\'/c calc\'!A1",,"clock not synchronised"',
        '2026-09-21T14:13:20.000001+00:00,1152921504606846976,,,"mass [g]: unstable","clock not synchronised"',
        '2026-09-21T14:13:20.000002+00:00,,,,,"gap until 2026-09-21T14:13:20.000005+00:00: port lost (no ""device"")"',
        "2026-09-21T14:13:20.000006+00:00,,1e+22,,,",
        "",
    ]


def test_a_header_cannot_run_either() -> None:
    about = table_of(Column(name="mass", unit="\t=cmd|'/c calc'!A1"), Column(name="time"), Column(name="a", unit='"'))
    head = """time,"mass [\t'=cmd|'/c calc'!A1]",time [],"a [""]",quality,note\r\n"""
    assert written("csv", about, []).decode() == head


def test_buckets_have_four_columns_a_channel_and_nothing_where_nothing_was_measured() -> None:
    about = table_of(Column(name="mass", unit="g"), Column(name="temperature"), width_us=1_000_000)
    mass = BucketColumn(mean=[1.5, float("nan")], minimum=[1.0, None], maximum=[2.0, float("nan")], count=[2, 0])
    rows = Buckets(times=[START_US, START_US + 1_000_000], columns={("mass", "g"): mass})
    grams = ["mass [g] mean", "mass [g] min", "mass [g] max", "mass [g] count"]
    assert written("csv", about, [rows]).decode().split("\r\n") == [
        ",".join(["time", *grams, *(f"temperature {word}" for word in table.STATISTICS), "note"]),
        "2026-09-21T14:13:20.000000+00:00,1.5,1.0,2.0,2,,,,0,",
        "2026-09-21T14:13:21.000000+00:00,,,,0,,,,0,",
        "",
    ]


@pytest.mark.parametrize("width_us", [None, 1_000_000])
def test_a_gaps_row_has_as_many_cells_as_the_header(width_us: int | None) -> None:
    about = table_of(Column(name="a"), Column(name="b"), gaps=[Gap(reason="silent")], width_us=width_us)
    head, gap = rows_of(written("csv", about, []))
    assert len(gap) == len(head)
    assert gap[-1] == ("gap: silent", True)


def test_an_unknown_channel_is_not_left_out_in_silence() -> None:
    with pytest.raises(ValueError, match="'mass' in 'kg', which is no column"):
        written("csv", table_of(Column(name="mass", unit="g")), [frame({"mass": [1.0]}, {"mass": "kg"})])
