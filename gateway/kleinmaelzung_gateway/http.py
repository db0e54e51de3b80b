"""Plain HTTP on the same port: the page, /healthz, /metrics (/history/: history.py). All else is 404, with a sentence.

websockets answers with whole bodies, so what is served here is small.
"""

import http
import json
from collections.abc import Callable, Mapping

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from kleinmaelzung_gateway import door, page_files
from kleinmaelzung_gateway.door import Names
from kleinmaelzung_wire import sockets

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

_ALLOW = {"Allow": "GET, HEAD"}
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
    page: page_files.Files,
) -> Response | None:
    """The answer to a plain GET or HEAD; None lets a WebSocket handshake go on."""
    path = request.path.partition("?")[0]
    if path in (sockets.AGENT_PATH, sockets.CLIENT_PATH):
        return _check_handshake(request, path)
    method = getattr(request, "method", "GET")  # websockets before 17 lets nothing else in
    if method not in ("GET", "HEAD"):
        return response(http.HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are answered here\n", more=_ALLOW)
    answered = _plain(path, request, health, metrics, page)
    if method == "HEAD":
        answered.body = b""
    return answered


def _plain(
    path: str, request: Request, health: Healthy, metrics: Callable[[], str], page: page_files.Files
) -> Response:
    if path == "/healthz":
        state = health()
        status = http.HTTPStatus.OK if state["ok"] else http.HTTPStatus.SERVICE_UNAVAILABLE
        return response(status, json.dumps(state) + "\n", "application/json")
    if path == "/metrics":
        return response(http.HTTPStatus.OK, metrics(), "text/plain; version=0.0.4; charset=utf-8")
    if file := page.get(path):
        status, body, headers = file.answer(request.headers)
        return response(status, body, more=headers)
    if path == "/" and not page:
        return response(http.HTTPStatus.SERVICE_UNAVAILABLE, page_files.NOT_BUILT + "\n")
    return response(http.HTTPStatus.NOT_FOUND, "There is nothing here. The page is at /\n")


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


def response(
    status: http.HTTPStatus,
    body: str | bytes,
    content_type: str = "text/plain; charset=utf-8",
    more: Mapping[str, str] | None = None,
) -> Response:
    """One with what every answer says; `more` are headers that add to it or say otherwise."""
    content = body.encode() if isinstance(body, str) else body
    headers = SECURITY | {"Content-Type": content_type, "Connection": "close"}
    if status is not http.HTTPStatus.NOT_MODIFIED:  # there it would be that of the file
        headers["Content-Length"] = str(len(content))
    return Response(status.value, status.phrase, Headers(headers | dict(more or {})), content)
