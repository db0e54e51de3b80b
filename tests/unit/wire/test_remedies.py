"""The agent's own sentences about ports and lines, and what is said to do about each."""

import errno

import pytest

from kleinmaelzung_agent.drivers import serial_port
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.health import Health, Words
from kleinmaelzung_agent.drivers.i2c import buses
from kleinmaelzung_agent.drivers.i2c.config import WORDS as I2C_WORDS
from kleinmaelzung_agent.drivers.onewire.driver import WORDS as ONEWIRE_WORDS
from kleinmaelzung_wire import remedies

OTHER = "look whether the port or its network address is right"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOENT, "plug it in"),
        (errno.EACCES, "usermod -aG dialout"),
        (errno.EBUSY, "end what has it open"),
        (errno.EIO, "look at the adapter"),
        (errno.ENOTTY, OTHER),
    ],
)
def test_what_opening_a_port_fails_with(number: int, remedy: str) -> None:
    reason = serial_port._why_not("/dev/ttyUSB0", OSError(number, "so"))
    assert remedy in remedies.for_port(reason)


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("undecodable", "set baudrate, bytesize, parity"),
        ("too_long", "set baudrate, bytesize, parity"),
        ("rejected_lines", "is this the instrument that agent.toml describes?"),
        ("wrong_checksums", "compare the checksum in agent.toml"),
        ("late", "a longer timeout"),
        ("", "set baudrate, bytesize, parity"),  # bytes, and never a line's end
    ],
)
def test_what_comes_and_is_not_expected(kind: str, remedy: str) -> None:
    counters = Counters()
    health = Health("/dev/ttyUSB0", 1.0, counters)
    health.opened(10.0)
    if kind:
        setattr(counters, kind, 3)
    health.bad(11.5)
    verdict = health.verdict(11.6)
    assert verdict.condition == "error"
    assert remedy in remedies.for_lines(verdict.reason)


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        (buses.why_not_opened("/dev/i2c-1", OSError(errno.ENOENT, "so")), "enable I2C"),
        (buses.why_not_opened("/dev/i2c-1", OSError(errno.EACCES, "so")), "usermod -aG i2c"),
        (str(buses.why_failed("/dev/i2c-1", 0x44, OSError(errno.EREMOTEIO, "so"))), "look at power, SDA, SCL"),
        (buses.hung("/dev/i2c-1", 1.0), "off and on"),
    ],
)
def test_what_an_i2c_bus_fails_with(reason: str, remedy: str) -> None:
    assert remedy in remedies.for_port(reason)


@pytest.mark.parametrize("words", [I2C_WORDS, ONEWIRE_WORDS])
def test_a_wrong_crc_on_a_wire_of_this_machine_is_a_matter_of_the_wire(words: Words) -> None:
    counters = Counters()
    health = Health("/dev/i2c-1", 1.0, counters, words)
    health.opened(10.0)
    counters.wrong_checksums = 3
    health.bad(11.5)
    assert "look at wires" in remedies.for_lines(health.verdict(11.6).reason)
