"""Bad input over sockets and MQTT, beyond test_front_door.py and test_strangers.py: its answer, and the others go on.

docs/bad-inputs.md is the whole list.
"""

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import access, codec, topics
from tests import rude, sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.rude import BINARY, CONTINUATION, PING, TEXT, frame, handshake, header
from tests.streaming import healthy
from tests.unit.wire.test_codec import HOSTILE, HOSTILE_JSON
from tests.waiting import until

OTTO = sockets.basic("otto", PASSWORD)
WRONG_NAMES = {
    "plus": "+",
    "hash": "#",
    "slash": "a/b",
    "slash at the end": "balance/",
    "dollar": "$SYS",
    "NUL": "balance\x00",
    "line end": "balance\n",
    "carriage return": "a\rb",
    "two dots": "..",
    "U+FFFF": "balance\uffff",
    "33 characters": "a" * 33,
    "Cyrillic look-alike": "b\u0430lance",
    "full width": "\uff42alance",
    "long s": "\u017fcale",
    "Kelvin sign": "\u212aelvin",
    "Arabic digit": "\u0661",
    "upper case": "Balance",
    "a service's": "_service",
    "nothing": "",
}
MEMORY = 1_000_000  # what a header of 4 G may cost everything in this process


async def refused_login(url: str, path: str, name: str, password: str) -> tuple[int, str]:
    async with rude.connected(url) as one:
        await one.ask(path, handshake(url) | sockets.basic(name, password))
        assert one.status == 101
        return await one.closing()


