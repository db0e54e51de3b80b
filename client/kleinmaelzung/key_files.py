"""The files of a new key: a private one and its public half, both or neither, and never over another file."""

import os
from contextlib import suppress
from pathlib import Path

from kleinmaelzung.errors import Error


def check_free(*files: Path) -> None:
    """Raise Error, before a key is made, where one of its files is there already."""
    for file in files:
        if file.exists() or file.is_symlink():
            raise _exists(file)


def write_both(private: Path, secret: bytes, mode: int, public: Path, shown: bytes) -> None:
    """The private half with this mode, the public one for all to read. Raises Error."""
    _write(private, secret, mode)
    try:
        _write(public, shown, 0o644)
    except Error:
        private.unlink()
        raise


def _write(file: Path, content: bytes, mode: int) -> None:
    """All of it or nothing, never over another file, and never for a moment for others to read."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise _exists(file) from error
    except OSError as error:
        raise Error(f"{file} cannot be written: {error.strerror or error}") from error
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            os.fchmod(opened.fileno(), mode)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        with suppress(OSError):
            file.unlink()
        raise Error(f"{file} cannot be written: {error.strerror or error}") from error


def _exists(file: Path) -> Error:
    return Error(f"{file} exists already, and a key is never overwritten: name another file")
