"""Asking a service: a client's socket, the gateway, a real broker, and a service with handlers of its own."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services import requests
from kleinmaelzung_services.requests import Asked, RequestRefused, Requests
from kleinmaelzung_wire import access, codec, sockets, topics
from kleinmaelzung_wire.requests import Answer, Request
from kleinmaelzung_wire.rights import Rights
from kleinmaelzung_wire.topics import Asker
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.sockets import JSON, client
from tests.waiting import until

ROLES = {"anna": "operator", "otto": "observer", "admin": "admin"}


class Desk:
    """Handlers: what a service could be asked."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.under_way = 0

    async def echo(self, asked: Asked) -> Any:
        about = {"about": asked.request.instrument} if asked.request.instrument else {}
        return {"user": asked.user, **asked.request.arguments, **about}

    async def role(self, asked: Asked) -> Any:
        return asked.role

    async def wait(self, asked: Asked) -> Any:
        self.under_way += 1
        await self.go_on.wait()

    async def refuse(self, asked: Asked) -> Any:
        raise RequestRefused("unknown", "there is no such thing")

    async def need(self, asked: Asked) -> Any:
        return asked.request.fields().integer("count")

    async def fail(self, asked: Asked) -> Any:
        raise KeyError("a mistake of ours")

    async def tell_much(self, asked: Asked) -> Any:
        return bytes(codec.MAX_BYTES)

    async def tell_odd(self, asked: Asked) -> Any:
        return object()


@pytest.fixture
async def desk(broker: TestBroker) -> AsyncIterator[Desk]:
    """A service `logger` at its desk."""
    desk = Desk()
    handlers = {
        name.replace("_", "-"): getattr(desk, name)
        for name in ("echo", "role", "wait", "refuse", "need", "fail", "tell_much", "tell_odd")
    }
    asked = Requests("logger", handlers)
    connection = broker.mosquitto.broker("logger")

    def take(message: bus.Message) -> None:
        assert asked.take(message), message.topic

    async with bus.connect(connection, client_id="service", on_message=take) as session:
        await asked.serve(session)
        running = asyncio.create_task(asked.run())
        try:
            yield desk
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def test_an_answer_comes_back_and_the_service_knows_who_asked(desk: Desk, gateway_url: str) -> None:
    async with client(gateway_url, "otto", PASSWORD) as otto:
        answer = await otto.ask("request", 1, "logger", {"request": "echo", "x": [1, b"\x00", None]})
        assert answer == ["done", 1, {"user": "otto", "x": [1, b"\x00", None]}]
        forged = await otto.ask("request", 2, "logger", {"request": "echo", "user": "admin"}, {"timeout": 5})
        assert forged == ["done", 2, {"user": "admin"}]  # an argument like others: who asks is what the topic says
    async with client(gateway_url, "anna", PASSWORD, JSON) as anna:
        assert await anna.ask("request", 1, "logger", {"request": "echo"}) == ["done", 1, {"user": "anna"}]


