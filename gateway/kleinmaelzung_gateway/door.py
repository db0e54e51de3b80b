"""Who may knock: the headers of a request into None, or a status and a sentence that says what was expected.

Host names a machine by what is ours: an address, a single word, or a name we were told. So a page of a stranger whose
name was made to lead here (DNS rebinding) is not served. Origin is set by browsers and cannot be left out or forged by
a page, so who sends none is no page; who sends one must have it from us. A query is never
repeated: it may hold a secret.
"""

import http
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from websockets.datastructures import Headers

MAX_SHOWN: Final = 100
# A query with one of these in a key is a login where it does not belong.
SECRET_WORDS: Final = ("token", "password", "passwd", "secret", "auth", "credential", "api_key", "apikey")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Refusal:
    status: http.HTTPStatus
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What this gateway is called; `*.lab.example` stands for every name below; `origins` are other pages let in."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def knows(self, host: str) -> bool:
        """Whether a host's name, without the port, is one of ours."""
        host = host.lower().rstrip(".")
        # A name without a dot belongs to nobody outside: no stranger can make it lead here.
        if not host or "." not in host or is_address(host):
            return bool(host)
        above = host.split(".", 1)[1]
        return host.endswith(".localhost") or host in self.hosts or f"*.{above}" in self.hosts


def own_names(listen: str, configured: Iterable[str]) -> frozenset[str]:
    """The names to know: where we listen, this machine's own (also in the local network), and those configured."""
    machine = socket.gethostname().lower()
    return frozenset({listen.lower(), machine, f"{machine.partition('.')[0]}.local", *map(str.lower, configured)})


def check(path: str, headers: Headers, names: Names) -> Refusal | None:
    """What is wrong with a request's head, before anything is answered or logged."""
    return _check_host(headers, names) or _check_origin(headers, names) or _check_query(path)


def _check_host(headers: Headers, names: Names) -> Refusal | None:
    given = headers.get_all("Host")
    if len(given) != 1 or (host := split_host(given[0])) is None:
        return Refusal(http.HTTPStatus.BAD_REQUEST, "expected one Host header with the name of this server")
    if names.knows(host[0]):
        return None
    sentence = f"{_shown(host[0])} is no name of this server; if it should be, add it to KLEINMAELZUNG_HOSTS"
    return Refusal(http.HTTPStatus.MISDIRECTED_REQUEST, sentence)


def _check_origin(headers: Headers, names: Names) -> Refusal | None:
    given = headers.get_all("Origin")
    if not given:
        return None
    if len(given) == 1 and (given[0].lower() in names.origins or _is_own(given[0], headers["Host"])):
        return None
    sentence = f"a page of {_shown(given[0])} may not connect here; if it should, add it to KLEINMAELZUNG_ORIGINS"
    return Refusal(http.HTTPStatus.FORBIDDEN, sentence)


def _is_own(origin: str, host: str) -> bool:
    scheme, separator, rest = origin.lower().partition("://")
    own, found = split_host(host), split_host(rest)
    if not separator or scheme not in _DEFAULT_PORTS or own is None or found is None:
        return False
    default = _DEFAULT_PORTS[scheme]  # behind a proxy that does TLS, the page's scheme is not ours
    return (own[0], own[1] or default) == (found[0], found[1] or default)


def _check_query(path: str) -> Refusal | None:
    _, _, query = path.partition("?")
    keys = [key.lower() for key, _ in parse_qsl(query, keep_blank_values=True)]
    if not any(word in key for key in keys for word in SECRET_WORDS):
        return None
    sentence = (
        "a password or token in an address is not taken, for addresses are logged on the way; "
        "send it in the Authorization header or in the first message, and change it now"
    )
    return Refusal(http.HTTPStatus.UNAUTHORIZED, sentence)


def split_host(text: str) -> tuple[str, int] | None:
    """`lab:8080` -> name and port (0: none given); None for what is no host."""
    if not text or not text.isascii() or any(character in text for character in "/?#@\\ \t,") or not text.isprintable():
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host, port or 0) if host else None


def is_address(host: str) -> bool:
    """Whether this is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_origin(text: str) -> bool:
    """Whether a configured origin is one: scheme, host, perhaps a port."""
    scheme, separator, rest = text.partition("://")
    return bool(separator) and scheme in _DEFAULT_PORTS and split_host(rest) is not None


def _shown(text: str) -> str:
    return ascii(text[:MAX_SHOWN])
