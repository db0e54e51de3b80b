"""What brokers do with a shared subscription whose member dies: why loggers have none (docs/decisions/0015)."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from kleinmaelzung_bus import session as bus
from kleinmaelzung_local import ports
from kleinmaelzung_local.children import Child, Running
from kleinmaelzung_local.mosquitto import find_mosquitto
from tests.cluster.accounts import client_id, definition, password
from tests.cluster.rabbitmq import running_cluster
from tests.waiting import until

SHARED: Final = "$share/loggers/kleinmaelzung/+/+/data"
TOPIC: Final = "kleinmaelzung/pi-1/balance/data"


class Member:
    """One of a group, which acknowledges nothing or all."""

    def __init__(self, port: int, name: str, *, acknowledges: bool) -> None:
        self.got: list[int] = []
        self.granted: list[bool] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5, manual_ack=not acknowledges)
        self._client.on_message = lambda client, data, message: self.got.append(int(message.payload))
        self._client.on_subscribe = lambda client, data, mid, codes, properties: self.granted.extend(
            not code.is_failure for code in codes
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(SHARED, qos=1)

    def publish(self, number: int) -> None:
        self._client.publish(TOPIC, str(number), qos=1)

    def die(self) -> None:
        """Without a goodbye."""
        sock: Any = self._client.socket()
        self._client.loop_stop()
        sock.close()

    def end(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """Of a Mosquitto for everybody: only what it does with messages is asked."""
    chosen = ports.find_free()
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(f"listener {chosen} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 500\n")

    async def is_ready() -> bool:
        return not ports.is_free(chosen)

    child = Child(name="mosquitto", command=[find_mosquitto(), "-c", str(configuration)], is_ready=is_ready)
    running = Running(child, tmp_path / "mosquitto.log")
    await running.start()
    try:
        yield chosen
    finally:
        await running.stop()


async def test_mosquitto_gives_nobody_what_a_dead_member_has_not_acknowledged(port: int) -> None:
    with contextlib.ExitStack() as stack:
        dead, living = Member(port, "dead", acknowledges=False), Member(port, "living", acknowledges=True)
        stack.callback(living.end)
        await until(lambda: dead.granted == living.granted == [True], "both are members")
        for number in range(100):
            living.publish(number)
        await until(lambda: len(dead.got) + len(living.got) == 100, "each message goes to one of them")
        assert dead.got
        dead.die()
        for number in range(100, 200):
            living.publish(number)
        await until(lambda: len(living.got) > 100, "what comes later goes to who is left")
        assert set(dead.got) - set(living.got), "not what the dead one had"


@pytest.mark.usefixtures("needs_rabbitmq")
async def test_rabbitmq_grants_a_shared_subscription_and_delivers_nothing(tmp_path: Path) -> None:
    """It says in CONNACK that it has none, and then takes the filter for an ordinary one that nothing matches."""
    anything = definition("service:logger")
    anything["topic_permissions"][0].update(read=".*", write=".*")
    heard: list[bus.Message] = []
    async with running_cluster(tmp_path, [anything], size=1) as cluster:
        account = cluster.nodes[0].broker("service:logger", password("service:logger"))
        async with bus.connect(account, client_id=client_id("service:logger"), on_message=heard.append) as session:
            await session.subscribe(SHARED)
            assert await session.publish(TOPIC, b"1") is False, "nobody is subscribed"
            await session.subscribe("kleinmaelzung/+/+/data")
            assert await session.publish(TOPIC, b"2") is True
            await until(lambda: heard, "an ordinary subscription gets it")
    assert [message.payload for message in heard] == [b"2"]
