"""What text looks like, and what the wrong settings make of it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.trying import scoring, search, settings_tried
from tests.fakes_uart import heard, line

ANSWERS = [
    b"S S     100.00 g\r\n",
    b"ES\r\n",
    b"ACME,DMM 7,SN0042,1.0\n",
    b"T1=  23.4 'C\r\nT1=  23.5 'C\r\n",
    b"23.4 \xb0C\r\n",
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_surely_text(answer: bytes) -> None:
    assert scoring.score(answer).points >= scoring.SURE


@pytest.mark.parametrize("answer", [answer for answer in ANSWERS if len(answer) > 4])
@pytest.mark.parametrize("rate", [1200, 2400, 4800, 19200, 38400, 115200])
def test_at_another_rate_it_is_no_text(answer: bytes, rate: int) -> None:
    assert not scoring.score(heard(answer, line("9600 8N1"), line(f"{rate} 8N1"))).is_text


def test_the_right_settings_win_over_all_others() -> None:
    for sent in settings_tried.to_try(line("9600"), (2400, 9600, 38400), settings_tried.FRAMINGS):
        said = b"T1=  23.4 'C\r\nT1=  23.5 'C\r\n"
        points = {
            settings_tried.shown(other): scoring.score(heard(said, sent, other)).points
            for other in settings_tried.to_try(line("9600"), (2400, 9600, 38400), settings_tried.FRAMINGS)
        }
        assert points[settings_tried.shown(sent)] == max(points.values()) == 100


def test_nothing_and_single_bytes_prove_nothing() -> None:
    assert [scoring.score(content).is_text for content in (b"", b"A", b"\r\n", b"\0\0\0\0")] == [False] * 4


@given(st.binary(max_size=300))
def test_points_are_between_0_and_100(content: bytes) -> None:
    assert 0 <= scoring.score(content).points <= 100
    assert scoring.parity_seen(content) in ("", "7E1", "7O1", "7M1")


@pytest.mark.parametrize("framing", ["7E1", "7O1"])
def test_the_parity_is_seen_in_what_8_bits_hear(framing: str) -> None:
    said = heard(ANSWERS[3], line(f"2400 {framing}"), line("2400 8N1"))
    assert said != ANSWERS[3]
    assert scoring.parity_seen(said) == framing


def test_plain_text_shows_no_parity() -> None:
    assert scoring.parity_seen(ANSWERS[0]) == scoring.parity_seen(b"") == ""


def test_a_modbus_frame_is_known_by_its_checksum() -> None:
    assert scoring.modbus_question() == bytes.fromhex("01 03 00 00 00 01 84 0a")
    answer = bytes.fromhex("0b 03 02 00 eb")
    frame = answer + scoring.crc(answer)
    refused = bytes.fromhex("01 83 02")
    assert scoring.modbus_unit(frame) == scoring.modbus_unit(b"\x00" + frame + b"\xff") == 11
    assert scoring.modbus_unit(refused + scoring.crc(refused)) == 1
    assert scoring.modbus_unit(frame[:-1] + b"\x00") is scoring.modbus_unit(b"") is None


@given(st.sampled_from(ANSWERS), st.integers(0, 40))
def test_text_is_no_modbus_frame(answer: bytes, cut: int) -> None:
    assert scoring.modbus_unit((answer * 3)[cut:]) is None


def test_framings_are_read_and_shown() -> None:
    settings = line("2400 7E1")
    assert (settings.baudrate, settings.bytesize, settings.parity, settings.stopbits) == (2400, 7, "even", 1)
    assert settings_tried.shown(line("19200 8n2")) == "19200 8N2"
    assert settings_tried.in_words(settings) == "2400 baud, 7 data bits, even parity, 1 stop bit"
    for wrong in ("9N1", "8X1", "8N3", "12", "99999999"):
        with pytest.raises(ValueError, match="expected"):
            line(wrong)


def test_the_usual_rates_are_tried_with_one_framing_before_the_next() -> None:
    tried = list(settings_tried.to_try(line("9600"), settings_tried.RATES, settings_tried.FRAMINGS))
    assert [settings_tried.shown(one) for one in tried[:2]] == ["9600 8N1", "19200 8N1"]
    assert settings_tried.shown(tried[len(settings_tried.RATES)]) == "9600 7E1"
    assert len(set(map(settings_tried.shown, tried))) == len(tried) == 40


def test_no_usual_question_sets_anything() -> None:
    asked = [question.text for question in search.QUESTIONS]
    assert asked == ["SI", "*IDN?", ""]
    assert all(one.end in search.ENDS for one in search.QUESTIONS)
    assert list(itertools.islice(scoring.modbus_question(), 2)) == [1, 3]  # unit 1, read holding registers
