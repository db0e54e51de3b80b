"""Bytes to Modbus answers: whole, byte by byte, noise, halves, a megabyte without end."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import ExceptionResponse, ModbusPDU, bit_message, register_message

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.frame_splitter import PIECE, FrameSplitter
from kleinmaelzung_agent.drivers.modbus import frames, requests
from kleinmaelzung_agent.drivers.modbus.frames import FRAMINGS

NAMES = sorted(FRAMINGS)


def registers(*words: int, unit: int = 1, transaction: int = 7) -> ModbusPDU:
    return register_message.ReadHoldingRegistersResponse(registers=list(words), dev_id=unit, transaction_id=transaction)


def refusal(unit: int = 1) -> ModbusPDU:
    return ExceptionResponse(3, 2, device_id=unit, transaction=7)


def bits(*values: bool) -> ModbusPDU:
    return bit_message.ReadCoilsResponse(bits=list(values), dev_id=1, transaction_id=7)


def wire(name: str, *answers: ModbusPDU) -> bytes:
    return b"".join(frames.build(FRAMINGS[name], answer) for answer in answers)


def said(answers: list[ModbusPDU]) -> list[tuple[int, int, list[int], int]]:
    return [(one.dev_id, one.function_code, list(one.registers), one.exception_code) for one in answers]


def fed(splitter: FrameSplitter[ModbusPDU], content: bytes, cuts: list[int]) -> list[ModbusPDU]:
    found: list[ModbusPDU] = []
    for size in cuts:
        found += splitter.feed(content[:size])
        content = content[size:]
    return [*found, *splitter.feed(content)]


@pytest.mark.parametrize("name", NAMES)
def test_whole_answers_are_given_one_by_one(name: str) -> None:
    counters = Counters()
    splitter = FrameSplitter(FRAMINGS[name], counters)
    found = splitter.feed(wire(name, registers(1, 2), refusal(), registers(3, unit=2)))
    assert said(list(found)) == [(1, 3, [1, 2], 0), (1, 0x83, [], 2), (2, 3, [3], 0)]
    assert not splitter.is_inside
    assert (counters.lines, counters.bad()) == (3, 0)


def test_the_bytes_of_a_request_are_those_of_the_standard() -> None:
    request = requests.read("holding", 0x11, 0x6B, 3)
    assert frames.build(FRAMINGS["rtu"], request) == bytes.fromhex("11 03 00 6B 00 03 76 87")
    assert frames.build(FRAMINGS["ascii"], request) == b":1103006B00037E\r\n"
    request.transaction_id = 0x1501
    assert frames.build(FRAMINGS["tcp"], request) == bytes.fromhex("15 01 00 00 00 06 11 03 00 6B 00 03")


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_in_two_pieces_waits_for_its_rest(name: str) -> None:
    content = wire(name, registers(1, 2, 3))
    for cut in range(1, len(content)):
        splitter = FrameSplitter(FRAMINGS[name], Counters())
        assert splitter.feed(content[:cut]) == []
        assert splitter.is_inside
        assert said(list(splitter.feed(content[cut:]))) == [(1, 3, [1, 2, 3], 0)]


@pytest.mark.parametrize("name", ["rtu", "ascii"])
def test_a_wrong_checksum_is_no_answer_and_is_counted(name: str) -> None:
    content = bytearray(wire(name, registers(1000, 2)))
    content[5] ^= 1
    counters = Counters()
    splitter = FrameSplitter(FRAMINGS[name], counters)
    assert splitter.feed(bytes(content)) == []
    assert counters.undecodable == 1


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_with_another_length_than_it_says_is_none(name: str) -> None:
    longer = registers(1, 2)
    longer.encode = lambda: b"\x05\0\1\0\2\3"  # type: ignore[method-assign]  # an odd number of bytes
    assert FrameSplitter(FRAMINGS[name], Counters()).feed(wire(name, longer)) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("noise", [b"\0", b"\x01\x03\xfa", b"\xff\x00\xff", b":0103", b"\0\7\0\0\0\x63\1\3"])
def test_noise_before_an_answer_costs_the_answer_nothing(name: str, noise: bytes) -> None:
    counters = Counters()
    found = FrameSplitter(FRAMINGS[name], counters).feed(noise + wire(name, registers(513, 2)))
    assert said(list(found)) == [(1, 3, [513, 2], 0)]
    assert counters.undecodable == 1


def test_an_answer_within_an_answer_takes_nothing_from_it() -> None:
    inner = wire("tcp", registers(9))
    words = [int.from_bytes((inner + b"\0")[at : at + 2], "big") for at in range(0, len(inner), 2)]
    found = FrameSplitter(FRAMINGS["tcp"], Counters()).feed(wire("tcp", registers(*words, 1)))
    assert said(list(found)) == [(1, 3, [9], 0), (1, 3, [*words, 1], 0)]


@pytest.mark.parametrize("name", NAMES)
def test_a_distrusted_half_joins_nothing(name: str) -> None:
    counters = Counters()
    splitter = FrameSplitter(FRAMINGS[name], counters)
    content = wire(name, registers(1, 2))
    splitter.feed(content[:-3])
    splitter.distrust()
    assert said(list(splitter.feed(content[-3:] + content))) == [(1, 3, [1, 2], 0)]
    assert counters.half_lines == 1


PARTS = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from([b"\1\3", b"\1\3\4", b":01", b"\r\n", b"\0\7\0\0\0", b"\1\x83\2"]),
        st.integers(0, 2),
    ),
    max_size=8,
)


@given(PARTS, st.lists(st.integers(1, 20), max_size=60), st.sampled_from(NAMES))
def test_how_the_bytes_are_cut_changes_nothing(parts: list[bytes | int], cuts: list[int], name: str) -> None:
    answers = [registers(1, 515), refusal(), bits(True, False, True)]
    content = b"".join(part if isinstance(part, bytes) else wire(name, answers[part]) for part in parts)
    whole, pieces = Counters(), Counters()
    at_once = FrameSplitter(FRAMINGS[name], whole).feed(content)
    one_by_one = fed(FrameSplitter(FRAMINGS[name], pieces), content, cuts)
    assert said(one_by_one) == said(list(at_once))
    assert pieces.lines == whole.lines
    assert len([part for part in parts if part in (0, 1, 2)]) <= whole.lines


@given(st.binary(max_size=300), st.sampled_from(NAMES))
def test_what_is_given_was_sent_to_the_last_bit(content: bytes, name: str) -> None:
    for answer in FrameSplitter(FRAMINGS[name], Counters()).feed(content):
        assert wire(name, answer).lower() in content.lower()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", ["random", "zeros", "starts"])
def test_a_megabyte_without_end_fits_no_request_and_holds_nothing(name: str, content: str) -> None:
    # 2000 times what a splitter may hold.
    megabyte = {
        "random": random.Random(1).randbytes(1_000_000),
        "zeros": bytes(1_000_000),
        "starts": {"rtu": b"\1\3\xfa", "ascii": b":010304", "tcp": b"\0\0\0\0\0\xfd\1\3\xfa"}[name] * 100_000,
    }[content]
    splitter = FrameSplitter(FRAMINGS[name], Counters())
    request = requests.read("holding", 1, 0, 2)
    request.transaction_id = 7 if name == "tcp" else 0
    for at in range(0, len(megabyte), 4096):
        assert not any(requests.fits(request, one) for one in splitter.feed(megabyte[at : at + 4096]))
        assert splitter.held <= PIECE + 520
    assert splitter.counters.undecodable > 0
