"""A file that is there whole or not at all: it grows beside its place under another name, and then takes it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from kleinmaelzung import Error


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """What is written within the block is the file when the block ends; a block that raises leaves nothing behind.

    Raises Error where that is not possible. A file that was there before stays until then.
    """
    if path.is_dir():
        raise Error(f"{path} is a folder: name a file in it")
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                part.replace(path)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
    except OSError as error:
        raise Error(f"{path} cannot be written: {error.strerror or error}") from error
