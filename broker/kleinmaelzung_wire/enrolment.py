"""How a machine becomes an agent by a short code: the code, and what both ends make of it. Pure.

    code "7F3K-9QXD" and the agent's name --keys()--> the password of the account `enrol:NAME`, and a pad
    the agent's secret --seal(pad)--> what waits at the broker for that account --open_sealed(pad)--> the secret
    the server's public key --seal_key(pad)--> behind it --open_key(pad)--> the key, which nobody else made

The code has 40 bits, which is little. So whoever guesses must ask the broker, each time, within the code's 15 minutes,
and must have spent 32 MiB and a tenth of a second on each guess. The same price stands before what is sealed, should
somebody get hold of it, as from a backup: 2^40 guesses are thousands of years of one core.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from kleinmaelzung_wire import orders, topics
from kleinmaelzung_wire.codec import WireError

LIFETIME_S: Final = 15 * 60
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
LENGTH: Final = 8
EXAMPLE: Final = "7F3K-9QXD"
_MISREAD: Final = str.maketrans("ILO", "110")

MAX_SECRET: Final = 64  # bytes; access.make_secret() makes 43
_MARK: Final = 16
_PASSWORD: Final = 24
_SEALED: Final = MAX_SECRET + 1 + _MARK
_SEALED_KEY: Final = orders.KEY_BYTES + _MARK
# A pad is longer than the secret needs: who knows nothing of the key's part derives the same first part.
_PAD: Final = _SEALED + _SEALED_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a code opens: an account at the broker, and what lies there. Of no use after the one time."""

    password: str = field(repr=False)
    pad: bytes = field(repr=False)


def make_code() -> str:
    """A new code, as people read it to each other."""
    return _shown("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def read_code(typed: str) -> str:
    """A code as somebody typed it: small letters, no hyphen, O for 0, I and L for 1. Raises WireError."""
    plain = "".join(typed.split()).replace("-", "").upper().translate(_MISREAD)
    if len(plain) != LENGTH or not set(plain) <= set(ALPHABET):
        raise WireError(f"{typed!r:.40} is no code: expected {LENGTH} letters and digits, such as {EXAMPLE}")
    return _shown(plain)


def _shown(plain: str) -> str:
    return f"{plain[: LENGTH // 2]}-{plain[LENGTH // 2 :]}"


def keys(agent: str, code: str) -> Keys:
    """What a code opens for one agent. Takes 32 MiB and a moment; on the smallest Pi seconds."""
    salt = f"kleinmaelzung enrolment of {topics.check_name(agent, 'agent')}".encode()
    made = hashlib.scrypt(code.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26, dklen=_PASSWORD + _PAD)
    return Keys(password=made[:_PASSWORD].hex(), pad=made[_PASSWORD:])


def seal(secret: str, pad: bytes) -> bytes:
    """The secret, unreadable without the pad. A pad seals one secret: it is used once, like the code."""
    content = secret.encode()
    if not 0 < len(content) <= MAX_SECRET:
        raise ValueError(f"a secret has 1 to {MAX_SECRET} bytes")
    return _sealed(bytes([len(content)]) + content.ljust(MAX_SECRET, b"\0"), pad[:_SEALED])


def open_sealed(sealed: bytes, pad: bytes) -> str:
    """The secret again. Raises WireError for what was sealed with another pad, or damaged."""
    content = _opened(sealed, pad[:_SEALED])
    return content[1 : 1 + content[0]].decode()


def seal_key(key: bytes, pad: bytes) -> bytes:
    """The server's public key, so that nobody without the pad can put another in its place."""
    if len(key) != orders.KEY_BYTES:
        raise ValueError(f"a public key has {orders.KEY_BYTES} bytes")
    return _sealed(key, pad[_SEALED:])


def open_key(sealed: bytes, pad: bytes) -> bytes:
    """The key again. Raises WireError as open_sealed() does."""
    return _opened(sealed, pad[_SEALED:])


def split(waiting: bytes) -> tuple[bytes, bytes]:
    """What waits at the broker: the sealed secret, and the sealed key behind it, or nothing."""
    return waiting[:_SEALED], waiting[_SEALED:]


def _sealed(content: bytes, pad: bytes) -> bytes:
    """Hidden by the pad's first bytes, marked by its last ones."""
    hidden = _xor(content, pad)
    return hidden + _mark(hidden, pad)


def _opened(sealed: bytes, pad: bytes) -> bytes:
    hidden, mark = sealed[:-_MARK], sealed[-_MARK:]
    if len(sealed) != len(pad) or not hmac.compare_digest(mark, _mark(hidden, pad)):
        raise WireError("what the server holds ready for this agent does not fit the code: make a new code")
    return _xor(hidden, pad)


def _mark(hidden: bytes, pad: bytes) -> bytes:
    return hmac.digest(pad[-_MARK:], hidden, "sha256")[:_MARK]


def _xor(content: bytes, pad: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(content, pad, strict=False))
