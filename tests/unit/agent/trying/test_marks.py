"""What stands around the text of answers, and bytes for people."""

from typing import Any

import pytest

from kleinmaelzung_agent.drivers import raw_bytes
from kleinmaelzung_agent.trying import bytes_shown, marks


@pytest.mark.parametrize(
    ("sent", "answers", "found", "lines"),
    [
        (b"SI\r\n", [b"S S 1.0 g\r\n", b"S S 2.0 g\r\n"], {}, ["S S 1.0 g"]),
        (b"SI\r\n", [b"SI S 1.0 g\r\n"], {}, ["SI S 1.0 g"]),
        (b"PH\r", [b"PH\r7,02\r\n"], {"echo": True}, ["7,02"]),
        (b"TEMP\r", [b"23.40\r\n> ", b"23.41\r\n> "], {"received_terminator": "\r\n> "}, ["23.40"]),
        (b"T\r", [b"\x02T+1.0\x03"], {"received_begin": "\x02", "received_terminator": "\x03"}, ["T+1.0"]),
        (b"T\r", ["23.4 °C\r\n".encode()], {"encoding": "utf-8"}, ["23.4 °C"]),
        (b"T\r", [b"23.4 \xb0C\r\n"], {"encoding": "latin-1"}, ["23.4 °C"]),
        (b"T\r", [b"1.0\r\n2.0"], {}, ["1.0", "2.0"]),  # cut off, no prompt
        (b"", [], {}, []),
    ],
)
def test_what_stands_around_is_seen(sent: bytes, answers: list[bytes], found: dict[str, Any], lines: list[str]) -> None:
    assert marks.keys(sent, answers) == found
    assert marks.lines(answers[0] if answers else b"", found, sent) == lines


def test_the_end_of_lines_is_seen() -> None:
    assert [marks.terminator(heard) for heard in (b"a\r\n", b"a\rb", b"a\n> ", b"a")] == ["\r\n", "\r", "\n", ""]


def test_bytes_are_shown_as_they_can_be_typed() -> None:
    content = b"\x02S \xb5\\\t\x1b{}\r\n"
    shown = bytes_shown.escaped(content)
    assert shown == r"\x02S \xb5\\\t\e{}\r\n"
    typed = bytes_shown.escaped(content, "latin-1")
    assert raw_bytes.unescape(typed, "latin-1") == content


def test_each_row_ends_with_its_line() -> None:
    rows = list(bytes_shown.rows(b"S\r\n" + b"0123456789ABCDEF0" + b"\rX"))
    assert [row.split("   ")[-1] for row in rows] == [r"S\r\n", "0123456789ABCDEF", r"0\r", "X"]
    assert rows[0].startswith("53 0d 0a ")
