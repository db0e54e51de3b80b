"""Bad input at the gateway's sockets: each gets its answer, and after each a healthy client still streams."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from kleinmaelzung_gateway import gateway, guarded
from kleinmaelzung_gateway.gateway import Gateway
from kleinmaelzung_gateway.guarded import Limits
from kleinmaelzung_wire import sockets as wire
from tests import gateways, rude, sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.rude import BINARY, CONTINUATION, PING, TEXT, frame, handshake, header
from tests.streaming import healthy
from tests.waiting import until

OTTO = sockets.basic("otto", PASSWORD)
LARGEST = gateway.MAX_MESSAGE


@asynccontextmanager
async def listening(broker: TestBroker, **settings: Any) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway with settings of its own, and its address."""
    async with gateways.running_gateway(broker, **settings) as running:
        yield running.gateway, gateways.url(running)


async def answer(url: str, path: str = "/client", **headers: str) -> tuple[int, str]:
    """What a handshake is answered: status and body."""
    async with rude.connected(url) as one:
        await one.ask(path, handshake(url) | {name.replace("_", "-"): value for name, value in headers.items()})
        return one.status, one.body


async def refused_login(url: str, path: str, name: str, password: str) -> tuple[int, str]:
    async with rude.connected(url) as one:
        await one.ask(path, handshake(url) | sockets.basic(name, password))
        assert one.status == 101
        return await one.closing()


async def test_wrong_unknown_and_missing_logins_get_one_answer_that_tells_nothing(gateway_url: str) -> None:
    async with healthy(gateway_url):
        wrong = await refused_login(gateway_url, "/client", "otto", "wrong")
        assert wrong == (4401, "user name or password is wrong")
        assert await refused_login(gateway_url, "/client", "nobody", PASSWORD) == wrong
        assert await refused_login(gateway_url, "/client", "agent", AGENT_SECRET) == wrong
        assert (await refused_login(gateway_url, "/agent", "pi-9", "wrong"))[0] == 4401


async def test_who_guessed_and_then_knows_the_password_is_let_in(broker: TestBroker) -> None:
    async with listening(broker) as (running, url), healthy(url):
        for number in range(5):
            assert (await refused_login(url, "/client", "otto", f"guess {number}"))[0] == 4401
        guesses = running.guard.guesses
        assert guesses.wait("127.0.0.1", "otto", time.monotonic()) > 0
        async with sockets.client(url, "otto", PASSWORD) as otto:
            assert (await otto.ask("list", 1))[0] == "done"
        assert guesses.wait("127.0.0.1", "otto", time.monotonic()) == 0


async def test_a_login_that_waits_and_goes_away_leaves_nothing(broker: TestBroker) -> None:
    async with listening(broker) as (running, url):
        for number in range(30):
            running.guard.guesses.failed("127.0.0.1", "otto", f"guess {number}", time.monotonic())
        async with rude.upgraded(url, headers=sockets.basic("otto", "another")):
            assert running.guard.logging_in.taken == 1
        await until(lambda: not running.guard.logging_in.taken, "its place is free again")
        await until(lambda: not running.guard.places.taken, "nobody is there")


@pytest.mark.parametrize("path", ["/client", "/agent", "/"])
async def test_a_secret_in_the_address_is_refused_and_never_logged(
    gateway_url: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "websockets")  # as the command sets it
    caplog.set_level(logging.DEBUG, "kleinmaelzung_gateway")  # last, for it is also what is kept
    async with healthy(gateway_url):
        for query in ("token=geheim", "user=otto&password=geheim"):
            status, body = await answer(gateway_url, f"{path}?{query}")
            assert status == 401
            assert "is not taken" in body
            assert "geheim" not in body + caplog.text


async def test_a_foreign_page_may_not_connect_and_ours_may(gateway_url: str) -> None:
    async with healthy(gateway_url):
        for origin in ("http://evil.example", "null", "https://127.0.0.1:1"):
            status, body = await answer(gateway_url, Origin=origin)
            assert (status, "KLEINMAELZUNG_ORIGINS" in body) == (403, True)
        assert (await answer(gateway_url, "/metrics", Origin="http://evil.example"))[0] == 403
        assert (await answer(gateway_url, Origin=gateway_url.replace("ws://", "http://")))[0] == 101


async def test_a_foreign_name_that_leads_here_is_not_served(gateway_url: str) -> None:
    async with healthy(gateway_url):
        for path in ("/", "/metrics", "/client", "/agent"):
            status, body = await answer(gateway_url, path, Host="evil.example:8080")
            assert (status, "KLEINMAELZUNG_HOSTS" in body) == (421, True)
        assert (await answer(gateway_url, Host="user@lab"))[0] == 400


