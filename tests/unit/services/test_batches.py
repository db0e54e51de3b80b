"""What may be noted of a batch, and what is refused with which sentence."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_services.batches import changes
from kleinmaelzung_services.batches.changes import Batch, Change, Repeat
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import batches, rights
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import Request

NOW_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000
KNOWN = Batch(
    id=1,
    name="Pilsner 7",
    begun_by="anna",
    began=NOW_US - 10 * HOUR_US,
    ended=None,
    stage="kilning",
    stage_since=NOW_US - HOUR_US,
    records=2,
    instruments=("pi-1/balance", "pi-2/oven"),
)
END = Change(kind="ended", name="Pilsner 7", user="nele", role="operator", pattern="+/+", id="x")


def asked(name: str, /, *, pattern: str | None = "+/+", **arguments: Any) -> Asked:
    request = Request(name=name, arguments={"name": "Pilsner 7"} | arguments, instrument=pattern)
    return Asked(user="anna", role="operator", request=request, inbox="", correlation=None, deadline=0)


def test_a_request_is_read() -> None:
    change = Change.parse(asked(batches.START, instruments=["pi-1/a", "pi-1/a", "pi-2/b"], at=NOW_US, note="n", id="i"))
    assert (change.kind, change.instruments, change.at, change.text, change.id) == (
        *("started", ("pi-1/a", "pi-2/b"), NOW_US, "n", "i"),
    )
    assert Change.parse(asked(batches.MARK, stage="steeping")).at is None
    first, second = (Change.parse(asked(batches.END)).id for _ in range(2))
    assert first != second  # without an id none is another's repeat


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (batches.START, {}),
        (batches.START, {"instruments": "pi-1/a"}),
        (batches.START, {"instruments": [7]}),
        (batches.START, {"instruments": ["pi-1/a"], "name": None}),
        (batches.START, {"instruments": ["pi-1/a"], "at": 5}),
        (batches.START, {"instruments": ["pi-1/a"], "at": 1.5e15}),
        (batches.START, {"instruments": ["pi-1/a"], "at": 10**17}),
        (batches.START, {"instruments": ["pi-1/a"], "note": 7}),
        (batches.MARK, {}),
        (batches.MARK, {"stage": "a\nb"}),
        (batches.NOTE, {"text": "x" * 2001}),
        (batches.NOTE, {"text": "a\x00b"}),
        (batches.NOTE, {"text": "\n"}),
        (batches.END, {"id": ""}),
        (batches.END, {"id": "x" * 65}),
        (batches.END, {"id": "\x00"}),
        (batches.END, {"id": 7}),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        Change.parse(asked(name, **arguments))


plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
anything = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


@given(
    name=st.sampled_from(sorted(changes.KINDS)),
    arguments=st.fixed_dictionaries(
        {"name": st.just("a") | anything},
        optional=dict.fromkeys(("instruments", "at", "note", "text", "stage", "id"), anything),
    ),
)
def test_whatever_is_sent_is_read_or_refused(name: str, arguments: dict[str, Any]) -> None:
    with contextlib.suppress(WireError, RequestRefused):
        change = Change.parse(asked(name, **arguments))
        changes.check_permitted(change, KNOWN)
        assert changes.time_of(change, KNOWN, NOW_US) <= NOW_US


def code_of(change: Change, known: Batch | None = KNOWN) -> str:
    """What it is refused with; nothing where it is permitted."""
    try:
        changes.check_permitted(change, known)
    except RequestRefused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    ("user", "role", "pattern", "code"),
    [
        ("nele", "operator", "+/+", ""),
        ("nele", "calibrator", "+/+", ""),
        ("nele", "observer", "+/+", "not-permitted"),
        ("public", "public", "+/+", "not-permitted"),
        ("service", "service", "+/+", "not-permitted"),
        ("nele", "operator", "pi-1/+", "not-permitted"),  # some of its instruments
        ("nele", "operator", "pi-3/+", "unknown"),  # none: it is not told that there is one
        ("nele", "operator", None, "unknown"),
        ("anna", "operator", None, ""),  # who began it
        ("anna", "operator", "pi-3/+", ""),
        ("anna", "observer", None, "not-permitted"),
    ],
)
def test_who_may_note_something(user: str, role: str, pattern: str | None, code: str) -> None:
    assert code_of(replace(END, user=user, role=role, pattern=pattern)) == code


def test_nobody_lets_instruments_belong_to_a_batch_that_are_not_granted() -> None:
    for kind in ("started", "added"):
        made = replace(END, kind=kind, user="anna", pattern="pi-1/+", instruments=("pi-1/a", "pi-2/b"))
        assert code_of(made) == "not-permitted"
        assert code_of(replace(made, pattern=None)) == "not-permitted"
        assert code_of(replace(made, instruments=("pi-1/a",))) == ""


roles = st.sampled_from([*rights.ROLES, "public", "service"])
names = st.sampled_from(["pi-1/a", "pi-1/b", "pi-2/a"])
patterns = st.none() | st.sampled_from(["pi-1/a", "pi-1/+", "+/+", "pi-2/+"])


@given(
    kind=st.sampled_from(["added", "stage", "note", "ended", "reopened"]),
    user=st.sampled_from(["anna", "nele"]),
    role=roles,
    pattern=patterns,
    added=st.sets(names),
    there=st.sets(names, min_size=1),
)
def test_whatever_is_permitted_is_by_role_and_by_all_instruments_or_by_beginning(
    kind: Any, user: str, role: str, pattern: str | None, added: set[str], there: set[str]
) -> None:
    made = replace(END, kind=kind, user=user, role=role, pattern=pattern, instruments=tuple(added))
    granted = {"pi-1/a"} if pattern == "pi-1/a" else {"pi-1/a", "pi-1/b"} if pattern == "pi-1/+" else set[str]()
    granted |= {"pi-1/a", "pi-1/b", "pi-2/a"} if pattern == "+/+" else {"pi-2/a"} if pattern == "pi-2/+" else set()
    may = role in ("operator", "calibrator", "admin") and added <= granted and (user == "anna" or there <= granted)
    assert (code_of(made, replace(KNOWN, instruments=tuple(there))) == "") == may


def why_not(change: Change, known: Batch | None = KNOWN) -> str:
    with pytest.raises((RequestRefused, WireError)) as caught:
        changes.time_of(change, known, NOW_US)
    return str(caught.value)


def test_the_time_is_now_unless_told() -> None:
    assert changes.time_of(END, KNOWN, NOW_US) == NOW_US
    assert changes.time_of(replace(END, at=NOW_US - 5), KNOWN, NOW_US) == NOW_US - 5
    assert "is in the future, it is 2026-09-21T14:13:20Z now" in why_not(replace(END, at=NOW_US + 1))
    assert "before batch Pilsner 7 began, at 2026-09-21T04:13:20Z" in why_not(replace(END, at=KNOWN.began - 1))
    assert changes.time_of(replace(END, kind="note", at=KNOWN.began), KNOWN, NOW_US) == KNOWN.began


def test_what_contradicts_what_is_known_is_refused() -> None:
    ended = replace(KNOWN, ended=NOW_US - HOUR_US // 2)
    assert "there is a batch Pilsner 7 already" in why_not(replace(END, kind="started"))
    assert "ended already" in why_not(END, ended)
    assert "kilning began at" in why_not(replace(END, at=NOW_US - 2 * HOUR_US))
    assert "a stage begins before that" in why_not(replace(END, kind="stage"), ended)
    assert changes.time_of(replace(END, kind="note"), ended, NOW_US) == NOW_US
    assert "has not ended" in why_not(replace(END, kind="reopened"))
    assert changes.time_of(replace(END, kind="reopened"), ended, NOW_US) == NOW_US
    added = replace(END, kind="added", instruments=("pi-2/oven",))
    assert "pi-2/oven: in batch Pilsner 7 already" in why_not(added)
    full = replace(KNOWN, instruments=tuple(f"pi-1/i{n}" for n in range(64)))
    assert "more than 64" in why_not(added, full)
    assert "no room" in why_not(END, replace(KNOWN, records=changes.MAX_RECORDS))
    assert "there is no batch Pilsner 7" in why_not(END, None)


def test_an_id_is_for_one_request() -> None:
    known = Repeat(kind="ended", same="pilsner 7", stage="", text="")
    changes.check_repeat(END, known)
    for other in (replace(END, kind="reopened"), replace(END, name="Pilsner 8"), replace(END, text="x")):
        with pytest.raises(RequestRefused, match="used the id 'x' for another request"):
            changes.check_repeat(other, known)