@pytest.mark.parametrize(
    ("service", "body", "code", "sentence"),
    [
        ("logger", {"request": "refuse"}, "unknown", "there is no such thing"),
        ("logger", {"request": "need"}, "bad-message", "need.count is missing"),
        ("logger", {"request": "dance"}, "unknown", "logger is asked for 'dance', it knows echo, fail, need, "),
        ("logger", {"request": "fail"}, "failed", "logger failed at fail: see its log"),
        ("logger", {"request": "tell-much"}, "limit", "does not go into one message"),
        ("logger", {"request": "tell-odd"}, "failed", "cannot be packed"),
        ("logger", {}, "bad-message", "request.request is missing"),
        ("logger", {"request": "No!"}, "bad-message", "is not a name"),
        ("history", {"request": "echo"}, "unavailable", "service history is not there"),
        ("+", {"request": "echo"}, "bad-message", "service '+' is not a name"),
        ("a/b", {"request": "echo"}, "bad-message", "is not a name"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_sentence(
    desk: Desk, gateway_url: str, service: str, body: dict[str, Any], code: str, sentence: str
) -> None:
    async with client(gateway_url, "otto", PASSWORD) as otto:
        answer = await otto.ask("request", 1, service, body)
        assert answer[:3] == ["refused", 1, code]
        assert sentence in answer[3]
        # The service and the socket go on.
        assert (await otto.ask("request", 2, "logger", {"request": "echo"}))[0] == "done"


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": 61}, {"timeout": True}, {"timeout": "1"}])
async def test_a_limit_that_makes_no_sense_is_refused(desk: Desk, gateway_url: str, options: dict[str, Any]) -> None:
    async with client(gateway_url, "otto", PASSWORD) as otto:
        answer = await otto.ask("request", 1, "logger", {"request": "echo"}, options)
        assert answer[:3] == ["refused", 1, "bad-message"]


async def test_who_waits_too_long_is_told_and_the_worker_is_free_again(desk: Desk, gateway_url: str) -> None:
    async with client(gateway_url, "otto", PASSWORD) as otto:
        for question in range(2 * requests.WORKERS):
            answer = await otto.ask("request", question, "logger", {"request": "wait"}, {"timeout": 0.05})
            assert answer[:3] == ["refused", question, "timeout"]
        assert (await otto.ask("request", 9, "logger", {"request": "echo"}))[0] == "done"


async def test_other_questions_are_answered_meanwhile_up_to_a_limit(desk: Desk, gateway_url: str) -> None:
    async with client(gateway_url, "otto", PASSWORD) as otto:
        for question in range(20):
            await otto.send("request", question, "logger", {"request": "wait"}, {"timeout": 60})
        assert (await otto.ask("list", 50))[0] == "done"
        over = await otto.ask("request", 51, "logger", {"request": "echo"})
        assert over[2:] == ["limit", "20 requests of this socket are under way"]
        desk.go_on.set()
        answered = {(await otto.expect("done"))[1] for _ in range(20)}
        assert answered == set(range(20))
        assert (await otto.ask("request", 52, "logger", {"request": "echo"}))[0] == "done"


async def test_a_service_with_too_much_to_do_says_so(desk: Desk, gateway_url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        people = [await stack.enter_async_context(client(gateway_url, "otto", PASSWORD)) for _ in range(3)]
        for question in range(requests.WORKERS):
            await people[0].send("request", question, "logger", {"request": "wait"}, {"timeout": 60})
        # Only then there is room for MAX_WAITING more: what comes in one go is counted before a worker takes of it.
        await until(lambda: desk.under_way == requests.WORKERS, "every worker has something to do")
        for otto in people:
            for question in range(requests.WORKERS if otto is people[0] else 0, 20):
                await otto.send("request", question, "logger", {"request": "wait"}, {"timeout": 60})
        refused: list[list[Any]] = []

        async def gather(otto: Any) -> None:
            for _ in range(20):
                answer = await otto.receive()
                if answer[0] == "refused":
                    refused.append(answer)

        gathering = [asyncio.create_task(gather(otto)) for otto in people]
        too_many = 60 - requests.MAX_WAITING - requests.WORKERS
        await until(lambda: len(refused) >= too_many, "those that have no room are told")
        desk.go_on.set()
        await asyncio.gather(*gathering)
        assert len(refused) == too_many
        assert {answer[2] for answer in refused} == {"busy"}


# What a request is about


async def test_a_service_is_asked_about_what_is_granted_and_nothing_else(
    broker: TestBroker, desk: Desk, gateway_url: str
) -> None:
    await broker.manage(access.add_user("nele", PASSWORD, "operator", ("pi-1/balance", "pi-2/+")))
    async with client(gateway_url, "nele", PASSWORD) as nele:
        # Nobody told the gateway of these rights, and there it asks as what the broker lets nele be.
        assert await nele.ask("rights", 0) == ["done", 0, None]
        for about in ("pi-1/balance", "pi-2/oven", "pi-2/+"):
            answer = await nele.ask("request", 1, "logger", {"request": "echo", "instrument": about})
            assert answer == ["done", 1, {"user": "nele", "about": about}]
        for about in ("pi-1/oven", "pi-1/+", "+/balance", "+/+"):
            answer = await nele.ask("request", 1, "logger", {"request": "echo", "instrument": about})
            assert answer[2:] == ["not-permitted", f"nele is not permitted to ask service logger about {about}"]
        answer = await nele.ask("request", 1, "logger", {"request": "echo", "instrument": "pi-1/#"})
        assert answer[2] == "bad-message"


async def test_who_has_several_grants_is_told_which(broker: TestBroker, desk: Desk, gateway_url: str) -> None:
    await broker.manage(access.add_user("nele", PASSWORD, "observer", ("pi-1/balance", "pi-2/+")))
    rights = {"role": "observer", "instruments": ["pi-1/balance", "pi-2/+"]}
    async with client(gateway_url, "admin", broker.mosquitto.passwords["admin"]) as admin:
        assert await admin.ask("rights", 1, "nele", rights) == ["done", 1, None]
    async with client(gateway_url, "nele", PASSWORD) as nele:
        assert await nele.ask("rights", 1) == ["done", 1, rights]
        answer = await nele.ask("request", 2, "logger", {"request": "echo", "instrument": "pi-1/balance"})
        assert answer[2]["about"] == "pi-1/balance"


async def test_a_service_knows_the_role(broker: TestBroker, desk: Desk, gateway_url: str) -> None:
    for user, role in ROLES.items():
        password = PASSWORD if user != "admin" else broker.mosquitto.passwords["admin"]
        async with client(gateway_url, user, password) as person:
            answer = await person.ask("request", 1, "logger", {"request": "role"})
            assert answer == ["done", 1, role]


async def test_an_account_without_the_right_is_refused(broker: TestBroker, desk: Desk, gateway_url: str) -> None:
    everything = access.user_rules("old", Rights(role="operator"))
    rules = [rule for rule in everything if "/request/old" not in rule["topic"]]
    await broker.manage(access.add_account("old", PASSWORD, rules))
    async with client(gateway_url, "old", PASSWORD) as old:
        answer = await old.ask("request", 1, "logger", {"request": "echo"})
    assert answer == ["refused", 1, "not-permitted", "old is not permitted to ask service logger"]


# By MQTT, past the gateway


@contextlib.asynccontextmanager
async def listening(broker: TestBroker, user: str) -> AsyncIterator[tuple[bus.Session, list[bus.Message]]]:
    heard: list[bus.Message] = []
    async with bus.connect(broker.stranger(user), client_id=user, on_message=heard.append) as session:
        await session.subscribe(topics.inbox(user, "s1"), qos=1)
        yield session, heard


async def ask(session: bus.Session, user: str, response_topic: str | None, payload: bytes | None = None) -> None:
    request = Request(name="echo", arguments={}).encode() if payload is None else payload
    topic = topics.service_request("logger", Asker(user, ROLES[user]))
    await session.publish(topic, request, response_topic=response_topic, correlation=b"c")


async def test_any_mqtt_tool_may_ask(broker: TestBroker, desk: Desk) -> None:
    async with listening(broker, "anna") as (anna, heard):
        await ask(anna, "anna", topics.inbox("anna", "s1"))
        await until(lambda: heard, "the answer")
        assert (heard[0].correlation, Answer.decode(heard[0].payload).content) == (b"c", {"user": "anna"})


async def test_nobody_asks_in_anothers_name(broker: TestBroker, desk: Desk) -> None:
    async with listening(broker, "otto") as (otto, _):
        for name in ("anna", "admin"):
            with pytest.raises(bus.NotPermitted):
                await ask(otto, name, topics.inbox("otto", "s1"))
    agent = broker.stranger("agent:pi-1", AGENT_SECRET)
    async with bus.connect(agent, client_id="x", on_message=lambda message: None) as pi:
        with pytest.raises(bus.NotPermitted):
            await ask(pi, "anna", topics.inbox("anna", "s1"))


def forged_inboxes() -> Iterator[str | None]:
    yield None
    yield topics.inbox("anna", "s1")  # somebody else's
    yield topics.command("pi-1", "balance", "otto")
    yield topics.logged("pi-1")
    yield "kleinmaelzung/_client/otto/inbox"
    yield "kleinmaelzung/_client/otto/s1/inbox/x"


async def test_an_answer_goes_nowhere_but_to_an_inbox_of_who_asked(broker: TestBroker, desk: Desk) -> None:
    everything: list[str] = []
    ear = [{"acltype": "subscribePattern", "topic": "kleinmaelzung/#", "allow": True}]
    await broker.manage(access.add_account("ear", PASSWORD, ear))
    async with (
        listening(broker, "otto") as (otto, heard),
        bus.connect(
            broker.stranger("ear"), client_id="ear", on_message=lambda message: everything.append(message.topic)
        ) as session,
    ):
        await session.subscribe("kleinmaelzung/#")
        everything.clear()
        forged = list(forged_inboxes())
        for inbox in forged:
            await ask(otto, "otto", inbox)
        await ask(otto, "otto", topics.inbox("otto", "s1"))
        await until(lambda: heard, "the one that is in order is answered")
        asked = [topics.service_request("logger", Asker("otto", "observer"))] * (len(forged) + 1)
        await until(lambda: len(everything) > len(asked), "everything has been heard")
    assert everything == [*asked, topics.inbox("otto", "s1")]


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"\x91" * 50, codec.pack({"v": 2, "request": "echo"})])
async def test_garbage_is_answered_with_a_sentence(broker: TestBroker, desk: Desk, garbage: bytes) -> None:
    async with listening(broker, "otto") as (otto, heard):
        await ask(otto, "otto", topics.inbox("otto", "s1"), garbage)
        await until(lambda: heard, "an answer")
        answer = Answer.decode(heard[0].payload)
        assert (answer.ok, answer.code) == (False, sockets.BAD_MESSAGE)


async def test_a_service_whose_account_may_not_take_requests_goes_on(broker: TestBroker) -> None:
    rules = [rule for rule in access.service_rules("logger-2") if "request" not in rule["topic"]]
    await broker.manage(access.add_account("service:logger-2", PASSWORD, rules))
    asked = Requests("logger-2", {})
    connection = broker.stranger("service:logger-2")
    async with bus.connect(connection, client_id="x", on_message=lambda message: None) as session:
        await asked.serve(session)
        assert not session.is_lost


async def test_people_of_an_earlier_installation_may_ask_once_the_software_is_newer(broker: TestBroker) -> None:
    accounts = broker.mosquitto.directory / "dynamic-security.json"
    await broker.stop()
    state = json.loads(accounts.read_text())
    for role in state["roles"]:
        role["acls"] = [rule for rule in role["acls"] if "/request" not in rule["topic"]]
    accounts.write_text(json.dumps(state))
    await broker.start()
    async with listening(broker, "anna") as (anna, _):
        with pytest.raises(bus.NotPermitted):
            await ask(anna, "anna", topics.inbox("anna", "s1"))
    await broker.stop()
    broker.mosquitto.write()
    await broker.start()
    async with listening(broker, "anna") as (anna, _):
        await ask(anna, "anna", topics.inbox("anna", "s1"))
        with pytest.raises(bus.NotPermitted):
            await ask(anna, "otto", topics.inbox("anna", "s1"))
