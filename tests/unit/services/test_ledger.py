"""The chain without a database: its exact bytes, what a damaged row is said to be, and answers that fit a message."""

import hashlib
from typing import Any

import pytest

from kleinmaelzung_services import chain
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.logger import batch, ledger, ledger_requests
from kleinmaelzung_services.logger.batch import Arrival, QuarantineEntry, RefusedEntry
from kleinmaelzung_services.logger.ledger import Entry
from kleinmaelzung_services.logger.ledger_requests import Wanted
from kleinmaelzung_wire import codec, frames, topics
from kleinmaelzung_wire import ledger as wire_ledger
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.requests import Answer, Request

NOW_US = 1_790_000_000_000_000
RECORD = {
    "kind": "command",
    "id": "id-1",
    "name": "set",
    "user": "anna",
    "origin": "s1",
    "arguments": {"unit": "°C"},
    "result": "done",
    "reason": 'a "b"',
    "values": {"set": 1.5},
    "bytes_out": b"S\r",
    "bytes_in": b"\xff",
    "took_us": 12,
    "received": NOW_US - 5,
    "time": NOW_US,
}
CANONICAL = (
    '[1,1790000000000000,"pi-1","balance","anna","s1","id-1","set","{\\"unit\\": \\"°C\\"}","done","a \\"b\\"",'
    '"{\\"set\\": 1.5}","530d","ff",12,1789999999999995,"agent",7,3,0,1790000000000009]'
)


def frame(*records: dict[str, Any]) -> Frame:
    clock = Clock(synchronised=True)
    return Frame(epoch=7, number=3, times=(NOW_US - 1,), channels={}, clock=clock, records=list(records))


def entry(**changed: Any) -> Entry:
    return ledger.of_record("pi-1", "balance", frame({**RECORD, **changed}), 0, NOW_US + 9)


def row(number: int, previous: Link, made: Entry, told: Frame | None = None) -> dict[str, Any]:
    place = chain.link(previous, number, made)
    payload = None if told is None else frames.encode(told)
    chained = {"number": number, "previous": previous.hash, "hash": place.hash, "superseded_by": None}
    return {**made._asdict(), **chained, "payload": payload}


def test_the_bytes_that_a_hash_covers_are_these() -> None:
    assert chain.canonical(1, entry()).decode() == CANONICAL
    expected = hashlib.sha256(bytes(32) + CANONICAL.encode()).digest()
    assert chain.link(Link(), 1, entry()) == Link(1, expected)


def test_each_hash_covers_the_one_before() -> None:
    rows, head = ledger.chained(Link(), [entry(), entry(id="id-2")])
    assert ([made[0] for made in rows], head.number, head.hash) == ([1, 2], 2, rows[1][-1])
    assert (rows[0][-2], rows[1][-2]) == (bytes(32), rows[0][-1])


@pytest.mark.parametrize("field", Entry._fields)
def test_no_column_can_be_changed_without_another_hash(field: str) -> None:
    nothing: Any = None
    changed = entry()._replace(**{field: nothing})
    assert chain.link(Link(), 1, changed) != chain.link(Link(), 1, entry())


def test_fields_cannot_be_moved_into_each_other() -> None:
    one, other = entry(name='a","b', id="c"), entry(name="a", id='b","c')
    assert chain.canonical(1, one) != chain.canonical(1, other)


def test_a_good_row_and_its_frame_have_no_damage() -> None:
    assert ledger.damage(Link(), row(1, Link(), entry(), frame(RECORD))) == ""
    assert ledger.damage(Link(), row(1, Link(), entry())) == ""


def test_a_row_of_another_chain_does_not_follow() -> None:
    good, other = Link(4, b"a" * 32), Link(4, b"b" * 32)
    assert ledger.damage(good, row(5, good, entry())) == ""
    assert ledger.damage(good, row(5, other, entry())).startswith("entry 5 does not follow entry 4")
    assert ledger.damage(Link(), row(1, other, entry())).startswith("entry 1 does not follow the chain's beginning")


