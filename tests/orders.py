"""A server that signs orders, and sends them to an agent at a FakeGateway piece by piece."""

import hashlib
import itertools
import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kleinmaelzung_wire import orders
from kleinmaelzung_wire.messages import Reply
from kleinmaelzung_wire.orders import ITSELF, Kind, Order
from tests.fakes_gateway import FakeGateway

_count = itertools.count()


class ServerKey:
    """Both halves of it."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()

    @property
    def public(self) -> bytes:
        encoding, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        return self._private.public_key().public_bytes(encoding, form)

    def sign(self, order: bytes) -> bytes:
        return self._private.sign(orders.signed(order))

    def write(self, path: Path) -> None:
        path.write_text(orders.pem(self.public))

    def write_private(self, path: Path) -> None:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        path.write_bytes(self._private.private_bytes(encoding, form, serialization.NoEncryption()))
        path.chmod(0o400)


def ordered(
    content: bytes, *, kind: Kind = "configuration", agent: str = "pi-1", replaces: bytes = b"", issued: int = 0
) -> Order:
    """An order of now, later than each one before."""
    issued = issued or time.time_ns() // 1000 + next(_count)
    digest = hashlib.sha256(content).digest()
    return Order(kind=kind, agent=agent, issued=issued, sha256=digest, size=len(content), replaces=replaces)


async def announce(gateway: FakeGateway, key: ServerKey, order: Order) -> Reply:
    encoded = order.encode()
    return await gateway.asked(ITSELF, "order", {"order": encoded, "signature": key.sign(encoded)}, timeout_s=20)


async def send_piece(gateway: FakeGateway, content: bytes, offset: int, size: int = orders.PIECE) -> Reply:
    piece = content[offset : offset + size]
    arguments = {"sha256": hashlib.sha256(content).digest(), "offset": offset, "content": piece}
    return await gateway.asked(ITSELF, "piece", arguments, timeout_s=20)


async def send(gateway: FakeGateway, key: ServerKey, order: Order, content: bytes) -> Reply:
    """The order and all of its content; returns the last reply."""
    reply = await announce(gateway, key, order)
    while reply.result == "done" and (offset := int(str(reply.values["offset"]))) < len(content):
        reply = await send_piece(gateway, content, offset)
    return reply
