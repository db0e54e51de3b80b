"""Rows in PostgreSQL's binary COPY format: exact bytes once, and pieces that join to the whole."""

import struct

from kleinmaelzung_services.logger import rows
from kleinmaelzung_services.logger.batch import Arrival, FrameEntry, StreamKey
from kleinmaelzung_services.logger.rows import PlacedFrame
from kleinmaelzung_wire.frames import Clock, Frame, Value

AT_US = rows.EPOCH_2000_US + 1_000_000


def placed(*values: Value, error_us: int | None = None, quality: list[str | None] | None = None) -> PlacedFrame:
    frame = Frame(
        epoch=7,
        number=3,
        times=tuple(AT_US + index for index in range(len(values))),
        channels={"mass": list(values)},
        quality={"mass": quality} if quality else {},
        clock=Clock(synchronised=True, error_us=error_us),
    )
    entry = FrameEntry(Arrival("t", b"bytes", AT_US + 5), StreamKey("a", "b", 7), 3, "data", frame)
    return PlacedFrame(entry, 1, 2, {"mass": 4})


def content(pieces: list[bytes]) -> bytes:
    whole = b"".join(pieces)
    assert whole.startswith(rows.HEADER)
    assert whole.endswith(rows.TRAILER)
    return whole[len(rows.HEADER) : -len(rows.TRAILER)]


def test_a_frame_has_exactly_these_bytes() -> None:
    fields = [
        struct.pack(">i", 2),
        struct.pack(">q", 3),
        struct.pack(">q", 1_000_000),
        struct.pack(">q", 1_000_005),
        b"\x01",
        None,
        b"data",
        b"bytes",
    ]
    sized = [b"\xff" * 4 if field is None else struct.pack(">i", len(field)) + field for field in fields]
    expected = struct.pack(">h", 8) + b"".join(sized)
    assert content(list(rows.copy_frames([placed(1.0)]))) == expected


def test_a_numeric_column_has_the_same_bytes_by_the_short_and_the_long_way() -> None:
    # A quality that says nothing takes the long way.
    short = content(list(rows.copy_samples([placed(1.5, 2, 2**64 - 1)])))
    assert short == content(list(rows.copy_samples([placed(1.5, 2, 2**64 - 1, quality=[None, "", None])])))
    assert short.startswith(struct.pack(">hiqidih", 8, 8, 1_000_000, 8, 1.5, 2, 0))


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
