"""What the tests of one file share, because starting it takes seconds: a Chromium, and a whole system.

`whole` is that system as it was at first, but for what is in its database: a test whose outcome depends on what was
logged before uses instruments with names of its own, or `own`, a system that no other test has seen. A file's tests
run in one event loop, since what is shared lives in it: each file has
`pytestmark = pytest.mark.asyncio(loop_scope="module")`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

import kleinmaelzung
from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import access, topics
from tests.browsers import opened_page, running_chromium
from tests.whole import Whole, whole_system

FIRST = {"admin", *(access.service_user(name) for name in access.SERVICES)}
CLEARER, SECRET = "clearer", "the-clearers-secret"
LIMIT_S = 30.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with running_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """A page that knows nothing of another test's."""
    async with opened_page(chromium, locale="en-GB") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    """What several tests use, each after it was cleared up after the one before."""
    async with whole_system(tmp_path_factory.mktemp("shared")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def whole(shared: Whole, tmp_path: Path) -> AsyncIterator[Whole]:
    one = Whole(shared.running, shared.lab, tmp_path)
    try:
        yield one
    finally:
        await one.kill_agent()
        await clear_up(one)


@pytest_asyncio.fixture(loop_scope="module")
async def own(tmp_path: Path) -> AsyncIterator[Whole]:
    """A system of the test's own, with nothing in its log, whose link for the first login was not used."""
    async with whole_system(tmp_path) as running:
        yield running


async def clear_up(whole: Whole) -> None:
    """No account but the first ones, and nothing retained of any agent."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            # The gateway may be on its way back, for tests kill it.
            with contextlib.suppress(kleinmaelzung.Error):
                await remove_accounts(whole)
                await remove_retained(whole)
                return
            await asyncio.sleep(0.1)


async def remove_accounts(whole: Whole) -> None:
    [answer] = await whole.lab.access([{"command": "listClients"}])
    for user in set(answer["data"]["clients"]) - FIRST:
        await whole.lab.access(access.remove_account(user))


async def remove_retained(whole: Whole) -> None:
    """By an account that may publish anything; the agents are gone."""
    may = [{"acltype": "publishClientSend", "topic": f"{topics.ROOT}/#", "allow": True}]
    await whole.lab.access(access.add_account(CLEARER, SECRET, may))
    port = int(whole.running.mqtt.rpartition(":")[2])
    broker = bus.Broker(host="127.0.0.1", port=port, user=CLEARER, password=SECRET)
    async with bus.connect(broker, client_id=CLEARER, on_message=lambda message: None) as session:
        for pattern in ("+/status", *(f"+/+/{kind}" for kind in topics.WATCHABLE)):
            while found := await whole.lab.retained(pattern):
                for topic in found:
                    await session.publish(f"{topics.ROOT}/{topic}", b"", retained=True)
    await whole.lab.access(access.remove_account(CLEARER))
