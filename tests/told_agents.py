"""Agents that say whatever a test wants, true or not, over the real gateway: by hand, on a plain WebSocket."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from websockets.exceptions import ConnectionClosed

import kleinmaelzung
from kleinmaelzung_wire import access, codec, frames
from kleinmaelzung_wire.frames import Value
from tests import sockets
from tests.sockets import Socket

EPOCH = 4_711


def now_us() -> int:
    return time.time_ns() // 1000


class ToldAgent:
    """One agent and all that is said in its name. Nothing is checked: a broken or a hostile one says the same."""

    def __init__(self, socket: Socket, epoch: int) -> None:
        self._socket = socket
        self._epoch = epoch
        self._numbers: dict[str, int] = {}
        self.answer: dict[str, Any] = {"result": "done"}  # to every command

    async def say(self, tail: str, **content: Any) -> None:
        await self._socket.send("publish", tail, codec.pack_versioned(content))

    async def describe(self, instrument: str, *channels: Mapping[str, Any], **more: Any) -> None:
        described = [{"name": f"c{at}", "unit": "", "label": ""} | dict(one) for at, one in enumerate(channels)]
        empty = {"commands": [], "driver": "text", "label": "", "profile": "", "port": "", "identity": ""}
        await self.say(f"{instrument}/description", channels=described, **{**empty, **more})

    async def stands(self, instrument: str, state: str, reason: str = "", since: int | None = None) -> None:
        await self.say(f"{instrument}/state", state=state, since=since or now_us(), reason=reason)

    async def measures(self, instrument: str, **values: Any) -> None:
        """The newest value of each channel: itself, or a map with its unit, quality and time."""
        samples = {
            name: {"unit": "", "quality": "good", "time": now_us()} | (one if isinstance(one, dict) else {"value": one})
            for name, one in values.items()
        }
        await self._socket.send("publish", f"{instrument}/latest", json.dumps(samples).encode())

    async def samples(
        self,
        instrument: str,
        times: Sequence[int],
        channels: dict[str, list[Value]],
        *,
        kind: str = "data",
        **more: Any,
    ) -> None:
        """One frame of live samples, or with kind `backfill` of earlier ones."""
        number = self._numbers[instrument] = self._numbers.get(instrument, 0) + 1
        frame = frames.Frame(
            epoch=self._epoch,
            number=number,
            times=tuple(times),
            channels=channels,
            clock=frames.Clock(synchronised=True, error_us=900),
            **more,
        )
        await self._socket.send("publish", f"{instrument}/{kind}", frames.encode(frame))

    async def answer_always(self) -> None:
        """Every command as `answer` says."""
        while True:
            message = codec.unpack(await self._socket.connection.recv(decode=False))
            match message:
                case ["message", str(tail), bytes(payload), dict(options)] if "/command/" in tail:
                    await self._reply(tail, codec.unpack(payload), options)

    async def _reply(self, tail: str, command: dict[str, Any], options: dict[str, Any]) -> None:
        instrument, _, user = tail.split("/")
        reply = {"id": command["id"], "name": command["name"], "user": user, "time": now_us(), **self.answer}
        payload = codec.pack_versioned(reply)
        await self._socket.send("publish", f"{instrument}/reply", payload, options)


@asynccontextmanager
async def told_agent(url: str, lab: kleinmaelzung.Lab, name: str, epoch: int = EPOCH) -> AsyncIterator[ToldAgent]:
    """An agent of its own account, online as long as the context lasts; it answers commands."""
    secret = access.make_secret()
    answers = await lab.access(access.add_agent(name, secret))
    assert not any("error" in answer for answer in answers), answers
    async with sockets.agent(url.replace("http", "ws", 1), name, secret) as socket:
        agent = ToldAgent(socket, epoch)
        version, clock = metadata.version("kleinmaelzung"), {"synchronised": True, "error_us": 900, "ahead_us": 1_200}
        await agent.say("status", online=True, since=now_us(), version=version, epoch=epoch, clock=clock)
        answering = asyncio.create_task(agent.answer_always(), name=f"{name} answers")
        try:
            yield agent
        finally:
            answering.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):  # or the gateway went away
                await answering
            with contextlib.suppress(ConnectionClosed):
                await agent.say("status", online=False, since=now_us(), version=version, epoch=epoch)
