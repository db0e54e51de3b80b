"""Retained messages to one map for each instrument."""

import pytest

from kleinmaelzung_bus import packets
from kleinmaelzung_bus.session import Message
from kleinmaelzung_gateway.listing import listing
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.calibrations import Calibration

CALIBRATION = Calibration(certificate="K-2026-0001", revision=1, issued=5, due="2027-06-02")
STATE = messages.State(state="connected", since=1).encode()
ONLINE = messages.AgentStatus(online=True).encode()


def seeds(**payloads: bytes) -> dict[str, Message]:
    return {
        topic: Message(topic, payload, 0, True, packets.Properties())
        for topic, payload in ((f"kleinmaelzung/{tail}", payload) for tail, payload in payloads.items())
    }


def test_nothing_is_an_empty_list() -> None:
    assert listing({}) == []


def test_what_is_known_of_each_is_joined_and_sorted_and_the_rest_is_none() -> None:
    found = listing(
        seeds(
            **{
                "pi-2/meter/state": STATE,
                "pi-1/status": ONLINE,
                "pi-1/scale/latest": b'{"weight":{"value":1.5}}',
                "pi-1/scale/state": STATE,
                "pi-3/status": ONLINE,  # an agent without an instrument
            }
        )
    )
    assert [one["instrument"] for one in found] == ["pi-1/scale", "pi-2/meter"]
    scale, meter = found
    assert scale["latest"] == {"weight": {"value": 1.5}}
    assert scale["state"]["state"] == "connected"
    assert scale["agent"]["online"] is True
    assert scale["description"] is None
    assert (meter["agent"], meter["latest"]) == (None, None)


def test_what_its_certificate_says_is_told_but_makes_no_instrument_of_one_that_is_gone() -> None:
    found = listing(
        seeds(
            **{
                "pi-1/scale/state": STATE,
                "pi-1/scale/calibration": CALIBRATION.encode(),
                "pi-1/sold/calibration": CALIBRATION.encode(),
            }
        )
    )
    assert [(one["instrument"], one["calibration"]) for one in found] == [
        ("pi-1/scale", {"v": 1, **CALIBRATION.to_map()})
    ]


@pytest.mark.parametrize(
    ("tail", "payload"),
    [
        ("pi-2/Meter Nr. 5/state", STATE),  # an agent with MQTT of its own may name it so
        ("pi-2/meter/latest", b"\x81\xa1v\x01"),
        ("pi-2/meter/state", b"\xc1"),
        ("pi-2/status", b""),
    ],
)
def test_what_cannot_be_read_is_left_out_and_said_and_harms_no_other(
    tail: str, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    found = listing(seeds(**{tail: payload, "pi-1/scale/state": STATE}))
    assert [one["instrument"] for one in found] == ["pi-1/scale"]
    assert "cannot be read" in caplog.text
    assert tail in caplog.text
