"""A machine becomes an agent by a code: real broker, gateway and programs at both ends."""

import asyncio
import json
import logging
import stat
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

import kleinmaelzung
from kleinmaelzung import Lab
from kleinmaelzung_bus import session as bus
from kleinmaelzung_bus.session import NotPermitted
from kleinmaelzung_gateway import enrolling
from kleinmaelzung_gateway.certificate import CertificateFiles
from kleinmaelzung_wire import access, enrolment, messages, orders, topics
from kleinmaelzung_wire.sockets import encode
from tests import gateways, sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.certificates import Authority
from tests.newcomers import Machine
from tests.people import People
from tests.streaming import healthy
from tests.terminals import Terminal
from tests.waiting import until

WRONG = ["closed", 4401, enrolling.WRONG]
KEY = b"k" * 32
GONE = ["closed", 4401, enrolling.GONE]


@pytest.fixture
def people(broker: TestBroker, gateway_url: str) -> People:
    return People(broker, gateway_url)


@pytest.fixture
def terminal(broker: TestBroker, people: People, tmp_path: Path) -> Terminal:
    return Terminal(people.url, broker.mosquitto.passwords["admin"], tmp_path)


async def fetch(url: str, name: str, code: str) -> list[Any]:
    """What the gateway answers to who comes with a code: the message, or ["closed", code, sentence]."""
    password = await asyncio.to_thread(lambda: enrolment.keys(name, code).password)
    async with sockets.socket(url.replace("http://", "ws://"), "/agent") as one:
        await one.send("hello", {"enrol": name, "password": password})
        return await answer(one)


async def answer(one: sockets.Socket) -> list[Any]:
    try:
        return await one.receive()
    except ConnectionClosed:
        return ["closed", one.connection.close_code, one.connection.close_reason]


async def until_online(lab: Lab, name: str, *, is_online: bool = True) -> None:
    async with asyncio.timeout(20):
        async for message in lab.messages(f"{name}/status"):
            if messages.AgentStatus.decode(message.payload).online is is_online:
                return


async def accounts(lab: Lab) -> set[str]:
    (told,) = await lab.access([{"command": "listClients"}])
    return set(told["data"]["clients"])


async def test_a_machine_becomes_an_agent_by_the_code_that_an_admin_was_shown(
    people: People, terminal: Terminal, tmp_path: Path
) -> None:
    machine = Machine(tmp_path / "pi")
    async with people.lab("admin") as lab:
        inviting = await terminal.start("agent", "enrol", "pi-9")
        assert inviting.stdout is not None
        shown = (await inviting.stdout.readuntil(b"stays valid.\n")).decode()
        assert "take this machine's name in the network in place of 127.0.0.1" in shown
        [line] = [line for line in shown.splitlines() if "kleinmaelzung-agent enrol" in line]
        code = line.rpartition("--code ")[2]
        assert line.strip() == f"sudo kleinmaelzung-agent enrol --server {people.url} --name pi-9 --code {code}"

        done, out, err = await machine.enrol(people.url, code.lower().replace("-", " "))
        assert (done, err) == (0, "")
        assert "whoever listens in the network on the way can read the agent's secret" in out
        assert machine.secret_file.read_text().strip() not in shown + out
        assert stat.S_IMODE(machine.secret_file.stat().st_mode) == 0o400
        assert machine.agent == {
            "name": "pi-9",
            "url": people.url,
            "secret_file": "agent.secret",
            "data": str(tmp_path / "pi" / "agent-data"),
        }
        async with machine.running():
            await until_online(lab, "pi-9")
            async with asyncio.timeout(20):
                rest, _ = await inviting.communicate()
        assert (inviting.returncode, rest.decode()) == (0, "agent pi-9 is connected\n")
        known = await accounts(lab)
    assert ("agent:pi-9" in known, "enrol:pi-9" in known) == (True, False)


async def test_with_the_secret_comes_the_servers_key(broker: TestBroker, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "pi")
    async with gateways.running_gateway(broker, server_key=KEY) as running:
        people = People(broker, gateways.url(running))
        async with people.lab("admin") as lab:
            told = await lab.enrol_agent("pi-9")
            done, out, err = await machine.enrol(people.url, told.code)
            assert (done, err, orders.fingerprint(KEY) in out) == (0, "", True)
            key_file = machine.config.parent / machine.agent["server_key_file"]
            assert key_file.read_text() == orders.pem(KEY)
            async with machine.running():
                await until_online(lab, "pi-9")


