"""TLS from agents, clients and MQTT tools to gateway and broker: what is wrong is said and mended without a restart."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import kleinmaelzung
from kleinmaelzung_bus import session as bus
from kleinmaelzung_gateway import certificate, gateway, guarded
from kleinmaelzung_gateway.certificate import CertificateFiles
from kleinmaelzung_gateway.guarded import Limits
from kleinmaelzung_local import system
from tests import gateways, rude
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker, running_broker
from tests.certificates import Authority, self_signed
from tests.running_agent import rows, running
from tests.waiting import until

LISTENING = 0.05


class Place:
    """Certificate and key of a server that runs with them, and the CA its friends trust."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory / "authority")
        self.stranger = Authority(directory / "stranger", name="Another CA")
        self.files = CertificateFiles(directory / "server.pem", directory / "server.key")
        self.ca_file = directory / "trusted.pem"
        self.make_good()

    def make_good(self) -> None:
        self.authority.sign(self.files.certificate, self.files.key)
        shutil.copy(self.authority.ca_file, self.ca_file)

    def expire(self) -> None:
        self.authority.sign(self.files.certificate, self.files.key, days=-1)

    def begin_later(self) -> None:
        self.authority.sign_for_later(self.files.certificate, self.files.key)

    def name_another(self) -> None:
        self.authority.sign(self.files.certificate, self.files.key, names="DNS:other.example")

    def sign_itself(self) -> None:
        self_signed(self.files.certificate, self.files.key)

    def replace_ca(self) -> None:
        self.stranger.sign(self.files.certificate, self.files.key)

    def lose_ca_file(self) -> None:
        self.ca_file.unlink()


