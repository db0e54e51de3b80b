"""The way to an agent itself: commands to `<agent>/agent`, an instrument that every agent has, and its status."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from kleinmaelzung import desk
from kleinmaelzung.errors import ConnectionLost, Error, NotReachable, Refused
from kleinmaelzung.link import Link
from kleinmaelzung_wire import orders, sockets
from kleinmaelzung_wire.messages import AgentStatus, Reply

T = TypeVar("T")

ANSWER_S: Final = 30.0  # a slow line has 64 KiB in that; a slow machine has verified a signature, or read its file


class Interrupted(Error):
    """No answer, or none that says what happened; it may be asked again."""


class AgentLink:
    """Asks agents over one link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def ask(self, agent: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What an agent answers to a command to itself. Raises Refused, Interrupted."""
        try:
            reply = await self._command(agent, name, arguments)
        except (ConnectionLost, NotReachable) as error:
            raise Interrupted(str(error)) from error
        except Refused as refused:
            if refused.code == sockets.UNAVAILABLE:  # the gateway has no broker at the moment
                raise Interrupted(str(refused)) from refused
            raise
        match reply.result:
            case "done":
                return reply.values
            case "refused" | "failed":
                raise Refused(f"agent {agent} says: {_why(reply)}", reply.result)
            case "not-permitted":
                raise Refused(reply.reason, sockets.NOT_PERMITTED)
        raise Interrupted(reply.reason or reply.result)

    async def _command(self, agent: str, name: str, arguments: dict[str, Any]) -> Reply:
        instrument, options = f"{agent}/{orders.ITSELF}", {"timeout": ANSWER_S}
        limit_s = ANSWER_S + desk.REPLY_GRACE_S
        return Reply.from_map(await self._link.ask("send", instrument, name, arguments, options, limit_s=limit_s))

    async def until(self, agent: str, found: Callable[[AgentStatus], T | None], limit_s: float) -> T:
        """Return what is found in an agent's status, now or when it changes. Raises TimeoutError after so long."""
        async with asyncio.timeout(limit_s):
            async with self._link.watch(f"{agent}/status", desk.as_it_is) as statuses:
                async for message in statuses:
                    told = found(AgentStatus.decode(message.payload)) if message.payload else None
                    if told is not None:
                        return told
        raise NotReachable("the connection was closed")  # which ended the watch


def _why(reply: Reply) -> str:
    """Of a configuration with all its mistakes, a line each; without what could move a terminal's cursor."""
    mistakes = reply.values.get("mistakes")
    text = "\n".join([reply.reason or reply.result, *([mistakes] if isinstance(mistakes, str) and mistakes else [])])
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
