"""The public view: whoever says no name may watch, and nothing else; without it nobody gets in."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import access, ledger, messages, topics
from kleinmaelzung_wire.rights import PUBLIC, Rights
from tests import gateways, sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.integration.test_access import may_publish, may_subscribe
from tests.integration.test_gateway import DESCRIPTION, ONLINE, STATE, frame, get
from tests.integration.test_login_link import hello
from tests.integration.test_up import up
from tests.waiting import until

RULES = access.user_rules(PUBLIC, Rights(role="public"))


@pytest.fixture
async def public_url(broker: TestBroker) -> AsyncIterator[str]:
    """A gateway with a public view."""
    await broker.manage(access.add_account(PUBLIC, PASSWORD, RULES))
    async with gateways.running_gateway(broker, public_password=PASSWORD) as running:
        yield gateways.url(running)


async def test_a_stranger_lists_and_watches_every_instrument(public_url: str) -> None:
    async with (
        sockets.agent(public_url, "pi-1", AGENT_SECRET) as pi,
        sockets.socket(public_url, "/client", sockets.JSON) as stranger,
    ):
        held = messages.Control(user="anna", session="s1", since=1, until=2).encode()
        for kind, payload in (("description", DESCRIPTION), ("state", STATE), ("control", held)):
            await pi.send("publish", f"balance/{kind}", payload)
        await pi.send("publish", "status", ONLINE)
        await stranger.send("hello", {})
        welcome = (await stranger.expect("welcome"))[1]
        assert (welcome["user"], "password" in welcome) == ("public", False)
        for pattern in ("+/+", "+/+/control", "+/+/latest", "+/status", "_service/+/status"):
            assert (await stranger.ask("watch", 1, pattern))[0] == "done", pattern
        await stranger.ask("watch", 1, "pi-1/balance/state")
        await pi.send("publish", "balance/data", frame(1))
        await stranger.expect("message", "pi-1/balance/data")
        found: list[object] = []
        while not found:  # until what the agent said has reached the broker
            found = [one["control"]["user"] for one in (await stranger.ask("list", 2))[2] if one["control"]]
        assert found == ["anna"]


@pytest.mark.parametrize(
    "asked",
    [
        ["send", "pi-1/balance", "tare"],
        ["send", "pi-1/balance", "_take", {"duration_s": 5}],
        ["send", "pi-1/balance", "_raw", {"bytes": {"$hex": "00"}}],
    ],
    ids=lambda asked: asked[2],
)
async def test_a_stranger_commands_nothing_and_leaves_no_record(
    broker: TestBroker, public_url: str, asked: list[object]
) -> None:
    recorded: list[str] = []
    async with (
        bus.connect(
            broker.mosquitto.broker("logger"),
            client_id="records",
            on_message=lambda message: recorded.append(ledger.decode_refused(message.payload)[1]["user"]),
        ) as logger,
        sockets.agent(public_url, "pi-1", AGENT_SECRET) as pi,
        sockets.socket(public_url, "/client", sockets.JSON) as stranger,
        sockets.client(public_url, "otto", PASSWORD) as otto,
    ):
        await logger.subscribe(topics.any_refused(), qos=1)
        await pi.send("publish", "status", ONLINE)
        await stranger.send("hello", {})
        answer = await stranger.ask(str(asked[0]), 1, *asked[1:])
        assert (answer[0], answer[2]["result"]) == ("reply", "not-permitted")
        await otto.ask("send", 1, "pi-1/balance", "tare")
        await until(lambda: recorded, "the record of one who has a name")
        assert recorded == ["otto"]
        async with sockets.client(public_url, "anna", PASSWORD) as anna:
            await anna.send("send", 1, "pi-1/balance", "tare")
            await pi.expect("message", "balance/command/anna")
        assert [message[1] for message in pi.seen if "/command/" in str(message[1])] == ["balance/command/anna"]


@pytest.mark.parametrize(
    "asked",
    [
        ["watch", "pi-1/balance/reply"],  # who commanded what
        ["watch", "+/+/reply"],
        ["request", "logger", {"request": "ledger"}],
        ["request", "logger", {"request": "completeness"}],
        ["request", "logger", {"request": "completeness", "instrument": "pi-1/balance"}],
        ["access", [{"command": "listClients"}]],
        ["rights", "anna", {"role": "admin", "instruments": ["+/+"]}],
        ["rights", "public", {"role": "admin", "instruments": ["+/+"]}],
    ],
    ids=str,
)
async def test_a_stranger_learns_nothing_of_people_and_changes_nothing(public_url: str, asked: list[object]) -> None:
    async with sockets.socket(public_url, "/client", sockets.JSON) as stranger:
        await stranger.send("hello", {})
        answer = await stranger.ask(str(asked[0]), 1, *asked[1:])
        assert answer[:3] == ["refused", 1, "not-permitted"]


async def test_the_broker_itself_refuses_what_a_stranger_may_not(broker: TestBroker, public_url: str) -> None:
    wanted_reading = {
        "kleinmaelzung/+/+/data": True,
        "kleinmaelzung/+/+/control": True,
        "kleinmaelzung/+/status": True,
        "kleinmaelzung/+/+/reply": False,
        "kleinmaelzung/+/+/command/+": False,
        "kleinmaelzung/_client/anna/+/inbox": False,
        "kleinmaelzung/_client/anna/rights": False,
        "kleinmaelzung/_service/+/request/#": False,
        "kleinmaelzung/#": False,
        "$SYS/broker/version": False,
        access.CONTROL_RESPONSE: False,
    }
    # The logger listens to these, so that a publication that is taken is also delivered.
    written = [
        "kleinmaelzung/pi-1/balance/command/public",
        "kleinmaelzung/pi-1/balance/raw/public",
        "kleinmaelzung/pi-1/balance/data",
        "kleinmaelzung/pi-1/status",
        "kleinmaelzung/_client/public/s1/online",
        "kleinmaelzung/_client/anna/s1/inbox",
        "kleinmaelzung/_client/public/rights",
        "kleinmaelzung/_service/logger/status",
        access.CONTROL_TOPIC,
    ]
    for role in ("observer", "public", "admin"):
        written.append(topics.service_request("logger", topics.Asker("public", role)))
        written.append(topics.service_request("logger", topics.Asker("public", role, "+/+")))
    async with bus.connect(broker.stranger(PUBLIC), client_id="x", on_message=lambda message: None) as session:
        reading = {asked: await may_subscribe(session, asked) for asked in wanted_reading}
        taken = [topic for topic in written if await may_publish(session, topic)]
    assert (reading, taken) == (wanted_reading, [])


async def test_without_a_public_view_who_says_no_name_is_refused(gateway_url: str) -> None:
    sentence = "sign in with name and password: there is no public view here"
    assert await hello(gateway_url) == ["closed", 4401, sentence]


async def test_a_public_view_that_the_broker_does_not_know_is_closed(broker: TestBroker) -> None:
    async with gateways.running_gateway(broker, public_password=PASSWORD) as running:
        sentence = "sign in with name and password: the public view was closed"
        assert await hello(gateways.url(running)) == ["closed", 4401, sentence]


async def test_it_is_open_only_while_up_is_told_so(tmp_path: Path) -> None:
    data = tmp_path / "lab"
    async with up(data, "--public-view") as running:
        url = running.ready["url"].replace("http", "ws", 1)
        assert (await hello(url))[0] == "welcome"
        password = (data / "secrets" / "public").read_text()
        assert 'data-public-view="yes"' in get(url, "/")
        for wrong in ({"user": "public", "password": ""}, {"user": "public", "password": "public"}):
            assert (await hello(url, **wrong))[1] == 4401
    async with up(data, port=running.port) as running:
        assert (await hello(url))[1] == 4401
        assert (await hello(url, user="public", password=password))[1] == 4401
        assert 'data-public-view="no"' in get(url, "/")
        state = json.loads((data / "mosquitto" / "dynamic-security.json").read_text())
        assert "public" not in [account["username"] for account in state["clients"]]
        assert "user:public" not in [role["rolename"] for role in state["roles"]]
        assert not (data / "secrets" / "public").exists()
        code = running.ready["login_link"].partition("#login=")[2]
        assert (await hello(url, code=code))[0] == "welcome"
