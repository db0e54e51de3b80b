"""Bytes to binary records: whole, byte by byte, noise, escapes, weak checks, a megabyte without end."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers import checksums
from kleinmaelzung_agent.drivers.binary.gaps import GapSplitter
from kleinmaelzung_agent.drivers.binary.records import (
    MAX_LENGTH,
    Escape,
    Field,
    Message,
    Raw,
    Record,
    Records,
    RecordSum,
)
from kleinmaelzung_agent.drivers.checksums import Checksum
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.frame_splitter import PIECE, FrameSplitter

CRC = Checksum(algorithm=checksums.ALGORITHMS["crc16-modbus"], order="little")
CRC32 = Checksum(algorithm=checksums.ALGORITHMS["crc32"])
SUM = Checksum(algorithm=checksums.ALGORITHMS["sum8"])
VALUE = Field(name="value", at=2, format="h")

FIXED = Record(
    name="fixed", header=b"\xaa\x55", length=6, record_sum=RecordSum(checksum=CRC, skip=0, at=-2), fields=(VALUE,)
)
COUNTED = Record(
    name="counted",
    header=b"\xaa\x55",
    length_field=Field(name="length", at=2, format="B"),
    more=5,
    record_sum=RecordSum(checksum=CRC, skip=2, at=-2),
    fields=(Field(name="value", at=3, format="h"),),
)
ESCAPED = Record(
    name="escaped",
    header=b"\x7e",
    end=b"\x7e",
    escape=Escape(byte=0x7D, xor=0x20),
    record_sum=RecordSum(checksum=CRC32, skip=1, at=-5),
    fields=(Field(name="value", at=1, format="h"),),
)
WEAK = Record(name="weak", header=b"\x02", length=5, record_sum=RecordSum(checksum=SUM, skip=1, at=-1), fields=(VALUE,))
BARE = Record(name="bare", length=4, fields=(VALUE,))


def fixed(value: int) -> bytes:
    content = b"\xaa\x55" + struct.pack(">h", value)
    return content + CRC.of(content)


def counted(value: int, more: bytes = b"") -> bytes:
    content = struct.pack(">Bh", 2 + len(more), value) + more
    return b"\xaa\x55" + content + CRC.of(content)


def escaped(value: int) -> bytes:
    content = struct.pack(">h", value)
    plain = content + CRC32.of(content)
    return b"\x7e" + plain.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e") + b"\x7e"


def weak(value: int) -> bytes:
    content = b"\0" + struct.pack(">h", value)
    return b"\x02" + content + SUM.of(content)


STRONG = {"fixed": (FIXED, fixed), "counted": (COUNTED, counted), "escaped": (ESCAPED, escaped)}


def hunting(name: str, counters: Counters | None = None) -> FrameSplitter[Message]:
    return FrameSplitter(Records([STRONG[name][0]]), counters or Counters())


def said(messages: "list[Message] | object") -> list[Raw]:
    assert isinstance(messages, list)
    return [message.values["value"] for message in messages]


def fed(splitter: FrameSplitter[Message] | GapSplitter, content: bytes, cuts: list[int]) -> list[Message]:
    found: list[Message] = []
    for size in cuts:
        found += splitter.feed(content[:size])
        content = content[size:]
    return [*found, *splitter.feed(content)]


@pytest.mark.parametrize("name", STRONG)
def test_whole_records_are_given_one_by_one(name: str) -> None:
    make = STRONG[name][1]
    assert STRONG[name][0].is_strong
    counters = Counters()
    assert said(hunting(name, counters).feed(make(1) + make(-2) + make(0x7D7E))) == [1, -2, 0x7D7E]
    assert counters.lines == 3


@pytest.mark.parametrize("name", STRONG)
def test_a_record_in_two_pieces_waits_for_its_rest(name: str) -> None:
    content = STRONG[name][1](0x7D03)
    for cut in range(1, len(content)):
        splitter = hunting(name)
        assert splitter.feed(content[:cut]) == []
        assert splitter.is_inside
        assert said(splitter.feed(content[cut:])) == [0x7D03]


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize("noise", [b"\0", b"\xaa", b"\xaa\x55\xff", b"\xaa\x55\0\0\0", b"\x7e\x7d", b"\x7e\x7e"])
def test_noise_before_a_record_costs_the_record_nothing(name: str, noise: bytes) -> None:
    assert said(hunting(name).feed(noise + STRONG[name][1](515))) == [515]


@pytest.mark.parametrize("name", STRONG)
def test_a_wrong_bit_is_no_record(name: str) -> None:
    content = STRONG[name][1](515)
    for bit in range(8 * len(content)):
        wrong = bytearray(content)
        wrong[bit // 8] ^= 1 << bit % 8
        assert hunting(name).feed(bytes(wrong)) == []


def test_records_are_told_apart_by_their_headers() -> None:
    other = Record(name="other", header=b"\xaa\x55\x01", length=5, record_sum=RecordSum(checksum=CRC, skip=0, at=-2))
    content = b"\xaa\x55\x01"
    splitter = FrameSplitter(Records([FIXED, other]), Counters())
    found = splitter.feed(fixed(515) + content + CRC.of(content))
    assert [one.record for one in found] == ["fixed", "other"]


PARTS = st.lists(
    st.one_of(st.binary(max_size=12), st.sampled_from([b"\xaa\x55", b"\x7e", b"\x7d"]), st.integers(-9, 9))
)


@given(PARTS, st.lists(st.integers(1, 20), max_size=60), st.sampled_from(sorted(STRONG)))
def test_how_the_bytes_are_cut_changes_nothing(parts: list[bytes | int], cuts: list[int], name: str) -> None:
    make = STRONG[name][1]
    content = b"".join(part if isinstance(part, bytes) else make(part) for part in parts)
    at_once = said(hunting(name).feed(content))
    assert said(fed(hunting(name), content, cuts)) == at_once
    wanted = iter(at_once)
    if name != "escaped":  # where noise may end with an escape
        assert all(part in wanted for part in parts if isinstance(part, int)), "none is lost, and in their order"


@pytest.mark.parametrize("name", ["fixed", "counted"])
@pytest.mark.parametrize("content", [random.Random(2).randbytes(1_000_000), b"\xaa" * 1_000_000, b"\xaa\x55" * 100_000])
def test_a_megabyte_without_end_is_no_value_and_holds_nothing(name: str, content: bytes) -> None:
    splitter = hunting(name)
    for at in range(0, len(content), 4096):
        assert splitter.feed(content[at : at + 4096]) == []
        assert splitter.held <= PIECE + 2 * MAX_LENGTH
    assert splitter.counters.undecodable > 0


# --- records that are too weak to be found ----------------------------------------------------------------------------


def after_silence(record: Record, counters: Counters | None = None) -> GapSplitter:
    splitter = GapSplitter(Records([record]), counters or Counters(), has_headers=bool(record.header))
    splitter.begin()
    return splitter


def test_a_weak_record_begins_after_silence_and_the_next_at_its_end() -> None:
    assert not WEAK.is_strong
    splitter = after_silence(WEAK)
    assert said(splitter.feed(weak(1) + weak(2)[:3])) == [1]
    assert said(splitter.feed(weak(2)[3:])) == [2]


def test_after_noise_a_weak_record_waits_for_silence() -> None:
    counters = Counters()
    splitter = after_silence(WEAK, counters)
    assert splitter.feed(b"\0" + weak(1)) == []
    assert splitter.feed(weak(2)) == []
    splitter.begin()
    assert said(splitter.feed(weak(3))) == [3]
    assert counters.undecodable == 1


def test_without_a_header_only_what_follows_a_silence_is_a_record() -> None:
    splitter = after_silence(BARE)
    assert said(splitter.feed(b"\0\0\0\1" + b"\0\0\0\2")) == [1]
    assert splitter.feed(b"\0\0\0\3") == []
    splitter.begin()
    assert said(splitter.feed(b"\0\0\0\4")) == [4]


def test_a_distrusted_half_joins_nothing() -> None:
    splitter = after_silence(BARE)
    splitter.feed(b"\0\0")
    splitter.distrust()
    splitter.begin()
    assert said(splitter.feed(b"\0\0\0\5")) == [5]
    assert splitter.counters.half_lines == 1


def test_a_megabyte_of_noise_without_a_silence_is_no_weak_record() -> None:
    noise = random.Random(3).randbytes(1_000_000)
    splitter = after_silence(WEAK)
    for at in range(0, len(noise), 4096):
        assert splitter.feed(noise[at : at + 4096]) == []
        assert not splitter.is_inside


@pytest.mark.parametrize(
    ("field", "content", "value"),
    [
        (Field(name="x", at=0, format="u24"), b"\1\2\3", 0x010203),
        (Field(name="x", at=0, format="i24", order="<"), b"\xfe\xff\xff", -2),
        (Field(name="x", at=0, format="H", mask=0x0FF0, shift=4), b"\xa1\x2b", 0x12),
        (Field(name="x", at=-2, format="h"), b"\0\0\xff\xff", -1),
        (Field(name="x", at=0, format="f"), struct.pack(">f", 23.45), 23.45),
        (Field(name="x", at=1, format="3s"), b"\0abc", b"abc"),
    ],
)
def test_a_field_holds_a_number(field: Field, content: bytes, value: Raw) -> None:
    message = FrameSplitter(Records([Record(name="r", length=len(content), fields=(field,))]), Counters())
    assert after_silence(Record(name="r", length=len(content), fields=(field,))).feed(content)[0].values == {"x": value}
    assert message.counters.lines == 0
