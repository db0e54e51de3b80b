"""What the gateway's own answer says: /healthz, certificate, both clocks, and why a WebSocket does not open. Pure."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from kleinmaelzung.commands import texts
from kleinmaelzung.commands.checks.reaching import Reached
from kleinmaelzung_wire import findings
from kleinmaelzung_wire.findings import Finding

SOON_S: Final = 14 * 86_400.0  # what renews itself does so a month before
CLOCK_US: Final = 5_000_000
_PROXY: Final = (
    "a proxy on the way passes pages and no WebSockets: have it speak HTTP/1.1 to the gateway and pass on the headers"
    " Upgrade and Connection"
)


def reached(found: Reached, now_s: float) -> Iterator[Finding]:
    """The server itself, and its certificate."""
    yield findings.ok("server", f"{found.url} answers")
    if found.expires_s is None:
        yield findings.ok("certificate", "none: the connection is not encrypted")
    elif found.expires_s - now_s < SOON_S:
        remedy = "renew it: both files are read again within 10 s, without a restart"
        yield findings.warning("certificate", f"expires in {texts.span(found.expires_s - now_s)}", remedy)
    else:
        yield findings.ok("certificate", f"accepted, good for {texts.span(found.expires_s - now_s)}")


def gateway(health: dict[str, Any]) -> Iterator[Finding]:
    """From the answer of /healthz."""
    counts = f"{health.get('agents', '?')} agents, {health.get('clients', '?')} clients connected"
    yield findings.ok("gateway", f"running, version {health.get('version', 'unknown')}, {counts}")
    state = health.get("broker")
    if state == "connected":
        yield findings.ok("broker", "connected")
    else:
        remedy = "start Mosquitto, and look what the gateway's log says: address, password, certificate"
        yield findings.broken("broker", f"the gateway's connection to the broker is {state}", remedy)


def clock(found: Reached) -> Finding:
    """This machine's clock beside the server's."""
    server_us = found.health.get("time")
    if type(server_us) is not int:
        return findings.unchecked("clock", "the gateway does not tell its time: it is of an older version")
    # What lies between question and answer cannot be told from the clocks' difference.
    ahead_us = max(0, found.asked_us - server_us) - max(0, server_us - found.answered_us)
    if abs(ahead_us) <= CLOCK_US:
        return findings.ok("clock", "this machine and the server agree")
    way = "ahead of" if ahead_us > 0 else "behind"
    remedy = "look on both machines with `timedatectl` which is wrong, and have it synchronised"
    return findings.broken("clock", f"this machine is {texts.span(abs(ahead_us) / 1e6)} {way} the server", remedy)


def no_socket(found: str, status: int | None) -> Finding:
    """Pages come, and the WebSocket does not; `status` is what HTTP answered instead of opening it."""
    if status in (HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE):
        remedy = "see docs/front-door.md: names of this server, and how many sockets it takes"
    elif status is not None:
        return findings.broken("socket", f"the gateway's pages come through, its WebSocket does not ({status})", _PROXY)
    else:
        remedy = f"look at the gateway's log; where nothing is in it, {_PROXY}"
    return findings.broken("socket", found, remedy)
