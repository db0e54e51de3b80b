"""Numbers in a command that was typed: found, and made arguments whose template sends the same again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.trying import arguments
from kleinmaelzung_agent.trying.draft import ArgumentDraft


@pytest.mark.parametrize(
    ("text", "decimal", "found"),
    [
        ("SV 45.0", ".", ["45.0"]),
        ("SV45.0", ".", ["45.0"]),
        ("SP1 20", ".", ["20"]),
        ("OUT_SP_00 37.50", ".", ["37.50"]),
        ("SP@ +02150", ".", ["+02150"]),
        ("R -5", ".", ["-5"]),
        ("RAMP 10,2.5", ".", ["10", "2.5"]),
        ("CAL 6,86", ",", ["6,86"]),
        ("T1", ".", []),
        ("*IDN?", ".", []),
        ("V 1.2.3", ".", []),
        ("A 1e5", ".", []),
        ("DATE 12-30", ".", ["12", "30"]),
    ],
)
def test_a_number_is_what_is_no_part_of_a_name(text: str, decimal: str, found: list[str]) -> None:
    assert [one.text for one in arguments.numbers(text, decimal)] == found


@pytest.mark.parametrize(
    ("text", "decimal", "send"),
    [
        ("SV 45.0", ".", "SV {x:.1f}"),
        ("SP@ +02150", ".", "SP@ {x:+06d}"),
        ("S 005.50", ".", "S {x:06.2f}"),
        ("{A} 7", ".", "{{A}} {x:d}"),
        ("CAL 6,86", ",", "CAL {x:.2f}"),
    ],
)
def test_the_template_has_the_form_of_what_was_typed(text: str, decimal: str, send: str) -> None:
    [number] = arguments.numbers(text, decimal)
    assert arguments.template(text, {"x": number}) == send
    draft = ArgumentDraft(name="x", type=number.type)
    assert arguments.mistake(text, send, [draft], {"x": number}, decimal) == ""


@given(st.text("SV{}0123456789 .,+-e", max_size=20), st.sampled_from(".,"))
def test_what_is_sent_with_the_numbers_that_were_typed_is_what_was_typed_or_it_is_said(text: str, decimal: str) -> None:
    wanted = {f"x{index}": number for index, number in enumerate(arguments.numbers(text, decimal))}
    drafts = [ArgumentDraft(name=name, type=number.type) for name, number in wanted.items()]
    why = arguments.mistake(text, arguments.template(text, wanted), drafts, wanted, decimal)
    assert why == "" or "would send" in why
    assert arguments.template(text, {}).format() == text


def test_a_number_beyond_the_range_is_said() -> None:
    [number] = arguments.numbers("SV 45.0")
    draft = ArgumentDraft(name="x", maximum=40.0)
    assert "at most 40" in arguments.mistake("SV 45.0", "SV {x:.1f}", [draft], {"x": number}, ".")


@pytest.mark.parametrize(("typed", "found"), [("", None), ("-", None), ("-20", -20.0), ("1,5", 1.5)])
def test_a_limit_is_a_number_or_none(typed: str, found: float | None) -> None:
    assert arguments.bound(typed) == found


@pytest.mark.parametrize("typed", ["x", "nan", "inf", "1e999"])
def test_what_is_no_limit_is_said(typed: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        arguments.bound(typed)
