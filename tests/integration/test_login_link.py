"""The one-time login link: its code lets one in, once, also of several who bring it at the same moment."""

import asyncio
import json
import logging
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_gateway import login_link
from kleinmaelzung_local.mosquitto import write_private
from tests import gateways, sockets
from tests.brokers import PASSWORD, TestBroker
from tests.integration.test_gateway import get
from tests.integration.test_up import Up, mode, up
from tests.streaming import healthy


def make(directory: Path, password: str = PASSWORD, *, age_us: int = 0) -> tuple[Path, str]:
    """A link's file for anna, and its code."""
    code, link = login_link.make("anna", password, time.time_ns() // 1000 - age_us)
    path = directory / "login-link"
    write_private(path, link.to_json())
    return path, code


async def hello(url: str, **content: str) -> list[Any]:
    """What a first message is answered: the welcome, or ["closed", code, sentence]."""
    async with sockets.socket(url, "/client", sockets.JSON) as one:
        await one.send("hello", content)
        return await answer(one)


async def answer(one: sockets.Socket) -> list[Any]:
    try:
        return await one.receive()
    except ConnectionClosed:
        return ["closed", one.connection.close_code, one.connection.close_reason]


async def test_a_link_signs_in_once_and_tells_the_password_once(broker: TestBroker, tmp_path: Path) -> None:
    path, code = make(tmp_path)
    async with gateways.running_gateway(broker, login_link=path) as running:
        url = gateways.url(running)
        kind, welcome = await hello(url, code=code)
        assert (kind, welcome["user"], welcome["password"]) == ("welcome", "anna", PASSWORD)
        assert await hello(url, code=code) == ["closed", 4401, login_link.USED]
        kind, welcome = await hello(url, user="anna", password=PASSWORD)
        assert (kind, "password" in welcome) == ("welcome", False)
    assert sorted(tmp_path.glob("login-link*")) == []


async def test_of_many_at_two_gateways_at_the_same_moment_exactly_one_gets_in(
    broker: TestBroker, tmp_path: Path
) -> None:
    path, code = make(tmp_path)
    async with AsyncExitStack() as stack:
        urls = [
            gateways.url(await stack.enter_async_context(gateways.running_gateway(broker, login_link=path)))
            for _ in range(2)
        ]
        together = [await stack.enter_async_context(sockets.socket(url, "/client")) for url in urls for _ in range(3)]
        await asyncio.gather(*(one.send("hello", {"code": code}) for one in together))
        answers = await asyncio.gather(*map(answer, together))
    refused = ["closed", 4401, login_link.USED]
    assert sorted(found[0] for found in answers if found != refused) == ["welcome"]
    assert answers.count(refused) == 5


async def test_a_wrong_code_is_a_guess_and_leaves_the_link_to_its_owner(broker: TestBroker, tmp_path: Path) -> None:
    path, code = make(tmp_path)
    async with gateways.running_gateway(broker, login_link=path) as running, healthy(gateways.url(running)):
        url, guesses = gateways.url(running), running.gateway.guard.guesses
        for wrong in ("", "x", code[:-1], code + "x", "é" * 5000):
            assert await hello(url, code=wrong) == ["closed", 4401, login_link.WRONG]
        assert guesses.wait("127.0.0.1", login_link.GUESSED_AS, time.monotonic()) > 0
        assert guesses.wait("127.0.0.1", "anna", time.monotonic()) == 0, "she is not kept waiting for it"
        assert (await hello(url, code=code))[0] == "welcome"


async def test_an_expired_link_is_refused_and_a_new_one_is_needed(broker: TestBroker, tmp_path: Path) -> None:
    path, code = make(tmp_path, age_us=login_link.LIFETIME_US)
    async with gateways.running_gateway(broker, login_link=path) as running:
        assert await hello(gateways.url(running), code="wrong") == ["closed", 4401, login_link.WRONG]
        assert await hello(gateways.url(running), code=code) == ["closed", 4401, login_link.EXPIRED]
        assert path.exists(), "`up` sees by it that none was used"


async def test_a_link_to_a_password_that_was_changed_fails_and_removes_itself(
    broker: TestBroker, tmp_path: Path
) -> None:
    path, code = make(tmp_path, "an-earlier-password")
    async with gateways.running_gateway(broker, login_link=path) as running:
        assert await hello(gateways.url(running), code=code) == ["closed", 4401, login_link.CHANGED]
        assert sorted(tmp_path.glob("login-link*")) == []
        assert await hello(gateways.url(running), code=code) == ["closed", 4401, login_link.USED]


async def test_a_link_that_meets_no_broker_is_kept(broker: TestBroker, tmp_path: Path) -> None:
    path, code = make(tmp_path)
    async with gateways.running_gateway(broker, login_link=path) as running:
        await broker.stop()
        assert (await hello(gateways.url(running), code=code))[1] == 1012
        await broker.start()
        assert (await hello(gateways.url(running), code=code))[0] == "welcome"


@pytest.mark.parametrize("content", ["", "{", '{"digest": "x"}', "[]", "\udcff"])
async def test_a_damaged_file_lets_nobody_in(
    broker: TestBroker, tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, code = make(tmp_path)
    path.write_bytes(os.fsencode(content))
    async with gateways.running_gateway(broker, login_link=path) as running, healthy(gateways.url(running)):
        assert await hello(gateways.url(running), code=code) == ["closed", 4401, login_link.UNREADABLE]
    assert f"the login link in {path} cannot be used" in caplog.text


async def test_without_a_link_a_code_is_refused(gateway_url: str) -> None:
    assert await hello(gateway_url, code="x") == ["closed", 4401, login_link.USED]


async def test_neither_code_nor_password_is_logged_or_told_elsewhere(
    broker: TestBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "websockets")  # as the command sets it
    caplog.set_level(logging.DEBUG, "kleinmaelzung_gateway")  # last, for it is also what is kept
    path, code = make(tmp_path)
    assert code not in path.read_text()
    async with gateways.running_gateway(broker, login_link=path) as running:
        url = gateways.url(running)
        told = str(await hello(url, code="wrong-code"))
        assert (await hello(url, code=code))[0] == "welcome"
        told += str(await hello(url, code=code)) + await asyncio.to_thread(get, url, "/metrics")
    assert "user anna logged in by the one-time link" in caplog.text
    assert not [secret for secret in (code, PASSWORD, "wrong-code") if secret in told + caplog.text]


async def test_each_start_prints_a_fresh_link_until_one_was_used(tmp_path: Path) -> None:
    data = tmp_path / "lab"
    async with up(data) as running:
        first_link = running.ready["login_link"]
        assert first_link.startswith(running.ready["url"] + "/#login=")
        assert mode(data / "secrets" / "login-link") == 0o600
    async with up(data, port=running.port) as running:
        url, link = running.ready["url"].replace("http", "ws", 1), running.ready["login_link"]
        assert await hello(url, code=code_in(first_link)) == ["closed", 4401, login_link.WRONG]
        _, welcome = await hello(url, code=code_in(link))
        assert (welcome["user"], welcome["password"]) == ("admin", running.password)
        made = await new_password(running)
    async with up(data, port=running.port) as again:
        assert again.ready["login_link"] is None
        assert await hello(url, code=code_in(link)) == ["closed", 4401, login_link.USED]
        assert (await hello(url, user="admin", password=made))[0] == "welcome"
    logs = b"".join(path.read_bytes() for path in (data / "log").iterdir())
    assert not [one for one in (first_link, link) if code_in(one).encode() in logs]


async def new_password(running: Up) -> str:
    """What `kleinmaelzung user password admin` prints, asked by admin."""
    login = ["--url", running.ready["url"], "--user", "admin", "--password-file", running.ready["password_file"]]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kleinmaelzung", "user", "password", "admin", "--json", *login),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return str(json.loads(out)["password"])


def code_in(link: str) -> str:
    return link.partition("#login=")[2]