def test_a_row_that_says_other_than_its_frame_is_told_with_the_column() -> None:
    sentence = ledger.damage(Link(), row(1, Link(), entry(user="otto"), frame(RECORD)))
    assert "username is 'otto' here and 'anna' there" in sentence
    assert "tells of no such command" in ledger.damage(Link(), row(1, Link(), entry(), frame({"kind": "gap"})))


def refused(payload: bytes) -> batch.Entry:
    [found] = batch.sort_arrivals([Arrival(topics.refused("gateway"), payload, NOW_US)], NOW_US)
    return found


def test_what_no_agent_saw_is_noted_by_who_told_it() -> None:
    found = refused(wire_ledger.encode_refused("pi-1/balance", RECORD))
    assert isinstance(found, RefusedEntry)
    made = ledger.of_refused(found.agent, found.instrument, found.record, found.service, NOW_US + 1)
    assert (made.agent, made.instrument, made.noted_by, made.logged) == ("pi-1", "balance", "gateway", NOW_US + 1)
    assert (made.epoch, made.frame, made.record) == (None, None, None)
    assert made.key == ("pi-1", "balance", "anna", "id-1", "done", made.received)


def test_what_no_agent_saw_is_confirmed_to_who_told_it_also_from_quarantine() -> None:
    payloads = [wire_ledger.encode_refused("pi-1/balance", RECORD), b"garbage"]
    found = [refused(payload) for payload in payloads]
    found.append(batch.refuse(found[0], "too long"))
    digests = [wire_ledger.digest(payload) for payload in (*payloads, payloads[0])]
    assert batch.noted(found) == {"gateway": digests}
    other = batch.Arrival("kleinmaelzung/_service/+/refused", b"garbage", NOW_US)
    assert batch.noted(batch.sort_arrivals([other], NOW_US)) == {}


@pytest.mark.parametrize("payload", [b"", b"\xc1", codec.pack({"v": 1}), codec.pack({**RECORD, "v": 1})])
def test_what_is_no_record_goes_to_quarantine(payload: bytes) -> None:
    found = refused(payload)
    assert isinstance(found, QuarantineEntry)
    assert (found.reason, found.payload, batch.numbered([found])) == ("undecodable", payload, [])


def asking(instrument: str | None = "+/+", **arguments: Any) -> Request:
    return Request(name="ledger", instrument=instrument, arguments=arguments)


def test_what_is_asked_for() -> None:
    assert Wanted.parse(asking()) == Wanted()
    asked = Wanted.parse(asking("+/balance", user="anna", after=7, limit=3))
    assert (asked.agent, asked.name, asked.user, asked.after, asked.limit) == (None, "balance", "anna", 7, 3)
    wrong: list[dict[str, Any]] = [{"limit": 0}, {"limit": 201}, {"user": "x" * 65}, {"to": 1}, {"after": "1"}]
    for arguments in wrong:
        with pytest.raises(WireError):
            Wanted.parse(asking(**arguments))
    with pytest.raises(WireError, match="name them, as in pi-1/balance"):
        Wanted.parse(asking(None))


@pytest.mark.parametrize("length", [10, 4096, 100_000])
def test_an_answer_fits_a_message_whatever_the_entries_hold(length: int) -> None:
    long = '{"' + "\N{GRINNING FACE}" * length + '":1}'
    made = entry()._replace(arguments=long, values=long, bytes_in=bytes(length), bytes_out=bytes(length))
    made = made._replace(reason="\N{GRINNING FACE}" * 500)
    rows = [row(number, Link(), made) for number in range(300, 99, -1)]
    answer = ledger_requests.page(rows, ledger_requests.PAGE)
    Answer(ok=True, content=answer).encode()
    assert answer["more"]
    assert answer["entries"][0]["number"] == 300
