"""Sole control of an instrument: taken by a command, extended in time, given back at the end, and noticed when lost.

    _take, and again before it expires --> the agent    `<agent>/<instrument>/control` --> whether it still is ours

It is bound to one connection, as it is at the agent: with that it ends, and a new connection does not take it again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from kleinmaelzung.errors import ConnectionLost, ControlLost, Error, Refused
from kleinmaelzung.watching import Message, Watch
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Control, Reply

USUAL_S: Final = 300.0  # as long as the agent gives where it is not told
NOBODY: Final = "nobody holds it any more: it was given back elsewhere, or its time was up"

Send = Callable[[str, dict[str, Value]], Awaitable[Reply]]  # by the one connection: a command and its arguments


class Held:
    """Sole control of an instrument, from Lab.control(). `lost` says why it ended early; empty while it is ours."""

    def __init__(self, instrument: str, session: str) -> None:
        self.instrument = instrument
        self.until = 0
        self.lost = ""
        self.is_taken_over = False
        self.is_given_back = False
        self._session = session
        self._was_seen = False
        self._ended = asyncio.Event()

    async def ended(self) -> str:
        """Wait until it is lost; return why. Given back at the end of the block, it is not lost."""
        await self._ended.wait()
        return self.lost

    # What follows is called by hold().

    def extended(self, reply: Reply) -> None:
        until = reply.values.get("until")
        self.until = until if isinstance(until, int) else 0

    def lose(self, why: str) -> None:
        self.lost = self.lost or why
        self._ended.set()

    def told(self, control: Control) -> None:
        """Take what everybody is told. Until it has named us, it is what was before."""
        if self._session and control.session == self._session:
            self._was_seen = True
        elif self._was_seen:
            self.is_taken_over = bool(control.user)
            self.lose(f"{control.user} took it over" if control.user else NOBODY)


async def take(instrument: str, send: Send, duration_s: float, *, force: bool) -> Reply:
    """Raises Refused saying who holds it."""
    reply = await send("_take", {"duration_s": duration_s, "force": force})
    if reply.result != "done":
        raise Refused(f"control of {instrument} was not given: {reply.reason or reply.result}", reply.result)
    return reply


@asynccontextmanager
async def hold(
    held: Held,
    send: Send,
    watch: Callable[[], Watch[Message]],
    connection_ended: Callable[[], Awaitable[None]],
    *,
    duration_s: float,
    force: bool,
    extend: bool,
) -> AsyncIterator[Held]:
    """Lab.control() by what it needs of the Lab."""
    began_s = time.monotonic()
    try:
        held.extended(await take(held.instrument, send, duration_s, force=force))
    except (ConnectionLost, asyncio.CancelledError):
        await _give_back(send)  # perhaps it was given
        raise
    keepers = [
        asyncio.create_task(_follow(held, watch, send), name="kleinmaelzung-control"),
        asyncio.create_task(_follow_connection(held, connection_ended), name="kleinmaelzung-control-connection"),
        asyncio.create_task(_keep(held, send, duration_s, began_s, extend=extend), name="kleinmaelzung-control-time"),
    ]
    try:
        yield held
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        if not held.lost:
            held.is_given_back = await _give_back(send)
    if held.lost:
        raise ControlLost(f"control of {held.instrument} was lost before the end: {held.lost}")


async def _give_back(send: Send) -> bool:
    # Where it does not arrive, the agent ends it with the connection or by its time.
    try:
        return (await send("_release", {})).result == "done"
    except Error:
        return False


async def _follow(held: Held, watch: Callable[[], Watch[Message]], send: Send) -> None:
    try:
        async with watch() as messages:
            async for message in messages:
                with suppress(WireError):
                    held.told(Control.decode(message.payload) if message.payload else Control())
                if held.lost:
                    break
    except Error as error:
        held.lose(str(error))
    if held.lost and not held.is_taken_over:
        await _give_back(send)  # an extension that was under way may have taken it again


async def _follow_connection(held: Held, connection_ended: Callable[[], Awaitable[None]]) -> None:
    await connection_ended()
    held.lose("the connection was lost, and control ends with it")


async def _keep(held: Held, send: Send, duration_s: float, began_s: float, *, extend: bool) -> None:
    """Extend it each time half of it has passed; what fails is tried again until the time is up by our own clock."""
    ends_s, wait_s = began_s + duration_s, duration_s / 2 if extend else duration_s
    while not held.lost:
        await asyncio.sleep(max(0.0, min(wait_s, ends_s - time.monotonic())))
        began_s = time.monotonic()
        if began_s >= ends_s:
            held.lose("the agent did not extend it in time" if extend else "its time was up")
        elif not held.lost:
            is_extended = await _extend(held, send, duration_s)
            ends_s, wait_s = (began_s + duration_s, duration_s / 2) if is_extended else (ends_s, duration_s / 10)
            if is_extended and held.lost:
                await _give_back(send)  # it was lost meanwhile, so this took it again


async def _extend(held: Held, send: Send, duration_s: float) -> bool:
    try:
        held.extended(await take(held.instrument, send, duration_s, force=False))
    except Refused as error:
        if error.code in ("refused", "not-permitted"):
            held.lose(str(error))
        return False
    except ConnectionLost:
        return False
    return True
