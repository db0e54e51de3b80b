"""Knowing that everything retained has come: the broker keeps the order, so our own message comes behind it."""

import asyncio
import uuid

from kleinmaelzung_bus.session import BusError, Message, Session


class Marks:
    """The messages to ourselves that are under way on one session."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, asyncio.Event] = {}

    def take(self, message: Message) -> bool:
        """Whether a message is a mark; whoever waits for it goes on."""
        seen = self._waiting.get(message.correlation or b"")
        if seen is not None:
            seen.set()
        return seen is not None

    async def arrive(self, session: Session, topic: str, timeout_s: float) -> None:
        """Send a mark to a topic that the session reads, and wait for it. Raises BusError."""
        mark, seen = uuid.uuid4().bytes, asyncio.Event()
        self._waiting[mark] = seen
        try:
            await session.publish(topic, b"", correlation=mark)
            async with asyncio.timeout(timeout_s):
                await seen.wait()
        except TimeoutError as error:
            raise BusError("the broker did not deliver the retained messages in time") from error
        finally:
            del self._waiting[mark]
