"""What certificates say, into latest and state: where one holds, and only as long as it does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kleinmaelzung_agent.sending import in_force
from kleinmaelzung_agent.sending.in_force import InForce, Now
from kleinmaelzung_agent.sending.outbox import Outbox
from kleinmaelzung_agent.sending.states import States
from kleinmaelzung_wire.calibrations import Calibration, Measurand, Points
from kleinmaelzung_wire.messages import State

DUE_US = 1_811_894_400_000_000  # 2027-06-02, when it begins
DAY_US = 86_400_000_000
POINTS = Points(indication=(0.0, 100.0), correction=(0.0, -0.01), U=(0.001, 0.002), k=(2.0, 2.0))
MASS = Measurand(name="mass", channel="weight", unit="g", low=0.0, high=100.0, k=2.0, correction=POINTS)
FOUND = Calibration(
    certificate="K-2026-0001", revision=1, issued=DUE_US - 9 * DAY_US, due="2027-06-02", measurands=(MASS,)
)
WEIGHT: dict[str, Any] = {"value": 100.0, "unit": "g", "quality": "good", "time": 5}


@pytest.fixture
def clock() -> list[Now]:
    """Its last entry is now."""
    return [Now(DUE_US, is_known=True)]


@pytest.fixture
def held(clock: list[Now]) -> InForce:
    made = InForce(lambda: clock[-1])
    assert made.take("balance", FOUND.encode())
    assert made.changed(0) == []
    return made


def test_a_calibrated_channel_has_its_corrected_value_and_the_others_are_as_they_were(held: InForce) -> None:
    room = {"value": 21.5, "unit": "°C", "quality": "good", "time": 5}
    shown = held.latest("balance", {"weight": WEIGHT, "temperature": room})
    assert shown == {
        "weight": {
            **WEIGHT,
            "calibration": {
                "certificate": "K-2026-0001",
                "due": "2027-06-02",
                "overdue": False,
                "corrected": 99.99,
                "U": 0.002,
                "k": 2.0,
            },
        },
        "temperature": room,
    }
    assert "calibration" not in WEIGHT, "what the recorder holds is not touched"


def test_an_instrument_without_a_certificate_is_shown_as_it_was(held: InForce) -> None:
    channels = {"weight": WEIGHT}
    assert held.latest("other", channels) is channels
    assert held.state("other") == {}


def test_what_cannot_be_corrected_says_why(held: InForce) -> None:
    shown = held.latest("balance", {"weight": {**WEIGHT, "value": 120.0}})["weight"]["calibration"]
    assert shown["outside"] == "outside the calibrated range 0 to 100 g"
    assert "corrected" not in shown


def test_overdue_is_said_from_the_day_after_and_only_by_a_clock_that_is_synchronised(
    held: InForce, clock: list[Now]
) -> None:
    assert held.state("balance") == {"certificate": "K-2026-0001", "due": "2027-06-02", "overdue": False}
    clock.append(Now(DUE_US + DAY_US, is_known=True))
    assert held.changed(1) == ["balance"]
    assert held.state("balance")["overdue"] is True
    assert held.latest("balance", {"weight": WEIGHT})["weight"]["calibration"]["overdue"] is True
    assert held.changed(2) == [], "said once"
    clock.append(Now(DUE_US + DAY_US, is_known=False))
    assert held.changed(3) == ["balance"]
    assert held.state("balance") == {"certificate": "K-2026-0001", "due": "2027-06-02"}


def test_a_day_that_ends_is_no_news_of_what_is_never_due(held: InForce, clock: list[Now]) -> None:
    held.take("balance", replace(FOUND, due="").encode())
    clock.append(Now(DUE_US + DAY_US, is_known=True))
    assert held.changed(1) == []


def test_only_what_is_new_is_news_and_an_empty_word_takes_it_away(held: InForce) -> None:
    assert not held.take("balance", FOUND.encode())
    assert held.take("balance", replace(FOUND, revision=2).encode())
    assert held.take("balance", b"")
    assert held.state("balance") == {}
    assert not held.take("balance", b"")


def test_what_is_not_told_again_after_a_connection_is_gone(held: InForce) -> None:
    held.take("other", FOUND.encode())
    held.connected(1000)
    held.take("other", FOUND.encode())
    assert held.changed(999 + in_force.TOLD_AGAIN_NS) == []
    assert held.changed(1000 + in_force.TOLD_AGAIN_NS) == ["balance"]
    assert held.state("balance") == {}
    assert held.state("other") != {}


def test_what_is_not_readable_is_not_kept_nor_is_more_than_is_allowed(
    held: InForce, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert held.take("balance", b"\x80")
    assert held.state("balance") == {}, "what held before does not hold any more"
    monkeypatch.setattr(in_force, "MAX_HELD", 1)
    assert held.take("balance", FOUND.encode())
    assert not held.take("other", FOUND.encode())
    assert held.state("other") == {}


@pytest.fixture
def states(held: InForce) -> Callable[[], tuple[States, Outbox]]:
    def make() -> tuple[States, Outbox]:
        outbox = Outbox()
        return States(outbox, lambda: 7, held.state), outbox

    return make


def test_a_state_says_what_holds_and_begins_no_new_one(
    held: InForce, states: Callable[[], tuple[States, Outbox]]
) -> None:
    made, outbox = states()
    made.show_again("balance")
    assert outbox.take() is None, "nothing is known of it yet"
    made.say("balance", "connected", "")
    sent = outbox.take()
    assert sent is not None
    assert State.decode(sent[2]) == State(state="connected", since=7, calibration=held.state("balance"))
    held.take("balance", b"")
    made.show_again("balance")
    sent = outbox.take()
    assert sent is not None
    assert sent[2] == State(state="connected", since=7).encode()
    made.show_again("balance")
    assert outbox.take() is None, "nothing new"
