"""GET /history/...: what is stored as a file, through a real gateway, broker, history service and database."""

import asyncio
import contextlib
import csv
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_gateway import files
from kleinmaelzung_gateway.certificate import CertificateFiles
from kleinmaelzung_gateway.gateway import Gateway
from kleinmaelzung_services.requests import Asked, RequestRefused, Requests
from kleinmaelzung_wire import access, messages, topics
from kleinmaelzung_wire.rights import PUBLIC, Rights
from tests import gateways, gets, rude, sockets
from tests.brokers import PASSWORD, TestBroker
from tests.certificates import Authority
from tests.recording import Recorded, T
from tests.waiting import until

SAMPLES = 20
FROM_TO = f"from={T}&to={T + 10**9}"


@pytest.fixture
async def recorded(broker: TestBroker, dsn: str) -> AsyncIterator[Recorded]:
    """pi-1/balance with frames 1 to 20, and a history service."""
    async with Recorded(broker, dsn) as lab:
        await lab.start("logger", "history")
        lab.say(range(1, SAMPLES + 1))
        await lab.logged(SAMPLES)
        yield lab


async def test_a_file_of_each_kind_comes_with_its_type_and_name(recorded: Recorded, gateway_url: str) -> None:
    for kind, media_type, name in (
        ("csv", "text/csv; charset=utf-8; header=present", "pi-1_balance.csv"),
        ("json", "application/jsonl; charset=utf-8", "pi-1_balance.jsonl"),
        ("parquet", "application/vnd.apache.parquet", "pi-1_balance.parquet"),
    ):
        got = await gets.history(gateway_url, f"pi-1/balance.{kind}?{FROM_TO}")
        assert (got.status, got.headers["content-type"]) == (200, media_type), got.text
        assert got.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-length"] == str(len(got.body))
    assert got.body[:4] == got.body[-4:] == b"PAR1"


async def test_times_channels_and_points_choose(recorded: Recorded, gateway_url: str) -> None:
    recorded.say(range(SAMPLES + 1, SAMPLES + 4), text="=1+1")
    await recorded.logged(SAMPLES + 3)
    got = await gets.history(gateway_url, f"pi-1/balance.csv?from={T + 5000}&to={T + 9000}")
    header, *rows = csv.reader(got.text.splitlines())
    assert header == ["time", "mass [g]", "quality", "note"]
    assert [float(row[1]) for row in rows] == [5, 6, 7, 8]
    iso = "from=2025-11-24T16:00:00.005Z&to=2025-11-24T17:00:00.009+01:00"  # nobody wrote the + as %2B
    assert (await gets.history(gateway_url, f"pi-1/balance.csv?{iso}")).body == got.body
    got = await gets.history(gateway_url, f"pi-1/balance.json?{FROM_TO}&channels=text")
    lines = [json.loads(line) for line in got.text.splitlines()]
    assert [line["text"] for line in lines[1:]] == ["=1+1"] * 3
    got = await gets.history(gateway_url, f"pi-1/balance.csv?from={T}&to={T + 20_000}&points=10&channels=mass")
    header, *rows = csv.reader(got.text.splitlines())
    assert header[:3] == ["time", "mass [g]", "quality"]  # few samples come as they are
    recorded.say(range(SAMPLES + 4, SAMPLES + 40))
    await recorded.logged(SAMPLES + 39)
    got = await gets.history(gateway_url, f"pi-1/balance.csv?from={T}&to={T + 60_000}&points=10&channels=mass")
    header, *rows = csv.reader(got.text.splitlines())
    assert header == ["time", *(f"mass [g] {word}" for word in ("mean", "min", "max", "count")), "note"]
    assert sum(int(row[4]) for row in rows) == SAMPLES + 39
    assert len(rows) == 10


async def test_a_time_in_which_nothing_was_taken_is_an_empty_file(recorded: Recorded, gateway_url: str) -> None:
    got = await gets.history(gateway_url, "pi-1/balance.csv?from=1h")
    assert (got.status, got.text) == (200, "time,quality,note\r\n")


