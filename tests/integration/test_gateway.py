"""The gateway with a real Mosquitto: sockets on one side, MQTT on the other."""

import asyncio
import contextlib
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import access, descriptions, frames, messages
from tests import sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.waiting import until

CLOCK = frames.Clock(synchronised=True)
STATE = messages.State(state="connected", since=1_764_000_000_000_000).encode()
DESCRIPTION = descriptions.Description(channels=[descriptions.Channel(name="weight", unit="g")], driver="text").encode()
ONLINE = messages.AgentStatus(online=True, nonce="n1").encode()


def frame(number: int, value: float = 1.5) -> bytes:
    return frames.encode(
        frames.Frame(
            epoch=7,
            number=number,
            times=(1_764_000_000_000_000 + number,),
            channels={"weight": [value]},
            units={"weight": "g"},
            clock=CLOCK,
        )
    )


def get(url: str, path: str) -> str:
    with urllib.request.urlopen(url.replace("ws://", "http://") + path, timeout=5) as answer:
        text: str = answer.read().decode()
    return text


async def metric(url: str, name: str) -> float:
    text = await asyncio.to_thread(get, url, "/metrics")
    found = re.search(rf"^kleinmaelzung_gateway_{name} (\S+)$", text, re.MULTILINE)
    assert found, text
    return float(found[1])


async def test_frames_reach_a_watcher_and_a_strange_mqtt_tool(broker: TestBroker, gateway_url: str) -> None:
    heard: list[tuple[str, bytes]] = []
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "otto", PASSWORD) as otto,
        bus.connect(
            broker.stranger("otto"), client_id="x", on_message=lambda m: heard.append((m.topic, m.payload))
        ) as tool,
    ):
        await tool.subscribe("kleinmaelzung/pi-1/balance/data")
        assert (await otto.ask("watch", 1, "pi-1/balance"))[0] == "done"
        await pi.send("publish", "balance/data", frame(1))
        assert (await otto.expect("message", "pi-1/balance/data"))[2] == frame(1)
        await until(lambda: heard, "the tool hears the frame")
        assert heard == [("kleinmaelzung/pi-1/balance/data", frame(1))]


async def test_what_is_retained_comes_first_then_the_answer_then_live(gateway_url: str) -> None:
    async with sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi:
        await pi.send("publish", "balance/state", STATE)
        await pi.send("publish", "balance/description", DESCRIPTION)
        async with sockets.client(gateway_url, "otto", PASSWORD) as otto:

            async def listed() -> list[Any]:
                answer: list[Any] = (await otto.ask("list", 1))[2]
                return answer

            async with asyncio.timeout(10):
                while not any(one["description"] and one["state"] for one in await listed()):
                    pass
            otto.seen.clear()
            await otto.ask("watch", 2, "+/+")
            assert [message[:2] for message in otto.seen] == [
                *sorted([["message", "pi-1/balance/description"], ["message", "pi-1/balance/state"]]),
                ["done", 2],
            ]


async def test_a_stranger_with_json_logs_in_lists_watches_commands(gateway_url: str) -> None:
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        sockets.socket(gateway_url, "/client", sockets.JSON) as anna,
    ):
        await anna.send("hello", {"user": "anna", "password": PASSWORD})
        assert (await anna.expect("welcome"))[1]["user"] == "anna"
        await pi.send("publish", "status", ONLINE)
        await pi.send("publish", "balance/state", STATE)
        async with asyncio.timeout(10):
            while not (listed := (await anna.ask("list", 1))[2]) or not listed[0]["agent"]["online"]:
                pass
        assert listed[0]["instrument"] == "pi-1/balance"
        assert listed[0]["state"]["state"] == "connected"
        await anna.ask("watch", 2, "pi-1/balance")
        await pi.send("publish", "balance/data", frame(1, 2.25))
        assert (await anna.expect("message", "pi-1/balance/data"))[2]["c"] == {"weight": [2.25]}

        await anna.send("send", 3, "pi-1/balance", "tare", {"x": 1}, {"timeout": 5})
        _, tail, payload, options = await pi.expect("message", "balance/command/anna")
        command = messages.Command.decode(payload, user=tail.rpartition("/")[2])
        assert (command.name, command.arguments, command.nonce) == ("tare", {"x": 1}, "n1")
        reply = messages.Reply(id=command.id, name="tare", user="anna", result="done", bytes_in=b"T S\r\n")
        await pi.send("publish", "balance/reply", reply.encode(), options)
        answer = await anna.expect("reply", 3)
        assert answer[2]["result"] == "done"
        assert answer[2]["bytes_in"] == {"$hex": b"T S\r\n".hex()}


