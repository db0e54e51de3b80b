"""The server's key on the command line: `kleinmaelzung agent key FILE` makes one, `--key` names it elsewhere."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import SettingsError, server_key
from kleinmaelzung.commands import options, texts

VARIABLE: Final = "KLEINMAELZUNG_SERVER_KEY"
BESIDE: Final = "server-key"  # where an installation keeps it: beside the admin's password
_NONE: Final = (
    f"which server key signs this? Give --key FILE or set {VARIABLE}. `kleinmaelzung agent key FILE` makes one, and its"
    " public half for the gateway (KLEINMAELZUNG_SERVER_PUBLIC_KEY_FILE), which gives it to agents at their enrolment"
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the key, secret; FILE.pub is its public half")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    key = server_key.make(arguments.file)
    public = server_key.public_file(arguments.file)
    document = {"file": str(arguments.file), "public": str(public), "fingerprint": key.fingerprint}
    options.show(arguments, document, lambda: _sentences(document))
    return 0


def _sentences(document: dict[str, Any]) -> str:
    return (
        f"{texts.plain(document['file'])}: the server key. Who has it can tell every agent what to run: keep it safe\n"
        f"{texts.plain(document['public'])}: its public half, for the gateway (KLEINMAELZUNG_SERVER_PUBLIC_KEY_FILE)\n"
        f"fingerprint {document['fingerprint']}"
    )


def add_option(parser: ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, metavar="FILE", help=f"the server key, which signs it (or {VARIABLE})")


def find(arguments: Namespace) -> Path:
    """The key's file: as it is named, or beside the password of who asks. Raises SettingsError."""
    found = _installed(arguments) if arguments.key is None else Path(arguments.key)
    if found is None:
        raise SettingsError(_NONE)
    return found


def public(arguments: Namespace) -> bytes | None:
    """The public half of the key that is found without --key; None where there is none. Raises SettingsError."""
    key = _installed(arguments)
    if key is None:
        return None
    file = server_key.public_file(key)
    return server_key.read_public(file) if file.exists() else server_key.open_key(key).public


def _installed(arguments: Namespace) -> Path | None:
    if named := os.environ.get(VARIABLE):
        return Path(named)
    password_file = options.login(arguments).password_file
    if password_file is not None and (beside := password_file.with_name(BESIDE)).exists():
        return beside
    return None
