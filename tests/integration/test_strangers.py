"""MQTT tools of strangers at the broker: who they say they are, what they publish, what they listen to, how much."""

import asyncio

import aiomqtt
import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import topics
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.integration.test_front_door import listening
from tests.streaming import healthy
from tests.waiting import until


def ignore(message: bus.Message) -> None:
    """Nobody listens."""


async def test_nobody_connects_without_a_name_and_a_right_password(broker: TestBroker, gateway_url: str) -> None:
    async with healthy(gateway_url):
        for port in (broker.mosquitto.port, broker.mosquitto.internal_port):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, identifier="logger"):
                    pass
        for user, password in (("otto", "wrong"), ("nobody", PASSWORD), ("", ""), ("service:gateway", PASSWORD)):
            with pytest.raises(bus.NotPermitted):
                async with bus.connect(broker.stranger(user, password), client_id="x", on_message=ignore):
                    pass


async def test_a_stranger_with_a_services_client_id_takes_nobodys_session_over(broker: TestBroker) -> None:
    async with listening(broker) as (running, url), healthy(url):
        names = [f"service:gateway:{running._started}", "service:gateway", "service:logger", "agent:pi-1", "anna"]
        for name in names:
            async with bus.connect(broker.stranger("otto"), client_id=name, on_message=ignore) as session:
                await session.subscribe(topics.any_status())
        assert running.hub.is_connected


@pytest.mark.parametrize(
    "topic",
    [
        "kleinmaelzung/pi-1/balance/data",
        "kleinmaelzung/pi-1/balance/command",
        "kleinmaelzung/pi-1/balance/command/anna",
        "kleinmaelzung/pi-1/balance/command/otto",
        "kleinmaelzung/pi-1/balance/raw/otto",
        "kleinmaelzung/pi-1/logged",
        "kleinmaelzung/_client/anna/s1/inbox",
        "$CONTROL/dynamic-security/v1",
        "$SYS/broker/uptime",
        "something/else",
    ],
)
async def test_what_a_viewer_publishes_reaches_nobody(broker: TestBroker, gateway_url: str, topic: str) -> None:
    heard: list[bus.Message] = []
    everything = broker.mosquitto.broker("admin")
    async with (
        healthy(gateway_url),
        bus.connect(everything, client_id="ear", on_message=heard.append) as ear,
        bus.connect(broker.stranger("otto"), client_id="otto", on_message=ignore) as otto,
    ):
        for topic_filter in ("kleinmaelzung/+/+/data", "kleinmaelzung/+/status", "$SYS/broker/uptime"):
            await ear.subscribe(topic_filter)
        for retained in (False, True):
            with pytest.raises(bus.NotPermitted):
                await otto.publish(topic, b"forged", retained=retained)
            otto.publish_soon(topic, b"forged", retained=retained)
        await otto.subscribe("kleinmaelzung/pi-1/balance/data")  # after its answer all of the above was dealt with
    assert not [message for message in heard if message.payload == b"forged"]


@pytest.mark.parametrize(
    "topic_filter", ["#", "+/#", "$SYS/#", "$CONTROL/#", "kleinmaelzung/#", "$share/x/#", "$share/x/kleinmaelzung/#",
                     "kleinmaelzung/_client/#", "kleinmaelzung/_client/anna/#", "$share/x/kleinmaelzung/_client/anna/#"]
)  # fmt: skip
async def test_who_asks_for_everything_hears_nothing_that_is_not_theirs(broker: TestBroker, topic_filter: str) -> None:
    heard: list[str] = []
    done: list[str] = []
    inbox = "kleinmaelzung/_client/anna/s1/inbox"
    async with (
        bus.connect(broker.stranger("otto"), client_id="x", on_message=lambda m: heard.append(m.topic)) as otto,
        bus.connect(broker.stranger("anna"), client_id="x", on_message=lambda m: done.append(m.topic)) as anna,
        bus.connect(broker.stranger("agent:pi-1", AGENT_SECRET), client_id="x", on_message=ignore) as pi,
    ):
        await anna.subscribe(inbox)
        with pytest.raises(bus.NotPermitted):
            await otto.subscribe(topic_filter)
        await pi.publish(inbox, b"for anna's eyes")
        await until(lambda: done, "anna hears it")
        assert heard == []


async def test_a_packet_that_is_too_large_ends_only_its_own_connection(broker: TestBroker, gateway_url: str) -> None:
    async with (
        healthy(gateway_url),
        bus.connect(broker.stranger("anna"), client_id="x", on_message=ignore) as anna,
    ):
        anna.publish_soon("kleinmaelzung/pi-1/balance/command/anna", bytes(2 * 1024 * 1024))
        with pytest.raises(bus.BusLost):
            async with asyncio.timeout(20):
                await anna.wait_lost()
