"""What a note on a time line may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import notes
from kleinmaelzung_wire.codec import WireError


@given(st.text(max_size=1100))
def test_a_note_moves_no_cursor(text: str) -> None:
    try:
        note = notes.check_text(text)
    except WireError:
        return
    assert note == text
    assert 1 <= len(note) <= notes.MAX_TEXT
    assert all(line.replace("\t", "").isprintable() for line in note.split("\n"))


def test_a_note_has_lines() -> None:
    assert notes.check_text("cleaned\nthe pan") == "cleaned\nthe pan"
    assert notes.check_text("x" * 1000)
    for wrong in ("", " ", "\n", "a\rb", "\x1b[2J", "x" * 1001, "a\u202eb"):
        with pytest.raises(WireError, match="a note of"):
            notes.check_text(wrong)
    with pytest.raises(WireError, match="a reason of 0 characters: expected 1 to 1000"):
        notes.check_text("", "reason")
