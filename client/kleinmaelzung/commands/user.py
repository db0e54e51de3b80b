"""`kleinmaelzung user`: who may watch, command and manage."""

import getpass
import secrets
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from kleinmaelzung import Lab, SettingsError, settings
from kleinmaelzung.commands import accounts, options, texts
from kleinmaelzung.commands.agent import check_name
from kleinmaelzung_wire import access

GENERATED_BYTES = 12  # 96 bits, 16 characters: beyond guessing, and short enough to be typed once


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add | list | remove | password")
    add = _action(actions.add_parser("add", help="let somebody in"))
    add.add_argument("--role", required=True, choices=access.ROLES, help="observer watches, operator also commands")
    _add_password(add)
    _add_password(_action(actions.add_parser("password", help="give somebody a new password")))
    _action(actions.add_parser("remove", help="shut somebody out, at once"))
    options.add_to(actions.add_parser("list", help="who may do what"))


def _action(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("name", metavar="NAME")
    options.add_to(parser)
    return parser


def _add_password(parser: ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--new-password-file", metavar="FILE", help="holds the new password; else one is made")
    source.add_argument("--ask", action="store_true", help="ask for the new password on the terminal")


async def run(arguments: Namespace) -> int:
    if arguments.action == "list":
        return await _list(arguments)
    check_name(arguments.name, "user")
    if arguments.action == "remove":
        return await _remove(arguments)
    password = _new_password(arguments)  # before connecting: somebody may take long to type
    async with options.connected(arguments) as lab:
        await _set(lab, arguments, password)
    return 0


def _new_password(arguments: Namespace) -> str:
    if arguments.new_password_file:
        return settings.read_password(Path(arguments.new_password_file))
    if not arguments.ask:
        return secrets.token_urlsafe(GENERATED_BYTES)
    if not sys.stdin.isatty():
        raise SettingsError("--ask needs a terminal: give --new-password-file instead")
    first = getpass.getpass(f"New password for {arguments.name}: ")
    if not first or getpass.getpass("Once more: ") != first:
        raise SettingsError("the passwords are empty or not the same: nothing was changed")
    return first


async def _set(lab: Lab, arguments: Namespace, password: str) -> None:
    name = arguments.name
    if arguments.action == "add":
        await accounts.execute(lab, access.add_user(name, password, arguments.role), "createClient", f"user {name}")
    else:
        change = {"command": "setClientPassword", "username": name, "password": password}
        await accounts.execute(lab, [change], "setClientPassword", f"user {name}")
    was_made = not (arguments.new_password_file or arguments.ask)
    document = {"user": name, **({"password": password} if was_made else {})}
    if arguments.action == "add":
        document["role"] = arguments.role
    options.show(arguments, document, lambda: _said(arguments, password if was_made else None))


def _said(arguments: Namespace, made: str | None) -> str:
    done = f"user {arguments.name} has a new password"
    if arguments.action == "add":
        done = f"user {arguments.name} may log in as {arguments.role}"
    return f"{done}. The password is shown only now:\n{made}" if made else done


async def _remove(arguments: Namespace) -> int:
    name = arguments.name
    async with options.connected(arguments) as lab:
        await accounts.execute(lab, access.remove_account(name), "deleteClient", f"user {name}")
    options.show(arguments, {"user": name, "removed": True}, lambda: f"user {name} may not log in any more")
    return 0


async def _list(arguments: Namespace) -> int:
    async with options.connected(arguments) as lab:
        found = await accounts.all_accounts(lab)
    people = {user: _role(roles) for user, roles in sorted(found.items()) if ":" not in user}
    document = [{"user": user, "role": role} for user, role in people.items()]
    options.show(arguments, document, lambda: texts.table(people.items()))
    return 0


def _role(roles: list[str]) -> str:
    return ", ".join(role for role in roles if role in access.ROLES) or "none"
