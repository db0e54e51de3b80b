"""The binary driver on pseudo-terminals: a scale that sends records, a pump that is asked, and what goes wrong."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.drivers import checksums
from tests.fakes_instruments import Pty
from tests.integration.test_modbus_driver import read_all, running
from tests.integration.test_text_driver import Notes, command
from tests.waiting import until

SCALE = """
[instruments.it]
driver = "binary"
port = "PORT"
silent_after = "300ms"
[instruments.it.record]
header = "AA 55"
length = 9
checksum = { type = "crc16-modbus", order = "little" }
fields = [
    { name = "weight", at = 2, format = "i" },
    { name = "status", at = 6, format = "B" },
]
[instruments.it.channels.weight]
unit = "g"
scale = 0.01
quality_field = "status"
quality_bits = { 0 = "unstable", 1 = "overload" }
invalid = { "0x7FFFFFFF" = "overload" }
"""
PUMP = """
[instruments.it]
driver = "binary"
port = "PORT"
silent_after = "500ms"
sent = { header = "02", checksum = { type = "xor8", skip = 1 }, end = "03" }
[[instruments.it.record]]
name = "flow"
header = "02 46"
length = 6
end = "03"
checksum = { type = "xor8", skip = 1 }
fields = [{ name = "flow", at = 2, format = "H" }]
[[instruments.it.record]]
name = "yes"
header = "06"
length = 1
[[instruments.it.record]]
name = "no"
header = "15"
length = 1
[instruments.it.channels.flow]
unit = "ml/min"
scale = 0.1
[[instruments.it.poll]]
send = "46"
every = "20ms"
timeout = "200ms"
reply = "flow"
[instruments.it.commands.set]
send = "53 {flow:H}"
scale = { flow = 0.1 }
reply = "yes"
refuse = [{ record = "no", reason = "the pump does not take this flow" }]
[instruments.it.commands.set.arguments.flow]
type = "number"
unit = "ml/min"
"""


def record(weight: int, status: int = 0) -> bytes:
    content = b"\xaa\x55" + struct.pack(">iB", weight, status)
    return content + checksums.compute("crc16-modbus", content).to_bytes(2, "little")


def framed(content: bytes) -> bytes:
    return b"\x02" + content + bytes([checksums.compute("xor8", content)]) + b"\x03"


class Pump:
    """Answers F with its flow, takes S with a flow up to 100.0 ml/min."""

    def __init__(self, pty: Pty) -> None:
        self._pty, self.flow, self.asked = pty, 123, list[bytes]()
        self.answer: Callable[[bytes], bytes] = lambda content: content
        pty.listen(self._heard)

    def _heard(self, chunk: bytes) -> None:
        self.asked.append(chunk)
        content = chunk[1:-2]
        assert chunk == framed(content)
        self._pty.say(self.answer(self._answer(content)))

    def _answer(self, content: bytes) -> bytes:
        if content == b"F":
            return framed(b"F" + struct.pack(">H", self.flow))
        wanted = int(struct.unpack(">H", content[1:])[0])
        if wanted > 1000:
            return b"\x15"
        self.flow = wanted
        return b"\x06"


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def test_records_that_come_unasked_are_read(tmp_path: Path, notes: Notes) -> None:
    with Pty(tmp_path / "scale") as scale:
        scale.plug()
        async with running(notes, read_all(tmp_path, SCALE, scale.port)) as made:
            await until(lambda: "is open" in str(notes.states), "open")
            scale.say(b"\x55\0\0" + record(1234)[3:])  # the end of a record whose beginning nobody saw
            for piece in (record(2345), record(-5, 1)[:4], record(-5, 1)[4:], record(0x7FFFFFFF, 2)):
                scale.say(piece)
            await until(lambda: len(notes.readings.get("it", [])) == 3, "three records")
            assert made["it"].counters.undecodable == 1
    assert notes.values(channel="weight") == [23.45, -0.05, None]
    assert [one.quality for one in notes.readings["it"]] == [{}, {"weight": "unstable"}, {"weight": "overload"}]
    assert notes.readings["it"][0].units == {"weight": "g"}


async def test_wrong_checksums_are_an_error_and_no_value(tmp_path: Path, notes: Notes) -> None:
    with Pty(tmp_path / "scale") as scale:
        scale.plug()
        async with running(notes, read_all(tmp_path, SCALE, scale.port)):
            await until(lambda: "is open" in str(notes.states), "open")
            with scale.flood(record(1)[:-1] + b"\0"):
                await until(lambda: notes.condition() == "error", "the state says so")
            assert "what arrives is not what the records say" in notes.reason()
            assert "it" not in notes.readings
            scale.say(record(2))
            await until(lambda: notes.condition() == "connected", "connected")


async def test_a_pump_is_asked_and_commanded(tmp_path: Path, notes: Notes) -> None:
    with Pty(tmp_path / "pump") as pty:
        pump = Pump(pty)
        pty.plug()
        async with running(notes, read_all(tmp_path, PUMP, pty.port)) as made:
            await until(lambda: len(notes.readings.get("it", [])) > 3, "readings")
            assert set(notes.values(channel="flow")) == {12.3}
            reply = await made["it"].execute(command("set", flow=45.6), timeout_s=5)
            assert (reply.result, reply.bytes_out) == ("done", framed(b"S" + struct.pack(">H", 456)))
            assert reply.bytes_in == b"\x06"
            await until(lambda: notes.values(channel="flow")[-1] == 45.6, "it is read")
            refused = await made["it"].execute(command("set", flow=200), timeout_s=5)
            assert (refused.result, refused.reason) == ("failed", "the pump does not take this flow")
            before = len(pump.asked)
            between = await made["it"].execute(command("set", flow=1.23), timeout_s=5)
            assert between.result == "refused"
            assert "lies between the register's steps 1.2 and 1.3" in between.reason
            assert not any(chunk[1:2] == b"S" for chunk in pump.asked[before:])


async def test_another_pump_is_not_read(tmp_path: Path, notes: Notes) -> None:
    text = PUMP + '[instruments.it.identity]\nsend = "46"\nflow = "124"\n'
    with Pty(tmp_path / "pump") as pty:
        pump = Pump(pty)
        pty.plug()
        async with running(notes, read_all(tmp_path, text, pty.port)):
            await until(lambda: notes.condition() == "error", "the wrong one")
            assert notes.reason() == "another instrument answers here: flow 123, expected 124"
            assert "it" not in notes.readings
            pump.flow = 124
            await until(lambda: notes.condition() == "connected", "the right one")


@pytest.mark.parametrize("fault", ["silence", "noise", "wrong checksum", "half"])
async def test_what_is_no_answer_is_no_value(tmp_path: Path, notes: Notes, fault: str) -> None:
    faults: dict[str, Callable[[bytes], bytes]] = {
        "silence": lambda content: b"",
        "noise": lambda content: b"\0" + content,
        "wrong checksum": lambda content: content[:-2] + bytes([content[-2] ^ 1]) + content[-1:],
        "half": lambda content: content[:-2],
    }
    with Pty(tmp_path / "pump") as pty:
        pump = Pump(pty)
        pty.plug()
        async with running(notes, read_all(tmp_path, PUMP, pty.port)) as made:
            await until(lambda: notes.condition() == "connected", "connected")
            pump.answer, pump.flow = faults[fault], 999
            await until(lambda: notes.condition() in ("error", "silent"), "noticed")
            assert made["it"].counters.timeouts > 0
            pump.answer, pump.flow = lambda content: content, 123
            await until(lambda: notes.condition() == "connected", "connected again")
    assert set(notes.values(channel="flow")) == {12.3}


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (("length = 9\n", ""), "record.length: missing, expected a number, a table"),
        (("at = 6", "at = 9"), "record.fields[1].at: ends behind the record of 9 bytes"),
        (('"AA 55"', '"AA 5"'), 'record.header: expected hexadecimal digits such as "AA 55"'),
        (('"B"', '"Z"'), "record.fields[1].format: expected a letter of struct"),
        (('"status"\nq', '"state"\nq'), 'channels.weight.quality_field: no record has a field "state"'),
        (("length = 9", "length = 3"), "record.length: expected at least 4, found 3"),
        (("order = ", "ordre = "), "record.checksum.ordre: unknown key"),
        (("bits = { 0", 'bits = { "-1"'), 'quality_bits: expected numbers of bits from 0 to 63, found "-1"'),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], mistake: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_all(tmp_path, SCALE.replace(*change), "/dev/ttyX")
    assert mistake in str(error.value)


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (("{flow:H}", "{flwo:H}"), "commands.set.send: {flwo} is no argument of this command"),
        (("{flow:H}", "0x12"), "commands.set.send: expected hexadecimal digits with arguments"),
        (('reply = "flow"', 'reply = "flwo"'), 'poll[0].reply: there is no record "flwo", did you mean "flow"?'),
        (('header = "15"', 'header = "06"'), "it.record: expected records each with a header of its own"),
        (("{ flow = 0.1 }", "{ flow = 0 }"), "commands.set.scale.flow: expected another number than 0"),
        (
            ("{ flow = 0.1 }", "{ flwo = 0.1 }"),
            "scale.flwo: expected an argument that is a number, did you mean",
        ),
    ],
)
def test_a_mistake_in_what_is_sent_is_said(tmp_path: Path, change: tuple[str, str], mistake: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_all(tmp_path, PUMP.replace(*change), "/dev/ttyX")
    assert mistake in str(error.value)


async def test_a_record_without_any_check_begins_after_a_silence(tmp_path: Path, notes: Notes) -> None:
    text = """
    [instruments.it]
    driver = "binary"
    port = "PORT"
    gap = "20ms"
    record = { length = 4, fields = [{ name = "level", at = 0, format = "I" }] }
    channels = { level = {} }
    [[instruments.it.poll]]
    send = "3F"
    every = "1ms"
    timeout = "200ms"
    """
    with Pty(tmp_path / "level") as pty:
        answers = iter([struct.pack(">I", 7), b"\0\0\0\7\0", b"\0\0\0"])
        pty.listen(lambda chunk: pty.say(next(answers, struct.pack(">I", 7))))
        pty.plug()
        async with running(notes, read_all(tmp_path, text, pty.port)) as made:
            await until(lambda: len(notes.readings.get("it", [])) > 10, "readings")
            assert made["it"].counters.timeouts == 1, "half a record is none, and is not joined with the next"
    assert set(notes.values(channel="level")) == {7.0}
