"""Bytes to lines: whole, byte by byte, halves, garbage, too long."""

from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text.framing import Framing
from kleinmaelzung_agent.drivers.text.lines import LineSplitter


def splitter(counters: Counters | None = None, *, terminator: bytes = b"", begun: bool = True) -> LineSplitter:
    splitter = LineSplitter(
        counters=counters or Counters(), framing=Framing(received_terminator=terminator, max_line=64)
    )
    if begun:
        splitter.begin()
    return splitter


def test_lines_end_with_cr_lf_or_both() -> None:
    assert splitter().feed(b"1\r\n2\n3\r4\r\n\r\n") == ["1", "2", "3", "4"]


def test_a_half_line_waits_for_the_rest() -> None:
    lines = splitter()
    assert lines.feed(b"23.") == []
    assert lines.is_inside
    assert lines.feed(b"45\n") == ["23.45"]


def test_the_first_line_may_be_half_a_line_and_is_discarded() -> None:
    counters = Counters()
    assert splitter(counters, begun=False).feed(b"3.45\r\n+23.45\r\n") == ["+23.45"]
    assert counters.half_lines == 1


def test_a_line_end_alone_is_no_half_line() -> None:
    counters = Counters()
    lines = splitter(counters, begun=False)
    assert lines.feed(b"\n") == []
    assert lines.feed(b"1\n") == ["1"]
    assert counters.half_lines == 0


def test_begin_inside_a_line_changes_nothing() -> None:
    lines = splitter(begun=False)
    lines.feed(b"23")
    lines.begin()
    assert lines.feed(b".45\n1\n") == ["1"]


def test_a_distrusted_line_is_discarded_up_to_its_end() -> None:
    counters = Counters()
    lines = splitter(counters)
    lines.feed(b"+2")
    lines.distrust()
    assert lines.feed(b"3.45 C\r\n+24.00 C\r\n") == ["+24.00 C"]
    assert counters.half_lines == 1


def test_distrust_between_lines_costs_nothing() -> None:
    lines = splitter()
    lines.feed(b"1\r\n")
    lines.distrust()
    assert lines.feed(b"2\r\n") == ["2"]


def test_a_terminator_of_its_own_is_found_across_chunks() -> None:
    lines = splitter(terminator=b"\r\n>")
    assert lines.feed(b"1\r") == []
    assert lines.feed(b"\n") == []
    assert lines.feed(b">2\n3\r\n>") == ["1", "2\n3"]


def test_a_discarded_line_ends_at_a_terminator_in_two_chunks() -> None:
    lines = splitter(terminator=b"\r\n", begun=False)
    assert lines.feed(b"half\r") == []
    assert lines.feed(b"\nwhole\r\n") == ["whole"]


def test_a_megabyte_without_a_line_end_is_one_line_too_long_and_holds_nothing() -> None:
    counters = Counters()
    lines = splitter(counters)
    for _ in range(1024):
        assert lines.feed(b"x" * 1024) == []
        assert lines.pending <= 64
    assert lines.feed(b"\n1\n") == ["1"]
    assert (counters.too_long, counters.half_lines) == (1, 0)


def test_the_same_at_the_very_beginning_is_counted_too() -> None:
    counters = Counters()
    lines = splitter(counters, begun=False)
    for _ in range(1024):
        lines.feed(b"x" * 1024)
    assert counters.too_long == 1


def test_nul_bytes_and_foreign_bytes_reject_their_line_only() -> None:
    counters = Counters()
    assert splitter(counters).feed(b"1\x002\n\xff\n3\n") == ["3"]
    assert counters.undecodable == 2


@given(st.binary(max_size=400), st.lists(st.integers(1, 20), max_size=60), st.sampled_from([b"", b"\r\n>"]))
def test_how_the_bytes_are_cut_changes_nothing(content: bytes, cuts: list[int], terminator: bytes) -> None:
    whole, pieces = Counters(), Counters()
    at_once = splitter(whole, terminator=terminator).feed(content)
    cut = splitter(pieces, terminator=terminator)
    lines = []
    for size in cuts:
        lines += cut.feed(content[:size])
        content = content[size:]
    assert [*lines, *cut.feed(content)] == at_once
    assert pieces == whole
