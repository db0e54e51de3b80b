"""`kleinmaelzung doctor`: look at everything on the way from an instrument to the database, and say what is broken."""

import asyncio
import json
import logging
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlsplit

from kleinmaelzung import Error, Lab, NotLoggedIn, NotReachable, settings
from kleinmaelzung.commands import findings, options
from kleinmaelzung.commands.agent import statuses_of_agents
from kleinmaelzung.commands.findings import Finding
from kleinmaelzung.lab import connect_as
from kleinmaelzung.settings import Login
from kleinmaelzung_wire import tls
from kleinmaelzung_wire.messages import ServiceStatus

logger = logging.getLogger(__name__)

HTTP_TIMEOUT_S: Final = 5.0
MAX_HEALTH_BYTES: Final = 64 * 1024


def add_arguments(parser: ArgumentParser) -> None:
    """It takes nothing but the shared options."""


async def run(arguments: Namespace) -> int:
    seen: list[Finding] = []
    await _examine(options.login(arguments), seen)
    ok = all(finding.ok for finding in seen)
    options.show(arguments, {"ok": ok, "checks": [asdict(finding) for finding in seen]}, lambda: findings.report(seen))
    return 0 if ok else 1


async def _examine(login: Login, seen: list[Finding]) -> None:
    """Check in the order in which one thing needs the other, and end where going on says nothing new."""
    try:
        health = await asyncio.to_thread(_fetch_health, login)
    except NotReachable as error:
        seen.append(Finding(check="server", ok=False, found=str(error), remedy="start it, or correct --url"))
        return
    seen.append(Finding(check="server", ok=True, found=f"{login.url} answers"))
    try:
        async with connect_as(login) as lab:
            seen.append(Finding(check="login", ok=True, found=f"as {login.user}"))
            seen.extend(findings.gateway(health))
            await _examine_inside(lab, seen)
    except NotLoggedIn as error:
        remedy = "an admin gives a new password: kleinmaelzung user password NAME"
        seen.append(Finding(check="login", ok=False, found=str(error), remedy=remedy))
    except Error as error:
        seen.extend(findings.gateway(health))
        seen.append(Finding(check="connection", ok=False, found=str(error), remedy="look at the gateway's log"))


async def _examine_inside(lab: Lab, seen: list[Finding]) -> None:
    services = await lab.retained("_service/+/status")
    decoded = {topic.split("/")[1]: ServiceStatus.decode(payload) for topic, payload in services.items() if payload}
    seen.extend(findings.loggers(decoded))
    seen.extend(findings.histories(decoded))
    seen.extend(findings.batches(decoded))
    now_us = time.time_ns() // 1000
    seen.extend(findings.agents(await statuses_of_agents(lab), now_us))
    seen.extend(findings.instrument(instrument, now_us) for instrument in await lab.instruments())


def _fetch_health(login: Login) -> dict[str, Any]:
    # Like the socket it goes past any proxy; and an error status carries the answer as well.
    address = settings.page_url(login.url, "/healthz")
    is_secure = address.startswith("https:")
    try:
        trusted = [urllib.request.HTTPSHandler(context=tls.client_context(login.ca_file))] if is_secure else []
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *trusted)
        with opener.open(address, timeout=HTTP_TIMEOUT_S) as response:
            return _health(response.read(MAX_HEALTH_BYTES), address)
    except urllib.error.HTTPError as error:
        with error:
            return _health(error.read(MAX_HEALTH_BYTES), address)
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        if (
            is_secure
            and isinstance(cause, OSError)
            and (told := tls.sentence(cause, urlsplit(login.url).netloc, login.ca_file))
        ):
            raise NotReachable(told) from error
        raise NotReachable(f"{address} does not answer: {getattr(error, 'reason', None) or error}") from error


def _health(body: bytes, address: str) -> dict[str, Any]:
    try:
        health = json.loads(body)
    except ValueError:
        health = None
    if not isinstance(health, dict):
        raise NotReachable(f"{address} is answered by something that is no kleinmaelzung gateway")
    return health
