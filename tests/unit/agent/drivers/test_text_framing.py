"""Lines with begin, terminator and checksum: both ways, cut anywhere, noise between."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers.checksums import ALGORITHMS, Checksum
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text.framed import FramedSplitter
from kleinmaelzung_agent.drivers.text.framing import Framing, LineSum
from kleinmaelzung_agent.drivers.text.lines import LineSplitter

NMEA = Framing(
    begin=b"$",
    received_begin=b"$",
    line_sum=LineSum(checksum=Checksum(algorithm=ALGORITHMS["nmea"], form="HEX"), skip=1, mark=b"*"),
    max_line=64,
)
DCON = Framing(
    terminator=b"\r", line_sum=LineSum(checksum=Checksum(algorithm=ALGORITHMS["sum8"], form="HEX")), max_line=64
)
BISYNCH = Framing(
    begin=b"\x02",
    received_begin=b"\x02",
    terminator=b"\x03",
    received_terminator=b"\x03",
    line_sum=LineSum(checksum=Checksum(algorithm=ALGORITHMS["xor8"]), skip=1, is_after=True),
    max_line=64,
)
PLAIN = Framing(begin=b"<<", received_begin=b"<<", terminator=b">>", received_terminator=b">>", max_line=64)
ALL = {"nmea": NMEA, "dcon": DCON, "bisynch": BISYNCH, "plain": PLAIN}


def splitter(framing: Framing, counters: Counters | None = None) -> FramedSplitter | LineSplitter:
    make = FramedSplitter if framing.received_begin else LineSplitter
    made = make(counters=counters or Counters(), framing=framing)
    made.begin()
    return made


@pytest.mark.parametrize(
    ("framing", "text", "sent"),
    [
        (DCON, "#01", b"#0184\r"),
        (DCON, "$012", b"$012B7\r"),  # the example of the manual of the I-7000
        (NMEA, "GPGLL,5300.97914,N,00259.98174,E,125926,A", b"$GPGLL,5300.97914,N,00259.98174,E,125926,A*28\r\n"),
        (BISYNCH, "PV23.4", b"\x02PV23.4\x03\x1e"),
        (PLAIN, "T?", b"<<T?>>"),
    ],
)
def test_what_is_sent_carries_its_checksum_and_is_read_back(framing: Framing, text: str, sent: bytes) -> None:
    assert framing.wrap(text) == sent
    assert splitter(framing).feed(sent) == [text]


def test_the_mark_before_a_checksum_may_be_covered() -> None:
    checksum = Checksum(algorithm=ALGORITHMS["sum8"], form="HEX")
    framing = Framing(
        begin=b"\x02", received_begin=b"\x02", line_sum=LineSum(checksum=checksum, mark=b"\x03", covers_mark=True)
    )
    assert framing.wrap("12") == b"\x0212\x0366\r\n"
    assert splitter(framing).feed(b"\x0212\x0366\r\n") == ["12"]


def test_what_comes_may_begin_otherwise_than_what_is_sent() -> None:
    checksum = Checksum(algorithm=ALGORITHMS["sum8"], form="HEX")
    framing = Framing(begin=b"#", received_begin=b">", terminator=b"\r", line_sum=LineSum(checksum=checksum))
    assert framing.wrap("01") == b"#0161\r"
    assert splitter(framing).feed(b"noise>0161\r") == ["01"]
    framing = replace(framing, line_sum=LineSum(checksum=checksum, skip=0))
    assert framing.wrap("01") == b"#0184\r"
    assert splitter(framing).feed(b">019F\r") == ["01"]


def test_a_checksum_may_be_on_one_way_only() -> None:
    checksum = Checksum(algorithm=ALGORITHMS["sum8"], form="HEX")
    framing = Framing(terminator=b"\r", line_sum=LineSum(checksum=checksum, is_sent=False))
    assert framing.wrap("#01") == b"#01\r"
    assert splitter(framing).feed(b">+1F9\r>+1F8\r") == []
    framing = Framing(terminator=b"\r", line_sum=LineSum(checksum=checksum, is_received=False))
    assert framing.wrap("#01") == b"#0184\r"
    assert splitter(framing).feed(b">+1\r") == [">+1"]


@pytest.mark.parametrize(
    ("framing", "wrong"),
    [
        (DCON, b">+025.13B8\r"),
        (DCON, b"7\r"),  # shorter than a checksum
        (NMEA, b"$GPGLL,5300.97914,N*29\r\n"),
        (NMEA, b"$GPGLL,5300.97914,N,28\r\n"),  # no mark
        (BISYNCH, b"\x02PV23.5\x03\x1e"),
        (BISYNCH, b"\x02PV23.4\x03\x1d"),
    ],
)
def test_a_wrong_checksum_is_counted_and_is_no_line(framing: Framing, wrong: bytes) -> None:
    counters = Counters()
    assert splitter(framing, counters).feed(wrong + framing.wrap("OK")) == ["OK"]
    assert (counters.wrong_checksums, counters.lines) == (1, 1)
    assert counters.bad() == 1


@given(st.binary(min_size=1, max_size=1), st.integers(0, 6))
def test_no_changed_byte_of_a_checked_line_becomes_a_line(byte: bytes, place: int) -> None:
    sent = bytearray(DCON.wrap("+25.13"))
    if sent[place : place + 1].lower() == byte.lower():
        return
    sent[place : place + 1] = byte
    assert splitter(DCON).feed(bytes(sent)) == []


def test_the_byte_of_a_checksum_may_look_like_a_begin_or_an_end() -> None:
    lines = splitter(BISYNCH)
    begin, end = BISYNCH.wrap("A@"), BISYNCH.wrap("AA")
    assert (begin[-1:], end[-1:]) == (b"\x02", b"\x03")
    assert lines.feed(begin + end + BISYNCH.wrap("B")) == ["A@", "AA", "B"]


def test_with_a_begin_the_first_line_after_the_opening_counts() -> None:
    counters = Counters()
    lines = FramedSplitter(counters=counters, framing=PLAIN)
    assert lines.feed(b"3.45>>\r\n<<+23.45>>") == ["+23.45"]
    assert counters.half_lines == 1


def test_white_space_between_lines_is_not_counted() -> None:
    counters = Counters()
    assert splitter(PLAIN, counters).feed(b"\r\n<<1>>\r\n <<2>>") == ["1", "2"]
    assert counters == Counters(lines=2)


def test_a_line_that_lost_its_end_does_not_join_the_next() -> None:
    counters = Counters()
    lines = splitter(PLAIN, counters)
    assert lines.feed(b"<<12<<3.4>>") == ["3.4"]
    assert lines.feed(b"<<12<") == []
    assert lines.feed(b"<3.4>>") == ["3.4"]
    assert counters.half_lines == 2


def test_a_distrusted_line_is_discarded_and_counted() -> None:
    counters = Counters()
    lines = splitter(PLAIN, counters)
    lines.feed(b"<<+2")
    assert lines.is_inside
    lines.distrust()
    assert lines.feed(b"3.45>><<+24.00>>") == ["+24.00"]
    assert counters.half_lines > 0


@pytest.mark.parametrize("framing", [NMEA, BISYNCH, PLAIN])
@pytest.mark.parametrize("prefix", [b"", b"BEGIN"])
def test_a_megabyte_without_an_end_or_a_begin_holds_nothing(framing: Framing, prefix: bytes) -> None:
    counters = Counters()
    lines = FramedSplitter(counters=counters, framing=framing)
    lines.feed(prefix.replace(b"BEGIN", framing.begin))
    for _ in range(1024):
        assert lines.feed(b"x" * 1024) == []
        assert lines.pending <= 128
        assert lines.is_inside
    assert lines.feed(framing.wrap("1")) == ["1"]
    assert counters.too_long + counters.half_lines == 1


def test_a_line_that_is_too_long_is_none_however_it_comes() -> None:
    for size in (1, 1000):
        counters = Counters()
        lines = splitter(PLAIN, counters)
        content = b"<<" + b"1" * 65 + b">>" + b"<<" + b"1" * 64 + b">>"
        found = [line for at in range(0, len(content), size) for line in lines.feed(content[at : at + size])]
        assert found == ["1" * 64]
        assert counters.too_long == 1


PIECES = st.sampled_from(
    [b"\x02", b"\x03", b"<<", b">>", b"<", b"$", b"*", b"\r", b"\n", b"1", b"x" * 20, b"\xff", b"\0"]
)


@given(st.sampled_from(sorted(ALL)), st.lists(PIECES, max_size=60), st.lists(st.integers(1, 5), max_size=99))
def test_how_the_bytes_are_cut_changes_no_line(name: str, pieces: list[bytes], cuts: list[int]) -> None:
    framing, content = ALL[name], b"".join(pieces)
    at_once = splitter(framing).feed(content)
    cut = splitter(framing)
    found = []
    for size in cuts:
        found += cut.feed(content[:size])
        content = content[size:]
    assert [*found, *cut.feed(content)] == at_once


@given(st.sampled_from(["nmea", "bisynch"]), st.binary(max_size=300))
def test_noise_is_no_line_where_there_is_a_checksum(name: str, noise: bytes) -> None:
    """One in 256 frames of noise would pass; so noise here has no begin, which no noise can replace."""
    framing = ALL[name]
    assert splitter(framing).feed(noise.replace(framing.begin, b"")) == []
