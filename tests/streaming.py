"""A healthy instrument and somebody who watches it: whatever is done to the gateway meanwhile, the stream goes on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kleinmaelzung_wire import frames
from tests import sockets
from tests.brokers import AGENT_SECRET, PASSWORD

T = 1_764_000_000_000_000


class Stream:
    """pi-1's balance, watched by anna."""

    def __init__(self, pi: sockets.Socket, anna: sockets.Socket) -> None:
        self._pi, self._anna = pi, anna
        self._number = 0

    async def flows(self, samples: int = 1) -> None:
        """One more frame, about 1 KB for each sample, arrives, and none was missed on the way."""
        self._number += 1
        channels: dict[str, list[frames.Value]] = {"text": [f"{self._number:01000}"] * samples}
        clock = frames.Clock(synchronised=True)
        times = tuple(T + self._number + index for index in range(samples))
        frame = frames.Frame(epoch=7, number=self._number, times=times, channels=channels, clock=clock)
        await self._pi.send("publish", "balance/data", frames.encode(frame))
        received = await self._anna.expect("message", "pi-1/balance/data")
        assert frames.decode(received[2]).number == self._number
        assert not any(message[0] == "missed" for message in self._anna.seen)
        self._anna.seen.clear()


@asynccontextmanager
async def healthy(url: str) -> AsyncIterator[Stream]:
    """A stream that flows before and after what is done within."""
    async with (
        sockets.agent(url, "pi-1", AGENT_SECRET) as pi,
        sockets.client(url, "anna", PASSWORD) as anna,
    ):
        assert (await anna.ask("watch", 1, "pi-1/balance/data"))[0] == "done"
        stream = Stream(pi, anna)
        await stream.flows()
        yield stream
        await stream.flows()
