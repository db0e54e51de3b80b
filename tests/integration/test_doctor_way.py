"""`kleinmaelzung doctor` on the way to a gateway: network, address, TLS, proxies, login, rights, each really broken."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from kleinmaelzung.settings import Login
from kleinmaelzung_gateway.certificate import CertificateFiles
from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import Rights
from tests import gateways, proxies
from tests.brokers import PASSWORD, TestBroker
from tests.certificates import Authority, self_signed
from tests.doctors import Seen, look
from tests.fakes_client_gateway import FakeGateway
from tests.fakes_client_gateway import running as running_fake
from tests.people import People
from tests.waiting import until

NOWHERE = "198.51.100.77"  # of a network that is for examples only


def anna(url: str, password: str = PASSWORD, ca_file: Path | None = None) -> Login:
    return Login(url=url.replace("ws:", "http:"), user="anna", password=password, ca_file=ca_file)


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port where connections get no answer, as behind a firewall: its queue is full."""
    with contextlib.ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@contextmanager
def no_route() -> Iterator[bool]:
    """No way to one address, where we may take it away; gives whether we did."""
    rule = ["unreachable", f"{NOWHERE}/32"]
    may_cut = os.geteuid() == 0 and shutil.which("ip") is not None
    is_cut = may_cut and subprocess.run(["ip", "route", "add", *rule], check=False).returncode == 0
    try:
        yield is_cut
    finally:
        if is_cut:
            subprocess.run(["ip", "route", "del", *rule], check=True)


@asynccontextmanager
async def web_server() -> AsyncIterator[str]:
    """Something else that speaks HTTP."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nConnection: close\r\n\r\n<h1>No!</h1>")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())


async def test_each_way_in_which_a_server_is_not_reached(broker: TestBroker, unused_tcp_port: int) -> None:
    mqtt = broker.mosquitto.internal_port
    with deaf_port() as deaf, socket.create_server(("127.0.0.1", 0)) as hanging, no_route() as is_cut:
        async with web_server() as other, proxies.proxy(("127.0.0.1", unused_tcp_port), bytes) as before_nobody:
            urls = {
                "refused": f"http://127.0.0.1:{unused_tcp_port}",
                "deaf": f"http://127.0.0.1:{deaf}",
                "nowhere": f"http://{NOWHERE}:8080",
                "unnamed": f"http://{'a' * 64}.example:8080",
                "hanging": f"http://127.0.0.1:{hanging.getsockname()[1]}",
                "mqtt": f"http://127.0.0.1:{mqtt}",
                "other": other,
                "before nobody": before_nobody,
            }
            found = await asyncio.gather(*(look(anna(url)) for url in urls.values()))
    seen = dict(zip(urls, found, strict=True))
    seen["refused"].says("server", f"nothing listens at 127.0.0.1:{unused_tcp_port}", "start the gateway there")
    seen["deaf"].says("server", "does not answer within 5 s", "whether a firewall lets this port through")
    seen["hanging"].says("server", "takes the connection, and does not answer within 5 s", "start it again")
    seen["unnamed"].says("server", "is not known to this machine", "correct --url")
    seen["mqtt"].says("server", "does not answer as a gateway does", "another program's port")
    seen["other"].says("server", "is no kleinmaelzung gateway (HTTP status 404)", "correct --url")
    seen["before nobody"].says("server", "a proxy that does not reach the gateway (502)", "start the gateway")
    if is_cut:
        seen["nowhere"].says("server", f"there is no way to {NOWHERE}:8080", "look at this machine's network")
    assert all(one.states("server") == {"unchecked"} for one in found)


# --- TLS --------------------------------------------------------------------------------------------------------------


class Place:
    """A gateway's certificate, and the CA that its friends trust."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory / "authority")
        self.stranger = Authority(directory / "stranger", name="Another CA")
        self.files = CertificateFiles(directory / "server.pem", directory / "server.key")
        self.authority.sign(*self.pair, days=400)

    @property
    def pair(self) -> tuple[Path, Path]:
        return self.files.certificate, self.files.key


