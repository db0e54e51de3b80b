"""What the server's key signs and an agent carries out: a configuration, or a version of the agent's program. Pure.

    Order --encode()--> bytes; an Ed25519 signature of signed(bytes) goes with them, and what it is about follows apart

An order names one agent and the SHA-256 of its content, so it serves for no other agent and with no other content. It
is carried out once: `issued` must be later than that of the agent's last order of the same kind. A configuration also
names the one it was made from: `replaces`, so that nobody overwrites what somebody else changed meanwhile.

Over MQTT an order is a command to `<agent>/agent`, an instrument that every agent has: itself.
"""

import base64
import hashlib
from dataclasses import asdict, dataclass
from typing import Final, Literal, Self

from kleinmaelzung_wire import codec, topics
from kleinmaelzung_wire.codec import Fields, WireError

ITSELF: Final = "agent"  # as an instrument of an agent: the agent itself. No other instrument may have this name
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
MAX_CONTENT: Final = {"configuration": 1024 * 1024, "program": 64 * 1024 * 1024}
PIECE: Final = 64 * 1024  # bytes of the content in one command
_DOMAIN: Final = b"kleinmaelzung order\n"  # what is signed here is nothing else, whatever else the key signs
_PEM: Final = "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n"
_SPKI: Final = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: an Ed25519 key follows

Kind = Literal["configuration", "program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`issued` in µs; `sha256` and `size` of the content; `replaces`: SHA-256 of a configuration, empty for any."""

    kind: Kind
    agent: str
    issued: int
    sha256: bytes
    size: int
    replaces: bytes = b""

    def encode(self) -> bytes:
        return codec.pack_versioned(asdict(self))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "order")
        kind: Kind = codec.one_of(wire.text("kind"), Kind, "order.kind")
        order = cls(
            kind=kind,
            agent=topics.check_name(wire.text("agent"), "agent"),
            issued=wire.integer("issued", minimum=1),
            sha256=wire.binary("sha256"),
            size=wire.integer("size", minimum=1, maximum=MAX_CONTENT[kind]),
            replaces=wire.binary("replaces", default=b""),
        )
        if len(order.sha256) != 32 or len(order.replaces) not in (0, 32):
            raise WireError("order: a SHA-256 has 32 bytes")
        return order


def signed(order: bytes) -> bytes:
    """What the signature is of."""
    return _DOMAIN + order


def pem(key: bytes) -> str:
    """A public key of 32 bytes as a file (PEM, SubjectPublicKeyInfo, as `openssl` reads it)."""
    if len(key) != KEY_BYTES:
        raise WireError(f"a public key has {KEY_BYTES} bytes, found {len(key)}")
    return _PEM.format(base64.b64encode(_SPKI + key).decode())


def read_pem(text: str) -> bytes:
    """The 32 bytes of a public key's file. Raises WireError for anything else than an Ed25519 public key."""
    lines = text.split("\n")
    try:
        content = base64.b64decode("".join(lines[1:-1]).partition("-")[0], validate=True)
    except ValueError:
        content = b""
    key = content.removeprefix(_SPKI)
    if not content.startswith(_SPKI) or len(key) != KEY_BYTES or text.strip() != pem(key).strip():
        raise WireError("this is no Ed25519 public key in a PEM file")
    return key


def fingerprint(key: bytes) -> str:
    """How people compare a public key: `3f2a 9c01 ...`, the first 16 bytes of its SHA-256."""
    digits = hashlib.sha256(key).hexdigest()[:32]
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))
