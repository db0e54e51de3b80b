"""The command that makes an instrument safe when who held it is gone: sent, tried again, recorded each time.

Sent even where its id cannot be kept: nobody repeats it, and a full disk must not keep a heater on.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from kleinmaelzung_agent.commands import desk as desks
from kleinmaelzung_agent.commands.desk import Desk
from kleinmaelzung_agent.commands.remembered import Begun
from kleinmaelzung_agent.instruments import Instrument
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.messages import Command, Reply

logger = logging.getLogger(__name__)

TRIES: Final = 3
AGAIN_S: Final = 1.0
TIMEOUT_S: Final = 10.0
# An instrument keeps its own time limit; beyond it by this much, it is answered for.
GRACE_S: Final = 1.0


class SafeCommand:
    """Of one instrument, for one reason."""

    def __init__(
        self,
        instrument: Instrument,
        name: str,
        why: str,
        *,
        desk: Desk,
        answer: Callable[[str, bytes, dict[str, Any]], None],
    ) -> None:
        self._instrument, self._name, self._why = instrument, name, why
        self._desk, self._answer = desk, answer

    async def send(self, is_held: Callable[[], bool]) -> None:
        """Try until it is done, a few times, and while nobody holds the instrument again and sees to it."""
        for _ in range(TRIES):
            if (await self.send_once()).result == "done":
                return
            await asyncio.sleep(AGAIN_S)
            if is_held():
                return

    async def send_once(self) -> Reply:
        """Try it, with a record of what came of it."""
        begun = desks.our_own(self._instrument.name, self._name, self._desk.now_us())
        reply = await self._executed(begun, replace(begun.command, timeout_us=int(TIMEOUT_S * 1e6)))
        reason = f"{self._why}; {reply.reason}" if reply.reason else self._why
        reply = replace(reply, reason=reason[: messages.MAX_SENTENCE], time=self._desk.now_us())
        desks.leave(self._desk, begun, reply)
        self._answer(f"{begun.instrument}/reply", reply.encode(), {})
        return reply

    async def _executed(self, begun: Begun, command: Command) -> Reply:
        try:
            async with asyncio.timeout(TIMEOUT_S + GRACE_S):
                return await self._instrument.execute(command, timeout_s=TIMEOUT_S)
        except TimeoutError:
            return desks.answer_to(begun, "timeout", f"no answer within {TIMEOUT_S:g} s", 0)
        except Exception as error:  # a fault in a driver must not end the other instruments
            logger.exception("%s: command %s failed", begun.instrument, begun.name)
            return desks.answer_to(begun, "failed", f"fault in the driver: {error!r:.200}", 0)
