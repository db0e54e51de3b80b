"""A WebSocket client that speaks docs/protocol.md by hand: nothing of our client library is in it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

JSON = "kleinmaelzung.v1+json"
MSGPACK = "kleinmaelzung.v1+msgpack"


class Socket:
    """Sends and receives arrays; `expect` skips to the next message of a kind."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[list[Any]] = []

    @property
    def session(self) -> str:
        """A client's session, as the welcome named it."""
        return next(str(message[1]["session"]) for message in self.seen if message[0] == "welcome")

    async def send(self, *message: Any) -> None:
        text = self.connection.subprotocol == JSON
        await self.connection.send(json.dumps(message) if text else msgpack.packb(message))

    async def receive(self) -> list[Any]:
        async with asyncio.timeout(15):
            received = await self.connection.recv()
        message: list[Any] = json.loads(received) if isinstance(received, str) else msgpack.unpackb(received)
        self.seen.append(message)
        return message

    async def expect(self, kind: str, *start: Any) -> list[Any]:
        while True:
            message = await self.receive()
            if message[0] == kind and message[1 : 1 + len(start)] == list(start):
                return message

    async def ask(self, kind: str, question: int, *rest: Any) -> list[Any]:
        """Ask, and return the one answer: the message which carries the question's id."""
        await self.send(kind, question, *rest)
        while True:
            message = await self.receive()
            if message[0] in ("done", "refused", "reply") and message[1] == question:
                return message


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@asynccontextmanager
async def socket(
    url: str, path: str, subprotocol: str = MSGPACK, headers: dict[str, str] | None = None
) -> AsyncIterator[Socket]:
    async with connect(
        url + path, subprotocols=[Subprotocol(subprotocol)], additional_headers=headers, compression=None, proxy=None
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def agent(url: str, name: str, secret: str) -> AsyncIterator[Socket]:
    """An agent's socket, logged in."""
    async with socket(url, "/agent", headers=basic(name, secret)) as connected:
        await connected.expect("welcome")
        yield connected


@asynccontextmanager
async def client(url: str, user: str, password: str, subprotocol: str = MSGPACK) -> AsyncIterator[Socket]:
    """A client's socket, logged in."""
    async with socket(url, "/client", subprotocol, basic(user, password)) as connected:
        await connected.expect("welcome")
        yield connected