async def test_two_watchers_share_one_subscription_and_it_ends_with_the_last(gateway_url: str) -> None:
    async with sockets.client(gateway_url, "otto", PASSWORD) as one:
        await one.ask("watch", 1, "pi-1/balance/data")
        async with sockets.client(gateway_url, "anna", PASSWORD) as two:
            await two.ask("watch", 1, "pi-1/balance/data")
            assert await metric(gateway_url, "broker_subscriptions") == 1
            assert await metric(gateway_url, "watching_sockets") == 2
            text = await asyncio.to_thread(get, gateway_url, "/metrics")
            assert 'subscription_sockets{filter="kleinmaelzung/pi-1/balance/data"} 2\n' in text
        await one.ask("unwatch", 2, "pi-1/balance/data")
        async with asyncio.timeout(10):
            while await metric(gateway_url, "broker_subscriptions"):
                pass


async def test_overlapping_patterns_deliver_each_message_once(gateway_url: str) -> None:
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "otto", PASSWORD) as otto,
    ):
        await otto.ask("watch", 1, "+/+")
        await otto.ask("watch", 2, "pi-1/balance")
        await otto.ask("watch", 3, "pi-1/balance/data")
        await otto.ask("unwatch", 4, "+/+")
        for number in range(1, 6):
            await pi.send("publish", "balance/data", frame(number))
        got = [(await otto.expect("message", "pi-1/balance/data"))[2] for _ in range(5)]
        assert got == [frame(number) for number in range(1, 6)]


async def test_no_frame_is_missed_or_doubled_while_a_watch_begins(gateway_url: str) -> None:
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "otto", PASSWORD) as otto,
    ):

        async def publish() -> None:
            for number in range(1, 501):
                await pi.send("publish", "balance/data", frame(number))
                await asyncio.sleep(0)

        publishing = asyncio.create_task(publish())
        await otto.ask("watch", 1, "pi-1/balance/data")
        numbers = [frames.decode(message[2]).number for message in otto.seen if message[0] == "message"]
        while not numbers or numbers[-1] < 500:
            numbers.append(frames.decode((await otto.expect("message"))[2]).number)
        await publishing
        assert numbers == list(range(numbers[0], 501))


async def test_an_agent_with_a_wrong_secret_is_refused_with_a_sentence(gateway_url: str) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        async with sockets.agent(gateway_url, "pi-1", "wrong"):
            pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    assert "pi-1 is not known with this secret" in closed.value.rcvd.reason


async def test_a_client_without_login_is_refused_and_hears_nothing(gateway_url: str) -> None:
    async with sockets.socket(gateway_url, "/client") as stranger:
        await stranger.send("watch", 1, "+/+")
        with pytest.raises(ConnectionClosed) as closed:
            await stranger.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    assert "log in first" in closed.value.rcvd.reason
    assert stranger.seen == []


async def test_a_wrong_password_is_refused(gateway_url: str) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        async with sockets.client(gateway_url, "anna", "wrong"):
            pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.reason == "user name or password is wrong"


