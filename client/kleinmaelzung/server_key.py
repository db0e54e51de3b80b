"""The server's key, whose orders agents carry out: made, opened, and signing with it.

A file, PKCS#8 in PEM, 0400 --open_key()--> ServerKey --sign()--> the signature of an order. Its public half, FILE.pub,
is for gateways, which give it to agents at their enrolment. The package cryptography is needed here only; it comes with
the extra `signing`.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from kleinmaelzung import key_files
from kleinmaelzung.errors import SettingsError
from kleinmaelzung_wire import orders
from kleinmaelzung_wire.codec import WireError

MAX_BYTES: Final = 16 * 1024
NOT_INSTALLED: Final = (
    "orders are signed by the package cryptography, which is not installed: pip install 'kleinmaelzung[signing]'"
)


@dataclass(frozen=True, slots=True)
class ServerKey:
    """Signs orders. `public` are the 32 bytes by which agents know it."""

    public: bytes
    _private: Any = field(repr=False)

    @classmethod
    def of(cls, private: Any) -> Self:
        return cls(private.public_key().public_bytes_raw(), private)

    @property
    def fingerprint(self) -> str:
        return orders.fingerprint(self.public)

    def sign(self, order: bytes) -> bytes:
        """The signature that goes with an order's bytes."""
        signature: bytes = self._private.sign(orders.signed(order))
        return signature


def open_key(path: str | os.PathLike[str]) -> ServerKey:
    """The key in a file that nobody else can read. Raises SettingsError."""
    file = Path(path).expanduser()
    content = _read(file)
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise SettingsError(NOT_INSTALLED) from error
    try:
        private = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a passphrase
        raise _no_key(file) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _no_key(file)
    return ServerKey.of(private)


def _read(file: Path) -> bytes:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise SettingsError(f"others can read the server key {file} (mode {mode:04o}), run: chmod 400 {file}")
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES)
    except OSError as error:
        raise SettingsError(f"the server key {file} cannot be read: {error.strerror or error}") from error


def _no_key(file: Path) -> SettingsError:
    return SettingsError(f"{file} is no server key: expected a file that `kleinmaelzung agent key` makes")


def read_public(file: Path) -> bytes:
    """The 32 bytes in the file of a public half. Raises SettingsError."""
    try:
        with file.open("rb") as opened:
            return orders.read_pem(opened.read(MAX_BYTES).decode("ascii", "replace"))
    except OSError as error:
        raise SettingsError(f"the server's public key {file} cannot be read: {error.strerror or error}") from error
    except WireError as error:
        raise SettingsError(f"{file}: {error}") from error


def make(path: str | os.PathLike[str]) -> ServerKey:
    """A new key in a new file, and its public half in `<path>.pub`; never over another file. Raises Error."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    except ImportError as error:
        raise SettingsError(NOT_INSTALLED) from error
    file, public = Path(path), public_file(path)
    key_files.check_free(file, public)
    private = Ed25519PrivateKey.generate()
    key = ServerKey.of(private)
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key_files.write_both(file, secret, 0o400, public, orders.pem(key.public).encode())
    return key


def public_file(path: str | os.PathLike[str]) -> Path:
    """Where the public half of a key is."""
    file = Path(path)
    return file.with_name(file.name + ".pub")
