"""Buckets: where they lie, and what a piece of them looks like."""

import math
import struct

import pytest

from kleinmaelzung_services.history import grid
from kleinmaelzung_services.history.grid import Bucket, Grid

SINCE = 1_790_000_000_000_000


@pytest.mark.parametrize(
    ("span", "points", "width", "count"),
    [(100, 10, 10, 10), (101, 10, 11, 10), (99, 10, 10, 10), (5, 10, 1, 5), (1, 20_000, 1, 1), (10**15, 7, None, 7)],
)
def test_a_grid_covers_its_time_with_no_more_buckets_than_asked(
    span: int, points: int, width: int | None, count: int
) -> None:
    found = Grid.over(SINCE, SINCE + span, points)
    assert found.count == count
    assert width in (None, found.width_us)
    assert found.until - found.width_us < SINCE + span <= found.until
    assert list(found.times())[:2] == [SINCE, SINCE + found.width_us][:count]
    assert len(found.times()) == count


def test_parts_of_a_grid_are_the_grid() -> None:
    whole = Grid.over(SINCE, SINCE + 1003, 100)
    parts = [whole.part(first, 7) for first in range(0, whole.count, 7)]
    assert [time for part in parts for time in part.times()] == list(whole.times())
    assert {part.width_us for part in parts} == {whole.width_us}


def test_a_piece_has_the_bytes_of_the_contract() -> None:
    two = Grid(since=SINCE, width_us=5, count=2)
    piece = grid.pack(two, [("mass", {1: Bucket(3, 1.0, 2.5, 1.5)})], is_plain=False)
    assert piece["time"] == struct.pack("<2q", SINCE, SINCE + 5)
    mass = piece["columns"]["mass"]
    assert mass["count"] == b"\x00\x00\x00\x00\x03\x00\x00\x00"
    assert [struct.unpack("<2d", mass[key])[1] for key in ("min", "mean", "max")] == [1.0, 1.5, 2.5]
    assert all(math.isnan(struct.unpack("<2d", mass[key])[0]) for key in ("min", "mean", "max"))
    assert len(piece["time"]) + sum(map(len, mass.values())) == 2 * grid.row_bytes(1, is_plain=False)


def test_a_plain_piece_has_lists_and_null() -> None:
    two = Grid(since=SINCE, width_us=5, count=2)
    piece = grid.pack(two, [("mass", {0: Bucket(3, 1.0, 2.5, 1.5)}), ("state", {1: Bucket(4)})], is_plain=True)
    assert piece == {
        "time": [SINCE, SINCE + 5],
        "columns": {
            "mass": {"min": [1.0, None], "mean": [1.5, None], "max": [2.5, None], "count": [3, 0]},
            "state": {"min": [None, None], "mean": [None, None], "max": [None, None], "count": [0, 4]},
        },
    }
