"""Proxies as people put them before a gateway, and get wrong: bytes through, but for what is changed in each head."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Change = Callable[[bytes], bytes]


def without_upgrade(head: bytes) -> bytes:
    """As most proxies do unless told otherwise: these headers are for one hop only."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith((b"upgrade:", b"connection:")))


def with_host(name: str) -> Change:
    """Asks the gateway by another name."""

    def change(head: bytes) -> bytes:
        first, *lines = head.split(b"\r\n")
        return b"\r\n".join([first, *(b"Host: " + name.encode() if _is_host(line) else line for line in lines)])

    return change


def _is_host(line: bytes) -> bool:
    return line.lower().startswith(b"host:")


@asynccontextmanager
async def proxy(address: tuple[str, int], change: Change) -> AsyncIterator[str]:
    """A proxy before a gateway: its http:// address. Where the gateway does not answer it says 502."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            try:
                onward, out = await asyncio.open_connection(*address)
            except OSError:
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno!\n")
            else:
                out.write(change(head))
                await asyncio.wait(
                    [asyncio.create_task(_pump(reader, out)), asyncio.create_task(_pump(onward, writer))],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                out.close()
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
