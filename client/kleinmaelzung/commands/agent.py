"""`kleinmaelzung agent`: which agents may connect."""

from argparse import ArgumentParser, Namespace
from typing import Any, Final

from kleinmaelzung import Lab, settings
from kleinmaelzung.commands import accounts, options, texts
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import access, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import AgentStatus

PREFIX: Final = "agent:"


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add | list | remove")
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
    server = settings.socket_url(options.login(arguments).url).removesuffix("/client")
    document = {"agent": name, "secret": secret, "url": server}
    options.show(arguments, document, lambda: _section(name, secret, server))


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
