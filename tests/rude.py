"""A WebSocket client without manners: writes what bytes it likes, and reads only when it is told to."""

import asyncio
import base64
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.sockets import MSGPACK

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0x0, 0x1, 0x2, 0x8, 0x9
LIMIT_S = 60.0


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, compressed: bool = False) -> bytes:
    """A client's frame; its mask of zeros leaves the payload as it is."""
    return header(opcode, len(payload), fin=fin, compressed=compressed) + payload


def header(opcode: int, size: int, *, fin: bool = True, compressed: bool = False) -> bytes:
    """The beginning of a frame that claims to be this large."""
    first = opcode | (0x80 if fin else 0) | (0x40 if compressed else 0)
    if size < 126:
        length = struct.pack("!B", 0x80 | size)
    elif size < 2**16:
        length = struct.pack("!BH", 0x80 | 126, size)
    else:
        length = struct.pack("!BQ", 0x80 | 127, size)
    return bytes([first]) + length + bytes(4)


class Rude:
    """One TCP connection. `status` and `body` are the answer to its handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status, self.body = 0, ""

    async def ask(self, path: str, headers: Mapping[str, str]) -> None:
        """Send a request's head and read the answer."""
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.writer.write("\r\n".join(lines).encode())
        async with asyncio.timeout(LIMIT_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            self.status = int(head.split()[1])
            if self.status != 101:
                self.body = (await self.reader.read()).decode()

    async def write(self, data: bytes) -> None:
        """Write, however much of it the other side still takes."""
        try:
            async with asyncio.timeout(LIMIT_S):
                for start in range(0, len(data), 65536):
                    self.writer.write(data[start : start + 65536])
                    await self.writer.drain()
        except ConnectionError:
            pass

    async def closing(self) -> tuple[int, str]:
        """Read to the other side's close frame: its code and reason; 1006 where the connection just ended."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while True:
                    first, second = await self.reader.readexactly(2)
                    size = second & 0x7F
                    if size >= 126:
                        size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
                    payload = await self.reader.readexactly(size)
                    if first & 0x0F == CLOSE:
                        return int.from_bytes(payload[:2]), payload[2:].decode()
        except (asyncio.IncompleteReadError, ConnectionError):
            return 1006, ""


def handshake(url: str, subprotocol: str = MSGPACK) -> dict[str, str]:
    return {
        "Host": urlsplit(url).netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        "Sec-WebSocket-Protocol": subprotocol,
    }


@asynccontextmanager
async def connected(url: str, receive_buffer: int | None = None) -> AsyncIterator[Rude]:
    """A TCP connection that has said nothing yet."""
    parts = urlsplit(url)
    ours = socket.socket()
    if receive_buffer is not None:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    ours.setblocking(False)
    assert parts.hostname is not None
    await asyncio.get_running_loop().sock_connect(ours, (parts.hostname, parts.port))
    reader, writer = await asyncio.open_connection(sock=ours, limit=2**16)
    try:
        yield Rude(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def upgraded(
    url: str,
    path: str = "/client",
    subprotocol: str = MSGPACK,
    headers: Mapping[str, str] | None = None,
    receive_buffer: int | None = None,
) -> AsyncIterator[Rude]:
    """A WebSocket whose handshake went well."""
    async with connected(url, receive_buffer) as rude:
        await rude.ask(path, handshake(url, subprotocol) | dict(headers or {}))
        assert rude.status == 101, rude.body
        yield rude
