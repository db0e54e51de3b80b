"""How bad inputs get in: by the two sockets, and by the broker as an account that may publish there."""

import asyncio
import contextlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import msgpack
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import messages
from kleinmaelzung_wire import sockets as wire
from tests import sockets
from tests.faults import fuzz_inputs

MAX_UNDECODABLE: Final = 3  # the gateway closes at this one
AT_ONCE: Final = 8  # publications under way for one target
LIMIT_S: Final = 120.0
FENCE: Final = "fence"


@dataclass(slots=True)
class Tally:
    """What became of one target's inputs; `closed` counts closings by code, `odd` is what should not have been."""

    inputs: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"inputs": self.inputs, "answers": dict(self.answers), "closed": dict(self.closed), "odd": self.odd[:5]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One of the sockets, with who comes."""

    url: str
    path: str
    subprotocol: str
    user: str
    password: str

    @property
    def is_json(self) -> bool:
        return self.subprotocol == wire.JSON


async def by_socket(door: Door, inputs: Iterator[bytes], chance: Random, tally: Tally) -> None:
    """Send all, over as many connections as it takes."""
    is_done = False
    while not is_done:
        async with sockets.socket(
            door.url, door.path, door.subprotocol, sockets.basic(door.user, door.password)
        ) as opened:
            await opened.expect("welcome")
            is_done = await _one_connection(door, opened.connection, inputs, chance, tally)


async def _one_connection(
    door: Door, connection: ClientConnection, inputs: Iterator[bytes], chance: Random, tally: Tally
) -> bool:
    """Whether all were sent; otherwise the connection has ended as it had to, or it is noted."""
    fence = asyncio.Event()
    reading = asyncio.create_task(_read(connection, fence, tally), name="fuzz-answers")
    last, must_close = b"", False
    try:
        bad = 0
        for last in inputs:
            tally.inputs += 1
            is_text = door.is_json and chance.random() < 0.97
            await connection.send(last, text=is_text)
            is_utf8 = not is_text or _is_utf8(last)
            bad += is_utf8 and fuzz_inputs.is_undecodable(door.path, last, door.subprotocol)
            must_close = bad >= MAX_UNDECODABLE or not is_utf8
            if must_close:
                break
        async with asyncio.timeout(LIMIT_S):
            if must_close:
                await reading
                return False
            await connection.send(_fence(door), text=door.is_json)
            await fence.wait()
            return True
    except ConnectionClosed:
        await reading
        return False
    except TimeoutError:
        tally.odd.append(f"no {'close' if must_close else 'answer'} after {last[:200].hex()}")
        return False
    finally:
        if reading.done() and not must_close:
            tally.odd.append(f"closed with {connection.close_code} after {last[:200].hex()}")
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(connection: ClientConnection, fence: asyncio.Event, tally: Tally) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            received = await connection.recv()
            # Not by our codec: around a payload that is as deep as is allowed, the message is deeper.
            message: list[Any] = json.loads(received) if isinstance(received, str) else msgpack.unpackb(received)
            tally.answers[message[0]] += 1
            if message[1] == FENCE:
                fence.set()
    tally.closed[connection.close_code or 0] += 1
    if connection.close_code == 1011:
        tally.odd.append(f"closed with 1011: {connection.close_reason}")


def _fence(door: Door) -> bytes:
    message = ["publish", FENCE, b""] if door.path == wire.AGENT_PATH else ["unwatch", FENCE, "pi-9/none"]
    return fuzz_inputs.to_json(message) if door.is_json else fuzz_inputs.pack(message)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Where and how a target's messages are published; one of the topics each time, one of the inboxes or none."""

    account: bus.Broker
    topics: Sequence[str]
    retained: bool = False
    inboxes: Sequence[str | None] = (None,)


async def by_broker(post: Post, inputs: Iterator[bytes], chance: Random, tally: Tally) -> None:
    """Publish all, a few at once."""
    client_id = f"fuzz-{secrets.token_hex(4)}"
    async with (
        bus.connect(post.account, client_id=client_id, on_message=lambda message: None) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(AT_ONCE):
            group.create_task(_publish(session, post, inputs, chance, tally))


async def _publish(session: bus.Session, post: Post, inputs: Iterator[bytes], chance: Random, tally: Tally) -> None:
    for payload in inputs:
        tally.inputs += 1
        inbox = chance.choice(post.inboxes)
        correlation = chance.choice((None, b"", b"k" * 16)) if inbox else None
        try:
            is_heard = await session.publish(
                chance.choice(post.topics),
                payload,
                retained=post.retained,
                expiry_s=chance.choice((None, 1, 60)),
                response_topic=inbox,
                correlation=correlation,
            )
            tally.answers["heard" if is_heard else "nobody there"] += 1
        except bus.NotPermitted:
            tally.odd.append("not permitted: nothing was tried")
        except bus.BusError as error:
            tally.odd.append(f"{error} at {payload[:200].hex()}")
            if session.is_lost:
                return


async def by_reply(agent: Door, client: Door, inputs: Iterator[bytes], tally: Tally) -> None:
    """An agent that answers each command with one input, to the inbox of who asked."""
    make = sockets.basic
    async with (
        sockets.socket(agent.url, agent.path, agent.subprotocol, make(agent.user, agent.password)) as there,
        sockets.socket(client.url, client.path, client.subprotocol, make(client.user, client.password)) as here,
    ):
        await there.expect("welcome")
        await here.expect("welcome")
        status = messages.AgentStatus(online=True, since=fuzz_inputs.T, nonce="aa").encode()
        await there.send("publish", "status", status, {})
        answering = asyncio.create_task(_answer_all(there, inputs, tally), name="fuzz-replies")
        number = 0
        while not answering.done():
            number += 1
            answered = await here.ask("send", number, f"{agent.user}/balance", "set", {}, {"timeout": 0.5})
            here.seen.clear()
            result = answered[2]["result"] if answered[0] == "reply" else answered[2]
            tally.answers[f"{answered[0]} {result}"] += 1
            await asyncio.sleep(0)
        await answering


async def _answer_all(there: sockets.Socket, inputs: Iterator[bytes], tally: Tally) -> None:
    for payload in inputs:
        while True:
            message = await there.expect("message")
            if "/command/" in message[1]:
                break
        there.seen.clear()
        tally.inputs += 1
        await there.send("publish", "balance/reply", payload, message[3])


Way = Callable[[], Any]
