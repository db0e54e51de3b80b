"""The server's key, whose orders agents carry out: made, opened, and signing with it.

A file, PKCS#8 in PEM, 0400 --open_key()--> ServerKey --sign()--> the signature of an order. Its public half, FILE.pub,
is for gateways, which give it to agents at their enrolment. The package cryptography is needed here only; it comes with
the extra `signing`.
"""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from kleinmaelzung.errors import Error, SettingsError
from kleinmaelzung_wire import orders

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


def make(path: str | os.PathLike[str]) -> ServerKey:
    """A new key in a new file, and its public half in `<path>.pub`; never over another file. Raises Error."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    except ImportError as error:
        raise SettingsError(NOT_INSTALLED) from error
    file, public = Path(path), public_file(path)
    for each in (file, public):
        if each.exists() or each.is_symlink():
            raise _exists(each)
    private = Ed25519PrivateKey.generate()
    key = ServerKey.of(private)
    _write(file, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o400)
    try:
        _write(public, orders.pem(key.public).encode(), 0o644)
    except Error:
        file.unlink()
        raise
    return key


def public_file(path: str | os.PathLike[str]) -> Path:
    """Where the public half of a key is."""
    file = Path(path)
    return file.with_name(file.name + ".pub")


def _write(file: Path, content: bytes, mode: int) -> None:
    """All of it or nothing, never over another file, and never for a moment for others to read."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise _exists(file) from error
    except OSError as error:
        raise Error(f"{file} cannot be written: {error.strerror or error}") from error
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            os.fchmod(opened.fileno(), mode)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        with suppress(OSError):
            file.unlink()
        raise Error(f"{file} cannot be written: {error.strerror or error}") from error


def _exists(file: Path) -> Error:
    return Error(f"{file} exists already, and a key is never overwritten: name another file")
