"""Connecting to a laboratory: one task keeps the connection (link.py) until the block of connect() is left."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from kleinmaelzung import settings
from kleinmaelzung.errors import NotReachable
from kleinmaelzung.lab import Lab
from kleinmaelzung.link import Link
from kleinmaelzung.settings import Login


@asynccontextmanager
async def connect(
    url: str | None = None,
    *,
    user: str | None = None,
    password: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
) -> AsyncIterator[Lab]:
    """Connect to a server such as `http://lab:8080`, and stay connected until the block is left.

    What is not given comes from KLEINMAELZUNG_URL, KLEINMAELZUNG_USER, KLEINMAELZUNG_PASSWORD_FILE,
    KLEINMAELZUNG_CA_FILE (the CA to trust with https, where it is not one of the system's), or the file
    ~/.config/kleinmaelzung.toml. Raises SettingsError, NotReachable or NotLoggedIn when it does not work at first; a
    connection that is lost later comes back by itself.
    """
    async with connect_as(settings.find(url, user, password, ca_file=ca_file)) as lab:
        yield lab


@asynccontextmanager
async def connect_as(login: Login) -> AsyncIterator[Lab]:
    """connect() with a Login that was found already."""
    link = Link(login)
    # Not a TaskGroup: it would wrap whatever the caller's block raises into an ExceptionGroup.
    task = asyncio.create_task(link.run(), name="kleinmaelzung-connection")
    try:
        await link.first_connection()
        yield Lab(link)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        link.fail(NotReachable("the connection was closed: its `async with` block was left"))
