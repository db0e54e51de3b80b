"""The server's key of a data directory: secrets/server-key, made at the first start, and its public half beside it.

By it the command line signs what agents are told from afar; the gateway gives its public half to agents when they are
enrolled. Where cryptography is not installed there is none, and agents are told nothing.
"""

import importlib.util
from pathlib import Path
from typing import Final

from kleinmaelzung import server_key
from kleinmaelzung_local.mosquitto import write_private
from kleinmaelzung_wire import orders

NAME: Final = "server-key"


def find(secrets: Path) -> Path | None:
    """The key's file; made where there is none. Raises kleinmaelzung.Error for one that cannot be used."""
    key = secrets / NAME
    if importlib.util.find_spec("cryptography") is None:
        return None
    public = server_key.public_file(key)
    if not key.exists():
        public.unlink(missing_ok=True)
        server_key.make(key)
    elif not public.exists():
        write_private(public, orders.pem(server_key.open_key(key).public))
    return key
