"""A document in one piece: it grows beside its place and then takes it. What is there stays, unless by force."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kleinmaelzung import Error


def check(output: Path, sources: Mapping[str, Path | None], *, force: bool) -> None:
    """Raise Error, before anything is made, where `output` is one of its `sources` or is there already."""
    for what, source in sources.items():
        if source is not None and output.exists() and source.exists() and output.samefile(source):
            raise Error(f"{output} is {what} itself: name another file with -o")
    if (output.exists() or output.is_symlink()) and not force:
        raise _exists(output)


def read(file: Path, most: int) -> bytes:
    """Its bytes, or one more than it may have: of what is larger that is enough to say so. Raises Error."""
    try:
        with file.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise Error(f"{file} cannot be read: {error.strerror or error}") from error


def write(output: Path, content: bytes, *, force: bool) -> None:
    """All of it or nothing. Raises Error."""
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        if force:
            part.replace(output)
        else:
            _place(part, output)
    except FileExistsError as error:
        raise _exists(output) from error
    except OSError as error:
        raise Error(f"{output} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _place(part: Path, output: Path) -> None:
    """A link never takes a place that is taken; where the file system knows none, we look first."""
    try:
        os.link(part, output)
    except FileExistsError:
        raise
    except OSError:
        if output.exists():
            raise FileExistsError(output) from None
        part.replace(output)


def _exists(output: Path) -> Error:
    return Error(f"{output} exists already: name another file with -o, or replace it with --force")