async def test_the_key_is_that_of_the_gateway_that_made_the_code(broker: TestBroker) -> None:
    """Whichever hands it over; and where that one knew of none, there is none."""
    async with (
        gateways.running_gateway(broker, server_key=KEY) as one,
        gateways.running_gateway(broker, server_key=b"o" * 32) as another,
        gateways.running_gateway(broker) as without,
    ):
        for maker, key in ((one, KEY), (without, None)):
            for giver in (another, without):
                async with People(broker, gateways.url(maker)).lab("admin") as lab:
                    told = await lab.enrol_agent("pi-9", replace=True)
                _, content = await fetch(gateways.url(giver), "pi-9", told.code)
                pad = (await asyncio.to_thread(enrolment.keys, "pi-9", told.code)).pad
                assert len(enrolment.open_sealed(content["sealed"], pad)) == 43
                assert (enrolment.open_key(content["key"], pad) if "key" in content else None) == key


async def test_a_code_works_once(people: People, tmp_path: Path) -> None:
    async with people.lab("admin") as lab:
        told = await lab.enrol_agent("pi-9")
        first, second = Machine(tmp_path / "first"), Machine(tmp_path / "second")
        assert (await first.enrol(people.url, told.code))[0] == 0
        done, _, err = await second.enrol(people.url, told.code)
        assert (done, second.config.exists(), second.secret_file.exists()) == (1, False, False)
        assert "this code was used already, or has expired" in err
        assert "if it was not you who used it, shut that one out: kleinmaelzung agent remove pi-9" in err
        assert await fetch(people.url, "pi-9", told.code) == GONE


async def test_of_many_at_two_gateways_at_the_same_moment_one_at_most_gets_it(broker: TestBroker) -> None:
    async with AsyncExitStack() as stack:
        urls = [gateways.url(await stack.enter_async_context(gateways.running_gateway(broker))) for _ in range(2)]
        async with People(broker, urls[0]).lab("admin") as lab:
            told = await lab.enrol_agent("pi-9")
        answers = await asyncio.gather(*(fetch(url, "pi-9", told.code) for url in urls for _ in range(3)))
        taken = [found for found in answers if found[0] == "enrolled"]
        others = [found for found in answers if found[0] != "enrolled"]
        # Pushed out by the next one (1012), or there was nothing left.
        assert all(found == GONE or found[1] == 1012 for found in others), others
        assert len(taken) <= 1
        assert await fetch(urls[0], "pi-9", told.code) == GONE or not taken


async def test_a_wrong_code_is_a_guess_and_leaves_the_right_one_to_its_owner(
    broker: TestBroker, tmp_path: Path
) -> None:
    async with gateways.running_gateway(broker) as running, healthy(gateways.url(running)):
        url, guesses = gateways.url(running), running.gateway.guard.guesses
        people = People(broker, url)
        async with people.lab("admin") as lab:
            told = await lab.enrol_agent("pi-9")
        wrong = "0000-0000" if told.code != "0000-0000" else "0000-0001"
        for name in ("pi-9", "pi-9", "pi-1"):
            assert await fetch(url, name, wrong) == WRONG
        now = time.monotonic()
        assert guesses.wait("127.0.0.1", "enrol:pi-9", now) > guesses.wait("127.0.0.1", "enrol:pi-1", now)
        assert guesses.wait("127.0.0.1", "pi-9", now) == 0, "the agent of that name is not kept waiting for it"
        assert await fetch(url, "pi-8", told.code) == WRONG, "a code is for one agent"
        assert (await Machine(tmp_path / "pi").enrol(people.url, told.code))[0] == 0


async def test_after_many_wrong_codes_the_next_waits_and_the_right_one_gets_in(broker: TestBroker) -> None:
    async with gateways.running_gateway(broker) as running:
        url, guard = gateways.url(running), running.gateway.guard
        async with People(broker, url).lab("admin") as lab:
            told = await lab.enrol_agent("pi-9")
        for number in range(40):  # from as many addresses
            guard.guesses.failed(f"10.0.0.{number}", "enrol:pi-9", f"guess {number}", time.monotonic())
        assert guard.guesses.wait("10.0.1.1", "enrol:pi-9", time.monotonic()) > 0, "whoever comes"
        assert (await fetch(url, "pi-9", told.code))[0] == "enrolled"


