"""`kleinmaelzung agent`: which agents may connect, and what they are told from afar."""

from argparse import ArgumentParser, Namespace

from kleinmaelzung import Lab
from kleinmaelzung.commands import (
    accounts,
    agent_add,
    agent_configuration,
    agent_enrol,
    agent_key,
    agent_statuses,
    agent_update,
    options,
)
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import access, topics
from kleinmaelzung_wire.codec import WireError


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(
        dest="action",
        required=True,
        metavar="enrol | add | list | remove | config | configure | reload | update | key",
    )

    def action(name: str, meaning: str) -> ArgumentParser:
        chosen = actions.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
        if name != "key":
            options.add_to(chosen)
        return chosen

    agent_enrol.add_arguments(action("enrol", "show a code by which a machine becomes an agent: once, in 15 minutes"))
    for name, meaning in (("add", "let an agent connect, print its secret once"), ("remove", "shut an agent out")):
        action(name, meaning).add_argument("name", metavar="NAME")
    action("list", "which agents may connect, and with which version they did")
    agent_configuration.add_reading(action("config", "show an agent's configuration, all but its table [agent]"))
    agent_configuration.add_writing(action("configure", "give an agent another configuration"))
    action("reload", "have an agent read its agent.toml again, as changed there").add_argument("name", metavar="NAME")
    agent_update.add_arguments(action("update", "give agents another version of their program"))
    agent_key.add_arguments(action("key", "make the key that signs what agents are told"))


async def run(arguments: Namespace) -> int:
    match arguments.action:
        case "key":
            return agent_key.run(arguments)
        case "update":
            return await agent_update.run(arguments)
    if arguments.action != "list":
        check_name(arguments.name, "agent")
    if arguments.action == "configure":
        return await agent_configuration.write(arguments)
    async with options.connected(arguments) as lab:
        match arguments.action:
            case "enrol":
                return await agent_enrol.run(lab, arguments)
            case "add":
                await agent_add.run(lab, arguments)
            case "remove":
                await _remove(lab, arguments)
            case "list":
                await agent_statuses.show(lab, arguments)
            case "config":
                await agent_configuration.read(lab, arguments)
            case "reload":
                await agent_configuration.reload(lab, arguments)
    return 0


def check_name(name: str, what: str) -> None:
    try:
        topics.check_name(name, what)
    except WireError as error:
        raise WrongUsage(str(error)) from error


async def _remove(lab: Lab, arguments: Namespace) -> None:
    name = arguments.name
    commands = access.remove_account(access.agent_user(name))
    await accounts.execute(lab, commands, "deleteClient", f"agent {name}")
    await agent_enrol.void(lab, name)
    options.show(arguments, {"agent": name, "removed": True}, lambda: f"agent {name} may not connect any more")
