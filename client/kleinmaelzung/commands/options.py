"""What all commands share: --url, --user, --password-file, --json; the connection they stand for; and printing."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from kleinmaelzung import Lab, settings
from kleinmaelzung.connecting import connect_as
from kleinmaelzung_wire import codec


def add_to(parser: ArgumentParser) -> None:
    parser.add_argument("--url", help="the server, such as http://lab:8080 (or KLEINMAELZUNG_URL)")
    parser.add_argument("--user", help="who asks (or KLEINMAELZUNG_USER)")
    parser.add_argument("--password-file", metavar="FILE", help="holds the password (or KLEINMAELZUNG_PASSWORD_FILE)")
    parser.add_argument("--ca-file", metavar="FILE", help="the CA to trust with https (or KLEINMAELZUNG_CA_FILE)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def login(arguments: Namespace) -> settings.Login:
    return settings.find(
        arguments.url, arguments.user, password_file=arguments.password_file, ca_file=arguments.ca_file
    )


def connected(arguments: Namespace) -> AbstractAsyncContextManager[Lab]:
    return connect_as(login(arguments))


def show(arguments: Namespace, document: Any, text: Callable[[], str]) -> None:
    """Print the document with --json, else the text; at once, so that a closed pipe shows here and not at the end."""
    print(codec.to_json(document) if arguments.json else text())
    sys.stdout.flush()
