"""`kleinmaelzung user`: who may watch, command and manage."""

import getpass
import secrets
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from kleinmaelzung import ConnectionLost, Error, Lab, SettingsError, settings
from kleinmaelzung.commands import accounts, options, texts
from kleinmaelzung.commands.agent import check_name
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung.connecting import connect_as
from kleinmaelzung_wire import access
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.rights import EVERYTHING, PUBLIC, ROLES, Rights, Role

_ROLE_HELP: Final = "observer watches; operator and calibrator also command; admin also manages"

GENERATED_BYTES = 12  # 96 bits, 16 characters: beyond guessing, and short enough to be typed once


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add | list | change | remove | password")
    add = _action(actions.add_parser("add", help="let somebody in"))
    add.add_argument("--role", required=True, choices=ROLES, help=_ROLE_HELP)
    _add_instruments(add)
    _add_password(add)
    change = _action(actions.add_parser("change", help="give somebody other rights, at once"))
    change.add_argument("--role", choices=ROLES, help=_ROLE_HELP)
    _add_instruments(change)
    _add_password(_action(actions.add_parser("password", help="give somebody a new password")))
    _action(actions.add_parser("remove", help="shut somebody out, at once"))
    options.add_to(actions.add_parser("list", help="who may do what"))


def _action(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("name", metavar="NAME")
    options.add_to(parser)
    return parser


def _add_instruments(parser: ArgumentParser) -> None:
    sentence = "where the role holds: pi-1/balance, pi-1/+ or +/+; may be given several times (else everywhere)"
    parser.add_argument("--instrument", action="append", metavar="PATTERN", dest="instruments", help=sentence)


def _add_password(parser: ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--new-password-file", metavar="FILE", help="holds the new password; else one is made")
    source.add_argument("--ask", action="store_true", help="ask for the new password on the terminal")


async def run(arguments: Namespace) -> int:
    if arguments.action == "list":
        return await _list(arguments)
    check_name(arguments.name, "user")
    if arguments.name == PUBLIC and arguments.action != "remove":
        raise WrongUsage(f"{PUBLIC} is no person's name, but whoever watches without signing in (up --public-view)")
    if arguments.action == "remove":
        return await _remove(arguments)
    if arguments.action == "change":
        return await _change(arguments)
    if arguments.action == "add":
        _rights(arguments.role, arguments.instruments)
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
        rights = _rights(arguments.role, arguments.instruments)
        commands = access.add_user(name, password, rights.role, rights.instruments)
        await accounts.execute(lab, commands, "createClient", f"user {name}")
        await lab.tell_rights(name, rights)
    else:
        await _set_password(lab, arguments, password)
    was_made = not (arguments.new_password_file or arguments.ask)
    document = {"user": name, **({"password": password} if was_made else {})}
    if arguments.action == "add":
        document |= {"role": rights.role, "instruments": list(rights.instruments)}
    options.show(arguments, document, lambda: _said(arguments, password if was_made else None))


async def _set_password(lab: Lab, arguments: Namespace, password: str) -> None:
    change = {"command": "setClientPassword", "username": arguments.name, "password": password}
    try:
        await accounts.execute(lab, [change], "setClientPassword", f"user {arguments.name}")
    except ConnectionLost:
        # The broker ends the user's sessions at once. Where that is us, the new password says whether it was done.
        own = options.login(arguments)
        if own.user != arguments.name:
            raise
        async with connect_as(replace(own, password=password)):
            pass


def _said(arguments: Namespace, made: str | None) -> str:
    done = f"user {arguments.name} has a new password"
    if arguments.action == "add":
        done = f"user {arguments.name} may log in as {_where(_rights(arguments.role, arguments.instruments))}"
    return f"{done}. The password is shown only now:\n{made}" if made else done


async def _remove(arguments: Namespace) -> int:
    name = arguments.name
    async with options.connected(arguments) as lab:
        await accounts.execute(lab, access.remove_account(name), "deleteClient", f"user {name}")
        await lab.tell_rights(name, None)
    options.show(arguments, {"user": name, "removed": True}, lambda: f"user {name} may not log in any more")
    return 0


async def _change(arguments: Namespace) -> int:
    name = arguments.name
    if not (arguments.role or arguments.instruments):
        raise WrongUsage("say what is to change: --role ROLE, --instrument PATTERN, or both")
    if name == options.login(arguments).user:
        raise Error("nobody changes their own rights, so that an admin remains: let another admin do it")
    async with options.connected(arguments) as lab:
        before = (await accounts.people(lab)).get(name)
        if before is None:
            raise Error(f"user {name} does not exist: `list` shows what there is")
        rights = _rights(arguments.role or before.role, arguments.instruments or before.instruments)
        # First: who comes back after the broker has ended the sessions reads it.
        await lab.tell_rights(name, rights)
        await accounts.execute(lab, access.change_user(name, rights), "modifyClient", f"user {name}")
    document = {"user": name, "role": rights.role, "instruments": list(rights.instruments)}
    options.show(arguments, document, lambda: f"user {name} is now {_where(rights)}; open sessions have ended")
    return 0


def _rights(role: Role, instruments: Sequence[str] | None) -> Rights:
    try:
        return Rights(role=role, instruments=tuple(instruments or (EVERYTHING,)))
    except WireError as error:
        raise WrongUsage(str(error)) from error


def _where(rights: Rights) -> str:
    return f"{rights.role}" + ("" if rights.has_everything else f" of {', '.join(rights.instruments)}")


async def _list(arguments: Namespace) -> int:
    async with options.connected(arguments) as lab:
        found = sorted((await accounts.people(lab)).items())
    document = [
        {"user": user, "role": rights.role, "instruments": list(rights.instruments)}
        if rights
        else {"user": user, "role": "none", "instruments": []}
        for user, rights in found
    ]
    options.show(arguments, document, lambda: texts.table((user, _where(r) if r else "none") for user, r in found))
    return 0
