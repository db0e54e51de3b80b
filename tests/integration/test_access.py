"""The table at the top of topics.py, asked of the real broker: SUBACK, PUBACK, and what is delivered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from kleinmaelzung_bus import session as bus
from kleinmaelzung_bus.session import NotPermitted, Session
from kleinmaelzung_wire import access
from tests.access_table import ACCOUNTS, ENROL, FILTERS, ROLES, TABLE, WRITTEN
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.waiting import until


def account(broker: TestBroker, name: str) -> bus.Broker:
    """How each account connects: services by the internal port, all others as strangers' tools do."""
    if name.startswith("service:"):
        return broker.mosquitto.broker(name.removeprefix("service:"))
    if name == "admin":
        return broker.stranger(name, broker.mosquitto.passwords["admin"])
    return broker.stranger(name, AGENT_SECRET if name.startswith("agent:") else PASSWORD)


@asynccontextmanager
async def all_accounts(broker: TestBroker) -> AsyncIterator[dict[str, Session]]:
    for name, rights in ROLES.items():
        if name not in ("anna", "otto", "admin"):
            await broker.manage(access.add_user(name, PASSWORD, rights.role, rights.instruments))
    await broker.manage(access.add_account(ENROL, PASSWORD, access.enrol_rules("pi-1")))
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(
                bus.connect(account(broker, name), client_id=name, on_message=lambda message: None)
            )
            for name in ACCOUNTS
        }


async def may_subscribe(session: Session, topic_filter: str) -> bool:
    try:
        await session.subscribe(topic_filter)
    except NotPermitted:
        return False
    await session.unsubscribe(topic_filter)
    return True


async def may_publish(session: Session, topic: str) -> bool:
    try:
        await session.publish(topic, b"")
    except NotPermitted:
        return False
    return True


async def test_the_broker_grants_subscriptions_as_the_table_says(broker: TestBroker) -> None:
    wanted = {**{row.topic: row.readers for row in TABLE}, **FILTERS}
    async with all_accounts(broker) as sessions:
        granted = {
            asked: {name for name, session in sessions.items() if await may_subscribe(session, asked)}
            for asked in wanted
        }
    assert granted == wanted


async def test_the_broker_takes_publications_as_the_table_says(broker: TestBroker) -> None:
    wanted = {**{row.topic: row.writers for row in TABLE}, **WRITTEN}
    async with all_accounts(broker) as sessions:
        taken = {
            topic: {name for name, session in sessions.items() if await may_publish(session, topic)} for topic in wanted
        }
    assert taken == wanted


async def test_what_is_not_permitted_is_not_delivered_at_qos_0_either(broker: TestBroker) -> None:
    everything = [{"acltype": "subscribePattern", "topic": "kleinmaelzung/#", "allow": True}]
    await broker.manage(access.add_account("ear", PASSWORD, everything))
    written = {**{row.topic: row.writers for row in TABLE}, **WRITTEN}
    heard: set[tuple[str, str]] = set()
    async with (
        bus.connect(
            broker.stranger("ear"), client_id="ear", on_message=lambda m: heard.add((m.topic, m.payload.decode()))
        ) as ear,
        all_accounts(broker) as sessions,
    ):
        await ear.subscribe("kleinmaelzung/#", retained=False)
        for name, session in sessions.items():
            for topic in written:
                assert session.publish_soon(topic, name.encode())
        wanted = {(topic, name) for topic, writers in written.items() for name in writers}
        await until(lambda: heard >= wanted, "what is permitted is delivered")
        # The broker serves each connection in order: after these answers all of the above has been dealt with.
        await asyncio.gather(*(session.unsubscribe("kleinmaelzung/x") for session in sessions.values()))
        await ear.unsubscribe("kleinmaelzung/#")
    assert heard == wanted
