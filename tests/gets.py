"""A plain GET, as any program sends one."""

import asyncio
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from tests import sockets
from tests.brokers import PASSWORD

NONE: Mapping[str, str] = MappingProxyType({})
LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Got:
    """What came of it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


async def get(
    url: str, path: str, headers: Mapping[str, str] = NONE, method: str = "GET", ca_file: Path | None = None
) -> Got:
    """By TLS where a CA is named."""
    return await asyncio.to_thread(_get, urlsplit(url).netloc, path, dict(headers), method, ca_file)


async def history(url: str, path: str, user: str = "otto", password: str = PASSWORD) -> Got:
    """A file of history, asked for as a user; what is no letter of an address may stand in the path."""
    return await get(url, "/history/" + quote(path, safe="/?=&:,.+%'"), sockets.basic(user, password))


def _get(netloc: str, path: str, headers: dict[str, str], method: str, ca_file: Path | None) -> Got:
    connection = (
        http.client.HTTPSConnection(netloc, timeout=LIMIT_S, context=ssl.create_default_context(cafile=ca_file))
        if ca_file
        else http.client.HTTPConnection(netloc, timeout=LIMIT_S)
    )
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
