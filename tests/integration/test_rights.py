"""Who may command and watch what: sockets, a gateway and a real broker, and what is recorded where it is refused."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import access, ledger, messages, topics
from kleinmaelzung_wire.rights import Rights
from tests import sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.integration.test_gateway import ONLINE, STATE, frame
from tests.waiting import until

NELE = Rights(role="operator", instruments=("pi-1/balance", "pi-2/+"))
Refused = list[tuple[str, dict[str, Any]]]


@pytest.fixture
async def nele(broker: TestBroker) -> None:
    """An operator of pi-1/balance and of pi-2."""
    await broker.manage(access.add_user("nele", PASSWORD, NELE.role, NELE.instruments))
    admin = broker.mosquitto.broker("admin")
    async with bus.connect(admin, client_id="rights", on_message=lambda message: None) as session:
        await session.publish(topics.rights("nele"), NELE.to_json().encode(), retained=True)


@asynccontextmanager
async def recording(broker: TestBroker) -> AsyncIterator[Refused]:
    """What a logger hears of commands that no agent saw."""
    heard: Refused = []
    async with bus.connect(
        broker.mosquitto.broker("logger"),
        client_id="records",
        on_message=lambda message: heard.append(ledger.decode_refused(message.payload)),
    ) as session:
        await session.subscribe(topics.any_refused(), qos=1)
        yield heard


@asynccontextmanager
async def online_agent(url: str) -> AsyncIterator[sockets.Socket]:
    async with sockets.agent(url, "pi-1", AGENT_SECRET) as pi:
        await pi.send("publish", "status", ONLINE)
        for instrument in ("balance", "oven"):
            await pi.send("publish", f"{instrument}/state", STATE)
        async with sockets.client(url, "otto", PASSWORD) as otto:
            await otto.ask("watch", 1, "pi-1/status")
            if not any(message[0] == "message" for message in otto.seen):
                await otto.expect("message", "pi-1/status")
        yield pi


@pytest.mark.parametrize(
    ("user", "instrument", "command"),
    [
        ("otto", "pi-1/balance", "tare"),  # an observer
        ("nele", "pi-1/oven", "heat"),  # an operator of another instrument
        ("anna", "pi-1/balance", "_raw"),  # an operator, who is no admin
    ],
)
async def test_who_may_not_command_is_told_so_and_nothing_reaches_the_agent(
    broker: TestBroker, gateway_url: str, nele: None, user: str, instrument: str, command: str
) -> None:
    async with recording(broker) as heard, online_agent(gateway_url) as pi:
        async with sockets.client(gateway_url, user, PASSWORD) as person:
            answer = await person.ask("send", 1, instrument, command, {"x": 1}, {"id": "mine"})
            assert (answer[0], answer[2]["result"], answer[2]["id"]) == ("reply", "not-permitted", "mine")
        await until(lambda: heard, "the record")
        ((name, record),) = heard
        assert (name, record["user"], record["name"], record["arguments"]) == (instrument, user, command, {"x": 1})
        assert (record["id"], record["result"], record["origin"]) == ("mine", "not-permitted", person.session)
        async with sockets.client(gateway_url, "anna", PASSWORD) as anna:
            await anna.send("send", 1, "pi-1/balance", "tare")
            await pi.expect("message", "balance/command/anna")
        assert [message[1] for message in pi.seen if "/command/" in str(message[1])] == ["balance/command/anna"]
        assert not [message for message in pi.seen if "/raw/" in str(message[1])]


async def test_an_operator_of_one_instrument_commands_it(gateway_url: str, nele: None) -> None:
    async with online_agent(gateway_url) as pi, sockets.client(gateway_url, "nele", PASSWORD) as person:
        await person.send("send", 1, "pi-1/balance", "tare", {}, {"id": "again"})
        payload = (await pi.expect("message", "balance/command/nele"))[2]
        assert messages.Command.decode(payload, user="nele").id == "again"


async def test_not_permitted_comes_before_offline(broker: TestBroker, gateway_url: str) -> None:
    async with recording(broker) as heard:
        for user, result in (("otto", "not-permitted"), ("anna", "offline")):
            async with sockets.client(gateway_url, user, PASSWORD) as person:
                answer = await person.ask("send", 1, "pi-2/balance", "tare", {}, {"timeout": 3000})
                assert answer[2]["result"] == result
        await until(lambda: len(heard) == 2, "both are recorded")
        assert [record["result"] for _, record in heard] == ["not-permitted", "offline"]


async def test_a_record_waits_until_somebody_logs_it(broker: TestBroker, gateway_url: str) -> None:
    async with sockets.client(gateway_url, "anna", PASSWORD) as anna:
        for number in range(3):
            await anna.ask("send", number, "pi-2/balance", "tare", {}, {"id": f"c{number}"})
        async with recording(broker) as heard:
            await until(lambda: len(heard) == 3, "all are sent once a logger is there")
            assert [record["id"] for _, record in heard] == ["c0", "c1", "c2"]


async def test_a_stranger_by_mqtt_cannot_command_in_anothers_name(broker: TestBroker, gateway_url: str) -> None:
    async with online_agent(gateway_url) as pi:
        async with bus.connect(broker.stranger("anna"), client_id="x", on_message=lambda message: None) as anna:
            for user in ("otto", "admin"):
                with pytest.raises(bus.NotPermitted):
                    await anna.publish(topics.command("pi-1", "balance", user), b"forged")
            await anna.publish(topics.command("pi-1", "balance", "anna"), b"own")
        received = await pi.expect("message", "balance/command/anna")
        assert received[2] == b"own"
        assert not [message for message in pi.seen if b"forged" in message]


async def test_everything_is_what_is_granted(gateway_url: str, nele: None) -> None:
    async with online_agent(gateway_url) as pi, sockets.client(gateway_url, "nele", PASSWORD) as person:
        listed = await person.ask("list", 1)
        assert [entry["instrument"] for entry in listed[2]] == ["pi-1/balance"]
        assert (await person.ask("watch", 2, "+/+"))[0] == "done"
        assert (await person.ask("watch", 3, "+/status"))[0] == "done"
        assert (await person.ask("watch", 4, "pi-1/oven"))[2] == "not-permitted"
        assert (await person.ask("watch", 5, "pi-3/+"))[2] == "not-permitted"
        await pi.send("publish", "oven/data", frame(1))
        await pi.send("publish", "balance/data", frame(2))
        assert (await person.expect("message", "pi-1/balance/data"))[2] == frame(2)
        topics_seen = {message[1] for message in person.seen if message[0] == "message"}
        assert topics_seen == {"pi-1/balance/state", "pi-1/status", "pi-1/balance/data"}


@pytest.mark.parametrize(
    "change",
    [
        access.remove_account("anna"),
        access.change_user("anna", Rights(role="observer")),
        [{"command": "setClientPassword", "username": "anna", "password": "another"}],
        [{"command": "disableClient", "username": "anna"}],
    ],
    ids=["removed", "changed", "password", "disabled"],
)
async def test_a_change_of_an_account_ends_its_sockets_and_sessions(
    broker: TestBroker, gateway_url: str, change: list[dict[str, object]]
) -> None:
    async with (
        sockets.client(gateway_url, "anna", PASSWORD) as socket,
        sockets.client(gateway_url, "otto", PASSWORD) as otto,
        bus.connect(broker.stranger("anna"), client_id="anna", on_message=lambda message: None) as session,
    ):
        await socket.ask("watch", 1, "pi-1/balance")
        await broker.manage(change)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.expect("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "the account was changed or removed"
        await until(lambda: session.is_lost, "the MQTT session has ended")
        assert (await otto.ask("list", 1))[0] == "done"


async def test_new_rights_hold_as_soon_as_the_old_sessions_have_ended(broker: TestBroker, gateway_url: str) -> None:
    await broker.manage(access.change_user("anna", Rights(role="operator", instruments=("pi-2/+",))))
    async with sockets.client(gateway_url, "anna", PASSWORD) as anna:
        assert (await anna.ask("send", 1, "pi-1/balance", "tare"))[2]["result"] == "not-permitted"
        assert (await anna.ask("send", 2, "pi-2/balance", "tare"))[2]["result"] == "offline"


async def test_only_an_admin_tells_rights(broker: TestBroker, gateway_url: str) -> None:
    async with sockets.client(gateway_url, "anna", PASSWORD) as anna:
        assert (await anna.ask("rights", 1, "anna", {"role": "admin", "instruments": ["+/+"]}))[2] == "not-permitted"
    async with sockets.client(gateway_url, "admin", broker.mosquitto.passwords["admin"]) as admin:
        assert await admin.ask("rights", 1, "anna", {"role": "observer", "instruments": ["a/b"]}) == ["done", 1, None]
        assert (await admin.ask("rights", 2, "anna", {"role": "king", "instruments": ["a/b"]}))[2] == "bad-message"
        assert (await admin.ask("rights", 3, "anna", {"role": b"king", "instruments": ["a/b"]}))[2] == "bad-message"


@pytest.mark.parametrize("ends", ["closed", "killed", "removed"])
async def test_agents_hear_when_a_session_that_took_something_ends(
    broker: TestBroker, gateway_url: str, ends: str
) -> None:
    async with online_agent(gateway_url) as pi, sockets.client(gateway_url, "anna", PASSWORD) as anna:
        await anna.send("send", 1, "pi-1/balance", "_take", {"duration_s": 60})
        came = await pi.expect("message", f"_client/anna/{anna.session}/online")
        assert came[2]
        if ends == "closed":
            await anna.connection.close()
        elif ends == "killed":
            anna.connection.transport.abort()
        else:
            await broker.manage(access.remove_account("anna"))
        went = await pi.expect("message", f"_client/anna/{anna.session}/online")
        assert went[2] == b""


async def test_an_account_of_an_earlier_version_keeps_its_meaning(broker: TestBroker, gateway_url: str) -> None:
    accounts = broker.mosquitto.directory / "dynamic-security.json"
    await broker.stop()
    state = json.loads(accounts.read_text())
    for client in state["clients"]:
        if client["username"] in ("anna", "otto"):
            del client["textdescription"]
            client["roles"].append({"rolename": "operator" if client["username"] == "anna" else "observer"})
    state["roles"] += [{"rolename": role, "acls": []} for role in ("observer", "operator", "admin")]
    accounts.write_text(json.dumps(state))
    broker.mosquitto.write()
    await broker.start()
    for user, result in (("otto", "not-permitted"), ("anna", "offline")):
        async with sockets.client(gateway_url, user, PASSWORD) as person:
            assert (await person.ask("send", 1, "pi-2/balance", "tare"))[2]["result"] == result
