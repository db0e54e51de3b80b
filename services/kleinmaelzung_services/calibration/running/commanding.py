"""Commands to instruments, by a service in its own name: out by its session with the broker, back as one Reply each.

send() --> <agent>/<instrument>/command/<service>            _client/<service>/runs/inbox --> take() --> Reply

The session `runs` is the same after a restart, so that what it holds goes on being held by it.
"""

import asyncio
import logging
import math
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import messages, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import AgentStatus, Command, Reply

logger = logging.getLogger(__name__)

SESSION: Final = "runs"
GRACE_S: Final = 2.0  # broker and network, both ways


class Commanding:
    """Sends commands as `user`. `is_online` is said to agents as long as it is set: it holds instruments."""

    def __init__(self, user: str) -> None:
        self.user = user
        self._inbox = topics.inbox(user, SESSION)
        self._online = topics.online(user, SESSION)
        self._session: bus.Session | None = None
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._is_online = False
        self._said: bool | None = None

    async def serve(self, session: bus.Session) -> None:
        """Use a new session. Raises BusError."""
        self._session, self._said = None, None
        try:
            await session.subscribe(self._inbox, qos=1)
        except bus.NotPermitted as error:
            logger.warning("no instrument can be held: %s; its account has the rights of an earlier version", error)
            return
        self._session = session
        await self._say()

    def take(self, message: bus.Message) -> bool:
        """Whether a message is a reply."""
        if message.topic != self._inbox:
            return False
        if (waiting := self._waiting.get(message.correlation or b"")) and not waiting.done():
            waiting.set_result(message.payload)
        return True

    async def be_online(self, is_online: bool) -> None:
        """Say that the session is there, or no more. There is no will: a service that was killed goes on holding."""
        self._is_online = is_online
        await self._say()

    async def _say(self) -> None:
        if self._session is None or self._said is self._is_online:
            return
        said, payload = self._is_online, b"1" if self._is_online else b""
        try:
            await self._session.publish(self._online, payload, retained=True)
            self._said = said
        except bus.BusError as error:
            logger.debug("not said whether it is online: %s", error)

    async def send(
        self,
        instrument: str,
        name: str,
        arguments: Mapping[str, Any],
        *,
        status: AgentStatus | None,
        timeout_s: float,
        id_: str = "",
    ) -> Reply:
        """Send a command and wait for its reply. With an id that was used the agent tells what came of it then."""
        command = Command(
            id=id_ or uuid.uuid4().hex,
            name=name,
            user=self.user,
            arguments=dict(arguments),
            timeout_us=int(timeout_s * 1e6),
            sent=time.time_ns() // 1000,
            nonce=status.nonce if status else "",
        )
        agent, own = topics.split_full_name(instrument)
        if status is None or not status.online:
            return _reply(command, "offline", f"agent {agent} is not connected")
        if self._session is None:
            return _reply(command, "lost", "the service is not connected to the broker: nothing was sent")
        key = uuid.uuid4().bytes
        self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            await self._session.publish(
                topics.command(agent, own, self.user),
                command.encode(),
                expiry_s=math.ceil(timeout_s),
                response_topic=self._inbox,
                correlation=key,
            )
            async with asyncio.timeout(timeout_s + GRACE_S):
                return Reply.decode(await self._waiting[key])
        except TimeoutError:
            why = f"agent {agent} did not answer in {timeout_s + GRACE_S:g} s; whether it was executed is not known"
            return _reply(command, "lost", why)
        except bus.NotPermitted as error:
            return _reply(command, "not-permitted", str(error))
        except (bus.BusError, WireError) as error:
            return _reply(command, "lost", f"{error}; whether it was executed is not known")
        finally:
            del self._waiting[key]


def _reply(command: Command, result: messages.Result, reason: str) -> Reply:
    return Reply(
        id=command.id,
        name=command.name,
        user=command.user,
        result=result,
        reason=reason[: messages.MAX_SENTENCE],
        time=time.time_ns() // 1000,
    )
