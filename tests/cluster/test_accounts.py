"""The table of who may what, asked of a real RabbitMQ, and the program that makes accounts there.

RabbitMQ ends the connection of whoever is refused.
"""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_bus.session import BusError, BusLost, NotPermitted, Session
from kleinmaelzung_rabbitmq.__main__ import main
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.rights import Rights
from tests.access_table import ACCOUNTS, FILTERS, TABLE, WRITTEN
from tests.cluster.accounts import client_id, definition, password
from tests.cluster.rabbitmq import Cluster, running_cluster
from tests.waiting import until

pytestmark = [pytest.mark.usefixtures("needs_rabbitmq"), pytest.mark.timeout(400)]

ONLINE = {row.topic for row in TABLE if row.pattern.endswith("/online")} | {topics.any_online()}


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path, map(definition, ACCOUNTS), size=1) as running:
        yield running


def connected(
    cluster: Cluster, name: str, secret: str = "", client: str = ""
) -> contextlib.AbstractAsyncContextManager[Session]:
    broker = cluster.nodes[0].broker(name, secret or password(name))
    return bus.connect(broker, client_id=client or client_id(name), on_message=lambda message: None)


async def granted(
    cluster: Cluster, name: str, wanted: list[str], ask: Callable[[Session, str], Awaitable[object]]
) -> set[str]:
    """Which of these `ask` is not refused; connected again after each refusal."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        async with connected(cluster, name) as session:
            while waiting:
                asked = waiting.pop(0)
                try:
                    await ask(session, asked)
                except (NotPermitted, BusLost):
                    break
                found.add(asked)
    return found


async def subscribe(session: Session, topic_filter: str) -> None:
    await session.subscribe(topic_filter)
    await session.unsubscribe(topic_filter)


async def publish(session: Session, topic: str) -> None:
    await session.publish(topic, b"")


async def ended(session: Session) -> None:
    await until(lambda: session.is_lost, "the broker ends the session")


async def test_it_grants_and_takes_what_the_table_says(cluster: Cluster) -> None:
    read = {**{row.topic: row.readers for row in TABLE}, **FILTERS}
    read = {asked: names | ({"service:gateway"} if asked in ONLINE else set()) for asked, names in read.items()}
    read = {asked: names for asked, names in read.items() if not asked.startswith("$")}
    written = {**{row.topic: row.writers for row in TABLE}, **WRITTEN}
    may_read = {name: await granted(cluster, name, list(read), subscribe) for name in ACCOUNTS}
    may_write = {name: await granted(cluster, name, list(written), publish) for name in ACCOUNTS}
    assert {asked: {name for name in ACCOUNTS if asked in may_read[name]} for asked in read} == read
    assert {asked: {name for name in ACCOUNTS if asked in may_write[name]} for asked in written} == written


async def test_nobody_gets_the_messages_of_another_by_its_client_id(cluster: Cluster) -> None:
    """The other is put out all the same, and comes back: RabbitMQ lets everybody use any client id."""
    async with connected(cluster, "agent:pi-1") as agent:
        await agent.subscribe(topics.logged("pi-1"))
        async with connected(cluster, "anna", client="agent:pi-1") as stranger:
            with pytest.raises(BusError):
                await stranger.subscribe("kleinmaelzung/+/+/data")
        await ended(agent)


async def test_accounts_are_made_changed_and_removed_while_it_runs(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "admin").write_text(password("admin"))
    node = f"mqtt://127.0.0.1:{cluster.nodes[0].mqtt_port}"
    control = cluster.write_control(tmp_path / "rabbitmqctl")
    base = ["--control", shlex.quote(str(control)), "--node", node, "--admin-password-file", str(tmp_path / "admin")]

    async def make(*words: str) -> str:
        assert await asyncio.to_thread(main, [*base, *words]) == 0
        return capsys.readouterr().out.strip()

    secret = await make("user", "rita", "--role", "operator", "--instrument", "pi-1/+")
    told: list[bytes] = []
    anybody = cluster.nodes[0].broker("rita", secret)
    async with bus.connect(anybody, client_id="rita", on_message=lambda m: told.append(m.payload)) as rita:
        await rita.subscribe(topics.rights("rita"))
        await until(lambda: told, "the node tells what rita may")
        assert Rights.from_json(told[0]) == Rights(role="operator", instruments=("pi-1/+",))
        await publish(rita, topics.command("pi-1", "balance", "rita"))
        await make("rights", "rita", "--role", "observer")
        await ended(rita)
    async with connected(cluster, "rita", secret) as rita:
        await subscribe(rita, "kleinmaelzung/+/+/data")
        with pytest.raises(BusLost):
            await publish(rita, topics.command("pi-1", "balance", "rita"))
    async with connected(cluster, "rita", secret) as rita:
        await make("remove", "rita")
        await ended(rita)
    with pytest.raises(NotPermitted):
        async with connected(cluster, "rita", secret):
            pass
    async with bus.connect(
        cluster.nodes[0].broker("agent:pi-7", await make("agent", "pi-7")),
        client_id="agent:pi-7",
        on_message=lambda message: None,
    ) as agent:
        await publish(agent, topics.status("pi-7"))
