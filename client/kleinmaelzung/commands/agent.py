"""`kleinmaelzung agent`: which agents may connect."""

import asyncio
import os
from argparse import ArgumentParser, Namespace
from typing import Any, Final
from urllib.parse import urlsplit

from kleinmaelzung import Error, Lab, settings
from kleinmaelzung.commands import accounts, options, texts
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import access, enrolment, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import AgentStatus

PREFIX: Final = "agent:"


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="enrol | add | list | remove")
    meaning = "show a code by which a machine becomes an agent: once, within 15 minutes"
    chosen = actions.add_parser("enrol", help=meaning, description=meaning)
    chosen.add_argument("name", metavar="NAME")
    chosen.add_argument("--replace", action="store_true", help="of an agent that is there: give it a new secret")
    chosen.add_argument("--no-wait", action="store_true", help="end without waiting until it is connected")
    options.add_to(chosen)
    for action, meaning in (("add", "let an agent connect, print its secret once"), ("remove", "shut an agent out")):
        chosen = actions.add_parser(action, help=meaning, description=meaning)
        chosen.add_argument("name", metavar="NAME")
        options.add_to(chosen)
    options.add_to(actions.add_parser("list", help="which agents may connect", description="which agents may connect"))


async def run(arguments: Namespace) -> int:
    if arguments.action != "list":
        check_name(arguments.name, "agent")
    async with options.connected(arguments) as lab:
        match arguments.action:
            case "enrol":
                return await _enrol(lab, arguments)
            case "add":
                await _add(lab, arguments)
            case "remove":
                await _remove(lab, arguments)
            case "list":
                await _list(lab, arguments)
    return 0


def check_name(name: str, what: str) -> None:
    try:
        topics.check_name(name, what)
    except WireError as error:
        raise WrongUsage(str(error)) from error


async def _add(lab: Lab, arguments: Namespace) -> None:
    name, secret = arguments.name, access.make_secret()
    await accounts.execute(lab, access.add_agent(name, secret), "createClient", f"agent {name}")
    server = settings.socket_url(_server(arguments)).removesuffix("/client")
    document = {"agent": name, "secret": secret, "url": server}
    options.show(arguments, document, lambda: _section(name, secret, server))


def _server(arguments: Namespace) -> str:
    """The server as agents know it: in a container it has another name."""
    return os.environ.get("KLEINMAELZUNG_PUBLIC_URL") or options.login(arguments).url


async def _enrol(lab: Lab, arguments: Namespace) -> int:
    name, server = arguments.name, _server(arguments)
    before = (await statuses_of_agents(lab)).get(name)
    told = await lab.enrol_agent(name, replace=arguments.replace)
    document = {"agent": name, "code": told.code, "expires": told.expires, "url": server}
    options.show(arguments, document, lambda: _invitation(name, told.code, server))
    if arguments.json or arguments.no_wait:
        return 0
    try:
        async with asyncio.timeout(enrolment.LIFETIME_S):
            await _until_online(lab, name, before.since if before else 0)
    except TimeoutError:
        await _void(lab, name)
        raise Error(f"nobody came within 15 minutes: kleinmaelzung agent enrol {name} --replace") from None
    await _void(lab, name)
    print(f"agent {name} is connected")
    return 0


def _invitation(name: str, code: str, server: str) -> str:
    return f"""\
On the machine with the instruments, within 15 minutes, and once:

    sudo kleinmaelzung-agent enrol --server {server} --name {name} --code {code}
    sudo systemctl restart kleinmaelzung-agent

{_hint(server)}Ctrl-C ends the waiting for it; the code stays valid."""


def _hint(server: str) -> str:
    host = urlsplit(server).hostname or ""
    is_here = host == "localhost" or host.startswith("127.") or host == "::1"
    return f"There, take this machine's name in the network in place of {host}.\n" if is_here else ""


async def _until_online(lab: Lab, name: str, before_us: int) -> None:
    """Another run than the one that was known before: its last status may still say online."""
    async for message in lab.messages(f"{name}/status"):
        status = AgentStatus.decode(message.payload) if message.payload else None
        if status and status.online and status.since != before_us:
            return


async def _void(lab: Lab, name: str) -> None:
    """The code has done what it was for, or is too old."""
    await lab.access(access.remove_account(access.enrol_user(name)))


def _section(name: str, secret: str, server: str) -> str:
    return f"""\
Agent {name} may connect. Its secret is shown only now. Put this into the agent's agent.toml:

[agent]
name = "{name}"
url = "{server}"
secret = "{secret}"  # so nobody else may read this file: chmod 600 agent.toml
data = "agent-data"  # a directory: what is not logged yet waits there"""


async def _remove(lab: Lab, arguments: Namespace) -> None:
    name = arguments.name
    commands = access.remove_account(access.agent_user(name))
    await accounts.execute(lab, commands, "deleteClient", f"agent {name}")
    await _void(lab, name)
    options.show(arguments, {"agent": name, "removed": True}, lambda: f"agent {name} may not connect any more")


async def _list(lab: Lab, arguments: Namespace) -> None:
    statuses = await statuses_of_agents(lab)
    names = sorted(user.removeprefix(PREFIX) for user in await accounts.all_accounts(lab) if user.startswith(PREFIX))
    found = [_document(name, statuses.get(name)) for name in names]
    rows = [(name, texts.agent_condition(statuses.get(name))) for name in names]
    nothing = "no agents yet: `kleinmaelzung agent add NAME` lets one connect"
    options.show(arguments, found, lambda: texts.table(rows) if rows else nothing)


def _document(name: str, status: AgentStatus | None) -> dict[str, Any]:
    since = status.since if status else None
    return {"agent": name, "online": bool(status and status.online), "since": since or None}


async def statuses_of_agents(lab: Lab) -> dict[str, AgentStatus]:
    """What each agent, or the broker in its name, said last."""
    retained = await lab.retained("+/status")
    return {topic.partition("/")[0]: AgentStatus.decode(payload) for topic, payload in retained.items() if payload}