@contextmanager
def little_memory(limit: int = MEMORY) -> Iterator[None]:
    """Gateway, clients and all are in this process, so all of them together take no more than this."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak / 1e6:.1f} MB"


# --- rows 1 and 5: who comes, and speaking what -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name", "account", "password", "sentence"),
    [
        ("/client", "otto", "otto", PASSWORD, "user name or password is wrong"),
        ("/agent", "pi-2", "agent:pi-2", AGENT_SECRET, "agent pi-2 is not known with this secret"),
    ],
)
async def test_an_account_that_was_removed_is_answered_like_a_wrong_password(
    broker: TestBroker, gateway_url: str, path: str, name: str, account: str, password: str, sentence: str
) -> None:
    async with healthy(gateway_url):
        await broker.manage(access.remove_account(account))
        code, reason = await refused_login(gateway_url, path, name, password)
        assert (code, reason[: len(sentence)]) == (4401, sentence)


@pytest.mark.parametrize(
    "offered", ["", "mqtt", "lab.v1", "kleinmaelzung.v2+msgpack", "kleinmaelzung.v1", sockets.JSON]
)
async def test_without_a_subprotocol_of_ours_no_socket_is_opened(gateway_url: str, offered: str) -> None:
    async with healthy(gateway_url), rude.connected(gateway_url) as one:
        headers = handshake(gateway_url, offered)
        if not offered:
            del headers["Sec-WebSocket-Protocol"]
        await one.ask("/agent", headers | sockets.basic("pi-2", AGENT_SECRET))
        assert (one.status, sockets.MSGPACK in one.body) == (400, True)


# --- rows 6 to 14: frames and messages --------------------------------------------------------------------------------


async def test_bytes_where_text_is_due_are_told_and_then_closed(gateway_url: str) -> None:
    async with healthy(gateway_url), sockets.client(gateway_url, "otto", PASSWORD, sockets.JSON) as otto:
        for _ in range(2):
            await otto.connection.send(msgpack.packb(["list", 1, "+/+"]))
            assert (await otto.expect("refused"))[2] == "bad-message"
        await otto.connection.send(b"\x93")
        with pytest.raises(ConnectionClosed) as closed:
            await otto.expect("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (header(BINARY, 2**62), 1009),
        (header(BINARY, 2**63 - 1), 1009),
        (header(BINARY, 256 * 1024 + 1), 1009),
        (frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 1100, 1009),
        (frame(PING, b"") * 100, 1008),
        (frame(0xA, b"") * 100, 1008),
    ],
    ids=["claims 2^62", "claims 2^63", "claims one too many", "empty fragments", "pings", "pongs"],
)
@pytest.mark.parametrize("path", ["/client", "/agent"])
async def test_what_is_closed_says_its_code_and_costs_no_memory(
    gateway_url: str, path: str, sent: bytes, code: int
) -> None:
    # So little is on the way that the close frame cannot get lost: exactly this code, and no other.
    who = OTTO if path == "/client" else sockets.basic("pi-2", AGENT_SECRET)
    async with healthy(gateway_url), rude.upgraded(gateway_url, path, headers=who) as one:
        with little_memory():
            await one.write(sent)
            assert (await one.closing())[0] == code


@pytest.mark.parametrize("path", ["/client", "/agent"])
@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
async def test_a_message_that_is_none_is_told_and_the_third_ends_the_socket(
    gateway_url: str, path: str, payload: bytes
) -> None:
    name, secret = ("otto", PASSWORD) if path == "/client" else ("pi-2", AGENT_SECRET)
    async with healthy(gateway_url):
        async with sockets.socket(gateway_url, path, headers=sockets.basic(name, secret)) as one:
            await one.expect("welcome")
            for _ in range(2):
                await one.connection.send(payload)
                assert "bad-message" in await one.expect("refused")
            await one.connection.send(payload)
            with pytest.raises(ConnectionClosed) as closed:
                await one.expect("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007


@pytest.mark.parametrize("payload", [one for one in HOSTILE_JSON if isinstance(one, str)], ids=lambda one: one[:12])
async def test_json_that_is_none_is_told_and_the_socket_lives(gateway_url: str, payload: str) -> None:
    async with healthy(gateway_url), sockets.client(gateway_url, "otto", PASSWORD, sockets.JSON) as otto:
        await otto.connection.send(payload)
        assert (await otto.expect("refused"))[2] == "bad-message"
        assert (await otto.ask("list", 1))[0] == "done"


async def test_text_that_is_not_utf_8_ends_the_socket(gateway_url: str) -> None:
    async with healthy(gateway_url), rude.upgraded(gateway_url, "/client", sockets.JSON, OTTO) as one:
        await one.write(frame(TEXT, b'["list", "\xff"]'))
        assert (await one.closing())[0] == 1007


async def test_no_payload_of_an_agent_troubles_those_who_watch_it(gateway_url: str) -> None:
    """The gateway hands an agent's bytes on unread; only for JSON it must decode them."""
    async with (
        healthy(gateway_url) as stream,
        sockets.agent(gateway_url, "pi-2", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "otto", PASSWORD, sockets.JSON) as otto,
        sockets.client(gateway_url, "otto", PASSWORD) as other,
    ):
        for one in (otto, other):
            assert (await one.ask("watch", 1, "pi-2/balance/data"))[0] == "done"
        for payload in HOSTILE.values():
            if len(payload) > codec.MAX_BYTES:
                continue  # no socket takes it
            await pi.send("publish", "balance/data", payload)
            shown = (await otto.expect("message", "pi-2/balance/data"))[2]
            assert shown == ({"$hex": payload.hex()} if payload else None)
            assert (await other.expect("message", "pi-2/balance/data"))[2] == payload
            await stream.flows()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
async def test_json_shows_null_for_what_is_no_number(gateway_url: str, value: float) -> None:
    async with (
        healthy(gateway_url),
        sockets.agent(gateway_url, "pi-2", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "otto", PASSWORD, sockets.JSON) as otto,
    ):
        assert (await otto.ask("watch", 1, "pi-2/balance/data"))[0] == "done"
        await pi.send("publish", "balance/data", msgpack.packb({"c": {"mass": [value, -0.0]}}))
        text = await otto.connection.recv()
        assert json.loads(text)[2] == {"c": {"mass": [None, -0.0]}}
        assert "NaN" not in str(text)