TROUBLES: list[tuple[Callable[[Place], None], str]] = [
    (Place.expire, "has expired: renew it there"),
    (Place.begin_later, "is not valid yet"),
    (Place.name_another, "is for another name"),
    (Place.sign_itself, "is not signed by the CA in"),
    (Place.replace_ca, "is not signed by the CA in"),
    (Place.lose_ca_file, "cannot be read: No such file"),
]
NAMES = ["expired", "not yet valid", "wrong name", "self-signed", "CA replaced", "CA file gone"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@asynccontextmanager
async def listening(broker: TestBroker, place: Place) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A gateway that speaks TLS: its https:// address, and what has it look at its certificate."""
    reload = asyncio.Event()
    async with gateways.running_gateway(broker, reload, certificate=place.files) as served:
        yield gateways.url(served, "https"), reload


async def reloaded(reload: asyncio.Event) -> None:
    reload.set()
    await until(lambda: not reload.is_set(), "the gateway has looked")


@pytest.mark.parametrize(("make_wrong", "sentence"), TROUBLES, ids=NAMES)
async def test_an_agent_says_what_is_wrong_spools_and_recovers_without_restart(
    broker: TestBroker,
    place: Place,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    make_wrong: Callable[[Place], None],
    sentence: str,
) -> None:
    caplog.set_level(logging.INFO, "kleinmaelzung_agent")
    data = tmp_path / "spool"
    async with listening(broker, place) as (url, reload):
        make_wrong(place)
        await reloaded(reload)
        async with running(url, data, secret=AGENT_SECRET, ca_file=place.ca_file) as agent:
            await until(lambda: sentence in caplog.text, "the agent says what is wrong")
            await until(lambda: rows(data), "what is measured is kept")
            kept = len(rows(data))
            await until(lambda: len(rows(data)) > kept, "it goes on measuring")
            assert "connected to the gateway" not in caplog.text
            assert caplog.text.count(sentence) == 1  # once, not at each attempt
            place.make_good()
            await reloaded(reload)
            await until(lambda: "connected to the gateway" in caplog.text, "it is connected")
            assert not agent.stop.is_set()


@pytest.mark.parametrize(("make_wrong", "sentence"), TROUBLES, ids=NAMES)
async def test_a_client_says_what_is_wrong(
    broker: TestBroker, place: Place, make_wrong: Callable[[Place], None], sentence: str
) -> None:
    async with listening(broker, place) as (url, reload):
        make_wrong(place)
        await reloaded(reload)
        with pytest.raises(kleinmaelzung.NotReachable, match=sentence):
            async with kleinmaelzung.connect(url, user="otto", password=PASSWORD, ca_file=place.ca_file):
                pass
        place.make_good()
        await reloaded(reload)
        async with kleinmaelzung.connect(url, user="otto", password=PASSWORD, ca_file=place.ca_file) as lab:
            assert await lab.instruments() == []


async def test_without_a_ca_file_only_the_systems_cas_are_trusted(broker: TestBroker, place: Place) -> None:
    async with listening(broker, place) as (url, _):
        with pytest.raises(kleinmaelzung.NotReachable, match=r"nobody this machine trusts .* ca_file"):
            async with kleinmaelzung.connect(url, user="otto", password=PASSWORD):
                pass


async def test_a_renewal_leaves_those_who_are_connected_alone(broker: TestBroker, place: Place) -> None:
    async with (
        listening(broker, place) as (url, reload),
        kleinmaelzung.connect(url, user="otto", password=PASSWORD, ca_file=place.ca_file) as lab,
    ):
        place.make_good()
        await reloaded(reload)
        assert await lab.instruments() == []


async def test_a_renewed_certificate_is_noticed_without_being_told(
    broker: TestBroker, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate, "LOOK_EVERY_S", LISTENING)
    async with listening(broker, place) as (url, _):
        before = await shown(url, place)
        place.make_good()
        async with asyncio.timeout(20):
            while await shown(url, place) == before:
                await asyncio.sleep(LISTENING)
        assert await shown(url, place) == ssl.PEM_cert_to_DER_cert(place.files.certificate.read_text())


async def shown(url: str, place: Place) -> bytes:
    """The certificate a client is shown."""
    port = int(url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=place.ca_file)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return found


async def test_who_never_ends_the_handshake_of_tls_is_disconnected(
    broker: TestBroker, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "OPEN_TIMEOUT_S", 0.3)
    async with listening(broker, place) as (url, _):
        async with rude.connected(url) as silent, rude.connected(url) as garbled:
            await garbled.write(b"\x16\x03\x01" + bytes(1000))
            for one in (silent, garbled):
                async with asyncio.timeout(20):
                    with contextlib.suppress(ConnectionError):
                        await one.reader.read()
        async with kleinmaelzung.connect(url, user="otto", password=PASSWORD, ca_file=place.ca_file) as lab:
            assert await lab.instruments() == []


async def test_who_never_ends_the_handshake_of_tls_takes_a_place_as_well(
    broker: TestBroker, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "OPEN_TIMEOUT_S", 3600.0)  # it is not the time that ends them
    monkeypatch.setattr(guarded, "MAX_TOLD", 0)
    async with gateways.running_gateway(broker, certificate=place.files, limits=Limits(sockets_for_one=3)) as served:
        url = gateways.url(served, "https")
        login: dict[str, Any] = {"user": "otto", "password": PASSWORD, "ca_file": place.ca_file}
        async with kleinmaelzung.connect(url, **login) as watching, AsyncExitStack() as silent:
            for _ in range(2):
                await silent.enter_async_context(rude.connected(url))
            async with rude.connected(url) as cut:
                assert await cut.closing() == (1006, "")
            assert served.gateway.guard.refused >= 1
            assert served.gateway.guard.places.taken == 1
            assert await watching.instruments() == []
            await silent.aclose()
            async with asyncio.timeout(20):
                while not await is_let_in(url, login):
                    pass


async def is_let_in(url: str, login: dict[str, Any]) -> bool:
    try:
        async with kleinmaelzung.connect(url, **login) as lab:
            return await lab.instruments() == []
    except kleinmaelzung.NotReachable:
        return False


async def test_https_where_http_is_spoken_is_said(gateway_url: str, place: Place) -> None:
    url = gateway_url.replace("ws://", "https://")
    with pytest.raises(kleinmaelzung.NotReachable, match="speak TLS at this port"):
        async with kleinmaelzung.connect(url, user="otto", password=PASSWORD, ca_file=place.ca_file):
            pass


async def test_http_where_https_is_spoken_is_an_error(broker: TestBroker, place: Place) -> None:
    async with listening(broker, place) as (url, _):
        with pytest.raises(kleinmaelzung.NotReachable):
            async with kleinmaelzung.connect(url.replace("https", "http"), user="otto", password=PASSWORD):
                pass


@asynccontextmanager
async def secure_broker(place: Place, directory: Path) -> AsyncIterator[tuple[TestBroker, str]]:
    """A broker whose outer listener speaks TLS, and its mqtts:// address."""
    files = place.files
    async with running_broker(directory / "secure", tls_cert=files.certificate, tls_key=files.key) as running_one:
        yield running_one, f"mqtts://127.0.0.1:{running_one.mosquitto.port}"


async def test_messages_large_and_small_all_come_by_tls(place: Place, tmp_path: Path) -> None:
    got: list[bytes] = []
    (tmp_path / "secure").mkdir()
    sent = [bytes([number % 256]) * (60_000 if number % 10 == 0 else number) for number in range(2, 1500)]
    topic = "kleinmaelzung/pi-1/balance/data"
    async with secure_broker(place, tmp_path) as (_, url):
        reader = bus.Broker.from_url(url, user="otto", password=PASSWORD, ca_file=place.ca_file)
        writer = bus.Broker.from_url(url, user="agent:pi-1", password=AGENT_SECRET, ca_file=place.ca_file)
        async with (
            bus.connect(reader, client_id="otto", on_message=lambda m: got.append(m.payload)) as otto,
            bus.connect(writer, client_id="pi-1", on_message=lambda message: None) as pi,
        ):
            await otto.subscribe(topic)
            for payload in sent:
                while not pi.publish_soon(topic, payload):
                    await asyncio.sleep(LISTENING)
            await until(lambda: len(got) == len(sent), "all have come")
            assert got == sent
            assert not otto.is_lost
            assert not pi.is_lost


@pytest.mark.parametrize(("make_wrong", "sentence"), TROUBLES, ids=NAMES)
async def test_a_service_says_what_is_wrong_with_the_brokers_certificate_and_a_renewal_needs_no_restart(
    place: Place, tmp_path: Path, make_wrong: Callable[[Place], None], sentence: str
) -> None:
    (tmp_path / "secure").mkdir()
    async with secure_broker(place, tmp_path) as (broker, url):
        account = bus.Broker.from_url(url, user="otto", password=PASSWORD, ca_file=place.ca_file)

        async def trouble() -> str:
            try:
                async with bus.connect(account, client_id="otto", on_message=lambda message: None):
                    return ""
            except bus.BusError as error:
                return str(error)

        assert await trouble() == ""
        make_wrong(place)
        os.kill(broker.pid, signal.SIGHUP)
        async with asyncio.timeout(20):
            while sentence not in await trouble():
                await asyncio.sleep(LISTENING)
        place.make_good()
        os.kill(broker.pid, signal.SIGHUP)
        async with asyncio.timeout(20):
            while await trouble():
                await asyncio.sleep(LISTENING)


async def test_up_speaks_tls_to_everyone(place: Place, tmp_path: Path) -> None:
    choices = system.Choices(
        data=tmp_path / "server",
        port=0,
        name="localhost",
        tls_cert=place.files.certificate,
        tls_key=place.files.key,
    )
    async with system.run(choices) as everything:
        assert everything.url.startswith("https://localhost:")
        password = everything.password_file.read_text()
        async with kleinmaelzung.connect(everything.url, user="admin", password=password, ca_file=place.ca_file) as lab:
            assert await lab.instruments() == []
        account = bus.Broker.from_url(everything.mqtt, user="admin", password=password, ca_file=place.ca_file)
        async with bus.connect(account, client_id="admin", on_message=lambda message: None) as session:
            assert not session.is_lost
