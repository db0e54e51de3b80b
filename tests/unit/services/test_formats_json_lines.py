import json

from hypothesis import given, settings

from kleinmaelzung_services.history.formats import table
from kleinmaelzung_services.history.formats.table import BucketColumn, Buckets, Column, Table
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.gaps import Gap
from tests import histories
from tests.histories import END_US, GOOD_CLOCK, START_US, written


@settings(deadline=None)
@given(histories.histories())
def test_every_value_comes_back_to_the_last_bit_and_with_its_type(history: tuple[Table, list[Frame]]) -> None:
    about, frames = history
    lines = written("json", about, frames).decode().splitlines()  # which also splits at what JSON allows in a text
    head, *rows = map(json.loads, lines)
    assert head["columns"] == [column.to_map() for column in about.columns]
    samples = [row for row in rows if "time" in row]
    assert [row["time"] for row in samples] == [table.moment(time) for time in histories.times_of(frames)]
    for column in about.columns:
        expected = histories.values_of(frames, column.key)
        found = [row.get(column.label) for row in samples]
        assert list(map(histories.same, found, expected)) == [True] * len(expected)
    assert len(rows) - len(samples) == len(about.gaps)


def test_the_exact_bytes() -> None:
    gap = Gap(reason="port lost", since=START_US + 2, until=START_US + 5)
    about = Table(
        instrument="pi-1/balance",
        since=START_US,
        until=END_US,
        columns=[Column(name="mass", unit="g"), Column(name="mass", unit="kg")],
        gaps=[gap, Gap(reason="spool full", first=4, last=9, epoch=7, since=END_US)],
        more_gaps=2,
    )
    first = Frame(
        epoch=1,
        number=1,
        times=(START_US, START_US + 3),
        channels={"mass": [1.5, None]},
        units={"mass": "g"},
        quality={"mass": [None, "unstable"]},
        clock=Clock(synchronised=False),
    )
    second = Frame(
        epoch=1, number=2, times=(START_US + 6,), channels={"mass": [2**60]}, units={"mass": "kg"}, clock=GOOD_CLOCK
    )
    at = "2026-09-21T14:13:20.00000"
    head, *rows = written("json", about, [first, second]).decode().splitlines()
    columns = (
        '[{"column":"mass [g]","channel":"mass","unit":"g","type":"number"},'
        '{"column":"mass [kg]","channel":"mass","unit":"kg","type":"number"}]'
    )
    assert head == (
        f'{{"instrument":"pi-1/balance","kind":"samples","from":"{at}0+00:00","to":"{table.moment(END_US)}",'
        f'"width_us":null,"columns":{columns},"more_gaps":2}}'
    )
    no_numbers = '"epoch":null,"first":null,"last":null'
    last = f'"since":"{table.moment(END_US)}","until":null,"epoch":7,"first":4,"last":9'
    assert rows == [
        f'{{"time":"{at}0+00:00","mass [g]":1.5,"note":"clock not synchronised"}}',
        f'{{"gap":{{"since":"{at}2+00:00","until":"{at}5+00:00",{no_numbers},"reason":"port lost","detail":""}}}}',
        f'{{"time":"{at}3+00:00","mass [g]":null,"quality":{{"mass [g]":"unstable"}},"note":"clock not synchronised"}}',
        f'{{"time":"{at}6+00:00","mass [kg]":1152921504606846976}}',
        f'{{"gap":{{{last},"reason":"spool full","detail":""}}}}',
    ]


def test_a_bucket_without_a_value_has_nulls_and_never_nan() -> None:
    about = Table(
        instrument="pi-1/balance",
        since=START_US,
        until=END_US,
        columns=[Column(name="mass", unit="g"), Column(name="time")],
        width_us=1_000_000,
    )
    nan = float("nan")
    mass = BucketColumn(mean=[1.5, nan], minimum=[1.0, None], maximum=[2.0, nan], count=[2, 0])
    content = written("json", about, [Buckets(times=[START_US, START_US + 1_000_000], columns={("mass", "g"): mass})])
    head, first, second = map(json.loads, content.splitlines())
    none = {"time [] mean": None, "time [] min": None, "time [] max": None, "time [] count": 0}
    assert head["width_us"] == 1_000_000
    assert first == {
        "time": table.moment(START_US),
        "mass [g] mean": 1.5,
        "mass [g] min": 1.0,
        "mass [g] max": 2.0,
        "mass [g] count": 2,
        **none,
    }
    assert [second[f"mass [g] {word}"] for word in table.STATISTICS] == [None, None, None, 0]
    assert b"NaN" not in content