async def test_who_does_not_sign_in_is_asked_to(recorded: Recorded, gateway_url: str) -> None:
    path = f"/history/pi-1/balance.csv?{FROM_TO}"
    expected = 'Basic realm="Kleinmaelzung", charset="UTF-8"'
    unreadable = [{"Authorization": "Bearer x"}, {"Authorization": "Basic x"}, sockets.basic("Ω", "x")]
    unknown = [sockets.basic("otto", "wrong"), sockets.basic("nobody", PASSWORD), sockets.basic(PUBLIC, PASSWORD)]
    for headers in ({}, *unreadable, *unknown):
        got = await gets.get(gateway_url, path, headers)
        assert (got.status, got.headers.get("www-authenticate")) == (401, expected), headers
        assert b"mass" not in got.body
    wrong = await gets.history(gateway_url, "nobody/nothing.csv?from=x", "otto", "wrong")
    assert wrong.status == 400  # what is wrong with the question is no secret


async def test_wrong_passwords_wait_as_at_the_sockets(broker: TestBroker) -> None:
    async with gateways.running_gateway(broker) as running:
        url, guesses = gateways.url(running), running.gateway.guard.guesses
        for number in range(3):
            assert (await gets.history(url, "pi-1/balance.csv", "otto", f"guess {number}")).status == 401
        assert guesses.wait("127.0.0.1", "otto", time.monotonic()) > 0
        assert (await gets.history(url, "pi-1/balance.csv")).status == 503  # let in, and nobody is there to be asked
        assert guesses.wait("127.0.0.1", "otto", time.monotonic()) == 0
        await until(lambda: not running.gateway.guard.logging_in.taken, "no place is held")


