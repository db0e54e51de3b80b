"""Simulated binary instruments: what is sent to them, what they say, and what a wrong transcript is told."""

import struct
from typing import Any

import pytest

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import checksums
from kleinmaelzung_agent.drivers.binary import records
from kleinmaelzung_agent.drivers.binary.sending import wrap
from kleinmaelzung_agent.simulating import binary, making, script
from kleinmaelzung_agent.simulating.binary import SimulatedBinary
from tests import profiles_simulated


@pytest.fixture
async def pump() -> SimulatedBinary:  # it speaks in a loop that runs
    profile = profiles_simulated.parsed("binary")
    config = making.configuration(profile)
    variables, entries, _ = making.parts(profile, binary.Bytes(config.records))
    variables.is_frozen = True
    return SimulatedBinary(config, variables, entries)


def sent(content: bytes) -> bytes:
    config: Any = making.configuration(profiles_simulated.parsed("binary"))
    return wrap(config.wrapping, content)


def read(name: str, content: bytes) -> dict[str, records.Raw]:
    config: Any = making.configuration(profiles_simulated.parsed("binary"))
    (record,) = [one for one in config.records if one.name == name]
    message = records.read(record, content)
    assert message, content.hex(" ")
    return dict(message.values)


async def test_a_number_that_is_sent_is_said_from_then_on_escaped_and_with_its_checksum(pump: SimulatedBinary) -> None:
    said: list[bytes] = []
    talk = pump.talk(said.append)
    talk.heard(sent(b"S" + struct.pack(">i", 0x10)))  # the escape itself
    talk.heard(sent(b"F"))
    assert said[0] == bytes.fromhex("02 06 42 3F 03")
    assert b"\x10\x30" in said[1]
    assert read("flow", said[1]) == {"flow": 0x10}
    talk.close()


async def test_requests_are_found_in_pieces_behind_noise_and_one_after_another(pump: SimulatedBinary) -> None:
    said: list[bytes] = []
    talk = pump.talk(said.append)
    for byte in b"\xff\x03" + sent(b"F") + sent(b"P"):
        talk.heard(bytes([byte]))
    talk.heard(b"\x00" + sent(b"P") + sent(b"F"))
    assert [one[1:2] for one in said] == [b"F", b"P", b"P", b"F"]
    talk.close()


@pytest.mark.parametrize("wrong", [sent(b"F")[:-2] + b"\xff\x03", sent(b"X"), sent(b"F")[:-1], b"", b"\x02" * 5000])
async def test_what_is_no_request_is_not_answered(pump: SimulatedBinary, wrong: bytes) -> None:
    said: list[bytes] = []
    talk = pump.talk(said.append)
    talk.heard(wrong)
    assert said == []
    talk.close()


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (-2.0, "h", "ff fe"),
        (-2.0, "<h", "fe ff"),
        (70000.0, "H", "ff ff"),
        (-1.0, "B", "00"),
        (-2.0, "i24", "ff ff fe"),
        (1.0, "<u24", "01 00 00"),
        (1.5, "<f", "00 00 c0 3f"),
        (3.0, "?", "01"),
    ],
)
def test_a_number_is_said_as_near_as_its_format_comes_to_it(value: float, form: str, expected: str) -> None:
    assert binary.packed(value, form).hex(" ") == expected


def test_a_checksum_counted_from_the_end_is_put_in_its_place() -> None:
    found = records.RecordSum(checksum=checksums.Checksum(algorithm=checksums.ALGORITHMS["xor8"]), skip=1, at=-2)
    record = records.Record(name="r", header=b"\x02", end=b"\x03", length=5, record_sum=found)
    assert binary.finished(b"\x02\x50\x7b\x00\x03", [record]) == b"\x02\x50\x7b\x2b\x03"
    assert binary.finished(b"\x15", [record]) == b"\x15"


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"send": "4"}, "send: expected hexadecimal digits"),
        ({"match": "53 {x}"}, "match: expected hexadecimal digits"),
        ({"reply": "{x:z}"}, "reply: expected hexadecimal digits with formulas"),
        ({"reply": "{x}"}, "reply: expected hexadecimal digits with formulas"),
        ({"reply": "0"}, "reply: expected hexadecimal digits with formulas"),
        ({"reply": "{nobody:H}"}, "nobody"),
    ],
)
def test_a_wrong_transcript_says_what_is_wrong(entry: dict[str, Any], sentence: str) -> None:
    mistakes: list[str] = []
    script.read([Table(entry, "transcript[0]", mistakes)], ["x"], binary.Bytes(()))
    assert mistakes
    assert sentence in mistakes[0]