# --- rows 18 and 19: names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRONG_NAMES.values(), ids=WRONG_NAMES)
async def test_a_name_that_is_none_is_refused_at_every_door(broker: TestBroker, gateway_url: str, name: str) -> None:
    heard: list[str] = []
    ear = bus.connect(broker.mosquitto.broker("logger"), client_id="ear", on_message=lambda m: heard.append(m.topic))
    async with (
        healthy(gateway_url),
        ear as session,
        sockets.agent(gateway_url, "pi-2", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "otto", PASSWORD) as otto,
    ):
        for kind in ("data", "state", "reply"):
            await session.subscribe(f"{topics.ROOT}/+/+/{kind}")
        for tail in (f"{name}/data", f"balance/{name}", f"{name}/state", f"../pi-1/{name}/data"):
            await pi.send("publish", tail, b"forged")
            assert (await pi.expect("refused"))[2] == "bad-message"
        questions: list[list[Any]] = [
            ["send", 2, f"pi-1/{name}", "tare"],
            ["send", 3, f"{name}/balance", "tare"],
            ["request", 4, name, {"request": "completeness"}],
        ]
        if name != "+":  # here it stands for all names
            questions += [["watch", 5, f"pi-1/{name}"], ["list", 6, f"{name}/balance"]]
        for question in questions:
            assert (await otto.ask(*question))[2] == "bad-message", question
        for path in ("/client", "/agent"):
            async with sockets.socket(gateway_url, path) as unnamed:
                await unnamed.send("hello", {"user": name, "password": "x", "agent": name, "secret": "x"})
                with pytest.raises(ConnectionClosed) as closed:
                    await unnamed.expect("never")
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 4401
        # The same session of the broker still takes what is right, and nothing else ever came of it.
        await pi.send("publish", "balance/data", b"right")
        assert (await otto.ask("list", 7))[0] == "done"
        await until(lambda: "kleinmaelzung/pi-2/balance/data" in heard, "the agent's own topic is heard")
        assert {topic for topic in heard if "pi-1/balance/data" not in topic} == {"kleinmaelzung/pi-2/balance/data"}


# --- rows 29 to 31: MQTT ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retained", [False, True], ids=["live", "retained"])
async def test_an_agents_account_by_mqtt_writes_in_nobody_elses_name(
    broker: TestBroker, gateway_url: str, retained: bool
) -> None:
    heard: list[bytes] = []
    ear = bus.connect(broker.mosquitto.broker("logger"), client_id="ear", on_message=lambda m: heard.append(m.payload))
    async with healthy(gateway_url) as stream, ear as session:
        for kind in ("data", "state", "command/+"):
            await session.subscribe(f"{topics.ROOT}/+/+/{kind}")
        tool = bus.connect(broker.stranger("agent:pi-2", AGENT_SECRET), client_id="x", on_message=lambda m: None)
        async with tool as pi:
            for topic in (
                "kleinmaelzung/pi-1/balance/data",
                "kleinmaelzung/pi-1/balance/state",
                "kleinmaelzung/pi-1/balance/command/anna",
                "kleinmaelzung/pi-1/logged",
                "$CONTROL/dynamic-security/v1",
                "$SYS/broker/uptime",
            ):
                with pytest.raises(bus.NotPermitted):
                    await pi.publish(topic, b"forged", retained=retained)
            await pi.publish("kleinmaelzung/pi-2/balance/state", b"right")
        await until(lambda: b"right" in heard, "its own is heard")
        assert b"forged" not in heard
        await stream.flows()


@pytest.mark.parametrize(
    "topic_filter", ["#", "$SYS/#", "$share/x/#", "$share/x/kleinmaelzung/#", "kleinmaelzung/+/+/+"]
)
async def test_who_asks_for_everything_disturbs_nobody(broker: TestBroker, gateway_url: str, topic_filter: str) -> None:
    heard: list[str] = []
    tool = bus.connect(broker.stranger("otto"), client_id="x", on_message=lambda m: heard.append(m.topic))
    async with healthy(gateway_url) as stream, tool as otto:
        with pytest.raises(bus.NotPermitted):
            await otto.subscribe(topic_filter)
        await stream.flows()
        await otto.subscribe("kleinmaelzung/pi-1/balance/data")
        await stream.flows()
        await until(lambda: heard, "what it may hear comes")
        assert heard == ["kleinmaelzung/pi-1/balance/data"]


@pytest.mark.parametrize("size", [1024 * 1024, 16 * 1024 * 1024], ids=["1 MiB", "16 MiB"])
async def test_a_packet_above_the_brokers_limit_ends_its_own_connection_only(
    broker: TestBroker, gateway_url: str, size: int
) -> None:
    tool = bus.connect(broker.stranger("agent:pi-2", AGENT_SECRET), client_id="x", on_message=lambda m: None)
    async with healthy(gateway_url), tool as pi:
        pi.publish_soon("kleinmaelzung/pi-2/balance/data", bytes(size))
        with pytest.raises(bus.BusLost):
            async with asyncio.timeout(20):
                await pi.wait_lost()
