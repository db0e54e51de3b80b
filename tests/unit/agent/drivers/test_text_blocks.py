"""Several lines that belong together, and what answers one question."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers.conversation import MORE
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.text.answers import Answer, Checked
from kleinmaelzung_agent.drivers.text.blocks import MAX_BLOCK, MAX_LINES, Block, BlockSplitter, Extent, TooLongError
from kleinmaelzung_agent.drivers.text.framing import Framing
from kleinmaelzung_agent.drivers.text.lines import LineSplitter
from kleinmaelzung_agent.drivers.text.patterns import Match
from kleinmaelzung_wire.messages import Command

PRINT = Extent(first=re.compile("---.*"), until=re.compile("===.*"))
TWO = Extent(lines=2)


def splitter(counters: Counters | None = None) -> BlockSplitter:
    made = BlockSplitter(LineSplitter(counters=counters or Counters(), framing=Framing()), (PRINT,))
    made.begin()
    return made


def test_a_block_has_so_many_lines_or_ends_with_one() -> None:
    two, printed = Block(TWO), Block(PRINT)
    assert [two.take("1"), two.take("2"), two.take("3")] == [None, "1\n2", None]
    assert [printed.take("---"), printed.take("N 1 g"), printed.take("===")] == [None, None, "---\nN 1 g\n==="]


@pytest.mark.parametrize("line", ["x" * 4000, ""])
def test_a_block_without_end_is_given_up(line: str) -> None:
    block = Block(PRINT)
    most = min(MAX_BLOCK // (len(line) + 1), MAX_LINES)
    assert [block.take(line) for _ in range(most)] == [None] * most
    with pytest.raises(TooLongError):
        block.take(line)
    assert not block.is_inside


def test_what_comes_unasked_is_put_together_and_other_lines_pass() -> None:
    lines = splitter()
    assert lines.feed(b"OK\n---\nN 1 g\n") == ["OK"]
    assert lines.is_inside
    assert lines.feed(b"===\nOK\n") == ["---\nN 1 g\n===", "OK"]


def test_a_distrusted_block_is_counted_and_what_is_left_of_it_comes_line_by_line() -> None:
    counters = Counters()
    lines = splitter(counters)
    lines.feed(b"---\n")
    lines.distrust()
    assert lines.feed(b"N 1 g\n===\n") == ["N 1 g", "==="]
    assert counters.half_lines == 1


def test_ten_megabytes_of_a_block_without_end_hold_nothing() -> None:
    counters = Counters()
    lines = splitter(counters)
    lines.feed(b"---\n")
    chunk = b"x" * 63 + b"\n"
    for _ in range(10_000_000 // (64 * 64)):
        lines.feed(chunk * 64)
    assert counters.too_long == 1


@given(st.lists(st.sampled_from(["---", "===", "N 1 g", "x" * 3000]), max_size=40))
def test_each_line_is_told_once_or_given_up(given: list[str]) -> None:
    counters = Counters()
    lines = splitter(counters)
    told = [line for text in lines.feed("".join(f"{line}\n" for line in given).encode()) for line in text.split("\n")]
    if not counters.too_long and not lines.is_inside:
        assert told == given


# --- answers ----------------------------------------------------------------------------------------------------------


def says(text: str, taken_ns: int) -> str | None:
    return None if text.startswith("x") else text


def test_an_answer_of_two_lines_says_more_after_the_first() -> None:
    answer = Answer(says, extent=TWO)
    assert [answer("1", 0), answer("2", 0)] == [MORE, "1\n2"]


def test_a_refusal_needs_one_line_only() -> None:
    answer = Answer(says, extent=TWO, alone=lambda line, _: "no" if line == "ERR" else None)
    assert answer("ERR", 0) == "no"
    assert [answer("1", 0), answer("ERR", 0)] == [MORE, "1\nERR"], "within a block it is a line like others"


def test_with_a_first_line_what_comes_before_it_is_no_answer() -> None:
    answer = Answer(says, extent=PRINT)
    assert [answer("noise", 0), answer("---", 0), answer("===", 0)] == [None, MORE, "---\n==="]


def test_what_comes_before_the_echo_is_no_answer() -> None:
    answer = Answer(says, echo="T?")
    assert [answer("23.4", 0), answer("T?", 0), answer("23.5", 0)] == [None, MORE, "23.5"]
    assert [answer("23.6", 0), answer("T?", 0), answer("23.7", 0)] == [None, MORE, "23.7"], "a second has its own"


def test_an_echo_may_stand_before_the_answer_on_one_line() -> None:
    assert Answer(says, echo="T?")("T?23.5", 0) == "23.5"
    assert Answer(says, echo="T?")("T?\r\n23.5", 0) == "23.5"


def test_an_endless_answer_is_none() -> None:
    answer = Answer(says, extent=PRINT)
    answer("---", 0)
    assert [answer("1" * 4000, 0) for _ in range(6)] == [MORE] * 4 + [None] * 2


COMMAND = Command(id="1", name="set", user="ada", arguments={}, timeout_us=1_000_000, sent=0)


def checked(*lines: str, has_reply: bool) -> list[object]:
    match = Checked(
        COMMAND,
        (lambda line: Match(values={"volts": line}) if line != "?" else None) if has_reply else None,
        re.compile(r"[+-]?0(,.*)?"),
        re.compile(r'(?P<reason>-?[0-9]+,".*")'),
    )
    found = [match(line, 0) for line in lines]
    return [MORE if each is MORE else each and (each.result, each.reason, each.values) for each in found]


def test_a_command_is_done_when_the_instrument_reports_no_error() -> None:
    assert checked('0,"No error"', has_reply=False) == [("done", "", {})]
    assert checked("5.0", '+0,"No error"', has_reply=True) == [MORE, ("done", "", {"volts": "5.0"})]


def test_a_commands_error_is_in_the_instruments_own_words() -> None:
    error = '-222,"Data out of range"'
    expected: object = ("failed", f"the instrument says: {error}", {})
    assert checked(error, has_reply=False) == [expected]
    assert checked("5.0", error, has_reply=True) == [MORE, expected]
    assert checked(error, has_reply=True) == [expected]


def test_no_error_and_no_answer_is_a_failure() -> None:
    [found] = checked('0,"No error"', has_reply=True)
    assert found == ("failed", "the instrument reports no error, but its answer is missing", {})


def test_other_lines_are_not_the_answer() -> None:
    assert checked("hello", has_reply=False) == [None]
    assert checked("?", has_reply=True) == [None]