@pytest.mark.parametrize(
    "tail",
    ["../pi-2/balance/data", "pi-2/balance/data", "balance/command", "balance", "logged", "balance/#", "a\x00/data"],
)
async def test_an_agent_cannot_write_anothers_topic(broker: TestBroker, gateway_url: str, tail: str) -> None:
    heard: list[str] = []
    async with (
        bus.connect(
            broker.mosquitto.broker("logger"), client_id="listener", on_message=lambda m: heard.append(m.topic)
        ) as everything,
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
    ):
        for kind in ("data", "command/+"):
            await everything.subscribe(f"kleinmaelzung/+/+/{kind}")
        await pi.send("publish", tail, frame(1))
        refused = await pi.expect("refused")
        assert refused[2] == "bad-message"
        assert len(refused[3]) > 20
        await pi.send("publish", "balance/data", frame(2))
        await until(lambda: heard, "the agent's own topic is heard")
        assert heard == ["kleinmaelzung/pi-1/balance/data"]


async def test_an_agent_over_plain_mqtt_cannot_write_anothers_topic(broker: TestBroker) -> None:
    async with bus.connect(
        broker.stranger("agent:pi-1", AGENT_SECRET), client_id="x", on_message=lambda message: None
    ) as session:
        with pytest.raises(bus.NotPermitted, match="kleinmaelzung/pi-2/balance/state"):
            await session.publish("kleinmaelzung/pi-2/balance/state", STATE, retained=True)
        with pytest.raises(bus.NotPermitted):
            await session.subscribe("kleinmaelzung/pi-2/+/command/+")


async def test_an_observer_may_not_manage_accounts_and_an_admin_may(broker: TestBroker, gateway_url: str) -> None:
    async with sockets.client(gateway_url, "otto", PASSWORD) as otto:
        assert (await otto.ask("access", 1, [{"command": "listClients"}]))[2] == "not-permitted"
    async with sockets.client(gateway_url, "admin", broker.mosquitto.passwords["admin"]) as admin:
        answer = await admin.ask("access", 1, [*access.add_agent("pi-9", "s"), {"command": "listClients"}])
        assert answer[0] == "done"
        assert "agent:pi-9" in answer[2][-1]["data"]["clients"]


async def test_a_command_to_an_absent_agent_is_answered_offline_at_once(gateway_url: str) -> None:
    async with sockets.client(gateway_url, "anna", PASSWORD) as anna:
        answer = await anna.ask("send", 1, "pi-2/balance", "tare", {}, {"timeout": 3000})
        assert (answer[0], answer[2]["result"]) == ("reply", "offline")


async def test_an_agent_that_dies_under_a_command_leaves_the_answer_lost(gateway_url: str) -> None:
    async with sockets.client(gateway_url, "anna", PASSWORD) as anna:
        async with sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi:
            await pi.send("publish", "status", ONLINE)
            await anna.ask("watch", 1, "pi-1/status")
            while not any(m[0] == "message" and msgpack.unpackb(m[2])["online"] for m in anna.seen):
                await anna.receive()
            await anna.send("send", 2, "pi-1/balance", "tare", {}, {"timeout": 3000})
            await pi.expect("message", "balance/command/anna")
            pi.connection.transport.abort()
        answer = await anna.expect("reply", 2)
        assert answer[2]["result"] == "lost"
        assert "not known" in answer[2]["reason"]


async def test_the_same_agent_connecting_again_ends_the_earlier_socket(gateway_url: str) -> None:
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as first,
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as second,
    ):
        with pytest.raises(ConnectionClosed) as closed:
            await first.expect("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4409
        await second.send("publish", "nonsense", b"")
        await second.expect("refused")  # so it lives


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"\x91" * 100, b"\x93\xa5watch\x01\xa3+/+" + b"x", b"\x00" * 1000])
async def test_garbage_is_refused_and_the_socket_lives(gateway_url: str, garbage: bytes) -> None:
    async with sockets.client(gateway_url, "otto", PASSWORD) as otto:
        await otto.connection.send(garbage)
        assert (await otto.expect("refused"))[2] == "bad-message"
        assert (await otto.ask("list", 1))[0] == "done"


