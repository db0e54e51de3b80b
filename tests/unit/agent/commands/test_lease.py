"""Who holds an instrument: taken, extended, taken over, released, expired."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.commands import lease
from kleinmaelzung_agent.commands.lease import Asked, Lease, LeaseError

US = 1_700_000_000_000_000  # 22:13:20 UTC


def held() -> Lease:
    made = Lease()
    assert made.take("anna", "s1", Asked(60.0), now_s=100.0, now_us=US) == ""
    return made


def test_while_it_is_held_others_are_refused_until_its_time_is_up() -> None:
    made = held()
    assert made.refusal("anna", "s1", now_s=100.0) == ""
    assert made.refusal("otto", "s1", now_s=159.9) == "held by anna until 22:14:20Z"
    assert made.refusal("anna", "s2", now_s=159.9) == "held by anna in another session until 22:14:20Z"
    assert made.refusal("otto", "s1", now_s=160.0) == ""
    assert made.due_s() == 160.0


def test_taking_it_again_extends_it_and_keeps_its_beginning() -> None:
    made = held()
    made.take("anna", "s1", Asked(100.0), now_s=150.0, now_us=US + 50_000_000)
    control = made.control(200.0)
    assert (control.user, control.since, control.until) == ("anna", US, US + 150_000_000)
    assert made.due_s() == 250.0


def test_only_by_force_another_takes_it_over() -> None:
    made = held()
    with pytest.raises(LeaseError, match=r"held by anna until 22:14:20Z"):
        made.take("otto", "s1", Asked(), now_s=101.0, now_us=US)
    assert made.take("otto", "s1", Asked(is_forced=True), now_s=101.0, now_us=US) == "anna"
    assert made.control(101.0).user == "otto"
    assert made.take("otto", "s1", Asked(is_forced=True), now_s=102.0, now_us=US) == "", "one's own"


def test_only_its_holder_releases_it() -> None:
    made = held()
    with pytest.raises(LeaseError, match="held by anna"):
        made.release("otto", "s1", now_s=101.0)
    made.release("anna", "s1", now_s=101.0)
    assert made.control(101.0) == lease.FREE
    made.release("otto", "s1", now_s=101.0)  # nobody holds it


def test_its_holder_releases_it_from_another_session_only_on_purpose() -> None:
    made = held()
    with pytest.raises(LeaseError, match="held by anna in another session"):
        made.release("anna", "s2", now_s=101.0)  # as a session does at its end, when another may have taken it
    with pytest.raises(LeaseError, match="held by anna"):
        made.release("otto", "s2", now_s=101.0, any_session=True)
    made.release("anna", "s2", now_s=101.0, any_session=True)
    assert made.control(101.0) == lease.FREE


def test_a_lease_whose_time_is_up_can_be_taken() -> None:
    made = held()
    assert made.control(160.0) == lease.FREE
    assert made.due_s() == 160.0, "until somebody has noticed"
    assert made.take("otto", "s1", Asked(), now_s=160.0, now_us=US) == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"duration_s": 0}, "expected 1 to 3600 seconds"),
        ({"duration_s": 3600.5}, "expected 1 to 3600 seconds"),
        ({"duration_s": True}, '"duration_s" is True'),
        ({"duration_s": float("nan")}, "expected 1 to 3600 seconds"),
        ({"duration_s": "60"}, "expected 1 to 3600 seconds"),
        ({"force": 1}, 'argument "force" is 1, expected true or false'),
        ({"forced": True}, "unknown argument 'forced', expected duration_s, force"),
    ],
)
def test_what_cannot_be_asked_for_is_said(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LeaseError) as raised:
        lease.asked(arguments)
    assert sentence in str(raised.value)


def test_without_arguments_it_is_five_minutes() -> None:
    assert lease.asked({}) == Asked(300.0, False)
    assert lease.asked({"duration_s": 3600, "force": True}) == Asked(3600.0, True)


def test_what_a_release_says_is_checked() -> None:
    assert [lease.asked_for_any_session(said) for said in ({}, {"any_session": True})] == [False, True]
    wrong: list[dict[str, Any]] = [{"any_session": 1}, {"force": True}]
    for arguments in wrong:
        with pytest.raises(LeaseError, match="expected"):
            lease.asked_for_any_session(arguments)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "force", "release", "wait"]), st.sampled_from(["anna", "otto"]), st.floats(1, 3600)
    )
)


@given(STEPS)
def test_whatever_happens_at_most_one_may_command_while_it_is_held(steps: list[tuple[str, str, float]]) -> None:
    made, now_s = Lease(), 0.0
    for step, user, duration_s in steps:
        with contextlib.suppress(LeaseError):
            if step == "release":
                made.release(user, "s", now_s=now_s)
            elif step == "wait":
                now_s += duration_s
            else:
                made.take(user, "s", Asked(duration_s, step == "force"), now_s=now_s, now_us=US)
        holder = made.control(now_s).user
        may = [name for name in ("anna", "otto") if not made.refusal(name, "s", now_s=now_s)]
        assert may == ([holder] if holder else ["anna", "otto"])
