"""A broker that ends the session of whom it refuses, and rules of an earlier version: the agent's next one lasts."""

from typing import Any

import pytest

from kleinmaelzung_bus.session import BusLost
from kleinmaelzung_gateway.agents import AgentSocket
from kleinmaelzung_wire import sockets, topics


class Reached(Exception):
    """The session came as far as the filter behind the one that is refused."""


class Session:
    """Ends when it is asked for what certificates say."""

    async def subscribe(self, topic_filter: str, *, qos: int = 0) -> None:
        if topic_filter == topics.calibrations("pi-1"):
            raise BusLost("the connection to the broker ended")
        if topic_filter == topics.logged("pi-1"):
            raise Reached


class Socket:
    """Of an agent that sends nothing."""

    subprotocol = sockets.MSGPACK


def connected(uninformed: set[str] | None) -> AgentSocket:
    websocket: Any = Socket()
    unused: Any = None
    return AgentSocket(websocket, "pi-1", unused, unused, uninformed)


async def test_after_a_session_that_ended_when_it_asked_the_next_goes_on_without(
    caplog: pytest.LogCaptureFixture,
) -> None:
    session: Any = Session()
    uninformed = set[str]()
    for expected in (BusLost, Reached, BusLost, Reached):
        with pytest.raises(expected):
            await connected(uninformed).run(session)
    assert "pi-1 does not learn of calibrations: its last session ended" in caplog.text


async def test_where_refusals_are_answers_a_lost_broker_is_no_refusal() -> None:
    session: Any = Session()
    for _ in range(2):
        with pytest.raises(BusLost):
            await connected(None).run(session)
