"""`--sign-with` and `--passphrase-file`: the key that signs, opened; whatever is wrong with it becomes a sentence.

The calibration documents are imported where they are used: a mere client has neither them nor pyHanko.
"""

import getpass
import stat
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Error, SettingsError

LONGEST: Final = 1024  # bytes of a passphrase, far beyond any


def add_to(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--sign-with", dest="key", type=Path, metavar="LAB.p12", help="sign it with this key: PKCS#12, .p12 or .pfx"
    )
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="opens the key; asked for unless told")


def opened(arguments: Namespace) -> Any:
    """The signing.Key that is named, or None; before anything is drawn, for its holder stands on the pages."""
    from kleinmaelzung_services.calibration import errors

    if arguments.key is None:
        return None
    from kleinmaelzung_services.calibration.documents import signing

    try:
        return signing.open_key(
            arguments.key, passphrase(arguments.passphrase_file, f"Passphrase of {arguments.key}: ")
        )
    except errors.CalibrationError as error:
        raise Error(str(error)) from error


def passphrase(file: Path | None, prompt: str, *, twice: bool = False) -> bytes:
    """From a file that nobody else can read, or from the terminal."""
    if file is not None:
        return _from_file(file)
    if not sys.stdin.isatty():
        raise SettingsError("no terminal to ask for the passphrase: give --passphrase-file")
    first = getpass.getpass(prompt)
    if not first or (twice and getpass.getpass("Once more: ") != first):
        raise SettingsError("the passphrases are empty or not the same: nothing was done")
    return first.encode()


def _from_file(file: Path) -> bytes:
    """Its first line."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise SettingsError(f"others can read the passphrase file {file} (mode {mode:04o}), run: chmod 600 {file}")
        with file.open("rb") as readable:
            line = readable.readline(LONGEST + 1)
    except OSError as error:
        raise SettingsError(f"the passphrase file {file} cannot be read: {error.strerror or error}") from error
    if len(line) > LONGEST:
        raise SettingsError(f"the first line of the passphrase file {file} has more than {LONGEST} bytes")
    if not (found := line.rstrip(b"\r\n")):
        raise SettingsError(f"the passphrase file {file} is empty, or its first line is")
    return found
