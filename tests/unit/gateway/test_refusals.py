"""Records of commands that no agent saw: kept until they are confirmed, within bounds, and what is given up is said."""

import pytest

from kleinmaelzung_gateway import refusals
from kleinmaelzung_gateway.metrics import Metrics
from kleinmaelzung_gateway.refusals import Refusals
from kleinmaelzung_wire import codec, ledger
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import Command, Reply

T = 1_764_000_000_000_000


def record(number: int, size: int = 0) -> dict[str, object]:
    arguments = {"text": "x" * size}
    command = Command(id=f"c{number}", name="set", user="anna", arguments=arguments, timeout_us=1, sent=T)
    reply = Reply(id=command.id, name="set", user="anna", result="offline", time=T)
    return ledger.record(command, reply, origin="s1", received=T + number)


def digest(number: int) -> bytes:
    return ledger.digest(ledger.encode_refused("pi-1/oven", record(number)))


def test_a_record_is_kept_until_it_is_confirmed() -> None:
    waiting = Refusals(Metrics())
    assert waiting.none_left.is_set()
    for number in (1, 2, 2):
        waiting.put("pi-1/oven", record(number))
    assert len(waiting) == 2
    assert not waiting.logged(ledger.encode_logged([digest(3)])), "of another gateway"
    assert waiting.logged(ledger.encode_logged([digest(3), digest(1)]))
    assert (len(waiting), waiting.none_left.is_set()) == (1, False)
    assert waiting.logged(ledger.encode_logged([digest(2)]))
    assert (len(waiting), waiting.none_left.is_set()) == (0, True)
    with pytest.raises(WireError):
        waiting.logged(codec.pack(["x"]))


def test_beyond_the_bounds_the_oldest_is_given_up_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    waiting = Refusals(metrics)
    for number in range(refusals.MAX_WAITING + 3):
        waiting.put("pi-1/oven", record(number))
    assert (len(waiting), metrics.unrecorded, metrics.refused_commands) == (1000, 3, 1003)
    assert not waiting.logged(ledger.encode_logged([digest(2)]))
    assert waiting.logged(ledger.encode_logged([digest(3)]))
    [said] = caplog.messages  # not one for each
    assert said == "1 records of refused commands are not in the ledger: more than 1000 wait for a logger"


def test_large_records_are_bounded_by_their_size() -> None:
    metrics = Metrics()
    waiting = Refusals(metrics)
    for number in range(800):
        waiting.put("pi-1/oven", record(number, size=16_000))
    assert len(waiting) * 16_000 <= refusals.MAX_BYTES
    assert metrics.unrecorded == 800 - len(waiting) > 100