async def test_there_is_no_public_history(broker: TestBroker, recorded: Recorded) -> None:
    await broker.manage(access.add_account(PUBLIC, PASSWORD, access.user_rules(PUBLIC, Rights(role="public"))))
    async with gateways.running_gateway(broker, public_password="another") as running:
        url = gateways.url(running)
        assert (await gets.get(url, f"/history/pi-1/balance.csv?{FROM_TO}")).status == 401
        # And who learned its password may not ask services.
        got = await gets.history(url, f"pi-1/balance.csv?{FROM_TO}", PUBLIC)
        assert (got.status, "not permitted" in got.text) == (403, True)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_but_get(gateway_url: str, method: str) -> None:
    got = await gets.get(gateway_url, "/history/pi-1/balance.csv", sockets.basic("otto", PASSWORD), method)
    assert (got.status, got.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("path", ["", "pi-1", "pi-1/balance", "pi-1/balance.exe", "pi-1/balance.csv.csv", "+/+.csv",
                                  "../balance.csv", "pi-1/BALANCE.csv", "pi-1/%2e%2e.csv", "pi-1/a/b.csv"])  # fmt: skip
async def test_what_is_no_file_of_history_is_said(gateway_url: str, path: str) -> None:
    got = await gets.get(gateway_url, f"/history/{path}", sockets.basic("otto", PASSWORD))
    assert got.status == 404
    assert "expected" in got.text


# With a service that does what a test wants


class Desk:
    """A history service whose files have `pieces` of a piece, besides how they begin."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ended: list[Any] = []
        self.stream = ""
        self.is_slow_to_begin = False
        self.go_on = asyncio.Event()
        self.piece = b"x" * 100_000
        self.pieces = 20
        self.mute = 0  # so many questions are not answered

    async def export(self, asked: Asked) -> Any:
        self.asked.append(asked.user)
        self.stream = asked.request.arguments["stream"]
        if asked.user == "otto" and self.is_slow_to_begin:
            await self.go_on.wait()
        head = {"stream": self.stream, "from": T, "to": T + 10**9, "kind": "file", "media_type": "x/y\r\nX-Bad: 1"}
        return {**head, "file_name": "../../x\r\nX-Bad: 1", "piece": b"begin\n", "more": True, "done": 0}

    async def next(self, asked: Asked) -> Any:
        number = asked.request.fields().integer("number")
        if self.mute:
            self.mute -= 1
            await asyncio.Event().wait()
        if self.asked[-1] == "otto":
            await self.go_on.wait()
        return {"piece": self.piece, "more": number < self.pieces, "done": number}

    async def end(self, asked: Asked) -> Any:
        self.ended.append(asked.request.arguments["stream"])
        return {}

    async def refuse(self, asked: Asked) -> Any:
        raise RequestRefused("busy", "too much to do")


def request(user: str) -> bytes:
    [authorization] = sockets.basic(user, PASSWORD).values()
    return f"GET /history/pi-1/balance.csv HTTP/1.1\r\nHost: lab\r\nAuthorization: {authorization}\r\n\r\n".encode()


@contextlib.asynccontextmanager
async def serving(broker: TestBroker, desk: Desk) -> AsyncIterator[None]:
    handlers = {"export": desk.export, "history-next": desk.next, "history-end": desk.end}
    asked = Requests("history", handlers)
    status = messages.ServiceStatus(role="history", online=True, healthy=True).encode()

    def take(message: bus.Message) -> None:
        asked.take(message)

    async with bus.connect(broker.mosquitto.broker("history"), client_id="desk", on_message=take) as session:
        await asked.serve(session)
        await session.publish(topics.service_status("history"), status, retained=True)
        running = asyncio.create_task(asked.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait((running,))


@pytest.fixture
async def desk(broker: TestBroker) -> AsyncIterator[Desk]:
    desk = Desk()
    async with serving(broker, desk):
        yield desk


@pytest.fixture
async def gateway(broker: TestBroker) -> AsyncIterator[tuple[Gateway, str]]:
    async with gateways.running_gateway(broker) as running:
        yield running.gateway, gateways.url(running)


async def test_what_is_too_large_is_told_with_the_command_that_gets_it(desk: Desk, gateway_url: str) -> None:
    desk.pieces = 1000  # 100 MB, of which nobody waits for the end
    got = await gets.history(gateway_url, "pi-1/balance.csv?from=7d&channels=mass&points=20000", "anna")
    assert got.status == 413
    command = (
        "kleinmaelzung history pi-1/balance --from 2025-11-24T16:00:00Z --to 2025-11-24T16:16:40Z"
        " --channels mass --points 20000 -o balance.csv"
    )
    assert got.text == f"more than 16 MiB; ask for less, or take it by: {command}\n"
    await until(lambda: desk.ended == [desk.stream], "the service is told that nobody wants the rest")


async def test_names_come_from_the_address_and_not_from_the_service(desk: Desk, gateway_url: str) -> None:
    desk.piece = b"x"
    got = await gets.history(gateway_url, "pi-1/balance.csv", "anna")
    assert got.body == b"begin\n" + b"x" * desk.pieces
    assert got.headers["content-disposition"] == 'attachment; filename="pi-1_balance.csv"'
    assert got.headers["content-type"].startswith("text/csv")
    assert "x-bad" not in got.headers
    await until(lambda: desk.ended == [desk.stream], "the stream's place is free")


async def test_who_goes_away_ends_it_at_the_service(desk: Desk, gateway: tuple[Gateway, str]) -> None:
    running, url = gateway
    async with rude.connected(url) as one:
        await one.write(request("otto"))
        await until(lambda: desk.asked, "the service is asked")
        assert len(running.files) == 1
    await until(lambda: desk.ended == [desk.stream], "the service is told")
    await until(lambda: not len(running.files) and not running.guard.places.taken, "nothing is left of it")


async def test_who_goes_away_before_the_first_answer_ends_it_too(desk: Desk, gateway: tuple[Gateway, str]) -> None:
    running, url = gateway
    desk.is_slow_to_begin = True
    async with rude.connected(url) as one:
        await one.write(request("otto"))
        await until(lambda: desk.asked, "the service is asked")
    await until(lambda: desk.ended == [desk.stream], "the service is told")
    await until(lambda: not len(running.files), "nothing is left of it")


async def test_a_slow_file_outlasts_the_handshakes_limit_and_keeps_nobody_out(
    broker: TestBroker, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kleinmaelzung_gateway.gateway.OPEN_TIMEOUT_S", 0.3)
    desk.piece = b"x"
    async with gateways.running_gateway(broker) as running:
        url = gateways.url(running)
        slow = asyncio.create_task(gets.history(url, "pi-1/balance.csv"))
        await until(lambda: desk.asked, "the service is asked")
        async with rude.connected(url) as silent:  # which is cut by that limit, after the file began
            assert await silent.closing() == (1006, "")
        assert (await gets.get(url, "/healthz")).status == 200
        async with sockets.client(url, "anna", PASSWORD) as anna:
            assert (await anna.ask("list", 1))[0] == "done"
        assert not slow.done()
        desk.go_on.set()
        assert (await slow).status == 200


async def test_so_many_at_once_and_no_more(
    desk: Desk, gateway: tuple[Gateway, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PLACE_TIMEOUT_S", 0.2)
    desk.piece = b"x"
    running, url = gateway
    first = [asyncio.create_task(gets.history(url, "pi-1/balance.csv")) for _ in range(files.MAX_FILES_FOR_ONE)]
    await until(lambda: len(running.files) == len(first), "two are under way")
    refused = await gets.history(url, "pi-1/balance.csv")
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert refused.text == "2 files for one address, 4 in all: wait until one has come\n"
    desk.go_on.set()
    assert [got.status for got in await asyncio.gather(*first)] == [200, 200]
    await until(lambda: not len(running.files), "the places are free")
    assert (await gets.history(url, "pi-1/balance.csv")).status == 200


async def test_an_answer_that_is_lost_is_asked_for_again(
    desk: Desk, gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ASK_TIMEOUT_S", 0.5)
    desk.piece, desk.mute = b"x", 1
    assert (await gets.history(gateway_url, "pi-1/balance.csv", "anna")).body == b"begin\n" + b"x" * desk.pieces
    desk.mute = 2
    got = await gets.history(gateway_url, "pi-1/balance.csv", "anna")
    assert got.status == 504
    assert "0.5 s" in got.text


async def test_what_takes_too_long_is_told_with_the_command(
    desk: Desk, gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_TIMEOUT_S", 0.5)
    got = await gets.history(gateway_url, "pi-1/balance.json")
    assert got.status == 504
    assert got.text == (
        "not ready within 0.5 s; ask for less, or take it by: "
        "kleinmaelzung history pi-1/balance --format json -o balance.jsonl\n"
    )
    await until(lambda: desk.ended == [desk.stream], "the service is told")


async def test_without_a_service_that_is_well_it_is_said_why(broker: TestBroker, gateway_url: str) -> None:
    got = await gets.history(gateway_url, "pi-1/balance.csv")
    assert (got.status, got.text) == (503, "no history service is there: is it running?\n")
    ill = messages.ServiceStatus(role="history", online=True, healthy=False, reason="database: gone")
    async with bus.connect(
        broker.mosquitto.broker("history"), client_id="ill", on_message=lambda message: None
    ) as session:
        await session.publish(topics.service_status("history"), ill.encode(), retained=True)
        got = await gets.history(gateway_url, "pi-1/balance.csv")
    assert (got.status, got.text) == (503, "no history service is there: database: gone\n")


async def test_a_client_that_does_not_read_is_ended(
    desk: Desk, gateway: tuple[Gateway, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "STALLED_S", 0.5)
    desk.pieces = 100  # 10 MB: more than the kernel takes
    running, url = gateway
    async with rude.connected(url, receive_buffer=4096) as one:
        await one.write(request("anna"))
        await until(lambda: desk.ended, "all is there to be sent")
        await until(lambda: not len(running.files), "its place is free")
        await until(lambda: not running.guard.places.taken, "it is gone")


async def test_a_large_file_comes_whole_by_tls_too(broker: TestBroker, desk: Desk, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    own = CertificateFiles(tmp_path / "server.pem", tmp_path / "server.key")
    authority.sign(own.certificate, own.key)
    desk.pieces = 100
    async with gateways.running_gateway(broker, certificate=own) as running:
        headers, url = sockets.basic("anna", PASSWORD), gateways.url(running)
        got = await gets.get(url, "/history/pi-1/balance.csv", headers, ca_file=authority.ca_file)
        assert (got.status, len(got.body)) == (200, 6 + 10_000_000)
        await until(lambda: not running.gateway.guard.places.taken, "the connection is closed")


async def test_a_gateway_that_ends_does_not_wait_for_a_file(broker: TestBroker, desk: Desk) -> None:
    async with gateways.running_gateway(broker) as running:
        slow = asyncio.create_task(gets.history(gateways.url(running), "pi-1/balance.csv"))
        await until(lambda: desk.asked, "the service is asked")
    with pytest.raises(OSError):  # noqa: PT011 -- whatever the network calls it
        await slow
