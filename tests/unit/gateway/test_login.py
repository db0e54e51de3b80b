"""Who connects: headers and first messages, and a short sentence for whoever is not understood."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from kleinmaelzung_gateway import login
from kleinmaelzung_gateway.login import Code, Credentials, Enrolling, LoginError, Stranger
from kleinmaelzung_wire import sockets

Receive = Callable[[ServerConnection], Awaitable[object]]
ANNA = {"user": "anna", "password": "x"}


def header(text: str | bytes, scheme: str = "Basic") -> Headers:
    encoded = base64.b64encode(text.encode() if isinstance(text, str) else text).decode()
    return Headers({"Authorization": f"{scheme} {encoded}"})


def test_a_header_names_who_it_is_and_the_password_may_hold_anything() -> None:
    for password in ("secret", "", "a:b:c", "pä ss€", "x" * 1000):
        assert login.from_headers(header(f"anna:{password}")) == Credentials("anna", password)
    assert login.from_headers(header("anna:x", "basic")) == Credentials("anna", "x")
    assert login.from_headers(Headers()) is None


def test_credentials_hide_the_password() -> None:
    assert "secret" not in repr(Credentials("anna", "secret"))


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        (Headers({"Authorization": "Basic !!!"}), "is not Basic with base64"),
        (Headers({"Authorization": "Basic YQ"}), "is not Basic with base64"),
        (Headers({"Authorization": ""}), "is not Basic with name:password"),
        (Headers({"Authorization": "Basic"}), "is not Basic with name:password"),
        (header(b"\xff\xfe:x"), "is not Basic with base64"),
        (header("anna"), "is not Basic with name:password"),
        (header("anna:x", "Bearer"), "is not Basic with name:password"),
        (header(":x"), "name '' is not a name"),
        (header("agent:pi-1"), ""),
        (header("Anna:x"), "name 'Anna' is not a name"),
        (header("+:x"), "name '\\+' is not a name"),
        (header("é" * 200 + ":x"), "name 'éééééé"),
        (Headers([("Authorization", "Basic YTpi"), ("Authorization", "Basic YTpj")]), "more than once"),
    ],
)
def test_a_header_that_is_not_understood_gets_a_short_sentence(headers: Headers, sentence: str) -> None:
    if not sentence:  # a machine's account: its name ends at the colon, and `agent` is a person's name
        assert login.from_headers(headers) == Credentials("agent", "pi-1")
        return
    with pytest.raises(LoginError, match=sentence) as refused:
        login.from_headers(headers)
    assert len(str(refused.value).encode()) <= login.MAX_REASON


@asynccontextmanager
async def logging_in(
    subprotocol: str = sockets.JSON, receive_login: Receive = login.receive_agent
) -> AsyncIterator[tuple[ClientConnection, list[Any]]]:
    """A client's connection, and what the server made of it; a refusal closes the connection with its sentence."""
    found: list[Any] = []

    async def receive(websocket: ServerConnection) -> None:
        try:
            found.append(await receive_login(websocket))
        except LoginError as error:
            found.append(error)
            await websocket.close(sockets.NOT_LOGGED_IN, str(error))

    subprotocols = [Subprotocol(subprotocol)]
    async with (
        serve(receive, "127.0.0.1", 0, subprotocols=subprotocols) as server,
        connect(
            f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", subprotocols=subprotocols, proxy=None
        ) as client,
    ):
        yield client, found


async def refusal(message: str | bytes, subprotocol: str = sockets.JSON) -> str:
    async with logging_in(subprotocol) as (client, _):
        await client.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == sockets.NOT_LOGGED_IN
        return closed.value.rcvd.reason


async def test_a_hello_names_who_it_is() -> None:
    for subprotocol in (sockets.JSON, sockets.MSGPACK):
        async with logging_in(subprotocol) as (client, found):
            await client.send(sockets.encode(["hello", {"agent": "anna", "secret": "pä:ss"}], subprotocol))
            await client.wait_closed()
            assert found == [Credentials("anna", "pä:ss")]


async def test_an_agent_that_is_to_be_brings_what_a_code_makes() -> None:
    async with logging_in(sockets.MSGPACK, login.receive_agent) as (client, found):
        await client.send(sockets.encode(["hello", {"enrol": "pi-2", "password": "abc"}], sockets.MSGPACK))
        await client.wait_closed()
    assert found == [Enrolling(Credentials("pi-2", "abc"))]
    assert "abc" not in repr(found)


async def test_a_client_may_bring_a_code_or_nothing() -> None:
    for content, meant in (({"code": "abc"}, Code("abc")), ({}, Stranger()), (ANNA, Credentials("anna", "x"))):
        for subprotocol in (sockets.JSON, sockets.MSGPACK):
            async with logging_in(subprotocol, login.receive_client) as (client, found):
                await client.send(sockets.encode(["hello", content], subprotocol))
                await client.wait_closed()
                assert found == [meant]
    assert "abc" not in repr(Code("abc"))


@pytest.mark.parametrize("content", ["[]", '{"user": "anna"}', '{"code": 5}', '{"code": null}'])
async def test_a_client_that_brings_half_a_login_is_refused(content: str) -> None:
    async with logging_in(sockets.JSON, login.receive_client) as (client, found):
        await client.send(f'["hello", {content}]')
        await client.wait_closed()
        assert [type(one) for one in found] == [LoginError]


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ('["watch", 1, "+/+"]', 'log in first: ["hello", {"agent": ..., "secret": ...}]'),
        ('["hello"]', "log in first"),
        ('["hello", {}, {}]', "log in first"),
        ('["hello", []]', "hello is a list, expected a map"),
        ('["hello", {}]', "hello.agent is missing"),
        ('["hello", {"agent": "anna"}]', "hello.secret is missing"),
        ('["hello", {"agent": "anna", "secret": 5}]', "hello.secret is an integer, expected text"),
        ('["hello", {"agent": "Anna", "secret": "x"}]', "name 'Anna' is not a name"),
        ('["hello", {"user": "anna", "password": "x"}]', "hello.agent is missing"),
        ('["hello", {"enrol": "pi-1"}]', "hello.agent is missing"),
        ('["hello", {"enrol": "Pi 1", "password": "x"}]', "name 'Pi 1' is not a name"),
        ('["hello", {"agent": "anna", "secret": "\\ud800"}]', "the first message is no hello: not JSON"),
        ('["hello", {"agent": "\\ud800", "secret": "x"}]', "the first message is no hello: not JSON"),
        ('["hello", {"agent": "' + "😀" * 100 + '", "secret": "x"}]', "is not a name"),
        ("{}", "the first message is no hello: a message is an array"),
        ("garbage", "the first message is no hello: not JSON"),
        ("[" * 5000, "the first message is no hello: not JSON"),
    ],
)
async def test_a_first_message_that_is_no_hello_is_told_what_is_expected(message: str, sentence: str) -> None:
    reason = await refusal(message)
    assert sentence in reason or reason in sentence or reason.startswith("name '😀")


async def test_garbage_on_a_binary_socket_is_refused_too() -> None:
    assert "the first message is no hello: not msgpack" in await refusal(b"\xc1", sockets.MSGPACK)
    assert "text received" in await refusal("[]", sockets.MSGPACK)


async def test_who_says_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "HELLO_TIMEOUT_S", 0.05)
    async with logging_in() as (client, _):
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "no login within 0 s"


async def test_who_leaves_before_it_is_a_login_error() -> None:
    async with logging_in() as (client, found):
        await client.close()
    assert [str(one) for one in found] == ["closed before login"]
