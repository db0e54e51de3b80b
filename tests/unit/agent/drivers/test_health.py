"""What was seen on a port to a state and a reason."""

from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.drivers.health import Health, Words


def test_before_the_opening_it_is_searching_and_says_why() -> None:
    health = Health("/dev/x", 5.0, Counters())
    assert health.verdict(0).condition == "searching"
    health.closed("/dev/x is not there")
    assert health.verdict(1).reason == "/dev/x is not there"


def test_an_open_port_is_connected_only_by_a_valid_line() -> None:
    health = Health("/dev/x", 5.0, Counters())
    health.opened(0)
    assert health.verdict(1).condition == "searching"
    health.valid(2)
    assert health.verdict(3).condition == "connected"
    assert health.next_change(3) == 4


def test_nothing_for_a_while_is_silence() -> None:
    health = Health("/dev/x", 5.0, Counters())
    health.opened(0)
    assert (health.verdict(5).condition, health.verdict(5).reason) == ("silent", "no valid line for 5s")


def test_rubbish_alone_is_an_error_with_its_count_and_becomes_silence_when_it_ends() -> None:
    counters = Counters()
    health = Health("/dev/x", 5.0, counters)
    health.opened(0)
    counters.rejected_lines, counters.undecodable = 120, 3
    health.bad(4)
    verdict = health.verdict(5)
    assert verdict.condition == "error"
    assert "lines: 120 rejected, 3 undecodable" in verdict.reason
    assert health.verdict(9).condition == "silent"
    assert health.next_change(5) == 4


def test_rubbish_between_valid_lines_is_no_error() -> None:
    health = Health("/dev/x", 5.0, Counters())
    health.opened(0)
    health.bad(1)
    health.valid(2)
    assert health.verdict(6).condition == "connected"
    assert health.verdict(7).condition == "silent"


def test_a_poll_that_is_refused_is_an_error_until_it_is_answered_well() -> None:
    health = Health("/dev/x", 5.0, Counters())
    health.opened(0)
    health.valid(1)
    health.troubled(2, "unit 1 refuses to read holding 900")
    health.troubled(0, "")
    assert (health.verdict(2).condition, health.verdict(2).reason) == ("error", "unit 1 refuses to read holding 900")
    health.troubled(3, "another")
    assert health.verdict(2).reason == "unit 1 refuses to read holding 900 (and 1 more)"
    assert health.verdict(7).condition == "silent"
    health.troubled(2, "")
    health.troubled(3, "")
    assert health.verdict(2).condition == "connected"


def test_the_state_speaks_in_the_drivers_words() -> None:
    counters = Counters()
    words = Words(message="answer", expected="what Modbus answers", unfinished="half answers", check="parity")
    health = Health("/dev/x", 5.0, counters, words)
    health.opened(0)
    assert health.verdict(5).reason == "no valid answer for 5s"
    health.bad(4)
    assert health.verdict(5).reason == "what arrives is not what Modbus answers (half answers); check parity"
    counters.undecodable = 2
    assert "(answers: 2 undecodable)" in health.verdict(5).reason
