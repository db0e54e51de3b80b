"""The record of a command: everything that is known of it, and back."""

import pytest

from kleinmaelzung_wire import codec, ledger
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import Command, Reply

T = 1_764_000_000_000_000
COMMAND = Command(id="c1", name="tare", user="anna", arguments={"x": 1}, timeout_us=5_000_000, sent=T)
REPLY = Reply(id="c1", name="tare", user="anna", result="done", values={"mass": 1.5}, bytes_out=b"T", took_us=9, time=T)


def test_a_record_says_all_that_is_known() -> None:
    assert ledger.record(COMMAND, REPLY, origin="s1", received=T - 1) == {
        "kind": "command",
        "id": "c1",
        "name": "tare",
        "user": "anna",
        "origin": "s1",
        "arguments": {"x": 1},
        "result": "done",
        "reason": "",
        "values": {"mass": 1.5},
        "bytes_out": b"T",
        "bytes_in": b"",
        "took_us": 9,
        "received": T - 1,
        "time": T,
    }


def test_what_no_agent_saw_names_its_instrument() -> None:
    record = ledger.record(COMMAND, REPLY, origin="s1", received=T)
    assert ledger.decode_refused(ledger.encode_refused("pi-1/balance", record)) == ("pi-1/balance", record)


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"v": 2, "kind": "command", "instrument": "a/b", "received": T},
        {"v": 1, "kind": "gap", "instrument": "a/b", "received": T},
        {"v": 1, "kind": "command", "received": T},
        {"v": 1, "kind": "command", "instrument": "a/#", "received": T},
        {"v": 1, "kind": "command", "instrument": "a/b"},
        {"v": 1, "kind": "command", "instrument": "a/b", "received": -1},
    ],
)
def test_what_is_no_record_is_refused(content: object) -> None:
    with pytest.raises(WireError):
        ledger.decode_refused(codec.pack(content))


def test_what_is_committed_is_named_by_its_digest() -> None:
    record = ledger.record(COMMAND, REPLY, origin="s1", received=T)
    first = ledger.digest(ledger.encode_refused("pi-1/balance", record))
    again = ledger.digest(ledger.encode_refused("pi-1/balance", {**record, "received": T + 1}))
    assert ledger.decode_logged(ledger.encode_logged([first, again])) == [first, again]
    assert first != again, "another attempt"


@pytest.mark.parametrize("content", [{}, ["0" * 16], [b"short"], 1])
def test_what_is_no_list_of_digests_is_refused(content: object) -> None:
    with pytest.raises(WireError, match="no list of digests"):
        ledger.decode_logged(codec.pack(content))
