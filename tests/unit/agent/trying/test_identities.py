"""What instruments say of themselves: the serial number found, a pattern that others of the make match."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.trying import identities, refusal_step

KEITHLEY = "KEITHLEY INSTRUMENTS INC.,MODEL 2000,1234567,A02"


@pytest.mark.parametrize("text", ["*IDN?", "I4", "I10", "ID?", "id", "?ID", "SN?", "VER", "VERSION", "RSER"])
def test_a_question_who_it_is_is_recognized(text: str) -> None:
    assert identities.is_asked(text)


@pytest.mark.parametrize("text", ["SI", "T?", "PV", "IN_PV_00", "MEAS:VOLT:DC?", "", "TARE"])
def test_other_questions_are_not(text: str) -> None:
    assert not identities.is_asked(text)


@pytest.mark.parametrize(
    ("line", "serial", "other"),
    [
        ('I4 A "B021002593"', "B021002593", 'I4 A "0071184322"'),
        (KEITHLEY, "1234567", "KEITHLEY INSTRUMENTS INC.,MODEL 2000,99,B13"),
        ("MAKER,X1,0,2.0", None, "MAKER,X1,0,2.10"),
        ("BATH ECO V1.20 SN LCB0741", "LCB0741", "BATH ECO V1.31 SN LCB0742"),
        ("S/N: 4711 ok", "4711", "S/N: 12 ok"),
        ("PRONTO 3", None, "PRONTO 3"),
    ],
)
def test_the_serial_number_is_guessed_and_another_of_the_make_matches(
    line: str, serial: str | None, other: str
) -> None:
    said = identities.words(line)
    guess = identities.guess(line, said)
    assert (None if guess is None else said[guess].text) == serial
    pattern = identities.propose(line, said, guess)
    for text in (line, other):
        found = re.fullmatch(pattern, text)
        assert found, f"{pattern} does not match {text}"
    assert (found and found.groupdict().get("serial") != serial) or serial is None
    assert not re.fullmatch(pattern, f"OTHER {line}")


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60), st.data())
def test_a_pattern_matches_the_line_that_it_was_made_of_whatever_was_marked(line: str, data: st.DataObject) -> None:
    said = identities.words(line)
    index = data.draw(st.sampled_from([None, *range(len(said))]))
    found = re.fullmatch(identities.propose(line, said, index), line)
    assert found
    assert index is None or found["serial"] == said[index].text


@pytest.mark.parametrize(
    "line", ["ES", "EL", "E12", "?", "ERR 3", "err07", "Unknown command", "NAK", "-113 Syntax error"]
)
def test_usual_refusals_are_recognized(line: str) -> None:
    assert refusal_step.is_usual(line)


@pytest.mark.parametrize("line", ["OK", "ET 20.5", "S S 100.00 g", "NORMAL", "23.4", "", "TERRA"])
def test_other_answers_are_none(line: str) -> None:
    assert not refusal_step.is_usual(line)
