"""What `_raw` sends: escapes, hex and bytes, and nothing by accident."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers import raw_bytes
from kleinmaelzung_agent.drivers.raw_bytes import Raw, RawError


@pytest.mark.parametrize(
    ("arguments", "outgoing"),
    [
        ({"text": "T?\\r\\n"}, b"T?\r\n"),
        ({"text": "\\x1b\\e\\0\\t\\\\"}, b"\x1b\x1b\x00\t\\"),
        ({"text": "°"}, b"\xb0"),
        ({"hex": "0d 0A"}, b"\r\n"),
        ({"bytes": b"\xff"}, b"\xff"),
    ],
)
def test_bytes_are_sent_as_they_are_meant(arguments: dict[str, Any], outgoing: bytes) -> None:
    assert raw_bytes.read(arguments, "latin-1") == Raw(outgoing, 1.0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "expected one of bytes, text, hex, found none"),
        ({"text": "a", "hex": "00"}, "found text and hex"),
        ({"text": "a", "loud": True}, "unknown argument 'loud'"),
        ({"text": ""}, "expected 1 to 1024 bytes, found 0"),
        ({"hex": "00" * 1025}, "expected 1 to 1024 bytes, found 1025"),
        ({"text": "a\\q"}, "'\\\\q' is no escape"),
        ({"text": "a\\"}, "is no escape"),
        ({"text": "a\r"}, "is a control character, write it as an escape"),
        ({"text": "ü"}, "cannot be sent in ascii"),
        ({"hex": "0"}, "is no text of hexadecimal digits"),
        ({"hex": 1}, 'argument "hex" is 1, expected a text'),
        ({"bytes": "a"}, "argument \"bytes\" is 'a', expected bytes"),
        ({"text": "a", "wait_s": 61}, "expected 0 to 60 seconds"),
        ({"text": "a", "wait_s": True}, "expected 0 to 60 seconds"),
    ],
)
def test_what_cannot_be_sent_is_said(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RawError) as raised:
        raw_bytes.read(arguments, "ascii")
    assert sentence in str(raised.value)


@given(st.text(max_size=50))
def test_any_text_is_bytes_or_refused(text: str) -> None:
    with contextlib.suppress(RawError):
        assert len(raw_bytes.unescape(text, "ascii")) <= len(text)


@given(st.binary(max_size=50))
def test_all_bytes_can_be_written_with_escapes(wanted: bytes) -> None:
    assert raw_bytes.unescape("".join(f"\\x{byte:02x}" for byte in wanted), "ascii") == wanted
