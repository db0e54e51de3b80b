"""Agents changed from afar: their configuration and their program, by orders that the server's key signs.

text or program --Order, signed--> delivery.py --> the agent's own word, and what its status says of it
"""

import asyncio
import hashlib
import os
import time
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import server_key
from kleinmaelzung.agent_link import AgentLink, Interrupted
from kleinmaelzung.asking import unreadable
from kleinmaelzung.delivery import Delivery, Progress
from kleinmaelzung.desk import Desk
from kleinmaelzung.errors import Error, NotReachable, Refused
from kleinmaelzung.link import Link
from kleinmaelzung.orders import UNDER_WAY, AgentConfiguration, ConfigurationPiece, OrderOutcome, Reloaded, last_of
from kleinmaelzung_wire import orders, sockets, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import AgentStatus
from kleinmaelzung_wire.orders import Kind, Order

INSTALLED_S: Final = 900.0  # the smallest Pi unpacks and compiles for minutes
Key = str | os.PathLike[str]


def unseen(sent: int, size: int) -> None:
    """Progress that nobody looks at."""


class Agents:
    """The agents of one laboratory; `lab.agents` is one.

    Each call raises Refused with the agent's own sentence where it says no, and NotReachable where it is not connected.
    `key` is the file of the server key, which stays on this machine.
    """

    def __init__(self, link: Link, asked: Desk) -> None:
        self._link = AgentLink(link)
        self._desk = asked

    async def status(self, agent: str) -> AgentStatus:
        """Return what the agent, or the broker in its name, said last. Raises Refused ("unknown") where none did."""
        _check_name(agent)
        for payload in (await self._desk.retained(f"{agent}/status")).values():
            return AgentStatus.decode(payload)
        raise Refused(f"agent {agent} has never connected: `kleinmaelzung agent list` shows which did", sockets.UNKNOWN)

    async def configuration(self, agent: str) -> AgentConfiguration:
        """Return the agent's configuration as it is now: the text of its agent.toml, without the table [agent]."""
        await self._check_takes_orders(agent)
        content = b""
        while True:
            piece = await self._piece(agent, len(content))
            content += piece.content
            if len(content) >= piece.total or not piece.content:
                break
        if hashlib.sha256(content).digest() != piece.sha256:
            raise Error(f"the configuration of agent {agent} was changed while it was read: try again")
        return AgentConfiguration(agent=agent, text=content.decode(), sha256=piece.sha256.hex(), key=piece.key)

    async def _piece(self, agent: str, offset: int) -> ConfigurationPiece:
        values = await self._ask(agent, "configuration", {"offset": offset})
        try:
            return ConfigurationPiece.from_values(values)
        except WireError as error:
            raise unreadable("about a configuration", error) from error

    async def configure(self, agent: str, text: str, *, key: Key, replaces: str = "") -> Reloaded:
        """Give the agent another configuration, without the table [agent]; it applies at once what is right as a whole.

        With `replaces`, the `sha256` of the one it was made from, it is Refused ("conflict") where somebody changed it
        meanwhile. Where something in it is wrong the sentence has all mistakes, and nothing is changed.
        """
        opened, content = server_key.open_key(key), text.encode()
        await self._check_takes_orders(agent, opened.fingerprint)
        order = _order("configuration", agent, content, bytes.fromhex(replaces))
        delivery = Delivery(self._link, order, opened.sign(order.encode()), content, unseen)
        try:
            return _reloaded(await delivery.run())
        except Refused as refused:
            if replaces and (await self.configuration(agent)).sha256 != replaces:
                sentence = f"the configuration of agent {agent} was changed meanwhile: read it again, and change that"
                raise Refused(sentence, sockets.CONFLICT) from refused
            raise

    async def reload(self, agent: str) -> Reloaded:
        """Have the agent read its agent.toml again, which somebody changed on its machine."""
        await self._check_takes_orders(agent)
        return _reloaded(await self._ask(agent, "reload", {}))

    async def update(
        self,
        agent: str,
        program: Key,
        *,
        key: Key,
        timeout: float = INSTALLED_S,
        progress: Progress = unseen,
    ) -> OrderOutcome:
        """Give the agent another version of its program (a file by deploy/agent-program); return what became of it.

        That is "done", "rolled back", "refused", or after `timeout` seconds still "under way". `progress` is called
        with the bytes that were sent, and all there are. What is sent goes on where it was after a lost connection.
        """
        opened, content = server_key.open_key(key), await asyncio.to_thread(_read, Path(program))
        await self._check_takes_orders(agent, opened.fingerprint)
        order = _order("program", agent, content)
        await Delivery(self._link, order, opened.sign(order.encode()), content, progress).run()
        try:
            return await self._link.until(agent, lambda status: _ended(agent, status, order), timeout)
        except TimeoutError:
            return OrderOutcome(
                agent=agent,
                kind="program",
                issued=order.issued,
                sha256=order.sha256.hex(),
                result=UNDER_WAY,
                reason=f"nothing was heard of it within {timeout:g} s",
            )

    async def _check_takes_orders(self, agent: str, fingerprint: str | None = None) -> None:
        status = await self.status(agent)
        if not status.online:
            raise NotReachable(f"agent {agent} is not connected ({status.reason or 'offline'}): nothing was sent")
        if not status.orders:
            sentence = (
                f"agent {agent} has version {status.version}, which takes no orders: update it there by hand once"
            )
            raise Refused(f"{sentence}, sudo deploy/install-agent", sockets.UNAVAILABLE)
        trusted = status.orders.get("key", "")
        if fingerprint is not None and trusted != fingerprint:
            found = f"trusts another server key ({trusted})" if trusted else "trusts no server key"
            remedy = f"have it enrolled again: kleinmaelzung agent enrol {agent} --replace"
            raise Refused(f"agent {agent} {found}, not this one ({fingerprint}): {remedy}", sockets.NOT_PERMITTED)

    async def _ask(self, agent: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self._link.ask(agent, name, arguments)
        except Interrupted as interrupted:
            raise NotReachable(f"agent {agent} did not answer ({interrupted}): try again") from interrupted


def _order(kind: Kind, agent: str, content: bytes, replaces: bytes = b"") -> Order:
    if not 0 < len(content) <= orders.MAX_CONTENT[kind]:
        allowed = f"1 to {orders.MAX_CONTENT[kind]}"
        raise Error(f"a {kind} of {len(content)} bytes cannot be sent to an agent, allowed are {allowed}")
    sha256 = hashlib.sha256(content).digest()
    issued = time.time_ns() // 1000
    return Order(kind=kind, agent=agent, issued=issued, sha256=sha256, size=len(content), replaces=replaces)


def _reloaded(values: dict[str, Any]) -> Reloaded:
    try:
        return Reloaded.from_values(values)
    except WireError as error:
        raise unreadable("about what was changed", error) from error


def _ended(agent: str, status: AgentStatus, order: Order) -> OrderOutcome | None:
    last = last_of(agent, status)
    return last if last and last.issued == order.issued and last.result != UNDER_WAY else None


def _read(program: Path) -> bytes:
    most = orders.MAX_CONTENT["program"]
    try:
        with program.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise Error(f"{program} cannot be read: {error.strerror or error}") from error


def _check_name(agent: str) -> None:
    try:
        topics.check_name(agent, "agent")
    except WireError as error:
        raise ValueError(str(error)) from error
