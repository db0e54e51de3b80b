"""Answers larger than one message: a stream that the service holds, asked for piece by piece.

    ask(name, question) -> {stream: id or nil, piece, more, ...}      the first answer
    ask("history-next", {stream, number: 1, 2, ...}) -> {piece, more, done}
    ask("history-end", {stream}) -> {}

A piece whose answer was lost is asked for again by its number, also over a new connection. At the end of the block
the service is told, so that no query goes on for nobody.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from kleinmaelzung.asking import Ask, unreadable
from kleinmaelzung.errors import ConnectionLost, Error, NotReachable, Refused
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.waits import Waits

NEXT: Final = "history-next"
END: Final = "history-end"
RETRY_S: Final = 20.0  # a service ends a stream that nobody asked for 30 s
END_LIMIT_S: Final = 2.0  # then the service finds out by itself
WAITS: Final = Waits(first_s=0.2, longest_s=2.0)
_PASSING: Final = frozenset({sockets.BUSY, sockets.TIMEOUT, sockets.UNAVAILABLE})


@asynccontextmanager
async def opened(ask: Ask, name: str, question: dict[str, Any]) -> AsyncIterator["Stream"]:
    """Ask for what may be a stream; it ends at the service with the block, read or not.

    `ask` must go to the same service each time: a stream is known nowhere else. Raises Refused where the service says
    no, and ConnectionLost or NotReachable.
    """
    stream_id = secrets.token_hex(8)  # chosen here, so that it can be ended before the first answer has come
    try:
        head = await ask(name, {**question, "stream": stream_id})
    except asyncio.CancelledError:
        await _end(ask, stream_id)
        raise
    stream = Stream(ask, head)
    try:
        yield stream
    finally:
        await stream.end()


class Stream:
    """The pieces of one answer: `async for piece in stream`, once. `head` is the first answer, as the service gave it.

    A piece is what the request makes it: a file's next bytes, frames, buckets; of frames it may be None. `done` is how
    much of the head's `expected` the pieces so far hold, for showing progress; `left_out` names what no piece can hold.
    """

    def __init__(self, ask: Ask, head: Any) -> None:
        self._id = _checked(head).get("stream")
        self._ask = ask
        self.head: dict[str, Any] = head
        self.done = 0
        self.left_out: list[Any] = []
        self._note(head)

    async def __aiter__(self) -> AsyncIterator[Any]:
        answer, number = self.head, 0
        while True:
            yield answer["piece"]
            if not answer["more"]:
                return
            number += 1
            answer = await self._next(number)

    async def end(self) -> None:
        """End the stream at the service, also one read to its end: its place is free at once. Never raises."""
        if self._id is not None:
            await _end(self._ask, self._id)

    async def _next(self, number: int) -> dict[str, Any]:
        answer: Any = await self._insist(NEXT, {"stream": self._id, "number": number})
        _checked({"stream": self._id, **answer} if isinstance(answer, dict) else answer)
        self._note(answer)
        checked: dict[str, Any] = answer
        return checked

    def _note(self, answer: dict[str, Any]) -> None:
        done, left_out = answer.get("done"), answer.get("left_out")
        self.done = done if type(done) is int else self.done
        self.left_out += left_out if isinstance(left_out, list) else []

    async def _insist(self, name: str, question: dict[str, Any]) -> Any:
        """Ask again for a while what may be asked again: a passing trouble must not cost a long transfer."""
        until, failures = time.monotonic() + RETRY_S, 0
        while True:
            try:
                return await self._ask(name, question)
            except (ConnectionLost, NotReachable, Refused) as error:
                if isinstance(error, Refused) and error.code not in _PASSING:
                    raise
                failures += 1
                wait_s = WAITS.after(failures)
                if time.monotonic() + wait_s > until:
                    raise
            await asyncio.sleep(wait_s)


async def _end(ask: Ask, stream_id: str) -> None:
    try:
        async with asyncio.timeout(END_LIMIT_S):
            await ask(END, {"stream": stream_id})
    except (Error, TimeoutError):
        pass


def _checked(answer: Any) -> Fields:
    """The fields of an answer that has a piece and says whether there is more. Raises Error."""
    try:
        fields = Fields(answer, "stream")
        if fields.boolean("more") and fields.get("stream") is None:
            raise WireError("there is more, and no stream to ask for it")
        if "piece" not in answer:
            raise WireError("stream.piece is missing")
    except WireError as error:
        raise unreadable("of the history service", error) from error
    return fields
