"""Whether the server's key signed an order: the program `openssl` looks. Blocking.

A program of the system instead of a library, which is not to be had ready-made for every Pi.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from kleinmaelzung_wire import orders
from kleinmaelzung_wire.codec import WireError

PROGRAM: Final = "openssl"
TIMEOUT_S: Final = 30.0
NO_KEY: Final = (
    "this agent trusts no server key: give it the server's public key as a file, and in agent.toml "
    '[agent] server_key_file = "server.pub"; or enrol it again'
)


class SignatureError(Exception):
    """An order is not to be carried out; the text says why."""


def read_key(file: Path | None) -> bytes:
    """The public key that is trusted. Raises SignatureError."""
    if file is None:
        raise SignatureError(NO_KEY)
    try:
        return orders.read_pem(file.read_text(encoding="ascii"))
    except OSError as error:
        raise SignatureError(f"the server's key cannot be read: {file}: {error.strerror}") from error
    except (UnicodeDecodeError, WireError) as error:
        raise SignatureError(f"{file} is not the server's key: {error}") from error


def fingerprint(file: Path | None) -> str:
    """Of the key that is trusted; empty where there is none."""
    try:
        return orders.fingerprint(read_key(file))
    except SignatureError:
        return ""


def verify(key_file: Path | None, order: bytes, signature: bytes) -> None:
    """Raises SignatureError unless this key signed this order."""
    key = read_key(key_file)
    if len(signature) != orders.SIGNATURE_BYTES:
        raise SignatureError(f"a signature has {orders.SIGNATURE_BYTES} bytes, found {len(signature)}")
    # The key as it was read, so that what was looked at is what is used.
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-") as made:
        there = Path(made)
        (there / "key").write_text(orders.pem(key))
        (there / "order").write_bytes(orders.signed(order))
        (there / "signature").write_bytes(signature)
        command = [PROGRAM, "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin", "-in", "order"]
        if not _agrees([*command, "-sigfile", "signature"], there):
            expected = orders.fingerprint(key)
            raise SignatureError(f"it was not signed by the server key that this agent trusts ({expected})")


def _agrees(command: list[str], directory: Path) -> bool:
    try:
        done = subprocess.run(
            command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        sentence = "the program openssl, which looks at signatures, is not there: sudo apt install openssl"
        raise SignatureError(sentence) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SignatureError(f"the program openssl could not look at the signature: {error}") from error
    if done.returncode != 0 and b"Verification Failure" not in done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise SignatureError(f"the program openssl could not look at the signature: {(said or ['no word'])[0]:.200}")
    return done.returncode == 0
