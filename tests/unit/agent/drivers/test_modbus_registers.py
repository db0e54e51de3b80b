"""Registers to values and back."""

import math
import re
import struct
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers import exact
from kleinmaelzung_agent.drivers.modbus import registers
from kleinmaelzung_agent.drivers.modbus.registers import Form


@pytest.mark.parametrize(
    ("words", "form", "value"),
    [
        ([0xFFFE], Form(type="int16"), -2),
        ([0xFFFE], Form(type="uint16"), 65534),
        ([0xFEFF], Form(type="int16", is_swapped=True), -2),
        ([0x0001, 0x0002], Form(type="uint32"), 65538),
        ([0x0002, 0x0001], Form(type="uint32", order="little"), 65538),
        ([0x0200, 0x0100], Form(type="uint32", order="little", is_swapped=True), 65538),
        ([0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], Form(type="int64"), -2),
        ([0x41BB, 0x999A], Form(type="float32"), 23.45),
        ([0x999A, 0x41BB], Form(type="float32", order="little"), 23.45),
        ([0x4037, 0x7333, 0x3333, 0x3333], Form(type="float64"), 23.45),
        ([0b1000], Form(type="bit", bit=3), True),
        ([0b0111], Form(type="bit", bit=3), False),
        ([0x4B4D, 0x2D37, 0x0020], Form(type="text", length=3), "KM-7"),
    ],
)
def test_registers_hold_a_value(words: list[int], form: Form, value: object) -> None:
    assert form.count == len(words)
    assert registers.decode(words, form) == value


def test_what_is_no_text_is_none() -> None:
    for words in ([0x8041], [0x0741]):
        with pytest.raises(ValueError, match=r"text|ascii"):
            registers.decode(words, Form(type="text"))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_decimal_means_the_same_float(number: float) -> None:
    assert struct.pack(">f", exact.shortest(number)) == struct.pack(">f", number)


@pytest.mark.parametrize(
    ("value", "code", "form", "is_so"),
    [
        (-32768, 0x8000, Form(type="int16"), True),
        (-32768, -32768, Form(type="int16"), True),
        (0x7FFF, 0x7FFF, Form(type="int16"), True),
        (0x7FFF, 0x8000, Form(type="int16"), False),
        (-1, 0xFFFF, Form(type="int32"), False),
        (-999.9, -999.9, Form(type="float32"), True),
        (-999.8, -999.9, Form(type="float32"), False),
    ],
)
def test_a_code_is_known_with_its_sign_or_without(value: float, code: float, form: Form, is_so: bool) -> None:
    assert registers.is_code(value, code, form) == is_so


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf])
def test_no_finite_number_is_none(raw: float) -> None:
    with pytest.raises(ValueError, match="no finite number"):
        exact.scaled(raw, 2.0, 1.0)


def test_values_are_scaled_as_people_do_it() -> None:
    assert exact.scaled(234, 0.1, 0.0) == 23.4
    assert exact.scaled(3, 0.1, 0.2) == 0.5


@pytest.mark.parametrize(
    ("value", "form", "scale", "offset", "words"),
    [
        (23.4, Form(type="int16"), 0.1, 0.0, [234]),
        (0.1 + 0.2, Form(type="int16"), 0.1, 0.0, [3]),
        (-40.0, Form(type="uint16"), 0.01, -40.0, [0]),
        (-2, Form(type="int32", order="little"), 1.0, 0.0, [0xFFFE, 0xFFFF]),
        (23.45, Form(type="float32"), 1.0, 0.0, [0x41BB, 0x999A]),
        (258, Form(type="uint16", is_swapped=True), 1.0, 0.0, [0x0201]),
        (True, Form(), 1.0, 0.0, [1]),
    ],
)
def test_a_value_is_written_by_the_inverse(
    value: float, form: Form, scale: float, offset: float, words: list[int]
) -> None:
    assert registers.encode(value, form, scale, offset, rounds=False)[0] == words


@pytest.mark.parametrize(
    ("value", "form", "scale", "sentence"),
    [
        (12.34, Form(type="int16"), 0.1, "12.34 lies between the register's steps 12.3 and 12.4"),
        (12.34, Form(type="int16"), -0.1, "12.34 lies between the register's steps 12.3 and 12.4"),
        (1_000_000_000.5, Form(type="int32"), 1.0, "lies between"),
        (-1, Form(type="uint16"), 1.0, "-1 does not fit the register, which holds 0 to 65535"),
        (32768, Form(type="int16"), 1.0, "holds -32768 to 32767"),
        (1e39, Form(type="float32"), 1.0, "does not fit the register, a float32"),
    ],
)
def test_what_cannot_be_written_is_a_sentence(value: float, form: Form, scale: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        registers.encode(value, form, scale, 0.0, rounds=False)


def test_rounded_only_where_that_is_wanted_and_it_is_said() -> None:
    assert registers.encode(12.34, Form(type="int16"), 0.1, 0.0, rounds=True) == ([123], 12.3)


NUMBERS = st.sampled_from(["int16", "uint16", "int32", "uint32", "int64", "uint64"])


@given(st.integers(-(2**63), 2**64 - 1), NUMBERS, st.sampled_from([1.0, 0.1, 0.001, 2.5, -1.0]), st.booleans())
def test_what_is_written_is_read_again(raw: int, kind: str, scale: float, is_little: bool) -> None:
    order: Literal["big", "little"] = "little" if is_little else "big"
    form = Form(type=kind, order=order, is_swapped=is_little)
    low, high = form.range
    raw = low + (raw - low) % (high - low + 1)
    if abs(raw) > 2**50:  # beyond what a float holds exactly
        scale = 1.0
    value = raw if scale == 1.0 else exact.scaled(raw, scale, 0.0)
    words, says = registers.encode(value, form, scale, 0.0, rounds=False)
    assert registers.decode(words, form) == raw
    assert says == value
