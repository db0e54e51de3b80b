import binascii
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import checksums
from kleinmaelzung_agent.drivers.checksums import ALGORITHMS, Checksum, Form, Order

# The "check" of the catalogue of parametrised CRC algorithms, and for the sums: 9 times 0x35 is 0x1DD.
PUBLISHED = {
    "sum8": 0xDD,
    "sum8-complement": 0x23,
    "sum8-inverted": 0x22,
    "sum16": 0x1DD,
    "xor8": 0x31,
    "nmea": 0x31,
    "crc8": 0xF4,  # CRC-8/SMBUS
    "crc8-maxim": 0xA1,  # CRC-8/MAXIM-DOW
    "crc8-sensirion": 0xF7,  # CRC-8/NRSC-5
    "crc16-arc": 0xBB3D,
    "crc16-ccitt": 0x29B1,  # CRC-16/IBM-3740
    "crc16-kermit": 0x2189,
    "crc16-modbus": 0x4B37,
    "crc16-xmodem": 0x31C3,
    "crc32": 0xCBF43926,  # CRC-32/ISO-HDLC
}


def read(**values: object) -> tuple[Checksum, list[str]]:
    table = Table(values, "checksum", [])
    found = checksums.read(table, form="HEX")
    table.finish()
    return found, table.mistakes


@pytest.mark.parametrize("name", ALGORITHMS)
def test_each_gives_its_published_check_value(name: str) -> None:
    assert checksums.compute(name, b"123456789") == PUBLISHED[name]


def test_an_example_of_each_manual_is_right() -> None:
    assert checksums.compute("nmea", b"GPGLL,5300.97914,N,00259.98174,E,125926,A") == 0x28
    assert checksums.compute("crc8-sensirion", b"\xbe\xef") == 0x92  # SHT3x, table 20
    assert checksums.compute("sum8", b"$012") == 0xB7  # DCON: "$012B7"
    assert checksums.compute("crc16-modbus", bytes.fromhex("01 04 02 ff ff")) == 0x80B8  # sent as B8 80


def test_nothing_has_the_checksum_of_nothing() -> None:
    assert checksums.compute("crc16-modbus", b"") == 0xFFFF
    assert checksums.compute("xor8", b"") == 0


@given(st.binary(max_size=300))
def test_they_agree_with_the_standard_library(content: bytes) -> None:
    assert checksums.compute("crc32", content) == zlib.crc32(content)
    assert checksums.compute("crc16-xmodem", content) == binascii.crc_hqx(content, 0)
    assert checksums.compute("crc16-ccitt", content) == binascii.crc_hqx(content, 0xFFFF)


@given(st.sampled_from(sorted(ALGORITHMS)), st.binary(min_size=1, max_size=64), st.data())
def test_no_single_wrong_bit_gets_through(name: str, content: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    wrong = bytearray(content)
    wrong[bit // 8] ^= 1 << bit % 8
    assert checksums.compute(name, bytes(wrong)) != checksums.compute(name, content)


@pytest.mark.parametrize(
    ("form", "order", "expected"),
    [
        ("HEX", "big", b"4B37"),
        ("hex", "big", b"4b37"),
        ("HEX", "little", b"374B"),
        ("bytes", "big", b"\x4b\x37"),
        ("bytes", "little", b"\x37\x4b"),
        ("decimal", "big", b"19255"),
    ],
)
def test_it_is_carried_as_text_or_as_bytes(form: Form, order: Order, expected: bytes) -> None:
    checksum = Checksum(algorithm=ALGORITHMS["crc16-modbus"], form=form, order=order, digits=5)
    assert checksum.of(b"123456789") == expected
    assert checksum.length == len(expected)
    assert checksum.is_right(b"123456789", expected)
    assert not checksum.is_right(b"123456788", expected)
    assert not checksum.is_right(b"123456789", expected[:-1])


def test_a_decimal_one_keeps_its_zeros() -> None:
    checksum, _ = read(type="sum8", form="decimal")
    assert checksum.of(b"\x07") == b"007"
    assert not checksum.is_right(b"\x07", b"7")


def test_hexadecimal_digits_may_be_of_either_case() -> None:
    checksum, _ = read(type="crc16-modbus")
    assert checksum.is_right(b"123456789", b"4b37")


def test_a_crc_can_have_figures_of_its_own() -> None:
    own, mistakes = read(type="crc", bits=16, polynomial=0x3D65, reflected=True, final=0xFFFF)
    assert mistakes == []
    assert own.algorithm(b"123456789") == 0xEA82  # CRC-16/DNP
    other, _ = read(type="crc", bits=24, polynomial=0x864CFB, initial=0xB704CE)
    assert other.algorithm(b"123456789") == 0x21CF02  # CRC-24/OPENPGP
    third, _ = read(type="crc", bits=16, polynomial=0x1021, initial=0xB2AA, reflected=True)
    assert third.algorithm(b"123456789") == 0x63D0  # CRC-16/RIELLO: its initial value is no palindrome


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "checksum.type: missing, expected one of "),
        ({"type": "crc16-modbuss"}, 'did you mean "crc16-modbus"?'),
        ({"type": "sum8", "form": "octal"}, 'checksum.form: expected one of "HEX", "hex", "decimal", "bytes", found'),
        ({"type": "sum8", "digits": 3}, 'checksum.digits: only a checksum with form = "decimal" has it'),
        ({"type": "sum8", "form": "decimal", "digits": 4}, "checksum.digits: expected an integer from 1 to 3, found 4"),
        ({"type": "sum8", "polynomial": 7}, "checksum.polynomial: unknown key"),
        ({"type": "crc", "bits": 8, "polynomial": 0x131}, "checksum.polynomial: expected an integer from 1 to 255"),
        ({"type": "crc", "polynomial": 7}, "checksum.bits: missing, expected one of 8, 16, 24, 32"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_place(values: dict[str, object], sentence: str) -> None:
    mistakes = read(**values)[1]
    assert len(mistakes) == 1
    assert sentence in mistakes[0]
