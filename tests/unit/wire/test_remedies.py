"""The agent's own sentences about ports and lines, and what is said to do about each."""

import errno

import pytest

from kleinmaelzung_agent import serial_port
from kleinmaelzung_agent.counters import Counters
from kleinmaelzung_agent.health import Health
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
