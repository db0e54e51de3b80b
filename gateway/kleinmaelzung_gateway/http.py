"""Plain HTTP on the same port: the page, /healthz, /metrics (/history/: history.py). All else is 404, with a sentence.

websockets answers GETs with whole bodies, so what is served here is small.
"""

import http
import json
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from kleinmaelzung_gateway import door
from kleinmaelzung_gateway.door import Names
from kleinmaelzung_wire import sockets

PAGE = Path(__file__).with_name("page")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

Healthy = Callable[[], dict[str, object]]


def refuse(request: Request, names: Names) -> Response | None:
    """The answer to a request that must not come in by this name, from this page, or with this in its address."""
    refusal = door.check(request.path, request.headers, names)
    return response(refusal.status, refusal.sentence + "\n") if refusal else None


def busy(sentence: str) -> Response:
    """The answer when there is no place; come back later."""
    answered = response(http.HTTPStatus.SERVICE_UNAVAILABLE, sentence + "\n")
    answered.headers["Retry-After"] = "5"
    return answered


def is_socket(request: Request) -> bool:
    return request.path.partition("?")[0] in (sockets.AGENT_PATH, sockets.CLIENT_PATH)


def answer(
    websocket: ServerConnection,
    request: Request,
    health: Healthy,
    metrics: Callable[[], str],
    *,
    is_public: bool = False,
) -> Response | None:
    """The answer to a plain GET; None lets a WebSocket handshake go on."""
    path = request.path.partition("?")[0]
    if path in (sockets.AGENT_PATH, sockets.CLIENT_PATH):
        return _check_handshake(request, path)
    if path == "/healthz":
        state = health()
        status = http.HTTPStatus.OK if state["ok"] else http.HTTPStatus.SERVICE_UNAVAILABLE
        return response(status, json.dumps(state) + "\n", "application/json")
    if path == "/metrics":
        return response(http.HTTPStatus.OK, metrics(), "text/plain; version=0.0.4; charset=utf-8")
    return _page("/index.html" if path == "/" else path, is_public=is_public)


def _check_handshake(request: Request, path: str) -> Response | None:
    # get_all: a header that comes twice makes get() raise.
    if [value.lower() for value in request.headers.get_all("Upgrade")] != ["websocket"]:
        return response(http.HTTPStatus.UPGRADE_REQUIRED, f"{path} is a WebSocket; see docs/protocol.md\n")
    offered = ", ".join(request.headers.get_all("Sec-WebSocket-Protocol"))
    allowed = [sockets.MSGPACK] if path == sockets.AGENT_PATH else [sockets.MSGPACK, sockets.JSON]
    if not set(allowed) & {name.strip() for name in offered.split(",")}:
        sentence = f"{path} speaks the subprotocol {' or '.join(allowed)}, not {offered or 'none'!r}\n"
        return response(http.HTTPStatus.BAD_REQUEST, sentence)
    return None


def _page(path: str, *, is_public: bool) -> Response:
    # Only files that lie directly in the page's folder, whatever the path says.
    file = next((found for found in PAGE.iterdir() if f"/{found.name}" == path), None)
    if file is None or file.suffix not in _TYPES:
        return response(http.HTTPStatus.NOT_FOUND, "There is nothing here. The page is at /\n")
    text = file.read_text()
    # The page learns that there is a public view without a login that fails.
    if is_public and file.suffix == ".html":
        text = text.replace('data-public-view="no"', 'data-public-view="yes"')
    return response(http.HTTPStatus.OK, text, _TYPES[file.suffix])


def response(status: http.HTTPStatus, body: str, content_type: str = "text/plain; charset=utf-8") -> Response:
    content = body.encode()
    headers = Headers(SECURITY)
    headers["Content-Type"] = content_type
    headers["Content-Length"] = str(len(content))
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, content)
