"""Rows in PostgreSQL's binary COPY format: exact bytes once, and pieces that join to the whole."""

import struct
from typing import Any

import pytest

from kleinmaelzung_services.logger import rows
from kleinmaelzung_services.logger.batch import Arrival, FrameEntry, StreamKey
from kleinmaelzung_services.logger.rows import PlacedFrame
from kleinmaelzung_wire.frames import Clock, Frame, SinceBoot, Value
from kleinmaelzung_wire.gaps import Gap

AT_US = rows.EPOCH_2000_US + 1_000_000
SINCE_US = 1_800_000_000_000_000


def placed(
    *values: Value,
    error_us: int | None = None,
    quality: list[str | None] | None = None,
    since_boot: SinceBoot | None = None,
    synchronised: bool = True,
    records: tuple[dict[str, Any], ...] = (),
    number: int = 3,
) -> PlacedFrame:
    frame = Frame(
        epoch=7,
        number=number,
        times=tuple(AT_US + index for index in range(len(values) or 1)),
        channels={"mass": list(values)},
        quality={"mass": quality} if quality else {},
        clock=Clock(synchronised=synchronised, error_us=error_us),
        since_boot=since_boot,
        records=list(records),
    )
    arrival = Arrival("t", b"bytes of several", AT_US + 5)
    entry = FrameEntry(arrival, b"bytes", StreamKey("a", "b", 7), number, "data", frame)
    return PlacedFrame(entry, 1, 2, {"mass": 4})


def content(pieces: list[bytes]) -> bytes:
    whole = b"".join(pieces)
    assert whole.startswith(rows.HEADER)
    assert whole.endswith(rows.TRAILER)
    return whole[len(rows.HEADER) : -len(rows.TRAILER)]


@pytest.mark.parametrize(
    ("since_boot", "boot"),
    [(None, (None, None)), (SinceBoot(2**53 - 1, 9), (struct.pack(">q", 2**53 - 1), struct.pack(">q", 9)))],
)
def test_a_frame_has_exactly_these_bytes(since_boot: SinceBoot | None, boot: tuple[bytes | None, ...]) -> None:
    fields = [
        struct.pack(">i", 2),
        struct.pack(">q", 3),
        struct.pack(">q", 1_000_000),
        struct.pack(">q", 1_000_005),
        b"\x01",
        None,
        *boot,
        b"data",
        b"bytes",
    ]
    sized = [b"\xff" * 4 if field is None else struct.pack(">i", len(field)) + field for field in fields]
    expected = struct.pack(">h", 10) + b"".join(sized)
    assert content(list(rows.copy_frames([placed(1.0, since_boot=since_boot)]))) == expected


def test_a_numeric_column_has_the_same_bytes_by_the_short_and_the_long_way() -> None:
    # A quality that says nothing takes the long way.
    short = content(list(rows.copy_samples([placed(1.5, 2, 2**64 - 1)])))
    assert short == content(list(rows.copy_samples([placed(1.5, 2, 2**64 - 1, quality=[None, "", None])])))
    assert short.startswith(struct.pack(">hiqidih", 8, 8, 1_000_000, 8, 1.5, 2, 0))


@pytest.mark.parametrize("value", [1.5, -3, 2**63])
def test_a_lone_number_has_the_same_bytes_by_the_short_and_the_long_way(value: float) -> None:
    short = content(list(rows.copy_samples([placed(value)])))
    assert short == content(list(rows.copy_samples([placed(value, quality=[None])])))


def test_a_lone_boolean_keeps_its_text() -> None:
    assert content(list(rows.copy_samples([placed(True)]))).endswith(struct.pack(">i", 4) + b"true")


def test_an_absurd_clock_error_is_null_and_stops_nothing() -> None:
    absurd = content(list(rows.copy_frames([placed(1.0, error_us=2**63)])))
    assert absurd == content(list(rows.copy_frames([placed(1.0)])))


def test_many_rows_come_in_pieces_of_bounded_size() -> None:
    pieces = list(rows.copy_samples([placed(*map(float, range(100)))] * 100))
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 2 * rows.PIECE_BYTES
    assert len(content(pieces)) == 100 * 100 * (2 + 8 * 4 + 8 + 8 + 2 + 8 + 4 + 4)


def test_nothing_but_header_and_trailer_for_no_frames() -> None:
    assert content(list(rows.copy_samples([]))) == b""


def gap(**known: Any) -> dict[str, Any]:
    return Gap(**{"reason": "port lost", **known}).to_record()


def test_begin_and_end_of_a_gap_in_time_are_one_row_in_either_order() -> None:
    begins, ends = gap(since=SINCE_US, detail="unplugged"), gap(since=SINCE_US, until=SINCE_US + 5)
    for first, second in ((begins, ends), (ends, begins)):
        [row] = rows.gap_rows([placed(records=(first,)), placed(records=(second,), number=4)])
        assert row == (
            *(2, 3, 0, 1, None, None, None),
            *(rows.moment(SINCE_US), rows.moment(SINCE_US + 5), "port lost", "unplugged"),
        )


def test_gaps_in_numbers_and_other_gaps_in_time_stay_apart() -> None:
    records = (
        gap(since=SINCE_US),
        gap(since=SINCE_US + 1),
        gap(since=SINCE_US, reason="instrument silent"),
        *(gap(since=SINCE_US, epoch=6, first=first, last=first + 1) for first in (1, 5)),
        {"kind": "gap"},
        {"kind": "gap"},
    )
    assert len(rows.gap_rows([placed(records=records)])) == len(records)


def test_one_reference_for_each_boot_and_hour_from_synchronised_clocks_only() -> None:
    hour = rows.HOUR_US
    made = [
        placed(1.0, since_boot=SinceBoot(8, 5), synchronised=False),
        placed(1.0),
        *(placed(1.0, since_boot=SinceBoot(boot, at)) for boot, at in ((8, 7), (8, 9), (8, hour), (9, hour - 1))),
    ]
    at = rows.moment(AT_US)
    assert rows.reference_rows(made) == {(8, 0): (8, 7, at), (8, 1): (8, hour, at), (9, 0): (9, hour - 1, at)}


def test_only_minutes_before_the_promise_are_late_each_once() -> None:
    minute = rows.MINUTE_US
    start = AT_US // minute * minute
    early = Frame(
        epoch=7,
        number=1,
        times=(start, start + 1, start + minute, start + 2 * minute),
        channels={"mass": [1.0] * 4, "state": ["x"] * 4},
        clock=Clock(synchronised=True),
    )
    entry = FrameEntry(Arrival("t", b"", AT_US), b"", StreamKey("a", "b", 7), 1, "data", early)
    twice = [PlacedFrame(entry, 1, 1, {"mass": 1, "state": 2})] * 2
    assert rows.late_minutes(twice, start) == []
    found = rows.late_minutes(twice, start + minute + 1)
    assert found == [(channel, rows.moment(start + at)) for channel in (1, 2) for at in (0, minute)]
