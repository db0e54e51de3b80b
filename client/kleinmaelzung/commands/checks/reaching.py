"""The way to the gateway, step by step, so that it is known which one fails: name, port, TLS, HTTP, /healthz.

Login --reach()--> Reached, or NotReached with the finding that says why. Blocking: call it in a thread.
"""

import contextlib
import http.client
import json
import socket
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from kleinmaelzung import settings
from kleinmaelzung.settings import Login
from kleinmaelzung_wire import findings, tls
from kleinmaelzung_wire.findings import Finding

TIMEOUT_S: Final = 5.0
MAX_BYTES: Final = 64 * 1024
MAX_SAID: Final = 300
# With these a gateway of ours says in a sentence why it does not let a request in.
_EXPLAINED: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.MISDIRECTED_REQUEST)
_ADDRESS: Final = "correct --url (or KLEINMAELZUNG_URL)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A gateway that answered. `expires_s` is when its certificate does, since 1970 UTC; None without TLS."""

    url: str
    health: dict[str, Any]
    asked_us: int
    answered_us: int
    expires_s: float | None = None


class NotReached(Exception):
    """Nothing that is a gateway answers; `finding` says what does, or why nothing does."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.found)
        self.finding = finding


def reach(login: Login) -> Reached:
    """Ask the gateway how it is. Raises NotReached."""
    page = urlsplit(settings.page_url(login.url, "/healthz"))
    is_secure = page.scheme == "https"
    host, port = page.hostname or "", page.port or (443 if is_secure else 80)
    _resolve(host, port)
    try:
        connection = _connection(host, port, login, is_secure=is_secure)
    except tls.CaFileError as error:
        raise _broken("certificate", str(error), "name the file of the CA that signed the certificate") from error
    with contextlib.closing(connection):
        _connect(connection, login, f"{host}:{port}")
        expires_s = _expires_s(connection.sock)
        asked_us = time.time_ns() // 1000
        status, body = _ask(connection, page.path, f"{host}:{port}", is_secure=is_secure)
        answered_us = time.time_ns() // 1000
    health = _read(status, body, login.url)
    return Reached(url=login.url, health=health, asked_us=asked_us, answered_us=answered_us, expires_s=expires_s)


def _broken(id_: str, found: str, remedy: str) -> NotReached:
    return NotReached(findings.broken(id_, found, remedy))


def _resolve(host: str, port: int) -> None:
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        remedy = f"{_ADDRESS}; in a network without a name server try {host.partition('.')[0]}.local or the IP address"
        raise _broken("server", f"the name {host} is not known to this machine", remedy) from error


def _connection(host: str, port: int, login: Login, *, is_secure: bool) -> http.client.HTTPConnection:
    # Like the socket it goes past any proxy that this machine uses for the web.
    if not is_secure:
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=tls.client_context(login.ca_file))


def _connect(connection: http.client.HTTPConnection, login: Login, where: str) -> None:
    try:
        connection.connect()
    except ConnectionRefusedError as error:
        remedy = f"start the gateway there (kleinmaelzung up, or docker compose up -d), or {_ADDRESS}"
        raise _broken("server", f"nothing listens at {where}", remedy) from error
    except TimeoutError as error:
        remedy = "look whether that machine is on and in this network, and whether a firewall lets this port through"
        raise _broken("server", f"{where} does not answer within {TIMEOUT_S:g} s", remedy) from error
    except OSError as error:
        is_secure = isinstance(connection, http.client.HTTPSConnection)
        if is_secure and (told := tls.sentence(error, where, login.ca_file)):
            id_ = "certificate" if isinstance(error, ssl.SSLCertVerificationError) else "server"
            sentence, _, remedy = told.partition(": ")
            raise _broken(id_, sentence, remedy or "look at the certificate there") from error
        remedy = "look at this machine's network: cable, Wi-Fi, VPN"
        raise _broken("server", f"there is no way to {where}: {error.strerror or error}", remedy) from error


def _expires_s(sock: Any) -> float | None:
    certificate = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    return ssl.cert_time_to_seconds(str(certificate["notAfter"])) if certificate else None


def _ask(connection: http.client.HTTPConnection, path: str, where: str, *, is_secure: bool) -> tuple[int, bytes]:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_BYTES)
    except TimeoutError as error:
        found = f"{where} takes the connection, and does not answer within {TIMEOUT_S:g} s"
        remedy = "look at the gateway's log; where it hangs, start it again: agents keep their data meanwhile"
        raise _broken("server", found, remedy) from error
    except (http.client.HTTPException, OSError) as error:
        hint = "" if is_secure else "; where the gateway speaks TLS it is https://"
        found = f"what listens at {where} does not answer as a gateway does"
        remedy = f"{_ADDRESS}: this is another program's port, perhaps the broker's{hint}"
        raise _broken("server", found, remedy) from error


def _read(status: int, body: bytes, url: str) -> dict[str, Any]:
    try:
        health = json.loads(body)
    except ValueError:
        health = None
    if isinstance(health, dict) and "broker" in health:
        return health
    said = body[:MAX_SAID].decode(errors="replace").strip()
    if status in _EXPLAINED and said.isprintable() and said:
        remedy = "use a name that the gateway knows, or tell it this one: KLEINMAELZUNG_HOSTS, docs/front-door.md"
        raise _broken("server", f"{url} does not let this request in: {said}", remedy)
    if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT):
        remedy = "start the gateway, and look where the proxy before it looks for it"
        raise _broken("server", f"{url} is answered by a proxy that does not reach the gateway ({status})", remedy)
    found = f"{url} is answered by something that is no kleinmaelzung gateway (HTTP status {status})"
    raise _broken("server", found, f"{_ADDRESS}; behind a proxy, have it pass on every path")
