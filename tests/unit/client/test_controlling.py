from argparse import ArgumentTypeError

import pytest

from kleinmaelzung import Control, Held, controlling
from kleinmaelzung.commands import times

OURS = Control(user="anna", session="s1", since=1, until=2)
THEIRS = Control(user="bob", session="s9", since=1, until=2)


@pytest.mark.parametrize("before", [Control(), THEIRS])
def test_what_was_before_us_is_no_loss(before: Control) -> None:
    held = Held("pi-1/balance", "s1")
    held.told(before)
    held.told(OURS)
    assert held.lost == ""


@pytest.mark.parametrize(("after", "why"), [(Control(), controlling.NOBODY), (THEIRS, "bob took it over")])
async def test_what_comes_after_us_is_a_loss_and_its_first_reason_stays(after: Control, why: str) -> None:
    held = Held("pi-1/balance", "s1")
    held.told(OURS)
    held.told(after)
    held.lose("something else")
    assert await held.ended() == why


def test_where_the_gateway_names_no_session_nobody_is_taken_for_us() -> None:
    held = Held("pi-1/balance", "")
    held.told(Control())
    held.told(THEIRS)
    assert held.lost == ""


@pytest.mark.parametrize(("text", "seconds"), [("5min", 300), ("1 s", 1), ("0.5h", 1800), ("1h", 3600)])
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert times.duration(text, 1, 3600) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 days", "-1s", "0s", "1e3s", "2h", "\u0661s"])
def test_what_is_no_duration_is_said(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no duration from 1 s to 3600 s"):
        times.duration(text, 1, 3600)