async def test_an_expired_code_gets_nothing(broker: TestBroker, gateway_url: str) -> None:
    async with sockets.client(gateway_url, "admin", broker.mosquitto.passwords["admin"]) as admin:
        kind, _, told = await admin.ask("enrol", 1, "pi-9", {"lifetime": 1})
        assert kind == "done"
        await until_nothing_waits(broker, told["code"])
        assert await fetch(gateway_url, "pi-9", told["code"]) == GONE
        for lifetime in (0, 901, 1.5, "60", True):
            assert (await admin.ask("enrol", 2, "pi-9", {"lifetime": lifetime}))[2] == "bad-message"


async def until_nothing_waits(broker: TestBroker, code: str) -> None:
    """Look into the broker, as who has the code could, without taking anything away."""
    found: list[bytes] = []
    looker = as_gateway(broker, code, lambda message: found.append(message.payload))
    async with await looker as session, asyncio.timeout(20):
        while True:
            found.clear()
            await session.subscribe(topics.sealed("pi-9"), qos=1)
            await session.unsubscribe(topics.sealed("pi-9"))
            if not found:
                return
            await asyncio.sleep(0.05)


async def as_gateway(
    broker: TestBroker, code: str, on_message: bus.OnMessage
) -> AbstractAsyncContextManager[bus.Session]:
    """The session that a gateway opens for who comes with a code."""
    password = (await asyncio.to_thread(enrolment.keys, "pi-9", code)).password
    inside = replace(broker.stranger("enrol:pi-9", password), port=broker.mosquitto.internal_port)
    return bus.connect(inside, client_id=access.enrol_client("pi-9"), on_message=on_message)


async def test_who_has_begun_to_fetch_is_pushed_out_by_the_next(broker: TestBroker, people: People) -> None:
    async with people.lab("admin") as lab:
        told = await lab.enrol_agent("pi-9")
    async with await as_gateway(broker, told.code, lambda message: None) as session:
        await session.subscribe(topics.sealed("pi-9"), qos=1)
        assert (await fetch(people.url, "pi-9", told.code))[0] == "enrolled"
        await until(lambda: session.is_lost, "the broker ends the earlier one")


async def test_by_mqtt_nobody_fetches_or_guesses_not_even_with_the_right_code(
    broker: TestBroker, people: People
) -> None:
    async with people.lab("admin") as lab:
        told = await lab.enrol_agent("pi-9")
    password = (await asyncio.to_thread(enrolment.keys, "pi-9", told.code)).password
    for client_id in ("enrol:pi-9", access.enrol_client("pi-9")):
        with pytest.raises(NotPermitted):
            async with bus.connect(
                broker.stranger("enrol:pi-9", password), client_id=client_id, on_message=lambda message: None
            ):
                pass
    assert (await fetch(people.url, "pi-9", told.code))[0] == "enrolled"


async def test_a_new_code_voids_the_one_before(people: People) -> None:
    async with people.lab("admin") as lab:
        first = await lab.enrol_agent("pi-9")
        second = await lab.enrol_agent("pi-9", replace=True)
    assert await fetch(people.url, "pi-9", first.code) == WRONG
    assert (await fetch(people.url, "pi-9", second.code))[0] == "enrolled"


async def test_an_agent_that_exists_is_replaced_only_where_that_is_said(
    people: People, terminal: Terminal, tmp_path: Path
) -> None:
    machine = Machine(tmp_path / "pi", "pi-1")
    machine.config.write_text(
        '# mine\n[agent]\nname = "old"\nurl = "ws://old"\nsecret = "old"\ndata = "spool"\n[spool]\n'
    )
    async with sockets.agent(people.url.replace("http", "ws"), "pi-1", AGENT_SECRET) as before:
        code, _, err = await terminal.run("agent", "enrol", "pi-1")
        assert (code, "agent pi-1 exists: with --replace it gets a new secret" in err) == (1, True)
        told = await terminal.json("agent", "enrol", "pi-1", "--replace")
        with pytest.raises(ConnectionClosed):
            await before.expect("nothing more")
    assert (await machine.enrol(people.url, told["code"]))[0] == 0
    text = machine.config.read_text()
    assert (text.startswith("# mine\n[agent]\n"), text.endswith("[spool]\n")) == (True, True)
    assert machine.agent == {"name": "pi-1", "url": people.url, "secret_file": "agent.secret", "data": "spool"}
    async with people.lab("admin") as lab, machine.running():
        await until_online(lab, "pi-1")


