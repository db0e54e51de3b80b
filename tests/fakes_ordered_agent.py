"""A small agent that takes orders behind the fake gateway, for tests of clients: by the contract of orders.py.

It verifies signatures, keeps what came of a content, and says what became of an order. It runs nothing.
"""

import hashlib
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kleinmaelzung_wire import messages, orders
from kleinmaelzung_wire.messages import AgentStatus, Reply, Result
from kleinmaelzung_wire.orders import Order
from tests.fakes_client_gateway import NOW_US, FakeGateway, reply_done

PIECE = 100  # of a configuration: so that a short one comes in several


class RefusedError(Exception):
    """The sentence, and values beside it."""

    def __init__(self, sentence: str, **values: str) -> None:
        super().__init__(sentence)
        self.values = values


async def nothing(agent: "OrderedAgent") -> None:
    """What happens before a command is answered."""


@dataclass
class OrderedAgent:
    """What tests set and look at. `ending` is what becomes of a program: result, reason, version."""

    gateway: FakeGateway
    name: str
    key: bytes
    text: str = "# nothing yet\n"
    version: str = "0.1.0"
    ending: tuple[str, str, str] = ("done", "", "0.2.0")
    before: Callable[["OrderedAgent"], Awaitable[None]] = nothing
    is_quiet: bool = False  # its status comes late: a test tells it
    lost: int = 0  # so many of the next commands are carried out, and not answered
    pieces: list[int] = field(default_factory=list)
    programs: list[bytes] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    order: Order | None = None
    content: bytes = b""

    async def tell(self, *, online: bool = True) -> None:
        told = {
            "configuration": hashlib.sha256(self.text.encode()).hexdigest(),
            "key": orders.fingerprint(self.key) if self.key else "",
            "last": self.last,
        }
        status = AgentStatus(online=online, since=NOW_US, version=self.version, orders=told if online else {})
        await self.gateway.publish(f"{self.name}/status", status.encode(), retain=True)

    async def execute(self, name: str, arguments: dict[str, Any]) -> Reply:
        await self.before(self)
        try:
            values = await self._carry_out(name, arguments)
        except RefusedError as refusal:
            return _reply(name, "refused", str(refusal), dict(refusal.values))
        if self.lost:
            self.lost -= 1
            return _reply(name, "lost", f"agent {self.name} was lost")
        return _reply(name, "done", values=values)

    async def _carry_out(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        match name:
            case "configuration":
                content, offset = self.text.encode(), arguments["offset"]
                sha256 = hashlib.sha256(content).digest()
                fingerprint = orders.fingerprint(self.key)
                piece = content[offset : offset + PIECE]
                return {"piece": piece, "total": len(content), "sha256": sha256, "key": fingerprint}
            case "reload":
                return {"added": "", "removed": "", "changed": "kiln", "unchanged": "balance", "restarted": False}
            case "order":
                return self._announce(arguments["order"], arguments["signature"])
            case "piece":
                return await self._take(arguments["sha256"], arguments["offset"], arguments["content"])
        raise RefusedError(f"unknown command {name}")

    def _announce(self, order: bytes, signature: bytes) -> dict[str, Any]:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, orders.signed(order))
        except InvalidSignature as error:
            raise RefusedError("the signature is not by the key this agent trusts") from error
        announced = Order.decode(order)
        if announced.agent != self.name or announced.issued <= self.last.get("issued", 0):
            raise RefusedError("this order is not for this agent, or was carried out already")
        if announced.replaces not in (b"", hashlib.sha256(self.text.encode()).digest()):
            raise RefusedError("the configuration was changed since")
        if self.order is None or self.order.sha256 != announced.sha256:
            self.content = b""
        self.order = announced
        return {"offset": len(self.content)}

    async def _take(self, sha256: bytes, offset: int, content: bytes) -> dict[str, Any]:
        if self.order is None or self.order.sha256 != sha256 or offset != len(self.content):
            raise RefusedError(f"expected what follows byte {len(self.content)}, found offset {offset}")
        self.content += content
        self.pieces.append(offset)
        if len(self.content) < self.order.size:
            return {"offset": len(self.content)}
        assert hashlib.sha256(self.content).digest() == sha256
        order, self.order = self.order, None
        return await (self._configure(order) if order.kind == "configuration" else self._install(order))

    async def _configure(self, order: Order) -> dict[str, Any]:
        before, after = (tomllib.loads(text).get("instruments", {}) for text in (self.text, self.content.decode()))
        if wrong := [f"instruments.{name}.port: missing" for name, one in after.items() if "port" not in one]:
            await self._note(order, "refused", "mistakes")
            raise RefusedError("mistakes, so nothing was changed", mistakes="\n".join(wrong))
        self.text = self.content.decode()
        await self._note(order, "under way", "on trial")
        added, unchanged = sorted(after.keys() - before.keys()), sorted(after.keys() & before.keys())
        return {"offset": order.size, "added": ", ".join(added), "unchanged": ", ".join(unchanged), "restarted": False}

    async def _install(self, order: Order) -> dict[str, Any]:
        self.programs.append(self.content)
        result, reason, version = self.ending
        await self._note(order, "under way", "handed to the updater")
        if result == "done":
            self.version = version
        await self._note(order, result, reason)
        return {"offset": order.size, "handed_over": True}

    async def _note(self, order: Order, result: str, reason: str) -> None:
        self.last = {
            "kind": order.kind,
            "issued": order.issued,
            "sha256": order.sha256.hex(),
            "result": result,
            "reason": reason,
            "time": NOW_US,
        }
        if not self.is_quiet:
            await self.tell()


def _reply(name: str, result: Result, reason: str = "", values: dict[str, Any] | None = None) -> Reply:
    return Reply(id="c1", name=name, user="admin", result=result, reason=reason, values=values or {})


async def add(gateway: FakeGateway, *agents: OrderedAgent) -> None:
    """Let these agents be there, with their accounts, and answer."""
    by_name = {agent.name: agent for agent in agents}

    async def execute(instrument: str, name: str, arguments: dict[str, Any], options: dict[str, Any]) -> messages.Reply:
        agent, _, own_name = instrument.partition("/")
        if own_name == orders.ITSELF and agent in by_name:
            return await by_name[agent].execute(name, arguments)
        return await reply_done(instrument, name, arguments, options)

    gateway.execute = execute
    gateway.accounts |= {f"agent:{name}": [] for name in by_name}
    for agent in agents:
        await agent.tell()
