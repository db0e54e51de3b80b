"""Accounts of a RabbitMQ cluster, where `kleinmaelzung user` has nothing to talk to: it has no dynamic security.

    python -m kleinmaelzung_rabbitmq first DIRECTORY       accounts to begin with: definitions.json, their secrets
    python -m kleinmaelzung_rabbitmq agent|service NAME    one more; prints its secret once
    python -m kleinmaelzung_rabbitmq user NAME --role ROLE [--instrument PATTERN]...      the same
    python -m kleinmaelzung_rabbitmq rights NAME --role ROLE [--instrument PATTERN]...    other rights, same password
    python -m kleinmaelzung_rabbitmq remove USER           such as anna or agent:pi-1

It runs rabbitmqctl, or what --control names ("docker exec -i rabbit-1 rabbitmqctl"). What a user may is also told to
each node by MQTT (--node mqtt://host:port, for each), where gateways read it before they ask: RabbitMQ ends the session
of whoever is refused.
"""

import argparse
import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kleinmaelzung_bus import session as bus
from kleinmaelzung_rabbitmq import definitions
from kleinmaelzung_wire import access, codec, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.rights import EVERYTHING, ROLES, Rights

CONTROL_S: Final = 60.0
# Not "-", for which RabbitMQ 4.0 looks for a file, and not nothing, for which it never begins.
IMPORT: Final = ("import_definitions", "/dev/stdin")


class Failed(Exception):
    """Something could not be done; the sentence says what."""


def main(given: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(given)
    try:
        match arguments.action:
            case "first":
                _write_first(arguments.directory)
            case "agent" | "service":
                _add(arguments)
            case "user" | "rights":
                _add_user(arguments)
            case "remove":
                _remove(arguments)
    except (Failed, WireError, ValueError, bus.BusError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kleinmaelzung_rabbitmq", description="Accounts at RabbitMQ")
    parser.add_argument("--control", default="rabbitmqctl", metavar="COMMAND", help="how rabbitmqctl is run")
    parser.add_argument("--node", action="append", default=[], metavar="URL", help="mqtt://host:port, for each node")
    parser.add_argument("--admin-password-file", type=Path, metavar="FILE", help="to tell the nodes what a user may")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="with mqtts://: trust this CA")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("first").add_argument("directory", type=Path, metavar="DIRECTORY")
    for action in ("agent", "service", "user", "rights", "remove"):
        chosen = actions.add_parser(action)
        chosen.add_argument("name", metavar="NAME")
        if action in ("user", "rights"):
            chosen.add_argument("--role", required=True, choices=ROLES)
            chosen.add_argument("--instrument", action="append", metavar="PATTERN", help="pi-1/balance, pi-1/+; all")
    return parser


def _write_first(directory: Path) -> None:
    """What the nodes' `load_definitions` names, and the secrets of those that are in it."""
    directory.mkdir(mode=0o700, parents=True)
    secrets = {name: access.make_secret() for name in ("admin", *access.SERVICES)}
    accounts = [definitions.service(name, secrets[name]) for name in access.SERVICES]
    accounts.append(definitions.user("admin", secrets["admin"], Rights(role="admin")))
    probe = access.make_secret()
    accounts.append(definitions.probe(probe))
    secrets["haproxy-check"] = f"tcp-check send-binary {definitions.probe_packet(probe).hex()}\n"
    secrets["definitions.json"] = json.dumps(definitions.together(accounts), indent=1)
    for name, content in secrets.items():
        path = directory / name
        path.touch(mode=0o600)
        path.write_text(content)


def _add(arguments: argparse.Namespace) -> None:
    secret = access.make_secret()
    make = definitions.agent if arguments.action == "agent" else definitions.service
    _import(arguments.control, make(arguments.name, secret))
    print(secret)


def _add_user(arguments: argparse.Namespace) -> None:
    name, secret = topics.check_name(arguments.name, "user"), access.make_secret()
    rights = Rights(role=arguments.role, instruments=tuple(arguments.instrument or [EVERYTHING]))
    made = definitions.user(name, secret, rights)
    if arguments.action == "rights":
        del made["users"]  # and with it the password
    _import(arguments.control, made)
    asyncio.run(_tell(arguments, name, rights.to_json().encode()))
    if arguments.action == "user":
        print(secret)
    else:
        # Sessions go on with what they were granted; rights that were asked for once are remembered as well.
        _control(arguments.control, "close_all_user_connections", name, "other rights")


def _remove(arguments: argparse.Namespace) -> None:
    _control(arguments.control, "delete_user", arguments.name)
    if ":" not in arguments.name:
        asyncio.run(_tell(arguments, arguments.name, b""))


def _import(control: str, made: dict[str, Any]) -> None:
    _control(control, *IMPORT, given=json.dumps(definitions.together([made])))


def _control(control: str, *words: str, given: str = "") -> None:
    command = [*shlex.split(control), "--quiet", *words]
    try:
        done = subprocess.run(command, input=given, text=True, capture_output=True, timeout=CONTROL_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command)}: no end within {CONTROL_S:g} s") from error
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")


async def _tell(arguments: argparse.Namespace, user: str, payload: bytes) -> None:
    """Retained at each node, for each keeps its own. Raises Failed, BusError."""
    if not arguments.node:
        raise Failed(f"{user}: done at the broker; name each --node, or gateways do not know what {user} may")
    if arguments.admin_password_file is None:
        raise Failed("--admin-password-file is missing: the nodes are told by admin")
    password = arguments.admin_password_file.read_text().strip()
    for url in arguments.node:
        broker = bus.Broker.from_url(url, user="admin", password=password, ca_file=arguments.ca_file)
        async with bus.connect(broker, client_id="admin:accounts", on_message=lambda message: None) as session:
            topic = topics.rights(user)
            await session.publish(topic, payload, retained=True, content_type=codec.CONTENT_TYPE_JSON)


if __name__ == "__main__":
    sys.exit(main())