async def test_only_admins_may_have_agents_enrolled(broker: TestBroker, people: People) -> None:
    async with people.lab("anna") as lab:
        with pytest.raises(kleinmaelzung.Refused, match="not permitted to manage accounts"):
            await lab.enrol_agent("pi-9")
    async with people.lab("admin") as lab:
        assert not {"agent:pi-9", "enrol:pi-9"} & await accounts(lab)
        with pytest.raises(kleinmaelzung.Refused, match="is not a name"):
            await lab.enrol_agent("Pi 9")


async def test_nobody_else_reads_or_puts_what_waits(broker: TestBroker, people: People) -> None:
    async with people.lab("admin") as lab:
        await lab.enrol_agent("pi-9")
    for user, password in (("anna", PASSWORD), ("agent:pi-1", AGENT_SECRET)):
        async with bus.connect(
            broker.stranger(user, password), client_id=user, on_message=lambda message: None
        ) as session:
            with pytest.raises(NotPermitted):
                await session.subscribe(topics.sealed("pi-9"))
            with pytest.raises(NotPermitted):
                await session.publish(topics.sealed("pi-9"), b"x", retained=True)


async def test_neither_code_nor_secret_is_logged_or_lies_open_at_the_broker(
    broker: TestBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "websockets")
    caplog.set_level(logging.DEBUG, "kleinmaelzung_gateway")
    machine = Machine(tmp_path / "pi")
    async with gateways.running_gateway(broker) as running:
        people = People(broker, gateways.url(running))
        async with people.lab("admin") as lab:
            told = await lab.enrol_agent("pi-9")
        await broker.stop()  # it writes what is retained
        kept = b"".join(path.read_bytes() for path in broker.mosquitto.directory.iterdir() if path.is_file())
        await broker.start()
        await fetch_until_connected(people.url, told.code, machine)
    secret = machine.secret_file.read_text().strip()
    assert b"_enrol/pi-9/sealed" in kept
    assert not [each for each in (told.code, secret) if each.encode() in kept or each in caplog.text]
    assert "agent pi-9 was enrolled" in caplog.text


async def fetch_until_connected(server: str, code: str, machine: Machine) -> None:
    """What is retained outlives the broker; so does the code."""
    done, _, err = await machine.enrol(server, code)
    assert done == 0, err


