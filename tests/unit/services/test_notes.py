"""What may be put on a time line and withdrawn, and what is refused with which sentence."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_services.batches import notes as judged
from kleinmaelzung_services.batches.notes import CLOCKS_US, Addition, Note, Withdrawal, Withdrawn
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import notes, rights, sockets
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import Request

NOW_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000
BALANCE = "pi-1/balance"
ADDITION = Addition(instrument=BALANCE, user="anna", id="x", text="cleaned the pan")
NOTE = Note(
    number=7,
    instrument=BALANCE,
    at=NOW_US - HOUR_US,
    until=None,
    text="cleaned the pan",
    user="anna",
    noted=NOW_US - HOUR_US,
    withdrawn=None,
)
WITHDRAWAL = Withdrawal(number=7, user="anna", role="operator", id="y", reason="another balance")


def asked(name: str, /, *, pattern: str | None = BALANCE, role: str = "operator", **arguments: Any) -> Asked:
    request = Request(name=name, arguments=arguments, instrument=pattern)
    return Asked(user="anna", role=role, request=request, inbox="", correlation=None, deadline=0)


def test_a_request_is_read() -> None:
    read = Addition.parse(asked(notes.ADD, text="door was open", at=NOW_US, until=NOW_US + 1, id="i"))
    assert read == Addition(instrument=BALANCE, user="anna", id="i", text="door was open", at=NOW_US, until=NOW_US + 1)
    now = Addition.parse(asked(notes.ADD, text="door was open"))
    assert (now.at, now.until) == (None, None)
    assert Addition.parse(asked(notes.ADD, text="x")).id != now.id  # without an id none is another's repeat
    withdrawn = Withdrawal.parse(asked(notes.WITHDRAW, pattern=None, number=7, reason="another balance", id="y"))
    assert withdrawn == WITHDRAWAL


@pytest.mark.parametrize("pattern", [None, "+/+", "pi-1/+", "+/balance", "balance", "Pi-1/balance"])
def test_a_note_is_about_one_instrument(pattern: str | None) -> None:
    with pytest.raises(WireError, match=r"as in pi-1/balance|is not an instrument|is not a name"):
        Addition.parse(asked(notes.ADD, pattern=pattern, text="x"))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"text": 7},
        {"text": ""},
        {"text": "a\x00b"},
        {"text": "x" * 1001},
        {"text": "x", "at": 5},
        {"text": "x", "at": 1.5e15},
        {"text": "x", "at": NOW_US, "until": 10**17},
        {"text": "x", "id": ""},
    ],
)
def test_a_note_that_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        Addition.parse(asked(notes.ADD, **arguments))


@pytest.mark.parametrize(
    "arguments",
    [{}, {"number": 7}, {"number": 0, "reason": "x"}, {"number": "7", "reason": "x"}, {"number": 7, "reason": " "}],
)
def test_a_withdrawal_that_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        Withdrawal.parse(asked(notes.WITHDRAW, **arguments))


@pytest.mark.parametrize("role", [*rights.ROLES, "public", "service"])
def test_who_may_command_may_note(role: str) -> None:
    requests: list[Callable[[], Addition | Withdrawal]] = [
        lambda: Addition.parse(asked(notes.ADD, role=role, text="x")),
        lambda: Withdrawal.parse(asked(notes.WITHDRAW, role=role, number=7, reason="x")),
    ]
    for request in requests:
        if role in ("operator", "calibrator", "admin"):
            request()
            continue
        with pytest.raises(
            RequestRefused, match=f"anna is {role}: a note is (written|withdrawn) by one who is"
        ) as caught:
            request()
        assert caught.value.code == sockets.NOT_PERMITTED


plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
anything = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


@given(arguments=st.dictionaries(st.sampled_from(["text", "at", "until", "id", "number", "reason"]), anything))
def test_whatever_is_sent_is_read_or_refused(arguments: dict[str, Any]) -> None:
    with contextlib.suppress(WireError):
        at, until = judged.span_of(Addition.parse(asked(notes.ADD, **arguments)), NOW_US)
        assert at < (until or at + 1) <= NOW_US + CLOCKS_US + 1
    with contextlib.suppress(WireError, RequestRefused):
        judged.check_may_withdraw(Withdrawal.parse(asked(notes.WITHDRAW, **arguments)), NOTE)


def test_the_time_is_now_unless_told() -> None:
    assert judged.span_of(ADDITION, NOW_US) == (NOW_US, None)
    assert judged.span_of(replace(ADDITION, at=5, until=7), NOW_US) == (5, 7)


@pytest.mark.parametrize(
    ("at", "until", "sentence"),
    [
        (NOW_US + CLOCKS_US + 1, None, "is in the future, it is 2026-09-21T14:13:20Z now: a note tells what was"),
        (NOW_US, NOW_US + CLOCKS_US + 1, "is in the future"),
        (NOW_US, NOW_US, "until .* is not after .*: leave it out for a moment"),
        (NOW_US, NOW_US - 1, "is not after"),
        (None, NOW_US - HOUR_US, "is not after"),
    ],
)
def test_times_that_cannot_be_are_refused(at: int | None, until: int | None, sentence: str) -> None:
    with pytest.raises(WireError, match=sentence):
        judged.span_of(replace(ADDITION, at=at, until=until), NOW_US)


def test_a_clock_may_be_a_little_ahead() -> None:
    ahead = NOW_US + CLOCKS_US
    assert judged.span_of(replace(ADDITION, at=NOW_US, until=ahead), NOW_US) == (NOW_US, ahead)
    assert judged.span_of(replace(ADDITION, at=ahead), NOW_US) == (ahead, None)


def test_an_id_is_for_one_request() -> None:
    judged.check_added(ADDITION, NOTE)
    judged.check_added(replace(ADDITION, at=NOTE.at), NOTE)
    others = [{"instrument": "pi-1/oven"}, {"text": "y"}, {"at": NOTE.at + 1}, {"until": NOW_US}]
    for other in others:
        with pytest.raises(RequestRefused, match="anna used the id 'x' for another request"):
            judged.check_added(replace(ADDITION, **other), NOTE)  # type: ignore[arg-type]
    gone = replace(NOTE, withdrawn=Withdrawn(user="anna", time=NOW_US, reason="another balance"))
    judged.check_withdrawn(WITHDRAWAL, gone)
    for wrong in (replace(WITHDRAWAL, number=8), replace(WITHDRAWAL, reason="x")):
        with pytest.raises(RequestRefused, match="anna used the id 'y' for another request"):
            judged.check_withdrawn(wrong, gone)


@pytest.mark.parametrize(
    ("user", "role", "code"),
    [
        ("anna", "operator", ""),  # who wrote it
        ("nele", "admin", ""),
        ("nele", "operator", "not-permitted"),
        ("nele", "calibrator", "not-permitted"),
    ],
)
def test_who_wrote_a_note_withdraws_it_or_an_admin(user: str, role: str, code: str) -> None:
    withdrawal = replace(WITHDRAWAL, user=user, role=role)
    assert _code(withdrawal, NOTE) == code
    assert _code(withdrawal, None) == sockets.UNKNOWN
    gone = replace(NOTE, withdrawn=Withdrawn(user="otto", time=NOW_US, reason="x"))
    assert _code(withdrawal, gone) == (code or sockets.CONFLICT)


def _code(withdrawal: Withdrawal, known: Note | None) -> str:
    """What it is refused with; nothing where it is permitted."""
    try:
        judged.check_may_withdraw(withdrawal, known)
    except RequestRefused as refused:
        return refused.code
    return ""
