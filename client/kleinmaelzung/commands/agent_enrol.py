"""`kleinmaelzung agent enrol`: a code by which a machine becomes an agent; waits until it is one."""

import asyncio
import os
from argparse import ArgumentParser, Namespace
from urllib.parse import urlsplit

from kleinmaelzung import Error, Lab
from kleinmaelzung.commands import options
from kleinmaelzung.commands.agent_statuses import statuses_of_agents
from kleinmaelzung_wire import access, enrolment
from kleinmaelzung_wire.messages import AgentStatus


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--replace", action="store_true", help="of an agent that is there: give it a new secret")
    parser.add_argument("--no-wait", action="store_true", help="end without waiting until it is connected")


def server(arguments: Namespace) -> str:
    """The server as agents know it: in a container it has another name."""
    return os.environ.get("KLEINMAELZUNG_PUBLIC_URL") or options.login(arguments).url


async def run(lab: Lab, arguments: Namespace) -> int:
    name, url = arguments.name, server(arguments)
    before = (await statuses_of_agents(lab)).get(name)
    told = await lab.enrol_agent(name, replace=arguments.replace)
    document = {"agent": name, "code": told.code, "expires": told.expires, "url": url}
    options.show(arguments, document, lambda: _invitation(name, told.code, url))
    if arguments.json or arguments.no_wait:
        return 0
    try:
        async with asyncio.timeout(enrolment.LIFETIME_S):
            await _until_online(lab, name, before.since if before else 0)
    except TimeoutError:
        await void(lab, name)
        raise Error(f"nobody came within 15 minutes: kleinmaelzung agent enrol {name} --replace") from None
    await void(lab, name)
    print(f"agent {name} is connected")
    return 0


def _invitation(name: str, code: str, url: str) -> str:
    return f"""\
On the machine with the instruments, within 15 minutes, and once:

    sudo kleinmaelzung-agent enrol --server {url} --name {name} --code {code}
    sudo systemctl restart kleinmaelzung-agent

{_hint(url)}Ctrl-C ends the waiting for it; the code stays valid."""


def _hint(url: str) -> str:
    host = urlsplit(url).hostname or ""
    is_here = host == "localhost" or host.startswith("127.") or host == "::1"
    return f"There, take this machine's name in the network in place of {host}.\n" if is_here else ""


async def _until_online(lab: Lab, name: str, before_us: int) -> None:
    """Another run than the one that was known before: its last status may still say online."""
    async for message in lab.messages(f"{name}/status"):
        status = AgentStatus.decode(message.payload) if message.payload else None
        if status and status.online and status.since != before_us:
            return


async def void(lab: Lab, name: str) -> None:
    """The code has done what it was for, or is too old."""
    await lab.access(access.remove_account(access.enrol_user(name)))