async def test_by_tls_nobody_is_told_that_the_secret_can_be_read(broker: TestBroker, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    files = CertificateFiles(tmp_path / "server.pem", tmp_path / "server.key")
    authority.sign(files.certificate, files.key)
    machine = Machine(tmp_path / "pi")
    async with gateways.running_gateway(broker, certificate=files) as running:
        url, ca_file = gateways.url(running, "https"), str(authority.ca_file)
        password = broker.mosquitto.passwords["admin"]
        async with kleinmaelzung.connect(url, user="admin", password=password, ca_file=ca_file) as lab:
            told = await lab.enrol_agent("pi-9")
            done, _, err = await machine.enrol(url, told.code)
            assert (done, "nobody this machine trusts has signed the certificate" in err) == (1, True)
            done, out, err = await machine.enrol(url, told.code, "--ca-file", ca_file)
            assert (done, err, "can read" in out) == (0, "", False)
            async with machine.running():
                await until_online(lab, "pi-9")
    assert machine.agent["ca_file"] == ca_file


@pytest.mark.parametrize(
    ("server", "code", "more", "exit_code", "sentence"),
    [
        ("http://127.0.0.1:1", "7F3K-9QXD", (), 1, "gateway http://127.0.0.1:1: not reached"),
        ("lab:8080", "7F3K-9QXD", (), 2, "is no server's address"),
        ("http://lab", "7F3K", (), 2, "'7F3K\\n' is no code: expected 8 letters and digits, such as 7F3K-9QXD"),
        ("http://lab", "7F3K-9QX!", (), 2, "is no code"),
        (
            "http://127.0.0.1:1",
            "7F3K-9QXD",
            ("--config", "/nowhere/agent.toml"),
            1,
            "run this as root, or name another",
        ),
        ("https://127.0.0.1:1", "7F3K-9QXD", ("--ca-file", "/nowhere"), 1, "ca_file /nowhere cannot be read"),
    ],
)
async def test_what_is_typed_wrongly_is_said_in_a_sentence(
    tmp_path: Path, server: str, code: str, more: tuple[str, ...], exit_code: int, sentence: str
) -> None:
    done, out, err = await Machine(tmp_path / "pi").enrol(server, code, *more)
    assert (done, out) == (exit_code, "")
    assert sentence in err
    assert err.count("\n") == 1


async def test_an_older_gateway_is_named_as_such(tmp_path: Path) -> None:
    async def refuse(websocket: ServerConnection) -> None:
        await websocket.recv()
        await websocket.close(4401, "hello.agent is missing")

    async with serve(refuse, "127.0.0.1", 0, subprotocols=[Subprotocol(sockets.MSGPACK)]) as old:
        url = f"http://127.0.0.1:{old.sockets[0].getsockname()[1]}"
        done, _, err = await Machine(tmp_path / "pi").enrol(url, "7F3K-9QXD")
    assert (done, "this gateway is older and knows no codes" in err) == (1, True)


@pytest.mark.parametrize("has_key", [True, False])
async def test_an_older_gateway_hands_over_as_it_is_what_a_newer_one_made(tmp_path: Path, has_key: bool) -> None:
    pad = enrolment.keys("pi-9", "7F3K-9QXD").pad
    waiting = enrolment.seal("the secret", pad) + (enrolment.seal_key(KEY, pad) if has_key else b"")

    async def hand_over(websocket: ServerConnection) -> None:
        await websocket.recv()
        await websocket.send(encode(["enrolled", {"agent": "pi-9", "sealed": waiting}], sockets.MSGPACK))

    machine = Machine(tmp_path / "pi")
    async with serve(hand_over, "127.0.0.1", 0, subprotocols=[Subprotocol(sockets.MSGPACK)]) as old:
        done, _, err = await machine.enrol(f"http://127.0.0.1:{old.sockets[0].getsockname()[1]}", "7F3K-9QXD")
    assert (done, err, machine.secret_file.read_text()) == (0, "", "the secret\n")
    assert ("server_key_file" in machine.agent) is has_key


async def test_a_file_that_cannot_be_changed_is_said_before_the_code_is_used_up(people: People, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "pi")
    machine.config.write_text('agent = {name = "x", url = "ws://x", secret = "x", data = "x"}\n')
    async with people.lab("admin") as lab:
        told = await lab.enrol_agent("pi-9")
    done, _, err = await machine.enrol(people.url, told.code)
    assert (done, "cannot be changed here" in err) == (1, True)
    assert (await fetch(people.url, "pi-9", told.code))[0] == "enrolled"


async def test_the_command_prints_one_document_and_does_not_wait(people: People, terminal: Terminal) -> None:
    told = await terminal.json("agent", "enrol", "pi-9")
    assert set(told) == {"agent", "code", "expires", "url"}
    assert (told["agent"], told["url"]) == ("pi-9", people.url)
    assert enrolment.read_code(told["code"]) == told["code"]
    code, out, _ = await terminal.run("agent", "enrol", "pi-8", "--no-wait")
    assert (code, "--name pi-8 --code " in out) == (0, True)
    assert [one["agent"] for one in json.loads((await terminal.run("agent", "list", "--json"))[1])] == [
        "pi-1",
        "pi-2",
        "pi-8",
        "pi-9",
    ]
    await terminal.json("agent", "remove", "pi-9")
    assert await fetch(people.url, "pi-9", told["code"]) == WRONG


def test_the_account_that_fetches_is_none_of_the_agents() -> None:
    assert access.enrol_user("pi-9") == "enrol:pi-9"
    assert access.rules_of("enrol:pi-9", {}) == access.enrol_rules("pi-9")
