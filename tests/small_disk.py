"""A file system so small that a test can fill it. Needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

BALLAST: Final = "ballast"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")


@contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Path]:
    """A directory of its own size, such as "4m". Raises CalledProcessError where it cannot be mounted."""
    directory.mkdir(parents=True, exist_ok=True)
    options = f"size={size},mode=700"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], check=True, capture_output=True, text=True
    )
    try:
        yield directory
    finally:
        # Lazily: a process that is still ending may hold it.
        subprocess.run(["umount", "--lazy", directory], check=True)


def fill(directory: Path) -> Path:
    """Leave no byte free, as another program would; returns the file that takes all the room."""
    assert directory.is_mount(), "never fill a disk of the machine"
    ballast = directory / BALLAST
    with ballast.open("ab", buffering=0) as file:
        block = 64 * 1024
        while block:
            try:
                file.write(bytes(block))
            except OSError:
                block //= 2
    return ballast
