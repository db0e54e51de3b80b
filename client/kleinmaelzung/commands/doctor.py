"""`kleinmaelzung doctor`: look at everything on the way from an instrument to the database, and say what is broken.

In the order in which one thing needs the other; what cannot be looked at is said, too. docs/doctor.md lists all checks.
"""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from typing import Final

from websockets.exceptions import InvalidStatus

from kleinmaelzung import Error, NotLoggedIn
from kleinmaelzung.commands import options
from kleinmaelzung.commands.checks import reaching, server
from kleinmaelzung.commands.checks.inside import Inside
from kleinmaelzung.commands.checks.reaching import NotReached, Reached
from kleinmaelzung.commands.checks.services import ROLES
from kleinmaelzung.connecting import connect_as
from kleinmaelzung.settings import Login
from kleinmaelzung_wire import findings
from kleinmaelzung_wire.findings import Finding

# What needs the step before it.
AFTER_SERVER: Final = ("gateway", "broker", "clock", "socket")
AFTER_SOCKET: Final = ("login",)
AFTER_LOGIN: Final = ("rights", *ROLES, "database", "storage", "agent", "instrument", "unit", "version")


def add_arguments(parser: ArgumentParser) -> None:
    """It takes nothing but the shared options."""


async def run(arguments: Namespace) -> int:
    seen = await examine(options.login(arguments))
    options.show(arguments, findings.document(seen), lambda: findings.report(seen))
    return 0 if findings.is_well(seen) else 1


async def examine(login: Login) -> list[Finding]:
    """All that can be found out with this login."""
    try:
        reached = await asyncio.to_thread(reaching.reach, login)
    except NotReached as error:
        rest = (*AFTER_SERVER, *AFTER_SOCKET, *AFTER_LOGIN)
        return [error.finding, *findings.all_unchecked(rest, "the server is not reached")]
    about = [*server.reached(reached, time.time()), *server.gateway(reached.health), server.clock(reached)]
    return [*about, *await _examine_socket(login, reached)]


async def _examine_socket(login: Login, reached: Reached) -> list[Finding]:
    opened = findings.ok("socket", "opens")
    try:
        async with connect_as(login) as lab:
            return [opened, findings.ok("login", f"as {login.user}"), *await Inside(lab, login, reached).examine()]
    except NotLoggedIn as error:
        remedy = "look at --user and the password's file; an admin gives a new one: kleinmaelzung user password NAME"
        refused = findings.broken("login", str(error), remedy)
        return [opened, refused, *findings.all_unchecked(AFTER_LOGIN, "nobody is logged in")]
    except Error as error:
        rest = (*AFTER_SOCKET, *AFTER_LOGIN)
        if reached.health.get("broker") != "connected":
            return findings.all_unchecked(("socket", *rest), "the gateway has no broker, which decides who may come in")
        return [_no_socket(error), *findings.all_unchecked(rest, "the socket does not open")]


def _no_socket(error: Error) -> Finding:
    cause = error.__cause__
    return server.no_socket(str(error), cause.response.status_code if isinstance(cause, InvalidStatus) else None)
