"""Names of batches and stages, notes, and instruments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import batches
from kleinmaelzung_wire.codec import WireError


@given(st.text(max_size=80))
def test_a_name_is_short_and_can_be_typed_and_seen(text: str) -> None:
    try:
        name = batches.check_name(text)
    except WireError:
        return
    assert name.isprintable()
    assert name == name.strip()
    assert 1 <= len(name) <= batches.MAX_NAME
    name.encode()  # goes into the database
    assert batches.same(name) == batches.same(batches.same(name))


@pytest.mark.parametrize(("one", "other"), [("Grünmalz", "GRÜNMALZ"), ("Grünmalz", "Gru\u0308nmalz"), ("ﬁ", "FI")])
def test_names_that_look_the_same_are_the_same(one: str, other: str) -> None:
    assert batches.same(one) == batches.same(batches.check_name(other))


def test_other_names_are_others() -> None:
    assert len({batches.same(name) for name in ("a", "b", "a1", "ä")}) == 4


@given(st.text(max_size=2100))
def test_a_note_moves_no_cursor(text: str) -> None:
    try:
        note = batches.check_note(text)
    except WireError:
        return
    assert note == text
    assert all(line.replace("\t", "").isprintable() for line in note.split("\n"))


def test_a_note_has_lines() -> None:
    assert batches.check_note("a\n\tb\n") == "a\n\tb\n"
    for wrong in ("", " ", "\n", "a\rb", "\x1b[2J", "x" * 2001):
        with pytest.raises(WireError):
            batches.check_note(wrong)
