"""Plain HTTP: the page, health, figures, and nothing else of this machine."""

import json
from typing import Any, cast

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from kleinmaelzung_gateway import http, page_files
from kleinmaelzung_gateway.metrics import render
from kleinmaelzung_wire import sockets

NO_SOCKET = cast(ServerConnection, None)  # what is answered does not depend on it


def file(content: bytes, kind: str, *, is_lasting: bool) -> page_files.PageFile:
    content_type = f"text/{kind}; charset=utf-8"
    return page_files.PageFile(
        content=content, packed=None, content_type=content_type, etag='W/"1"', is_lasting=is_lasting
    )


INDEX = file(b"<p>The page", "html", is_lasting=False)
SCRIPT = file(b"1;", "javascript", is_lasting=True)
PAGE = {"/": INDEX, "/index.html": INDEX, "/assets/index-Ab_1.js": SCRIPT}


def get(
    path: str,
    headers: list[tuple[str, str]] | None = None,
    *,
    ok: bool = True,
    page: page_files.Files = PAGE,
    method: str = "GET",
) -> Response | None:
    request = Request(path, Headers(headers or []), method=method)
    return http.answer(NO_SOCKET, request, lambda: {"ok": ok, "agents": 3}, lambda: "figures\n", page)


def answer(path: str, **options: Any) -> Response:
    response = get(path, **options)
    assert response is not None
    return response


def test_the_page_and_what_belongs_to_it_are_served_with_their_types() -> None:
    for path, content_type in {
        "/": "text/html",
        "/index.html": "text/html",
        "/assets/index-Ab_1.js": "text/javascript",
        "/?x=/../..": "text/html",
    }.items():
        response = answer(path)
        assert response.status_code == 200
        assert response.headers.get_all("Content-Type") == [f"{content_type}; charset=utf-8"]
        assert response.headers["Content-Length"] == str(len(response.body))
        assert response.body


def test_an_answer_says_once_how_long_it_may_be_kept() -> None:
    assert answer("/").headers.get_all("Cache-Control") == ["no-cache"]
    kept = answer("/assets/index-Ab_1.js").headers.get_all("Cache-Control")
    assert kept == ["public, max-age=31536000, immutable"]


def test_who_has_the_page_is_told_so_in_few_bytes() -> None:
    response = answer("/", headers=[("If-None-Match", answer("/").headers["ETag"])])
    assert response.status_code == 304
    assert response.body == b""
    assert "Content-Length" not in response.headers


def test_a_head_is_a_get_without_the_body() -> None:
    for path in ("/", "/healthz", "/nothing"):
        head, whole = answer(path, method="HEAD"), answer(path)
        assert (head.status_code, head.body) == (whole.status_code, b"")
        assert dict(head.headers) == dict(whole.headers)


def test_nothing_can_be_put_here() -> None:
    response = answer("/", method="POST")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_without_a_page_all_else_works() -> None:
    missing = answer("/", page={})
    assert missing.status_code == 503
    assert missing.body == b"the page is not built: scripts/page\n"
    assert answer("/healthz", page={}).status_code == 200
    assert answer("/page.js", page={}).status_code == 404


def test_every_answer_forbids_what_a_page_could_be_abused_for() -> None:
    for path in ("/", "/healthz", "/metrics", "/nothing"):
        headers = answer(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/../config.py", "/%2e%2e/config.py", "//etc/passwd", "/./index.html", "/page/", "/index.html/", "/page", "", "x",
     "/index.html\x00", "/..", "/.", "/\udcff"],
)  # fmt: skip
def test_nothing_outside_the_page_is_served(path: str) -> None:
    response = answer(path)
    assert response.status_code == 404
    assert b"There is nothing here" in (response.body or b"")


def test_health_is_a_status_and_a_sentence_for_machines() -> None:
    assert answer("/healthz").status_code == 200
    ill = answer("/healthz", ok=False)
    assert ill.status_code == 503
    assert json.loads(ill.body or b"") == {"ok": False, "agents": 3}


def test_figures_are_what_prometheus_reads() -> None:
    response = answer("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert response.body == b"figures\n"
    assert render({"agents": ("gauge", "Agents connected here", 3), "x": ("counter", "X", 12_345_678)}) == (
        "# HELP kleinmaelzung_gateway_agents Agents connected here\n"
        "# TYPE kleinmaelzung_gateway_agents gauge\n"
        "kleinmaelzung_gateway_agents 3\n"
        "# HELP kleinmaelzung_gateway_x X\n"
        "# TYPE kleinmaelzung_gateway_x counter\n"
        "kleinmaelzung_gateway_x 12345678\n"
    )


UPGRADE = ("Upgrade", "WebSocket")


@pytest.mark.parametrize(
    ("path", "offered", "goes_on"),
    [
        ("/client", sockets.MSGPACK, True),
        ("/client", sockets.JSON, True),
        ("/client?x=1", f"mqtt, {sockets.JSON}", True),
        ("/agent", sockets.MSGPACK, True),
        ("/agent", sockets.JSON, False),
        ("/client", "mqtt", False),
        ("/client", "", False),
    ],
)
def test_a_handshake_goes_on_with_one_of_our_subprotocols(path: str, offered: str, goes_on: bool) -> None:
    response = get(path, [UPGRADE, ("Sec-WebSocket-Protocol", offered)])
    if goes_on:
        assert response is None
    else:
        assert response is not None
        assert response.status_code == 400
        assert sockets.MSGPACK.encode() in (response.body or b"")


@pytest.mark.parametrize("headers", [[], [("Upgrade", "h2c")], [UPGRADE, UPGRADE]])
def test_a_plain_get_of_a_socket_is_told_to_upgrade(headers: list[tuple[str, str]]) -> None:
    response = answer("/client", headers=headers)
    assert response.status_code == 426
    assert b"is a WebSocket" in (response.body or b"")


def test_subprotocols_may_come_in_two_headers() -> None:
    offered = [("Sec-WebSocket-Protocol", "mqtt"), ("Sec-WebSocket-Protocol", sockets.JSON)]
    assert get("/client", [UPGRADE, *offered]) is None
