"""A line is read as it was written, and what is not as it was written is none."""

import pytest

from kleinmaelzung_agent import checked_line
from kleinmaelzung_agent.checked_line import BASE64, HEX, Letters
from kleinmaelzung_wire.codec import WireError

LINES = [(HEX, b"9e5049c4 81a16e07\n"), (BASE64, b"28dd5d98 gaFuBw==\n")]


@pytest.mark.parametrize(("letters", "line"), LINES)
def test_a_line_is_these_bytes(letters: Letters, line: bytes) -> None:
    assert checked_line.made({"n": 7}, letters) == line
    assert checked_line.read(line.strip(), letters).integer("n") == 7


@pytest.mark.parametrize(("letters", "line"), LINES)
def test_each_change_of_a_letter_is_found(letters: Letters, line: bytes) -> None:
    whole = line.strip()
    for at in range(len(whole)):
        with pytest.raises(WireError, match=r"not as it was written"):
            checked_line.read(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], letters)


@pytest.mark.parametrize("letters", [HEX, BASE64])
@pytest.mark.parametrize("line", [b"", b" ", b"0", b"00000000 ", b"9e6bffd3 !", b"\xff\xfe"])
def test_what_is_no_line_is_refused(letters: Letters, line: bytes) -> None:
    with pytest.raises(WireError):
        checked_line.read(line, letters)