async def test_names_and_pages_that_were_configured_are_served(broker: TestBroker) -> None:
    async with listening(broker, hosts=("lab.example",), origins=("https://board.example",)) as (_, url):
        assert (await answer(url, Host="lab.example", Origin="https://board.example"))[0] == 101


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b'["list", 1, "+/+"]'), 1003),
        (frame(BINARY, bytes(LARGEST + 1)), 1009),
        (header(BINARY, 2**62), 1009),
        (header(BINARY, 2**64 - 1), 1009),
        (frame(BINARY, bytes(LARGEST // 2 + 1), fin=False) * 2, 1009),
        (frame(BINARY, b"\x00", compressed=True), 1002),
        (frame(0x3, b""), 1002),
        (frame(CONTINUATION, b""), 1002),
        (frame(PING, bytes(126)), 1002),
        (frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 100_000, 1009),
        (frame(PING, b"flood") * 100_000, 1008),
        (frame(0xA, b"flood") * 100_000, 1008),
        (frame(BINARY, b"\xc1") * 3, 1007),
        (frame(BINARY, msgpack.packb(["list", 1, "+/+"]) + b"\x00") * 3, 1007),
        (frame(BINARY, msgpack.packb(["list", 1, "+/+"])[:-1]) * 3, 1007),
        (frame(BINARY, b"\x91" * 5000) * 3, 1007),
        (frame(BINARY, b"\xdd\xff\xff\xff\xff") * 3, 1007),
        (frame(BINARY, b"\xc6\xff\xff\xff\xff") * 3, 1007),
        (frame(BINARY, b"\xdf\xff\xff\xff\xff") * 3, 1007),
        (frame(BINARY, msgpack.packb(["list", msgpack.ExtType(5, b"x")])) * 3, 1007),
    ],
    ids=[
        "text", "too large", "claims 2^62", "claims 2^64", "too large in two", "compressed", "unknown opcode",
        "continues nothing", "long ping", "empty fragments", "pings", "pongs", "no msgpack", "trailing", "truncated",
        "nested", "4 G array", "4 G bytes", "4 G map", "extension",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/client", "/agent"])
async def test_what_breaks_the_protocol_is_closed_with_its_code(
    gateway_url: str, path: str, sent: bytes, code: int
) -> None:
    who = OTTO if path == "/client" else sockets.basic("pi-2", AGENT_SECRET)
    async with healthy(gateway_url), rude.upgraded(gateway_url, path, headers=who) as one:
        writing = asyncio.create_task(one.write(sent))
        found = await one.closing()
        await writing
        assert found[0] in (code, 1006)
        assert found[0] == code or len(sent) > 65536  # where much was on the way, the system may drop the close frame


async def test_one_message_that_cannot_be_decoded_is_told_and_the_socket_lives(gateway_url: str) -> None:
    async with healthy(gateway_url), sockets.client(gateway_url, "otto", PASSWORD) as otto:
        for garbage in (b"\xc1", b"\xdd\xff\xff\xff\xff"):
            await otto.connection.send(garbage)
            assert (await otto.expect("refused"))[2] == "bad-message"
        assert (await otto.ask("list", 1))[0] == "done"


async def test_wrong_questions_are_no_reason_to_close(gateway_url: str) -> None:
    async with sockets.client(gateway_url, "otto", PASSWORD, sockets.JSON) as otto:
        for number in range(10):
            assert (await otto.ask("watch", number, "no such pattern"))[2] == "bad-message"
        assert (await otto.ask("list", 99))[0] == "done"


async def test_a_message_that_never_ends_is_ended(gateway_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "MESSAGE_TIMEOUT_S", 0.2)
    async with healthy(gateway_url), rude.upgraded(gateway_url, headers=OTTO) as one:
        await one.write(frame(BINARY, b"x", fin=False))
        code, reason = await one.closing()
        assert (code, "did not end" in reason) == (1008, True)


async def test_a_message_in_some_pieces_is_a_message(gateway_url: str) -> None:
    packed = msgpack.packb(["list", 1, "+/+"])
    pieces = [frame(BINARY, packed[:1], fin=False)]
    pieces += [frame(CONTINUATION, packed[index : index + 1], fin=False) for index in range(1, len(packed))]
    async with rude.upgraded(gateway_url, headers=OTTO) as one:
        for _ in range(200):  # so that the pieces of all together are more than one message may have
            await one.write(b"".join(pieces) + frame(CONTINUATION, b""))
        await one.write(frame(rude.CLOSE, (1000).to_bytes(2)))
        assert (await one.closing())[0] == 1000


async def test_who_says_nothing_or_never_ends_the_handshake_is_disconnected(
    broker: TestBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "OPEN_TIMEOUT_S", 0.3)
    monkeypatch.setattr(wire, "HELLO_TIMEOUT_S", 0.3)
    async with listening(broker) as (running, url), healthy(url), AsyncExitStack() as stack:
        silent = await stack.enter_async_context(rude.connected(url))
        slow = await stack.enter_async_context(rude.connected(url))
        await slow.write(b"GET /client HTTP/1.1\r\nHost: lab\r\nX: ")
        mute = await stack.enter_async_context(rude.upgraded(url))
        code, reason = await mute.closing()
        assert (code, reason) == (4401, "no login within 0 s")
        for one in (silent, slow):
            assert await one.closing() == (1006, "")
        await until(lambda: running.guard.places.taken == 2, "only the healthy are left")


async def test_sockets_of_one_address_are_limited_with_a_sentence(broker: TestBroker) -> None:
    async with listening(broker, limits=Limits(sockets_for_one=4)) as (running, url), healthy(url):
        async with sockets.client(url, "otto", PASSWORD), rude.connected(url):
            await until(lambda: running.guard.places.taken == 4, "four are there")
            status, body = await answer(url)
            assert (status, body) == (503, "too many connections from your address; close some, or come back later\n")
        await until(lambda: running.guard.places.taken == 2, "two have left")
        async with sockets.client(url, "otto", PASSWORD):
            pass


async def test_sockets_in_all_are_limited_and_the_refused_ones_as_well(
    broker: TestBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "MAX_TOLD", 1)
    async with listening(broker, limits=Limits(sockets=2)) as (running, url), healthy(url), rude.connected(url):
        await until(lambda: running.guard.told.taken == 1, "the one that may be told why is there")
        async with rude.connected(url) as cut:
            assert await cut.closing() == (1006, "")


async def test_those_who_have_not_logged_in_are_limited_and_the_next_waits_for_a_place(
    broker: TestBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(broker) as (running, url), healthy(url), AsyncExitStack() as silent:
        for _ in range(guarded.MAX_LOGGING_IN_FOR_ONE):
            await silent.enter_async_context(rude.upgraded(url))
        with monkeypatch.context() as patched:
            patched.setattr(guarded, "LOGIN_PLACE_TIMEOUT_S", 0.1)
            status, body = await answer(url)
            assert (status, "have not logged in" in body) == (503, True)
        logging_in = asyncio.create_task(logged_in(url))
        await until(lambda: running.guard.places.taken == 2 + 4 + 1, "somebody waits to log in")
        await silent.aclose()
        await logging_in


async def logged_in(url: str) -> None:
    async with sockets.client(url, "otto", PASSWORD) as otto:
        assert (await otto.ask("list", 1))[0] == "done"


async def test_many_who_log_in_at_the_same_moment_all_get_in(broker: TestBroker) -> None:
    async with listening(broker) as (running, url):
        async with asyncio.TaskGroup() as group:
            for _ in range(30):
                group.create_task(logged_in(url))
        await until(lambda: not running.guard.places.taken, "all have left")
        assert (running.guard.logging_in.taken, running.guard.refused) == (0, 0)


async def test_who_asks_too_fast_is_answered_no_faster_than_the_limit_and_nothing_is_lost(
    broker: TestBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "CLIENT_RATE", 50.0)
    monkeypatch.setattr(gateway, "CLIENT_BURST", 10.0)
    async with listening(broker) as (_, url), healthy(url), sockets.client(url, "otto", PASSWORD) as otto:
        began = time.monotonic()
        for number in range(60):
            await otto.send("unwatch", number, "pi-1/balance")
        answered = [(await otto.expect("done"))[1] for _ in range(60)]
        assert answered == list(range(60))
        assert time.monotonic() - began >= 0.9  # 10 at once, 50 at 50 a second; slower is no fault


async def test_a_socket_that_is_never_read_is_cut_off_and_what_waits_for_it_is_bounded(
    broker: TestBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kleinmaelzung_gateway.outbox.SEND_TIMEOUT_S", 0.5)
    async with listening(broker) as (running, url), healthy(url) as stream:
        async with rude.upgraded(url, headers=OTTO, receive_buffer=4096) as stuck:
            await stuck.write(frame(BINARY, msgpack.packb(["watch", 1, "pi-1/balance/data"])))
            await until(lambda: running.hub.watchers == 2, "it watches")
            [outbox] = [one.outbox for one in running.clients._connected if one._user == "otto"]
            largest = 0
            async with asyncio.timeout(30):
                while running.hub.watchers == 2:
                    await stream.flows(samples=30)
                    waiting = outbox._live_bytes + outbox.websocket.transport.get_write_buffer_size()
                    largest = max(largest, waiting)
            assert 64 * 1024 < largest < 4 * 1024 * 1024
        assert outbox.websocket.transport.is_closing()


async def test_refused_sentences_are_not_taken_for_a_lost_server(broker: TestBroker) -> None:
    async with listening(broker) as (_, url):
        with pytest.raises(InvalidStatus) as refused:
            async with sockets.socket(url, "/client?token=x"):
                pass
        assert refused.value.response.status_code == 401


async def test_json_that_is_none_is_counted_as_well(gateway_url: str) -> None:
    async with sockets.client(gateway_url, "otto", PASSWORD, sockets.JSON) as otto:
        for text in ("[", "{}", json.dumps("x")):
            await otto.connection.send(text)
        with pytest.raises(ConnectionClosed) as closed:
            await otto.expect("never")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007
