import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.history.formats import table
from kleinmaelzung_services.history.formats.table import Column, Gaps, trimmed
from kleinmaelzung_wire.frames import Clock, Frame, SinceBoot
from kleinmaelzung_wire.gaps import Gap
from tests.histories import END_US, GOOD_CLOCK, START_US

FRAME = Frame(
    epoch=1,
    number=1,
    times=(START_US, START_US + 10, START_US + 20),
    channels={"mass": [1.0, 2.0, 3.0], "state": ["a", "b", "c"]},
    units={"mass": "g"},
    quality={"mass": [None, "unstable", None]},
    records=[{"kind": "gap"}],
    since_boot=SinceBoot(1, 2),
    clock=Clock(synchronised=False),
)


def test_a_frame_within_the_time_stays_as_it_is() -> None:
    assert trimmed(FRAME, START_US, START_US + 21) is FRAME
    assert trimmed(FRAME, START_US, START_US + 21, frozenset({"mass", "state", "other"})) is FRAME


def test_from_counts_and_to_does_not() -> None:
    found = trimmed(FRAME, START_US + 10, START_US + 20)
    assert found == replace(
        FRAME,
        times=(START_US + 10,),
        channels={"mass": [2.0], "state": ["b"]},
        quality={"mass": ["unstable"]},
        records=[],
        since_boot=None,
    )


def test_other_channels_go_with_their_units_and_qualities() -> None:
    found = trimmed(FRAME, START_US, END_US, frozenset({"state"}))
    assert found is not None
    assert (found.channels, found.units, found.quality) == ({"state": ["a", "b", "c"]}, {}, {})


@pytest.mark.parametrize(
    ("since", "until", "channels"),
    [
        (START_US + 21, END_US, None),
        (0, START_US, None),
        (START_US + 11, START_US + 20, None),
        (START_US, END_US, frozenset({"other"})),
        (END_US, START_US, None),
    ],
)
def test_a_frame_of_which_nothing_is_left_is_none(since: int, until: int, channels: frozenset[str] | None) -> None:
    assert trimmed(FRAME, since, until, channels) is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(0, 30), st.integers(0, 30))
def test_what_is_left_is_what_lies_between(offsets: list[int], since: int, until: int) -> None:
    times = tuple(START_US + offset for offset in offsets)
    frame = Frame(epoch=1, number=1, times=times, channels={"mass": list(times)}, clock=GOOD_CLOCK)
    found = trimmed(frame, START_US + since, START_US + until)
    between = [time for time in times if START_US + since <= time < START_US + until]
    assert (list(found.times), found.channels["mass"]) == (between, between) if found else not between


@pytest.mark.parametrize(
    ("name", "unit", "label"),
    [("mass", "g", "mass [g]"), ("mass", "", "mass"), ("time", "", "time []"), ("time", "s", "time [s]")],
)
def test_a_column_is_called_by_channel_and_unit(name: str, unit: str, label: str) -> None:
    assert Column(name=name, unit=unit).label == label


def test_gaps_come_before_the_first_row_that_is_not_earlier() -> None:
    gaps = [Gap(reason=str(at), since=START_US + at) for at in (25, 10, 5, 5)]
    left = Gaps([*gaps, Gap(reason="no time")])
    parts = left.split([START_US, START_US + 5, START_US + 6, START_US + 20])
    assert [([gap.reason for gap in due], first, end) for due, first, end in parts] == [
        (["no time"], 0, 1),
        (["5", "5"], 1, 3),
        (["10"], 3, 4),
    ]
    assert left.split([START_US + 24]) == [([], 0, 1)]
    assert [gap.reason for gap in left.rest()] == ["25"]
    assert left.rest() == []


@pytest.mark.parametrize(
    ("gap", "note"),
    [
        (Gap(reason="port lost", since=START_US), "gap, not ended: port lost"),
        (
            Gap(reason="agent off", since=START_US, until=START_US + 1, detail="stopped"),
            "gap until 2026-09-21T14:13:20.000001+00:00: agent off (stopped)",
        ),
        (Gap(reason="", epoch=3, first=4, last=9), "gap, frames 4 to 9: reason not known"),
    ],
)
def test_a_gap_is_told_in_a_sentence(gap: Gap, note: str) -> None:
    assert table.gap_note(gap) == note


ROWS = """
import resource, sys
from kleinmaelzung_services.history.formats.choice import FORMATS
from kleinmaelzung_services.history.formats.table import Column, Table
from kleinmaelzung_wire.frames import Clock, Frame

start = 1_790_000_000_000_000
columns = [Column(name="mass"), Column(name="state", type="text")]
file = FORMATS[sys.argv[1]].open(Table(instrument="a/b", since=start, until=2 * start, columns=columns))
size = len(file.begin())
for number in range(1000):
    times = tuple(range(start + number * 1000, start + number * 1000 + 1000))
    values = {"mass": [time / 7 for time in times], "state": [f"moving {time}" for time in times]}
    size += len(file.add(Frame(epoch=1, number=1, times=times, channels=values, clock=Clock(synchronised=True))))
    if number == 200:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size += len(file.end())
print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


# By the process's own memory: what pyarrow takes is no memory of Python's.
@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_a_million_rows_take_no_more_memory_than_some(name: str) -> None:
    ran = subprocess.run([sys.executable, "-c", ROWS, name], capture_output=True, text=True, check=True)
    size, grown_kib = map(int, ran.stdout.split())
    assert size > 5_000_000
    assert grown_kib < 8 * 1024