async def test_each_way_in_which_a_certificate_is_wrong(broker: TestBroker, tmp_path: Path) -> None:
    place, reload = Place(tmp_path), asyncio.Event()
    trusted = place.authority.ca_file

    async with gateways.running_gateway(broker, reload, certificate=place.files) as served:
        url = gateways.url(served, "https")

        async def renewed(ca_file: Path | None = trusted) -> Seen:
            reload.set()
            await until(lambda: not reload.is_set(), "the gateway has looked")
            return await look(anna(url, ca_file=ca_file))

        good = await renewed()
        assert (good["certificate"].found[:18], good.broken) == ("accepted, good for", {"logger", *_SERVICES})
        good.says("logger", "there is none, so nothing is recorded", "start kleinmaelzung-logger")
        (await renewed(None)).says("certificate", "nobody this machine trusts has signed", "name your own CA's file")
        (await renewed(tmp_path / "none")).says(
            "certificate", "cannot be read: No such file", "name the file of the CA"
        )
        place.authority.sign(*place.pair, days=5)
        (await renewed()).says("certificate", "expires in 4 d", "renew it", "warning")
        place.authority.sign(*place.pair, days=-1)
        (await renewed()).says("certificate", "has expired", "renew it there")
        place.authority.sign_for_later(*place.pair)
        (await renewed()).says("certificate", "is not valid yet", "synchronise it")
        place.authority.sign(*place.pair, names="DNS:other.example")
        (await renewed()).says("certificate", "is for another name", "use a name that it holds")
        place.stranger.sign(*place.pair)
        (await renewed()).says("certificate", "is not signed by the CA in", "put the CA there that signed it")
        self_signed(*place.pair)
        (await renewed()).says("certificate", "is not signed by the CA in", "put the CA there that signed it")
        in_clear = await look(anna(gateways.url(served, "http")))
        in_clear.says("server", "does not answer as a gateway does", "where the gateway speaks TLS it is https://")


_SERVICES = ("history", "batches", "calibration")


async def test_tls_where_there_is_none(gateway_url: str) -> None:
    seen = await look(anna(gateway_url.replace("ws:", "https:")))
    seen.says("server", "ended the connection as TLS began", "does it speak TLS at this port?")


# --- proxies ----------------------------------------------------------------------------------------------------------


async def test_a_proxy_that_passes_no_websockets_and_one_that_asks_by_another_name(broker: TestBroker) -> None:
    async with gateways.running_gateway(broker) as served:
        async with proxies.proxy(served.address, proxies.without_upgrade) as url:
            seen = await look(anna(url))
        seen.says("socket", "its WebSocket does not (426)", "pass on the headers Upgrade and Connection")
        assert seen["server"].state == "ok"
        assert seen["login"].found == "not checked because the socket does not open"
        async with proxies.proxy(served.address, proxies.with_host("lab.example.org")) as url:
            seen = await look(anna(url))
        seen.says("server", "'lab.example.org' is no name of this server", "KLEINMAELZUNG_HOSTS")


# --- who looks --------------------------------------------------------------------------------------------------------


async def test_a_password_that_is_wrong(gateway_url: str) -> None:
    seen = await look(anna(gateway_url, "a guess"))
    seen.says("login", "does not let anna in", "kleinmaelzung user password NAME")
    assert (seen["socket"].state, seen["rights"].state) == ("ok", "unchecked")


def bare_account(name: str) -> list[dict[str, object]]:
    """An account that somebody made by hand: it may log in, and nothing else."""
    own = [rule for rule in access.user_rules(name, Rights(role="observer")) if "/_client/" in rule["topic"]]
    roles = [{"rolename": "bare"}]
    return [
        {"command": "createRole", "rolename": "bare", "acls": own},
        {"command": "createClient", "username": name, "password": PASSWORD, "roles": roles},
    ]


async def test_rights_to_a_part_and_to_nothing(broker: TestBroker, gateway_url: str) -> None:
    people = People(broker, gateway_url)
    await people.add_user("carl", "operator", "pi-1/balance")
    seen = await look(Login(url=people.url, user="carl", password=PASSWORD))
    seen.says("rights", "operator of pi-1/balance; what is outside is not seen here", "", "ok")
    await broker.manage(bare_account("bare"))
    seen = await look(Login(url=people.url, user="bare", password=PASSWORD))
    seen.says("rights", "is not permitted", "kleinmaelzung user change bare --instrument")
    assert (seen["login"].state, seen["agent"].state) == ("ok", "unchecked")


@pytest.mark.parametrize(("off_s", "way"), [(-7200, "ahead of"), (7200, "behind")])
async def test_a_clock_that_is_off(off_s: int, way: str) -> None:
    gateway = FakeGateway()
    gateway.health["time"] = (time.time_ns() // 1000) + off_s * 1_000_000
    async with running_fake(gateway):
        seen = await look(Login(url=gateway.url, user="anna", password="barley"))
    seen.says("clock", f"{way} the server", "have it synchronised")
