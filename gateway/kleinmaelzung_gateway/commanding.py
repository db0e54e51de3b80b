"""Commands of one client's socket: out by the user's own session, back as one Reply each, whatever happens.

The broker decides who may command: it refuses the topic that names the user. What no agent saw is recorded here.
"""

import asyncio
import time
import uuid
from dataclasses import replace
from typing import Any, Final

from kleinmaelzung_bus.session import BusError, NotPermitted
from kleinmaelzung_gateway.hub import Hub
from kleinmaelzung_gateway.personal import Personal
from kleinmaelzung_wire import codec, ledger, messages, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import Command, Reply
from kleinmaelzung_wire.rights import PUBLIC

RAW: Final = "_raw"
TAKE: Final = "_take"
DEFAULT_TIMEOUT_S: Final = 10.0
MAX_TIMEOUT_S: Final = 3600.0
# An answer needs this much longer than the command itself: broker and network, both ways.
GRACE_S: Final = 2.0
# Of no connection: a command to an agent that is away is published all the same, because only the broker says whether
# this user may command it, and an agent that comes at this moment must not execute it.
_NO_CONNECTION: Final = "none"
_UNKNOWN: Final = "whether the command was executed is not known"


def make(user: str, name: str, arguments: dict[str, Any], options: dict[str, Any]) -> Command:
    """A command as a socket's question asks for it. Raises WireError."""
    own_id = options.get("id", "")
    if type(own_id) is not str or len(own_id) > messages.MAX_ID:
        raise WireError(f"option id is {own_id!r:.40}, expected a text of at most {messages.MAX_ID} characters")
    command = Command(
        id=own_id or uuid.uuid4().hex,
        name=messages.check_command(name),
        user=user,
        arguments={key: _value(value) for key, value in arguments.items()},
        timeout_us=timeout_us(options, MAX_TIMEOUT_S),
        sent=time.time_ns() // 1000,
    )
    if (size := len(command.encode())) > codec.MAX_BYTES - 1024:  # its record is a little larger
        raise WireError(f"a command of {size} bytes, allowed are {codec.MAX_BYTES - 1024}")
    return command


def timeout_us(options: dict[str, Any], longest_s: float) -> int:
    timeout_s = options.get("timeout", DEFAULT_TIMEOUT_S)
    if type(timeout_s) not in (int, float) or not 0.001 <= timeout_s <= longest_s:
        raise WireError(f"timeout is {timeout_s!r:.40}, expected seconds from 0.001 to {longest_s:.0f}")
    return int(timeout_s * 1e6)


def _value(value: Any) -> Any:
    """An argument; bytes come as {"$hex": ...} by way of JSON."""
    match value:
        case {codec.HEX_KEY: str(digits), **others} if not others:
            try:
                return bytes.fromhex(digits)
            except ValueError as error:
                raise WireError(f"{digits!r:.40} is no text of hexadecimal digits") from error
    return value


class Commanding:
    """Sends commands of one user's session and says what became of them."""

    def __init__(self, user: str, personal: Personal, hub: Hub) -> None:
        self._user = user
        self._personal = personal
        self._hub = hub

    async def send(self, instrument: str, command: Command) -> Reply:
        """Send a command, wait for its reply; record what no agent can. Raises WireError, BusError."""
        received = time.time_ns() // 1000
        agent, own_name = topics.split_full_name(instrument)
        kind = "raw" if command.name == RAW else "command"
        topic = topics.command(agent, own_name, self._user, kind)
        reply, is_ours = await self._outcome(agent, topic, command)
        if is_ours and self._user != PUBLIC:  # anybody who finds the page could fill the ledger
            origin = topics.inbox_session(self._personal.inbox) or ""
            record = ledger.record(command, reply, origin=origin, received=received)
            self._hub.record(instrument, record)
        return reply

    async def _outcome(self, agent: str, topic: str, command: Command) -> tuple[Reply, bool]:
        """The reply, and whether the agent has left no record of it."""
        until = asyncio.get_running_loop().time() + command.timeout_us / 1e6
        try:
            async with asyncio.timeout_at(until):
                await self._hub.connected()  # only then is known who is online
        except TimeoutError:
            return _reply(command, "expired", "the broker was away for longer than the command's timeout"), True
        nonce = self._hub.nonce(agent)
        key = uuid.uuid4().bytes  # not the id: the same may be under way twice
        async with self._personal.reply_to(key) as reply:
            try:
                if command.name == TAKE:
                    await self._personal.announce()
                made_for = _NO_CONNECTION if nonce is None else nonce
                made = replace(command, nonce=made_for, beat=self._hub.beat(agent))
                await self._personal.publish_command(topic, made, key)
            except NotPermitted:
                return _reply(command, "not-permitted", f"{self._user} may not {_what(command)}"), True
            except BusError as error:
                return _reply(command, "lost", f"{error}; {_UNKNOWN}"), True
            if nonce is None:
                return _reply(command, "offline", f"agent {agent} is not connected"), True
            return await self._wait(agent, command, reply)

    async def _wait(self, agent: str, command: Command, reply: asyncio.Future[bytes]) -> tuple[Reply, bool]:
        limit_s = command.timeout_us / 1e6 + GRACE_S
        gone = asyncio.ensure_future(self._hub.wait_offline(agent))
        try:
            await asyncio.wait((reply, gone), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        if reply.done():
            answer = Reply.decode(reply.result())
            return answer, not answer.recorded
        why = f"agent {agent} was lost" if gone.done() else f"agent {agent} did not answer in {limit_s:g} s"
        return _reply(command, "lost", f"{why}; {_UNKNOWN}"), True


def _what(command: Command) -> str:
    return "send raw bytes to this instrument" if command.name == RAW else "command this instrument"


def _reply(command: Command, result: messages.Result, reason: str) -> Reply:
    return Reply(
        id=command.id,
        name=command.name,
        user=command.user,
        result=result,
        reason=reason[: messages.MAX_SENTENCE],
        time=time.time_ns() // 1000,
    )
