"""An admin types `kleinmaelzung user ...`: a real broker and gateway end what that user has open."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import topics
from tests import sockets
from tests.brokers import PASSWORD, TestBroker
from tests.terminals import Terminal
from tests.waiting import until

COMMAND = topics.command("pi-1", "balance", "anna")


@pytest.fixture
def admin(broker: TestBroker, gateway_url: str, tmp_path: Path) -> Terminal:
    return Terminal(gateway_url.replace("ws", "http", 1), broker.mosquitto.passwords["admin"], tmp_path)


@dataclass(frozen=True, slots=True)
class Open:
    """What anna has open: a WebSocket that watches, and the MQTT session of a tool of her own."""

    socket: sockets.Socket
    tool: bus.Session

    async def ends(self) -> None:
        with pytest.raises(ConnectionClosed) as closed:
            await self.socket.expect("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "the account was changed or removed"
        await until(lambda: self.tool.is_lost, "the MQTT session has ended")


def by_mqtt(broker: TestBroker, password: str = PASSWORD) -> AbstractAsyncContextManager[bus.Session]:
    return bus.connect(broker.stranger("anna", password), client_id="anna", on_message=lambda message: None)


@asynccontextmanager
async def anna_at_work(broker: TestBroker, url: str) -> AsyncIterator[Open]:
    async with sockets.client(url, "anna", PASSWORD) as socket, by_mqtt(broker) as tool:
        await socket.ask("watch", 1, "pi-1/balance")
        await tool.subscribe("kleinmaelzung/pi-1/balance/data")
        yield Open(socket, tool)


async def by_socket(url: str, password: str) -> str:
    """What the gateway says to the login."""
    async with sockets.socket(url, "/client", headers=sockets.basic("anna", password)) as socket:
        try:
            return str((await socket.receive())[0])
        except ConnectionClosed as closed:
            return closed.rcvd.reason if closed.rcvd else ""


async def is_out(broker: TestBroker, url: str, password: str) -> bool:
    """Whether neither gateway nor broker let her in."""
    with pytest.raises(bus.NotPermitted):
        async with by_mqtt(broker, password):
            pass
    return await by_socket(url, password) == "user name or password is wrong"


async def test_who_is_removed_is_out_and_stays_out(broker: TestBroker, gateway_url: str, admin: Terminal) -> None:
    async with anna_at_work(broker, gateway_url) as opened:
        assert await admin.json("user", "remove", "anna") == {"user": "anna", "removed": True}
        await opened.ends()
    assert await is_out(broker, gateway_url, PASSWORD)


async def test_no_session_goes_on_with_an_old_password(
    broker: TestBroker, gateway_url: str, admin: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "new").write_text("another\n")
    async with anna_at_work(broker, gateway_url) as opened:
        await admin.json("user", "password", "anna", "--new-password-file", str(tmp_path / "new"))
        await opened.ends()
    assert await is_out(broker, gateway_url, PASSWORD)
    assert await by_socket(gateway_url, "another") == "welcome"
    async with by_mqtt(broker, "another") as tool:
        await tool.subscribe("kleinmaelzung/pi-1/balance/data")


@pytest.mark.parametrize(
    "change", [("--role", "observer"), ("--instrument", "pi-2/+")], ids=["another role", "other instruments"]
)
async def test_other_rights_hold_for_who_was_there_already(
    broker: TestBroker, gateway_url: str, admin: Terminal, change: Sequence[str]
) -> None:
    async with anna_at_work(broker, gateway_url) as opened:
        assert (await opened.socket.ask("send", 2, "pi-1/balance", "tare"))[2]["result"] == "offline"
        await admin.json("user", "change", "anna", *change)
        await opened.ends()
    async with sockets.client(gateway_url, "anna", PASSWORD) as socket, by_mqtt(broker) as tool:
        assert (await socket.ask("send", 1, "pi-1/balance", "tare"))[2]["result"] == "not-permitted"
        with pytest.raises(bus.NotPermitted):
            await tool.publish(COMMAND, b"tare")
