import json
import sys
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from pyarrow import parquet

from kleinmaelzung_services.history.formats import parquet_file, table
from kleinmaelzung_services.history.formats.parquet_file import NotInstalled, ParquetFile
from kleinmaelzung_services.history.formats.table import BucketColumn, Buckets, Column, Table
from kleinmaelzung_wire.frames import Clock, Frame, Value
from kleinmaelzung_wire.gaps import Gap
from tests import histories
from tests.histories import END_US, GOOD_CLOCK, START_US, written

ABOUT = Table(
    instrument="pi-1/balance",
    since=START_US,
    until=END_US,
    columns=[Column(name="mass", unit="g"), Column(name="mass", unit="kg"), Column(name="state", type="text")],
    gaps=[Gap(reason="port lost", since=START_US + 2)],
)


def original(column: Column, cell: Any, exact: str | None) -> Value:
    """A cell back to the value it was made of; a "number" column holds integers as numbers."""
    value: Value
    left = json.loads(exact) if exact else {}
    if column.label in left:
        value = left[column.label]
        return value
    if column.type == "mixed" and cell is not None:
        value = json.loads(cell)
        return value
    value = cell
    return value


@settings(deadline=None)
@given(histories.histories())
def test_every_value_comes_back_to_the_last_bit(history: tuple[Table, list[Frame]]) -> None:
    about, frames = history
    found = parquet.read_table(histories.reader(written("parquet", about, frames)))
    assert found["time"].cast("int64").to_pylist() == histories.times_of(frames)
    exact = found["exact"].to_pylist()
    for column in about.columns:
        cells = found[column.label].to_pylist()
        read = [original(column, cell, left) for cell, left in zip(cells, exact, strict=True)]
        expected = histories.values_of(frames, column.key)
        if column.type == "number":
            assert read == expected
            expected = [
                float(one) if type(one) is int and type(got) is float else one
                for one, got in zip(expected, read, strict=True)
            ]
        assert list(map(histories.same, read, expected)) == [True] * len(expected)
    told = json.loads(found.schema.metadata[b"kleinmaelzung"])
    assert (told["instrument"], len(told["gaps"])) == (about.instrument, len(about.gaps))


@settings(deadline=None)
@given(histories.histories(["number", "integer", "text", "boolean"], nothing=False))
def test_pandas_reads_the_same_values(history: tuple[Table, list[Frame]]) -> None:
    about, frames = history
    frames = [one for one in frames if len(one.channels) == len(about.columns)]
    found = pandas.read_parquet(histories.reader(written("parquet", about, frames)))
    assert [time.value // 1000 for time in found["time"]] == histories.times_of(frames)
    for column in about.columns:
        expected = histories.values_of(frames, column.key)
        if column.type == "number":
            expected = [float(value) for value in expected]  # type: ignore[arg-type]
        assert list(map(repr, found[column.label].tolist())) == list(map(repr, expected))


def test_names_units_and_gaps_are_in_the_metadata() -> None:
    schema = parquet.read_schema(histories.reader(written("parquet", ABOUT, [])))
    assert [str(field.type) for field in schema] == [
        *("timestamp[us, tz=UTC]", "double", "double", "string", "string", "string", "string")
    ]
    assert schema.names == ["time", "mass [g]", "mass [kg]", "state", "quality", "note", "exact"]
    assert schema.field("mass [kg]").metadata == {b"channel": b"mass", b"unit": b"kg", b"type": b"number"}
    told = json.loads(schema.metadata[b"kleinmaelzung"])
    assert (told["from"], told["to"], told["kind"]) == (table.moment(START_US), table.moment(END_US), "samples")
    assert [(gap["reason"], gap["since"]) for gap in told["gaps"]] == [("port lost", table.moment(START_US + 2))]


def test_what_a_columns_type_cannot_hold_stands_beside_it() -> None:
    wrong: list[Value] = [2**53 + 1, "off", True, 0.5]
    counts: list[Value] = [2**63, 1.5, None, -(2**63)]
    about = Table(
        instrument="pi-1/balance",
        since=START_US,
        until=END_US,
        columns=[Column(name="mass"), Column(name="count", type="integer")],
    )
    frame = Frame(
        epoch=1,
        number=1,
        times=tuple(range(START_US, START_US + 4)),
        channels={"mass": wrong, "count": counts},
        quality={"mass": [None, "=1", None, "good"]},
        clock=Clock(synchronised=False),
    )
    found = parquet.read_table(histories.reader(written("parquet", about, [frame]))).to_pydict()
    assert found["mass"] == [2.0**53, None, None, 0.5]
    assert found["count"] == [None, None, None, -(2**63)]
    assert [left and json.loads(left) for left in found["exact"]] == [
        {"mass": 2**53 + 1, "count": 2**63},
        {"mass": "off", "count": 1.5},
        {"mass": True},
        None,
    ]
    assert found["quality"] == [None, '{"mass": "=1"}', None, None]
    assert found["note"] == ["clock not synchronised"] * 4


def test_buckets_are_numbers_with_nulls_where_nothing_was_measured() -> None:
    about = Table(
        instrument="pi-1/balance", since=START_US, until=END_US, columns=ABOUT.columns[:2], width_us=1_000_000
    )
    nan = float("nan")
    mass = BucketColumn(mean=[1.5, nan], minimum=[1.0, None], maximum=[2.0, nan], count=[2, 0])
    rows = Buckets(times=[START_US, START_US + 1_000_000], columns={("mass", "g"): mass})
    found = parquet.read_table(histories.reader(written("parquet", about, [rows])))
    assert found.drop_columns("time").to_pydict() == {
        "mass [g] mean": [1.5, None],
        "mass [g] min": [1.0, None],
        "mass [g] max": [2.0, None],
        "mass [g] count": [2, 0],
        **{f"mass [kg] {word}": [None, None] for word in ("mean", "min", "max")},
        "mass [kg] count": [0, 0],
    }


@pytest.mark.parametrize(("name", "bound"), [("MAX_ROWS", 10), ("MAX_CELLS", 70), ("MAX_TEXT", 100)])
def test_rows_are_handed_out_group_by_group(monkeypatch: pytest.MonkeyPatch, name: str, bound: int) -> None:
    monkeypatch.setattr(parquet_file, name, bound)
    file = ParquetFile(ABOUT)
    pieces = [file.begin()]
    for number in range(40):
        channels: dict[str, list[Value]] = {"state": ["x" * 10]}
        pieces.append(
            file.add(Frame(epoch=1, number=1, times=(START_US + number,), channels=channels, clock=GOOD_CLOCK))
        )
    assert [bool(piece) for piece in pieces[1:]] == [number % 10 == 9 for number in range(40)]
    pieces.append(file.end())
    found = parquet.ParquetFile(histories.reader(b"".join(pieces)))
    assert [found.metadata.row_group(index).num_rows for index in range(found.num_row_groups)] == [10] * 4
    assert found.read()["state"].to_pylist() == ["x" * 10] * 40


def test_without_pyarrow_a_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as Python marks a module that is not there
    with pytest.raises(NotInstalled, match=r"pip install 'kleinmaelzung\[parquet\]'"):
        ParquetFile(ABOUT)