async def test_sockets_without_our_subprotocol_and_plain_gets_are_told_what_is_expected(gateway_url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with sockets.socket(gateway_url, "/client", "mqtt"):
            pass
    assert refused.value.response.status_code == 400
    assert b"kleinmaelzung.v1+json" in (refused.value.response.body or b"")
    with pytest.raises(urllib.error.HTTPError) as upgrade:
        await asyncio.to_thread(get, gateway_url, "/client")
    assert upgrade.value.code == 426
    upgrade.value.close()
    with pytest.raises(urllib.error.HTTPError) as missing:
        await asyncio.to_thread(get, gateway_url, "/../config.py")
    assert missing.value.code == 404
    missing.value.close()


async def test_health_says_whether_the_broker_is_there(broker: TestBroker, gateway_url: str) -> None:
    assert '"broker": "connected"' in await asyncio.to_thread(get, gateway_url, "/healthz")
    await broker.stop()
    async with asyncio.timeout(10):
        while await asyncio.to_thread(_status, gateway_url, "/healthz") != 503:
            pass


def _status(url: str, path: str) -> int:
    try:
        get(url, path)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


async def test_after_a_broker_restart_everything_is_subscribed_and_writes_again(
    broker: TestBroker, gateway_url: str
) -> None:
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "otto", PASSWORD) as otto,
    ):
        await otto.ask("watch", 1, "pi-1/balance")
        await broker.stop()
        for socket in (pi, otto):
            with pytest.raises(ConnectionClosed) as closed:
                await socket.expect("never")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
    await broker.start()
    async with asyncio.timeout(10), contextlib.AsyncExitStack() as stack:
        # At once, as agents and clients come back: perhaps before the gateway's own session is.
        pi = await stack.enter_async_context(_eventually(lambda: sockets.agent(gateway_url, "pi-1", AGENT_SECRET)))
        otto = await stack.enter_async_context(_eventually(lambda: sockets.client(gateway_url, "otto", PASSWORD)))
        assert (await otto.ask("watch", 1, "pi-1/balance"))[0] == "done"
        await pi.send("publish", "balance/data", frame(2))
        await otto.expect("message", "pi-1/balance/data")


@contextlib.asynccontextmanager
async def _eventually(
    connect: Callable[[], contextlib.AbstractAsyncContextManager[sockets.Socket]],
) -> AsyncIterator[sockets.Socket]:
    """A socket, once the gateway lets it in."""
    async with contextlib.AsyncExitStack() as stack:
        while True:
            try:
                socket = await stack.enter_async_context(connect())
                break
            except ConnectionClosed:
                await asyncio.sleep(0.05)
        yield socket


async def test_commands_go_on_after_somebody_watched_and_left_the_agents_status(gateway_url: str) -> None:
    async with (
        sockets.agent(gateway_url, "pi-1", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "anna", PASSWORD) as anna,
    ):
        await pi.send("publish", "status", ONLINE)
        await anna.ask("watch", 1, "+/status")
        while not any(m[0] == "message" and msgpack.unpackb(m[2])["online"] for m in anna.seen):
            await anna.receive()
        await anna.ask("unwatch", 2, "+/status")
        await pi.send("publish", "status", messages.AgentStatus(online=False).encode())
        async with asyncio.timeout(10):
            while (answer := await anna.ask("send", 3, "pi-1/balance", "tare", {}, {"timeout": 0.01}))[2][
                "result"
            ] != "offline":
                pass
        assert "not connected" in answer[2]["reason"]


async def test_removing_a_user_ends_the_open_socket(broker: TestBroker, gateway_url: str) -> None:
    async with sockets.client(gateway_url, "otto", PASSWORD) as otto:
        await broker.manage(access.remove_account("otto"))
        with pytest.raises(ConnectionClosed):
            await otto.expect("never")
