"""A command whose time passes while the gateway is without the broker."""

import asyncio

from kleinmaelzung_wire import messages
from tests import sockets
from tests.brokers import PASSWORD, TestBroker
from tests.integration.test_gateway import metric
from tests.integration.test_rights import online_agent, recording
from tests.waiting import until

BALANCE = "pi-1/balance"
HUB = "service:gateway"  # without this account the gateway's own session ends, while those of its users go on


async def hub_is_connected(url: str, expected: bool) -> None:
    async with asyncio.timeout(20):
        while await metric(url, "broker_connected") != expected:
            pass


async def test_a_command_expires_at_once_and_never_reaches_the_agent(broker: TestBroker, gateway_url: str) -> None:
    async with (
        recording(broker) as heard,
        online_agent(gateway_url) as pi,
        sockets.client(gateway_url, "anna", PASSWORD) as anna,
    ):
        await broker.manage([{"command": "disableClient", "username": HUB}])
        await hub_is_connected(gateway_url, False)
        answer = await anna.ask("send", 1, BALANCE, "heat", {}, {"timeout": 0.2, "id": "late"})
        assert (answer[0], answer[2]["result"], answer[2]["id"]) == ("reply", "expired", "late")
        assert answer[2]["reason"] == "the broker was away for longer than the command's timeout"
        assert not await metric(gateway_url, "broker_connected"), "it was answered meanwhile"

        await broker.manage([{"command": "enableClient", "username": HUB}])
        await hub_is_connected(gateway_url, True)
        await until(lambda: heard, "the record")
        assert [(name, record["id"], record["result"]) for name, record in heard] == [(BALANCE, "late", "expired")]
        await anna.send("send", 2, BALANCE, "heat", {}, {"id": "in time"})
        payload = (await pi.expect("message", "balance/command/anna"))[2]
        assert messages.Command.decode(payload, user="anna").id == "in time"


async def test_a_command_waits_for_the_broker_as_long_as_it_holds(broker: TestBroker, gateway_url: str) -> None:
    async with online_agent(gateway_url) as pi, sockets.client(gateway_url, "anna", PASSWORD) as anna:
        await broker.manage([{"command": "disableClient", "username": HUB}])
        await hub_is_connected(gateway_url, False)
        await anna.send("send", 1, BALANCE, "heat", {}, {"timeout": 60, "id": "patient"})
        await broker.manage([{"command": "enableClient", "username": HUB}])
        payload = (await pi.expect("message", "balance/command/anna"))[2]
        assert messages.Command.decode(payload, user="anna").id == "patient"
