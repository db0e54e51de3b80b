"""The agent's WebSocket as such: how it is opened, and in plain words why it is not, or ended.

address, name, secret --opening()--> ClientConnection          what went wrong --> Trouble
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from kleinmaelzung_wire import sockets, tls

OPEN_TIMEOUT_S: Final = 10.0
CLOSE_TIMEOUT_S: Final = 1.0
PING_S: Final = 10.0
MAX_MESSAGE: Final = 256 * 1024
# Bytes that wait in the kernel and the library: what is handed over cannot be overtaken by a reply any more.
SEND_AHEAD: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no connection. Settled: trying soon again would not help."""

    sentence: str
    kind: str = "lost"
    is_settled: bool = False
    is_fatal: bool = False


def agent_url(url: str) -> str:
    """The address of the agents' socket for the gateway's address; http and https are taken for ws and wss."""
    scheme, colon, rest = url.partition("://")
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    return f"{scheme}{colon}{rest.rstrip('/').removesuffix(sockets.AGENT_PATH)}{sockets.AGENT_PATH}"


def opening(url: str, name: str, secret: str, ca_file: Path | None) -> connect:
    """The connection to an agents' socket; the welcome is still to come."""
    credentials = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return connect(
        url,
        subprotocols=[Subprotocol(sockets.MSGPACK)],
        additional_headers={"Authorization": f"Basic {credentials}"},
        compression=None,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
        ping_interval=PING_S,
        ping_timeout=PING_S,
        max_size=MAX_MESSAGE,
        write_limit=SEND_AHEAD,
        proxy=None,  # the gateway is in the laboratory's own network
        ssl=tls.client_context(ca_file) if url.startswith("wss:") else None,
    )


def why_not_connected(error: Exception, name: str, url: str, ca_file: Path | None) -> Trouble:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status == 401:
            return _wrong_secret(name)
        said = bytes(error.response.body or b"")[:300].decode(errors="replace").strip()
        return Trouble(
            f"answered HTTP {status}" + (f": {said}" if said.isprintable() and said else ""), f"http {status}"
        )
    is_secure = url.startswith("wss:")
    if is_secure and isinstance(error, OSError) and (told := tls.sentence(error, urlsplit(url).netloc, ca_file)):
        return Trouble(told, "tls")
    return Trouble(f"not reached: {str(error) or type(error).__name__}", "unreachable")


def why_closed(link: ClientConnection, name: str) -> Trouble:
    reason = link.close_reason or ""
    match link.close_code:
        case sockets.NOT_LOGGED_IN:
            return _wrong_secret(name)
        case sockets.TAKEN_OVER:
            sentence = f"another agent connected as {name!r}: give each its own name and secret"
            return Trouble(sentence, "taken over", is_settled=True)
        case sockets.BROKER_LOST:
            return Trouble(f"lost its broker: {reason}", "broker")
    return Trouble(f"connection lost ({link.close_code} {reason})".replace(" )", ")"))


def _wrong_secret(name: str) -> Trouble:
    sentence = f"does not know agent {name!r} with this secret: compare agent.name and agent.secret with `agent add`"
    return Trouble(sentence, "secret", is_settled=True, is_fatal=True)
