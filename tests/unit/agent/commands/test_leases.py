"""When a lease ends without a word of its holder: session gone, agent alone, time up."""

import time
from dataclasses import replace

from kleinmaelzung_agent.commands.guards import Guarding
from kleinmaelzung_agent.commands.lease import LONGEST_S
from kleinmaelzung_agent.commands.leases import Leases
from kleinmaelzung_agent.commands.presence import ALL_TOLD_S
from kleinmaelzung_wire.messages import Control

NOW_US = 1_700_000_000_000_000
HELD = Control(user="anna", session="s1", since=NOW_US - 10_000_000, until=NOW_US + 200_000_000)
ANNA, OTTO = ("anna", "s1"), ("otto", "s1")


class Told:
    """What the leases told."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []
        self.gone: list[tuple[str, str]] = []
        self.expired: list[str] = []
        self.leases = Leases(
            ["oven", "lamp"],
            {"oven": Guarding(safe_after_s=30.0)},
            publish=self._publish,
            gone=lambda name, why: self.gone.append((name, why)),
            expired=lambda name, _: self.expired.append(name),
            now_us=lambda: NOW_US,
        )

    def _publish(self, name: str, control: Control) -> None:
        self.published.append((name, control.user))


def test_at_the_start_nobody_holds_anything() -> None:
    told = Told()
    told.leases.open({})
    assert told.published == [("oven", ""), ("lamp", "")]


def test_a_lease_of_an_earlier_run_goes_on_while_its_session_is_named() -> None:
    told = Told()
    told.leases.open({"oven": HELD, "gone": HELD})
    assert told.published == [("oven", "anna"), ("lamp", "")]
    told.leases.connected()
    told.leases.session(ANNA, is_there=True)
    told.leases.look(time.monotonic() + ALL_TOLD_S)
    assert told.leases.is_held_by("oven", ANNA)
    assert told.gone == []
    told.leases.session(ANNA, is_there=False)
    assert told.gone == [("oven", "the connection of anna, who held it, ended")]


def test_a_session_that_ended_while_the_agent_was_restarted_is_missed_even_if_its_time_was_up() -> None:
    for until_us in (HELD.until, HELD.since + 1):
        told = Told()
        told.leases.open({"oven": replace(HELD, until=until_us)})
        told.leases.connected()
        told.leases.look(time.monotonic() + ALL_TOLD_S)
        assert told.gone == [("oven", "the connection of anna, who held it, ended")]
        assert told.published[-1] == ("oven", "")


def test_a_lease_of_an_earlier_run_ends_without_a_gateway_too() -> None:
    told = Told()
    told.leases.open({"oven": HELD})
    told.leases.look(time.monotonic() + 29.0)
    assert told.gone == []
    told.leases.look(time.monotonic() + 31.0)
    assert [name for name, _ in told.gone] == ["oven"]


def test_a_lease_of_an_earlier_run_ends_by_its_time_at_the_latest() -> None:
    told = Told()
    told.leases.open({"oven": replace(HELD, until=NOW_US + 10**15)})  # kept under another clock
    told.leases.connected()
    told.leases.session(ANNA, is_there=True)
    told.leases.look(time.monotonic() + LONGEST_S + 1.0)
    assert (told.expired, told.gone) == (["oven"], [])


def test_a_session_that_ends_lets_go_of_all_it_held() -> None:
    told = Told()
    for name in ("oven", "lamp"):
        told.leases.take(name, ANNA, {})
    told.leases.session(OTTO, is_there=False)
    assert told.gone == []
    told.leases.session(ANNA, is_there=False)
    why = "the connection of anna, who held it, ended"
    assert told.gone == [("oven", why), ("lamp", why)]
    assert told.published[-2:] == [("oven", ""), ("lamp", "")]
    assert not told.leases.is_held("oven")


def test_a_session_that_ended_while_the_agent_was_away_is_missed() -> None:
    told = Told()
    told.leases.session(ANNA, is_there=True)
    told.leases.take("oven", ANNA, {})
    told.leases.disconnected()
    told.leases.connected()
    told.leases.look(time.monotonic())
    assert told.gone == []
    told.leases.look(time.monotonic() + ALL_TOLD_S)
    assert [name for name, _ in told.gone] == ["oven"]


def test_a_session_that_is_named_again_keeps_what_it_held() -> None:
    told = Told()
    told.leases.session(ANNA, is_there=True)
    told.leases.take("oven", ANNA, {})
    told.leases.connected()
    told.leases.session(ANNA, is_there=True)
    told.leases.look(time.monotonic() + ALL_TOLD_S)
    assert told.gone == []


def test_without_the_gateway_each_instrument_waits_as_long_as_it_is_told() -> None:
    told = Told()
    told.leases.take("oven", ANNA, {})
    told.leases.take("lamp", ANNA, {})
    now_s = time.monotonic()
    told.leases.disconnected()
    told.leases.look(now_s + 29.0)
    assert told.gone == []
    told.leases.look(now_s + 31.0)
    why = "anna held it, and the gateway was away for 30s"
    assert told.gone == [("oven", why), ("lamp", why)]
    told.leases.look(now_s + 100.0)
    assert len(told.gone) == 2, "once"


def test_a_gateway_that_comes_back_in_time_changes_nothing() -> None:
    told = Told()
    told.leases.take("oven", ANNA, {})
    told.leases.disconnected()
    told.leases.connected()
    told.leases.look(time.monotonic() + 100.0)
    assert told.gone == []


def test_when_the_time_is_up_it_is_told_once() -> None:
    told = Told()
    told.leases.take("oven", ANNA, {"duration_s": 60})
    now_s = time.monotonic()
    told.leases.look(now_s + 59.0)
    assert told.expired == []
    told.leases.look(now_s + 61.0)
    told.leases.look(now_s + 62.0)
    assert (told.expired, told.gone) == (["oven"], [])
    assert told.published[-1] == ("oven", "")
